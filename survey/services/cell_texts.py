"""What a spreadsheet cell says, as plain text: trimmed, visible, in one form."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

Value = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

# Control characters, zero-width characters and marks of direction: invisible, and able to disguise one name as another.
_INVISIBLE = dict.fromkeys(
    [
        *range(0x20),
        0x7F,
        *range(0x80, 0xA0),
        0xAD,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    ]
)
_INVISIBLE.update(dict.fromkeys([0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029], 0x20))
# 文　艳: names of two characters are widened with an ideographic blank, which no code or name contains.
_WIDENED = re.compile(r"(?<=[^\x00-\x7f])\u3000+|\u3000+(?=[^\x00-\x7f])")
_FULL_WIDTH = re.compile(r"[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """What a cell says.

    cleaned: blanks or invisible characters were removed. folded: full-width letters or digits became ordinary ones.
    original: the text before that, None where it was neither.
    """

    plain: str
    cleaned: bool = False
    folded: bool = False
    original: str | None = None


_BLANK = Text(plain="")


def cell_text(value: Value, *, fold: bool) -> Text:
    """The text of a cell, trimmed, in one line, without invisible characters; with `fold` also in NFKC."""
    if value == "":
        return _BLANK
    return _clean(value if isinstance(value, str) else _as_text(value), fold)


@lru_cache(maxsize=65_536)
def _clean(text: str, fold: bool) -> Text:
    visible = _WIDENED.sub("", text.translate(_INVISIBLE))
    plain = " ".join(visible.split())
    cleaned, folded = plain != text, fold and bool(_FULL_WIDTH.search(plain))
    if fold:
        plain = " ".join(unicodedata.normalize("NFKC", plain).split())
    return Text(plain=plain, cleaned=cleaned, folded=folded, original=text if cleaned or folded else None)


def _as_text(value: Value) -> str:
    """45.0 → 45, 421000.0 → 421000, a date → 2026-09-01: what the officer sees in the cell, not how Excel keeps it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="minutes") if value.time() != dt.time() else value.date().isoformat()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
