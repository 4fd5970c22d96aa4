"""Accounts (账号) of the desk; respondents have none."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Account(Base):
    """A person of the bureau or of a school who logs in; `role` is a key of `survey.access.ROLES`."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    school_code: Mapped[str | None] = mapped_column(String(40))
    must_change: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    # Changes with every new password: sessions opened before it end.
    session_stamp: Mapped[str] = mapped_column(String(40), default="")
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[str] = mapped_column(String(40), default="")
