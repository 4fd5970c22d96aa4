"""Ballots over a network that fails: what a phone was told is counted, once; what it was not told is still on it.

Each run is one slip. Its answers spell its number in base 5, so that the database tells run by run what arrived.
"""

import itertools
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as BrowserError
from sqlalchemy import select

from survey.extensions import db
from survey.models.ballots import inbox, receipt
from survey.services.balance import balance_of
from survey.services.ballots import Holder, unpack_payload
from survey.services.campaigns import move_campaign
from tests.ux.faulty_wire import FAULTS, FaultyWire, faulty_wire
from tests.ux.standing import PARENTS, PUPILS, Standing, free_port, standing_site

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)
HABITS = ("one tap", "double tap", "reload", "switched off", "back", "back at once", "two tabs")
ROUNDS, PARTS, FEW = 1000, 4, len(FAULTS) * len(HABITS)
SLIPS = ROUNDS // PARTS
PATIENCE = 40.0

SPELL = """number => document.querySelectorAll('fieldset').forEach(item => {
    item.querySelector(`input[value="${number % 5 + 1}"]`).click();
    number = Math.floor(number / 5);
})"""
WRITE = """text => { const area = document.querySelector('textarea');
    if (area) { area.value = text; area.dispatchEvent(new Event('input', { bubbles: true })); } }"""
LOOK = """() => ({
    receipt: (document.querySelector('[data-receipt]') || { getAttribute() {} }).getAttribute('data-receipt') || '',
    refused: !!document.querySelector('.message'),
    page: (document.querySelector('form[data-relation] [name=target]') || {}).value || '',
    answered: document.querySelectorAll('fieldset input:checked').length,
    items: document.querySelectorAll('fieldset').length,
    text: (document.querySelector('textarea') || {}).value || '',
    waits: !!document.querySelector('form[data-relation] .state:not([hidden])'),
    busy: !!document.querySelector('form[data-relation] [type=submit][aria-disabled]'),
})"""
TAP = "document.querySelector('form[data-relation] [type=submit]').click()"


@dataclass
class Run:
    """One slip's way, and what its phone was told at the end."""

    number: int
    habit: str
    group: str
    faults: tuple[str, ...]
    code: str = ""
    spelled: set[int] = field(default_factory=set)
    receipts: list[str] = field(default_factory=list)
    lost_drafts: int = 0


def plan_runs(number: int) -> list[Run]:
    """Every fault meets every habit, in turn; later rounds add a second and a third fault."""
    pairs, chance = itertools.cycle(itertools.product(FAULTS, HABITS)), random.Random(5)
    runs = []
    for place, (fault, habit) in zip(range(number), pairs, strict=False):
        more = chance.choices(FAULTS, k=chance.randrange(3)) if place >= FEW else ()
        group = PUPILS if chance.random() < 0.05 and habit != "two tabs" else PARENTS
        runs.append(Run(number=place, habit=habit, group=group, faults=(fault, *more)))
    return runs


class Phone:
    """A respondent who does not give up: scans, answers, sends, and scans again when nothing else is left."""

    def __init__(self, site: Standing, context: BrowserContext, run: Run) -> None:
        self.site, self.context, self.run = site, context, run
        self.page = context.new_page()

    def scan(self, page: Page) -> None:
        for _attempt in range(20):
            try:
                page.goto("about:blank")
                page.goto(f"{self.site.base}/v#{self.run.code}")
                page.wait_for_selector("form[data-relation], [data-receipt], .message", timeout=8000)
            except BrowserError:
                continue
            return
        raise AssertionError("the slip could not be opened")

    def fill(self, page: Page, *, tab: int = 0) -> None:
        """Answer what is not answered yet; where something was sent before, it must be there again."""
        number = self.run.number * 2 + tab
        page.evaluate(SPELL, number)
        page.evaluate(WRITE, f"run {number}")
        self.run.spelled.add(number)

    def look_for_draft(self, page: Page) -> None:
        """After a break: the page is done with, or all its answers are back."""
        seen = page.evaluate(LOOK)
        if seen["receipt"] or seen["refused"] or page.evaluate("!document.querySelector('form[data-relation]')"):
            return
        wanted = f"run {self.run.number * 2}" if seen["items"] == 10 else ""
        if seen["answered"] not in (0, seen["items"]) or (seen["answered"] and seen["text"] != wanted):
            self.run.lost_drafts += 1
        # The page of the next teacher is new and empty; one that was sent and is shown again is not.
        if seen["answered"] == 0 and seen["page"] == self.sent:
            self.run.lost_drafts += 1

    sent = ""

    def send(self, page: Page) -> None:
        self.sent = page.evaluate(LOOK)["page"]
        page.evaluate(f"{TAP}; {TAP}" if self.run.habit == "double tap" else TAP)

    def finish(self, page: Page) -> None:
        """Go on until the phone shows a receipt or says that this ballot has been used."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                seen = page.evaluate(LOOK)
            except BrowserError:
                # Between two documents.
                continue
            if seen["receipt"]:
                self.run.receipts.append(seen["receipt"])
                return
            if seen["refused"]:
                return
            if seen["page"] and not seen["busy"]:
                self._go_on(page, seen["answered"])
            page.wait_for_timeout(30)
        raise AssertionError(f"no end: {self.run}")

    def _go_on(self, page: Page, answered: int) -> None:
        if answered == 0:
            self.fill(page)
        self.send(page)


def walk(phone: Phone, wire: FaultyWire) -> None:
    """Let one slip be used after the run's habit."""
    page, run = phone.page, phone.run
    phone.scan(page)
    other = phone.context.new_page() if run.habit == "two tabs" else None
    if other:
        phone.scan(other)
        phone.fill(other, tab=1)
    phone.fill(page)
    wire.plan.extend(run.faults)
    phone.send(page)
    if other:
        phone.send(other)
        phone.finish(other)
    page = _break_off(phone, page)
    phone.finish(page)
    if run.habit == "back":
        page.go_back()
        phone.scan(page)
        phone.finish(page)


def _break_off(phone: Phone, page: Page) -> Page:
    """Do what the habit does while the page may be on its way; return the page that goes on."""
    habit = phone.run.habit
    if habit not in ("reload", "switched off", "back at once"):
        return page
    page.wait_for_timeout(phone.run.number * 37 % 120)
    if habit == "switched off":
        page.close()
        page = phone.context.new_page()
        phone.scan(page)
    elif habit == "back at once":
        page.go_back()
        phone.scan(page)
    else:
        try:
            page.reload()
            page.wait_for_selector("form[data-relation], [data-receipt], .message", timeout=3000)
        except BrowserError:
            phone.scan(page)
    phone.look_for_draft(page)
    return page


def spelled(payload: bytes) -> int:
    """Return the number that a page's answers spell."""
    return sum((level - 1) * 5**place for place, level in enumerate(unpack_payload(payload).answers))


def settle(site: Standing, runs: list[Run]) -> dict[str, int]:
    """Hold what the phones were told against the database; return how often what went wrong."""
    db.session.rollback()
    rows = db.session.execute(select(inbox.c.target_id, inbox.c.payload)).all()
    arrived = Counter(spelled(row.payload) // 2 for row in rows)
    given = {number for run in runs for number in run.spelled}
    foreign = sum(spelled(row.payload) not in given for row in rows)
    kept = Counter(db.session.scalars(select(receipt.c.text)))
    pages = {PARENTS: 1, PUPILS: 3}
    told = [run for run in runs if run.receipts]
    db.session.rollback()
    return {
        "without a receipt": len(runs) - len(told),
        "lost": sum(arrived[run.number] < pages[run.group] for run in told),
        "double": sum(arrived[run.number] > pages[run.group] for run in runs),
        "answers of nobody": foreign,
        "wrong receipts": sum(set(run.receipts) != {Holder(code=run.code).receipt} for run in told),
        "receipts not kept once": sum(kept[run.receipts[0]] != 1 for run in told),
        "drafts lost": sum(run.lost_drafts for run in runs),
        "faults of the balance": len(balance_of(site.campaign).faults),
    }


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Standing, FaultyWire]]:
    with (
        faulty_wire(free_port()) as wire,
        standing_site(tmp_path_factory.mktemp("wire"), public_port=wire.port, parents=SLIPS) as site,
    ):
        wire.server_port = site.port
        yield site, wire


def use(network: tuple[Standing, FaultyWire], browser: Browser, runs: list[Run]) -> list[Run]:
    site, wire = network
    errors: list[str] = []
    for run in runs:
        run.code = site.take(run.group)
        context = browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN")
        context.on("weberror", lambda error: errors.append(str(error.error)))
        wire.plan.clear()
        walk(Phone(site, context, run), wire)
        context.close()
    assert errors == []
    return runs


def check(network: tuple[Standing, FaultyWire], runs: list[Run]) -> None:
    site, wire = network
    met = settle(site, runs)
    log.info("%s runs, %s faults: %s; %s", len(runs), len(wire.done), dict(Counter(wire.done)), met)
    assert met == dict.fromkeys(met, 0)
    assert set(wire.done) == set(FAULTS) - {"page lost"}
    move_campaign(site.campaign, "closed", actor="test")
    balance = balance_of(site.campaign)
    assert (balance.faults, balance.waiting) == ((), 0)
    assert balance.mixed == sum({PARENTS: 1, PUPILS: 3}[run.group] for run in runs)


def test_every_fault_meets_every_habit_and_nothing_is_lost_or_double(
    network: tuple[Standing, FaultyWire], browser: Browser
) -> None:
    check(network, use(network, browser, plan_runs(FEW)))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_runs_lose_nothing_and_count_nothing_twice(
    network: tuple[Standing, FaultyWire], browser: Browser, part: int
) -> None:
    check(network, use(network, browser, plan_runs(ROUNDS)[part::PARTS]))
