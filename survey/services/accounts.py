"""Accounts (账号): adding, first passwords, switching off; a password is kept only as its argon2 hash."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.access import ROLES, SCHOOL_ROLE
from survey.database import transaction
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.organisations import School
from survey.services import approvals, audit, login_throttles, second_factors, sessions
from survey.services.passwords import check_new_password, first_password, hash_password, matches, today

Roles = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """An account and its one-time first password, shown once; `holder` is the name of the person or school."""

    account: str
    first_password: str
    school_code: str | None = None
    holder: str = ""


@dataclass(frozen=True, kw_only=True)
class Password:
    """A first password and its hash. Hashing takes a tenth of a second: always before a transaction, never inside."""

    text: str
    hash: str


def fresh_password() -> Password:
    """Return a new first password with its hash."""
    text = first_password()
    return Password(text=text, hash=hash_password(text))


def add_account(
    name: str, *, role: str, school_code: str | None = None, actor: str, grant: Roles | None = None
) -> NewAccount:
    """Add an account. grant: the roles that the actor may give, None for all.

    Raises BadInput (name, role, school), Conflict (name taken), Forbidden.
    """
    _check_grant(role, grant)
    password = fresh_password()
    with transaction() as session:
        made = insert_account(session, name, role=role, school_code=school_code, password=password)
        audit.record(session, actor=actor, action="account.add", subject=made.account, detail={"role": role})
    return made


def insert_account(
    session: Session, name: str, *, role: str, school_code: str | None = None, password: Password
) -> NewAccount:
    """Insert an account inside the caller's transaction."""
    name = name.strip()
    if not name or len(name) > 100:
        raise BadInput(_("An account needs a name of at most 100 characters."))
    if role not in ROLES:
        raise BadInput(_("There is no role %(role)s; the roles are %(known)s.", role=role, known=", ".join(ROLES)))
    if name in approvals.MACHINE:
        raise BadInput(_("The name %(name)s means the machine in the audit log; take another.", name=name))
    _check_school(session, role, school_code)
    if session.scalar(select(Account.id).where(Account.name == name)):
        raise Conflict(_("There is an account %(name)s already.", name=name))
    session.add(Account(name=name, password_hash=password.hash, role=role, school_code=school_code))
    session.flush()
    return NewAccount(account=name, first_password=password.text, school_code=school_code)


def _check_school(session: Session, role: str, school_code: str | None) -> None:
    if (role == SCHOOL_ROLE) != bool(school_code):
        raise BadInput(_("A school account needs a school code, and only a school account has one."))
    if school_code and session.get(School, school_code) is None:
        raise BadInput(_("There is no school %(code)s in the roster.", code=school_code))


def add_school_accounts(*, actor: str) -> list[NewAccount]:
    """Add one account for each school that has none yet, named after its code; return them with first passwords."""
    passwords = {code: fresh_password() for code in _schools_without(db.session())}
    with transaction() as session:
        still = set(_schools_without(session))
        made = [
            replace(
                insert_account(session, f"school-{code}", role=SCHOOL_ROLE, school_code=code, password=password),
                holder=session.get_one(School, code).name,
            )
            for code, password in passwords.items()
            if code in still
        ]
        audit.record(session, actor=actor, action="account.add_schools", detail={"added": len(made)})
    return made


def _schools_without(session: Session) -> list[str]:
    taken = select(Account.school_code).where(Account.school_code.is_not(None))
    query = select(School.code).where(~School.left, School.code.not_in(taken)).order_by(School.code)
    return list(session.scalars(query))


def reset_password(name: str, *, actor: str, grant: Roles | None = None) -> NewAccount:
    """Give an account a new first password; its sessions end, its locks too. Raises NotFound, Forbidden."""
    password = fresh_password()
    with transaction() as session:
        account = _find(session, name, grant)
        _set_password(session, account, password.hash)
        account.must_change, account.password_set = True, ""
        login_throttles.unlock(session, account.id)
        audit.record(session, actor=actor, action="account.reset", subject=name)
        return NewAccount(account=name, first_password=password.text, school_code=account.school_code)


def remove_second_factor(name: str, *, actor: str, grant: Roles | None = None) -> None:
    """Remove the second factor of an account whose phone is lost; its sessions end. Raises NotFound, Forbidden."""
    with transaction() as session:
        account = _find(session, name, grant)
        sessions.end_sessions(session, account.id)
        second_factors.remove_factor(session, account, actor=actor)


def set_active(name: str, active: bool, *, actor: str, grant: Roles | None = None) -> None:
    """Switch an account off, which ends its sessions, or on again; an account stays for the audit log's sake.

    Raises NotFound, Forbidden, Conflict (one's own account).
    """
    with transaction() as session:
        account = _find(session, name, grant)
        if name == actor:
            raise Conflict(_("You cannot switch off your own account."))
        account.active = active
        sessions.end_sessions(session, account.id)
        audit.record(session, actor=actor, action="account.on" if active else "account.off", subject=name)


def _find(session: Session, name: str, grant: Roles | None) -> Account:
    account = session.scalar(select(Account).where(Account.name == name).with_for_update())
    if account is None:
        raise NotFound(_("There is no account %(name)s.", name=name))
    _check_grant(account.role, grant)
    return account


def _check_grant(role: str, grant: Roles | None) -> None:
    if grant is not None and role in ROLES and role not in grant:
        raise Forbidden(_("Only the system administrator manages accounts of this role."))


def change_password(account_id: int, *, old: str, new: str) -> None:
    """Set an own password; all sessions of the account end. Raises BadInput (profile, same), Forbidden (old wrong)."""
    account = db.session.get_one(Account, account_id)
    check_new_password(new, account=account.name)
    if new == old:
        raise BadInput(_("The new password must differ from the old one."))
    known = account.password_hash
    right, replacement = matches(known, old), hash_password(new)
    with transaction() as session:
        account = session.get_one(Account, account_id, with_for_update=True)
        if not right or account.password_hash != known:
            raise Forbidden(_("The old password is not right."))
        _set_password(session, account, replacement)
        account.must_change, account.password_set = False, today().isoformat()
        audit.record(session, actor=account.name, action="account.password", subject=account.name)


def _set_password(session: Session, account: Account, password_hash: str) -> None:
    account.password_hash = password_hash
    sessions.end_sessions(session, account.id)


def account_rows(made: Iterable[NewAccount]) -> list[tuple[str, str, str, str]]:
    """Return rows for the Excel of first passwords: school code, name of person or school, account, first password."""
    return [(new.school_code or "", new.holder, new.account, new.first_password) for new in made]
