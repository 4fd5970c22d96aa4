"""The officer does the whole job in the browser, beside a real server with its worker."""

import csv
import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from survey.services.demo_county import write_demo_roster
from tests.acceptance.conftest import Console, console
from tests.acceptance.phone import Phone, random_levels

__all__ = ["console"]
pytestmark = pytest.mark.browser
WAIT = 60_000


def press(page: Page, path: str) -> None:
    """Press the one button of the form that posts to an address ending in `path`."""
    page.locator(f"form[action$='{path}'] button").first.click()


def follow_job(page: Page) -> None:
    """Wait for the job of this page and open its result."""
    result = page.locator("main a.button", has_text="查看结果")
    result.wait_for(timeout=WAIT)
    result.click()


def log_in(page: Page, base: str, password: str) -> None:
    page.goto(f"{base}/login")
    page.fill("[name=name]", "officer")
    page.fill("[name=password]", password)
    page.locator("main button[type=submit]").click()
    page.fill("[name=old]", password)
    page.fill("[name=new]", "a long sentence, easily kept")
    page.fill("[name=again]", "a long sentence, easily kept")
    page.locator("main button[type=submit]").click()
    expect(page).to_have_url(f"{base}/")


def import_roster(page: Page, base: str, roster: Path) -> None:
    page.goto(f"{base}/rosters/upload")
    page.set_input_files("[name=file]", roster)
    page.locator("main button[type=submit]").click()
    follow_job(page)
    page.locator("form[action*='/rosters/imports/'] button").click()
    follow_job(page)


def print_slips(page: Page, base: str) -> list[dict[str, str]]:
    page.goto(f"{base}/campaigns/1/slips")
    press(page, "/campaigns/1/slips")
    follow_job(page)
    with page.expect_download() as download:
        press(page, "/fetch")
    with zipfile.ZipFile(download.value.path()) as package:
        table = package.read("slips.csv").decode("utf-8-sig")
    press(page, "/forget")
    return [row for row in csv.DictReader(io.StringIO(table)) if row["code"]]


def move(page: Page, base: str, state: str, *, job: bool = False) -> None:
    page.goto(f"{base}/campaigns/1")
    form = page.locator(f"form[action$='/campaigns/1/move']:has([name=state][value={state}])")
    form.evaluate("form => { const box = form.closest('details'); if (box) box.open = true; }")
    form.locator("button").click()
    if job:
        follow_job(page)


def vote(base: str, slips: list[dict[str, str]]) -> None:
    choose = random_levels(random.Random(3))
    parents = [row for row in slips if row["relation"] == "parent_school" and "3301-" not in row["group"]][:400]
    with Phone(base) as phone:
        for row in [*parents[:120], *(row for row in slips if row["relation"] == "principal_department")]:
            assert phone.vote(phone.open("/v", {"code": row["code"]}), choose)


def test_from_the_roster_to_the_released_results(console: Console, browser: Browser, tmp_path: Path) -> None:
    password = console.json("init", "--admin", "officer")["first_password"]
    write_demo_roster(tmp_path / "roster.xlsx")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with console.serving() as base:
        log_in(page, base, password)
        import_roster(page, base, tmp_path / "roster.xlsx")
        page.goto(f"{base}/campaigns/new")
        # One officer alone: the second person is tried out in tests/views/test_approvals.py.
        page.uncheck("[name=two_person]")
        page.locator("main form button[type=submit]").last.click()
        expect(page).to_have_url(f"{base}/campaigns/1")
        move(page, base, "ready")
        slips = print_slips(page, base)
        move(page, base, "open")
        vote(base, slips)
        for state in ("closed", "tallied", "released"):
            move(page, base, state, job=True)
        page.goto(f"{base}/results/1/principal_department")
        expect(page.locator("main table").first).to_contain_text("办公室")
        results = json.loads(console.run("results", 1, "--json").stdout)
        shown = {target["target"]: target for e in results["evaluations"] for target in e["targets"]}
        assert page.locator("main").inner_text().count(f"{shown['K01']['score']:.1f}") >= 1
        page.goto(f"{base}/campaigns/1/balance")
        expect(page.locator("main")).to_contain_text("平衡")
    context.close()
    assert complaints == []
