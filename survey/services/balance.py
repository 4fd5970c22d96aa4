"""The balance (平衡): what was issued, begun, cast, waits, was mixed; counters against the rows themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from survey.database import is_sqlite, one_moment
from survey.extensions import db
from survey.models.ballots import ballot, cast_mark, inbox, slip, voided_page
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup
from survey.models.tokens import token_issue
from survey.queries.balances import counted_pages
from survey.queries.deletions import deleted_ballots


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Counts of one campaign. Slips: issued = begun + unused + voided. Pages: cast = waiting + mixed + voided pages.

    counted: pages in the tally, which are the mixed ones; None before the count.
    """

    campaign: int
    issued: int
    begun: int
    unused: int
    voided: int
    cast: int
    waiting: int
    mixed: int
    voided_pages: int
    counted: int | None
    faults: tuple[str, ...]


def balance_of(campaign_id: int) -> Balance:
    """Count one campaign both ways: by its counters and by its rows; `faults` names every difference.

    Everything is counted in one snapshot, so that a look while people vote is as exact as one at night.
    """
    with _snapshot() as connection:
        return _balance(connection, campaign_id)


def _snapshot() -> Connection:
    """Return a connection whose statements all see the same moment (SQLite's read transactions always do)."""
    connection = db.engine.connect()
    return connection if is_sqlite() else one_moment(connection)


def _balance(connection: Connection, campaign_id: int) -> Balance:
    gone = deleted_ballots(connection, campaign_id)
    return _last_balance(connection, campaign_id, gone.balance) if gone else _counted(connection, campaign_id)


def _last_balance(connection: Connection, campaign_id: int, last: Mapping[str, Any]) -> Balance:
    """Return the balance as it was before the ballots were deleted; a fault if some of them are still there."""
    left = {name: number for name, number in _rows(connection, campaign_id).items() if number}
    return Balance(**{**last, "faults": tuple(f"deleted, but there: {number} {name}" for name, number in left.items())})


def _counted(connection: Connection, campaign_id: int) -> Balance:
    counters, rows = _counters(connection, campaign_id), _rows(connection, campaign_id)
    differing = (name for name in _COUNTED if counters[name] != rows[name])
    faults = [f"{name}: {counters[name]} counted, {rows[name]} there" for name in differing]
    tallied = counted_pages(connection, campaign_id)
    counted = None if tallied is None else sum(tallied.values())
    if counted not in (None, rows["mixed"]):
        faults.append(f"counted pages: {counted} in the tally, {rows['mixed']} mixed")
    unused = rows["issued"] - rows["begun"] - rows["voided"]
    if unused < 0:
        faults.append(f"unused slips: {unused}")
    faults += [f"{code}: more tokens handed in than signed" for code in _forged(connection, campaign_id)]
    if rows["voided and begun"]:
        faults.append(f"voided slips that were begun: {rows['voided and begun']}")
    return Balance(
        campaign=campaign_id,
        unused=unused,
        cast=counters["cast"],
        voided_pages=counters["voided pages"],
        counted=counted,
        faults=tuple(faults),
        **{name: rows[name] for name in _SHOWN},
    )


_SHOWN = ("issued", "voided", "begun", "waiting", "mixed")
_COUNTED = (*_SHOWN, "voided pages")


def _groups(campaign_id: int) -> Select[Any]:
    return select(RaterGroup.id).join(Evaluation).where(Evaluation.campaign_id == campaign_id)


def _slip_groups(campaign_id: int, *kinds: str) -> Select[Any]:
    return _groups(campaign_id).where(RaterGroup.kind.in_(kinds or ("slip", "token")))


def _forged(connection: Connection, campaign_id: int) -> list[str]:
    """Return the groups with more tokens handed in than rights given: somebody else signs with the key."""
    all_ = select(func.count()).where(slip.c.group_id == RaterGroup.id)
    handed_in, valid = all_.scalar_subquery(), all_.where(~slip.c.voided).scalar_subquery()
    groups = _slip_groups(campaign_id, "token")
    forged = (handed_in > RaterGroup.issued) | (valid > RaterGroup.issued - RaterGroup.voided)
    return list(connection.scalars(select(RaterGroup.code).where(RaterGroup.id.in_(groups), forged)))


def _counters(connection: Connection, campaign_id: int) -> dict[str, int]:
    slips = connection.execute(
        select(func.sum(RaterGroup.issued), func.sum(RaterGroup.voided), func.sum(RaterGroup.begun)).where(
            RaterGroup.id.in_(_slip_groups(campaign_id))
        )
    ).one()
    pages = connection.execute(
        select(func.sum(GroupCount.cast), func.sum(GroupCount.mixed), func.sum(GroupCount.voided)).where(
            GroupCount.group_id.in_(_groups(campaign_id))
        )
    ).one()
    issued, voided, begun, cast, mixed, voided_pages = (int(value or 0) for value in (*slips, *pages))
    return {
        "issued": issued,
        "voided": voided,
        "begun": begun,
        "cast": cast,
        "mixed": mixed,
        "voided pages": voided_pages,
        "waiting": cast - mixed - voided_pages,
    }


def _rows(connection: Connection, campaign_id: int) -> dict[str, int]:
    slips, groups = _slip_groups(campaign_id), _groups(campaign_id)
    made = select(func.count()).select_from(slip).where(slip.c.group_id.in_(slips))
    begun = exists().where(cast_mark.c.hmac == slip.c.hmac)
    printed = select(func.count()).select_from(slip).where(slip.c.group_id.in_(_slip_groups(campaign_id, "slip")))
    tokens = select(func.count()).where(token_issue.c.group_id.in_(_slip_groups(campaign_id, "token")))
    # A token that was fetched but never handed in is no slip, yet voided with its electorate.
    voided = printed.where(slip.c.voided).scalar_subquery() + tokens.where(token_issue.c.voided > 0).scalar_subquery()
    queries = {
        "issued": select(printed.scalar_subquery() + tokens.scalar_subquery()),
        "voided": select(voided),
        "begun": made.where(begun),
        "voided and begun": made.where(slip.c.voided, begun),
        "waiting": select(func.count()).select_from(inbox).where(inbox.c.group_id.in_(groups)),
        "mixed": select(func.count()).select_from(ballot).where(ballot.c.group_id.in_(groups)),
        "voided pages": select(func.count()).select_from(voided_page).where(voided_page.c.group_id.in_(groups)),
    }
    return {name: connection.scalar(query) or 0 for name, query in queries.items()}


def balances() -> list[Balance]:
    """Return the balance of every campaign."""
    return [balance_of(campaign_id) for campaign_id in db.session.scalars(select(Campaign.id).order_by(Campaign.id))]
