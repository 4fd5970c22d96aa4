"""Reads the released cube (结果公布) for pages: never a ballot, never a tally, and nothing before the release."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, select

from survey.analysis.scoring import Scheme
from survey.errors import NotFound
from survey.extensions import db
from survey.instruments.questionnaires import Questionnaire, questionnaire_from_json
from survey.models.campaigns import Campaign, Evaluation
from survey.models.instruments import QuestionnaireVersion
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit
from survey.queries.cubes import RELEASED

Record = Mapping[str, Any]
# Views know models only by what queries hand them.
Wording = Questionnaire


@dataclass(frozen=True, kw_only=True)
class ReleasedCampaign:
    """A campaign whose results are out, with its relations in the order in which they were made."""

    id: int
    name: str
    year: int
    state: str
    first_day: date
    last_day: date
    roster_version: int
    relations: tuple[str, ...]
    version: int = 1
    correction: str = ""


@dataclass(frozen=True, kw_only=True)
class EvaluationHead:
    """What one evaluation says as a whole; `overall`, `change` and `reliability` are records of the cube.

    targets, shown: targets in the cube, and those of them whose figures are published.
    """

    id: int
    campaign: ReleasedCampaign
    relation: str
    template: str
    questionnaire_id: int
    questionnaire: Record
    scheme: Scheme
    overall: Record
    change: Record | None
    course: Record | None
    reliability: Record
    targets: int
    shown: int

    @property
    def withheld(self) -> int:
        """Targets that are not shown."""
        return self.targets - self.shown


@dataclass(frozen=True, kw_only=True)
class Row:
    """A target or a unit: its names and its record of the result schema.

    district, tier: of units only. outside: a target's place in the funnel, -2 to 2. findings: what stands beside the
    record, of units.
    """

    evaluation_id: int
    code: str
    name: str
    unit: str
    school_code: str
    record: Record
    district: str = ""
    tier: int | None = None
    outside: int = 0
    change: int = 0
    findings: Record | None = None


@dataclass(frozen=True, kw_only=True)
class PastTarget:
    """The same target in the newest released campaign of an earlier year."""

    year: int
    campaign_id: int
    record: Record


def released_campaigns(school: str | None = None) -> list[ReleasedCampaign]:
    """Return the campaigns whose results are out, newest first; for a school those that say something about it."""
    query = _campaigns().order_by(Campaign.year.desc(), Campaign.id.desc(), CubeEvaluation.evaluation_id)
    if school is not None:
        mine = select(CubeTarget.evaluation_id).where(CubeTarget.school_code == school)
        query = query.where(CubeEvaluation.evaluation_id.in_(mine))
    found: dict[int, ReleasedCampaign] = {}
    for campaign, relation in db.session.execute(query):
        known = found.get(campaign.id) or _campaign(campaign, ())
        found[campaign.id] = replace(known, relations=(*known.relations, relation))
    return list(found.values())


def _campaigns() -> Select[Campaign, str]:
    return (
        select(Campaign, CubeEvaluation.relation)
        .join(CubeEvaluation, CubeEvaluation.campaign_id == Campaign.id)
        .where(Campaign.state.in_(RELEASED))
    )


def _campaign(row: Campaign, relations: tuple[str, ...]) -> ReleasedCampaign:
    return ReleasedCampaign(
        id=row.id,
        name=row.name,
        year=row.year,
        state=row.state,
        first_day=row.first_day,
        last_day=row.last_day,
        roster_version=row.roster_version,
        relations=relations,
        version=row.version,
        correction=row.correction,
    )


def evaluation_heads(campaign_id: int) -> list[EvaluationHead]:
    """Return the evaluations of a released campaign; raise NotFound for one that is not released."""
    heads = _heads(CubeEvaluation.campaign_id == campaign_id)
    if not heads:
        raise NotFound(_("There are no released results here."))
    return heads


def find_head(campaign_id: int, relation: str) -> EvaluationHead:
    """Return one evaluation; raise NotFound if the campaign is not released or has no such relation."""
    heads = _heads(CubeEvaluation.campaign_id == campaign_id, CubeEvaluation.relation == relation)
    if not heads:
        raise NotFound(_("There are no released results here."))
    return heads[0]


def earlier_head(head: EvaluationHead) -> EvaluationHead | None:
    """Return the same evaluation in the newest released campaign of the same template from an earlier year."""
    query = (
        select(Campaign.id)
        .join(CubeEvaluation, CubeEvaluation.campaign_id == Campaign.id)
        .where(Campaign.state.in_(RELEASED), Campaign.template == head.template, Campaign.year < head.campaign.year)
        .where(CubeEvaluation.relation == head.relation)
        .order_by(Campaign.year.desc(), Campaign.id.desc())
        .limit(1)
    )
    number = db.session.scalar(query)
    return None if number is None else find_head(number, head.relation)


def _heads(*conditions: ColumnElement[bool]) -> list[EvaluationHead]:
    """Read heads without their pairs, which may be thousands: the database cuts the document."""
    keys = ("questionnaire", "scheme", "overall", "change", "course", "reliability")
    parts = [CubeEvaluation.document[key] for key in keys]
    query = (
        select(CubeEvaluation.evaluation_id, CubeEvaluation.relation, Evaluation.questionnaire_id, Campaign, *parts)
        .join(Evaluation, Evaluation.id == CubeEvaluation.evaluation_id)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .where(Campaign.state.in_(RELEASED), *conditions)
        .order_by(CubeEvaluation.evaluation_id)
    )
    rows = db.session.execute(query).all()
    counts = _counts([row[0] for row in rows])
    heads = [_head(row, counts.get(row[0], (0, 0))) for row in rows]
    lone = _lone_intervals([head.id for head in heads if head.targets == 1])
    return [replace(head, overall={**head.overall, **lone.get(head.id, {})}) for head in heads]


def _lone_intervals(evaluation_ids: list[int]) -> dict[int, Record]:
    """Return the intervals of evaluations with one target: a mean over one target has none of its own."""
    if not evaluation_ids:
        return {}
    query = select(CubeTarget.evaluation_id, CubeTarget.document).where(CubeTarget.evaluation_id.in_(evaluation_ids))
    return {
        evaluation_id: {"score_ci": record["score_ci_roster"] or record["score_ci_class"] or record["score_ci"]}
        for evaluation_id, record in db.session.execute(query)
    }


def _counts(evaluation_ids: list[int]) -> dict[int, tuple[int, int]]:
    query = (
        select(CubeTarget.evaluation_id, func.count(), func.count(CubeTarget.score))
        .where(CubeTarget.evaluation_id.in_(evaluation_ids))
        .group_by(CubeTarget.evaluation_id)
    )
    return {evaluation_id: (targets, shown) for evaluation_id, targets, shown in db.session.execute(query)}


def _head(row: Any, counts: tuple[int, int]) -> EvaluationHead:
    evaluation_id, relation, questionnaire_id, campaign = row[:4]
    questionnaire, scheme, overall, change, course, reliability = row[4:]
    return EvaluationHead(
        id=evaluation_id,
        campaign=_campaign(campaign, (relation,)),
        relation=relation,
        template=campaign.template,
        questionnaire_id=questionnaire_id,
        questionnaire=questionnaire,
        scheme=Scheme.from_json(scheme),
        overall=overall,
        change=change,
        course=course,
        reliability=reliability,
        targets=counts[0],
        shown=counts[1],
    )


def questionnaires(heads: Iterable[EvaluationHead]) -> dict[int, Wording]:
    """Return the questionnaires of evaluations, with their texts, by id."""
    wanted = {head.questionnaire_id for head in heads}
    query = select(QuestionnaireVersion.id, QuestionnaireVersion.document).where(QuestionnaireVersion.id.in_(wanted))
    return {number: questionnaire_from_json(document) for number, document in db.session.execute(query)}


def comparisons(head: EvaluationHead) -> tuple[Record | None, Record | None]:
    """Return the comparison of units and the paired one of targets with all their pairs, each None without one.

    For exports and jobs: a city has tens of thousands of pairs; pages read `queries/pairs.py`.
    """
    parts = CubeEvaluation.document["comparison"], CubeEvaluation.document["paired"]
    comparison, paired = db.session.execute(select(*parts).where(CubeEvaluation.evaluation_id == head.id)).one()
    return _with_pairs(head, "comparison", comparison), _with_pairs(head, "paired", paired)


def _with_pairs(head: EvaluationHead, kind: str, tests: Record | None) -> Record | None:
    if tests is None:
        return None
    query = select(CubePair.document).where(CubePair.evaluation_id == head.id, CubePair.kind == kind)
    return {**tests, "pairs": list(db.session.scalars(query.order_by(CubePair.position)))}


def units(head: EvaluationHead) -> list[Row]:
    """Return all units of an evaluation in the order of the cube."""
    query = select(CubeUnit).where(CubeUnit.evaluation_id == head.id).order_by(CubeUnit.position)
    return [unit_row(unit) for unit in db.session.scalars(query)]


def unit_names(head: EvaluationHead, codes: Iterable[str]) -> dict[str, str]:
    """Return the names of units by code, for those that the cube knows."""
    query = select(CubeUnit.code, CubeUnit.name).where(CubeUnit.evaluation_id == head.id)
    return {row.code: row.name for row in db.session.execute(query.where(CubeUnit.code.in_(set(codes))))}


def find_unit(head: EvaluationHead, code: str) -> Row:
    """Return one unit; raise NotFound."""
    unit = db.session.get(CubeUnit, (head.id, code))
    if unit is None:
        raise NotFound(_("There is no such unit in these results."))
    return unit_row(unit)


def unit_name(head: EvaluationHead, code: str) -> str:
    """Return the name of a unit, its code where the cube has none."""
    query = select(CubeUnit.name).where(CubeUnit.evaluation_id == head.id, CubeUnit.code == code)
    return db.session.scalar(query) or code


def unit_row(unit: CubeUnit) -> Row:
    """Return a unit as a row."""
    return Row(
        evaluation_id=unit.evaluation_id,
        code=unit.code,
        name=unit.name,
        unit=unit.code,
        school_code="",
        record=unit.document,
        district=unit.district,
        tier=unit.tier,
        findings=unit.findings,
    )


def find_target(head: EvaluationHead, code: str, *, school: str | None = None) -> Row:
    """Return one target, of one school only if given; raise NotFound."""
    target = db.session.get(CubeTarget, (head.id, code))
    if target is None or school not in (None, target.school_code):
        raise NotFound(_("There is no such target in these results."))
    return target_row(target)


def target_row(target: CubeTarget) -> Row:
    """Return a target as a row."""
    return Row(
        evaluation_id=target.evaluation_id,
        code=target.code,
        name=target.name,
        unit=target.unit,
        school_code=target.school_code,
        record=target.document,
        outside=target.funnel,
        change=target.change,
    )


def target_names(head: EvaluationHead) -> dict[str, str]:
    """Return the names of all targets by code; only for evaluations whose targets stand on one page."""
    rows = db.session.execute(select(CubeTarget.code, CubeTarget.name).where(CubeTarget.evaluation_id == head.id))
    return {row.code: row.name for row in rows}


def last_year(head: EvaluationHead, code: str, *, school: str | None = None, name: str = "") -> PastTarget | None:
    """Return the target in the newest released campaign of the same template from an earlier year, None without.

    school: only if it was a target of that school then; name: only if the code bore that name then.
    """
    asked = [CubeTarget.school_code == school] if school is not None else []
    asked += [CubeTarget.name == name] if name else []
    query = (
        select(Campaign.year, Campaign.id, CubeTarget.document)
        .join(CubeEvaluation, CubeEvaluation.campaign_id == Campaign.id)
        .join(CubeTarget, CubeTarget.evaluation_id == CubeEvaluation.evaluation_id)
        .where(
            Campaign.state.in_(RELEASED),
            Campaign.template == head.template,
            Campaign.year < head.campaign.year,
            CubeEvaluation.relation == head.relation,
            CubeTarget.code == code,
            *asked,
        )
        .order_by(Campaign.year.desc(), Campaign.id.desc())
        .limit(1)
    )
    row = db.session.execute(query).first()
    return None if row is None else PastTarget(year=row[0], campaign_id=row[1], record=row[2])


def school_rows(campaign_id: int, code: str) -> dict[str, list[Row]]:
    """Return what a campaign says about a school itself: its own row, its principals', its teachers as a unit's.

    The keys are relations. Raises NotFound where the campaign says nothing about the school.
    """
    relations = ("parent_school", "teacher_principal")
    query = (
        select(CubeEvaluation.relation, CubeTarget)
        .join(CubeTarget, CubeTarget.evaluation_id == CubeEvaluation.evaluation_id)
        .where(CubeEvaluation.campaign_id == campaign_id, CubeTarget.school_code == code)
        .where(CubeEvaluation.relation.in_(relations))
        .order_by(CubeTarget.position)
    )
    found: dict[str, list[Row]] = {relation: [] for relation in (*relations, "student_teacher")}
    for relation, target in db.session.execute(query):
        found[relation].append(target_row(target))
    unit = db.session.scalar(
        select(CubeUnit)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == CubeUnit.evaluation_id)
        .where(CubeEvaluation.campaign_id == campaign_id, CubeEvaluation.relation == "student_teacher")
        .where(CubeUnit.code == code)
    )
    if unit is not None:
        found["student_teacher"].append(unit_row(unit))
    if not any(found.values()):
        raise NotFound(_("There are no released results here."))
    return found
