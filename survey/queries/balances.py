"""The public balance (平衡): slips, pages and counted ballots of a closed campaign by relation, from the counters."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import Connection, case, func, select

from survey.extensions import db
from survey.models.campaigns import Evaluation, GroupCount
from survey.models.results import Tally, TallyScale
from survey.queries.turnout import RelationTurnout, relation_turnout

ALL_TARGETS = 0
# Everybody may ask: one count in this time is enough for all.
KEPT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class BalanceRow:
    """One relation: its counters, and the pages in the tally (None before the count)."""

    counters: RelationTurnout
    counted: int | None

    @property
    def holds(self) -> bool:
        """Whether the three equations are true of these numbers."""
        numbers = self.counters
        rest = numbers.unused >= 0 and numbers.waiting >= 0
        return rest and self.counted in (None, numbers.mixed)


def public_balance(campaign_id: int) -> Sequence[BalanceRow]:
    """Return the balance of every relation of a campaign, at most a minute old."""
    known = current_app.extensions.setdefault("wuping.balances", {})
    moment, rows = known.get(campaign_id, (0.0, ()))
    if not rows or time.monotonic() > moment + KEPT_SECONDS:
        counted = counted_pages(db.session.connection(), campaign_id)
        rows = [
            BalanceRow(counters=row, counted=counted.get(row.relation, 0) if counted is not None else None)
            for row in relation_turnout(campaign_id)
        ]
        known[campaign_id] = (time.monotonic(), rows)
    return list(rows)


def counted_pages(connection: Connection, campaign_id: int) -> dict[str, int] | None:
    """Return how many pages the tally of each relation holds; None before the count.

    A page of all targets stands in the tally once for each of them, and is one page here.
    """
    evaluations = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id)
    if connection.scalar(select(func.count()).where(TallyScale.evaluation_id.in_(evaluations))) == 0:
        return None
    whole = select(GroupCount.group_id).where(GroupCount.target_id == ALL_TARGETS)
    pages = case((Tally.group_id.in_(whole), func.max(Tally.ballots)), else_=func.sum(Tally.ballots)).label("pages")
    groups = select(Tally.evaluation_id, pages).where(Tally.evaluation_id.in_(evaluations))
    of_group = groups.group_by(Tally.evaluation_id, Tally.group_id).subquery()
    rows = connection.execute(
        select(Evaluation.relation, func.sum(of_group.c.pages))
        .join(of_group, of_group.c.evaluation_id == Evaluation.id)
        .group_by(Evaluation.relation)
    )
    return {relation: int(number) for relation, number in rows}
