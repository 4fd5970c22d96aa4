"""Reads of turnout (参评率): how many slips have been begun; exact for a campaign, in bands below. Never a score."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, case, exists, func, select

from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup
from survey.models.organisations import School
from survey.models.tokens import TokenKey

# Lower limits of the bands above "none": a class page tells no more than these, so that nobody sees who has just voted.
BAND_LIMITS = (0.25, 0.5, 0.8)
FEWEST_SLIPS = 5
# Who may vote in a group: valid slips, and where tokens can be fetched also those who have not fetched theirs yet.
_VALID = RaterGroup.issued - RaterGroup.voided
_FETCHES = (RaterGroup.kind == "token") & ~exists().where(
    TokenKey.group_id == RaterGroup.id, TokenKey.voided
).correlate(RaterGroup)
RIGHTS = case((_FETCHES & (RaterGroup.enrolled > _VALID), RaterGroup.enrolled), else_=_VALID)
COLLECTING = ("open", "closed", "tallied", "released", "archived")


@dataclass(frozen=True, kw_only=True)
class RelationTurnout:
    """Counters of one relation. Slips: issued = begun + unused + voided. Pages: cast = waiting + mixed + voided.

    by_token: how many of its groups fetch tokens; a right that was taken counts as issued.
    """

    relation: str
    groups: int
    by_token: int
    issued: int
    voided: int
    begun: int
    cast: int
    mixed: int
    voided_pages: int
    rights: int

    @property
    def valid(self) -> int:
        """Slips made and not voided."""
        return self.issued - self.voided

    @property
    def unused(self) -> int:
        """Valid slips with which no page has been cast."""
        return self.valid - self.begun

    @property
    def waiting(self) -> int:
        """Pages in the inbox, not yet mixed."""
        return self.cast - self.mixed - self.voided_pages

    @property
    def share(self) -> float | None:
        """Share of rights to vote that were begun, in [0, 1]; None without any (the open link)."""
        return self.begun / self.rights if self.rights else None


@dataclass(frozen=True, kw_only=True)
class SchoolTurnout:
    """Bands of one school: relation → band 0–4; a relation that the school has no slips for is absent."""

    code: str
    name: str
    district: str
    bands: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class GroupTurnout:
    """The band of one class or staff, 0–4; None while it has no slips."""

    relation: str
    code: str
    name: str
    band: int | None


@dataclass(frozen=True, kw_only=True)
class CampaignChoice:
    """A campaign whose turnout can be shown."""

    id: int
    name: str
    year: int
    state: str


def band(begun: int, valid: int) -> int | None:
    """Return 0 (none), 1 (<25 %), 2 (25–50 %), 3 (50–80 %) or 4 (≥80 %); None below five slips, where it told all."""
    if valid < FEWEST_SLIPS:
        return None
    if begun == 0:
        return 0
    return 1 + sum(begun / valid >= limit for limit in BAND_LIMITS)


def collecting_campaigns() -> list[CampaignChoice]:
    """Return the campaigns that have been opened, newest first."""
    query = select(Campaign.id, Campaign.name, Campaign.year, Campaign.state).where(Campaign.state.in_(COLLECTING))
    rows = db.session.execute(query.order_by(Campaign.year.desc(), Campaign.id.desc()))
    return [CampaignChoice(**row._mapping) for row in rows]


def relation_turnout(campaign_id: int) -> list[RelationTurnout]:
    """Return the exact counters by relation, in one query."""
    pages = _page_totals()
    rows = db.session.execute(
        select(
            Evaluation.relation,
            func.count(RaterGroup.id).label("groups"),
            func.sum(case((RaterGroup.kind == "token", 1), else_=0)).label("by_token"),
            func.sum(RaterGroup.issued).label("issued"),
            func.sum(RaterGroup.voided).label("voided"),
            func.sum(case((RaterGroup.kind.in_(("slip", "token")), RaterGroup.begun), else_=0)).label("begun"),
            func.sum(RIGHTS).label("rights"),
            func.coalesce(func.max(pages.c.cast_pages), 0).label("cast"),
            func.coalesce(func.max(pages.c.mixed_pages), 0).label("mixed"),
            func.coalesce(func.max(pages.c.void_pages), 0).label("voided_pages"),
        )
        .join(RaterGroup, RaterGroup.evaluation_id == Evaluation.id)
        .outerjoin(pages, pages.c.evaluation_id == Evaluation.id)
        .where(Evaluation.campaign_id == campaign_id)
        .group_by(Evaluation.id, Evaluation.relation)
        .order_by(Evaluation.id)
    )
    return [RelationTurnout(**row._mapping) for row in rows]


def _page_totals() -> Subquery:
    return (
        select(
            RaterGroup.evaluation_id,
            func.sum(GroupCount.cast).label("cast_pages"),
            func.sum(GroupCount.mixed).label("mixed_pages"),
            func.sum(GroupCount.voided).label("void_pages"),
        )
        .join(GroupCount, GroupCount.group_id == RaterGroup.id)
        .group_by(RaterGroup.evaluation_id)
        .subquery()
    )


def school_turnout(campaign_id: int, *, school_code: str | None = None) -> list[SchoolTurnout]:
    """Return the bands of every school, or of one, by district and code, in one query."""
    query = (
        select(
            School.code,
            School.name,
            School.district,
            Evaluation.relation,
            func.sum(RIGHTS).label("valid"),
            func.sum(RaterGroup.begun).label("begun"),
        )
        .select_from(RaterGroup)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(School, School.code == RaterGroup.school_code)
        .where(Evaluation.campaign_id == campaign_id)
        .group_by(School.code, School.name, School.district, Evaluation.relation)
        .order_by(School.district, School.code)
    )
    if school_code is not None:
        query = query.where(School.code == school_code)
    found: dict[str, SchoolTurnout] = {}
    for row in db.session.execute(query):
        empty = SchoolTurnout(code=row.code, name=row.name, district=row.district, bands={})
        share = band(row.begun, row.valid)
        if share is not None:
            found.setdefault(row.code, empty).bands[row.relation] = share
    return list(found.values())


def group_turnout(campaign_id: int, school_code: str) -> Sequence[GroupTurnout]:
    """Return the bands of one school's classes and staff, in one query."""
    rows = db.session.execute(
        select(
            Evaluation.relation,
            RaterGroup.code,
            RaterGroup.name,
            RIGHTS.label("rights"),
            RaterGroup.begun,
        )
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .where(
            Evaluation.campaign_id == campaign_id,
            RaterGroup.school_code == school_code,
            RaterGroup.kind.in_(("slip", "token")),
        )
        .order_by(Evaluation.id, RaterGroup.id)
    )
    return [
        GroupTurnout(relation=row.relation, code=row.code, name=row.name, band=band(row.begun, row.rights))
        for row in rows
    ]
