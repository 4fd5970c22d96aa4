"""What the method page (方法说明) reads: the frozen scheme, the kept example, and which statistics a release holds."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.results import CubeEvaluation
from survey.queries.cubes import RELEASED
from survey.queries.pairs import ALL_OTHERS, UNITS, compared, pairs_of
from survey.queries.results import EvaluationHead, Record, find_head


@dataclass(frozen=True, kw_only=True)
class Method:
    """How one released evaluation was computed.

    example, software: kept at the release, None and empty where it is older than the page. relations: of the campaign.
    comparison, paired, scale_quality, change: whether the release holds them. family: comparisons made, whose p values
    were adjusted together; against_rest: whether units were held against all others, as above 60 units.
    """

    head: EvaluationHead
    relations: tuple[str, ...]
    example: Record | None
    software: dict[str, str]
    comparison: bool
    paired: bool
    scale_quality: bool
    change: bool
    family: int
    against_rest: bool


def find_method(campaign_id: int, relation: str) -> Method:
    """Return the method of one evaluation; raise NotFound if the campaign is not released or has no such relation."""
    head = find_head(campaign_id, relation)
    keys = ("scale_quality", "change", "method")
    parts = [CubeEvaluation.document[key] for key in keys]
    row = db.session.execute(select(*parts).where(CubeEvaluation.evaluation_id == head.id)).one()
    scale_quality, change, kept = row
    found = compared(head)
    return Method(
        head=head,
        relations=released_relations(campaign_id),
        example=kept["example"] if kept else None,
        software=kept["software"] if kept else {},
        comparison=found.comparison is not None,
        paired=found.paired is not None,
        scale_quality=scale_quality is not None,
        change=change is not None,
        family=found.total,
        against_rest=found.kind == UNITS and bool(pairs_of(head, ALL_OTHERS, most=1)),
    )


def released_relations(campaign_id: int) -> tuple[str, ...]:
    """Return the relations of a released campaign in the order in which they were made; raise NotFound."""
    query = (
        select(CubeEvaluation.relation)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .where(CubeEvaluation.campaign_id == campaign_id, Campaign.state.in_(RELEASED))
        .order_by(CubeEvaluation.evaluation_id)
    )
    found = tuple(db.session.scalars(query))
    if not found:
        raise NotFound(_("There are no released results here."))
    return found
