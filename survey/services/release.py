"""The release (结果公布): tallies become the cube, the only figures that anybody is shown. Runs in jobs only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from survey.extensions import db
from survey.models.campaigns import Evaluation, Target
from survey.models.results import CubeEvaluation, CubeTarget, CubeUnit
from survey.services.instruments import find_questionnaire
from survey.services.populations import population_of
from survey.services.tallies import CountedEvaluation, load_tally
from survey.services.trends import compare_years

if TYPE_CHECKING:
    from survey.analysis.results import EvaluationResult
    from survey.analysis.scoring import Scheme


class UnsafeRelease(AssertionError):
    """A fault of this program: the records of a release give away what they withhold. Nothing is released."""


@dataclass(frozen=True, kw_only=True)
class Cube:
    """The rows of one evaluation's cube, ready to be inserted."""

    evaluation_id: int
    relation: str
    document: dict[str, Any]
    findings: dict[str, Any]
    targets: list[dict[str, Any]]
    units: list[dict[str, Any]]


def evaluate_campaign(campaign_id: int) -> list[Cube]:
    """Compute the cube of every evaluation of a tallied campaign; reads tallies, never ballots."""
    evaluations = db.session.scalars(
        select(Evaluation).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    ).all()
    return [_cube(evaluation) for evaluation in evaluations]


def _cube(evaluation: Evaluation) -> Cube:
    from survey.analysis.findings import find
    from survey.analysis.results import evaluate
    from survey.analysis.scoring import Scheme

    counted = load_tally(evaluation)
    scheme = Scheme.from_json(evaluation.scheme)
    targets = _targets(counted.axes.target_ids)
    population = population_of(evaluation, counted.axes, targets)
    result = evaluate(counted.counts, population, scheme, counted.paired)
    _audit(evaluation, counted, scheme, result)
    found = find(counted.counts, population, scheme, result)
    return Cube(
        evaluation_id=evaluation.id,
        relation=evaluation.relation,
        document=_document(evaluation, scheme, result),
        findings=found.evaluation,
        targets=[
            {**_target_row(targets[n], record, n), "findings": found.targets[n]}
            for n, record in enumerate(result.targets)
        ],
        units=_unit_rows(targets, result),
    )


def _audit(evaluation: Evaluation, counted: CountedEvaluation, scheme: "Scheme", result: "EvaluationResult") -> None:
    """Audit the finished records as a reader would; raise UnsafeRelease if a withheld target could be derived.

    The records were made so that none can: what this catches is a figure that somebody added to them since.
    """
    from survey.analysis.disclosure import Published, exposed
    from survey.analysis.results import scale_of

    records = Published(
        targets=result.targets, units=result.units, overall=result.overall, reliability=result.reliability
    )
    found = exposed(records, counted.counts, scale=scale_of(scheme))
    if found:
        raise UnsafeRelease(f"{evaluation.relation}: {len(found)} withheld targets could be derived from the release")


def _targets(target_ids: Iterable[int]) -> list[Target]:
    ids = list(target_ids)
    if not ids:
        return []
    first, last = min(ids), max(ids)
    rows = db.session.scalars(select(Target).where(Target.id.between(first, last)))
    by_id = {target.id: target for target in rows}
    return [by_id[number] for number in ids]


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
        **_years(evaluation, scheme, result),
    }


def _years(evaluation: Evaluation, scheme: "Scheme", result: "EvaluationResult") -> dict[str, Any]:
    """Compare with earlier years, but not where the summary of this one is withheld."""
    if result.overall["withheld"]:
        return {"change": None, "course": None}
    return compare_years(evaluation, scheme, result.targets)


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
                findings=cube.findings,
            )
        )
        for model, rows in ((CubeTarget, cube.targets), (CubeUnit, cube.units)):
            if rows:
                session.execute(insert(model), [{"evaluation_id": cube.evaluation_id, **row} for row in rows])
