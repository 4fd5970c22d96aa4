"""The public page: nothing before the act, every figure the outsiders' view, words as plain text, no script needed."""

import re
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.accounts import Account
from survey.models.campaigns import Campaign
from survey.models.publications import Publication
from survey.queries.publications import find_draft
from survey.services.publications import prepare_publication
from tests.services.test_publications import released  # noqa: F401 - the same campaign
from tests.views.test_comparisons import numbers

FIGURE = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
EDIT = "/campaigns/{0}/publication"


@pytest.fixture
def prepared(released: int) -> int:  # noqa: F811
    """What would go out is prepared, nothing is out."""
    prepare_publication(released, actor="test")
    return released


@pytest.fixture
def public(prepared: int, officer: FlaskClient) -> int:
    """The results are out."""
    assert officer.post(EDIT.format(prepared) + "/publish").status_code == 303
    return prepared


def main_of(text: str) -> Any:
    return BeautifulSoup(text, "html.parser").select_one("main")


def test_strangers_see_nothing_before_the_act_and_after_it_is_taken_back(
    stranger: FlaskClient, officer: FlaskClient, prepared: int
) -> None:
    path = f"/published/{prepared}"
    assert [stranger.get(place).status_code for place in (path, f"{path}/schools/101")] == [404, 404]
    officer.post(EDIT.format(prepared) + "/publish")
    assert [stranger.get(place).status_code for place in (path, f"{path}/schools/101")] == [200, 200]
    assert f'href="{path}"' in stranger.get("/").text
    assert f'href="{path}"' in stranger.get("/published").text
    officer.post(EDIT.format(prepared) + "/unpublish")
    assert stranger.get(path).status_code == 404
    assert f'href="{path}"' not in stranger.get("/").text


def test_every_figure_of_the_public_pages_is_the_outsiders_view(stranger: FlaskClient, public: int) -> None:
    document = find_draft(public).published
    assert document is not None
    known = {f"{abs(n):.1f}" for n in numbers(document)}
    changes = {f"{n:.3f}" for n in numbers(document)} | {"0.001", "0.05"}
    start, seen = main_of(stranger.get(f"/published/{public}").text), 0
    links = [str(a["href"]) for a in start.select("a[href]") if "/schools/" in str(a["href"])]
    for page in [start, *(main_of(stranger.get(link).text) for link in sorted(set(links)))]:
        figures = set(FIGURE.findall(page.get_text(" ")))
        seen += len(figures)
        assert figures - known - changes == set()
    assert seen > 10
    assert len(set(links)) >= 2


def test_percentages_and_numbers_of_a_school_are_those_of_the_document(stranger: FlaskClient, public: int) -> None:
    document = find_draft(public).published
    assert document is not None
    text = main_of(stranger.get(f"/published/{public}/schools/101").text).get_text(" ")
    shares = {int(share) for share in re.findall(r"(\d+)%", text)}
    assert shares <= {round(100 * n) for n in numbers(document) if 0 <= n <= 1}


def test_words_of_the_bureau_are_text_and_nothing_else(
    officer: FlaskClient, stranger: FlaskClient, public: int
) -> None:
    path = EDIT.format(public) + "/feedback"
    words = "一、食堂整改\n<script>alert(1)</script>{{ 7*7 }}"
    assert officer.post(path, data={"feedback": words}).status_code == 303
    page = stranger.get(f"/published/{public}").text
    assert "<script>alert" not in page
    assert main_of(page).select_one(".words").text == words
    long = officer.post(path, data={"feedback": "长" * 5001})
    assert long.status_code == 422
    assert "长长长" in long.text


def test_the_public_pages_need_no_script_cookie_or_other_host(stranger: FlaskClient, public: int) -> None:
    for path in ("/published", f"/published/{public}", f"/published/{public}/schools/101"):
        answer = stranger.get(path)
        page = BeautifulSoup(answer.text, "html.parser")
        assert "Set-Cookie" not in answer.headers
        assert not page.select("main script, main [style], main form")
        assert not [tag for tag in page.select("[src],[href]") if "//" in (tag.get("src") or tag.get("href") or "")]
    page = BeautifulSoup(stranger.get(f"/published/{public}").text, "html.parser")
    links = {str(a["href"]) for a in page.select("main a[href]")}
    assert {f"/receipts/{public}", f"/balance/{public}", "/promise"} <= links


def test_the_preview_is_what_goes_out(officer: FlaskClient, stranger: FlaskClient, prepared: int) -> None:
    before = main_of(officer.get(EDIT.format(prepared) + "/preview").text)
    assert officer.get(EDIT.format(prepared) + "/preview/schools/101").status_code == 200
    officer.post(EDIT.format(prepared) + "/publish")
    after = main_of(stranger.get(f"/published/{prepared}").text)
    sections = [[part.get_text(" ", strip=True) for part in page.select("section.outward")] for page in (before, after)]
    assert sections[0] == sections[1]
    assert sections[0]


def test_preparing_runs_in_the_worker(officer: FlaskClient, work: Any, released: int) -> None:  # noqa: F811
    assert officer.get(EDIT.format(released) + "/preview").status_code == 404
    assert officer.post(EDIT.format(released) + "/publish").status_code == 404
    for _time in range(2):
        assert officer.post(EDIT.format(released) + "/prepare").location.startswith("/jobs/1")
    work()
    assert EDIT.format(released) + "/preview" in officer.get(EDIT.format(released)).text


def test_two_persons_publish_and_take_back(browser: Any, officer: FlaskClient, prepared: int) -> None:
    db.session.get_one(Campaign, prepared).two_person = True
    db.session.commit()
    second = browser("second", role="officer")
    place = EDIT.format(prepared)
    for act, out in (("publish", True), ("unpublish", False)):
        request = officer.post(f"{place}/{act}").location
        assert request.startswith("/approvals/")
        assert (db.session.get_one(Publication, prepared, populate_existing=True).published is None) is out
        assert second.post(request + "/confirm").location == place
        assert officer.post(f"{place}/{act}").location == place
        assert (db.session.get_one(Publication, prepared, populate_existing=True).published is not None) is out
        db.session.rollback()


def test_there_is_nothing_to_publish_before_the_release(officer: FlaskClient, campaign: int) -> None:
    place = EDIT.format(campaign)
    assert officer.get(place).status_code == 404
    assert {officer.post(f"{place}/{act}").status_code for act in ("prepare", "publish", "unpublish")} == {404}
    assert db.session.query(Account).count()
