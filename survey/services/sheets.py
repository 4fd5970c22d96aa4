"""Printable sheets of slips (测评凭证) and posters: HTML files for the printer; nothing here touches the database.

The files hold codes in the clear. They are written with mode 0600, appear whole or not at all, and load nothing.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask import current_app
from flask_babel import get_locale, lazy_gettext
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

SLIPS_ON_A_PAGE = 12
QUIET_ZONE = 4
BUREAU = "BUREAU"
PRINT_CSS = Path(__file__).parents[1] / "static" / "print.css"
RELATION_TITLES = {
    "student_teacher": lazy_gettext("Pupils rate their teachers"),
    "teacher_principal": lazy_gettext("Teachers rate their principal"),
    "principal_department": lazy_gettext("Principals rate the departments"),
    "parent_school": lazy_gettext("Parents rate the school"),
    "public_education": lazy_gettext("The public rates education"),
}
# Trying all eight masks takes six times as long. Over random codes mask 4 has the lowest mean penalty, 7 % above the
# best mask of each code, and any mask is valid for a reader.
_MASK = 4
# A run of this length is shorter in alphanumeric mode even with the headers of the segments around it.
_ALPHANUMERIC_RUN = re.compile(r"([0-9A-Z $%*+\-./:]{10,})")
_DARK_RUN = re.compile("1+")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SheetGroup:
    """A rater group (测评主体) and its slip codes, 16 characters each, already in random order."""

    code: str
    name: str
    relation: str
    school_code: str
    school_name: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SheetText:
    """What every slip says: the campaign, who asks, where to vote, the days, where to complain (may be empty)."""

    campaign: str
    bureau: str
    base_url: str
    first_day: date
    last_day: date
    hotline: str


@dataclass(frozen=True, kw_only=True)
class _Slip:
    typed: str
    size: int
    path: str


@dataclass(frozen=True, kw_only=True)
class _Page:
    label: str
    count: int
    number: int
    pages: int
    slips: Sequence[_Slip]


def slip_url(base_url: str, code: str) -> str:
    """Return the address in a slip's QR code: upper case, so that all but the `#` is alphanumeric (a smaller code).

    The code stands in the fragment, which browsers send to no server and so to no log.
    """
    return f"{base_url.rstrip('/')}/v#{code}".upper()


def qr_svg_path(text: str) -> tuple[int, str]:
    """Return the side in modules, quiet zone of 4 on each side included, and the `d` of one SVG path (fill, dark).

    Error correction M; the smallest version that holds `text`: 3 for slips of hosts up to 29 characters.
    """
    modules = _modules(text)
    parts = []
    for y, row in enumerate(modules):
        for run in _DARK_RUN.finditer(row):
            x, length = run.start(), run.end() - run.start()
            parts.append(f"M{x} {y}h{length}v1H{x}z")
    return len(modules), "".join(parts)


def qr_png(text: str, box: int) -> bytes:
    """Return a one-bit greyscale PNG of the QR code with quiet zone; a module is `box` pixels wide."""
    modules = _modules(text)
    side = len(modules) * box
    row_bytes = (side + 7) // 8
    pixels = bytearray()
    for row in modules:
        bits = "".join(("0" if module == "1" else "1") * box for module in row)
        packed = int(bits.ljust(row_bytes * 8, "1"), 2).to_bytes(row_bytes, "big")
        pixels += (b"\0" + packed) * box
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(pixels), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def write_sheets(
    groups: Sequence[SheetGroup],
    directory: Path,
    *,
    text: SheetText,
    open_links: Sequence[tuple[str, str]] = (),
    progress: Progress | None = None,
) -> list[Path]:
    """Write one file per relation and school, and a poster per open link (its relation, its address).

    Needs an application context, whose language is used. A group without codes is left out. A file of the same name
    is replaced, so slips made later go to another directory. `progress` hears (slips written, slips in all) after
    every group. Returns the paths as written; raises OSError, and then leaves no file half-written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = _by_file([group for group in groups if group.codes])
    report = _counter(sum(len(group.codes) for group in groups), progress)
    for name, members in files.items():
        _write(directory / name, _sheet(members, text=text, report=report))
    posters = {f"poster-{_safe(relation)}.html": (relation, url) for relation, url in open_links}
    for name, (relation, url) in posters.items():
        _write(directory / name, _poster(relation, url, text=text))
    return [directory / name for name in (*files, *posters)]


def _modules(text: str) -> list[str]:
    """Return the rows of the QR code with quiet zone, one character a module: 1 dark, 0 light."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=_MASK)
    for segment in filter(None, _ALPHANUMERIC_RUN.split(text)):
        mode = MODE_ALPHA_NUM if _ALPHANUMERIC_RUN.fullmatch(segment) else MODE_8BIT_BYTE
        code.add_data(QRData(segment.encode(), mode=mode, check_data=False))
    return ["".join("1" if module else "0" for module in row) for row in code.get_matrix()]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _by_file(groups: Iterable[SheetGroup]) -> dict[str, list[SheetGroup]]:
    """Collect the groups of each file under its name; two schools never share one, however their codes are spelt."""
    collected: dict[tuple[str, str], list[SheetGroup]] = {}
    for group in groups:
        collected.setdefault((group.relation, group.school_code or BUREAU), []).append(group)
    files: dict[str, list[SheetGroup]] = {}
    taken: set[str] = set()
    for (relation, school), members in collected.items():
        stem = name = f"{_safe(relation)}-{_safe(school)}"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        files[f"{name}.html"] = members
    return files


def _safe(text: str) -> str:
    """Return text as a part of a file name: a code from the roster must not climb out of the directory."""
    return re.sub(r"[^\w-]", "_", text)[:40] or "_"


def _counter(total: int, progress: Progress | None) -> Callable[[int], None]:
    done = 0

    def report(slips: int) -> None:
        nonlocal done
        done += slips
        if progress:
            progress(done, total)

    return report


def _sheet(groups: Sequence[SheetGroup], *, text: SheetText, report: Callable[[int], None]) -> Iterator[str]:
    return _render(
        "slips/sheet.html",
        text=text,
        title=RELATION_TITLES.get(groups[0].relation, groups[0].relation),
        school=groups[0].school_name,
        of_class=groups[0].relation in {"student_teacher", "parent_school"},
        pages=_pages(groups, base_url=text.base_url, report=report),
    )


def _poster(relation: str, url: str, *, text: SheetText) -> Iterator[str]:
    size, path = qr_svg_path(url)
    title = RELATION_TITLES.get(relation, relation)
    return _render("slips/poster.html", text=text, title=title, url=url, size=size, path=path)


def _render(template: str, *, text: SheetText, **values: object) -> Iterator[str]:
    """Yield the page piece by piece: a school's file is several megabytes, and only one page of it is held."""
    locale = get_locale()
    return current_app.jinja_env.get_template(template).generate(
        **values,
        text=text,
        address=f"{text.base_url.rstrip('/')}/v",
        css=PRINT_CSS.read_text(encoding="utf-8"),
        lang=str(locale).replace("_", "-") if locale else "zh-Hans-CN",
        direction=locale.text_direction if locale else "ltr",
    )


def _pages(groups: Iterable[SheetGroup], *, base_url: str, report: Callable[[int], None]) -> Iterator[_Page]:
    for group in groups:
        starts = range(0, len(group.codes), SLIPS_ON_A_PAGE)
        for number, start in enumerate(starts, start=1):
            codes = group.codes[start : start + SLIPS_ON_A_PAGE]
            yield _Page(
                label=_label(group),
                count=len(group.codes),
                number=number,
                pages=len(starts),
                slips=[_slip(base_url, code) for code in codes],
            )
        report(len(group.codes))


def _label(group: SheetGroup) -> str:
    """Return the group's name with its school: a slip that fell out of its envelope must find the way back."""
    return group.name if group.school_name in group.name else f"{group.school_name} {group.name}"


def _slip(base_url: str, code: str) -> _Slip:
    size, path = qr_svg_path(slip_url(base_url, code))
    return _Slip(typed=" ".join(code[i : i + 4] for i in range(0, len(code), 4)), size=size, path=path)


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Write a file of mode 0600 under another name and rename it when it is whole."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600, exist_ok=False)
    try:
        with part.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(pieces)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
