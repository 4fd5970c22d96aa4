"""Reads the comparisons of a release: the tests of an evaluation, and pages of its pairs, flagged ones first."""

from dataclasses import dataclass

from sqlalchemy import Select, and_, func, or_, select

from survey.extensions import db
from survey.models.results import CubeEvaluation, CubePair
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Record
from survey.queries.target_lists import ROWS

UNITS, ONE_BALLOT = "comparison", "paired"
ALL_OTHERS = "*"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What an evaluation compares, without the pairs; comparison, paired: tests of the result schema, or None.

    total, flagged: pairs, of targets on one ballot where there are any, else of units.
    """

    comparison: Record | None
    paired: Record | None
    total: int
    flagged: int

    @property
    def kind(self) -> str:
        """Which pairs are shown."""
        return ONE_BALLOT if self.paired else UNITS


@dataclass(frozen=True, kw_only=True)
class PairPage:
    """One page of pairs, at most `ROWS`."""

    rows: tuple[Record, ...]
    page: int
    pages: int


def compared(head: EvaluationHead) -> Compared:
    """Return the tests of an evaluation and how many pairs it has."""
    parts = CubeEvaluation.document["comparison"], CubeEvaluation.document["paired"]
    comparison, paired = db.session.execute(select(*parts).where(CubeEvaluation.evaluation_id == head.id)).one()
    kind = ONE_BALLOT if paired else UNITS
    mine = and_(CubePair.evaluation_id == head.id, CubePair.kind == kind)
    total, quiet = db.session.execute(
        select(func.count(), func.count().filter(CubePair.unflagged)).select_from(CubePair).where(mine)
    ).one()
    return Compared(comparison=comparison, paired=paired, total=total, flagged=total - quiet)


def pair_page(head: EvaluationHead, found: Compared, page: int) -> PairPage:
    """Return one page of pairs; a page too far is the last."""
    place = find_place(found.total, page=page, size=ROWS)
    query = _pairs(head, found.kind).limit(ROWS).offset(place.start)
    return PairPage(rows=tuple(db.session.scalars(query)), page=place.page, pages=place.pages)


def flagged_pairs(head: EvaluationHead, found: Compared, most: int) -> list[Record]:
    """Return the flagged pairs, at most so many."""
    return list(db.session.scalars(_pairs(head, found.kind).where(~CubePair.unflagged).limit(most)))


def pairs_of(head: EvaluationHead, code: str, *, most: int = 1000) -> list[Record]:
    """Return the pairs in which a unit stands, at most so many, flagged ones first."""
    either = or_(CubePair.a == code, CubePair.b == code)
    return list(db.session.scalars(_pairs(head, UNITS).where(either).limit(most)))


def paired_rows(head: EvaluationHead) -> list[Record]:
    """Return all pairs of targets on one ballot, of which there are few."""
    return list(db.session.scalars(_pairs(head, ONE_BALLOT)))


def _pairs(head: EvaluationHead, kind: str) -> Select[Record]:
    return (
        select(CubePair.document)
        .where(CubePair.evaluation_id == head.id, CubePair.kind == kind)
        .order_by(CubePair.unflagged, CubePair.position)
    )
