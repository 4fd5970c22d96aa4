"""Reads of the audit log: a page of it, and the whole of it for an export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Engine, func, select

from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.queries.paging import find_place

TIME_ZONE = ZoneInfo("Asia/Shanghai")
PER_PAGE = 50
CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One act; `at` is an ISO moment in UTC, `digest` covers the entry and all before it."""

    id: int
    at: str
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which entries: of one actor, of actions beginning with `action`, about `subject`, from day to day (Shanghai)."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of entries, newest first; `pages` is at least 1."""

    entries: tuple[Entry, ...]
    page: int
    pages: int
    total: int


def audit_page(wanted: Filter, *, page: int) -> Page:
    """Return one page of the log; a page number outside is brought inside."""
    clauses = _clauses(wanted)
    total = db.session.scalar(select(func.count()).select_from(AuditEntry).where(*clauses)) or 0
    place = find_place(total, page=page, size=PER_PAGE)
    query = select(AuditEntry).where(*clauses).order_by(AuditEntry.id.desc())
    rows = db.session.scalars(query.limit(PER_PAGE).offset(place.start))
    return Page(entries=tuple(_entry(row) for row in rows), page=place.page, pages=place.pages, total=total)


def known_actions() -> list[str]:
    """Return the kinds of acts that the log holds: what stands before the point of an action."""
    return sorted({action.partition(".")[0] for action in db.session.scalars(select(AuditEntry.action).distinct())})


def all_entries() -> Iterator[Entry]:
    """Return the whole log, oldest first, in pieces: a slow reader holds no transaction open between two of them."""
    # Taken now: a streamed answer is written after the application's context has ended.
    return _pieces(db.engine)


def _pieces(engine: Engine) -> Iterator[Entry]:
    columns, last = AuditEntry.__table__.c, 0
    while True:
        query = select(*columns).where(columns.id > last).order_by(columns.id).limit(CHUNK)
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        yield from (Entry(**row._mapping) for row in rows)
        last = rows[-1].id


def _clauses(wanted: Filter) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if wanted.actor:
        clauses.append(AuditEntry.actor == wanted.actor)
    if wanted.action:
        clauses.append(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        clauses.append(AuditEntry.subject.contains(wanted.subject, autoescape=True))
    if wanted.first_day:
        clauses.append(AuditEntry.at >= _midnight(wanted.first_day))
    if wanted.last_day and wanted.last_day < date.max:
        clauses.append(AuditEntry.at < _midnight(wanted.last_day + timedelta(days=1)))
    return clauses


def _midnight(day: date) -> str:
    if day.year < 2:
        return ""
    return datetime.combine(day, time(), TIME_ZONE).astimezone(UTC).isoformat(timespec="seconds")


def _entry(row: AuditEntry) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        digest=row.digest,
    )
