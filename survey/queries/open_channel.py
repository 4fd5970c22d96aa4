"""Reads of the open channel: answers by day and quarter of a day."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Evaluation, RaterGroup
from survey.models.open_channel import OpenCount


@dataclass(frozen=True, kw_only=True)
class OpenDay:
    """Answers of the open links of a campaign on one day, in four bands of six hours from midnight."""

    day: date
    bands: tuple[int, int, int, int]

    @property
    def total(self) -> int:
        """All answers of the day."""
        return sum(self.bands)


def open_days(campaign_id: int) -> list[OpenDay]:
    """Return the days on which answers came by an open link of the campaign."""
    rows = db.session.execute(
        select(OpenCount.day, OpenCount.band, OpenCount.cast)
        .join(RaterGroup, RaterGroup.id == OpenCount.group_id)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id)
        .order_by(OpenCount.day)
    )
    found: dict[date, list[int]] = {}
    for day, band, cast in rows:
        found.setdefault(day, [0, 0, 0, 0])[band] += cast
    return [OpenDay(day=day, bands=(b[0], b[1], b[2], b[3])) for day, b in found.items()]
