"""The pages of voting tokens: fetching while logged in, handing in without a session, and who may see what."""

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import openpyxl
import pytest
from bs4 import BeautifulSoup
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from survey.config import Config
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.campaigns import RaterGroup
from survey.models.tokens import TokenKey
from survey.services.balance import balance_of
from survey.services.blind_signatures import blind, finalize, prepare
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.slips import issue_slips
from survey.services.tokens import Token, write_token
from tests.views.conftest import Browser

SLOT = re.compile(r'name="(code|form|target)" value="([^"]*)"')


@pytest.fixture
def config(config: Config) -> Config:
    """The usual settings, with pages in English."""
    return replace(config, language="en")


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open campaign whose teachers and principals vote by token."""
    number, _made = create_campaign(
        name="盲签 <b>", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    return number


@pytest.fixture
def group(campaign: int) -> int:
    return db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == "T-101")).one()


@pytest.fixture
def teacher(campaign: int, browser: Browser) -> Callable[[str], FlaskClient]:
    """Opens the browser of a teacher of the roster."""

    def open_(staff_code: str) -> FlaskClient:
        client = browser(staff_code, role="teacher")
        db.session.execute(update(Account).where(Account.name == staff_code).values(staff_code=staff_code))
        db.session.commit()
        return client

    return open_


def make_token(client: FlaskClient, group: int) -> str:
    """Fetch a token through the pages, as the script does."""
    key = load_der_public_key(bytes(db.session.get_one(TokenKey, group).public_key))
    assert isinstance(key, RSAPublicKey)
    prepared = prepare(secrets.token_bytes(32))
    blinded = blind(key, prepared)
    fingerprint = db.session.get_one(TokenKey, group).fingerprint
    sent = {"blinded": base64.b64encode(blinded.message).decode(), "fingerprint": fingerprint}
    answer = base64.b64decode(client.post(f"/tokens/{group}/sign", data=sent).get_json()["signature"])
    assert client.post(f"/tokens/{group}/kept").status_code == 204
    signature = finalize(key, prepared, blind_signature=answer, inverse=blinded.inverse)
    return write_token(Token(group_id=group, prepared=prepared, signature=signature))


def test_a_teacher_fetches_a_token_and_a_stranger_votes_with_it(
    teacher: Callable[[str], FlaskClient], stranger: FlaskClient, campaign: int, group: int
) -> None:
    mine = teacher("T100")
    assert mine.get("/").location == "/tokens"
    assert f'href="/tokens/{group}"' in mine.get("/tokens").text
    assert "data-fetch" in mine.get(f"/tokens/{group}").text
    token = make_token(mine, group)
    assert "Your token was signed" in mine.get("/tokens").text
    assert "data-fetch" not in mine.get(f"/tokens/{group}").text

    led = stranger.post("/t", data={"token": token})
    assert (led.status_code, led.location) == (303, "/v/page")
    page = stranger.get("/v/page").text
    assert 'data-relation="teacher_principal"' in page
    answers = dict.fromkeys(re.findall(r'type="radio" name="([^"]+)"', page), "5")
    cast = stranger.post("/v/page", data=answers | dict(SLOT.findall(page)))
    assert (cast.status_code, cast.location) == (303, "/v/receipt")
    assert stranger.post("/T", data={"token": token}).location == "/v/receipt"
    assert balance_of(campaign).faults == ()


@pytest.mark.parametrize("blinded", ["é", "盲", "=", "a"])
def test_what_is_no_base64_is_refused(teacher: Callable[[str], FlaskClient], group: int, blinded: str) -> None:
    assert teacher("T100").post(f"/tokens/{group}/sign", data={"blinded": blinded}).status_code == 400


def test_the_voting_page_sets_no_cookie_of_the_desk_and_asks_for_no_session(stranger: FlaskClient, group: int) -> None:
    page = stranger.get("/t")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert "csrf" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_token_that_comes_with_a_session_is_not_looked_at(
    teacher: Callable[[str], FlaskClient], group: int, campaign: int
) -> None:
    mine = teacher("T100")
    token = make_token(mine, group)
    answer = mine.post("/t", data={"token": token})
    assert answer.status_code == 409
    assert answer.headers["Set-Cookie"].startswith("desk=;")
    assert token not in answer.text
    assert mine.get("/tokens").status_code == 302
    assert mine.post("/t", data={"token": token}).status_code == 303


def test_opening_the_voting_page_ends_the_session_in_this_browser(teacher: Callable[[str], FlaskClient]) -> None:
    mine = teacher("T100")
    assert mine.get("/t").headers["Set-Cookie"].startswith("desk=;")
    assert mine.get("/tokens").status_code == 302


def test_nonsense_in_place_of_a_token_is_404(stranger: FlaskClient, campaign: int) -> None:
    for text in ("", "A" * 519, "<script>", "2" * 519, "\0", "字" * 519):
        answer = stranger.post("/t", data={"token": text})
        assert answer.status_code == 404
        assert "<script>" not in answer.text.replace("<script src", "")


@pytest.mark.parametrize("blinded", ["", "!", "AAAA", base64.b64encode(bytes(256)).decode()])
def test_a_message_that_is_none_is_refused_and_costs_no_right(
    teacher: Callable[[str], FlaskClient], group: int, blinded: str
) -> None:
    mine = teacher("T100")
    fingerprint = db.session.get_one(TokenKey, group).fingerprint
    answer = mine.post(f"/tokens/{group}/sign", data={"blinded": blinded, "fingerprint": fingerprint})
    assert answer.status_code in (400, 422)
    assert answer.get_json()["message"]
    assert len(make_token(mine, group)) > 500


def test_another_school_and_another_role_get_nothing(
    teacher: Callable[[str], FlaskClient],
    officer: FlaskClient,
    school_a: FlaskClient,
    stranger: FlaskClient,
    group: int,
) -> None:
    other = teacher("T200")
    assert other.post(f"/tokens/{group}/sign", data={"blinded": "AAAA"}).status_code == 404
    assert other.post(f"/tokens/{group}/paper").status_code == 404
    for client in (officer, school_a):
        assert client.get("/tokens").status_code == 403
        assert client.post(f"/tokens/{group}/sign").status_code == 403
    assert stranger.get("/tokens").status_code == 302
    for path in ("/campaigns", "/accounts", "/results", "/roster", "/accounts/staff", f"/tokens/{group}"):
        assert other.get(path).status_code in (403, 404)


def test_an_account_without_a_staff_code_has_no_right(browser: Browser, campaign: int, group: int) -> None:
    unbound = browser("unbound", role="teacher")
    assert "nothing to vote on" in unbound.get("/tokens").text
    assert unbound.get(f"/tokens/{group}").status_code == 404


def test_everybody_sees_the_same_keys(
    teacher: Callable[[str], FlaskClient], stranger: FlaskClient, campaign: int, group: int
) -> None:
    fingerprint = db.session.get_one(TokenKey, group).fingerprint
    assert fingerprint in stranger.get(f"/tokens/keys/{campaign}").text
    assert stranger.get(f"/tokens/key/{group}").get_json()["fingerprint"] == fingerprint
    assert fingerprint in teacher("T100").get(f"/tokens/{group}").text
    assert stranger.get("/tokens/key/999999").status_code == 404
    assert stranger.get("/tokens/keys/999999").status_code == 404


def test_paper_is_asked_for_printed_and_given_once(
    teacher: Callable[[str], FlaskClient],
    officer: FlaskClient,
    viewer: FlaskClient,
    campaign: int,
    group: int,
    work: Callable[[], None],
) -> None:
    issue_slips(campaign, actor="test")
    mine = teacher("T100")
    assert mine.post(f"/tokens/{group}/paper").status_code == 303
    assert "paper slip" in mine.get("/tokens").text
    assert mine.post(f"/tokens/{group}/paper").status_code == 409
    assert "wait for a paper slip" in officer.get(f"/campaigns/{campaign}").text
    assert "教师100" in officer.get(f"/campaigns/{campaign}/tokens").text
    assert "教师100" not in viewer.get(f"/campaigns/{campaign}/tokens").text
    assert viewer.post(f"/campaigns/{campaign}/tokens/{group}/paper").status_code == 403
    assert officer.post(f"/campaigns/{campaign}/tokens/{group}/paper").status_code == 303
    work()
    assert "wait for a paper slip" not in officer.get(f"/campaigns/{campaign}").text
    assert "Your paper slip is printed" in mine.get("/tokens").text
    assert officer.post(f"/campaigns/{campaign}/tokens/{group}/paper").status_code == 422
    assert balance_of(campaign).faults == ()


def test_the_form_of_a_campaign_offers_tokens(officer: FlaskClient) -> None:
    values = {"name": "五评", "year": "2026", "first_day": "2026-05-01", "last_day": "2036-05-14", "template": "five"}
    page = officer.post("/campaigns/new", data={**values, "tokens": "y"}, follow_redirects=True)
    assert "Voting tokens: keys" in page.text
    assert "Voting tokens: keys" not in officer.post("/campaigns/new", data=values, follow_redirects=True).text


def test_the_teachers_of_a_school_get_accounts_with_one_time_passwords(
    officer: FlaskClient, stranger: FlaskClient
) -> None:
    answer = officer.post("/accounts/staff", data={"school": "101"})
    rows = list(openpyxl.load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert [row[2] for row in rows[1:]] == ["H1", *(f"T1{place:02}" for place in range(12))]
    entered = stranger.post("/login", data={"name": "T100", "password": rows[2][3]})
    assert entered.status_code == 303
    assert "password" in entered.location
    assert officer.post("/accounts/staff", data={"school": "101"}).status_code == 303
    assert officer.post("/accounts/staff", data={"school": "none"}).status_code == 422
    bound = db.session.scalars(select(Account.staff_code).where(Account.name == "T100")).one()
    assert bound == "T100"


def test_pages_for_slips_count_no_tokens(officer: FlaskClient, campaign: int) -> None:
    page = officer.get(f"/campaigns/{campaign}/slips?school=101")
    assert "Blind-signed tokens, no slips" in page.text
    assert officer.get(f"/campaigns/{campaign}").status_code == 200
    assert officer.get(f"/campaigns/{campaign}/balance").status_code == 200


def test_a_public_balance_calls_no_electorate_with_tokens_an_open_link(stranger: FlaskClient, campaign: int) -> None:
    move_campaign(campaign, "closed", actor="test")
    page = stranger.get(f"/balance/{campaign}").text
    rows = BeautifulSoup(page, "html.parser").select("table")[0].select("tbody tr")
    teachers = next(row.text for row in rows if "Teachers rate" in row.text)
    assert "open link" not in teachers
    assert "every right that was taken counts as issued" in page
