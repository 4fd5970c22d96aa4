"""Reports of pressure (有人要求我怎么填): taken without code or address, kept by day only, read by 监察室 alone.

A report and a ballot of the same minute must not be brought together: the report has a random key, and the table is
written anew in key order once an hour (`settle`) and at every close, so that neither a place within a page of SQLite
nor a transaction number of PostgreSQL tells which row came after which.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select

from survey.database import checkpoint, is_sqlite, write_connection
from survey.errors import BadInput, TooMany
from survey.models.pressure_reports import pressure_report
from survey.services import mixing
from survey.services.address_limits import Throttle
from survey.services.ballots import today

# What may have happened; the words stand in the view.
KINDS = ("told", "watched", "taken", "rewarded", "threatened", "other")
MOST_TEXT = 1000
MOST_SCHOOL = 100
MOST_CLASS = 60
# A school is one address: a whole class may report in a lesson. The limit of a day only keeps a flood from the disk.
BY_ADDRESS = Throttle(most=60, seconds=3600)
MOST_A_DAY = 20_000


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a reporter chose to say; at least one kind or a text."""

    kinds: Sequence[str]
    school: str = ""
    class_name: str = ""
    text: str = ""


def report_pressure(report: Report, *, address: str) -> None:
    """Keep a report; `address` is only counted in memory. Raises BadInput (nothing said), TooMany."""
    row = _row(report)
    if not BY_ADDRESS.admits(address):
        raise TooMany(_("Too many reports came from this connection. Please call instead, or try again in an hour."))
    with write_connection() as connection:
        known = select(func.count()).select_from(pressure_report).where(pressure_report.c.day == row["day"])
        if (connection.scalar(known) or 0) >= MOST_A_DAY:
            raise TooMany(_("More reports came today than can be taken. Please call instead, or try again tomorrow."))
        connection.execute(insert(pressure_report), row)


def _row(report: Report) -> dict[str, object]:
    kinds = [kind for kind in KINDS if kind in report.kinds]
    text = report.text.strip()
    if not kinds and not text:
        raise BadInput(_("Choose what happened, or describe it in your own words."))
    if len(text) > MOST_TEXT:
        raise BadInput(_("The description may have at most %(most)s characters.", most=MOST_TEXT))
    return {
        "id": secrets.token_bytes(16),
        "day": today(),
        "kinds": ",".join(kinds),
        "school": report.school.strip()[:MOST_SCHOOL],
        "class_name": report.class_name.strip()[:MOST_CLASS],
        "text": text,
    }


def settle() -> None:
    """Leave no order among the reports. Run by the worker every hour.

    SQLite hands rows out in key order, but its pages hold them as they came (cell offsets); so does the log.
    """
    if not is_sqlite():
        mixing.rewrite_reports()
        return
    with write_connection() as connection:
        rows = connection.execute(select(pressure_report).order_by(pressure_report.c.id)).mappings().all()
        connection.execute(delete(pressure_report))
        if rows:
            connection.execute(insert(pressure_report), [dict(row) for row in rows])
    checkpoint()
