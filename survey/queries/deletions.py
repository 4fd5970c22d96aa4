"""Reads of deletions: which campaigns, or whose ballots, are gone, and the balance as it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from survey.extensions import db
from survey.models.deletions import Deletion

CAMPAIGN, BALLOTS = "campaign", "ballots"


@dataclass(frozen=True, kw_only=True)
class DeletionRow:
    """One deletion; what: `CAMPAIGN` or `BALLOTS`. balance: fields of `services.balance.Balance`."""

    campaign_id: int
    name: str
    year: int
    what: str
    day: date
    actor: str
    balance: Mapping[str, Any]


_COLUMNS = select(
    Deletion.campaign_id, Deletion.name, Deletion.year, Deletion.what, Deletion.day, Deletion.actor, Deletion.balance
)


def deletions() -> list[DeletionRow]:
    """Return every deletion, newest first."""
    return [DeletionRow(**row._mapping) for row in db.session.execute(_COLUMNS.order_by(Deletion.id.desc()))]


def deleted_ballots(connection: Connection, campaign_id: int) -> DeletionRow | None:
    """Return the deletion of a campaign's ballots, None while they are there."""
    mine = (Deletion.campaign_id == campaign_id) & (Deletion.what == BALLOTS)
    row = connection.execute(_COLUMNS.where(mine).order_by(Deletion.id).limit(1)).one_or_none()
    return None if row is None else DeletionRow(**row._mapping)
