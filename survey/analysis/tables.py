"""Somebody else's ballots as a table: one row per ballot, from CSV or XLSX, checked cell by cell."""

import csv
import re
import unicodedata
from array import array
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np

from survey.analysis.arrays import Bytes, Ints
from survey.analysis.scoring import BLANK, NO_OPINION, Scheme, linear_scheme, load_scheme
from survey.errors import N_, BadInput

HIGHEST_LEVEL = 100
MOST_NAMED = 20
"""So many cells without a usable level are named; the rest is only counted."""

_ENCODINGS = ("utf-8-sig", "gb18030")
_BLOCK = 1 << 20
# What a spreadsheet makes of a whole number that it keeps as a fraction.
_WHOLE = re.compile(r"(\d+)\.0+")
# How R writes an answer that is not there.
_MISSING = "NA"


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
    """Read a table; raise BadInput naming file, line and column of what cannot be used.

    Rows without any text are passed over. An empty cell and R's NA are blanks. The file is read row by row, so that
    memory holds the ballots, one byte an answer, and never the table.
    """
    rows = _rows(path)
    header = next((names for _line, cells in rows if any(names := [cell.strip() for cell in cells])), [])
    reading = _Reading(path=path, columns=columns, header=header, known=_known_levels(levels))
    _check_header(path, header, columns)
    reading.read(rows)
    return reading.ballots()


def _check_header(path: Path, header: list[str], columns: Columns) -> None:
    if not header:
        raise BadInput(N_("%(file)s: the file is empty; its first line must name the columns."), file=path.name)
    for name in (columns.target, columns.unit, columns.group, *columns.items):
        if name is not None and header.count(name) != 1:
            known = ", ".join(header[:30])
            raise BadInput(
                N_("%(file)s: there must be exactly one column %(name)s; the columns are: %(known)s."),
                file=path.name,
                name=name,
                known=known,
            )


def _known_levels(levels: tuple[int, int]) -> dict[str, int]:
    known = {str(level): level for level in (NO_OPINION, *range(levels[0], levels[1] + 1))}
    return known | {"": BLANK, _MISSING: BLANK}


@dataclass(kw_only=True)
class _Reading:
    """Ballots read so far. known: text of a cell -> byte; it learns other spellings of a level as they come."""

    path: Path
    columns: Columns
    header: list[str]
    known: dict[str, int]
    units: dict[str, str] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    target: "array[int]" = field(default_factory=lambda: array("q"))
    group: "array[int]" = field(default_factory=lambda: array("q"))
    answers: bytearray = field(default_factory=bytearray)
    wrong: int = 0
    named: list[tuple[int, str, str]] = field(default_factory=list)

    def read(self, rows: Iterable[tuple[int, list[str]]]) -> None:
        """Read all rows (line, cells); a million must take seconds, so that a plain row costs four look-ups."""
        level_of, width = self.known.__getitem__, len(self.header)
        answers_of = _picker([self.header.index(name) for name in self.columns.items])
        place = self.header.index(self.columns.target)
        unit_of, group_of = self._cell_of(self.columns.unit), self._cell_of(self.columns.group)
        for line, cells in rows:
            row = cells if len(cells) == width else self._fitted(line, cells)
            name = row[place].strip()
            if not name:
                self._check_blank(line, row)
                continue
            self.target.append(self.targets.setdefault(name, len(self.targets)))
            unit = unit_of(row)
            if self.units.setdefault(name, unit) != unit:
                self._refuse_unit(line, name, unit)
            self.group.append(self.groups.setdefault(group_of(row), len(self.groups)))
            try:
                self.answers += bytes(map(level_of, answers_of(row)))
            except KeyError:
                self.answers += bytes(self._levels(line, answers_of(row)))

    def ballots(self) -> ForeignBallots:
        """Return what was read; raise BadInput if a cell had no level or there is no ballot."""
        self._check_levels()
        if not self.target:
            raise BadInput(N_("%(file)s: there is no ballot in the file."), file=self.path.name)
        return ForeignBallots(
            answers=np.frombuffer(self.answers, dtype=np.uint8).reshape(len(self.target), len(self.columns.items)),
            target=np.frombuffer(self.target, dtype=np.int64),
            targets=tuple(self.targets),
            units=tuple(self.units.values()),
            group=np.frombuffer(self.group, dtype=np.int64),
            groups=tuple(self.groups),
            items=self.columns.items,
        )

    def _cell_of(self, name: str | None) -> Callable[[list[str]], str]:
        if name is None:
            return lambda _row: ""
        place = self.header.index(name)
        return lambda row: row[place].strip()

    def _fitted(self, line: int, row: list[str]) -> list[str]:
        """Fill up a short row; cells beyond the header mean that columns have shifted."""
        width = len(self.header)
        if any(cell.strip() for cell in row[width:]):
            raise BadInput(
                N_("%(file)s, line %(line)s: the row has more cells than the header."), file=self.path.name, line=line
            )
        return row[:width] + [""] * (width - len(row))

    def _check_blank(self, line: int, row: list[str]) -> None:
        if any(cell.strip() for cell in row):
            raise BadInput(
                N_("%(file)s, line %(line)s: column %(name)s is empty."),
                file=self.path.name,
                line=line,
                name=self.columns.target,
            )

    def _refuse_unit(self, line: int, name: str, unit: str) -> None:
        raise BadInput(
            N_("%(file)s, line %(line)s: %(name)s belongs to unit %(before)s above, here to %(now)s."),
            file=self.path.name,
            line=line,
            name=name,
            before=self.units[name],
            now=unit,
        )

    def _levels(self, line: int, cells: Iterable[str]) -> Iterator[int]:
        for cell, item in zip(cells, self.columns.items, strict=True):
            level = self.known.get(cell)
            if level is None:
                level = self.known.get(_plain_number(cell))
            if level is None:
                self.wrong += 1
                level = BLANK
                if len(self.named) < MOST_NAMED:
                    self.named.append((line, item, cell.strip()[:20]))
            else:
                self.known[cell] = level
            yield level

    def _check_levels(self) -> None:
        if not self.wrong:
            return
        (line, item, value), *others = self.named
        where = {"file": self.path.name, "line": line, "name": item, "value": value}
        if not others:
            raise BadInput(N_("%(file)s, line %(line)s, column %(name)s: %(value)s is not a level."), **where)
        raise BadInput(
            N_(
                "%(file)s, line %(line)s, column %(name)s: %(value)s is not a level; the same holds for %(count)s more "
                "(line, column, text): %(cells)s."
            ),
            count=self.wrong - 1,
            cells="; ".join(" ".join((str(line), item, value)) for line, item, value in others),
            **where,
        )


def _picker(places: list[int]) -> Callable[[list[str]], Sequence[str]]:
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _plain_number(text: str) -> str:
    """Return the text of a cell as plain digits: without spaces, from full width, 5.0 as 5."""
    plain = unicodedata.normalize("NFKC", text).strip()
    whole = _WHOLE.fullmatch(plain)
    return whole[1] if whole else plain


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line and cells of a CSV (UTF-8 with or without BOM, or GBK) or of the first sheet of an XLSX."""
    try:
        with path.open("rb") as file:
            start = file.read(100_000)
            if start.startswith(b"PK"):
                return _xlsx_rows(path)
            if b"\0" in start:
                raise BadInput(N_("%(file)s is neither a CSV nor an XLSX file."), file=path.name)
            return _csv_rows(path, _encoding(path))
    except OSError as error:
        raise BadInput(N_("%(file)s cannot be read (%(why)s)."), file=path, why=error.strerror) from error


def _encoding(path: Path) -> str:
    """Return the first encoding that fits the whole file: half a file of GBK may well be UTF-8."""
    for encoding in _ENCODINGS:
        decoder = getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise BadInput(N_("%(file)s: the text is neither UTF-8 nor GBK."), file=path.name)


def _csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which a row begins and its cells; a cell in quotation marks may hold line breaks."""
    line = 1
    with path.open(encoding=encoding, newline="") as file:
        # Strict: a quotation mark that nobody closes would otherwise swallow the ballots behind it.
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise BadInput(
                N_("%(file)s, line %(line)s: a quotation mark in this row is not closed, or stands inside a cell."),
                file=path.name,
                line=line,
            ) from error


def _xlsx_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    except (CalamineError, IndexError) as error:
        raise BadInput(N_("%(file)s cannot be read as an Excel file."), file=path.name) from error
    return ((line, [_text(cell) for cell in row]) for line, row in enumerate(sheet.iter_rows(), start=1))


def _text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
