"""Accounts (账号): adding, first passwords, logging in; a password is kept only as its argon2 hash."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.access import ROLES, SCHOOL_ROLE
from survey.database import transaction
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.organisations import School
from survey.services import audit

SHORTEST_PASSWORD = 10
MOST_FAILURES = 5
LOCK = timedelta(minutes=15)
# Letters that cannot be mistaken on paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_hasher = PasswordHasher()
# Checked when no such account exists, so that both answers take the same time.
_NOBODY = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """An account and its one-time first password, shown once."""

    account: str
    first_password: str
    school_code: str | None = None


def first_password() -> str:
    """Return a random first password: three groups of five letters, 74 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


@dataclass(frozen=True, kw_only=True)
class Password:
    """A first password and its hash. Hashing takes a tenth of a second: always before a transaction, never inside."""

    text: str
    hash: str


def fresh_password() -> Password:
    """Return a new first password with its hash."""
    text = first_password()
    return Password(text=text, hash=_hasher.hash(text))


def add_account(name: str, *, role: str, school_code: str | None = None, actor: str) -> NewAccount:
    """Add an account; raises BadInput (name, role, school), Conflict (name taken)."""
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
    _check_school(session, role, school_code)
    if session.scalar(select(Account.id).where(Account.name == name)):
        raise Conflict(_("There is an account %(name)s already.", name=name))
    stamp = secrets.token_hex(16)
    session.add(
        Account(name=name, password_hash=password.hash, role=role, school_code=school_code, session_stamp=stamp)
    )
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
            insert_account(session, f"school-{code}", role=SCHOOL_ROLE, school_code=code, password=password)
            for code, password in passwords.items()
            if code in still
        ]
        audit.record(session, actor=actor, action="account.add_schools", detail={"added": len(made)})
    return made


def _schools_without(session: Session) -> list[str]:
    taken = select(Account.school_code).where(Account.school_code.is_not(None))
    query = select(School.code).where(~School.left, School.code.not_in(taken)).order_by(School.code)
    return list(session.scalars(query))


def reset_password(name: str, *, actor: str) -> NewAccount:
    """Give an account a new first password; its open sessions end. Raises NotFound."""
    password = fresh_password()
    with transaction() as session:
        account = session.scalar(select(Account).where(Account.name == name))
        if account is None:
            raise NotFound(_("There is no account %(name)s.", name=name))
        _set_password(account, password.hash, must_change=True)
        account.failures, account.locked_until = 0, ""
        audit.record(session, actor=actor, action="account.reset", subject=name)
        return NewAccount(account=name, first_password=password.text, school_code=account.school_code)


def _set_password(account: Account, password_hash: str, *, must_change: bool) -> None:
    account.password_hash = password_hash
    account.must_change = must_change
    account.session_stamp = secrets.token_hex(16)


def change_password(account_id: int, *, old: str, new: str) -> str:
    """Set a new password; return the new session stamp. Raises BadInput (too short, same), Forbidden (old wrong)."""
    if len(new) < SHORTEST_PASSWORD or len(new) > 200:
        raise BadInput(_("The new password needs at least %(length)s characters.", length=SHORTEST_PASSWORD))
    if new == old:
        raise BadInput(_("The new password must differ from the old one."))
    known = db.session.get_one(Account, account_id).password_hash
    right, replacement = _matches(known, old), _hasher.hash(new)
    with transaction() as session:
        account = session.get_one(Account, account_id, with_for_update=True)
        if not right or account.password_hash != known:
            raise Forbidden(_("The old password is not right."))
        _set_password(account, replacement, must_change=False)
        audit.record(session, actor=account.name, action="account.password", subject=account.name)
        return account.session_stamp


def log_in(name: str, password: str) -> Account | None:
    """Return the account if name and password are right and it is not locked, else None; counts failures."""
    found = select(Account).where(Account.name == name.strip().replace("\0", ""), Account.active)
    account = db.session.scalar(found)
    known = _NOBODY if account is None else account.password_hash
    right = _matches(known, password)
    if account is None:
        return None
    with transaction() as session:
        account = session.scalar(found.with_for_update().execution_options(populate_existing=True))
        if account is None or account.password_hash != known or account.locked_until > _now().isoformat():
            return None
        _count_attempt(account, right=right)
        action = "account.login" if right else "account.login_failed"
        audit.record(session, actor=account.name, action=action, subject=account.name)
    return account if right else None


def _count_attempt(account: Account, *, right: bool) -> None:
    account.failures = 0 if right else account.failures + 1
    if account.failures >= MOST_FAILURES:
        account.failures, account.locked_until = 0, (_now() + LOCK).isoformat()


def _now() -> datetime:
    return datetime.now(UTC)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def account_rows(made: Iterable[NewAccount]) -> list[tuple[str, str, str]]:
    """Return rows for the Excel of first passwords: school code, account, first password."""
    return [(new.school_code or "", new.account, new.first_password) for new in made]
