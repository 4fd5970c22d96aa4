"""Pages of units: group by group of those that cannot be told apart, and inside a group by code."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from survey.extensions import db
from survey.models.results import CubeUnit
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Row, unit_row

ROWS = 50


@dataclass(frozen=True, kw_only=True)
class UnitPage:
    """One page of units; total: all of them, tiers: groups among all."""

    rows: tuple[Row, ...]
    total: int
    tiers: int
    page: int
    pages: int


def list_units(head: EvaluationHead, page: int) -> UnitPage:
    """Return one page of units, at most `ROWS`; those that are not compared come last, a page too far is the last."""
    mine = CubeUnit.evaluation_id == head.id
    total, tiers = db.session.execute(select(func.count(), func.count(CubeUnit.tier.distinct())).where(mine)).one()
    place = find_place(total, page=page, size=ROWS)
    order = (CubeUnit.tier.is_(None), CubeUnit.tier, CubeUnit.code)
    query = select(CubeUnit).where(mine).order_by(*order).limit(ROWS).offset(place.start)
    rows = tuple(unit_row(unit) for unit in db.session.scalars(query))
    return UnitPage(rows=rows, total=total, tiers=tiers, page=place.page, pages=place.pages)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The best or the worst group of an evaluation's units: how many stand in it, and the first of their names."""

    best: bool
    number: int
    names: tuple[str, ...]


def edges(heads: Sequence[EvaluationHead], *, most: int) -> dict[int, list[Edge]]:
    """Return the best and the worst group by evaluation, with so many names; nothing where there is one group only."""
    inside = CubeUnit.evaluation_id.in_([head.id for head in heads]) & CubeUnit.tier.is_not(None)
    ends = (
        select(CubeUnit.evaluation_id, func.min(CubeUnit.tier).label("low"), func.max(CubeUnit.tier).label("high"))
        .where(inside)
        .group_by(CubeUnit.evaluation_id)
        .subquery()
    )
    group = (CubeUnit.evaluation_id, CubeUnit.tier)
    ranked = (
        select(
            *group,
            CubeUnit.name,
            (CubeUnit.tier == ends.c.low).label("best"),
            func.count().over(partition_by=group).label("number"),
            func.row_number().over(partition_by=group, order_by=CubeUnit.code).label("place"),
        )
        .join(ends, ends.c.evaluation_id == CubeUnit.evaluation_id)
        .where(inside, ends.c.low < ends.c.high, CubeUnit.tier.in_((ends.c.low, ends.c.high)))
        .subquery()
    )
    rows = db.session.execute(select(ranked).where(ranked.c.place <= most).order_by(ranked.c.tier, ranked.c.place))
    found: dict[int, dict[bool, list[str]]] = {}
    numbers: dict[tuple[int, bool], int] = {}
    for row in rows:
        found.setdefault(row.evaluation_id, {}).setdefault(bool(row.best), []).append(row.name)
        numbers[row.evaluation_id, bool(row.best)] = row.number
    return {
        number: [Edge(best=best, number=numbers[number, best], names=tuple(names)) for best, names in sides.items()]
        for number, sides in found.items()
    }


def same_units(head: EvaluationHead, codes: list[str]) -> dict[str, Row]:
    """Return the units of these codes in another release, by code."""
    query = select(CubeUnit).where(CubeUnit.evaluation_id == head.id, CubeUnit.code.in_(codes))
    return {unit.code: unit_row(unit) for unit in db.session.scalars(query)}
