"""Reads of labels and their counts, by evaluation and unit; never finer than `analysis.comment_pools` allows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from survey.analysis.comment_pools import EVALUATION, NOWHERE
from survey.extensions import db
from survey.models.campaigns import Evaluation, Target
from survey.models.comments import CommentReview, CommentTheme, comment_mark


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A label of the bureau; words, divided by spaces, suggest it."""

    id: int
    name: str
    words: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class ThemeLine:
    """Comments by label (theme id -> comments) about one unit; both None where too few could have written them."""

    unit: str
    name: str
    comments: int | None
    counts: Mapping[int, int] | None


@dataclass(frozen=True, kw_only=True)
class ThemeTable:
    """An evaluation as a whole, its units by code, and how many comments are still undecided."""

    whole: ThemeLine
    units: tuple[ThemeLine, ...]
    undecided: int


def list_themes(*, active_only: bool = False) -> list[Theme]:
    """Return the labels in the order in which they were made."""
    query = select(CommentTheme).order_by(CommentTheme.id)
    rows = db.session.scalars(query.where(CommentTheme.active) if active_only else query)
    return [Theme(id=row.id, name=row.name, words=row.words, active=row.active) for row in rows]


def theme_table(campaign_id: int, relation: str) -> ThemeTable:
    """Count settled comments that were not rejected, by label; a comment with two labels counts under both.

    A unit's counts leave out what may be addressed to the evaluation only; a unit of which nothing may be addressed
    has no counts. Where a unit has, the whole leaves the same out: the difference would be those of a small circle.
    """
    mine = (CommentReview.campaign_id == campaign_id, Evaluation.relation == relation, CommentReview.place != NOWHERE)
    done = (*mine, CommentReview.state == "settled", CommentReview.audience != "none")
    totals = db.session.execute(_by_unit().where(*done)).all()
    marked = _by_unit(comment_mark.c.theme_id).join(comment_mark, comment_mark.c.review_id == CommentReview.id)
    marks = db.session.execute(marked.where(*done)).all()
    undecided = _sum().where(*mine, CommentReview.state != "settled")
    whole, units = lines_of(totals, marks)
    return ThemeTable(whole=whole, units=units, undecided=int(db.session.scalar(undecided) or 0))


def lines_of(totals: Sequence[Any], marks: Sequence[Any]) -> tuple[ThemeLine, tuple[ThemeLine, ...]]:
    """Return the line of the whole and those of its units, from rows (unit, unit_name, place, comments; theme_id).

    Where a unit's line is shown, the whole leaves out what may be addressed to the evaluation only, and units without
    a line: whole less units is nothing.
    """
    names = {row.unit: row.unit_name for row in totals if row.unit}
    units = tuple(_unit_line(unit, names[unit], totals, marks) for unit in sorted(names))
    if any(line.counts is not None for line in units):
        totals, marks = ([row for row in rows if row.place != EVALUATION] for rows in (totals, marks))
    return _line("", "", totals, marks), units


def _sum() -> Select[Any]:
    about = Evaluation.id == CommentReview.evaluation_id
    return select(func.sum(CommentReview.count)).select_from(CommentReview).join(Evaluation, about)


def _by_unit(*more: Any) -> Select[Any]:
    where = (Target.unit, Target.unit_name, CommentReview.place, *more)
    about = Evaluation.id == CommentReview.evaluation_id
    return (
        select(*where, func.sum(CommentReview.count).label("comments"))
        .select_from(CommentReview)
        .join(Evaluation, about)
        .outerjoin(Target, Target.id == CommentReview.target_id)
        .group_by(*where)
    )


def _unit_line(unit: str, name: str, totals: Any, marks: Any) -> ThemeLine:
    here = [row for row in totals if row.unit == unit and row.place != EVALUATION]
    if not here:
        return ThemeLine(unit=unit, name=name, comments=None, counts=None)
    return _line(unit, name, here, [row for row in marks if row.unit == unit and row.place != EVALUATION])


def _line(unit: str, name: str, totals: Any, marks: Any) -> ThemeLine:
    counts: Counter[int] = Counter()
    for row in marks:
        counts[row.theme_id] += int(row.comments)
    return ThemeLine(unit=unit, name=name, comments=sum(int(row.comments) for row in totals), counts=counts)
