"""Pages of results: who sees what, what every figure carries, and what they cost."""

import gzip
import re
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from survey.extensions import db
from survey.models.results import CubeTarget, CubeUnit
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation

TEACHERS = [(f"T{school[-1]}0{place}", school) for school in ("101", "102") for place in range(1, 6)]
SCHOOLS = [("101", "1学区"), ("102", "1学区")]
HOSTILE = "<script>alert(1)</script>{{7*7}}"


@pytest.fixture
def released(county: Flask) -> int:
    return stage("results", _make_released)


def _make_released() -> int:
    before = add_campaign(year=2025)
    last = add_evaluation(before, "student_teacher", targets=TEACHERS, means=[3] * 5 + [4] * 5, seed=9)
    campaign = add_campaign()
    means = [3, 3.1, 3.2, 3.3, 3.1, 4.6, 4.5, 4.4, 4.5, 4.6]
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, means=means, before=last)
    add_evaluation(campaign, "parent_school", targets=SCHOOLS, ballots=25, means=[4, 4])
    add_evaluation(campaign, "public_education", targets=[("BUREAU", "BUREAU")])
    return campaign.id


@pytest.fixture
def pages(released: int) -> dict[str, str]:
    top, five = f"/results/{released}", f"/results/{released}/student_teacher"
    return {
        "index": "/results",
        "overview": top,
        "evaluation": five,
        "pairs": f"{five}/pairs",
        "targets": f"{five}/targets",
        "unit": f"{five}/unit/101",
        "target": f"{five}/target/T101",
        "school": f"{top}/school/101",
        "chart": f"{five}/chart.json",
        "items": f"{five}/items.json?target=T101",
    }


def soup(client: FlaskClient, address: str) -> BeautifulSoup:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def words(client: FlaskClient, address: str) -> str:
    client.set_cookie("language", "en")
    return " ".join(soup(client, address).select_one("main").get_text(" ").split())


NAMES = ("index", "overview", "evaluation", "pairs", "targets", "unit", "target", "school", "chart", "items")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_itself_to_the_bureau(pages, officer, viewer, name):
    assert officer.get(pages[name]).status_code == 200
    assert viewer.get(pages[name]).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_a_stranger_to_log_in(pages, stranger, name):
    answer = stranger.get(pages[name])
    assert answer.status_code in {302, 303, 401}
    assert "对象T101" not in answer.text


@pytest.mark.parametrize("name", NAMES)
def test_a_page_only_answers_get(pages, officer, name):
    assert officer.post(pages[name].partition("?")[0]).status_code == 405


@pytest.mark.parametrize("name", ["evaluation", "pairs", "unit", "chart"])
def test_pages_that_hold_several_schools_do_not_exist_for_a_school(pages, school_a, name):
    assert school_a.get(pages[name]).status_code == 404


@pytest.mark.parametrize("name", ["target", "items", "school"])
def test_a_school_reads_itself_and_no_other(pages, school_a, school_b, name):
    assert school_a.get(pages[name]).status_code == 200
    assert school_b.get(pages[name]).status_code == 404


def test_a_school_is_led_to_its_own_page_and_lists_its_own_teachers(pages, school_a):
    assert school_a.get(pages["overview"]).headers["Location"] == pages["school"]
    for address in (pages["targets"], f"{pages['targets']}?unit=102", f"{pages['targets']}?q=T2"):
        assert "T201" not in soup(school_a, address).select_one(".table").text


def test_a_school_sees_small_numbers_in_fives_and_no_counts(released, school_a):
    address = f"/results/{released}/parent_school/target/101"
    assert soup(school_a, address).select_one(".chart") is None
    five = f"/results/{released}/student_teacher"
    figure = school_a.get(f"{five}/items.json?target=T101").json
    assert all(x == pytest.approx(round(x)) for trace in figure["data"] for x in trace["x"])


@pytest.mark.parametrize(
    "address",
    [
        "/results/99",
        "/results/{}/nonsense",
        "/results/{}/student_teacher/target/NOBODY",
        "/results/{}/school/999",
        "/results/{}/student_teacher/unit/999",
        "/results/{}/student_teacher/items.json",
        "/results/{}/student_teacher/target/T%00",
        "/results/{}/student_teacher/targets?q=%00",
        "/results/99999999999999999999",
    ],
)
def test_what_is_not_there_is_not_found(released, officer, address):
    assert officer.get(address.format(released)).status_code == 404


def test_nothing_is_shown_before_the_release(county, officer):
    campaign = add_campaign(state="tallied")
    add_evaluation(campaign, "student_teacher", targets=TEACHERS)
    assert campaign.name not in soup(officer, "/results").text
    assert officer.get(f"/results/{campaign.id}").status_code == 404


def test_without_results_the_list_says_so(officer):
    assert "No results have been released yet." in words(officer, "/results")


def test_an_overview_shows_score_interval_rate_ballots_and_change(pages, officer):
    text = words(officer, pages["overview"])
    assert re.search(r"73\.5 95% interval [\d.]+–[\d.]+ n = 400 · response rate 80\.0%", text)
    assert re.search(r"▲ risen \+[\d.]+ \(\+[\d.]+ to \+[\d.]+\) · against 2025, n = 10", text)
    assert re.search(r"points higher than last year, a significant difference \(p[=<]", text)


def test_the_public_stands_apart(pages, officer):
    page = soup(officer, pages["overview"])
    (apart,) = page.select(".relation.reference")
    assert "public_education" in str(apart)
    assert "For reference only: not one person, one vote" in words(officer, pages["overview"])


def test_units_stand_in_groups_by_code_and_flags_are_said_in_a_sentence(pages, officer):
    assert "a significant difference (adjusted p" in words(officer, pages["evaluation"])
    heads = [head.text for head in soup(officer, pages["evaluation"]).select(".chart + .table tbody th")]
    assert heads == ["Group 1", "单位102", "Group 2", "单位101"]


def test_what_is_not_significant_is_never_called_no_difference(county, officer):
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS)
    five = f"/results/{campaign.id}/student_teacher"
    assert "All stand in one group" in words(officer, five)
    officer.set_cookie("language", "zh_Hans_CN")
    for address in (five, f"{five}/pairs", f"{five}/unit/101"):
        assert "没有差异" not in soup(officer, address).text
        assert "无差异" not in soup(officer, address).text


def test_a_target_explains_its_intervals_its_verdict_and_its_band(pages, officer):
    text = words(officer, pages["target"])
    for part in ("A, this roster:", "B, performance:", "points to the nearest edge", "Verdict against", "Reliability"):
        assert part in text
    assert "2025:" in text


def test_an_item_row_holds_n_rate_and_intervals(pages, officer):
    page = soup(officer, pages["target"])
    row = next(row for row in page.select("tbody tr") if "老师对学生的尊重" in row.text or "respect" in row.text)
    cells = [cell.text for cell in row.select("td")]
    assert cells[0] == "40"
    assert all(re.search(r"\d", cell) for cell in cells)


def test_everything_withheld_says_the_rule_and_shows_no_figure(county, officer):
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, ballots=9, issued=9)
    five = f"/results/{campaign.id}/student_teacher"
    text = words(officer, f"{five}/target/T101")
    assert "Withheld: fewer than 10 valid ballots." in text
    assert "Satisfaction rate" not in text
    assert words(officer, f"{five}/targets").count("Withheld: fewer than 10 valid ballots.") == 10
    for address in (five, f"{five}/pairs", f"{five}/unit/101", f"/results/{campaign.id}", f"{five}/chart.json"):
        assert officer.get(address).status_code == 200


def test_an_axis_without_a_point_is_not_drawn(released: int, officer: FlaskClient) -> None:
    page = f"/results/{released}/student_teacher"
    assert 'class="chart"' in officer.get(page).text
    db.session.execute(update(CubeUnit).values(score=None))
    for unit in db.session.query(CubeUnit):
        unit.document = {**unit.document, "score": None, "score_ci": None}
    db.session.commit()
    assert 'class="chart"' not in officer.get(page).text


@pytest.mark.parametrize("ballots", [18, 19])
def test_a_school_is_told_that_few_answers_are_withheld(county: Flask, school_a: FlaskClient, ballots: int) -> None:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, ballots=ballots, issued=20)
    text = words(school_a, f"/results/{campaign.id}/student_teacher/target/T101")
    assert "fewer than 20 answers" in text
    assert "Nobody chose a level" not in text


def test_an_item_to_which_all_had_no_opinion_has_a_page(released: int, officer: FlaskClient) -> None:
    rows = db.session.query(CubeTarget).filter_by(code="T101")
    row = rows.order_by(CubeTarget.evaluation_id.desc()).first()
    assert row is not None
    code, figures = next(iter(row.document["items"].items()))
    nobody = {**dict.fromkeys(figures), "n": 40, "counts": {**dict.fromkeys("54321", 0), "0": 40}}
    row.document = {**row.document, "items": {**row.document["items"], code: nobody}}
    db.session.commit()
    for page in (f"item/{code}", "target/T101"):
        assert "Nobody chose a level" in words(officer, f"/results/{released}/student_teacher/{page}")


def test_an_empty_evaluation_is_a_page_too(county, officer):
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[("T101", "101")], ballots=0)
    five = f"/results/{campaign.id}/student_teacher"
    assert "fewer than 10 valid ballots" in words(officer, f"{five}/target/T101")
    for address in (f"/results/{campaign.id}", five, f"{five}/targets", f"{five}/unit/101"):
        assert officer.get(address).status_code == 200


def test_names_are_only_text(released, officer):
    db.session.get(CubeTarget, (2, "T101")).name = HOSTILE
    db.session.commit()
    for address in ("targets", "target/T101"):
        html = officer.get(f"/results/{released}/student_teacher/{address}").text
        assert "<script>alert" not in html
        assert "{{7*7}}" in html


def test_a_list_sorts_by_links_that_keep_what_was_asked(pages, officer):
    page = soup(officer, f"{pages['targets']}?q=T&sort=score&order=down&raw=1")
    (header,) = page.select("th[aria-sort]")
    assert header["aria-sort"] == "descending"
    assert "q=T" in header.a["href"]
    assert "order=down" not in header.a["href"]
    assert soup(officer, pages["targets"]).select_one("th[aria-sort]").a.text in {"Code", "代码"}


@pytest.mark.parametrize("query", ["?page=0", "?page=x", "?page=999", "?sort=document", "?q=%25'\""])
def test_odd_arguments_do_no_harm(pages, officer, query):
    for name in ("targets", "evaluation", "pairs", "unit", "school"):
        assert officer.get(pages[name] + query).status_code == 200


def test_pages_hold_no_inline_style_or_script_and_name_no_other_host(pages, officer):
    for name in NAMES[:8]:
        page = soup(officer, pages[name])
        assert not page.select("[style], [onclick], script:not([src])")
        assert all(style.get("nonce") and not style.text for style in page.select("style"))
        assert not page.select('[src^="http"], link[href^="http"]')


def test_a_chart_has_its_drawing_its_address_and_a_table(pages, officer):
    for name in ("evaluation", "target"):
        page = soup(officer, pages[name])
        (figure,) = page.select("figure[data-chart]")
        assert figure.select_one(".drawing svg[role=img][aria-label]")
        assert officer.get(figure["data-chart"]).json["data"]
        assert figure.find_next("table")


def _many(number: int) -> int:
    campaign = add_campaign(name=f"{number} targets")
    targets = [(f"T{place:03}", f"{101 + place % 3}") for place in range(number)]
    names = [f"{'欧阳' * 12}{place}" for place in range(number)]
    add_evaluation(campaign, "student_teacher", targets=targets, ballots=20, issued=20, names=names)
    add_evaluation(campaign, "parent_school", targets=[(f"{101 + n}", "1学区") for n in range(number)], ballots=20)
    return campaign.id


ADDRESSES = (
    "",
    "/student_teacher",
    "/student_teacher/pairs",
    "/student_teacher/targets",
    "/student_teacher/unit/101",
    "/student_teacher/target/T001",
    "/school/101",
    "/student_teacher/chart.json",
)


def test_the_number_of_statements_does_not_grow_with_the_rows(county, officer, statements):
    few, many = _many(3), _many(300)
    officer.get("/results")
    for address in ADDRESSES:
        costs = []
        for campaign in (few, many):
            with statements() as seen:
                assert officer.get(f"/results/{campaign}{address}").status_code == 200
            costs.append(len(seen))
        assert costs[0] == costs[1] <= 14, (address, costs)


def test_much_data_stays_a_light_page(county, officer):
    campaign = _many(300)
    for address in ADDRESSES[:-1]:
        html = officer.get(f"/results/{campaign}{address}").data
        assert len(gzip.compress(html)) < 60_000
        assert html.count(b"</") < 1500


def test_pages_need_no_statistics_library():
    code = "import sys, survey.views.results; print([m for m in ('scipy', 'plotly', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_page_loads_scipy_or_plotly(pages, officer, monkeypatch):
    for name in {"scipy", "plotly", *(m for m in sys.modules if m.startswith(("scipy.", "plotly.")))}:
        monkeypatch.setitem(sys.modules, name, None)
    for address in pages.values():
        assert officer.get(address).status_code == 200
