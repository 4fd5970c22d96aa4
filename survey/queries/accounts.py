"""Reads of accounts: who is logged in, and the officer's list."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select

from survey.extensions import db
from survey.models.accounts import Account, DeskSession, LoginThrottle
from survey.models.organisations import School, Teacher
from survey.queries.paging import find_place

ROWS = 100


@dataclass(frozen=True, kw_only=True)
class User:
    """The account behind a session; the attributes that Flask-Login asks for are constant.

    session: key of the session's row. first_password: it must be changed. expired: so must this one, by the profile.
    must_enrol: the settings ask for a second factor that is not there yet.
    """

    id: int
    name: str
    role: str
    school_code: str | None
    first_password: bool
    password_set: str
    has_second_factor: bool
    session: bytes
    expired: bool = False
    must_enrol: bool = False

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def must_change(self) -> bool:
        """Whether a new password comes before anything else."""
        return self.first_password or self.expired

    @property
    def blocked(self) -> bool:
        """Whether something must be done at the account before anything else."""
        return self.must_change or self.must_enrol


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """An account in the officer's list; `person` is whom a teacher's account is bound to."""

    name: str
    role: str
    person: str | None
    school_code: str | None
    school_name: str | None
    must_change: bool
    active: bool
    locked: bool
    has_second_factor: bool


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """One page of accounts; `total` counts all that match, `page` and `pages` start at 1."""

    rows: tuple[AccountRow, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """A session in its owner's list; `handle` names it in forms and opens nothing; moments are ISO in UTC."""

    handle: str
    begun_at: str
    seen_at: str
    address: str
    browser: str
    current: bool


def find_user_by_session(key: bytes, *, begun_after: str, seen_after: str) -> tuple[User, str] | None:
    """Return the active account of a session that has not ended, and when the session was last seen (ISO, UTC)."""
    query = (
        select(
            Account.id,
            Account.name,
            Account.role,
            Account.school_code,
            Account.must_change.label("first_password"),
            Account.password_set,
            Account.totp_secret.is_not(None).label("has_second_factor"),
            DeskSession.id.label("session"),
            DeskSession.seen_at,
        )
        .join(DeskSession, DeskSession.account_id == Account.id)
        .where(DeskSession.id == key, Account.active)
        .where(DeskSession.begun_at > begun_after, DeskSession.seen_at > seen_after)
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    seen_at = values.pop("seen_at")
    return User(**values), seen_at


def list_sessions(user: User, *, begun_after: str, seen_after: str) -> list[SessionRow]:
    """Return the sessions of an account that have not ended, the one used last first."""
    rows = db.session.scalars(
        select(DeskSession)
        .where(DeskSession.account_id == user.id)
        .where(DeskSession.begun_at > begun_after, DeskSession.seen_at > seen_after)
        .order_by(DeskSession.seen_at.desc())
    )
    return [
        SessionRow(
            handle=bytes(row.id).hex(),
            begun_at=row.begun_at,
            seen_at=row.seen_at,
            address=row.address,
            browser=row.browser,
            current=bytes(row.id) == bytes(user.session),
        )
        for row in rows
    ]


def account_id(name: str) -> int | None:
    """Return the id of the account of that name."""
    return db.session.scalar(select(Account.id).where(Account.name == name))


def must_change(account_id: int) -> bool:
    """Tell whether an account still has its first password."""
    return bool(db.session.scalar(select(Account.must_change).where(Account.id == account_id)))


def confirming_accounts(roles: Collection[str]) -> int:
    """Return how many active accounts have one of these roles."""
    query = select(func.count()).select_from(Account).where(Account.active, Account.role.in_(roles))
    return db.session.scalar(query) or 0


def list_accounts(search: str = "", *, page: int = 1) -> AccountPage:
    """Return one page of the accounts, at most `ROWS`: the bureau's first, then by school; a page too far is the last.

    search: part of an account's name, of its person's name, or of its school's name.
    """
    matching = _accounts().where(_matches(search)) if search else _accounts()
    total = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    place = find_place(total, page=page, size=ROWS)
    # In a school its own account, then its people's.
    query = matching.order_by(School.code.is_not(None), School.code, Account.school_code.is_(None), Account.name)
    rows = db.session.execute(query.limit(ROWS).offset(place.start))
    shown = tuple(AccountRow(**row._mapping) for row in rows)
    return AccountPage(rows=shown, total=total, page=place.page, pages=place.pages)


def _accounts() -> Select[*tuple[Any, ...]]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    locked = exists().where(LoginThrottle.account_id == Account.id, LoginThrottle.locked_until > now)
    return (
        select(
            Account.name,
            Account.role,
            Teacher.name.label("person"),
            School.code.label("school_code"),
            School.name.label("school_name"),
            Account.must_change,
            Account.active,
            locked.label("locked"),
            Account.totp_secret.is_not(None).label("has_second_factor"),
        )
        .outerjoin(Teacher, Teacher.code == Account.staff_code)
        .outerjoin(School, School.code == func.coalesce(Account.school_code, Teacher.school_code))
    )


def _matches(search: str) -> ColumnElement[bool]:
    names = (Account.name, Teacher.name, School.name)
    return or_(*(name.icontains(search, autoescape=True) for name in names))


def schools_without_account() -> int:
    """Return how many schools of the roster have no account yet."""
    taken = select(Account.school_code).where(Account.school_code.is_not(None))
    query = select(func.count()).select_from(School).where(~School.left, School.code.not_in(taken))
    return db.session.scalar(query) or 0
