"""The XML parts of an .xlsx file, read by streaming: no document types, no cell beyond the limits.

A sheet parser allocates the whole rectangle between the first and the last cell and copies a shared string into every
cell that names it, so a file of a few kilobytes can ask for gigabytes. Cells and characters are counted beforehand.
"""

from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from flask_babel import gettext

from survey.errors import BadInput

_MIB = 1024 * 1024
_MOST_STRINGS = 3_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one workbook may cost.

    members: parts in the zip. member_bytes, total_bytes: unpacked size of one part, of all. ratio: unpacked to packed.
    rows, columns: the furthest cell of a sheet. characters: text of a sheet, each repeated shared string counted again.
    """

    members: int = 200
    member_bytes: int = 40 * _MIB
    total_bytes: int = 50 * _MIB
    ratio: int = 100
    rows: int = 400_000
    columns: int = 200
    characters: int = 64_000_000


UPLOAD = Limits()
"""For whatever comes through the browser."""
WHOLE_CITY = Limits(member_bytes=160 * _MIB, total_bytes=256 * _MIB)
"""For the console of a city: 311,000 teaching rows take about 70 MiB of sheet XML."""


def safe_parser(part: str) -> expat.XMLParserType:
    """A parser that refuses document types, and with them every entity of its own."""

    def refuse(*_: object) -> None:
        raise BadInput(
            gettext(
                "The part %(part)s declares a document type or entities, which no workbook needs; "
                "copy the sheets into a new workbook.",
                part=shown(part),
            )
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def feed(parser: expat.XMLParserType, xml: bytes) -> None:
    """Parse a whole part; raise BadInput where it is not well-formed XML."""
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise damaged() from error


def string_lengths(xml: bytes, *, part: str) -> list[int]:
    """Characters of each shared string, by its index."""
    lengths: list[int] = []

    def start(name: str, _: Any) -> None:
        if local_name(name) == "si":
            if len(lengths) >= _MOST_STRINGS:
                raise damaged()
            lengths.append(0)

    def text(characters: str) -> None:
        if lengths:
            lengths[-1] += len(characters)

    parser = safe_parser(part)
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    feed(parser, xml)
    return lengths


def scan_sheet(xml: bytes, *, name: str, lengths: list[int], limits: Limits) -> None:
    """Walk over the cells of a sheet; raise BadInput where one lies beyond the limits.

    lengths: characters of each shared string, from `string_lengths`.
    """
    scan = _SheetScan(name, lengths=lengths, limits=limits)
    parser = safe_parser(name)
    parser.buffer_text = True
    parser.StartElementHandler = scan.start
    parser.CharacterDataHandler = scan.text
    feed(parser, xml)
    scan.finish()


class _SheetScan:
    """Follows the cells of a sheet; stops at the first one out of bounds, so that a stray cell costs nothing.

    Cells without content (formatted blanks) do not count: a parser skips them, and officers' files are full of them.
    """

    def __init__(self, name: str, *, lengths: list[int], limits: Limits) -> None:
        self._name, self._lengths, self._limits = name, lengths, limits
        self._row = self._column = 0
        self._last_row = self._last_column = 0
        self._cells = self._characters = 0
        self._pending = self._shared = False
        self._letters: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = local_name(name)
        if name == "c":
            self._pending = True
            self._shared = attributes.get("t") == "s"
            self._place(attributes.get("r"))
        elif name == "row":
            self._pending = False
            self._row, self._column = _whole(attributes.get("r"), otherwise=self._row + 1), 0
        elif self._pending:
            self._pending = False
            self._count()

    def text(self, characters: str) -> None:
        if self._shared and characters.isdecimal():
            index = int(characters) if len(characters) < 10 else -1
            if 0 <= index < len(self._lengths):
                self._characters += self._lengths[index]
                if self._characters > self._limits.characters:
                    raise too_large(self._limits.member_bytes)

    def finish(self) -> None:
        """Refuse a mostly empty rectangle: it would be allocated in full."""
        if self._last_row * self._last_column > max(1_000_000, 4 * self._cells):
            raise self._too_far()

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        letters = reference.rstrip("0123456789")
        if letters not in self._letters:
            self._letters[letters] = _column_number(letters)
        self._column = self._letters[letters]
        self._row = _whole(reference[len(letters) :], otherwise=0)

    def _count(self) -> None:
        self._cells += 1
        self._last_row = max(self._last_row, self._row)
        self._last_column = max(self._last_column, self._column)
        if self._row > self._limits.rows or self._column > self._limits.columns:
            raise self._too_far()

    def _too_far(self) -> BadInput:
        return BadInput(
            gettext(
                "The sheet %(sheet)s reaches row %(row)s and column %(column)s; at most %(rows)s rows and %(columns)s "
                "columns without large gaps are read. Delete the stray cells at its end and save it again.",
                sheet=shown(self._name),
                row=self._last_row,
                column=self._last_column,
                rows=self._limits.rows,
                columns=self._limits.columns,
            )
        )


def _whole(text: str | None, *, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise damaged()
    return int(text)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or number > 20_000:
            raise damaged()
        number = number * 26 + ord(letter) - 64
    if not number:
        raise damaged()
    return number


def local_name(name: str) -> str:
    """The name of an element or attribute without its name-space prefix."""
    return name.rpartition(":")[2]


def shown(name: str) -> str:
    """A name out of the file, fit to stand in a sentence: printable and short."""
    return "".join(c for c in name if c.isprintable())[:80]


def damaged() -> BadInput:
    """The refusal of a file that breaks its own format."""
    return BadInput(
        gettext("The file is damaged or cut off; save it again in Excel or WPS as .xlsx and send that file.")
    )


def too_large(limit: int) -> BadInput:
    """The refusal of a part, or of the whole, beyond `limit` bytes."""
    return BadInput(
        gettext(
            "The workbook unpacks to more than %(limit)s MiB; delete pictures and sheets that are not needed.",
            limit=limit // _MIB,
        )
    )
