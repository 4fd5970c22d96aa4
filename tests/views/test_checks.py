"""The page of checks: every finding under a name that people know."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from survey.services.accounts import add_account
from survey.services.instances import Check, run_checks
from survey.services.staff_accounts import add_staff_account
from survey.views.checks import NAMES
from tests.views.conftest import Browser


@pytest.fixture
def admin(county: Flask, browser: Browser) -> FlaskClient:
    return browser("admin", role="sysadmin")


def finding(name: str) -> Check:
    return next(check for check in run_checks() if check.name == name)


def test_every_check_has_a_name_in_words(admin: FlaskClient) -> None:
    assert {check.name for check in run_checks()} <= set(NAMES)
    text = admin.get("/checks").text
    assert "凭证上的地址" in text
    assert "sealed boxes" not in text


def test_an_address_that_no_phone_reaches_is_told(county: Flask) -> None:
    config = county.config["WUPING"]
    for address, fit in (("http://127.0.0.1:8000", False), ("http://localhost", False), ("https://p.edu.cn", True)):
        county.config["WUPING"] = replace(config, public_base_url=address)
        assert finding("host").ok is fit


def test_first_passwords_of_the_bureau_are_named_and_those_of_teachers_counted(county: Flask) -> None:
    add_staff_account("T100", staff_code="T100", actor="test")
    assert finding("passwords").ok
    assert "1" in finding("passwords").detail
    add_account("leader", role="viewer", actor="test")
    assert not finding("passwords").ok
    assert "leader" in finding("passwords").detail
