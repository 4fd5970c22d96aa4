"""The balance (平衡): what was issued, begun, cast, waits, was mixed; counters against the rows themselves."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from survey.extensions import db
from survey.models.ballots import ballot, cast_mark, inbox, slip
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Counts of one campaign. Slips: issued = begun + unused + voided. Pages: cast = waiting + mixed + voided pages."""

    campaign: int
    issued: int
    begun: int
    unused: int
    voided: int
    cast: int
    waiting: int
    mixed: int
    voided_pages: int
    faults: tuple[str, ...]


def balance_of(campaign_id: int) -> Balance:
    """Count one campaign both ways: by its counters and by its rows; `faults` names every difference."""
    groups = select(RaterGroup.id).join(Evaluation).where(Evaluation.campaign_id == campaign_id)
    slips = groups.where(RaterGroup.kind == "slip")
    issued, voided, begun = db.session.execute(
        select(func.sum(RaterGroup.issued), func.sum(RaterGroup.voided), func.sum(RaterGroup.begun)).where(
            RaterGroup.id.in_(slips)
        )
    ).one()
    cast, mixed, voided_pages = db.session.execute(
        select(func.sum(GroupCount.cast), func.sum(GroupCount.mixed), func.sum(GroupCount.voided)).where(
            GroupCount.group_id.in_(groups)
        )
    ).one()
    rows = {
        "issued": _number(select(func.count()).select_from(slip).where(slip.c.group_id.in_(slips))),
        "voided": _number(select(func.count()).select_from(slip).where(slip.c.group_id.in_(slips), slip.c.voided)),
        "begun": _number(_begun(slips)),
        "waiting": _number(select(func.count()).select_from(inbox).where(inbox.c.group_id.in_(groups))),
        "mixed": _number(select(func.count()).select_from(ballot).where(ballot.c.group_id.in_(groups))),
    }
    counters = {"issued": issued or 0, "voided": voided or 0, "begun": begun or 0, "mixed": mixed or 0}
    counters["waiting"] = (cast or 0) - (mixed or 0) - (voided_pages or 0)
    faults = [f"{name}: {counters[name]} counted, {rows[name]} there" for name in rows if counters[name] != rows[name]]
    unused = rows["issued"] - rows["begun"] - rows["voided"]
    if unused < 0:
        faults.append(f"unused slips: {unused}")
    return Balance(
        campaign=campaign_id,
        issued=rows["issued"],
        begun=rows["begun"],
        unused=unused,
        voided=rows["voided"],
        cast=cast or 0,
        waiting=rows["waiting"],
        mixed=rows["mixed"],
        voided_pages=voided_pages or 0,
        faults=tuple(faults),
    )


def balances() -> list[Balance]:
    """Return the balance of every campaign."""
    return [balance_of(campaign_id) for campaign_id in db.session.scalars(select(Campaign.id).order_by(Campaign.id))]


def _begun(slips: Select[Any]) -> Select[Any]:
    return (
        select(func.count(func.distinct(cast_mark.c.hmac)))
        .select_from(cast_mark)
        .join(slip, slip.c.hmac == cast_mark.c.hmac)
        .where(slip.c.group_id.in_(slips))
    )


def _number(query: Select[Any]) -> int:
    return db.session.scalar(query) or 0
