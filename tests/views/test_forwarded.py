"""A forged X-Forwarded-For: believed only as far as trusted proxies are configured, and never for the sender's good."""

from dataclasses import replace
from importlib import import_module

import gunicorn.config
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from survey.config import Config
from survey.extensions import db
from survey.models.accounts import LoginThrottle
from survey.services.login_throttles import MOST_OF_PAIR
from survey.views import ballots as view

WRONG = {"code": "2222222222222222"}


@pytest.fixture
def hops(request: pytest.FixtureRequest) -> int:
    """How many proxies the settings trust."""
    return int(getattr(request, "param", 0))


@pytest.fixture
def config(config: Config, hops: int) -> Config:
    return replace(config, proxy_hops=hops)


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A browser with limits that nobody has used up before."""
    return app.test_client()


def tries(client: FlaskClient, *forwarded: str) -> list[int]:
    """Enter wrong codes, one for each value of the header."""
    return [
        client.post("/v", data=WRONG, headers={"X-Forwarded-For": value} if value else {}).status_code
        for value in forwarded
    ]


def addresses(number: int, form: str = "203.0.113.{}") -> list[str]:
    return [form.format(k) for k in range(number)]


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Limits are counted per process: each test begins with none used."""
    view._wrong.clear()


def test_without_a_proxy_the_header_changes_nothing(stranger: FlaskClient) -> None:
    statuses = tries(stranger, *addresses(view.MOST_WRONG + 1))
    assert set(statuses[:-1]) == {404}
    assert statuses[-1] == 429


def test_nor_does_it_bring_anybody_else_to_the_limit(stranger: FlaskClient) -> None:
    assert tries(stranger, *["198.51.100.7"] * (view.MOST_WRONG + 1))[-1] == 429
    other = {"REMOTE_ADDR": "198.51.100.7"}
    assert stranger.post("/v", data=WRONG, environ_base=other).status_code == 404


@pytest.mark.parametrize("hops", [1], indirect=True)
def test_behind_one_proxy_only_what_the_proxy_added_counts(stranger: FlaskClient) -> None:
    """The sender wrote the first address; the proxy put the true one behind it."""
    statuses = tries(stranger, *addresses(view.MOST_WRONG + 1, form="203.0.113.{}, 192.0.2.9"))
    assert statuses[-1] == 429
    assert tries(stranger, "192.0.2.10") == [404]


@pytest.mark.parametrize("hops", [1], indirect=True)
@pytest.mark.parametrize("value", ["", "nonsense", "203.0.113.1,,,", "x" * 5000, "::1%<script>", "unknown, \x7f"])
def test_odd_values_do_no_harm(stranger: FlaskClient, value: str) -> None:
    assert tries(stranger, value) == [404]


def test_a_prefix_that_a_client_names_stands_in_no_page_of_anybody(app: Flask, stranger: FlaskClient) -> None:
    """Pages of respondents are rendered once and kept: one request could have led everybody's form elsewhere."""
    for prefix in ("//evil.example", "/x"):
        stranger.get("/v", environ_overrides={"SCRIPT_NAME": prefix})
    page = stranger.get("/v").text
    assert 'action="/v"' in page
    assert "evil" not in page
    hooks = import_module("survey.gunicorn_hooks")
    settings = gunicorn.config.Config()
    settings.set("forwarder_headers", hooks.forwarder_headers)
    assert settings.forwarder_headers == []


def test_a_login_is_counted_for_the_true_address(county: Flask, stranger: FlaskClient) -> None:
    form = {"name": "boss", "password": "wrong password"}
    for value in addresses(MOST_OF_PAIR):
        assert stranger.post("/login", data=form, headers={"X-Forwarded-For": value}).status_code == 422
    rows = db.session.scalars(select(LoginThrottle)).all()
    # Account and address together (locked and begun anew), the account, the address: not one for each forged address.
    assert sorted(row.failures for row in rows) == [0, MOST_OF_PAIR, MOST_OF_PAIR]
    assert any(row.locked_until for row in rows)
