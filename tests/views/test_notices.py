"""Notices: from the campaign's own data, for everybody, from the day it is ready."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from survey.services.campaigns import create_campaign, move_campaign


@pytest.fixture
def config(config):
    return replace(
        config, hotline="0999-1234", officer="行评办 王老师", place="县教育局机房", keep_years=3, language="en"
    )


@pytest.mark.parametrize("path", ["", "/guardians"])
def test_a_notice_says_purpose_place_period_officer_and_complaint(stranger, campaign, path) -> None:
    text = BeautifulSoup(stranger.get(f"/notices/{campaign}{path}").text, "html.parser").main.text
    for said in ("县教育局机房", "3 years", "行评办 王老师", "0999-1234", "/pressure", "to improve"):
        assert said in text


def test_a_draft_has_no_notice(county, stranger) -> None:
    number, _made = create_campaign(name="x", year=2026, template="five", first_day=None, last_day=None, actor="t")
    assert stranger.get(f"/notices/{number}").status_code == 404
    assert stranger.get("/notices/99/guardians").status_code == 404
    move_campaign(number, "ready", actor="t")
    assert stranger.get(f"/notices/{number}").status_code == 200
    assert f"/notices/{number}/guardians" in stranger.get("/promise").text


def test_the_public_is_told_that_the_link_is_for_reference(stranger, campaign) -> None:
    assert "by an open link, for reference only" in stranger.get(f"/notices/{campaign}").text
