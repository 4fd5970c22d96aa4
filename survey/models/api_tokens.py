"""Access tokens of the read interface (读接口令牌): who made them for what, never the token itself."""

from typing import Any

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class ApiToken(Base):
    """A right to read released results by program, until its last day or until it is revoked, which deletes the row.

    digest: HMAC of the token under a key of the instance. view: bureau, school or public; school_code: of a school's.
    campaigns: the ids it is limited to, empty for all. last_day: ISO day in Shanghai.
    """

    __tablename__ = "api_token"
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    view: Mapped[str] = mapped_column(String(10))
    school_code: Mapped[str | None] = mapped_column(String(40))
    campaigns: Mapped[list[Any]] = mapped_column(JSON)
    made_by: Mapped[str] = mapped_column(String(100))
    last_day: Mapped[str] = mapped_column(String(10))
