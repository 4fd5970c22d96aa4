"""Jobs: long work with progress, run by the one worker process."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Job(Base):
    """A piece of long work; `state` is waiting, running, done or failed; its progress stands in a file."""

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    message: Mapped[str] = mapped_column(String(500), default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    account: Mapped[str] = mapped_column(String(100))
    queued_at: Mapped[str] = mapped_column(String(40))
