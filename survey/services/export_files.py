"""Files of an export: one workbook, CSV with a codebook, SPSS system files, or the document of the result schema."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from flask_babel import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from survey.queries.exports import Part, campaign_frame, evaluation_frame
from survey.services import export_columns as columns
from survey.services.export_columns import Cell, Column, Table, Withheld
from survey.services.export_tables import Step, release_tables
from survey.services.formula_guard import csv_line

MOST_ROWS = 1_048_575
MOST_TITLE = 31
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
_NUMBER_FORMATS = {
    columns.COUNT: "#,##0",
    columns.POINTS: "0.0",
    columns.LEVELS: "0.00",
    columns.SHARE: "0.0%",
    columns.NUMBER: "0.00",
    columns.P_VALUE: "0.000",
    columns.FLAG: "0",
}
_WIDTHS = {"name": 20, "text": 42, "name_a": 20, "name_b": 20, "unit_name": 20, "relation": 22, "withheld": 34}
_WIDE = {"entry": 30, "value": 90, "section": 24, "label": 30, "codes": 50, "meaning": 60, "missing": 44}


class Workbook:
    """One workbook with a sheet per table; longer tables go on in another sheet. Every text is a text."""

    def __init__(self, path: Path) -> None:
        self.book = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
        head = {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E7F0EE", "bottom": 1}
        self.head = self.book.add_format({**head, "quote_prefix": True})
        # A quoted text stays one even if somebody edits the cell: "=1+1" is never computed.
        self.text = self.book.add_format({"num_format": "@", "quote_prefix": True})
        self.note = self.book.add_format({"num_format": "@", "quote_prefix": True, "text_wrap": True, "valign": "top"})
        self.withheld = self.book.add_format({"italic": True, "font_color": "#7A7A7A", "align": "right"})
        self.formats = {kind: self.book.add_format({"num_format": form}) for kind, form in _NUMBER_FORMATS.items()}

    def add(self, table: Table) -> None:
        """Write a table, its heading frozen and with filters."""
        rows, number = iter(table.rows), 1
        ahead = next(rows, None)
        while ahead is not None or number == 1:
            title = table.title if number == 1 else f"{table.title[: MOST_TITLE - 5]} ({number})"
            ahead = self._sheet(title[:MOST_TITLE], table, ahead, rows)
            number += 1

    def _sheet(self, title: str, table: Table, ahead: Any, rows: Iterator[Any]) -> Any:
        """Write as many rows as a sheet holds; return the first that it does not, None at the end."""
        sheet = self.book.add_worksheet(title)
        self._heading(sheet, table)
        place = 0
        while ahead is not None and place < MOST_ROWS:
            place += 1
            for at, column in enumerate(table.columns):
                self._write(sheet, place, at, _shown(column, column.value(ahead)), self._format(table, column))
            ahead = next(rows, None)
        if table.key not in ("method", "codebook"):
            sheet.autofilter(0, 0, max(place, 1), len(table.columns) - 1)
        return ahead

    def _heading(self, sheet: Worksheet, table: Table) -> None:
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        sheet.freeze_panes(1, table.fixed if table.key not in ("method", "codebook") else 0)
        sheet.set_row(0, 48)
        for at, column in enumerate(table.columns):
            default = 12 if column.kind == columns.TEXT else 11
            sheet.set_column(at, at, _WIDTHS.get(column.name) or _WIDE.get(column.name) or default)
            sheet.write_string(0, at, str(column.title), self.head)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)

    def _format(self, table: Table, column: Column) -> Format:
        if column.kind == columns.TEXT:
            return self.note if column.name in _WIDE else self.text
        return self.formats[column.kind]

    def _write(self, sheet: Worksheet, row: int, at: int, cell: Cell, form: Format) -> None:
        if isinstance(cell, Withheld):
            sheet.write_string(row, at, _("Withheld"), self.withheld)
        elif isinstance(cell, str):
            if cell:
                sheet.write_string(row, at, cell, form)
        elif cell is not None:
            sheet.write_number(row, at, cell, form)

    def close(self) -> None:
        """Write the file."""
        self.book.close()


def _shown(column: Column, cell: Cell) -> Cell:
    """Return a code as the word for it."""
    return str(column.words.get(cell, cell)) if isinstance(cell, str) and column.words else cell


def write_xlsx(path: Path, parts: Sequence[Part], *, step: Step) -> list[Path]:
    """Write one workbook with every table; return its path in a list."""
    book = Workbook(path)
    campaign = parts[0].head.campaign
    book.book.set_properties({"title": campaign.name, "comments": str(_("Released figures only."))})
    for table in release_tables(parts, step=step):
        book.add(table)
    book.close()
    return [path]


def write_csv(folder: Path, parts: Sequence[Part], *, step: Step) -> list[Path]:
    """Write one CSV (UTF-8 with BOM) per table, codebook.csv among them, and codebook.md to read."""
    tables = release_tables(parts, step=step)
    # Read once: the codebook is written twice.
    book = next(list(table.rows) for table in tables if table.key == "codebook")
    files = [_write_table(folder, table, book if table.key == "codebook" else table.rows) for table in tables]
    return [*files, _write_markdown(folder / "codebook.md", book)]


def _write_table(folder: Path, table: Table, rows: Iterable[Mapping[str, Any]]) -> Path:
    path = folder / f"{table.key}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(csv_line(column.name for column in table.columns))
        for row in rows:
            file.write(csv_line(_csv_cell(column.value(row)) for column in table.columns))
    return path


def _csv_cell(cell: Cell) -> str | int | float | None:
    if isinstance(cell, Withheld):
        return None
    if isinstance(cell, bool):
        return int(cell)
    return cell


def _write_markdown(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    heads = ("table", "variable", "label", "type", "codes", "meaning", "missing")
    lines = [f"# {_('Codebook')}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_in_markdown(row[head]) for head in heads)} |" for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _in_markdown(text: str) -> str:
    """Return a text for a cell: it ends no cell and starts no tag."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return line.replace("<", "&lt;").replace("[", "\\[").replace("`", "\\`")


def write_json(path: Path, parts: Sequence[Part], *, step: Step) -> list[Path]:
    """Write the document of INTERFACES, `wuping.results/1` for the bureau, target by target."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json_pieces(parts, step=step))
    return [path]


def json_pieces(parts: Sequence[Part], *, step: Step = lambda: None) -> Iterator[str]:
    """Yield the document in pieces; a city's would not fit into memory as a whole."""
    yield _opened(campaign_frame(parts[0])) + ', "evaluations": ['
    for place, part in enumerate(parts):
        yield (", " if place else "") + _opened(evaluation_frame(part)) + ', "targets": ['
        for number, row in enumerate(part.targets()):
            step()
            yield (", " if number else "") + _json(row.record)
        yield f'], "units": {_json([row.record for row in part.units()])}'
        yield from _summary_pieces(part)
        yield "}"
    yield "]}"


def _summary_pieces(part: Part) -> Iterator[str]:
    for key, record in part.summary.items():
        yield f', "{key}": '
        if record is None or key not in ("comparison", "paired"):
            yield _json(record)
        else:
            yield _opened(record) + ', "pairs": ['
            yield from ((", " if number else "") + _json(pair) for number, pair in enumerate(part.pairs(key)))
            yield "]}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _opened(record: Mapping[str, Any]) -> str:
    """Return an object as JSON without its closing brace."""
    return _json(record)[:-1]
