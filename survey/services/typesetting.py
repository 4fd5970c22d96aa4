"""Typesetting (排版): a typst template and its data become a PDF, in the fonts that are shipped and in no other.

Templates lie in `survey/data/typst/`, the fonts in `survey/data/fonts/`. Nothing is fetched and no font of the machine
is used, so a document looks the same everywhere. Templates hold no words of their own: texts come in with the data.
"""

import json
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
TEMPLATES = DATA / "typst"
FONTS = DATA / "fonts"
# 缺字符: stands for a character that the fonts lack.
MISSING = "□"
# What breaks a line or a word and has no shape.
_SHAPELESS = frozenset("\t\n\r\u200b\u2060\ufeff")


def typeset(template: str, data: Mapping[str, Any]) -> bytes:
    """Return the PDF of a template (its file name) filled with `data`, which the template reads as JSON.

    In the template: `#import "house.typ": *`, then `#let data = given()`. In place of each character that the fonts
    lack stands `MISSING`; `missing_glyphs` and `missing_letters` tell of them. Raises typst.TypstError for a fault in
    the template.
    """
    return _compile(template, _marked(data))


def typeset_apart(template: str, data: Mapping[str, Any]) -> bytes:
    """Do as `typeset` in a process of its own: for documents of many pages.

    typst keeps what it has laid out for its next ten documents, 150 KB for each slip; this gives it back at once.
    Raises OSError if that process fails.
    """
    given = _marked(data).encode()
    # This file as a script: it needs typst alone, and begins in a tenth of a second.
    done = subprocess.run([sys.executable, "-P", __file__, template], input=given, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"{template} was not typeset: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def _compile(template: str, data: str) -> bytes:
    import typst

    return bytes(
        typst.compile(
            TEMPLATES / template, root=TEMPLATES, font_paths=_fonts(), sys_inputs={"data": data}, format="pdf"
        )
    )


def _marked(data: Mapping[str, Any]) -> str:
    # What is JSON's own is ASCII, which the fonts have.
    text = json.dumps(data, ensure_ascii=False)
    return text.translate(dict.fromkeys(map(ord, set(text) - printable_characters()), MISSING))


def missing_letters(data: Mapping[str, Any]) -> str:
    """Return the characters anywhere in a document's data that the fonts cannot show, each once."""
    return "".join(sorted(set(json.dumps(data, ensure_ascii=False)) - printable_characters()))


def missing_glyphs(texts: Iterable[str]) -> dict[str, str]:
    """Return each text that the fonts cannot show whole, with the characters that are missing, each once."""
    known = printable_characters()
    lacking = ((text, "".join(dict.fromkeys(letter for letter in text if letter not in known))) for text in texts)
    return {text: letters for text, letters in lacking if letters}


@cache
def printable_characters() -> frozenset[str]:
    """Return the characters that both weights of the font have, and those that need no shape."""
    regular, bold = (_characters(FONTS / f"WupingSans-{weight}.otf") for weight in ("Regular", "Bold"))
    return (regular & bold) | _SHAPELESS


@cache
def _fonts() -> Any:
    # Read once a process: reading the files anew would cost more than a page.
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def _characters(path: Path) -> frozenset[str]:
    """Return the characters of an OpenType font: the segments of its `cmap` table in format 12."""
    font = path.read_bytes()
    (tables,) = struct.unpack_from(">H", font, 4)
    entries = (struct.unpack_from(">4sLLL", font, 12 + 16 * number) for number in range(tables))
    cmap = next(offset for tag, _sum, offset, _length in entries if tag == b"cmap")
    (subtables,) = struct.unpack_from(">H", font, cmap + 2)
    places = (cmap + struct.unpack_from(">HHL", font, cmap + 4 + 8 * number)[2] for number in range(subtables))
    segments = next(place for place in places if struct.unpack_from(">H", font, place)[0] == 12)
    (count,) = struct.unpack_from(">L", font, segments + 12)
    ranges = (struct.unpack_from(">LL", font, segments + 16 + 12 * number) for number in range(count))
    return frozenset(chr(point) for first, last in ranges for point in range(first, last + 1))


if __name__ == "__main__":
    sys.stdout.buffer.write(_compile(sys.argv[1], sys.stdin.buffer.read().decode()))
