"""Questionnaires (测评表) as loaded rows; the text stands in both languages in one frozen document."""

from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class QuestionnaireVersion(Base):
    """One version of a questionnaire; `frozen` once a campaign that uses it has opened."""

    __tablename__ = "questionnaire"
    __table_args__ = (UniqueConstraint("code", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    relation: Mapped[str] = mapped_column(String(40), default="")
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    frozen: Mapped[bool] = mapped_column(default=False)
