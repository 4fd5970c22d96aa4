"""Texts in files that a spreadsheet opens: none is taken for a formula, however it is disguised."""

import csv
import io
import unicodedata
from collections.abc import Iterable

_STARTS = ("=", "+", "-", "@", "|", "%")
# What programs skip or strip before they look for a formula.
_SKIPPED = "\"'`\u2018\u2019\u201c\u201d\ufeff\u200b\u200c\u200d\u2060\u00ad"
_CONTROLS = dict.fromkeys((*range(32), 127, 133, 8232, 8233), " ")


def csv_line(cells: Iterable[str | float | None]) -> str:
    """Return a line of a CSV file with its end; texts are guarded, None is an empty cell."""
    line = io.StringIO(newline="")
    csv.writer(line).writerow(guarded(cell) if isinstance(cell, str) else cell for cell in cells)
    return line.getvalue()


def guarded(text: str) -> str:
    """Return a text for a CSV cell: on one line, with an apostrophe before it if it could be taken for a formula.

    Judged after NFKC (full-width signs), and behind blanks, quotes, invisible and control characters.
    """
    line = text.translate(_CONTROLS)
    return f"'{line}" if is_risky(text) else line


def is_risky(text: str) -> bool:
    """Tell whether a spreadsheet could take a text for a formula, or for a command of one (DDE)."""
    plain = unicodedata.normalize("NFKC", text.translate(_CONTROLS))
    return plain.lstrip(" \u00a0\u3000" + _SKIPPED).lstrip().startswith(_STARTS)
