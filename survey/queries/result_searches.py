"""Finds units and targets of a campaign's results by name or code."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from survey.extensions import db
from survey.models.results import CubeTarget, CubeUnit
from survey.queries.results import EvaluationHead, Row, target_row, unit_row
from survey.queries.target_lists import matches

MOST_UNITS, MOST_TARGETS = 20, 80


@dataclass(frozen=True, kw_only=True)
class Found:
    """Units and targets with the head of their evaluation; more: there are others, which are not listed."""

    units: tuple[tuple[EvaluationHead, Row], ...]
    targets: tuple[tuple[EvaluationHead, Row], ...]
    more: bool


def search(heads: Sequence[EvaluationHead], sought: str, *, school: str | None = None) -> Found:
    """Return what is named or coded so, by evaluation and code, of one school only if given."""
    by_id = {head.id: head for head in heads}
    units = [] if school is not None else _units(list(by_id), sought)
    keys = select(CubeTarget.evaluation_id, CubeTarget.code).where(CubeTarget.evaluation_id.in_(by_id), matches(sought))
    if school is not None:
        keys = keys.where(CubeTarget.school_code == school)
    # From the index alone; only what is listed is read.
    found = db.session.execute(
        keys.order_by(CubeTarget.evaluation_id, CubeTarget.name, CubeTarget.code).limit(MOST_TARGETS + 1)
    ).all()
    targets = _targets([(key.evaluation_id, key.code) for key in found[:MOST_TARGETS]])
    return Found(
        units=tuple((by_id[unit.evaluation_id], unit_row(unit)) for unit in units[:MOST_UNITS]),
        targets=tuple((by_id[target.evaluation_id], target_row(target)) for target in targets),
        more=len(found) > MOST_TARGETS or len(units) > MOST_UNITS,
    )


def _units(evaluations: list[int], sought: str) -> list[CubeUnit]:
    query = select(CubeUnit).where(CubeUnit.evaluation_id.in_(evaluations), matches(sought, CubeUnit))
    return list(db.session.scalars(query.order_by(CubeUnit.evaluation_id, CubeUnit.code).limit(MOST_UNITS + 1)))


def _targets(keys: list[tuple[int, str]]) -> list[CubeTarget]:
    evaluations, codes = {key[0] for key in keys}, {key[1] for key in keys}
    query = select(CubeTarget).where(CubeTarget.evaluation_id.in_(evaluations), CubeTarget.code.in_(codes))
    wanted = set(keys)
    rows = db.session.scalars(query.order_by(CubeTarget.evaluation_id, CubeTarget.name, CubeTarget.code))
    return [row for row in rows if (row.evaluation_id, row.code) in wanted]
