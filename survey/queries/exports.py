"""What exports and the read interface read of a released cube, row by row, as one audience sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select

from survey.errors import Conflict, NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.results import CubeEvaluation, CubePair, CubeTarget
from survey.queries import results
from survey.queries.audiences import Audience, seen_target, seen_units
from survey.queries.cubes import RELEASED, SCHEMA, SCHEME_KEYS
from survey.queries.paging import count_pages
from survey.queries.results import EvaluationHead, Record, Row, Wording
from survey.queries.target_lists import matches

SCHOOL_SCHEMA = "wuping.school/1"
CHUNK = 500
SUMMARY = ("comparison", "paired", "reliability", "scale_quality")
PAIR_KINDS = ("comparison", "paired")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One evaluation as an audience sees it; its rows are read when they are asked for.

    summary: comparison and paired without their pairs, reliability and scale quality; overall: the evaluation as a
    whole: both the bureau's only, else None. software: the version that computed the release, "" if it was not kept.
    """

    head: EvaluationHead
    audience: Audience
    questionnaire: Wording | None
    items: tuple[str, ...]
    overall: Record | None
    summary: Record
    software: str

    def targets(self) -> Iterator[Row]:
        """Yield the targets in the order of the cube, a few hundred at a time."""
        query = _columns(_mine(self)).order_by(CubeTarget.position)
        # Closed also where a reader stops early: PostgreSQL keeps a cursor open for it.
        with db.session.execute(query.execution_options(yield_per=CHUNK)) as rows:
            for row in rows:
                yield seen_target(_row(row), self.audience)

    def count(self) -> int:
        """Return how many targets `targets` yields."""
        return _count(_mine(self))

    def units(self) -> list[Row]:
        """Return the units in the order of the cube."""
        return seen_units(results.units(self.head), self.head, self.audience)

    def pairs(self, kind: str, *, size: int | None = None, first: int = 0) -> Iterator[Record]:
        """Yield the pairs of a comparison in the order of the cube; kind is one of `PAIR_KINDS`."""
        if not self.audience.exact:
            return
        query = select(CubePair.document).where(CubePair.evaluation_id == self.head.id, CubePair.kind == kind)
        query = query.order_by(CubePair.position).limit(size).offset(first)
        with db.session.execute(query.execution_options(yield_per=CHUNK)) as rows:
            yield from rows.scalars()

    def count_pairs(self, kind: str) -> int:
        """Return how many pairs a comparison has."""
        mine = (CubePair.evaluation_id == self.head.id, CubePair.kind == kind)
        return (db.session.scalar(select(func.count()).select_from(CubePair).where(*mine)) or 0) * self.audience.exact


def _mine(part: Part) -> list[ColumnElement[bool]]:
    return _visible(part.head, part.audience)


def _visible(head: EvaluationHead, audience: Audience) -> list[ColumnElement[bool]]:
    mine = [CubeTarget.evaluation_id == head.id]
    return mine if audience.exact else [*mine, CubeTarget.school_code == audience.school]


def _count(conditions: Sequence[ColumnElement[bool]]) -> int:
    return db.session.scalar(select(func.count()).select_from(CubeTarget).where(*conditions)) or 0


def _columns(conditions: Sequence[ColumnElement[bool]]) -> Any:
    # Columns, not mapped objects: a city's documents must not all stay in the session.
    return select(
        CubeTarget.evaluation_id,
        CubeTarget.code,
        CubeTarget.name,
        CubeTarget.unit,
        CubeTarget.school_code,
        CubeTarget.document.label("record"),
    ).where(*conditions)


def _row(row: Any) -> Row:
    return Row(**row._mapping)


def released_parts(campaign_id: int, audience: Audience) -> list[Part]:
    """Return the evaluations of a released campaign that say something to the audience; raise NotFound without any."""
    heads = results.evaluation_heads(campaign_id)
    if not audience.exact:
        heads = [head for head in heads if _count(_visible(head, audience))]
    if not heads:
        raise NotFound(_("There are no released results here."))
    texts = results.questionnaires(heads)
    return [_part(head, audience, texts.get(head.questionnaire_id)) for head in heads]


def find_part(campaign_id: int, relation: str, audience: Audience) -> Part:
    """Return one evaluation as the audience sees it; raise NotFound."""
    head = results.find_head(campaign_id, relation)
    if not audience.exact and not _count(_visible(head, audience)):
        raise NotFound(_("There are no released results here."))
    return _part(head, audience, results.questionnaires([head]).get(head.questionnaire_id))


def _part(head: EvaluationHead, audience: Audience, questionnaire: Wording | None) -> Part:
    wanted = (*SUMMARY, "items", "method") if audience.exact else ("items", "method")
    columns = [CubeEvaluation.document[key].label(key) for key in wanted]
    kept = db.session.execute(select(*columns).where(CubeEvaluation.evaluation_id == head.id)).one()._mapping
    return Part(
        head=head,
        audience=audience,
        questionnaire=questionnaire,
        items=tuple(kept["items"]),
        overall=head.overall if audience.exact else None,
        summary={key: kept.get(key) for key in SUMMARY},
        software=(kept["method"] or {}).get("software", {}).get("wuping", ""),
    )


@dataclass(frozen=True, kw_only=True)
class PageOfRows:
    """At most 100 rows, with how many match in all; `page` and `pages` from 1. A page beyond the last is empty."""

    rows: tuple[Row, ...]
    total: int
    page: int
    pages: int


def page_of_targets(part: Part, *, unit: str = "", search: str = "", page: int = 1, size: int = 100) -> PageOfRows:
    """Return one page of targets in the order of the cube, of one unit or with a name or code that fits."""
    conditions = _mine(part)
    if unit:
        conditions.append(CubeTarget.unit == unit)
    if search:
        conditions.append(matches(search))
    total = _count(conditions)
    query = _columns(conditions).order_by(CubeTarget.position).limit(size).offset(size * (page - 1))
    rows = [seen_target(_row(row), part.audience) for row in db.session.execute(query)]
    return PageOfRows(rows=tuple(rows), total=total, page=page, pages=count_pages(total, size))


def page_of_units(part: Part, *, page: int, size: int) -> PageOfRows:
    """Return one page of units in the order of the cube."""
    entries = part.units()
    shown = tuple(entries[size * (page - 1) : size * page])
    return PageOfRows(rows=shown, total=len(entries), page=page, pages=count_pages(len(entries), size))


def find_target(part: Part, code: str) -> Row:
    """Return one target as the audience sees it; raise NotFound, also for one that it may not see."""
    row = results.find_target(part.head, code, school=part.audience.school)
    return seen_target(row, part.audience)


def find_unit(part: Part, code: str) -> Row:
    """Return one unit as the audience sees it; raise NotFound."""
    for row in part.units():
        if row.code == code:
            return row
    raise NotFound(_("There is no such unit in these results."))


def edition(campaign_id: int) -> str:
    """Return what tells one release of a campaign from the next; raise NotFound before the first."""
    query = (
        select(Campaign.state, Campaign.version, CubeEvaluation.evaluation_id, CubeEvaluation.version.label("cube"))
        .join(CubeEvaluation, CubeEvaluation.campaign_id == Campaign.id)
        .where(Campaign.id == campaign_id, Campaign.state.in_(RELEASED))
        .order_by(CubeEvaluation.evaluation_id)
    )
    rows = db.session.execute(query).all()
    if not rows:
        raise NotFound(_("There are no released results here."))
    versions = "-".join(f"{row.evaluation_id}.{row.cube}" for row in rows)
    return f"{campaign_id}-{rows[0].state}-{rows[0].version}-{versions}"


def require_released(campaign_id: int) -> None:
    """Raise NotFound where there is no such campaign, Conflict where it is not released: as `survey results` does."""
    state = db.session.scalar(select(Campaign.state).where(Campaign.id == campaign_id))
    if state is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if state not in RELEASED:
        raise Conflict(_("The results of campaign %(id)s have not been released.", id=campaign_id))


def campaign_frame(part: Part) -> dict[str, Any]:
    """Return the head of a document of results; a school's schema has another name, for its figures are coarser."""
    campaign = part.head.campaign
    about = {"id": campaign.id, "name": campaign.name, "year": campaign.year, "state": campaign.state}
    return {"schema": SCHEMA if part.audience.exact else SCHOOL_SCHEMA, "campaign": about}


def evaluation_frame(part: Part) -> dict[str, Any]:
    """Return what an evaluation of the result schema says before its targets and units."""
    scheme = part.head.scheme.to_json()
    return {
        "relation": part.head.relation,
        "questionnaire": part.head.questionnaire,
        "scheme": {key: scheme[key] for key in SCHEME_KEYS},
        "items": list(part.items),
    }
