"""Reads of the notices (告知书): what a campaign asks of whom, for everybody, from the day it is ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.sealed_boxes import SealedBox

SHOWN = ("ready", "open", "closed", "tallied", "released", "archived")
CHILD = "child"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One relation of a campaign: how its raters come (slip, token, open), and whether children are among them."""

    relation: str
    kinds: tuple[str, ...]
    children: bool


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a notice says of a campaign. fingerprint: of the sealed box's key, "" without one."""

    campaign_id: int
    name: str
    first_day: date
    last_day: date
    sealed: bool
    fingerprint: str
    asked: Sequence[Asked]

    @property
    def by_token(self) -> bool:
        """Whether somebody votes by a blind-signed token."""
        return any("token" in asked.kinds for asked in self.asked)


def find_notice(campaign_id: int) -> Notice:
    """Return the notice of a campaign that is no draft; raises NotFound."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.state not in SHOWN:
        raise NotFound(_("This page does not exist."))
    box = db.session.get(SealedBox, campaign_id) if campaign.sealed else None
    return Notice(
        campaign_id=campaign.id,
        name=campaign.name,
        first_day=campaign.first_day,
        last_day=campaign.last_day,
        sealed=campaign.sealed,
        fingerprint=box.fingerprint if box else "",
        asked=_asked(campaign_id),
    )


def _asked(campaign_id: int) -> list[Asked]:
    rows = db.session.execute(
        select(Evaluation.id, Evaluation.relation, RaterGroup.kind, RaterGroup.variant)
        .join(RaterGroup, RaterGroup.evaluation_id == Evaluation.id)
        .where(Evaluation.campaign_id == campaign_id, RaterGroup.kind != "import")
        .distinct()
        .order_by(Evaluation.id, RaterGroup.kind)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for _id, relation, kind, variant in rows:
        found.setdefault(relation, []).append((kind, variant))
    return [
        Asked(
            relation=relation,
            kinds=tuple(dict.fromkeys(kind for kind, _variant in ways)),
            children=any(variant == CHILD for _kind, variant in ways),
        )
        for relation, ways in found.items()
    ]


def current_notices() -> list[Notice]:
    """Return the notices of campaigns that are ready or open, newest first."""
    query = select(Campaign.id).where(Campaign.state.in_(("ready", "open"))).order_by(Campaign.id.desc()).limit(6)
    return [find_notice(number) for number in db.session.scalars(query)]
