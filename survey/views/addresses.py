"""Ways back inside the application: an address from a request is followed only if it is one of our own pages."""

from urllib.parse import urlsplit

from flask import current_app, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def local_page(wanted: str) -> str:
    """Return `wanted` if it is a page of this application that can be read, else the home page: never another host."""
    home = url_for("public.home")
    if not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or not wanted.isprintable():
        return home
    try:
        current_app.url_map.bind("").match(urlsplit(wanted).path, method="GET")
    except (HTTPException, RequestRedirect, ValueError):
        return home
    return wanted
