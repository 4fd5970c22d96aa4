"""The release (结果公布): tallies become the cube, the only figures that anybody is shown. Runs in jobs only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit
from survey.models.school_items import CubeSchoolItem
from survey.queries.corrections import published_versions
from survey.services.instruments import find_questionnaire
from survey.services.populations import population_of
from survey.services.school_item_counts import cube_rows
from survey.services.tallies import CountedEvaluation, load_tally
from survey.services.trends import compare_years
from survey.services.year_findings import YearFindings, direction, year_findings

if TYPE_CHECKING:
    from survey.analysis.disclosure import Published
    from survey.analysis.population import Population
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
    pairs: list[dict[str, Any]]
    own_items: list[dict[str, Any]] = field(default_factory=list)


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
    earlier = published_versions(evaluation.id)
    result = evaluate(counted.counts, population, scheme, counted.paired, earlier=earlier)
    _audit(evaluation, counted, scheme, result)
    if earlier:
        _audit_versions(evaluation, counted, scheme, [*earlier, published_of(result)])
    found = find(counted.counts, population, scheme, result)
    years = year_findings(evaluation, scheme, result.targets, found.targets)
    document = _document(evaluation, scheme, result)
    return Cube(
        evaluation_id=evaluation.id,
        relation=evaluation.relation,
        document=document,
        findings={**found.evaluation, **summary_findings(result.targets, document["items"], scheme, years)},
        targets=[
            {
                **_target_row(targets[n], record, n),
                **found_columns(found.targets[n], years.targets.get(record["target"])),
            }
            for n, record in enumerate(result.targets)
        ],
        units=_unit_rows(targets, result, unit_findings(result, population, document["items"], scheme, years)),
        pairs=[
            row
            for kind, compared in (("comparison", result.comparison), ("paired", result.paired))
            for row in pair_rows(kind, compared)
        ],
        own_items=cube_rows(evaluation, scheme, result.targets),
    )


def summary_findings(
    records: Sequence[Mapping[str, Any]], items: Sequence[str], scheme: "Scheme", years: YearFindings
) -> dict[str, Any]:
    """Return what the findings of an evaluation say of its items and of last year: `items`, `years`."""
    from survey.analysis.item_summaries import item_scores, summaries

    changes = {row["item"]: row for row in years.items}
    scores = item_scores(records, items, scheme.levels)
    found = summaries(scores, margin=scheme.margin)
    return {"items": [{**row, "change": changes.get(row["item"])} for row in found], "years": years.summary}


def found_columns(found: Mapping[str, Any] | None, change: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a target's findings with its change since last year, and the columns that lists filter by."""
    if found is None:
        return {"findings": None, "funnel": 0, "change": 0}
    return {"findings": {**found, "change": change}, "funnel": found["funnel"], "change": direction(change)}


def unit_findings(
    result: "EvaluationResult",
    population: "Population",
    items: Sequence[str],
    scheme: "Scheme",
    years: YearFindings,
) -> list[dict[str, Any]]:
    """Return what stands beside each unit's record: items of its shown targets, turnout, the change since last year.

    Slips and ballots are counted for withheld targets too, as the records of targets do.
    """
    from survey.analysis.item_summaries import item_scores, unit_items

    shown = item_scores(result.targets, items, scheme.levels)
    by_item = unit_items(shown, population.unit_positions(), size=len(result.units))
    slips: Counter[str] = Counter()
    unknown = set()
    for unit, asked in zip(population.unit, population.eligible_slips, strict=True):
        slips[unit] += int(asked)
        if not asked:
            unknown.add(unit)
    return [
        {
            # A withheld unit tells nothing of its items, though its targets may.
            "items": None if record["withheld"] else by_item[unit],
            "issued": slips[record["unit"]],
            # Targets without a roster would distort a rate over all of them.
            "response_rate": None if record["unit"] in unknown else record["ballots"] / slips[record["unit"]],
            "change": None if record["withheld"] else years.units.get(record["unit"]),
        }
        for unit, record in enumerate(result.units)
    ]


def pair_rows(kind: str, compared: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the rows of a comparison's pairs; kind: "comparison" of units or "paired" of targets on one ballot."""
    pairs = compared["pairs"] if compared else []
    return [
        {
            "kind": kind,
            "position": place,
            "a": pair["a"],
            "b": pair["b"],
            "unflagged": not pair["flag"],
            "document": pair,
        }
        for place, pair in enumerate(pairs)
    ]


def unit_tiers(result: "EvaluationResult") -> dict[str, int]:
    """Return the groups of units that nothing tells apart, 0 for the best, by code; units not compared are left out."""
    from survey.analysis.groups import indistinguishable_groups

    tiers = indistinguishable_groups(result.units, result.comparison["pairs"] if result.comparison else [])
    return {code: tier for tier, codes in enumerate(tiers) for code in codes}


def without_pairs(compared: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a comparison as the document of its evaluation keeps it."""
    return None if compared is None else {key: value for key, value in compared.items() if key != "pairs"}


def published_of(result: "EvaluationResult") -> "Published":
    """Return the records of a result as an audit reads them."""
    from survey.analysis.disclosure import Published

    return Published(targets=result.targets, units=result.units, overall=result.overall, reliability=result.reliability)


def _audit_versions(
    evaluation: Evaluation, counted: CountedEvaluation, scheme: "Scheme", records: Sequence["Published"]
) -> None:
    """Audit all versions together; raise UnsafeRelease if one tells what another withholds.

    Of an earlier version the tally is gone: a mean whose ballots are as many now is the same, any other one is an
    unknown of its own.
    """
    from survey.analysis.moments import combine
    from survey.analysis.versions import told_apart, version_of

    counts = counted.counts
    mean = combine(counts.mean_moments(), counts.cell_target, size=len(counts.targets))
    versions = [version_of(one, mean, number=number) for number, one in enumerate(records)]
    found = told_apart(versions, least=scheme.floors.ballots)
    if found:
        raise UnsafeRelease(f"{evaluation.relation}: {len(found)} targets could be derived from two versions")


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
        "comparison": without_pairs(result.comparison),
        "paired": without_pairs(result.paired),
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


def _unit_rows(
    targets: Sequence[Target], result: "EvaluationResult", findings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    names = {target.unit: target.unit_name for target in targets}
    districts = {target.unit: target.district for target in targets}
    tiers = unit_tiers(result)
    return [
        {
            "code": record["unit"],
            "name": names[record["unit"]],
            "district": districts[record["unit"]],
            "tier": tiers.get(record["unit"]),
            "position": position,
            "score": record["score"],
            "document": dict(record),
            "findings": dict(findings[position]),
        }
        for position, record in enumerate(result.units)
    ]


def store_cubes(session: Session, campaign_id: int, cubes: Iterable[Cube]) -> None:
    """Replace a campaign's cube inside the caller's transaction."""
    for cube in cubes:
        for model in (CubeTarget, CubeUnit, CubePair, CubeEvaluation):
            session.execute(delete(model).where(model.evaluation_id == cube.evaluation_id))
        version = session.get_one(Campaign, campaign_id).version
        mine = (CubeSchoolItem.evaluation_id == cube.evaluation_id) & (CubeSchoolItem.version == version)
        session.execute(delete(CubeSchoolItem).where(mine))
        session.add(
            CubeEvaluation(
                evaluation_id=cube.evaluation_id,
                campaign_id=campaign_id,
                version=version,
                relation=cube.relation,
                document=cube.document,
                findings=cube.findings,
            )
        )
        if cube.own_items:
            session.execute(
                insert(CubeSchoolItem), [{"evaluation_id": cube.evaluation_id, **r} for r in cube.own_items]
            )
        for model, rows in ((CubeTarget, cube.targets), (CubeUnit, cube.units), (CubePair, cube.pairs)):
            if rows:
                session.execute(insert(model), [{"evaluation_id": cube.evaluation_id, **row} for row in rows])
