"""The bureau's reading of results: the head's page, items, funnel, years, districts and search."""

import gzip

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.results import CubeTarget
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Counting

TEACHERS = [(f"T{school[-1]}{place:02}", school) for school in ("101", "102") for place in range(8)]
MEANS = [3.0] * 8 + [4.5] * 8


@pytest.fixture
def released(county: Flask) -> int:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, means=MEANS)
    add_evaluation(campaign, "parent_school", targets=[("101", "1学区"), ("102", "1学区")], ballots=25)
    return campaign.id


def main(client: FlaskClient, address: str) -> BeautifulSoup:
    client.set_cookie("language", "en")
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


PAGES = (
    "",
    "/student_teacher/items",
    "/student_teacher/item/T01",
    "/student_teacher/funnel",
    "/student_teacher/years",
    "/response",
    "/district/1学区",
    "/find?q=T1",
)


def test_every_page_is_light_and_holds_no_inline_style(released: int, officer: FlaskClient) -> None:
    for page in PAGES:
        html = officer.get(f"/results/{released}{page}").data
        assert len(gzip.compress(html)) < 60_000
        tags = BeautifulSoup(html, "html.parser")
        assert len(tags.find_all(True)) < 1500
        assert not tags.select("[style], [onclick], script:not([src])")


@pytest.mark.parametrize(("schools", "compared"), [(2, False), (6, True)])
def test_the_head_sees_no_change_of_a_handful(
    county: Flask, officer: FlaskClient, schools: int, compared: bool
) -> None:
    targets = [(str(number), "1学区") for number in range(101, 101 + schools)]
    past = add_evaluation(add_campaign(year=2025), "parent_school", targets=targets, seed=2)
    campaign = add_campaign()
    add_evaluation(campaign, "parent_school", targets=targets, before=past)
    verdict = main(officer, f"/results/{campaign.id}").select_one(".relation .verdict")
    assert verdict is not None
    assert ("against 2025" in verdict.text, "Too few in both years" in verdict.text) == (compared, not compared)


def test_every_chart_has_its_drawing_and_answers(released: int, officer: FlaskClient) -> None:
    for page in ("items", "funnel"):
        figures = main(officer, f"/results/{released}/student_teacher/{page}").select("figure[data-chart]")
        assert figures
        for figure in figures:
            assert figure.select_one(".drawing svg[role=img][aria-label]")
            assert officer.get(str(figure["data-chart"])).get_json()["data"]


def test_the_head_sees_every_figure_with_its_n(released: int, officer: FlaskClient) -> None:
    for card in main(officer, f"/results/{released}").select(".relation"):
        assert "n = " in card.text
        assert "response" in card.text


def test_the_ends_that_can_be_told_apart_are_named(released: int, officer: FlaskClient) -> None:
    better, worse, doubtful = main(officer, f"/results/{released}").select(".points > .panel")
    assert "stands highest: 单位102" in better.text
    assert "stands lowest: 单位101" in worse.text
    assert "No rectification ledger" in doubtful.text


def test_a_sort_by_raw_score_is_warned_of_and_not_done_unasked(released: int, officer: FlaskClient) -> None:
    address = f"/results/{released}/student_teacher/targets"
    warned = main(officer, f"{address}?sort=score&order=down")
    assert "not a ranking" in warned.select_one(".note.warning").text  # type: ignore[union-attr]
    assert warned.select_one("tbody th").text == "对象T100"  # type: ignore[union-attr]
    sure = warned.select_one(".note a.second")["href"]  # type: ignore[index]
    assert main(officer, str(sure)).select_one("tbody th").text.startswith("对象T2")  # type: ignore[union-attr]


def test_any_schools_item_is_three_clicks_away(released: int, officer: FlaskClient) -> None:
    found = main(officer, f"/results/{released}/find?q=101").select_one(
        f"a[href='/results/{released}/parent_school/target/101']"
    )
    assert found
    assert main(officer, str(found["href"])).select("table th[scope=row]")


def test_a_search_finds_names_and_codes_but_no_other_school(
    released: int, officer: FlaskClient, school_a: FlaskClient
) -> None:
    address = f"/results/{released}/find?q="
    assert "对象T107" in main(officer, f"{address}T10").text
    assert "对象T203" in main(officer, f"{address}象T203").text
    assert "对象T203" not in main(school_a, f"{address}T2").text
    assert "named or coded so" in main(officer, f"{address}%25").text


def test_filters_are_links(released: int, officer: FlaskClient) -> None:
    row = db.session.get_one(CubeTarget, (1, "T103"))
    row.funnel = -2
    db.session.commit()
    listed = main(officer, f"/results/{released}/student_teacher/targets?only=below").select("tbody th")
    assert "对象T103" in [cell.text for cell in listed]
    assert len(listed) < 16
    assert officer.get(f"/results/{released}/student_teacher/targets?only=nonsense").status_code == 200


@pytest.mark.parametrize("page", ["/district/nowhere", "/student_teacher/item/NONE", "/parent_school/matrix.json"])
def test_what_is_not_there_is_not_found(released: int, officer: FlaskClient, page: str) -> None:
    assert officer.get(f"/results/{released}{page}").status_code == 404


def test_withheld_items_and_units_show_a_cross_and_no_figure(county: Flask, officer: FlaskClient) -> None:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, ballots=9, issued=9)
    page = main(officer, f"/results/{campaign.id}/student_teacher/items")
    assert {cell.text for cell in page.select("td.heat")} == {"×"}
    for rest in PAGES[3:]:
        assert officer.get(f"/results/{campaign.id}{rest}").status_code in {200, 404}


def test_pages_cost_the_same_whatever_the_number_of_rows(
    county: Flask, officer: FlaskClient, statements: Counting
) -> None:
    numbers = []
    for size in (12, 120):
        campaign = add_campaign(name=f"{size}")
        targets = [(f"T{place:03}", f"{101 + place % 6}") for place in range(size)]
        add_evaluation(campaign, "student_teacher", targets=targets, ballots=20, issued=20)
        numbers.append(campaign.id)
    officer.get("/results")
    for page in ("", "/student_teacher/items", "/student_teacher/funnel", "/response", "/find?q=T"):
        costs = []
        for number in numbers:
            with statements() as seen:
                assert officer.get(f"/results/{number}{page}").status_code == 200
            costs.append(len(seen))
        assert costs[0] == costs[1] <= 16, (page, costs)
