"""Static files under names that change with their content, so that browsers may keep them for a year."""

import base64
import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from survey.views.spliced_pages import takes_gzip

FOLDER = Path(__file__).parents[1] / "static"
YEAR = 31_536_000
PACKED = (".css", ".js", ".svg")

blueprint = Blueprint("assets", __name__)


@cache
def _names() -> frozenset[str]:
    # Listed once: an address can never reach another file, however it is spelled.
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


@cache
def _mark(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


@cache
def _packed(name: str) -> bytes:
    return gzip.compress((FOLDER / name).read_bytes(), mtime=0)


def asset(name: str) -> str:
    """Return the address of a static file, with a mark of its content."""
    return url_for("assets.file", mark=_mark(name), name=name)


@cache
def carried_style(name: str) -> Markup:
    """Return a style sheet for a page that carries it along: over 2G the round trip takes longer than the bytes."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - a file of the program itself


def style_source(name: str) -> str:
    """Return the source expression of a content security policy that allows `carried_style` and no other style."""
    digest = hashlib.sha256(carried_style(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@blueprint.get("/s/<mark>/<path:name>")
def file(mark: str, name: str) -> Response:
    """Serve a static file; it never changes under this address."""
    if name not in _names() or _mark(name) != mark:
        raise NotFound
    if name.endswith(PACKED) and takes_gzip(request.headers.get("Accept-Encoding", "")):
        response = Response(_packed(name), mimetype=mimetypes.guess_type(name)[0])
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = send_from_directory(FOLDER, name, max_age=YEAR)
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def register(app: Flask) -> None:
    """Bind the route and the template functions `asset` and `carried_style`."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals |= {"asset": asset, "carried_style": carried_style}
