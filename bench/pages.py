"""Pages: what a ballot page weighs on the wire (goal 4), and how long a dashboard page takes (goal 6)."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask.testing import FlaskClient

from bench.counting import Released
from bench.journey import Voter
from bench.wire import Wire
from survey.services import accounts

_LINKED = re.compile(rb'(?:src|href)="(/s/[^"]+)"')
REPEATS = 30


@dataclass(frozen=True, kw_only=True)
class PageWeight:
    """A phone's first visit of a ballot page: bytes received and requests, with what the page links to."""

    page_bytes: int
    all_bytes: int
    requests: int


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Milliseconds of dashboard pages in process: address -> (median, 95th percentile)."""

    pages: Sequence[tuple[str, float, float]]

    @property
    def worst_ms(self) -> float:
        """The 95th percentile of the slowest page."""
        return max(p95 for _path, _median, p95 in self.pages)


def weigh_page(port: int, code: str) -> PageWeight:
    """Open one ballot page and everything it links to, compressed as the server gives it."""
    with Wire(port) as wire:
        cookie = Voter().enter(wire, code)
        page = wire.ask("GET", "/v/page", cookie=cookie)
        linked = sorted({path.decode() for path in _LINKED.findall(page.body)})
        answers = [wire.ask("GET", path) for path in linked]
    if any(answer.status != 200 for answer in (page, *answers)):
        raise RuntimeError("a part of the ballot page did not come")
    sizes = [answer.received for answer in (page, *answers)]
    return PageWeight(page_bytes=sizes[0], all_bytes=sum(sizes), requests=len(sizes))


def time_dashboards(released: Released) -> Dashboard:
    """Time the released pages as a logged-in officer."""
    with released.county.app() as app:
        client = app.test_client()
        _log_in(client, released.county.password)
        base = f"/results/{released.campaign_id}"
        relation = f"{base}/parent_school"
        paths = (base, relation, f"{relation}/targets", f"{relation}/target/000")
        return Dashboard(pages=[_timed(client, path) for path in paths])


def _log_in(client: FlaskClient, first_password: str) -> None:
    accounts.change_password(1, old=first_password, new="bench bench bench 1")
    answer = client.post("/login", data={"name": "officer", "password": "bench bench bench 1"})
    if answer.status_code != 303:
        raise RuntimeError("the officer could not log in")


def _timed(client: FlaskClient, path: str) -> tuple[str, float, float]:
    times = []
    for _repeat in range(REPEATS):
        start = time.perf_counter()
        status = client.get(path).status_code
        times.append(1000 * (time.perf_counter() - start))
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
    times.sort()
    return path, times[REPEATS // 2], times[int(0.95 * REPEATS)]
