"""Setting up a second factor, logging in with it, giving it up."""

import base64
import re
import time

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from survey.services import second_factors
from tests.views.conftest import PASSWORD, Browser


def code_of(secret: str, later: int = 0) -> str:
    return second_factors.time_code(base64.b32decode(secret), int(time.time() // 30) + later)


def enrol(client: FlaskClient) -> tuple[str, list[str]]:
    """Go through the pages; return the secret and the recovery codes."""
    page = BeautifulSoup(client.post("/account/second-factor", data={"password": PASSWORD}).text, "html.parser")
    secret = re.sub(r"\s", "", page.select_one(".secret").text)
    carried = page.select_one("input[name=carried]")["value"]
    answer = client.post("/account/second-factor/code", data={"carried": carried, "code": code_of(secret, -1)})
    return secret, [item.text for item in BeautifulSoup(answer.text, "html.parser").select("ul.code li")]


def pending(client: FlaskClient) -> str:
    answer = client.post("/login", data={"name": "officer", "password": PASSWORD})
    assert answer.status_code == 200
    assert "desk=" not in str(answer.headers.getlist("Set-Cookie"))
    return str(BeautifulSoup(answer.text, "html.parser").select_one("input[name=pending]")["value"])


@pytest.fixture
def stored(officer: FlaskClient) -> tuple[str, list[str]]:
    return enrol(officer)


def test_the_code_is_the_second_step_of_the_login(officer, stored, browser: Browser) -> None:
    secret, _codes = stored
    client = browser()
    form = {"pending": pending(client), "code": code_of(secret)}
    assert client.get("/campaigns").location.startswith("/login")
    assert client.post("/login/code", data=form).location == "/"
    assert client.get("/campaigns").status_code == 200
    assert browser().post("/login/code", data=form).status_code == 422


def test_a_recovery_code_opens_once(officer, stored, browser: Browser) -> None:
    _secret, codes = stored
    assert len(codes) == 10
    client = browser()
    assert client.post("/login/code", data={"pending": pending(client), "code": codes[3]}).location == "/"
    assert client.post("/login/code", data={"pending": pending(client), "code": codes[3]}).status_code == 422


@pytest.mark.parametrize("code", ["", "000000", "x" * 41, "<script>"])
def test_a_wrong_code_keeps_the_step(officer, stored, browser: Browser, code: str) -> None:
    client = browser()
    answer = client.post("/login/code", data={"pending": pending(client), "code": code})
    assert answer.status_code == 422
    assert 'name="pending"' in answer.text
    assert client.get("/campaigns").location.startswith("/login")


def test_a_made_up_first_step_is_refused(stranger: FlaskClient) -> None:
    assert stranger.post("/login/code", data={"pending": "x", "code": "000000"}).status_code == 409


def test_setting_up_needs_the_password_again(officer: FlaskClient) -> None:
    assert officer.post("/account/second-factor", data={"password": "wrong"}).status_code == 422
    assert officer.post("/account/second-factor", data={}).status_code == 422


def test_a_wrong_first_code_shows_the_same_secret_again(officer: FlaskClient) -> None:
    first = officer.post("/account/second-factor", data={"password": PASSWORD})
    page = BeautifulSoup(first.text, "html.parser")
    carried = page.select_one("input[name=carried]")["value"]
    again = officer.post("/account/second-factor/code", data={"carried": carried, "code": "000000"})
    assert again.status_code == 422
    assert BeautifulSoup(again.text, "html.parser").select_one(".secret").text == page.select_one(".secret").text
    assert first.headers["Cache-Control"] == "no-store"
    assert officer.post("/account/second-factor/code", data={"carried": "x", "code": "0"}).status_code == 409


def test_giving_it_up_needs_password_and_code(officer: FlaskClient, stored) -> None:
    secret, _codes = stored
    form = {"password": PASSWORD, "code": code_of(secret)}
    assert officer.post("/account/second-factor/remove", data=form | {"password": "x"}).status_code == 422
    assert officer.post("/account/second-factor/remove", data=form | {"code": "000000"}).status_code == 422
    assert officer.post("/account/second-factor/remove", data=form).location == "/account"
    assert 'name="pending"' not in officer.post("/login", data={"name": "officer", "password": PASSWORD}).text


def test_the_administrator_helps_who_lost_phone_and_codes(officer, stored, browser: Browser) -> None:
    admin = browser("admin", role="sysadmin")
    assert admin.post("/accounts/second-factor", data={"name": "officer"}).location == "/accounts"
    assert browser().post("/login", data={"name": "officer", "password": PASSWORD}).location == "/"


def test_strangers_set_up_nothing(stranger: FlaskClient) -> None:
    assert stranger.get("/account/second-factor").location.startswith("/login")
    for path in ("/account/second-factor/code", "/account/second-factor/remove"):
        assert stranger.post(path).location.startswith("/login")
