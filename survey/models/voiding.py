"""Voidings (作废重测): which units were voided, for everybody to read; the reason stands in the audit log only."""

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Voiding(Base):
    """One voiding: a group (`group_code`), or all groups of a school in a relation (`group_code` "").

    pages, slips: how many were voided. again: whether new slips were made, so that the unit votes once more.
    """

    __tablename__ = "voiding"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    relation: Mapped[str] = mapped_column(String(40))
    school_code: Mapped[str] = mapped_column(String(40), default="")
    group_code: Mapped[str] = mapped_column(String(200), default="")
    name: Mapped[str] = mapped_column(String(400))
    day: Mapped[date]
    pages: Mapped[int]
    slips: Mapped[int]
    again: Mapped[bool]
