"""Requests for a second person (两人确认) in campaigns that were made with `two_person`."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class ApprovalRequest(Base):
    """Who asked for what, and who else confirmed it; `state` is waiting, confirmed, used, or withdrawn.

    digest: SHA-256 of the detail, so that what is done is what was confirmed.
    """

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_campaign", "campaign_id", "action"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    action: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    asked_by: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[str] = mapped_column(String(40))
    decided_by: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[str] = mapped_column(String(40), default="")
