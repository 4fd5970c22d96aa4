"""Deletions (删除): what remains of a campaign, or of its ballots, after both are gone."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Deletion(Base):
    """One deletion; `what` is campaign or ballots. balance: the last count of slips and pages, before it.

    No foreign key: the campaign may be gone. Its number is never given again. The reason stands in the audit log.
    """

    __tablename__ = "deletion"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(200))
    year: Mapped[int]
    what: Mapped[str] = mapped_column(String(10))
    day: Mapped[date]
    actor: Mapped[str] = mapped_column(String(100))
    balance: Mapped[dict[str, Any]] = mapped_column(JSON)
