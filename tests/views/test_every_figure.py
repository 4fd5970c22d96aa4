"""Every figure on every page of results, for every role, is one of the released cube: nothing else is read."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from math import floor
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import select, update

from survey.extensions import db
from survey.models.accounts import Account
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit, Tally
from survey.models.school_items import CubeSchoolItem, SchoolItem
from survey.services.ballots import Electorate, Holder, Page, cast_slips, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.instruments import find_questionnaire

# A figure is a number with decimals; dates, versions and addresses have none that look so.
FIGURE = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
PERCENTAGE = re.compile(r"(?<![\w.])\d+(?=%)")
# What pages and method texts name by themselves: margins, levels of significance, limits of the funnel.
CONSTANTS = {"0.05", "2.5", "0.7", "0.8", "0.9", "99.8", "0.001", "60.0", "90.0", "80.0", "0.99", "1", "95"}


@pytest.fixture
def released(codes: dict[str, tuple[str, ...]], campaign: int) -> int:
    """A campaign in which one class hardly voted, so that some targets are withheld."""
    chance = random.Random(7)

    def fill(electorate: Electorate, page: Page) -> bytes:
        items = len(find_questionnaire(electorate.questionnaire_id).item_codes)
        # Pages of all departments hold every target's answers.
        levels = bytes(chance.choice((2, 3, 4, 4, 5)) for _ in range(items * (len(electorate.targets) or 1)))
        return pack_payload(levels, own=bytes(chance.choice((1, 4, 5)) for _item in electorate.own_items))

    own = {"campaign_id": campaign, "state": "approved", "zh": "您对学校的课后服务是否满意"}
    db.session.add_all(SchoolItem(school_code=code, position=1, **own) for code in ("101", "102"))
    db.session.commit()

    few = next(group for group in codes if group.startswith("S-102"))
    chosen = {group: some[: 2 if group == few else None] for group, some in codes.items()}
    cast_slips((Holder(code=code), fill) for some in chosen.values() for code in some)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    return campaign


def numbers(value: Any) -> Iterator[float]:
    """Yield every number of a document, however deep."""
    if isinstance(value, dict):
        yield from shares(value.get("counts"))
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def figures(text: str) -> set[str]:
    """Return the figures of a page, percentages without decimals too."""
    return {*FIGURE.findall(text), *PERCENTAGE.findall(text)}


def shares(counts: Any) -> Iterator[float]:
    """Yield the shares of the levels, which are drawn of the counts."""
    answered = [n for level, n in counts.items() if level != "0"] if isinstance(counts, dict) else []
    if sum(answered):
        yield from (n / sum(answered) for n in answered)


def written(value: float) -> Iterator[str]:
    """Yield how a page may write a number: as it is, as percentage, coarser for schools, cut to a scale's ends."""
    coarse, cut = (round(value, 2), round(20 * value) / 20), floor(20 * value + 1e-9) / 20
    for one in (value, 100 * value, cut, *(100 * rate for rate in coarse), min(max(value, 0.0), 100.0)):
        for digits in (1, 2, 3, 4):
            yield f"{abs(one):.{digits}f}"
    for one in (value, *coarse, cut):
        yield f"{abs(100 * one):.0f}"


def cube(address: str) -> set[str]:
    """The released numbers that a page may write: of a target's page those of this target and of its evaluation as a
    whole, of other pages all. A score may stand by its distance to the edges of the bands.
    """
    evaluations = db.session.scalars(select(CubeEvaluation)).all()
    targets, units = (db.session.scalars(select(model)).all() for model in (CubeTarget, CubeUnit))
    match = re.search(r"/(\w+)/target/([^/?]+)", address)
    if match:
        evaluations = [row for row in evaluations if row.relation == match[1]]
        targets = [row for row in targets if row.evaluation_id == evaluations[0].evaluation_id and row.code == match[2]]
        units = []
        parts = ("scheme", "overall", "reliability", "change", "course")
        documents = [evaluations[0].document[part] for part in parts]
    else:
        documents = [*(row.document for row in evaluations), *(row.findings for row in evaluations)]
        documents += db.session.scalars(select(CubePair.document)).all()
        documents += [row.findings for row in units]
        documents.append(district_rates(units))
        # A school's own items stand on the page of that school, and nowhere else.
        school = re.search(r"/school/([^/?]+)", address)
        own = select(CubeSchoolItem.document).where(CubeSchoolItem.school_code == (school[1] if school else ""))
        documents += db.session.scalars(own).all()
    documents += [row.document for row in (*targets, *units)] + [row.findings for row in targets]
    known = [n for document in documents for n in numbers(document)]
    edges = {band["floor"] for row in evaluations for band in row.document["scheme"]["bands"]}
    known += [row.score - edge for row in (*targets, *units) if row.score is not None for edge in edges]
    return {text for number in known for text in written(number)} | CONSTANTS


def district_rates(units: Sequence[CubeUnit]) -> list[float]:
    """The response of districts: ballots and slips of their units, added up."""
    sums: dict[tuple[int, str], tuple[int, int]] = {}
    for row in units:
        ballots, issued = sums.get((row.evaluation_id, row.district), (0, 0))
        assert row.findings is not None
        added = ballots + row.document["ballots"], issued + row.findings["issued"]
        sums[row.evaluation_id, row.district] = added
    return [ballots / issued for ballots, issued in sums.values() if issued]


def crawl(client: FlaskClient, start: str) -> Iterator[tuple[str, str]]:
    """Yield address and text of every page of results that links lead to."""
    waiting, seen = [start], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        if answer.mimetype != "text/html":
            continue
        page = BeautifulSoup(answer.text, "html.parser")
        yield address, page.select_one("main").get_text(" ")  # type: ignore[union-attr]
        links = (str(link["href"]).partition("#")[0] for link in page.select("main a[href]"))
        waiting += [link for link in links if link.startswith("/results/") and "sort=" not in link]


@pytest.mark.parametrize("role", ["officer", "viewer", "school_a"])
def test_no_page_shows_a_figure_that_is_not_in_the_cube(
    role: str, released: int, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(role)
    pages = dict(crawl(client, f"/results/{released}"))
    assert len(pages) > (4 if role == "school_a" else 25)
    kinds = {"items", "item", "funnel", "years", "response", "district"}
    assert role == "school_a" or kinds <= {part for address in pages for part in re.split(r"[/?]", address)}
    stray = {
        address: strange
        for address, text in pages.items()
        if (strange := sorted(figures(text) - cube(address))) and not address.endswith("/method")
    }
    assert stray == {}


def test_a_figure_from_elsewhere_would_be_found(released: int, officer: FlaskClient) -> None:
    shown = [row for row in db.session.scalars(select(CubeTarget)) if row.score is not None]
    first = shown[0]
    relation = db.session.get_one(CubeEvaluation, first.evaluation_id).relation
    known = cube(f"/results/{released}/{relation}/target/{first.code}")
    others = {f"{row.score:.1f}" for row in shown} - {f"{first.score:.1f}"}
    assert len(others - known) > len(others) / 2


def test_a_withheld_target_shows_no_figure_of_its_own(
    released: int, officer: FlaskClient, request: pytest.FixtureRequest
) -> None:
    hidden = [row for row in db.session.scalars(select(CubeTarget)) if row.document["withheld"]]
    raw = {row.target_id: row.score for row in db.session.scalars(select(Tally))}
    assert hidden
    assert raw
    evaluations = {row.evaluation_id: row.relation for row in db.session.scalars(select(CubeEvaluation))}
    for row in hidden:
        page = officer.get(f"/results/{released}/{evaluations[row.evaluation_id]}/target/{row.code}")
        text = BeautifulSoup(page.text, "html.parser").select_one("main").get_text(" ")  # type: ignore[union-attr]
        rate = row.document["response_rate"]
        allowed = {"60.0", *(written(rate) if rate is not None else ())}
        assert figures(text) <= allowed


@pytest.mark.parametrize(("code", "relation"), [("T100", "student_teacher"), ("H1", "teacher_principal")])
def test_an_own_page_shows_figures_of_its_reader_of_her_school_and_of_all(
    code: str, relation: str, released: int, browser: Callable[..., FlaskClient]
) -> None:
    client = browser(code, role="teacher")
    db.session.execute(update(Account).where(Account.name == code).values(staff_code=code))
    db.session.commit()
    page = client.get(f"/own/{released}/{relation}")
    assert page.status_code == 200
    text = BeautifulSoup(page.text, "html.parser").select_one("main").get_text(" ")  # type: ignore[union-attr]
    target = db.session.scalars(select(CubeTarget).where(CubeTarget.code == code)).one()
    unit = db.session.get_one(CubeUnit, (target.evaluation_id, target.unit))
    known = cube(f"/results/{released}/{relation}/target/{code}")
    known |= {text for number in numbers(unit.document) for text in written(number)}
    shown = figures(text)
    assert shown - known == set()
    assert len(shown) > 3 or target.document["withheld"]
    assert target.score is not None or relation == "teacher_principal"
