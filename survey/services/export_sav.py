"""SPSS files of a release: for each evaluation its targets × items, one row a target, with labels and codes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from survey.queries.exports import Part
from survey.services import export_columns as columns
from survey.services.export_columns import Column, Withheld
from survey.services.export_methods import TIME_ZONE
from survey.services.export_tables import Step, item_row, item_texts, part_targets, visible
from survey.services.result_words import level_names, score_band
from survey.services.sav_files import MOST_TEXT, Value, Variable, write_sav

# Bytes in UTF-8; codes of the roster have at most 60 letters.
CODE_WIDTH = 180
WITHHELD_CODE = -999.0
_DECIMALS = {columns.POINTS: 2, columns.LEVELS: 3, columns.SHARE: 4, columns.NUMBER: 4}
Read = Callable[[Mapping[str, Any]], Any]


def write_savs(folder: Path, parts: Sequence[Part], *, step: Step) -> list[Path]:
    """Write one system file per evaluation, named after its relation; texts beyond 255 bytes are cut."""
    return [_write(folder / f"{part.head.relation}.sav", part, step) for part in parts]


def _write(path: Path, part: Part, step: Step) -> Path:
    shape = [*_target_variables(part), *_item_variables(part)]
    variables = [variable for variable, _read in shape]
    rows = _rows(part, [read for _variable, read in shape], step)
    write_sav(path, variables, rows, title=part.head.campaign.name, moment=datetime.now(TIME_ZONE))
    return path


def _rows(part: Part, reads: Sequence[Read], step: Step) -> Iterator[list[Value]]:
    for target in part_targets(part, step):
        found = {code: item_row(part, target, code) for code in part.items}
        yield [read({"target": target, "items": found}) for read in reads]


def _target_variables(part: Part) -> Iterator[tuple[Variable, Read]]:
    # A scheme's own bands have no word of the interface, but a code.
    bands = {band.code: score_band(band.code) for band in part.head.scheme.bands}
    for known in visible(columns.TARGETS, exact=part.audience.exact):
        column = replace(known, words=bands) if known.name == "band" else known
        codes = {word: number for number, word in enumerate(column.words, start=1)}
        yield _variable(column, column.name, str(column.title), codes), _target_reader(column, codes)


def _target_reader(column: Column, codes: Mapping[str, int]) -> Read:
    return lambda row: _value(column.value(row["target"]), codes)


def _item_variables(part: Part) -> Iterator[tuple[Variable, Read]]:
    exact, names = part.audience.exact, level_names(part.head, part.questionnaire)
    shape = columns.items_of(list(names), names, exact=exact)[len(columns.TARGET_HEAD) :]
    figures = [c for c in visible(shape, exact=exact) if c.kind != columns.TEXT or c is columns.REASON]
    texts = item_texts(part)
    for place, code in enumerate(part.items, start=1):
        stem = code if code.isascii() and code.isalnum() and code[0].isalpha() else f"item{place}"
        for column in figures:
            label = f"{code} {texts[code]['text']}: {column.title}"
            codes = {word: number for number, word in enumerate(column.words, start=1)}
            yield _variable(column, f"{stem}_{column.name}"[:64], label, codes), _item_reader(code, column, codes)


def _item_reader(code: str, column: Column, codes: Mapping[str, int]) -> Read:
    def read(row: Mapping[str, Any]) -> Value:
        item = row["items"][code]
        if item is not None:
            return _value(column.value(item), codes)
        # A withheld target says nothing of its items, not even how many answers they have.
        withheld = row["target"]["withheld"] and column is not columns.REASON
        return WITHHELD_CODE if withheld else None

    return read


def _variable(column: Column, name: str, label: str, codes: Mapping[str, int]) -> Variable:
    if column.kind == columns.TEXT and not codes:
        width = CODE_WIDTH if column.name in ("target", "unit") else MOST_TEXT
        return Variable(name=name, label=label, width=width)
    labels = {float(number): str(column.words[word]) for word, number in codes.items()}
    hidden = column.figure or column.name == "n"
    return Variable(
        name=name,
        label=label,
        decimals=_DECIMALS.get(column.kind, 0),
        labels={**labels, **({WITHHELD_CODE: _("Withheld")} if hidden else {})},
        missing=WITHHELD_CODE if hidden else None,
        measure="nominal" if codes else "scale",
    )


def _value(cell: Any, codes: Mapping[str, int]) -> Value:
    """Return a cell as SPSS keeps it: codes as numbers, `WITHHELD_CODE` for what is withheld."""
    if isinstance(cell, Withheld):
        return WITHHELD_CODE
    if codes:
        return codes.get(cell)
    return cell if isinstance(cell, str | int | float | None) else str(cell)
