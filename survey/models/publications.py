"""Results made public (公示): what outsiders are shown, as it was prepared, and as it is out."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Publication(Base):
    """The outsiders' view of a released campaign.

    prepared: the document as it would go out, with its SHA-256 `digest`, so that what is published is what somebody
    looked at. published: the document that is out, None while nothing is. feedback: the bureau's plain text.
    """

    __tablename__ = "publication"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    prepared: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    digest: Mapped[str] = mapped_column(String(64), default="")
    published: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    published_at: Mapped[str] = mapped_column(String(40), default="")
    published_by: Mapped[str] = mapped_column(String(100), default="")
    feedback: Mapped[str] = mapped_column(Text, default="")
