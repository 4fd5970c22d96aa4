"""Somebody else's ballots as a table: one row per ballot, from CSV or XLSX, checked cell by cell."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from survey.analysis.arrays import Bytes, Ints
from survey.analysis.scoring import BLANK, NO_OPINION, Scheme, linear_scheme, load_scheme
from survey.errors import N_, BadInput

MOST_ROWS = 20_000_000
HIGHEST_LEVEL = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignBallots:
    """Ballots of a foreign table.

    answers uint8 (n_ballots, n_items), BLANK for an empty cell; target (n_ballots,) positions in `targets`; unit of
    each target, "" without a unit column; group (n_ballots,) positions in `groups` (classes), one nameless without.
    """

    answers: Bytes
    target: Ints
    targets: tuple[str, ...]
    units: tuple[str, ...]
    group: Ints
    groups: tuple[str, ...]
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of the table mean what; `unit` and `group` are optional."""

    target: str
    items: tuple[str, ...]
    unit: str | None = None
    group: str | None = None


def parse_levels(text: str) -> tuple[int, int]:
    """Read LOW-HIGH, such as 1-5 or 0-10; raise BadInput. 0 means no opinion, so levels begin at 1."""
    low, dash, high = text.partition("-")
    if not (dash and low.strip().isdecimal() and high.strip().isdecimal()):
        raise BadInput(N_("--levels must be like 1-5, not %(value)s."), value=text)
    lowest, highest = max(int(low), 1), int(high)
    if not lowest < highest <= HIGHEST_LEVEL:
        raise BadInput(
            N_("--levels %(value)s: the lowest level must lie below the highest, at most %(most)s."),
            value=text,
            most=HIGHEST_LEVEL,
        )
    return lowest, highest


def parse_items(text: str) -> tuple[str, ...]:
    """Read COL,COL,…; raise BadInput if there is none or one stands twice."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise BadInput(N_("--items needs at least one column."))
    if len(set(names)) < len(names):
        raise BadInput(N_("--items names a column twice: %(value)s."), value=text)
    return names


def foreign_scheme(levels: tuple[int, int]) -> Scheme:
    """Return the five-step scheme for levels 1–5, else points linear in the level from 0 to 100."""
    return load_scheme("five_step") if levels == (1, 5) else linear_scheme(*levels)


def read_foreign_ballots(path: Path, columns: Columns, *, levels: tuple[int, int]) -> ForeignBallots:
    """Read a table; raise BadInput naming file, line and column of the first thing that cannot be used."""
    rows = _rows(path)
    header = [cell.strip() for cell in next(rows, [])]
    wanted = [columns.target, columns.unit, columns.group, *columns.items]
    for name in wanted:
        if name is not None and header.count(name) != 1:
            known = ", ".join(header[:30]) or "none"
            raise BadInput(
                N_("%(file)s: there must be exactly one column %(name)s; the columns are: %(known)s."),
                file=path.name,
                name=name,
                known=known,
            )
    places = [None if name is None else header.index(name) for name in wanted]
    return _collect(path, rows, places, columns, levels=levels)


def _collect(
    path: Path, rows: Iterable[list[str]], places: Sequence[int | None], columns: Columns, *, levels: tuple[int, int]
) -> ForeignBallots:
    target_place, unit_place, group_place, *item_places = places
    known = {str(level): level for level in (NO_OPINION, *range(levels[0], levels[1] + 1))} | {"": BLANK}
    targets: dict[str, int] = {}
    units: dict[str, str] = {}
    groups: dict[str, int] = {}
    target, group, answers = [], [], bytearray()
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        name = _cell(row, target_place)
        if not name:
            raise BadInput(
                N_("%(file)s, line %(line)s: column %(name)s is empty."), file=path.name, line=line, name=columns.target
            )
        unit = _cell(row, unit_place)
        if units.setdefault(name, unit) != unit:
            raise BadInput(
                N_("%(file)s, line %(line)s: %(name)s belongs to unit %(before)s above, here to %(now)s."),
                file=path.name,
                line=line,
                name=name,
                before=units[name],
                now=unit,
            )
        target.append(targets.setdefault(name, len(targets)))
        group.append(groups.setdefault(_cell(row, group_place), len(groups)))
        where = {"file": path.name, "line": line}
        answers += bytes(_levels(row, item_places, known, where=where, items=columns.items))
    if not target:
        raise BadInput(N_("%(file)s: there is no ballot in the file."), file=path.name)
    return ForeignBallots(
        answers=np.frombuffer(bytes(answers), dtype=np.uint8).reshape(len(target), len(columns.items)),
        target=np.array(target, dtype=np.int64),
        targets=tuple(targets),
        units=tuple(units.values()),
        group=np.array(group, dtype=np.int64),
        groups=tuple(groups),
        items=columns.items,
    )


def _levels(
    row: list[str],
    places: Sequence[int | None],
    known: dict[str, int],
    *,
    where: dict[str, object],
    items: Sequence[str],
) -> Iterator[int]:
    for place, item in zip(places, items, strict=True):
        text = _cell(row, place)
        level = known.get(text)
        if level is None:
            level = known.get(text.removesuffix(".0"))
        if level is None:
            raise BadInput(
                N_("%(file)s, line %(line)s, column %(name)s: %(value)s is not a level."),
                name=item,
                value=text,
                **where,
            )
        yield level


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV (UTF-8 with or without BOM, or GBK) or of the first sheet of an XLSX."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(N_("%(file)s cannot be read (%(why)s)."), file=path, why=error.strerror) from error
    if content.startswith(b"PK"):
        return _xlsx_rows(path)
    text = _decoded(path, content)
    return (row for row in csv.reader(io.StringIO(text, newline=""), strict=False))


def _decoded(path: Path, content: bytes) -> str:
    if b"\0" in content[:100_000]:
        raise BadInput(N_("%(file)s is neither a CSV nor an XLSX file."), file=path.name)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(N_("%(file)s: the text is neither UTF-8 nor GBK."), file=path.name)


def _xlsx_rows(path: Path) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, IndexError) as error:
        raise BadInput(N_("%(file)s cannot be read as an Excel file."), file=path.name) from error
    return ([_text(cell) for cell in row] for row in rows)


def _text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
