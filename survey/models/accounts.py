"""Accounts (账号) of the desk with their sessions, failed logins and recovery codes; respondents have none."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Account(Base):
    """A person of the bureau or of a school who logs in; `role` is a key of `survey.access.ROLES`.

    password_set: day (UTC) of the last own password, "" while the first one stands. totp_secret: encrypted under a key
    of the instance, None without a second factor. totp_step: the last used time step, which is never taken twice.
    """

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    school_code: Mapped[str | None] = mapped_column(String(40))
    # 工号 of a teacher or principal who fetches voting tokens; one account for each.
    staff_code: Mapped[str | None] = mapped_column(String(40), unique=True)
    must_change: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    password_set: Mapped[str] = mapped_column(String(10), default="")
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)


class DeskSession(Base):
    """A session at the desk. id: HMAC of the 128-bit random id that only the browser knows; moments are ISO, UTC."""

    __tablename__ = "desk_session"
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    begun_at: Mapped[str] = mapped_column(String(40))
    seen_at: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(60))
    browser: Mapped[str] = mapped_column(String(200))


class LoginThrottle(Base):
    """Failed logins under one key: an account from one address, an account, or an address.

    key: HMAC, so that neither addresses nor mistyped names stand here. account_id: of a pair, if the account exists.
    known_until: until when a pair counts as the account's usual place, "" if it never logged in from there.
    """

    __tablename__ = "login_throttle"
    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    failures: Mapped[int] = mapped_column(default=0)
    since: Mapped[str] = mapped_column(String(40), default="", index=True)
    locked_until: Mapped[str] = mapped_column(String(40), default="")
    known_until: Mapped[str] = mapped_column(String(40), default="")


class RecoveryCode(Base):
    """An unused recovery code of an account's second factor, as HMAC; using it deletes the row."""

    __tablename__ = "recovery_code"
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
