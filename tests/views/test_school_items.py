"""Pages of schools' own items: proposed by the school, decided by the bureau, asked on the ballot, shown to both."""

import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from survey.extensions import db
from survey.models.ballots import inbox
from survey.queries.school_items import list_items
from survey.services.ballots import Electorate, Holder, Page, cast_slips, pack_payload, unpack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.slips import issue_slips
from tests.own_items import GROUP, SECOND, WORDING, approve_all, propose
from tests.views.conftest import Counting


@pytest.fixture
def draft(county: Flask) -> int:
    return create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test")[0]


@pytest.fixture
def asked(draft: int) -> dict[str, tuple[str, ...]]:
    """An open campaign in which school 101 asks something of its own; the codes of its groups."""
    propose(draft)
    approve_all(draft)
    for state in ("ready", "open"):
        move_campaign(draft, state, actor="test")
    return {group.group: group.codes for group in issue_slips(draft, actor="test")}


def soup(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def test_a_school_proposes_changes_and_withdraws(draft: int, school_a: FlaskClient) -> None:
    place = f"/own-items/{draft}"
    assert place in school_a.get("/own-items").text
    assert school_a.post(place, data={"zh": WORDING, "en": ""}).status_code == 303
    (row,) = list_items(draft)
    assert (row.school_code, row.zh, row.state) == ("101", WORDING, "proposed")
    assert WORDING in school_a.get(place).text
    assert school_a.post(f"{place}/{row.id}", data={"zh": SECOND, "en": "Bus?"}).status_code == 303
    db.session.rollback()
    assert [(one.zh, one.en) for one in list_items(draft)] == [(SECOND, "Bus?")]
    assert SECOND in school_a.get(f"{place}/{row.id}").text
    assert school_a.post(f"{place}/{row.id}/withdraw").status_code == 303
    db.session.rollback()
    assert list_items(draft) == []


def test_a_refused_wording_keeps_the_input_and_says_why(draft: int, school_a: FlaskClient) -> None:
    wrong = "您对教师100是否感到满意"
    answer = school_a.post(f"/own-items/{draft}", data={"zh": wrong, "en": ""})
    assert answer.status_code == 422
    page = soup(answer.text)
    assert page.select_one("input#zh")["value"] == wrong  # type: ignore[index]
    assert "教师100" in page.select_one("#zh-errors").text  # type: ignore[union-attr]
    assert school_a.post(f"/own-items/{draft}", data={}).status_code == 422


def test_another_school_finds_nothing(draft: int, school_b: FlaskClient) -> None:
    number = propose(draft)
    assert WORDING not in school_b.get(f"/own-items/{draft}").text
    for path in (f"/own-items/{draft}/{number}", f"/own-items/{draft + 1}"):
        assert school_b.get(path).status_code == 404
    assert school_b.post(f"/own-items/{draft}/{number}/withdraw").status_code == 404


def test_the_bureau_returns_with_a_reason_and_approves(
    draft: int, officer: FlaskClient, viewer: FlaskClient, school_a: FlaskClient
) -> None:
    number = propose(draft)
    place = f"/campaigns/{draft}/own-items"
    assert place in officer.get(f"/campaigns/{draft}").text
    assert WORDING in viewer.get(place).text
    assert not soup(viewer.get(place).text).select("main button")
    seen = {f"item{number}-seen": WORDING}
    answer = officer.post(f"{place}/{number}", data={"decision": "return", **seen})
    assert answer.status_code == 422
    assert soup(answer.text).select_one(f"#item{number}-reason-errors")
    said = {"decision": "return", f"item{number}-reason": "请换一种问法", **seen}
    assert officer.post(f"{place}/{number}", data=said).status_code == 303
    assert "请换一种问法" in school_a.get(f"/own-items/{draft}").text
    assert officer.post(f"{place}/{number}", data={"decision": "approve", **seen}).status_code == 303
    db.session.rollback()
    assert [row.state for row in list_items(draft)] == ["approved"]
    assert officer.post(f"{place}/{number + 1}", data={"decision": "approve"}).status_code == 404


def test_after_the_opening_the_pages_only_show(
    asked: dict[str, tuple[str, ...]], draft: int, officer: FlaskClient, school_a: FlaskClient
) -> None:
    (row,) = list_items(draft)
    assert not soup(school_a.get(f"/own-items/{draft}").text).select("main form")
    assert not soup(officer.get(f"/campaigns/{draft}/own-items").text).select("main form")
    assert school_a.post(f"/own-items/{draft}", data={"zh": SECOND, "en": ""}).status_code == 409
    assert school_a.post(f"/own-items/{draft}/{row.id}/withdraw").status_code == 409
    data = {"decision": "return", f"item{row.id}-reason": "x", f"item{row.id}-seen": WORDING}
    assert officer.post(f"/campaigns/{draft}/own-items/{row.id}", data=data).status_code == 409


def test_the_ballot_asks_them_last_and_wants_an_answer(
    asked: dict[str, tuple[str, ...]], stranger: FlaskClient, statements: Counting
) -> None:
    stranger.post("/v", data={"code": asked[GROUP][0]})
    page = soup(stranger.get("/v/page").text)
    items = [field["data-item"] for field in page.select("fieldset")]
    assert items[-1] == "OWN1"
    assert not [code for code in items[:-1] if str(code).startswith("OWN")]
    assert WORDING in page.select("fieldset")[-1].text
    assert not page.select("input[checked]")
    fields = {str(one["name"]): str(one["value"]) for one in page.select("form input[type=hidden]")}
    fields |= {f"a.{code}": "5" for code in items[:-1]}
    answer = stranger.post("/v/page", data=fields)
    assert answer.status_code == 422
    assert [link["href"] for link in soup(answer.text).select(".summary a")] == ["#a.OWN1"]
    with statements() as seen:
        assert stranger.post("/v/page", data=fields | {"a.OWN1": "0"}).status_code == 303
    assert not [one for one in seen if "school_item" in one]
    packed = unpack_payload(db.session.scalars(select(inbox.c.payload)).one())
    assert packed.answers[-1] == 0
    assert len(packed.answers) == len(items)
    assert packed.flag == 1


def test_another_schools_page_has_none(asked: dict[str, tuple[str, ...]], stranger: FlaskClient) -> None:
    for group, own in ((GROUP, True), (GROUP.replace("101", "102"), False), (GROUP, True)):
        stranger.post("/v", data={"code": asked[group][1]})
        assert ("OWN1" in stranger.get("/v/page").text) is own


def test_the_result_is_read_by_this_school_and_the_bureau_only(
    asked: dict[str, tuple[str, ...]],
    draft: int,
    officer: FlaskClient,
    viewer: FlaskClient,
    school_a: FlaskClient,
    school_b: FlaskClient,
    stranger: FlaskClient,
) -> None:
    def fill(electorate: Electorate, _page: Page) -> bytes:
        number = len(find_questionnaire(electorate.questionnaire_id).item_codes)
        return pack_payload(bytes([4] * number), own=bytes([5] * len(electorate.own_items)))

    cast_slips((Holder(code=code), fill) for group in asked if group.startswith("P-") for code in asked[group])
    for state in ("closed", "tallied", "released"):
        move_campaign(draft, state, actor="test")
    place = f"/results/{draft}/school/101"
    exact, coarse = ("36", "100.0%90.4%–100.0%"), ("35", "100%90%–100%")
    for client, (n, rate) in ((officer, exact), (viewer, exact), (school_a, coarse)):
        row = soup(client.get(place).text).select_one("#own-items tbody tr")
        assert row is not None
        assert WORDING in row.text
        assert row.select("td")[0].text == n
        assert rate in re.sub(r"\s", "", row.text)
    assert school_b.get(place).status_code == 404
    for client in (officer, school_b):
        assert WORDING not in client.get(f"/results/{draft}/school/102").text
    for path in (f"/results/{draft}/parent_school/target/101", f"/results/{draft}/parent_school/items"):
        assert WORDING not in officer.get(path).text
    assert WORDING not in stranger.get(f"/published/{draft}").text
