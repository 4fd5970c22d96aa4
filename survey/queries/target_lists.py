"""Pages of targets: filtered, searched and sorted by the columns of the cube, at most a hundred at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from survey.database import is_sqlite
from survey.extensions import db
from survey.models.results import CubeTarget, CubeUnit
from survey.queries.outside import outside_record
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Row, target_row

ROWS = 100
"""Rows a page of any list."""

SORTS = {
    "code": CubeTarget.code,
    "name": CubeTarget.name,
    "unit": CubeTarget.unit,
    "ballots": CubeTarget.ballots,
    "score": CubeTarget.score,
}
# Lists of targets that stand out, as the release says.
ONLY = {
    "above": CubeTarget.funnel > 1,
    "below": CubeTarget.funnel < -1,
    "risen": CubeTarget.change > 0,
    "fallen": CubeTarget.change < 0,
    "withheld": CubeTarget.score.is_(None),
}


@dataclass(frozen=True, kw_only=True)
class TargetFilter:
    """Which targets a table lists and how; `school` limits it to one school whatever else is asked.

    only: "" or a key of `ONLY`.
    """

    unit: str = ""
    only: str = ""
    school: str | None = None
    search: str = ""
    sort: str = "code"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True, kw_only=True)
class TargetPage:
    """One page of targets; `total` counts all that match, `page` and `pages` start at 1."""

    rows: tuple[Row, ...]
    total: int
    page: int
    pages: int


def outside_funnels(heads: Sequence[EvaluationHead]) -> dict[tuple[int, str], int]:
    """Return how many targets lie beyond the 99.8 % limits, by evaluation and "above" or "below"."""
    query = (
        select(CubeTarget.evaluation_id, CubeTarget.funnel, func.count())
        .where(CubeTarget.evaluation_id.in_([head.id for head in heads]), CubeTarget.funnel.in_((-2, 2)))
        .group_by(CubeTarget.evaluation_id, CubeTarget.funnel)
    )
    rows = db.session.execute(query)
    return {(number, "above" if side > 0 else "below"): count for number, side, count in rows}


def list_targets(head: EvaluationHead, wanted: TargetFilter) -> TargetPage:
    """Return one page of targets, at most `ROWS`; an unknown order means by code, a page too far the last."""
    conditions = _conditions(head, wanted)
    total = db.session.scalar(select(func.count()).select_from(CubeTarget).where(*conditions)) or 0
    place = find_place(total, page=wanted.page, size=ROWS)
    codes = _codes(conditions, wanted, start=place.start)
    found = select(CubeTarget).where(CubeTarget.evaluation_id == head.id, CubeTarget.code.in_(codes))
    by_code = {target.code: target_row(target) for target in db.session.scalars(found)}
    return TargetPage(rows=tuple(by_code[code] for code in codes), total=total, page=place.page, pages=place.pages)


def _codes(conditions: list[ColumnElement[bool]], wanted: TargetFilter, *, start: int) -> list[str]:
    """Return the codes of one page, from an index alone; what has no score comes last in either direction."""
    if wanted.school is not None:
        return _coarse_codes(conditions, wanted)[start : start + ROWS]
    column = SORTS.get(wanted.sort, CubeTarget.code)
    order = column.desc() if wanted.descending else column.asc()
    query = select(CubeTarget.code).where(*conditions)
    if wanted.sort != "score":
        # Named twice, the code would keep SQLite from the index of a unit.
        orders = (order,) if column is CubeTarget.code else (order, CubeTarget.code)
        return list(db.session.scalars(query.order_by(*orders).limit(ROWS).offset(start)))
    scored, bare = query.where(CubeTarget.score.is_not(None)), query.where(CubeTarget.score.is_(None))
    codes = list(db.session.scalars(scored.order_by(order, CubeTarget.code).limit(ROWS).offset(start)))
    if len(codes) < ROWS:
        before = db.session.scalar(select(func.count()).select_from(scored.subquery())) or 0
        rest = bare.order_by(CubeTarget.code).limit(ROWS - len(codes)).offset(max(0, start - before))
        codes += db.session.scalars(rest)
    return codes


def _coarse_codes(conditions: list[ColumnElement[bool]], wanted: TargetFilter) -> list[str]:
    """Return the codes of a school's targets in the order of what it is shown: exact figures would order it finer."""
    shown = CubeTarget.name, CubeTarget.unit, CubeTarget.ballots, CubeTarget.score
    query = select(CubeTarget.code, *shown, CubeTarget.document["withheld"].label("withheld"))
    rows = [dict(row._mapping) for row in db.session.execute(query.where(*conditions).order_by(CubeTarget.code))]
    key = wanted.sort if wanted.sort in SORTS else "code"
    bare = [row["code"] for row in rows if row[key] is None]
    named = [row for row in rows if row[key] is not None]
    seen = [(outside_record({key: row[key], "withheld": row["withheld"]})[key], row["code"]) for row in named]
    # Sorted by one key, and stable when turned round: ties stay in the order of codes.
    seen.sort(key=lambda pair: pair[0], reverse=wanted.descending)
    return [code for _value, code in seen] + bare


def _conditions(head: EvaluationHead, wanted: TargetFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [CubeTarget.evaluation_id == head.id]
    if wanted.unit:
        conditions.append(CubeTarget.unit == wanted.unit)
    if wanted.only in ONLY:
        conditions.append(ONLY[wanted.only])
    if wanted.school is not None:
        conditions.append(CubeTarget.school_code == wanted.school)
    if wanted.search:
        conditions.append(matches(wanted.search))
    return conditions


def matches(sought: str, rows: type[CubeTarget] | type[CubeUnit] = CubeTarget) -> ColumnElement[bool]:
    """Return the condition that a row's name holds what is sought, or its code begins with it, in either case."""
    if is_sqlite():
        # Its LIKE takes A for a by itself; folding a city's names beforehand would take thrice as long.
        return rows.name.contains(sought, autoescape=True) | rows.code.startswith(sought, autoescape=True)
    return rows.name.icontains(sought, autoescape=True) | rows.code.istartswith(sought, autoescape=True)
