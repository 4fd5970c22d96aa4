"""Replies of rated persons (本人说明) to their released results: every version is kept, the newest is shown."""

from datetime import date

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class TargetReply(Base):
    """One version of what a rated person says; version counts from 1, an empty text takes the reply back."""

    __tablename__ = "target_reply"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    target_code: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    day: Mapped[date]
