"""Reads of pressure reports, for 监察室 only: by day, within a day in the order of their random keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from survey.extensions import db
from survey.models.pressure_reports import pressure_report
from survey.queries.paging import find_place

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One report; school, class and text are what the reporter wrote, and may be empty."""

    day: date
    kinds: tuple[str, ...]
    school: str
    class_name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ReportList:
    """A page of reports, newest day first; `pages` counts from 1."""

    reports: Sequence[ReportRow]
    page: int
    pages: int
    total: int


def report_list(*, page: int) -> ReportList:
    """Return a page of the reports."""
    total = db.session.scalar(select(func.count()).select_from(pressure_report)) or 0
    place = find_place(total, page=page, size=PAGE)
    query = select(pressure_report).order_by(pressure_report.c.day.desc(), pressure_report.c.id)
    rows = db.session.execute(query.offset(place.start).limit(PAGE))
    reports = [
        ReportRow(
            day=row.day,
            kinds=tuple(filter(None, row.kinds.split(","))),
            school=row.school,
            class_name=row.class_name,
            text=row.text,
        )
        for row in rows
    ]
    return ReportList(reports=reports, page=place.page, pages=place.pages, total=total)
