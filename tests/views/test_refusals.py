"""At the door: what is typed as a code, and what is said to whom cannot vote."""

import unicodedata

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from survey.extensions import db
from survey.models.campaigns import RaterGroup
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.slips import ALPHABET
from tests.views.test_ballots import CLASS, PARENTS, Codes, answers, enter, form_of, phone, post

__all__ = ["phone"]


def typed_again(page: str) -> str:
    field = BeautifulSoup(page, "html.parser").select_one("#code")
    assert field is not None
    return str(field["value"])


def wide(code: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in code)


def test_a_code_is_taken_however_it_was_typed(phone: FlaskClient, codes: Codes) -> None:
    code = codes[CLASS][0]
    four = [code[at : at + 4] for at in range(0, 16, 4)]
    assert unicodedata.normalize("NFKC", wide(code)) == code
    links = (f"HTTP://HOST/V#{code}", f" https://host.example.edu.cn/v#{code}\n")
    for typed in (wide(code), wide(code.lower()), *("—–·.　-"[at].join(four) for at in range(6)), *links):
        assert form_of(enter(phone, typed))["data-relation"] == "student_teacher", typed


def test_whoever_mistypes_is_told_what_is_wrong_and_types_one_letter_again(phone: FlaskClient, codes: Codes) -> None:
    code = codes[CLASS][0]
    wrong = ("3" if code[0] == "2" else "2") + code[1:]
    told = {}
    for typed in ("", code[:10], "0" + code[1:], wrong):
        response = phone.post("/v", data={"code": typed})
        assert response.status_code == 404
        told[typed] = BeautifulSoup(response.text, "html.parser").select_one("[role=alert]").text  # type: ignore[union-attr]
        assert typed_again(response.text).replace(" ", "") == typed
    assert len(set(told.values())) == 4
    assert "10" in told[code[:10]]


def test_what_was_typed_is_text_and_nothing_else(phone: FlaskClient) -> None:
    response = phone.post("/v", data={"code": '"><script>alert(1)</script>' + "长" * 500})
    assert "<script>alert" not in response.text
    assert len(typed_again(response.text)) <= 40


def test_a_shared_device_shows_nobodys_code(phone: FlaskClient, codes: Codes) -> None:
    phone.get("/v?shared=1")
    assert typed_again(phone.post("/v", data={"code": codes[CLASS][0][:-1]}).text) == ""


def test_a_page_sent_after_the_close_is_said_not_to_count(phone: FlaskClient, codes: Codes, campaign: int) -> None:
    form = form_of(enter(phone, codes[PARENTS][0]))
    move_campaign(campaign, "closed", actor="test")
    late, visit = post(phone, answers(form)), enter(phone, codes[PARENTS][0])
    assert late.status_code == visit.status_code == 410
    assert "没有计入" in late.text
    assert "没有计入" not in visit.text


def test_a_used_page_leads_on_with_its_own_slip(phone: FlaskClient, codes: Codes) -> None:
    first = form_of(enter(phone, codes[CLASS][0]))
    again = form_of(enter(phone, codes[CLASS][0]))
    post(phone, answers(first))
    enter(phone, codes[PARENTS][0])
    refused = post(phone, answers(again))
    assert refused.status_code == 409
    button = BeautifulSoup(refused.text, "html.parser").select_one("main a.button")
    assert button is not None
    assert form_of(phone.get(str(button["href"])))["data-target"] == "T101"


def test_the_way_on_lasts_from_the_last_page_not_from_the_first(phone: FlaskClient, codes: Codes) -> None:
    form = form_of(enter(phone, codes[CLASS][0]))
    assert "Max-Age=600" in post(phone, answers(form)).headers["Set-Cookie"]


@pytest.fixture
def ready(county: Flask) -> int:
    """A campaign whose slips could be printed, and that nobody can vote in yet."""
    number, _made = create_campaign(
        name="2026 年五评", year=2026, template="five", first_day=None, last_day=None, actor="test"
    )
    move_campaign(number, "ready", actor="test")
    return number


def open_link() -> str:
    number = db.session.scalar(select(RaterGroup.id).where(RaterGroup.kind == "open"))
    db.session.rollback()
    return f"/o/{number}"


def button_of(page: TestResponse) -> str:
    """Return where the button of a refusal by the open link leads; nothing there may speak of slips."""
    main = BeautifulSoup(page.text, "html.parser").select_one("main")
    assert main is not None
    assert "凭证" not in main.text
    return str(main.select_one("a.button")["href"])  # type: ignore[index]


def test_a_link_of_nothing_leads_to_the_start_page(phone: FlaskClient, campaign: int) -> None:
    assert button_of(phone.get("/o/999999")) == "/"


def test_the_open_link_before_the_opening_leads_to_itself(phone: FlaskClient, ready: int) -> None:
    page = phone.get(open_link())
    assert page.status_code == 403
    assert button_of(page) == open_link()


def test_the_open_link_after_the_close_says_whether_a_page_counted(phone: FlaskClient, campaign: int) -> None:
    form = form_of(phone.get(open_link()))
    move_campaign(campaign, "closed", actor="test")
    late = post(phone, answers(form))
    phone.delete_cookie("o", path=open_link())
    visit = phone.get(open_link())
    assert [button_of(page) for page in (late, visit)] == ["/", "/"]
    assert [("没有计入" in page.text) for page in (late, visit)] == [True, False]


@pytest.mark.parametrize("upper", [False, True])
def test_a_second_answer_by_the_open_link_is_led_to_the_first_ones_receipt(
    phone: FlaskClient, campaign: int, upper: bool
) -> None:
    link = open_link().upper() if upper else open_link()
    first, again = (form_of(phone.get(link, follow_redirects=True)) for _tab in range(2))
    post(phone, answers(first))
    refused = post(phone, answers(again))
    assert refused.status_code == 409
    assert "data-receipt" in phone.get(button_of(refused)).text


@pytest.mark.parametrize("path", ["/promise", "/pressure", "/pressure/thanks"])
def test_from_a_ballot_page_there_is_a_way_back_and_to_our_own_pages_only(phone: FlaskClient, path: str) -> None:
    assert BeautifulSoup(phone.get(f"{path}?back=/v/page").text, "html.parser").select_one("main a[href='/v/page']")
    for foreign in ("https://elsewhere.example", "//elsewhere.example", "/login", "/v/page?x=elsewhere.example"):
        page = BeautifulSoup(phone.get(path, query_string={"back": foreign}).text, "html.parser")
        assert not page.select("main a[href*=elsewhere], footer a[href*=elsewhere], [href^='//'], [href^='https:']")
        assert page.select_one("main a[href='/v']")


def test_a_pupil_is_told_what_is_saved_and_that_it_goes_on(phone: FlaskClient, codes: Codes) -> None:
    first = enter(phone, codes[CLASS][0])
    second = phone.post("/v/page", data=answers(form_of(first)), follow_redirects=True)
    saved = [BeautifulSoup(page.text, "html.parser").select_one(".saved").text for page in (first, second)]  # type: ignore[union-attr]
    button = form_of(first).select_one("button[name=cast]")
    assert button is not None
    assert "下一位" in button.text
    assert "已保存 1 位，还有 2 位" in saved[1]
    assert "已保存" not in saved[0]


def test_no_letter_of_the_alphabet_can_be_taken_for_another() -> None:
    assert not set("01IO") & set(ALPHABET)
