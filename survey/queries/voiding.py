"""Reads of voidings: which units were voided, for the desk with numbers, for everybody by name and day."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from survey.extensions import db
from survey.models.voiding import Voiding


@dataclass(frozen=True, kw_only=True)
class VoidingRow:
    """One voiding; again: whether the unit got new slips."""

    relation: str
    name: str
    day: date
    pages: int
    slips: int
    again: bool


def voidings(campaign_id: int) -> list[VoidingRow]:
    """Return the voidings of a campaign, in the order in which they were done."""
    columns = (Voiding.relation, Voiding.name, Voiding.day, Voiding.pages, Voiding.slips, Voiding.again)
    rows = db.session.execute(select(*columns).where(Voiding.campaign_id == campaign_id).order_by(Voiding.id))
    return [VoidingRow(**row._mapping) for row in rows]
