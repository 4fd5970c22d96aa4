"""Journeys over HTTP: a respondent of the product and one of the yardstick, each step as a phone does it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from bench.wire import Answer, Wire

OURS = "POST /v code → 303 → GET page → POST page → 303 → GET receipt (4 requests, new connection)"
FROM_PAGE = "GET page → POST page → 303 → GET receipt (3 requests, new connection; the code was entered before)"
BARE = "GET form → POST → one INSERT → 303 → GET thanks (3 requests, new connection)"
_HIDDEN = re.compile(rb'name="(code|form|target)" value="([^"]*)"')
_RADIO = re.compile(rb'type="radio" name="([^"]+)"')
_RECEIPT = re.compile(rb'data-receipt="([^"]+)"')


class JourneyFailed(Exception):
    """The server answered something else than a journey expects."""


@dataclass
class Voter:
    """A respondent of the product. The radios' names are read from the first page and are the same on all others."""

    answers: str = ""

    def travel(self, wire: Wire, code: str) -> str:
        """Vote with one slip of one page; return the receipt."""
        return self.from_page(wire, self.enter(wire, code))

    def enter(self, wire: Wire, code: str) -> str:
        """Enter the code; return the cookie that bridges to the page."""
        return _expect(wire.ask("POST", "/v", body=f"code={code}"), 303).cookie

    def from_page(self, wire: Wire, cookie: str) -> str:
        """Open the page, submit it, open the receipt."""
        page = _expect(wire.ask("GET", "/v/page", cookie=cookie), 200).body
        hidden = {name.decode(): quote(value.decode()) for name, value in _HIDDEN.findall(page)}
        body = "&".join(f"{name}={value}" for name, value in hidden.items())
        cast = _expect(wire.ask("POST", "/v/page", cookie=cookie, body=f"{body}&{self._answers(page)}&cast=1"), 303)
        receipt = _RECEIPT.search(_expect(wire.ask("GET", cast.location, cookie=cast.cookie or cookie), 200).body)
        if receipt is None:
            raise JourneyFailed(f"no receipt on {cast.location}")
        return receipt[1].decode()

    def _answers(self, page: bytes) -> str:
        if not self.answers:
            names = dict.fromkeys(_RADIO.findall(page))
            self.answers = "&".join(f"{quote(name.decode())}={number % 5 + 1}" for number, name in enumerate(names))
        return self.answers


@dataclass
class BareVisitor:
    """A respondent of the yardstick."""

    items: int

    @cached_property
    def body(self) -> str:
        """The same answers every time."""
        return "&".join(f"q{item}={item % 5 + 1}" for item in range(self.items))

    def travel(self, wire: Wire, _ticket: str) -> str:
        """Open the form, submit it, open the thanks."""
        _expect(wire.ask("GET", "/form"), 200)
        sent = _expect(wire.ask("POST", "/form", body=self.body), 303)
        _expect(wire.ask("GET", sent.location), 200)
        return ""


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise JourneyFailed(f"status {answer.status} instead of {status}")
    return answer


def shuffled_evenly(groups: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """Yield the codes of all groups in turn, one of each: the load is spread as widely as it can be."""
    for place in range(max(map(len, groups))):
        for codes in groups:
            if place < len(codes):
                yield codes[place]
