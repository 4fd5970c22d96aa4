"""The release (结果公布): tallies become the cube, the only figures that anybody is shown. Runs in jobs only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.results import CubeEvaluation, CubeTarget, CubeUnit
from survey.services.ballots import ALL_TARGETS
from survey.services.instruments import find_questionnaire
from survey.services.tallies import CountedEvaluation, load_tally

if TYPE_CHECKING:
    from survey.analysis.results import EvaluationResult, Population
    from survey.analysis.scoring import Scheme

UNIT_LEVELS = {
    "student_teacher": "school",
    "teacher_principal": "district",
    "parent_school": "district",
    "principal_department": "bureau",
    "public_education": "bureau",
}
PARENTS_RESPONSE_FLOOR = 0.2
CLASS_RELATIONS = frozenset({"student_teacher", "parent_school"})


@dataclass(frozen=True, kw_only=True)
class Cube:
    """The rows of one evaluation's cube, ready to be inserted."""

    evaluation_id: int
    relation: str
    document: dict[str, Any]
    targets: list[dict[str, Any]]
    units: list[dict[str, Any]]


def evaluate_campaign(campaign_id: int) -> list[Cube]:
    """Compute the cube of every evaluation of a tallied campaign; reads tallies, never ballots."""
    evaluations = db.session.scalars(
        select(Evaluation).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    ).all()
    return [_cube(evaluation) for evaluation in evaluations]


def _cube(evaluation: Evaluation) -> Cube:
    from survey.analysis.results import evaluate
    from survey.analysis.scoring import Scheme

    counted = load_tally(evaluation)
    scheme = Scheme.from_json(evaluation.scheme)
    targets = _targets(counted.axes.target_ids)
    population = _population(evaluation, counted, targets)
    result = evaluate(counted.counts, population, scheme, counted.paired)
    return Cube(
        evaluation_id=evaluation.id,
        relation=evaluation.relation,
        document=_document(evaluation, scheme, result),
        targets=[_target_row(targets[n], record, n) for n, record in enumerate(result.targets)],
        units=_unit_rows(targets, result),
    )


def _targets(target_ids: Iterable[int]) -> list[Target]:
    ids = list(target_ids)
    if not ids:
        return []
    first, last = min(ids), max(ids)
    rows = db.session.scalars(select(Target).where(Target.id.between(first, last)))
    by_id = {target.id: target for target in rows}
    return [by_id[number] for number in ids]


def _population(evaluation: Evaluation, counted: CountedEvaluation, targets: list[Target]) -> "Population":
    from survey.analysis.results import Population

    groups = db.session.scalars(select(RaterGroup).where(RaterGroup.evaluation_id == evaluation.id)).all()
    issued, eligible = _slips(groups, counted.axes.target_ids)
    place = {number: position for position, number in enumerate(counted.axes.group_ids)}
    return Population(
        unit=[target.unit for target in targets],
        unit_level=UNIT_LEVELS[evaluation.relation],
        district={target.unit: target.district for target in targets},
        issued=issued,
        eligible_slips=eligible,
        enrolled={place[group.id]: max(group.enrolled, group.issued - group.voided) for group in groups},
        response_floor=PARENTS_RESPONSE_FLOOR if evaluation.relation == "parent_school" else 0.5,
        classes=evaluation.relation in CLASS_RELATIONS and any(group.grade for group in groups),
    )


def _slips(groups: Iterable[RaterGroup], target_ids: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Return per target the slips made for its groups, and those of them that are not voided."""
    by_id = {group.id: group for group in groups}
    issued: Counter[int] = Counter()
    eligible: Counter[int] = Counter()
    rows = db.session.execute(
        select(GroupCount.group_id, GroupCount.target_id).where(GroupCount.group_id.in_(list(by_id)))
    )
    for group_id, target_id in rows:
        group = by_id[group_id]
        for number in target_ids if target_id == ALL_TARGETS else (target_id,):
            issued[number] += group.issued
            eligible[number] += group.issued - group.voided
    return [issued[number] for number in target_ids], [eligible[number] for number in target_ids]


def _document(evaluation: Evaluation, scheme: "Scheme", result: "EvaluationResult") -> dict[str, Any]:
    questionnaire = find_questionnaire(evaluation.questionnaire_id)
    return {
        "questionnaire": {"id": questionnaire.code, "version": questionnaire.version},
        "scheme": scheme.to_json(),
        "items": list(questionnaire.item_codes),
        "comparison": result.comparison,
        "paired": result.paired,
        "reliability": result.reliability,
        "scale_quality": result.scale_quality,
        "overall": result.overall,
        "change": _change_from_last_year(evaluation, result),
    }


def _change_from_last_year(evaluation: Evaluation, result: "EvaluationResult") -> dict[str, Any] | None:
    """Return the change against the last released campaign of an earlier year with this relation, or None.

    None also where the summary itself is withheld. Compared on targets whose score is shown in both years; one target
    alone on its ballots' spread.
    """
    from survey.analysis.trends import change, samples

    before = last_release(evaluation)
    if before is None or result.overall["withheld"]:
        return None
    documents = select(CubeTarget.document).where(CubeTarget.evaluation_id == before.evaluation_id)
    found = change(samples(result.targets), samples(list(db.session.scalars(documents))))
    campaign = db.session.get_one(Campaign, before.campaign_id)
    return None if found is None else {**asdict(found), "year": campaign.year, "campaign": campaign.id}


def last_release(evaluation: Evaluation) -> CubeEvaluation | None:
    """Return the newest released cube of the same relation and template from an earlier year."""
    campaign = db.session.get_one(Campaign, evaluation.campaign_id)
    return db.session.scalars(
        select(CubeEvaluation)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .where(
            CubeEvaluation.relation == evaluation.relation,
            Campaign.template == campaign.template,
            Campaign.year < campaign.year,
        )
        .order_by(Campaign.year.desc(), Campaign.id.desc())
    ).first()


def _target_row(target: Target, record: Mapping[str, Any], position: int) -> dict[str, Any]:
    return {
        "code": target.code,
        "name": target.name,
        "unit": target.unit,
        "school_code": target.school_code,
        "position": position,
        "ballots": record["ballots"],
        "score": record["score"],
        "document": dict(record),
    }


def _unit_rows(targets: Iterable[Target], result: "EvaluationResult") -> list[dict[str, Any]]:
    names = {target.unit: target.unit_name for target in targets}
    return [
        {
            "code": record["unit"],
            "name": names[record["unit"]],
            "position": position,
            "score": record["score"],
            "document": dict(record),
        }
        for position, record in enumerate(result.units)
    ]


def store_cubes(session: Session, campaign_id: int, cubes: Iterable[Cube]) -> None:
    """Replace a campaign's cube inside the caller's transaction."""
    for cube in cubes:
        for model in (CubeTarget, CubeUnit, CubeEvaluation):
            session.execute(delete(model).where(model.evaluation_id == cube.evaluation_id))
        session.add(
            CubeEvaluation(
                evaluation_id=cube.evaluation_id,
                campaign_id=campaign_id,
                relation=cube.relation,
                document=cube.document,
            )
        )
        for model, rows in ((CubeTarget, cube.targets), (CubeUnit, cube.units)):
            if rows:
                session.execute(insert(model), [{"evaluation_id": cube.evaluation_id, **row} for row in rows])
