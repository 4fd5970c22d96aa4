"""Pages without a login, and the home page of each role."""

import pytest
from sqlalchemy import insert

from survey.errors import Unavailable
from survey.extensions import db
from survey.models.ballots import receipt
from survey.services import instances
from survey.services.campaigns import move_campaign


def test_the_start_page_leads_to_the_code_form_and_opens_no_session(stranger) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 200
    assert 'href="/v"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_the_promise_is_readable_in_large_type(stranger) -> None:
    assert '<body class="big">' in stranger.get("/promise?big=1").text


def test_health_tells_alive_from_ready(stranger, monkeypatch) -> None:
    assert (stranger.get("/healthz").status_code, stranger.get("/readyz").status_code) == (200, 200)

    def refuse() -> None:
        raise Unavailable("full")

    monkeypatch.setattr(instances, "write_connection", refuse)
    assert (stranger.get("/healthz").status_code, stranger.get("/readyz").status_code) == (200, 503)


def test_the_language_stays_and_leads_to_no_other_host(stranger) -> None:
    answer = stranger.get("/language?to=en&next=/promise")
    assert answer.location == "/promise"
    assert '<html lang="en"' in stranger.get("/").text
    assert stranger.get("/language?to=zh_Hans_CN&next=//evil.example").location == "/"
    assert '<html lang="zh-Hans-CN"' in stranger.get("/").text
    assert "Set-Cookie" not in stranger.get("/language?to=xx&next=/").headers


def test_receipts_are_published_only_after_the_close(stranger, campaign) -> None:
    db.session.execute(insert(receipt), [{"text": f"ABCDEFGH{n:02}", "campaign_id": campaign} for n in range(3)])
    db.session.commit()
    assert stranger.get(f"/receipts/{campaign}").status_code == 404
    assert stranger.get(f"/receipts/{campaign}?receipt=ABCDEFGH01").status_code == 404
    move_campaign(campaign, "closed", actor="test")
    assert "ABCDEFGH02" in stranger.get(f"/receipts/{campaign}").text
    assert 'class="note"' in stranger.get(f"/receipts/{campaign}?receipt=abcde+fgh01").text
    assert "note warning" in stranger.get(f"/receipts/{campaign}?receipt=nothere").text
    assert stranger.get("/receipts/99").status_code == 404


def test_receipts_come_in_pages(stranger, campaign) -> None:
    rows = [{"text": f"R{n:09}", "campaign_id": campaign} for n in range(450)]
    db.session.execute(insert(receipt), rows)
    db.session.commit()
    move_campaign(campaign, "closed", actor="test")
    last = stranger.get(f"/receipts/{campaign}?page=99").text
    assert "R000000449" in last
    assert "R000000001" not in last


def test_home_shows_the_officer_the_next_step(officer, campaign) -> None:
    text = officer.get("/").text
    assert 'class="steps"' in text
    assert f'href="/turnout/{campaign}"' in text


def test_home_without_a_roster_begins_with_the_upload(app, browser) -> None:
    assert 'href="/rosters/upload"' in browser("officer", role="officer").get("/").text


def test_home_leads_a_school_to_its_own_turnout(school_a, campaign) -> None:
    answer = school_a.get("/", follow_redirects=True)
    assert answer.request.path == f"/turnout/{campaign}/schools/101"


def test_home_gives_a_viewer_no_button_that_writes(viewer, campaign) -> None:
    text = viewer.get("/").text
    assert text.count('method="post"') == 1  # logging out


def test_an_unknown_page_has_a_plain_answer_also_for_strangers(stranger) -> None:
    answer = stranger.get("/nowhere")
    assert answer.status_code == 404
    assert 'class="panel narrow"' in answer.text


def test_an_error_page_does_not_ask_a_dead_database_again(officer, monkeypatch) -> None:
    from survey.queries import accounts

    def fail(_key: str) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(accounts, "find_user", fail)
    answer = officer.get("/campaigns")
    assert answer.status_code == 503
    assert "gone" in answer.text


@pytest.mark.parametrize("persona", ["stranger", "officer", "school_a", "viewer"])
def test_pages_hold_no_inline_style_or_script(request, persona, campaign) -> None:
    client = request.getfixturevalue(persona)
    for path in ("/", "/login", "/promise", "/turnout", "/nowhere"):
        text = client.get(path, follow_redirects=True).text
        assert " style=" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count("<script src=")
