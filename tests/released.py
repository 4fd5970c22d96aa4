"""Released campaigns for tests of pages: invented ballots, the product's own statistics, rows of the cube."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import numpy as np

from survey.analysis.findings import Findings, find
from survey.analysis.results import EvaluationResult, Population, evaluate
from survey.analysis.scoring import Scheme, load_scheme
from survey.analysis.tallies import Tally, tally_ballots
from survey.analysis.trends import change, samples
from survey.extensions import db
from survey.instruments.questionnaires import questionnaire_from_json
from survey.models.campaigns import Campaign, Evaluation
from survey.models.instruments import QuestionnaireVersion
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit
from survey.services import release
from survey.services.year_findings import NOTHING


def add_campaign(*, year: int = 2026, state: str = "released", name: str = "") -> Campaign:
    """A campaign with nothing in it."""
    days = {"first_day": date(year, 5, 1), "last_day": date(year, 5, 14)}
    campaign = Campaign(name=name or f"{year} 年五评", year=year, template="five", state=state, **days)
    db.session.add(campaign)
    db.session.commit()
    return campaign


def add_evaluation(
    campaign: Campaign,
    relation: str,
    *,
    targets: Sequence[tuple[str, str]],
    ballots: int = 40,
    issued: int = 50,
    means: Sequence[float] = (),
    names: Sequence[str] = (),
    seed: int = 1,
    before: EvaluationResult | None = None,
) -> EvaluationResult:
    """Release one evaluation of (target, unit) pairs; a unit that is a school's code also owns its targets.

    means: the level around which each target's ballots lie.
    """
    row = db.session.query(QuestionnaireVersion).filter_by(code=relation).one()
    items = questionnaire_from_json(row.document).item_codes
    scheme = load_scheme("five_step")
    codes = [code for code, _unit in targets]
    tally = _tally(codes, items, scheme, ballots=ballots, means=means or [4.0] * len(codes), seed=seed)
    population = Population(
        unit=[unit for _code, unit in targets],
        unit_level="school" if relation == "student_teacher" else "district",
        issued=[issued] * len(codes),
        eligible_slips=[issued] * len(codes),
        enrolled=dict.fromkeys(range(6), issued // 6 + 1),
        response_floor=0.2 if relation == "parent_school" else 0.5,
        classes=relation in {"student_teacher", "parent_school"},
    )
    result = evaluate(tally, population, scheme)
    evaluation = Evaluation(
        campaign_id=campaign.id, relation=relation, questionnaire_id=row.id, scheme=scheme.to_json()
    )
    db.session.add(evaluation)
    db.session.flush()
    found = find(tally, population, scheme, result)
    _add_rows(evaluation, targets, result, names=names or [f"对象{code}" for code in codes], found=found)
    _add_units(evaluation, result, population, items, scheme)
    _add_head(evaluation, campaign, row, items, result, before, found=found, scheme=scheme)
    db.session.commit()
    return result


def _tally(
    codes: Sequence[str], items: Sequence[str], scheme: Scheme, *, ballots: int, means: Sequence[float], seed: int
) -> Tally:
    chance = np.random.default_rng(seed)
    around = np.repeat(np.asarray(means), ballots)[:, None]
    answers = np.clip(np.rint(chance.normal(around, 0.9, (len(around), len(items)))), 1, 5).astype(np.uint8)
    return tally_ballots(
        answers,
        target=np.repeat(np.arange(len(codes)), ballots),
        group=np.tile(np.arange(ballots) % 6, len(codes)),
        flagged=np.zeros(len(answers), dtype=np.bool_),
        targets=tuple(codes),
        groups=tuple(f"{number}班" for number in range(6)),
        items=tuple(items),
        scheme=scheme,
    )


def _add_rows(
    evaluation: Evaluation,
    targets: Sequence[tuple[str, str]],
    result: EvaluationResult,
    *,
    names: Sequence[str],
    found: Findings,
) -> None:
    for position, ((code, unit), record, name) in enumerate(zip(targets, result.targets, names, strict=True)):
        db.session.add(
            CubeTarget(
                evaluation_id=evaluation.id,
                code=code,
                name=name,
                unit=unit,
                school_code=code if evaluation.relation == "parent_school" else unit,
                position=position,
                ballots=record["ballots"],
                score=record["score"],
                document=record,
                **release.found_columns(found.targets[position], None),
            )
        )


def _add_units(
    evaluation: Evaluation, result: EvaluationResult, population: Population, items: Sequence[str], scheme: Scheme
) -> None:
    tiers = release.unit_tiers(result)
    findings = release.unit_findings(result, population, items, scheme, NOTHING)
    for position, (record, found) in enumerate(zip(result.units, findings, strict=True)):
        unit = record["unit"]
        row = CubeUnit(evaluation_id=evaluation.id, code=unit, name=f"单位{unit}", position=position)
        row.score, row.document, row.findings, row.tier = record["score"], record, found, tiers.get(unit)
        row.district = unit if record["level"] == "district" else "1学区"
        db.session.add(row)


def _add_head(
    evaluation: Evaluation,
    campaign: Campaign,
    questionnaire: QuestionnaireVersion,
    items: Sequence[str],
    result: EvaluationResult,
    before: EvaluationResult | None,
    *,
    found: Findings,
    scheme: Scheme,
) -> None:
    changed = change(samples(result.targets), samples(before.targets)) if before else None
    document = {
        "questionnaire": {"id": questionnaire.code, "version": questionnaire.version},
        "scheme": evaluation.scheme,
        "items": list(items),
        "comparison": release.without_pairs(result.comparison),
        "paired": release.without_pairs(result.paired),
        "reliability": result.reliability,
        "scale_quality": result.scale_quality,
        "overall": result.overall,
        "change": None
        if changed is None
        else {**asdict(changed), "year": campaign.year - 1, "campaign": 0, "all_items": True, "items": 1},
        "course": None,
    }
    head = CubeEvaluation(evaluation_id=evaluation.id, campaign_id=campaign.id, relation=evaluation.relation)
    head.document = document
    head.findings = {**found.evaluation, **release.summary_findings(result.targets, items, scheme, NOTHING)}
    db.session.add(head)
    for kind, compared in (("comparison", result.comparison), ("paired", result.paired)):
        for pair in release.pair_rows(kind, compared):
            db.session.add(CubePair(evaluation_id=evaluation.id, **pair))
