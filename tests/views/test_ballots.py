"""The respondent's pages, driven as a phone without JavaScript would."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from survey.database import Driver, Statement
from survey.extensions import db
from survey.models.ballots import ballot, inbox
from survey.models.campaigns import Campaign, RaterGroup
from survey.services import mixing, open_channel
from survey.services.ballots import unpack_payload
from survey.services.campaigns import move_campaign
from survey.services.slips import reissue_slips
from survey.views import ballots as view

Codes = dict[str, tuple[str, ...]]
CLASS = "S-101-七年级1班"
CHILDREN = "S-101-三年级1班"
PARENTS = "P-101-三年级1班"


@pytest.fixture
def phone(app: Flask) -> Iterator[FlaskClient]:
    """A browser of its own; nobody's wrong codes are remembered from another test."""
    view._wrong.clear()
    with app.test_client() as client:
        yield client


def enter(phone: FlaskClient, code: str) -> TestResponse:
    return phone.post("/v", data={"code": code}, follow_redirects=True)


def form_of(response: TestResponse) -> Tag:
    form = BeautifulSoup(response.text, "html.parser").select_one("form[data-relation]")
    assert form is not None, response.text[:300]
    return form


def answers(form: Tag, level: int = 4) -> dict[str, str]:
    fields = {str(tag["name"]): str(tag["value"]) for tag in form.select("input[type=hidden]")}
    names = {str(tag["name"]) for tag in form.select("input[type=radio]")}
    return fields | dict.fromkeys(names, str(level)) | {"cast": "1"}


def post(phone: FlaskClient, fields: dict[str, str]) -> TestResponse:
    return phone.post("/v/page", data=fields)


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(inbox)) or 0


def test_the_code_form_is_there_in_both_letter_cases(phone: FlaskClient) -> None:
    assert phone.get("/v").status_code == phone.get("/V").status_code == 200


def test_a_code_leads_by_303_straight_to_a_ballot_form(phone: FlaskClient, codes: Codes) -> None:
    response = phone.post("/V", data={"code": codes[CLASS][0].lower()})
    assert response.status_code == 303
    form = form_of(phone.get(response.location))
    assert (form["data-relation"], form["data-target"]) == ("student_teacher", "T100")
    assert not form.select("[checked]")
    assert [tag["name"] for tag in form.select("button[name], input[type=submit]")] == ["cast"]
    assert all(tag["type"] == "radio" for tag in form.select("fieldset input"))


def test_typed_blanks_and_hyphens_are_forgiven(phone: FlaskClient, codes: Codes) -> None:
    code = codes[CLASS][0]
    assert form_of(enter(phone, f" {code[:4]}-{code[4:8]} {code[8:12]} {code[12:]} "))


def test_only_the_first_page_has_the_head(phone: FlaskClient, codes: Codes) -> None:
    first = enter(phone, codes[CLASS][0])
    second = phone.get(post(phone, answers(form_of(first))).location)
    assert "县教育局" in first.text
    assert "县教育局" not in BeautifulSoup(second.text, "html.parser").main.text  # type: ignore[union-attr]


def test_a_whole_slip_ends_at_its_receipt_which_comes_back(phone: FlaskClient, codes: Codes) -> None:
    page = enter(phone, codes[CLASS][0])
    while page.text.find("data-receipt") < 0:
        page = phone.post("/v/page", data=answers(form_of(page)), follow_redirects=True)
    receipt = BeautifulSoup(page.text, "html.parser").select_one("[data-receipt]")["data-receipt"]  # type: ignore[index]
    again = enter(phone, codes[CLASS][0])
    assert receipt in again.text
    assert "data-relation" not in again.text
    assert waiting() == 3


def test_an_incomplete_page_comes_back_with_its_answers(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    del fields["a.T02"]
    response = post(phone, fields)
    form = form_of(response)
    assert response.status_code == 422
    assert len(form.select("[checked]")) == 7
    assert form.select_one("input[name=form]")["value"] == fields["form"]  # type: ignore[index]
    assert waiting() == 0


@pytest.mark.parametrize("level", ["6", "-1", "", "５", "5 ", "<b>"])
def test_an_unknown_level_is_refused_with_422(phone: FlaskClient, codes: Codes, level: str) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0]))) | {"a.T03": level}
    assert post(phone, fields).status_code == 422
    assert waiting() == 0


def test_the_same_form_again_is_led_on_and_another_gets_409(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    other = answers(form_of(enter(phone, codes[CLASS][0])))
    assert post(phone, fields).status_code == post(phone, fields).status_code == 303
    assert post(phone, other).status_code == 409
    assert waiting() == 1


def test_a_form_number_that_is_none_is_refused(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0]))) | {"form": "1"}
    assert post(phone, fields).status_code == 422


def test_two_children_on_one_phone_never_mix(phone: FlaskClient, codes: Codes) -> None:
    first = answers(form_of(enter(phone, codes[CLASS][0])))
    second = answers(form_of(enter(phone, codes[CHILDREN][0])))
    assert post(phone, first).status_code == 303
    assert form_of(phone.get("/v/page"))["data-target"] == "T101"
    assert post(phone, second).status_code == 303
    assert waiting() == 2


def test_without_cookies_the_sealed_code_is_enough(app: Flask, phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    with app.test_client(use_cookies=False) as other:
        assert other.post("/v/page", data=fields).status_code == 303


def test_a_tampered_seal_is_an_unknown_code(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    assert post(phone, fields | {"code": fields["code"][:-6] + "AAAAAA"}).status_code == 404
    assert post(phone, fields | {"code": "ü"}).status_code == 404


def test_children_see_faces_and_five_items(phone: FlaskClient, codes: Codes) -> None:
    form = form_of(enter(phone, codes[CHILDREN][0]))
    assert len(form.select("fieldset")) == 5
    assert form.select(".face")
    assert not form.select("textarea")
    assert post(phone, answers(form)).status_code == 303
    db.session.rollback()
    packed = unpack_payload(db.session.scalars(select(inbox.c.payload)).one()).answers
    assert sorted(packed) == [4] * 5 + [255] * 3


def test_all_departments_stand_on_one_page(phone: FlaskClient, codes: Codes) -> None:
    form = form_of(enter(phone, codes["H-BUREAU"][0]))
    assert form["data-target"] == "*"
    assert {tag["data-target"] for tag in form.select("fieldset")} == {"K01", "K02", "K03"}
    response = phone.post("/v/page", data=answers(form), follow_redirects=True)
    assert "data-receipt" in response.text
    assert waiting() == 1


def test_the_open_link_needs_no_code(phone: FlaskClient, campaign: int) -> None:
    group = db.session.scalars(select(func.max(Campaign.id))).one()
    assert group == campaign
    link = next(rule for rule in range(1, 100) if phone.get(f"/o/{rule}").status_code == 200)
    form = form_of(phone.get(f"/O/{link}"))
    assert (form["data-relation"], form["data-target"]) == ("public_education", "BUREAU")
    fields = answers(form)
    assert "data-receipt" in phone.post("/v/page", data=fields, follow_redirects=True).text
    assert post(phone, fields).status_code == 303
    assert waiting() == 1
    assert phone.get("/o/999").status_code == 404


def test_a_browser_that_answered_sees_its_receipt_in_place_of_a_new_form(
    app: Flask, phone: FlaskClient, campaign: int
) -> None:
    link = f"/o/{db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == 'open')).one()}"
    first = phone.get(link)
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert f"Path={link}" in cookie
    post(phone, answers(form_of(phone.get(link))))
    again = phone.get(link)
    assert "data-receipt" in again.text
    assert "data-relation" not in again.text
    # A form left open in another tab is the same browser.
    assert post(phone, answers(form_of(first))).status_code == 409
    with app.test_client() as other:
        assert post(other, answers(form_of(other.get(link)))).status_code == 303
    assert waiting() == 2


def test_the_open_link_pauses_for_an_address_that_stuffs_it(
    phone: FlaskClient, campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_channel.BY_ADDRESS, "most", 0)
    link = f"/o/{db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == 'open')).one()}"
    refused = post(phone, answers(form_of(phone.get(link))))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "600")
    assert "data-clear" not in refused.text
    assert post(phone, answers(form_of(enter(phone, codes[CLASS][0])))).status_code == 303
    assert waiting() == 1


def test_a_comment_is_kept_apart_from_the_ballot(phone: FlaskClient, codes: Codes) -> None:
    for code in codes[PARENTS][:5]:
        fields = answers(form_of(enter(phone, code))) | {"comment": "食堂很好 <script>"}
        assert post(phone, fields).status_code == 303
    mixing.mix()
    columns = db.session.execute(select(ballot)).mappings().all()
    assert len(columns) == 5
    assert b"script" not in b"".join(row["answers"] for row in columns)


def test_before_opening_403_after_close_410(phone: FlaskClient, codes: Codes, campaign: int) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    row = db.session.get_one(Campaign, campaign)
    row.state = "ready"
    db.session.commit()
    assert enter(phone, codes[CLASS][1]).status_code == 403
    row.state = "open"
    db.session.commit()
    move_campaign(campaign, "closed", actor="test")
    assert enter(phone, codes[CLASS][1]).status_code == 410
    assert post(phone, fields).status_code == 410
    assert waiting() == 0


def test_a_second_use_is_counted_for_the_group_and_nothing_else(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    post(phone, fields)
    for _attempt in range(2):
        assert post(phone, fields | {"form": "f" * 32}).status_code == 409
    post(phone, fields)
    db.session.rollback()
    assert db.session.scalar(select(RaterGroup.refused).where(RaterGroup.code == CLASS)) == 2
    assert db.session.scalar(select(func.sum(RaterGroup.refused))) == 2


def test_an_incomplete_page_of_a_closed_campaign_is_closed_not_incomplete(
    phone: FlaskClient, codes: Codes, campaign: int
) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    assert post(phone, fields).status_code == 303
    again, other = dict(fields), fields | {"form": "f" * 32}
    for incomplete in (again, other):
        del incomplete["a.T02"]
    assert post(phone, again).status_code == 303
    assert post(phone, other).status_code == 409
    unfinished = answers(form_of(enter(phone, codes[CLASS][1])))
    del unfinished["a.T02"]
    move_campaign(campaign, "closed", actor="test")
    assert post(phone, unfinished).status_code == 410


def test_the_open_link_in_full_width_digits_is_an_answer(phone: FlaskClient, codes: Codes) -> None:
    group = db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == "open")).one()
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in str(group))
    for path in (f"/o/{group}", f"/O/{wide}"):
        response = phone.get(path)
        assert response.status_code == 200
        paths = [line.rpartition("Path=")[2] for line in response.headers.getlist("Set-Cookie")]
        assert paths == [f"/o/{group}", f"/O/{group}"]


def test_a_replaced_slip_is_gone(phone: FlaskClient, codes: Codes, campaign: int) -> None:
    new = reissue_slips(campaign, CLASS, actor="test")
    assert enter(phone, codes[CLASS][0]).status_code == 410
    assert form_of(enter(phone, new.codes[0]))


def test_wrong_codes_are_throttled_and_right_ones_never(phone: FlaskClient, codes: Codes) -> None:
    statuses = [
        phone.post("/v", data={"code": "2222222222222222"}).status_code for _number in range(view.MOST_WRONG + 1)
    ]
    assert set(statuses[:-1]) == {404}
    assert statuses[-1] == 429
    assert form_of(enter(phone, codes[CLASS][0]))


def test_wrong_codes_are_counted_by_network(phone: FlaskClient, campaign: int) -> None:
    def wrong(address: str) -> int:
        sent = {"code": "2222222222222222"}
        return phone.post("/v", data=sent, environ_overrides={"REMOTE_ADDR": address}).status_code

    statuses = [wrong(f"2001:db8::{number:x}") for number in range(view.MOST_WRONG + 1)]
    assert statuses[-1] == 429
    assert wrong("2001:db8:0:1::1") == 404


@pytest.mark.parametrize("code", ["", "短", "A" * 5000, "2222-2222-2222-2223", "'; DROP TABLE slip; --"])
def test_nonsense_instead_of_a_code_is_404(phone: FlaskClient, campaign: int, code: str) -> None:
    assert phone.post("/v", data={"code": code}).status_code == 404


def noting(run: Callable[..., Any], statements: list[str]) -> Callable[..., Any]:
    """Return the driver's method, which first notes that a statement runs on it past the engine."""

    def noted(driver: Driver, statement: Statement, values: dict[str, Any]) -> Any:
        statements.append("on the driver")
        return run(driver, statement, values)

    return noted


def test_few_statements_whatever_the_number_of_items(
    phone: FlaskClient, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for name in ("run", "fetch"):
        monkeypatch.setattr(Driver, name, noting(getattr(Driver, name), statements))
    post(phone, answers(form_of(enter(phone, codes[CLASS][0]))))
    statements.clear()
    page = enter(phone, codes[CLASS][1])
    opened = [text for text in statements if not text.startswith("BEGIN")]
    statements.clear()
    post(phone, answers(form_of(page)))
    submitted = [text for text in statements if not text.startswith("BEGIN")]
    assert 2 <= len(opened) <= 3
    assert 4 <= len(submitted) <= 6


def test_large_type_is_kept_by_a_cookie(phone: FlaskClient) -> None:
    assert 'class="big"' in phone.get("/v?big=1").text
    assert 'class="big"' in phone.get("/v").text
    assert 'class="big"' not in phone.get("/v?big=0").text


def test_the_page_is_light_and_asks_no_other_host(phone: FlaskClient, codes: Codes) -> None:
    page = enter(phone, codes[CLASS][0])
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.findall(r"""(?:src|href|action)=["']https?:""", page.text)
    styles = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    assert [f"'sha256-{digest}'" in page.headers["Content-Security-Policy"] for digest in digests] == [True]
    assert not re.findall(r"<script>|\sstyle=|\son\w+=|unsafe", page.text.replace(styles[0], ""))


def test_a_cookie_alone_casts_nothing(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    for code in ("", "nonsense"):
        assert post(phone, fields | {"code": code}).status_code == 404
    del fields["code"]
    assert post(phone, fields).status_code == 404
    assert waiting() == 0


def test_an_item_answered_twice_is_not_answered(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0])))
    twice = {name: [value, "1"] if name == "a.T01" else value for name, value in fields.items()}
    assert phone.post("/v/page", data=twice).status_code == 422
    assert waiting() == 0


def test_a_huge_form_is_refused(phone: FlaskClient, codes: Codes) -> None:
    fields = answers(form_of(enter(phone, codes[CLASS][0]))) | {"comment": "长" * 100_000}
    assert post(phone, fields).status_code == 413


def test_the_code_form_answers_head(phone: FlaskClient) -> None:
    assert phone.head("/v").status_code == 200


@pytest.mark.parametrize("path", ["/o/99999999999999999999", "/receipts/99999999999999999999", "/s/x/../../secret.key"])
def test_addresses_of_nothing_are_404(phone: FlaskClient, path: str) -> None:
    assert phone.get(path).status_code == 404


def test_the_minutes_are_those_of_all_pages(phone: FlaskClient, codes: Codes) -> None:
    assert "约3分钟" in enter(phone, codes[CLASS][0]).text
