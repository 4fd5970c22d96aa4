"""Reads of accounts: who is logged in, and the officer's list."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from survey.extensions import db
from survey.models.accounts import Account
from survey.models.organisations import School


@dataclass(frozen=True, kw_only=True)
class User:
    """The account behind a session; the attributes that Flask-Login asks for are constant."""

    id: int
    name: str
    role: str
    school_code: str | None
    must_change: bool
    stamp: str

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session keeps: a new password changes the stamp, and sessions opened before it end."""
        return f"{self.id}:{self.stamp}"


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """An account in the officer's list."""

    name: str
    role: str
    school_code: str | None
    school_name: str | None
    must_change: bool
    active: bool
    locked: bool


_USER = select(
    Account.id,
    Account.name,
    Account.role,
    Account.school_code,
    Account.must_change,
    Account.session_stamp.label("stamp"),
).where(Account.active)


def find_user(key: str) -> User | None:
    """Return the active account of a session key as `User.get_id` gives it, or None when its password has changed."""
    number, _, stamp = key.partition(":")
    if not number.isdecimal() or len(number) > 9:
        return None
    return _user(_USER.where(Account.id == int(number), Account.session_stamp == stamp))


def find_user_by_name(name: str) -> User | None:
    """Return the active account of that name."""
    return _user(_USER.where(Account.name == name))


def _user(query: Any) -> User | None:
    row = db.session.execute(query).one_or_none()
    return None if row is None else User(**row._mapping)


def list_accounts() -> list[AccountRow]:
    """Return every account: the bureau's first, then by school."""
    now = datetime.now(UTC).isoformat()
    rows = db.session.execute(
        select(Account, School.name.label("school_name"))
        .outerjoin(School, School.code == Account.school_code)
        .order_by(Account.school_code.is_not(None), Account.school_code, Account.name)
    )
    return [
        AccountRow(
            name=account.name,
            role=account.role,
            school_code=account.school_code,
            school_name=school_name,
            must_change=account.must_change,
            active=account.active,
            locked=account.locked_until > now,
        )
        for account, school_name in rows
    ]


def schools_without_account() -> int:
    """Return how many schools of the roster have no account yet."""
    taken = select(Account.school_code).where(Account.school_code.is_not(None))
    query = select(func.count()).select_from(School).where(~School.left, School.code.not_in(taken))
    return db.session.scalar(query) or 0
