"""Reads for comparisons on request: what may be chosen, the records of what was chosen, what is stored already."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.comparisons import StoredComparison
from survey.models.jobs import Job
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit
from survey.queries.cubes import RELEASED
from survey.queries.results import EvaluationHead, Record, Row, target_row, unit_row

MOST_YEARS = 12
# All pairs of sixty units (`analysis/comparison.py`); above, the release holds only some of the possible pairs.
MOST_FAMILY = 1770


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A released campaign in which the same relation was asked by the same template; version: of its release."""

    campaign_id: int
    evaluation_id: int
    name: str
    year: int
    version: int


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A stored comparison: its document, or None with the state and message of the job that computes it."""

    document: Mapping[str, Any] | None
    state: str
    message: str


def editions(head: EvaluationHead) -> list[Edition]:
    """Return the released campaigns of a relation and template, newest first, this one among them."""
    query = (
        select(Campaign.id, CubeEvaluation.evaluation_id, Campaign.name, Campaign.year, CubeEvaluation.version)
        .join(CubeEvaluation, CubeEvaluation.campaign_id == Campaign.id)
        .where(Campaign.state.in_(RELEASED), Campaign.template == head.template)
        .where(CubeEvaluation.relation == head.relation)
        .order_by(Campaign.year.desc(), Campaign.id.desc())
        .limit(MOST_YEARS)
    )
    return [
        Edition(campaign_id=number, evaluation_id=evaluation, name=name, year=year, version=version)
        for number, evaluation, name, year, version in db.session.execute(query)
    ]


def chosen_targets(head: EvaluationHead, codes: Sequence[str], *, school: str | None = None) -> list[Row]:
    """Return the chosen targets in the order of their codes; raise NotFound if one is not there or not its own."""
    rows = targets_among(head, codes, school=school)
    return _all_found(rows, codes, _("There is no such target in these results."))


def targets_among(head: EvaluationHead, codes: Collection[str], *, school: str | None = None) -> list[Row]:
    """Return those of the targets that are there, by code; of one school only if given."""
    if not codes:
        return []
    query = select(CubeTarget).where(CubeTarget.evaluation_id == head.id, CubeTarget.code.in_(codes))
    if school is not None:
        query = query.where(CubeTarget.school_code == school)
    return [target_row(row) for row in db.session.scalars(query.order_by(CubeTarget.code))]


def chosen_units(head: EvaluationHead, codes: Sequence[str]) -> list[Row]:
    """Return the chosen units in the order of their codes; raise NotFound if one is not there."""
    query = select(CubeUnit).where(CubeUnit.evaluation_id == head.id, CubeUnit.code.in_(codes)).order_by(CubeUnit.code)
    rows = [unit_row(row) for row in db.session.scalars(query)]
    return _all_found(rows, codes, _("There is no such unit in these results."))


def _all_found(rows: list[Row], codes: Sequence[str], message: str) -> list[Row]:
    if {row.code for row in rows} != set(codes):
        raise NotFound(message)
    return rows


def targets_of(evaluation_id: int, *, unit: str = "", code: str = "", school: str | None = None) -> list[Row]:
    """Return the targets of an evaluation: all, those of a unit, or one; of one school only if given."""
    query = select(CubeTarget).where(CubeTarget.evaluation_id == evaluation_id)
    if unit:
        query = query.where(CubeTarget.unit == unit)
    if code:
        query = query.where(CubeTarget.code == code)
    if school is not None:
        query = query.where(CubeTarget.school_code == school)
    return [target_row(row) for row in db.session.scalars(query.order_by(CubeTarget.code))]


def class_numbers(head: EvaluationHead, codes: Sequence[str]) -> dict[str, int | None]:
    """Return how many classes stand behind each target's interval by class, None where classes are not known."""
    query = select(CubeTarget.code, CubeTarget.findings)
    rows = db.session.execute(query.where(CubeTarget.evaluation_id == head.id, CubeTarget.code.in_(codes)))
    return {code: found["classes"] if found else None for code, found in rows}


def comparable_units(head: EvaluationHead, codes: Collection[str]) -> set[str]:
    """Return those of the units that have two shown targets at least; others the release does not compare either."""
    query = (
        select(CubeTarget.unit)
        .where(CubeTarget.evaluation_id == head.id, CubeTarget.unit.in_(codes))
        .group_by(CubeTarget.unit)
        .having(func.count(CubeTarget.score) >= 2)
    )
    return set(db.session.scalars(query))


@dataclass(frozen=True, kw_only=True)
class ReleasedPairs:
    """The release's own pairs among the chosen; family: the p values of all its pairs, empty where it holds only some
    of all possible ones (many units).
    """

    pairs: list[Record]
    family: list[float | None]


def released_pairs(head: EvaluationHead, kind: str, codes: Sequence[str]) -> ReleasedPairs:
    """Return pairs of a kind (`comparison` of units, `paired` targets on one ballot), both sides among the codes."""
    mine = (CubePair.evaluation_id == head.id) & (CubePair.kind == kind)
    chosen = select(CubePair.document).where(mine, CubePair.a.in_(codes), CubePair.b.in_(codes))
    pairs = list(db.session.scalars(chosen.order_by(CubePair.position)))
    total = db.session.scalar(select(func.count()).select_from(CubePair).where(mine)) or 0
    if total > MOST_FAMILY:
        return ReleasedPairs(pairs=pairs, family=[])
    # Whole documents: SQLite cuts a number that it takes out of one to fifteen digits.
    family = [pair["p"] for pair in db.session.scalars(select(CubePair.document).where(mine))]
    return ReleasedPairs(pairs=pairs, family=family)


def item_codes(head: EvaluationHead) -> list[str]:
    """Return the codes of an evaluation's items in the order of the questionnaire."""
    query = select(CubeEvaluation.document["items"]).where(CubeEvaluation.evaluation_id == head.id)
    return list(db.session.scalar(query) or [])


def shown_targets(head: EvaluationHead, *, school: str | None = None) -> int:
    """Return how many targets show a score, of one school if given: so many could have been chosen."""
    query = select(func.count(CubeTarget.score)).where(CubeTarget.evaluation_id == head.id)
    if school is not None:
        query = query.where(CubeTarget.school_code == school)
    return db.session.scalar(query) or 0


def shown_units(head: EvaluationHead) -> int:
    """Return how many units show a score."""
    query = select(func.count(CubeUnit.score)).where(CubeUnit.evaluation_id == head.id)
    return db.session.scalar(query) or 0


def stored(key: str) -> Stored | None:
    """Return a stored comparison by its key, None if nobody asked for it yet."""
    row = db.session.get(StoredComparison, key, populate_existing=True)
    if row is None:
        return None
    state = db.session.execute(select(Job.state, Job.message).where(Job.id == row.job_id)).one_or_none()
    return Stored(
        document=row.document, state=state.state if state else "failed", message=state.message if state else ""
    )
