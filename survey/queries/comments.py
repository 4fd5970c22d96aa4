"""Reads of reviewed comments: the queue and list of the bureau, what a school or a rated person may read, quotes.

Rows come in the order of their random keys, which is no order at all. Nothing here reads what was written, only the
wordings of the review, and nothing leaves the bureau before the release.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.orm import aliased

from survey.analysis.comment_pools import NOWHERE, TARGET, UNIT
from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.comments import ChipCount, CommentReview, CommentTheme, comment_mark
from survey.models.organisations import School
from survey.queries.cubes import RELEASED
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Record

ROWS = 50
# Who may read what is meant for whom: a wider audience includes the narrower ones.
READABLE = {
    "school": ("school", "person", "public"),
    "person": ("person", "public"),
    "public": ("public",),
}
CHIPS_INSIDE, CHIPS_OUTSIDE = 20, 30
"""Ballots about a target from which phrases are counted (every item figure), and outside the bureau as shares."""


@dataclass(frozen=True, kw_only=True)
class CommentRow:
    """A wording as it may be read: target and unit are "" where they would name too small a circle."""

    key: str
    relation: str
    target: str
    unit: str
    place: str
    text: str
    count: int
    state: str
    audience: str
    reason: str
    reviewer: str
    checker: str
    outside: bool
    themes: tuple[str, ...] = ()
    theme_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommentFilter:
    """What a list shows; "" and 0 mean all. settled_only: wordings that were decided on and not rejected."""

    relation: str = ""
    unit: str = ""
    theme: int = 0
    state: str = ""
    settled_only: bool = False
    page: int = 1


@dataclass(frozen=True, kw_only=True)
class CommentPage:
    """One page of comments; total counts wordings, comments what they stand for."""

    rows: tuple[CommentRow, ...]
    total: int
    comments: int
    page: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How many wordings of a campaign are in each state, and comments that come from too few to be read."""

    states: Mapping[str, int]
    unreadable: int

    @property
    def total(self) -> int:
        """All wordings that may be reviewed."""
        return sum(self.states.values())


@dataclass(frozen=True, kw_only=True)
class CommentedCampaign:
    """A campaign with comments that an account may look at."""

    id: int
    name: str
    year: int
    state: str
    waiting: int
    to_confirm: int
    settled: int


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A wording that may be read by its audience; count comments said so."""

    text: str
    count: int
    themes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChipLine:
    """A phrase about a target; ballots inside the bureau, share in [0, 1] (whole percent outside)."""

    chip: str
    ballots: int | None
    share: float


_SHOWN_TARGET = case((CommentReview.place == TARGET, Target.name), else_="")
_SHOWN_UNIT = case((CommentReview.place.in_((TARGET, UNIT)), Target.unit_name), else_="")
_READ = (
    select(
        CommentReview,
        Evaluation.relation,
        func.coalesce(_SHOWN_TARGET, "").label("target"),
        func.coalesce(_SHOWN_UNIT, "").label("unit"),
    )
    .join(Evaluation, Evaluation.id == CommentReview.evaluation_id)
    .outerjoin(Target, Target.id == CommentReview.target_id)
    .where(CommentReview.place != NOWHERE)
)


def commented_campaigns(*, reviewer: bool) -> list[CommentedCampaign]:
    """Return the campaigns with comments, newest first; for others than reviewers only released ones."""
    states = ("tallied", *RELEASED) if reviewer else RELEASED
    named = {state: func.sum(case((CommentReview.state.in_(values), 1), else_=0)) for state, values in _STAGES.items()}
    query = (
        select(Campaign.id, Campaign.name, Campaign.year, Campaign.state, *(n.label(k) for k, n in named.items()))
        .join(CommentReview, CommentReview.campaign_id == Campaign.id)
        .where(Campaign.state.in_(states), CommentReview.place != NOWHERE)
        .group_by(Campaign.id, Campaign.name, Campaign.year, Campaign.state)
        .order_by(Campaign.year.desc(), Campaign.id.desc())
    )
    return [CommentedCampaign(**row._mapping) for row in db.session.execute(query)]


_STAGES = {"waiting": ("waiting", "taken"), "to_confirm": ("reviewed", "checking"), "settled": ("settled",)}


def queue_of(campaign_id: int) -> Queue:
    """Return how far the review of a campaign is."""
    counts = select(CommentReview.state, func.count()).where(CommentReview.campaign_id == campaign_id)
    readable = counts.where(CommentReview.place != NOWHERE).group_by(CommentReview.state)
    unreadable = select(func.sum(CommentReview.count)).where(
        CommentReview.campaign_id == campaign_id, CommentReview.place == NOWHERE
    )
    states = {row[0]: row[1] for row in db.session.execute(readable)}
    return Queue(states=states, unreadable=int(db.session.scalar(unreadable) or 0))


def list_comments(campaign_id: int, wanted: CommentFilter) -> CommentPage:
    """Return one page of the bureau's list; a page too far means the last."""
    query = _READ.where(CommentReview.campaign_id == campaign_id, *_conditions(wanted))
    return _page(query, wanted.page)


def _conditions(wanted: CommentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.relation:
        conditions.append(Evaluation.relation == wanted.relation)
    if wanted.unit:
        # What may not be addressed to its unit is not found by it either.
        conditions += [Target.unit == wanted.unit, CommentReview.place.in_((TARGET, UNIT))]
    if wanted.theme:
        marked = comment_mark.c.review_id == CommentReview.id
        conditions.append(exists().where(marked, comment_mark.c.theme_id == wanted.theme))
    if wanted.state in _STAGES:
        conditions.append(CommentReview.state.in_(_STAGES[wanted.state]))
    elif wanted.state == "rejected":
        conditions += [CommentReview.state == "settled", CommentReview.audience == "none"]
    if wanted.settled_only:
        conditions += [CommentReview.state == "settled", CommentReview.audience != "none"]
    return conditions


def _page(query: Any, page: int) -> CommentPage:
    counted = query.subquery()
    total, comments = db.session.execute(select(func.count(), func.sum(counted.c.count)).select_from(counted)).one()
    place = find_place(total, page=page, size=ROWS)
    rows = _rows(query.order_by(CommentReview.id).limit(ROWS).offset(place.start))
    return CommentPage(rows=tuple(rows), total=total, comments=int(comments or 0), page=place.page, pages=place.pages)


def _rows(query: Any) -> list[CommentRow]:
    rows = [_row(*row) for row in db.session.execute(query)]
    themes = _themes_of([bytes.fromhex(row.key) for row in rows])
    return [
        replace(row, themes=tuple(name for _id, name in marks), theme_ids=tuple(number for number, _name in marks))
        for row in rows
        for marks in (themes.get(row.key, ()),)
    ]


def _row(review: CommentReview, relation: str, target: str, unit: str) -> CommentRow:
    return CommentRow(
        key=bytes(review.id).hex(),
        relation=relation,
        target=target,
        unit=unit,
        place=review.place,
        text=review.text,
        count=review.count,
        state=review.state,
        audience=review.audience,
        reason=review.reason,
        reviewer=review.reviewer,
        checker=review.checker,
        outside=review.outside,
    )


def _themes_of(keys: Sequence[bytes]) -> dict[str, list[tuple[int, str]]]:
    query = (
        select(comment_mark.c.review_id, CommentTheme.id, CommentTheme.name)
        .join(CommentTheme, CommentTheme.id == comment_mark.c.theme_id)
        .where(comment_mark.c.review_id.in_(keys))
        .order_by(CommentTheme.id)
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for key, number, name in db.session.execute(query):
        found.setdefault(bytes(key).hex(), []).append((number, name))
    return found


def find_comment(campaign_id: int, key: bytes) -> CommentRow:
    """Return one comment of the bureau's list; raises NotFound."""
    rows = _rows(_READ.where(CommentReview.campaign_id == campaign_id, CommentReview.id == key))
    if not rows:
        raise NotFound(_("This page does not exist."))
    return rows[0]


def commented_units(campaign_id: int, relation: str) -> list[tuple[str, str]]:
    """Return code and name of the units with comments that may be addressed to them, by code."""
    query = (
        select(Target.unit, Target.unit_name)
        .join(CommentReview, CommentReview.target_id == Target.id)
        .join(Evaluation, Evaluation.id == CommentReview.evaluation_id)
        .where(CommentReview.campaign_id == campaign_id, Evaluation.relation == relation)
        .where(CommentReview.place.in_((TARGET, UNIT)))
        .distinct()
        .order_by(Target.unit)
    )
    return [(unit, name) for unit, name in db.session.execute(query)]


def commented_relations(campaign_id: int) -> list[str]:
    """Return the relations of a campaign in which comments may be read, in the order in which they were made."""
    query = (
        select(Evaluation.relation)
        .join(CommentReview, CommentReview.evaluation_id == Evaluation.id)
        .where(CommentReview.campaign_id == campaign_id, CommentReview.place != NOWHERE)
        .group_by(Evaluation.id, Evaluation.relation)
        .order_by(Evaluation.id)
    )
    return list(db.session.scalars(query))


def school_comments(campaign_id: int, school: str, *, page: int = 1) -> CommentPage:
    """Return what a school may read about itself, its principal and its teachers, after the release."""
    query = _outside(_READ, READABLE["school"]).where(
        CommentReview.campaign_id == campaign_id, Target.school_code == school, Target.school_code != ""
    )
    return _page(query, page)


def school_name(code: str) -> str:
    """Return the name of a school of the roster; raises NotFound."""
    name = db.session.scalar(select(School.name).where(School.code == code))
    if name is None:
        raise NotFound(_("This page does not exist."))
    return name


def quotes(evaluation_id: int, target: str, *, reader: str) -> list[Quote]:
    """Return the comments about one target for a reader: "school", "person" (the one rated) or "public".

    Empty before the release, below 20 ballots about the target, and until every comment about it is decided: they come
    out together. For pages and reports; in the order of random keys.
    """
    query = _outside(_READ, READABLE[reader]).where(CommentReview.evaluation_id == evaluation_id, Target.code == target)
    return _quotes(query)


def public_quotes(evaluation_id: int, *, most: int = 20) -> list[Quote]:
    """Return at most so many comments of an evaluation that may be quoted publicly, after the release."""
    query = _outside(_READ, READABLE["public"]).where(CommentReview.evaluation_id == evaluation_id)
    return _quotes(query.limit(most))


def _quotes(query: Any) -> list[Quote]:
    rows: Iterable[CommentRow] = _rows(query.order_by(CommentReview.id))
    return [Quote(text=row.text, count=row.count, themes=row.themes) for row in rows]


def _outside(query: Any, audiences: Sequence[str]) -> Any:
    """Narrow a query to what may leave the bureau."""
    other = aliased(CommentReview)
    undecided = exists().where(
        other.evaluation_id == CommentReview.evaluation_id,
        other.target_id == CommentReview.target_id,
        other.state != "settled",
    )
    return query.join(Campaign, Campaign.id == CommentReview.campaign_id).where(
        Campaign.state.in_(RELEASED),
        CommentReview.state == "settled",
        CommentReview.audience.in_(audiences),
        CommentReview.outside,
        ~undecided,
    )


def chip_lines(head: EvaluationHead, code: str, record: Record, *, outside: bool) -> list[ChipLine]:
    """Return the phrases about a target of a released evaluation, most frequent first; `record` is the cube's own.

    Empty below the floors. Outside the bureau shares are whole per cent, and a phrase that all or none ticked is told
    like any other: ticking is free, so a blank says nothing about the person.
    """
    n = int(record["ballots"])
    if n < (CHIPS_OUTSIDE if outside else CHIPS_INSIDE) or record["withheld"]:
        return []
    query = (
        select(ChipCount.chip, ChipCount.ballots)
        .join(Target, Target.id == ChipCount.target_id)
        .where(ChipCount.evaluation_id == head.id, Target.code == code)
        .order_by(ChipCount.ballots.desc(), ChipCount.chip)
    )
    lines = [_chip(chip, ballots, n, outside=outside) for chip, ballots in db.session.execute(query)]
    # By what is shown: the order of exact numbers would tell more.
    return sorted(lines, key=lambda line: (-line.share, line.chip))


def _chip(chip: str, ballots: int, n: int, *, outside: bool) -> ChipLine:
    share = min(1.0, ballots / n)
    return ChipLine(chip=chip, ballots=None if outside else ballots, share=round(share, 2) if outside else share)
