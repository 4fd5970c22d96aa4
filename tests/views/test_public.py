"""Pages without a login, and the home page of each role."""

from secrets import token_hex

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import insert

from survey.errors import Unavailable
from survey.extensions import db
from survey.models.ballots import receipt
from survey.queries import receipts
from survey.services import instances
from survey.services.ballots import Holder, cast, find_progress, pack_payload
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
    rows = [{"text": f"R{n:09}", "campaign_id": campaign} for n in range(1050)]
    db.session.execute(insert(receipt), rows)
    db.session.commit()
    move_campaign(campaign, "closed", actor="test")
    last = stranger.get(f"/receipts/{campaign}?page=99").text
    assert "R000001049" in last
    assert "R000000001" not in last


def test_the_list_of_receipts_can_be_taken_home_whole_and_sorted(stranger, campaign, monkeypatch) -> None:
    rows = [{"text": f"R{n * 7919 % 1000:09}", "campaign_id": campaign} for n in range(1000)]
    db.session.execute(insert(receipt), rows)
    db.session.commit()
    assert stranger.get(f"/receipts/{campaign}.txt").status_code == 404
    move_campaign(campaign, "closed", actor="test")
    monkeypatch.setattr(receipts, "CHUNK", 300)
    answer = stranger.get(f"/receipts/{campaign}.txt")
    lines = answer.text.splitlines()
    assert answer.mimetype == "text/plain"
    assert lines == sorted(lines)
    assert len(set(lines)) == 1000


def test_the_balance_is_public_after_the_close_and_adds_up(stranger, campaign, codes) -> None:
    for code in codes["S-101-三年级1班"][:6]:
        holder = Holder(code=code)
        while (page := find_progress(holder).next_page) is not None:
            cast(holder, target_code=page.code, form=token_hex(16), payload=pack_payload(bytes([4] * 8)))
    assert stranger.get(f"/balance/{campaign}").status_code == 404
    move_campaign(campaign, "closed", actor="test")
    move_campaign(campaign, "tallied", actor="test")
    tables = BeautifulSoup(stranger.get(f"/balance/{campaign}").text, "html.parser").select("table")
    slips, pages = ([int(cell.text) for cell in table.select("tbody tr")[0].select("td")] for table in tables)
    assert slips[0] == sum(slips[1:])
    assert pages == [18, 0, 18, 0, 18]


def test_the_promise_shows_the_drawing_in_the_readers_language(stranger) -> None:
    for language, name in (("zh_Hans_CN", "ballot-life.zh.svg"), ("en", "ballot-life.en.svg")):
        stranger.get(f"/language?to={language}")
        image = BeautifulSoup(stranger.get("/promise").text, "html.parser").select_one("img.drawing")
        assert image["src"].endswith(name)
        assert image["alt"]
        with stranger.get(image["src"]) as file:
            assert file.mimetype == "image/svg+xml"
            assert "<script" not in file.text


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
    from survey.services import sessions

    def fail(_token: str) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(sessions, "session_user", fail)
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
