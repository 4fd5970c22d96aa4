"""Sheets of slips (测评凭证) for the printer, as HTML and as PDF; nothing here touches the database.

The files hold codes in the clear. They are written with mode 0600, appear whole or not at all, and load nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import ceil
from pathlib import Path

from flask_babel import format_date, lazy_gettext
from flask_babel import gettext as _

from survey.services.print_files import encoded, html_pieces, long_pdf, write_private
from survey.services.qr_codes import slip_qr_path
from survey.services.typesetting import missing_glyphs

SLIPS_ON_A_PAGE = 12
# What stands beside the symbol, in millimetres (see print.css); a point in millimetres.
SIDE_WIDTH, SIDE_HEIGHT = 20.1, 41.4
POINT = 25.4 / 72
BUREAU = "BUREAU"
RELATION_TITLES = {
    "student_teacher": lazy_gettext("Pupils rate their teachers"),
    "teacher_principal": lazy_gettext("Teachers rate their principal"),
    "principal_department": lazy_gettext("Principals rate the departments"),
    "parent_school": lazy_gettext("Parents rate the school"),
    "public_education": lazy_gettext("The public rates education"),
}
_OF_A_CLASS = {"student_teacher", "parent_school"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SheetGroup:
    """A rater group (测评主体) and its slip codes, 16 characters each, already in random order."""

    code: str
    name: str
    relation: str
    school_code: str
    school_name: str
    codes: tuple[str, ...] = ()


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
class Unprintable:
    """A name with characters that the PDF's font lacks; `sheet` is its file, empty where every file has the name."""

    sheet: str
    name: str
    letters: str


@dataclass(frozen=True, kw_only=True)
class _Slip:
    typed: str
    size: int
    path: str


@dataclass(frozen=True, kw_only=True)
class _Page:
    label: str
    facts: str
    slips: tuple[_Slip, ...]


def write_sheets(
    groups: Sequence[SheetGroup], directory: Path, *, text: SheetText, progress: Progress | None = None
) -> list[Path]:
    """Write the sheets of every relation and school: one HTML file and one PDF each (see `write_sheet`).

    Needs an application context, whose language is used. A group without codes is left out. A file of the same name
    is replaced, so slips made later go to another directory. `progress` hears (slips written, slips in all) after
    every file. Returns the paths as written; raises OSError, and then leaves no file half-written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    total, done, paths = sum(len(group.codes) for group in groups), 0, []
    for name, members in by_file([group for group in groups if group.codes]).items():
        paths += write_sheet(name, members, directory, text=text)
        done += sum(len(group.codes) for group in members)
        if progress:
            progress(done, total)
    return paths


def write_sheet(name: str, groups: Sequence[SheetGroup], directory: Path, *, text: SheetText) -> list[Path]:
    """Write the sheets of the groups of one file (`by_file`) as HTML, and as PDF unless its font lacks a character.

    Ask `unprintable` first, and tell: the browser that prints the HTML has more fonts.
    """
    words = slip_words(text, groups[0].relation)
    title = f"{words['title']} · {groups[0].school_name or text.bureau}"
    pages = [page for group in groups for page in _pages(group, base_url=text.base_url)]
    page = html_pieces("slips/sheet.html", words=words, side_size=side_size(words), title=title, pages=pages)
    paths = [write_private(directory / f"{name}.html", encoded(page))]
    path = directory / f"{name}.pdf"
    if unprintable(groups, text=text):
        # Of an earlier call: its slips are others.
        path.unlink(missing_ok=True)
        return paths
    drawn = {"title": title, "side-size": side_size(words), "pages": [asdict(page) for page in pages]}
    content = long_pdf("slips.typ", words=words, **drawn)
    return [*paths, write_private(path, [content])]


def unprintable(groups: Iterable[SheetGroup], *, text: SheetText) -> tuple[Unprintable, ...]:
    """Return the names that the PDF's font cannot show, first those of all sheets; no PDF is made of such a sheet."""
    found, labels = [], {}
    relations = set()
    for name, members in by_file(groups).items():
        relations.add(members[0].relation)
        labels[name] = [_label(group) for group in members] + [members[0].school_name]
    common = [word for relation in relations for word in slip_words(text, relation).values()]
    for name, texts in [("", common), *labels.items()]:
        missing = missing_glyphs(texts)
        found += [Unprintable(sheet=name, name=label, letters=letters) for label, letters in missing.items()]
    return tuple(found)


def by_file(groups: Iterable[SheetGroup]) -> dict[str, list[SheetGroup]]:
    """Collect the groups of each file under its name; two schools never share one, however their codes are spelt."""
    collected: dict[tuple[str, str], list[SheetGroup]] = {}
    for group in groups:
        collected.setdefault((group.relation, group.school_code or BUREAU), []).append(group)
    files: dict[str, list[SheetGroup]] = {}
    taken: set[str] = set()
    for (relation, school), members in collected.items():
        stem = name = f"{safe_name(relation)}-{safe_name(school)}"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        files[name] = members
    return files


def safe_name(text: str) -> str:
    """Return text as a part of a file name: a code from the roster must not climb out of the directory."""
    return re.sub(r"[^\w-]", "_", text)[:40] or "_"


def days_of(text: SheetText) -> str:
    """Return the days of voting as one phrase."""
    first, last = (format_date(day, "long") for day in (text.first_day, text.last_day))
    return str(_("%(first)s to %(last)s", first=first, last=last))


def slip_words(text: SheetText, relation: str) -> dict[str, str]:
    """Return what is printed on each slip of a relation and above them, in the language of the page."""
    of_class = relation in _OF_A_CLASS
    this_class = _("Put into the sealed envelope of this class")
    this_group = _("Put into the sealed envelope of this group")
    return {
        "title": str(RELATION_TITLES.get(relation, relation)),
        "slip": _("Survey slip"),
        "bureau": text.bureau,
        "campaign": text.campaign,
        "days": days_of(text),
        "address": f"{text.base_url.rstrip('/')}/v",
        "envelope": this_class if of_class else this_group,
        "scan": _("Scan with WeChat or the camera, or open the address below and type the code."),
        "promise": _("No name is kept: nobody can see how you answered."),
        "once": _("It counts once; the receipt proves that, not your answers."),
        "pressure": _("Told how to answer? Call") if text.hotline else "",
        "hotline": text.hotline,
    }


def side_size(words: Mapping[str, str]) -> float:
    """Return the largest type (points) in which what stands beside the symbol fits its 20.1 × 41.4 mm.

    Lines are estimated, those of words and blanks generously: HTML cannot try it out, the PDF only slip by slip.
    """
    texts = [words[name] for name in ("title", "slip", "bureau", "days", "scan")]
    widths = [sum(1.0 if letter > "ⷿ" else 0.62 for letter in text) for text in texts]
    sizes = (7.5, 7.0, 6.5, 6.0, 5.5)
    return next((size for size in sizes if _side_height(widths, size) <= SIDE_HEIGHT), sizes[-1])


def _side_height(widths: Sequence[float], size: float) -> float:
    letter = size * POINT
    # The title, the first of them, is larger.
    lines = [
        ceil(width / (SIDE_WIDTH // (letter * (1.15 if place == 0 else 1.0)))) for place, width in enumerate(widths)
    ]
    return len(lines) + sum(lines) * 1.25 * letter


def _pages(group: SheetGroup, *, base_url: str) -> Iterable[_Page]:
    starts = range(0, len(group.codes), SLIPS_ON_A_PAGE)
    count = _("%(count)s slips", count=len(group.codes))
    for number, start in enumerate(starts, start=1):
        place = _("sheet %(number)s of %(pages)s", number=number, pages=len(starts))
        codes = group.codes[start : start + SLIPS_ON_A_PAGE]
        slips = tuple(_slip(base_url, code) for code in codes)
        yield _Page(label=_label(group), facts=f"{count} · {place}", slips=slips)


def _label(group: SheetGroup) -> str:
    """Return the group's name with its school: a slip that fell out of its envelope must find the way back."""
    return group.name if group.school_name in group.name else f"{group.school_name} {group.name}"


def _slip(base_url: str, code: str) -> _Slip:
    size, path = slip_qr_path(base_url, code)
    return _Slip(typed=" ".join(code[i : i + 4] for i in range(0, len(code), 4)), size=size, path=path)
