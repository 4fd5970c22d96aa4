"""Reads what the integrity monitor kept: numbers of each evaluation and its alarms, for the bureau only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from survey.extensions import db
from survey.models.integrity import IntegrityEvaluation, IntegrityFinding
from survey.models.organisations import School


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One alarm; kind is group or school. firm: it stands among all that were judged. reasons: as stored."""

    kind: str
    code: str
    name: str
    school: str
    pages: int
    firm: bool
    p: float
    reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many classes or schools were judged, not judged and why, and alarmed; `likely`: false alarms if all clean."""

    judged: int
    few_ballots: int
    few_classes: int
    alarms: int
    firm: int
    likely: float


@dataclass(frozen=True, kw_only=True)
class MonitoredEvaluation:
    """One relation of a campaign with its alarms, the most conspicuous first; level: chance of a false alarm."""

    relation: str
    level: float
    groups: Numbers
    schools: Numbers
    findings: tuple[Finding, ...]


def monitored_evaluations(campaign_id: int) -> list[MonitoredEvaluation]:
    """Return what is kept of a campaign, empty before its ballots are counted."""
    rows = db.session.scalars(
        select(IntegrityEvaluation)
        .where(IntegrityEvaluation.campaign_id == campaign_id)
        .order_by(IntegrityEvaluation.evaluation_id)
    ).all()
    found = _findings([row.evaluation_id for row in rows])
    return [
        MonitoredEvaluation(
            relation=row.relation,
            level=row.document["level"],
            groups=_numbers(row.document["group"], row.document["level"]),
            schools=_numbers(row.document["school"], row.document["level"]),
            findings=tuple(found.get(row.evaluation_id, ())),
        )
        for row in rows
    ]


def _numbers(document: Mapping[str, int], level: float) -> Numbers:
    return Numbers(**document, likely=document["judged"] * level)


def _findings(evaluation_ids: list[int]) -> dict[int, list[Finding]]:
    rows = db.session.execute(
        select(IntegrityFinding, School.name)
        .outerjoin(School, School.code == IntegrityFinding.school_code)
        .where(IntegrityFinding.evaluation_id.in_(evaluation_ids))
        .order_by(IntegrityFinding.evaluation_id, IntegrityFinding.position)
    )
    found: dict[int, list[Finding]] = {}
    for row, school in rows:
        found.setdefault(row.evaluation_id, []).append(
            Finding(
                kind=row.kind,
                code=row.code,
                name=row.name,
                school=school or "",
                pages=row.document["pages"],
                firm=row.document["firm"],
                p=row.document["p"],
                reasons=tuple(row.document["reasons"]),
            )
        )
    return found
