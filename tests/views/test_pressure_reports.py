"""「有人要求我怎么填」: a link on every ballot page, a form without JavaScript, read by 监察室 alone."""

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from survey.extensions import db
from survey.models.pressure_reports import pressure_report
from survey.services import pressure_reports as service

CLASS = "S-101-七年级1班"


@pytest.fixture(autouse=True)
def fresh() -> None:
    service.BY_ADDRESS.forget()


@pytest.fixture
def supervisor(county, browser):
    return browser("jiancha", role="supervisor")


def reports() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(pressure_report)) or 0


def test_every_page_of_a_ballot_links_to_it(stranger, codes) -> None:
    first = stranger.post("/v", data={"code": codes[CLASS][0]}, follow_redirects=True)
    for page in (first, stranger.get("/v"), stranger.get("/v/page"), stranger.get("/promise")):
        assert 'href="/pressure' in page.text
    packed = stranger.get("/v/page", headers={"Accept-Encoding": "gzip"})
    assert len(packed.data) <= 14 * 1024


def test_the_address_under_v_leads_to_the_page_that_gets_no_ballot_cookie(stranger, codes) -> None:
    stranger.post("/v", data={"code": codes[CLASS][0]})
    assert stranger.get("/v/pressure").location == "/pressure"
    sent = stranger.get("/pressure", follow_redirects=True).request.headers.get("Cookie", "")
    assert "v=" not in sent


def test_a_report_is_sent_without_javascript_and_leaves_no_cookie(stranger) -> None:
    form = BeautifulSoup(stranger.get("/pressure").text, "html.parser").form
    assert {tag["name"] for tag in form.select("[name]")} == {"kind", "school", "class_name", "text"}
    answer = stranger.post("/pressure", data={"kind": ["told", "watched"], "school": "一中"})
    assert (answer.status_code, answer.location) == (303, "/pressure/thanks")
    assert "Set-Cookie" not in answer.headers
    assert stranger.get("/pressure/thanks").status_code == 200
    assert reports() == 1


def test_an_empty_report_comes_back_with_what_was_written(stranger) -> None:
    answer = stranger.post("/pressure", data={"school": "<b>一中"})
    assert answer.status_code == 422
    assert "&lt;b&gt;一中" in answer.text
    assert reports() == 0


def test_a_flood_is_answered_with_429_and_keeps_the_words(stranger, monkeypatch) -> None:
    monkeypatch.setattr(service.BY_ADDRESS, "most", 1)
    assert stranger.post("/pressure", data={"kind": "told"}).status_code == 303
    answer = stranger.post("/pressure", data={"kind": "told", "text": "再说一遍"})
    assert answer.status_code == 429
    assert "再说一遍" in answer.text


@pytest.mark.parametrize(("letters", "status"), [(1001, 422), (20_000, 413)])
def test_a_huge_report_is_refused(stranger, letters, status) -> None:
    assert stranger.post("/pressure", data={"text": "长" * letters}).status_code == status
    assert reports() == 0


def test_the_supervision_office_reads_it_escaped(stranger, supervisor) -> None:
    stranger.post("/pressure", data={"kind": "told", "text": "<script>alert(1)</script>"})
    text = supervisor.get("/reports/pressure").text
    assert "&lt;script&gt;alert(1)" in text
    assert 'href="/reports/pressure" aria-current="true"' in text


@pytest.mark.parametrize("role", ["officer", "viewer", "auditor", "sysadmin", "inspector"])
def test_nobody_else_of_the_bureau_reads_it(browser, county, role) -> None:
    assert browser("x", role=role).get("/reports/pressure").status_code == 403


def test_a_school_or_a_stranger_never_reads_it(stranger, school_a) -> None:
    assert school_a.get("/reports/pressure").status_code == 403
    assert stranger.get("/reports/pressure").status_code == 302


def test_the_pages_are_small_and_plain(stranger) -> None:
    for path in ("/pressure", "/pressure?big=1", "/pressure/thanks"):
        text = stranger.get(path).text
        assert len(text.encode()) < 8 * 1024
        assert " style=" not in text
        assert text.count("<script") == text.count("<script src=")
