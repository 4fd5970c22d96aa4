"""SPSS system files (.sav), written row by row: numbers and short texts with labels and one code for what is withheld.

The layout is that of the PSPP developers' guide, "System File Format". Own code, because the libraries that write it
need a data frame library of 80 MB and the whole table in memory; read back in tests by ReadStat (pyreadstat).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from sys import float_info
from typing import BinaryIO

MOST_TEXT = 255
MOST_LABEL = 252
MOST_VALUE_LABEL = 120
MOST_NAME = 64
_NUMBER, _TEXT = 5, 1
_MEASURES = {"nominal": 1, "ordinal": 2, "scale": 3}
_MISSING = struct.pack("<d", -float_info.max)
_LOWEST = struct.unpack("<d", struct.pack("<Q", 0xFFEFFFFFFFFFFFFE))[0]
_BIAS = 100
# Codes of the row compression: whole numbers -99..151 are one byte, texts of blanks and missing numbers too.
_END, _VERBATIM, _BLANKS, _NOTHING = 252, 253, 254, 255
_BLANK_PIECE = b" " * 8
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

Value = float | int | str | None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable. width: bytes of a text in UTF-8 (at most 255), 0 for a number with `decimals`.

    labels: of values of a number. missing: its code for what is withheld; None in a row is system-missing. measure:
    nominal, ordinal or scale.
    """

    name: str
    label: str
    width: int = 0
    decimals: int = 0
    labels: Mapping[float, str] = field(default_factory=dict)
    missing: float | None = None
    measure: str = "nominal"

    @property
    def parts(self) -> int:
        """How many pieces of eight bytes a value takes."""
        return max(1, (self.width + 7) // 8)


def cut(text: str, most: int) -> bytes:
    """Return a text in UTF-8 of at most so many bytes, never half a letter."""
    return text.encode()[:most].decode(errors="ignore").encode()


def write_sav(
    path: Path, variables: Sequence[Variable], rows: Iterable[Sequence[Value]], *, title: str, moment: datetime
) -> int:
    """Write a system file; return the number of rows. title: at most 64 bytes are kept.

    Raises ValueError for a name that is no ASCII name of 1 to 64 letters, digits and underscores, or stands twice.
    """
    _check(variables)
    with path.open("wb") as file:
        file.write(_header(variables, title, moment))
        for number, variable in enumerate(variables, start=1):
            file.write(_variable(variable, number))
        file.write(b"".join(_value_labels(variables)))
        file.write(_extensions(variables))
        file.write(struct.pack("<ii", 999, 0))
        count = _write_rows(file, variables, rows)
        # The number of rows is known at the end; its place is fixed.
        file.seek(80)
        file.write(struct.pack("<i", count))
    return count


def _check(variables: Sequence[Variable]) -> None:
    names = [variable.name.upper() for variable in variables]
    if len(set(names)) < len(names):
        raise ValueError("a variable stands twice")
    for variable in variables:
        good = variable.name.isascii() and variable.name.replace("_", "x").isalnum() and variable.name[:1].isalpha()
        if not good or len(variable.name) > MOST_NAME or variable.width > MOST_TEXT:
            raise ValueError(f"{variable.name!r} cannot be the name of a variable, or its texts are too wide")


def _header(variables: Sequence[Variable], title: str, moment: datetime) -> bytes:
    product = b"@(#) SPSS DATA FILE wuping"
    day = f"{moment.day:02} {_MONTHS[moment.month - 1]} {moment:%y}".encode()
    size = sum(variable.parts for variable in variables)
    return (
        b"$FL2"
        + product.ljust(60)
        + struct.pack("<iiiiid", 2, size, 1, 0, -1, float(_BIAS))
        + day
        + f"{moment:%H:%M:%S}".encode()
        + cut(title, 64).ljust(64)
        + bytes(3)
    )


def _short(number: int) -> str:
    return f"V{number}"


def _variable(variable: Variable, number: int) -> bytes:
    """Return the record of a variable, and for a longer text one of each further piece."""
    form = (_TEXT << 16 | variable.width << 8) if variable.width else (_NUMBER << 16 | 12 << 8 | variable.decimals)
    label = cut(variable.label, MOST_LABEL)
    missing = variable.missing is not None
    first = struct.pack("<iiiiii", 2, variable.width, bool(label), missing, form, form) + _short(number).encode().ljust(
        8
    )
    if label:
        first += struct.pack("<i", len(label)) + label + bytes(-len(label) % 4)
    if variable.missing is not None:
        first += struct.pack("<d", variable.missing)
    piece = _TEXT << 16 | 8 << 8
    rest = struct.pack("<iiiiii", 2, -1, 0, 0, piece, piece) + b" " * 8
    return first + rest * (variable.parts - 1)


def _value_labels(variables: Sequence[Variable]) -> Iterable[bytes]:
    place = 1
    for variable in variables:
        if variable.labels:
            yield struct.pack("<ii", 3, len(variable.labels))
            for value, text in variable.labels.items():
                label = cut(text, MOST_VALUE_LABEL)
                yield struct.pack("<dB", value, len(label)) + label + b" " * (-(len(label) + 1) % 8)
            yield struct.pack("<iii", 4, 1, place)
        place += variable.parts


def _extensions(variables: Sequence[Variable]) -> bytes:
    """Return machine and number format, how each variable is shown, their long names, and that texts are UTF-8."""
    widths = (min(40, variable.width // 3 or 10) for variable in variables)
    shown = [
        part
        for variable, width in zip(variables, widths, strict=True)
        for part in (_MEASURES[variable.measure], width, 0 if variable.width else 1)
    ]
    names = "\t".join(f"{_short(number)}={v.name}" for number, v in enumerate(variables, start=1)).encode()
    return b"".join(
        (
            _extension(3, 4, struct.pack("<8i", 1, 0, 0, -1, 1, 1, 2, 65001)),
            _extension(4, 8, struct.pack("<3d", -float_info.max, float_info.max, _LOWEST)),
            _extension(11, 4, struct.pack(f"<{len(shown)}i", *shown)),
            _extension(13, 1, names),
            _extension(20, 1, b"UTF-8"),
        )
    )


def _extension(kind: int, size: int, content: bytes) -> bytes:
    return struct.pack("<iiii", 7, kind, size, len(content) // size) + content


def _write_rows(file: BinaryIO, variables: Sequence[Variable], rows: Iterable[Sequence[Value]]) -> int:
    """Write the rows, eight codes at a time, each group before the values that its codes call verbatim."""
    codes, verbatim, count = bytearray(), bytearray(), 0
    for row in rows:
        count += 1
        for variable, value in zip(variables, row, strict=True):
            for code, content in _pieces(variable, value):
                codes.append(code)
                verbatim += content
                if len(codes) == 8:
                    file.write(codes + verbatim)
                    codes, verbatim = bytearray(), bytearray()
    codes.append(_END)
    file.write(codes.ljust(8, b"\0") + verbatim)
    return count


def _pieces(variable: Variable, value: Value) -> Iterable[tuple[int, bytes]]:
    if variable.width:
        text = cut(str(value or ""), variable.width).ljust(8 * variable.parts)
        pieces = (text[place : place + 8] for place in range(0, len(text), 8))
        return ((_BLANKS, b"") if piece == _BLANK_PIECE else (_VERBATIM, piece) for piece in pieces)
    if value is None:
        return ((_NOTHING, b""),)
    number = float(value)
    if number.is_integer() and 1 <= number + _BIAS <= 251:
        return ((int(number) + _BIAS, b""),)
    return ((_VERBATIM, struct.pack("<d", number)),)
