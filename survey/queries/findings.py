"""Reads what stands beside the result schema: findings, the quality of the scale, and what a figure is of."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from survey.analysis.estimates import Identity
from survey.extensions import db
from survey.models.results import CubeEvaluation, CubeTarget
from survey.queries.results import EvaluationHead, Record


def identity(head: EvaluationHead) -> Identity:
    """Return what the figures of an evaluation are of; the software's version was kept at the release."""
    kept = db.session.scalar(select(CubeEvaluation.document["method"]).where(CubeEvaluation.evaluation_id == head.id))
    campaign = head.campaign
    return Identity(
        campaign=campaign.name,
        year=campaign.year,
        relation=head.relation,
        questionnaire=head.questionnaire["id"],
        questionnaire_version=head.questionnaire["version"],
        scheme=head.scheme.id,
        scheme_version=head.scheme.version,
        roster_version=campaign.roster_version,
        last_day=campaign.last_day.isoformat(),
        software=kept["software"].get("wuping", "") if kept else "",
    )


def evaluation_findings(head: EvaluationHead) -> tuple[Record | None, Record | None]:
    """Return the findings of an evaluation and its scale quality, each None where there are none."""
    parts = CubeEvaluation.findings, CubeEvaluation.document["scale_quality"]
    findings, scale = db.session.execute(select(*parts).where(CubeEvaluation.evaluation_id == head.id)).one()
    return findings, scale


def target_findings(head: EvaluationHead, code: str) -> Record | None:
    """Return the findings of one target, None where it is not shown."""
    mine = (CubeTarget.evaluation_id == head.id) & (CubeTarget.code == code)
    findings: Record | None = db.session.scalar(select(CubeTarget.findings).where(mine))
    return findings


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the findings of an evaluation say of its items, of last year and of the funnel; None, empty without them."""

    items: Sequence[Record]
    years: Record | None
    funnel: Record | None


def finding_parts(head: EvaluationHead) -> Parts:
    """Return some findings of an evaluation, without those that are long."""
    return all_parts([head])[head.id]


def all_parts(heads: Sequence[EvaluationHead]) -> dict[int, Parts]:
    """Return some findings of each evaluation, by its id."""
    parts = [CubeEvaluation.findings[key] for key in ("items", "years", "funnel")]
    query = select(CubeEvaluation.evaluation_id, *parts)
    rows = db.session.execute(query.where(CubeEvaluation.evaluation_id.in_([head.id for head in heads])))
    return {number: Parts(items=items or [], years=years, funnel=funnel) for number, items, years, funnel in rows}
