"""The roster import: a workbook becomes the roster, all or nothing, and the same workbook twice changes nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, func, select

from survey.database import transaction
from survey.errors import Conflict
from survey.extensions import db
from survey.models.organisations import RosterVersion
from survey.services import audit
from survey.services.roster_changes import SCHOOL_TABLE, ChangedRow, TableChanges, compare_roster, write_changes
from survey.services.roster_checks import Key, Problem, Problems, RosterFile, Values, read_roster
from survey.services.xlsx_parts import UPLOAD, Limits

LISTED_CHANGES = 200
"""Of each kind and sheet; the counts are always complete."""
# Days are those of the bureau; China has had no other offset since 1991.
_SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True, kw_only=True)
class ChangeCounts:
    """Rows over all five sheets; a row that had left and is back counts as changed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One cell of a changed row; `field` is the header of its column."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """A changed row as a page names it; `returned`: it had been marked as left."""

    row: str
    returned: bool
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, kw_only=True)
class SheetDiff:
    """What changes in one sheet: complete counts, and the first rows of each kind."""

    sheet: str
    counts: ChangeCounts
    added: tuple[str, ...]
    changed: tuple[RowChange, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RosterReport:
    """What a roster file holds and what its import changed, or would change in a dry run.

    The six counts are those of the file. With an error nothing was written, and `changes` and `diff` are empty.
    """

    schools: int
    departments: int
    classes: int
    pupils: int
    teachers: int
    teaching: int
    changes: ChangeCounts
    problems: tuple[Problem, ...]
    diff: tuple[SheetDiff, ...]

    @property
    def ok(self) -> bool:
        """Whether the file has no error; warnings do not matter."""
        return all(problem.severity != "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """The document of `survey roster import --json`."""
        document = asdict(self)
        del document["diff"]
        return document

    def diff_json(self) -> list[dict[str, Any]]:
        """The differences by sheet, for the page that reviews a dry run."""
        return [asdict(sheet) for sheet in self.diff]


def import_roster(
    path: Path,
    *,
    actor: str,
    dry_run: bool = False,
    file_name: str = "",
    limits: Limits = UPLOAD,
    progress: Callable[[int, int], None] | None = None,
) -> RosterReport:
    """Make the workbook the roster, in one transaction; with an error in it, or in a dry run, nothing is written.

    Rows that the file no longer has are marked as left. `file_name` is what the officer called the file (default: its
    name). `progress` gets (done, total) in rows read and rows to be written; it must not use the database. Raises
    BadInput for a file that cannot be read, Conflict when another import came first.
    """
    steps = _Steps(progress)
    problems = Problems()
    roster = read_roster(path, problems=problems, limits=limits, progress=steps.read)
    if problems.errors:
        return _report(roster, problems, ())
    with db.engine.connect() as connection:
        version = _latest_version(connection)
        changes = compare_roster(connection, roster)
    _warn_of_partial_file(changes, problems)
    report = _report(roster, problems, changes)
    if not dry_run and _rows_to_write(report.changes):
        steps.begin_writing(_rows_to_write(report.changes))
        _write(changes, report, version=version, actor=actor, file_name=file_name or path.name, steps=steps)
    steps.finish()
    return report


class _Steps:
    """Progress over two stretches: rows read, then rows written."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress or (lambda done, total: None)
        self._done, self._total = 0, 1

    def read(self, done: int, total: int) -> None:
        # As many rows to write as to read is the most there can be, so the bar never runs backwards.
        self._done, self._total = done, 2 * total
        self._progress(self._done, self._total)

    def begin_writing(self, rows: int) -> None:
        self._total = max(self._total, self._done + rows)

    def wrote(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)

    def finish(self) -> None:
        self._progress(self._total, self._total)


def _write(
    changes: Sequence[TableChanges], report: RosterReport, *, version: int, actor: str, file_name: str, steps: _Steps
) -> None:
    """Write what was compared: without a lock, so that votes go on meanwhile; the version shows that it still holds."""
    counts = report.changes
    with transaction() as session:
        connection = session.connection()
        if _latest_version(connection) != version:
            raise Conflict(gettext("Another import changed the roster meanwhile; import the file again."))
        write_changes(connection, changes, written=steps.wrote)
        session.add(
            RosterVersion(
                imported_on=datetime.now(UTC).astimezone(_SHANGHAI).date().isoformat(),
                imported_by=actor[:100],
                file_name=file_name[:300],
                added=counts.added,
                changed=counts.changed,
                removed=counts.removed,
            )
        )
        audit.record(session, actor=actor, action="roster.import", subject=file_name[:200], detail=asdict(counts))


def _latest_version(connection: Connection) -> int:
    return connection.scalar(select(func.max(RosterVersion.id))) or 0


def _rows_to_write(counts: ChangeCounts) -> int:
    return counts.added + counts.changed + counts.removed


def _warn_of_partial_file(changes: Sequence[TableChanges], problems: Problems) -> None:
    """A file of one school would mark all others as left: that is allowed, but hardly ever meant."""
    for change in changes:
        before = len(change.removed) + len(change.changed) + change.unchanged
        if change.table is SCHOOL_TABLE and 2 * len(change.removed) > before:
            message = gettext(
                "%(gone)s of %(before)s schools are not in this file and would be marked as left; "
                "import the whole roster in one file unless they have closed.",
                gone=len(change.removed),
                before=before,
            )
            problems.add("warning", message, sheet=SCHOOL_TABLE.sheet)


def _report(roster: RosterFile, problems: Problems, changes: Sequence[TableChanges]) -> RosterReport:
    diff = tuple(_sheet_diff(change) for change in changes)
    return RosterReport(
        schools=len(roster.schools),
        departments=len(roster.departments),
        classes=len(roster.classes),
        pupils=roster.pupils,
        teachers=len(roster.teachers),
        teaching=len(roster.teaching),
        changes=_sum(sheet.counts for sheet in diff),
        problems=problems.listed(),
        diff=diff,
    )


def _sum(counts: Iterable[ChangeCounts]) -> ChangeCounts:
    total = ChangeCounts()
    for count in counts:
        total = ChangeCounts(
            added=total.added + count.added,
            changed=total.changed + count.changed,
            unchanged=total.unchanged + count.unchanged,
            removed=total.removed + count.removed,
        )
    return total


def _sheet_diff(change: TableChanges) -> SheetDiff:
    return SheetDiff(
        sheet=change.table.sheet,
        counts=ChangeCounts(
            added=len(change.added),
            changed=len(change.changed),
            unchanged=change.unchanged,
            removed=len(change.removed),
        ),
        added=tuple(_label(key, values) for key, values in islice(change.added.items(), LISTED_CHANGES)),
        changed=tuple(_row_change(change, row) for row in change.changed[:LISTED_CHANGES]),
        removed=tuple(_label(row.key, row.old) for row in change.removed[:LISTED_CHANGES]),
    )


def _row_change(change: TableChanges, row: ChangedRow) -> RowChange:
    cells = zip(change.table.headers, row.old, row.new, strict=True)
    fields = tuple(FieldChange(field=f, old=str(old), new=str(new)) for f, old, new in cells if old != new)
    return RowChange(row=_label(row.key, row.new), returned=row.returned, fields=fields)


def _label(key: Key, values: Values) -> str:
    """The row in a few words: a code with its name, or the parts of a longer key."""
    return " ".join([*key, str(values[0])] if len(key) == 1 else key)
