"""A respondent without a browser: reads forms, chooses levels, posts them, follows what the server says."""

import http.client
import random
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

Choose = Callable[[str, str], int]


@dataclass
class Form:
    """A ballot form as a phone sees it."""

    relation: str = ""
    target: str = ""
    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    # (target, item) -> radio name and the values it offers
    items: dict[tuple[str, str], tuple[str, list[str]]] = field(default_factory=dict)
    checked: int = 0
    submits: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self.receipt = ""
        self._place: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.receipt = values.get("data-receipt", self.receipt)
        if tag == "form" and "data-relation" in values:
            self.form = Form(relation=values["data-relation"], target=values["data-target"], action=values["action"])
        elif self.form is not None and tag == "fieldset":
            self._place = (values.get("data-target", self.form.target), values["data-item"])
        elif self.form is not None and tag in ("input", "button"):
            self._input(tag, values)

    def _input(self, tag: str, values: dict[str, str]) -> None:
        assert self.form is not None
        kind = values.get("type", "text")
        if kind == "hidden":
            self.form.hidden[values["name"]] = values["value"]
        elif kind == "radio":
            assert self._place is not None
            self.form.items.setdefault(self._place, (values["name"], []))[1].append(values["value"])
            self.form.checked += "checked" in values
        elif tag == "button" and kind == "submit" and "name" in values:
            self.form.submits.append((values["name"], values["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset":
            self._place = None


@dataclass
class Page:
    """An answer of the server."""

    status: int
    text: str
    form: Form | None
    receipt: str


class Phone:
    """One connection and its cookies; follows 303 as a browser does."""

    def __init__(self, base: str) -> None:
        self.host = urllib.parse.urlsplit(base).netloc
        self.cookies: dict[str, str] = {}
        self.connection = http.client.HTTPConnection(self.host, timeout=30)

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def open(self, path: str, fields: dict[str, str] | None = None) -> Page:
        """GET, or POST with fields; return the page after all redirects."""
        response, text = self._once(path, fields)
        while response.status == 303:
            response, text = self._once(response.headers["Location"], None)
        reader = _Reader()
        reader.feed(text)
        return Page(status=response.status, text=unescape(text), form=reader.form, receipt=reader.receipt)

    def _once(self, path: str, fields: dict[str, str] | None) -> tuple[http.client.HTTPResponse, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
        response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response, response.read().decode()

    def fill(self, form: Form, choose: Choose) -> dict[str, str]:
        """Return the fields of a completely answered form."""
        fields = dict(form.hidden) | dict(form.submits)
        for (target, item), (name, values) in form.items.items():
            level = str(choose(target, item))
            assert level in values
            fields[name] = level
        return fields

    def vote(self, page: Page, choose: Choose) -> str:
        """Answer every page that follows; return the receipt."""
        while page.form is not None:
            page = self.open(page.form.action, self.fill(page.form, choose))
            assert page.status == 200, page.text[:500]
        return page.receipt


def open_link_path(url: str) -> str:
    """Return the path of an open link."""
    return re.sub(r"^https?://[^/]+", "", url)


def random_levels(chance: random.Random) -> Choose:
    """Return a chooser of plausible levels, 0 now and then."""
    return lambda _target, _item: chance.choices((0, 1, 2, 3, 4, 5), (5, 3, 7, 20, 35, 30))[0]
