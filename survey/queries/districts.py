"""Reads results by district (学区): how many answered, and what is released of a district's schools."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.results import CubeTarget, CubeUnit
from survey.queries.results import EvaluationHead, Row, target_row, unit_row


@dataclass(frozen=True, kw_only=True)
class Turnout:
    """Ballots and the slips they could come from, of one district; rate in [0, 1], None without a roster."""

    ballots: int
    issued: int
    rate: float | None


@dataclass(frozen=True, kw_only=True)
class SchoolLine:
    """One school of a district: its row of parents, of its principal, of its teachers as a unit; None without one."""

    code: str
    name: str
    parents: Row | None
    principal: Row | None
    teachers: Row | None


def district_turnout(heads: Sequence[EvaluationHead]) -> dict[str, dict[str, Turnout]]:
    """Return the turnout by district and relation, in order of name; units without a district are left out."""
    relations = {head.id: head.relation for head in heads}
    rows = db.session.execute(
        select(
            CubeUnit.evaluation_id,
            CubeUnit.district,
            CubeUnit.document["ballots"],
            CubeUnit.findings["issued"],
            CubeUnit.findings["response_rate"],
        )
        .where(CubeUnit.evaluation_id.in_(relations), CubeUnit.district != "", CubeUnit.findings.is_not(None))
        .order_by(CubeUnit.district)
    )
    found: dict[str, dict[str, Turnout]] = {}
    for evaluation_id, district, ballots, issued, rate in rows:
        mine = found.setdefault(district, {})
        relation = relations[evaluation_id]
        mine[relation] = _with(mine.get(relation), ballots, issued, known=rate is not None)
    return found


def _with(before: Turnout | None, ballots: int, issued: int, *, known: bool) -> Turnout:
    if before is not None:
        ballots, issued, known = before.ballots + ballots, before.issued + issued, known and before.rate is not None
    return Turnout(ballots=ballots, issued=issued, rate=ballots / issued if known and issued else None)


def district_units(heads: Sequence[EvaluationHead], district: str) -> dict[str, Row]:
    """Return the district's own rows by relation, where districts are units."""
    relations = {head.id: head.relation for head in heads}
    rows = db.session.scalars(
        select(CubeUnit).where(CubeUnit.evaluation_id.in_(relations), CubeUnit.code == district)
    ).all()
    return {relations[row.evaluation_id]: unit_row(row) for row in rows}


def district_schools(heads: Sequence[EvaluationHead], district: str) -> list[SchoolLine]:
    """Return the schools of a district by code; raise NotFound where the results know none."""
    relations = {head.id: head.relation for head in heads}
    found: dict[str, dict[str, Row]] = {}
    names: dict[str, str] = {}
    targets = select(CubeTarget).where(CubeTarget.evaluation_id.in_(_of(heads, "parent_school", "teacher_principal")))
    for target in db.session.scalars(targets.where(CubeTarget.unit == district)):
        found.setdefault(target.school_code, {})[relations[target.evaluation_id]] = target_row(target)
        if relations[target.evaluation_id] == "parent_school":
            names[target.school_code] = target.name
    units = select(CubeUnit).where(CubeUnit.evaluation_id.in_(_of(heads, "student_teacher")))
    for unit in db.session.scalars(units.where(CubeUnit.district == district)):
        found.setdefault(unit.code, {})["student_teacher"] = unit_row(unit)
        names.setdefault(unit.code, unit.name)
    if not found:
        raise NotFound(_("There is no such unit in these results."))
    return [_line(code, names.get(code, code), rows) for code, rows in sorted(found.items())]


def _of(heads: Sequence[EvaluationHead], *relations: str) -> list[int]:
    return [head.id for head in heads if head.relation in relations]


def _line(code: str, name: str, rows: dict[str, Row]) -> SchoolLine:
    return SchoolLine(
        code=code,
        name=name,
        parents=rows.get("parent_school"),
        principal=rows.get("teacher_principal"),
        teachers=rows.get("student_teacher"),
    )
