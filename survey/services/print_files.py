"""Files for the printer: HTML from a template of the site, PDF from a typst template, written whole and private.

Both are given the same words and values. The HTML loads nothing, so it prints from any folder.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import current_app
from flask_babel import get_locale

from survey.services.typesetting import typeset, typeset_apart

PRINT_CSS = Path(__file__).parents[1] / "static" / "print.css"


def html_pieces(template: str, **values: object) -> Iterator[str]:
    """Yield a page piece by piece: a school's file is several megabytes. Needs an application context."""
    locale = get_locale()
    return current_app.jinja_env.get_template(template).generate(
        **values,
        css=PRINT_CSS.read_text(encoding="utf-8"),
        lang=page_language(),
        direction=locale.text_direction if locale else "ltr",
    )


def pdf(template: str, **values: object) -> bytes:
    """Return the PDF of a typst template in the language of the page; values are what JSON can hold."""
    return typeset(template, {**values, "language": page_language()})


def long_pdf(template: str, **values: object) -> bytes:
    """Do as `pdf` for hundreds of pages, in a process of its own."""
    return typeset_apart(template, {**values, "language": page_language()})


def page_language() -> str:
    """Return the language of the page as a tag such as zh-Hans-CN."""
    locale = get_locale()
    return str(locale).replace("_", "-") if locale else "zh-Hans-CN"


def write_private(path: Path, pieces: Iterable[bytes]) -> Path:
    """Write a file of mode 0600 under another name and rename it when it is whole and on the disk."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600, exist_ok=False)
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    """Yield text as UTF-8; half a surrogate pair, which no script can write, becomes a question mark."""
    return (piece.encode("utf-8", "replace") for piece in pieces)


def make_durable(path: Path) -> None:
    """Have a file and its name on the disk before anything in the database says that it is there."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
