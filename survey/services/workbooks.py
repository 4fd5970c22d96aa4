"""Excel workbooks in and out: rows of plain text under known headers, whatever the file does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import xlsxwriter
from flask_babel import gettext
from python_calamine import CalamineSheet, CalamineWorkbook

from survey.errors import BadInput
from survey.services.cell_texts import Text, Value, cell_text
from survey.services.xlsx_packages import open_package
from survey.services.xlsx_parts import UPLOAD, Limits, damaged, shown

_HEADER_WITHIN_ROWS = 10
_GUIDE = "填写说明"
_TEXT_FORMAT = "@"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column by its header.

    needed: the file must have it. filled: no cell may be blank. folded: compared after NFKC (codes, class names).
    longest: characters. example, hint: for the template; `hint` may be a lazy translation.
    """

    header: str
    needed: bool = True
    filled: bool = False
    folded: bool = False
    longest: int = 1000
    example: str = ""
    hint: object = ""


@dataclass(frozen=True, kw_only=True)
class SheetSpec:
    """A sheet to be read: its name ("" means the first sheet) and its columns in the order of the template."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row that is not blank: its number in Excel and its text by header ("" for a blank cell or absent column).

    cleaned: headers whose text lost blanks or invisible characters. folded: headers whose full-width letters or digits
    became ordinary ones. originals: the text as it stood in the file, for those headers.
    """

    number: int
    cells: dict[str, str]
    cleaned: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    originals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet that has every needed column; `rows()` reads on demand.

    places: header → column number from 0. extra: the same for headers that the spec does not know. height: rows below
    the header, blank ones included.
    """

    spec: SheetSpec
    header_row: int
    places: dict[str, int]
    extra: dict[str, int]
    height: int
    source: CalamineSheet = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """The rows that are not blank, in the order of the file."""
        folded = {c.header for c in self.spec.columns if c.folded}
        absent = {c.header: "" for c in self.spec.columns if c.header not in self.places}
        known = [(header, place, header in folded) for header, place in self.places.items()]
        for number, values in enumerate(_values(self.source), start=1):
            if number > self.header_row:
                found = {header: cell_text(values[place], fold=fold) for header, place, fold in known}
                if any(text.plain for text in found.values()):
                    yield _row(number, found, absent)

    def address(self, row: int, header: str) -> str:
        """The cell's name as Excel shows it, such as D17; "" for an absent column."""
        place = self.places.get(header, self.extra.get(header))
        return "" if place is None else f"{_letters(place)}{row}"


@dataclass(frozen=True, kw_only=True)
class Workbook:
    """The sheets asked for, by the name in their spec, and the names of all others."""

    sheets: dict[str, Sheet]
    others: tuple[str, ...]


def read_workbook(path: Path, *, sheets: Sequence[SheetSpec], limits: Limits = UPLOAD) -> Workbook:
    """Open an .xlsx file and find the sheets and columns asked for; needs an application context for its sentences.

    Sheet names and headers are compared after NFKC and trimming; columns may stand in any order, beside others, below
    a title. Raise BadInput with one sentence when the file is not an ordinary workbook (another format, protected,
    damaged, a bomb, beyond `limits`), when a sheet or needed column is missing, or when a column stands there twice.
    """
    package = open_package(path, limits=limits)
    names = [_find_sheet(package.sheet_names, spec.name) for spec in sheets]
    source = _parse(package.extract(names))
    found = {spec.name: _open_sheet(source, index, spec) for index, spec in enumerate(sheets)}
    return Workbook(sheets=found, others=tuple(name for name in package.sheet_names if name not in names))


def _find_sheet(names: Sequence[str], wanted: str) -> str:
    for name in names:
        if not wanted or cell_text(name, fold=True).plain == wanted:
            return name
    if not wanted:
        raise damaged()
    present = "、".join(shown(name) for name in names[:12])
    raise BadInput(
        gettext(
            "The workbook has no sheet %(sheet)s (it has: %(present)s); name the sheet so, or start from the template.",
            sheet=wanted,
            present=present,
        )
    )


def _parse(package: BinaryIO) -> CalamineWorkbook:
    with _parsing():
        return CalamineWorkbook.from_filelike(package)


def _open_sheet(workbook: CalamineWorkbook, index: int, spec: SheetSpec) -> Sheet:
    with _parsing():
        source = workbook.get_sheet_by_name(f"s{index}")
    header_row, headers = _header_row(source, spec)
    places: dict[str, int] = {}
    extra: dict[str, int] = {}
    known = {column.header for column in spec.columns}
    for place, header in enumerate(headers):
        if header in places:
            raise _twice(spec, header, places[header], place, header_row)
        if header:
            (places if header in known else extra)[header] = place
    _check_needed(spec, places)
    return Sheet(
        spec=spec,
        header_row=header_row,
        places=places,
        extra=extra,
        height=max(0, source.end[0] + 1 - header_row) if source.end else 0,
        source=source,
    )


@contextmanager
def _parsing() -> Iterator[None]:
    """Whatever the parser stumbles over is a damaged file; as native code it may panic, which is no `Exception`."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        raise damaged() from error


def _header_row(source: CalamineSheet, spec: SheetSpec) -> tuple[int, list[str]]:
    """Number and headers of the row, among the first ones, that names most of the columns."""
    wanted = {column.header for column in spec.columns}
    best: tuple[int, list[str]] = (1, [])
    for number, values in enumerate(_values(source), start=1):
        if number > _HEADER_WITHIN_ROWS:
            break
        headers = [cell_text(value, fold=True).plain for value in values]
        if len(wanted.intersection(headers)) > len(wanted.intersection(best[1])):
            best = (number, headers)
    return best


def _check_needed(spec: SheetSpec, places: dict[str, int]) -> None:
    missing = [column.header for column in spec.columns if column.needed and column.header not in places]
    if missing:
        raise BadInput(
            gettext(
                "The sheet %(sheet)s has no column %(columns)s; add it to the header row, or start from the template.",
                sheet=spec.name or "1",
                columns="、".join(missing),
            )
        )


def _twice(spec: SheetSpec, header: str, first: int, second: int, row: int) -> BadInput:
    return BadInput(
        gettext(
            "The sheet %(sheet)s has the column %(column)s twice (%(first)s and %(second)s); delete one of them.",
            sheet=spec.name or "1",
            column=header,
            first=f"{_letters(first)}{row}",
            second=f"{_letters(second)}{row}",
        )
    )


def _values(source: CalamineSheet) -> Iterator[list[Value]]:
    """The rows from A1 on; the parser leaves out blank columns on the left, though not blank rows above."""
    margin: list[Value] = [""] * source.start[1] if source.start else []
    with _parsing():
        for values in source.iter_rows():
            yield [*margin, *values]


def _row(number: int, found: dict[str, Text], absent: dict[str, str]) -> Row:
    cells = {**{header: text.plain for header, text in found.items()}, **absent}
    tidied = {header: text for header, text in found.items() if text.original is not None}
    if not tidied:
        return Row(number=number, cells=cells)
    return Row(
        number=number,
        cells=cells,
        cleaned=tuple(header for header, text in tidied.items() if text.cleaned),
        folded=tuple(header for header, text in tidied.items() if text.folded),
        originals={header: text.original or "" for header, text in tidied.items()},
    )


def _letters(place: int) -> str:
    """0 → A, 26 → AA."""
    letters = ""
    number = place + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def write_template(target: Path | BinaryIO, *, sheets: Sequence[SheetSpec]) -> None:
    """Write an empty workbook with these sheets and a sheet 填写说明 that explains each column with an example.

    The examples stand only there, so that nobody imports them; every cell is text, so that 0421 stays a code and 1-2
    does not become a date.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target if not isinstance(target, Path) else str(target), options) as book:
        head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "num_format": _TEXT_FORMAT})
        text = book.add_format({"num_format": _TEXT_FORMAT})
        for spec in sheets:
            sheet = book.add_worksheet(spec.name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(spec.columns):
                sheet.set_column(place, place, _width(column), text)
                sheet.write_string(0, place, column.header, head)
        _write_guide(book, sheets=sheets, head=head)


def _write_guide(book: xlsxwriter.Workbook, *, sheets: Sequence[SheetSpec], head: object) -> None:
    guide = book.add_worksheet(_GUIDE)
    titles = [
        gettext("Sheet"),
        gettext("Column"),
        gettext("Must be filled"),
        gettext("Example"),
        gettext("Explanation"),
    ]
    guide.freeze_panes(1, 0)
    guide.set_column(0, 3, 16)
    guide.set_column(4, 4, 80)
    rows = [titles]
    for spec in sheets:
        for column in spec.columns:
            needed = gettext("yes") if column.filled else gettext("no")
            rows.append([spec.name, column.header, needed, column.example, str(column.hint)])
    for number, row in enumerate(rows):
        for place, text in enumerate(row):
            guide.write_string(number, place, text, head if number == 0 else None)


def _width(column: Column) -> int:
    return max(10, 2 * len(column.header) + 4, 2 * len(column.example) + 2)
