"""Ways back inside the application: an address from a request is followed only if it is one of our own pages."""

import re
from urllib.parse import urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

_OF_RESPONDENTS = re.compile(r"/v|/v/page|/o/[0-9]{1,10}")


def way_back(here: str) -> str:
    """Return `here` if it is a respondent's page, else the one that a link led away from (`back` in the address).

    "" if there is none. A page that is kept for everybody always says where it stands: nothing of a request gets in.
    """
    if not here or _OF_RESPONDENTS.fullmatch(here):
        return here
    wanted = request.args.get("back", "")
    return wanted if _OF_RESPONDENTS.fullmatch(wanted) else ""


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
