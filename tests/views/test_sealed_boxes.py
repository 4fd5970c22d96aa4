"""The ceremonies at the desk: each share is seen once by one trustee, and two trustees open the box."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from survey.config import Config
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import ballot, inbox
from survey.models.campaigns import Campaign
from survey.models.jobs import Job
from survey.models.sealed_boxes import SealedBox
from survey.services import ballots, ceremonies
from survey.services.ballots import Holder, pack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.sealed_boxes import make_shares
from survey.services.shares import read_share
from survey.services.slips import issue_slips

LINE = re.compile(r"<li>((?:[A-Z2-9]{4} ){3}[A-Z2-9]{4})</li>")
CARRIED = re.compile(r'name="carried"[^>]* value="([^"]*)"')
CLASS = "S-101-七年级1班"


@pytest.fixture
def config(config: Config) -> Config:
    """The usual settings, with pages in English."""
    return replace(config, language="en")


@pytest.fixture
def draft(county: Any) -> int:
    return create_campaign(
        name="密封 <b>", year=2026, template="five", first_day=None, last_day=None, actor="test", sealed=True
    )[0]


@pytest.fixture
def lines(draft: int) -> list[str]:
    """The three shares of a closed campaign with four ballots in its box."""
    shares = make_shares(draft, actor="test").shares
    for state in ("ready", "open"):
        move_campaign(draft, state, actor="test")
    slips = {group.group: group.codes for group in issue_slips(draft, actor="test")}
    for code in slips[CLASS][:4]:
        payload = pack_payload(bytes([5] * 8))
        ballots.cast(Holder(code=code), target_code="T100", form=secrets.token_hex(16), payload=payload)
    move_campaign(draft, "closed", actor="test")
    return ["\n".join(share.lines) for share in shares]


def count(table: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def carried(text: str) -> str:
    found = CARRIED.search(text)
    assert found
    return found[1]


def post(browser: FlaskClient, draft: int, step: str, **fields: str) -> Any:
    return browser.post(f"/campaigns/{draft}/box/shares", data={"step": step, **fields})


def hand_over(browser: FlaskClient, draft: int) -> list[str]:
    """Go through the whole ceremony; return the shares as their trustees copied them."""
    text, copies = post(browser, draft, "begin").text, []
    for _trustee in range(3):
        assert not LINE.search(text)
        shown = post(browser, draft, "show", carried=carried(text)).text
        copies.append("\n".join(LINE.findall(shown)))
        answer = post(browser, draft, "confirm", carried=carried(shown), letters=copies[-1][-4:].lower())
        text = answer.text
    assert answer.location == f"/campaigns/{draft}/box"
    return copies


def test_an_officer_chooses_the_sealed_box_when_making_a_campaign(officer: FlaskClient) -> None:
    form = {"name": "五评", "year": "2026", "first_day": "2026-05-11", "last_day": "2030-05-22", "template": "five"}
    officer.post("/campaigns/new", data=form)
    page = officer.post("/campaigns/new", data=form | {"sealed": "y"}).location
    db.session.rollback()
    assert list(db.session.scalars(select(Campaign.sealed).order_by(Campaign.id))) == [False, True]
    assert f"{page}/box" in officer.get(page).text


def test_nothing_makes_a_campaign_sealed_or_plain_later(officer: FlaskClient, draft: int) -> None:
    for path, fields in (("days", {"first_day": "2026-05-11", "last_day": "2031-05-22"}), ("rebuild", {})):
        officer.post(f"/campaigns/{draft}/{path}", data=fields | {"sealed": "", "anonymity": "x"})
    db.session.rollback()
    assert db.session.get_one(Campaign, draft).sealed


def test_three_trustees_get_different_shares_and_any_two_fit(officer: FlaskClient, draft: int) -> None:
    copies = hand_over(officer, draft)
    assert len(set(copies)) == 3
    assert all(len(copy.split("\n")) == 5 for copy in copies)
    db.session.rollback()
    assert db.session.get_one(SealedBox, draft).held == 3
    for state in ("ready", "open", "closed"):
        move_campaign(draft, state, actor="test")
    for copy in copies:
        assert ceremonies.take_share(draft, copy, actor="test")


def test_each_page_shows_one_share_and_the_carried_field_hides_the_others(officer: FlaskClient, draft: int) -> None:
    text = post(officer, draft, "begin").text
    shown = post(officer, draft, "show", carried=carried(text))
    assert len(LINE.findall(shown.text)) == 5
    assert shown.headers["Cache-Control"] == "no-store"
    copies = ["\n".join(LINE.findall(shown.text))]
    copies += hand_over(officer, draft)
    assert not [line for copy in copies[1:] for line in copy.split("\n") if line in shown.text]


def test_a_share_is_shown_once(officer: FlaskClient, draft: int) -> None:
    text = post(officer, draft, "begin").text
    shown = post(officer, draft, "show", carried=carried(text))
    again = post(officer, draft, "show", carried=carried(text))
    assert again.status_code == 409
    assert not LINE.search(again.text)
    # What the first trustee's page carries shows nobody else's share either.
    ahead = post(officer, draft, "show", carried=carried(shown.text))
    assert ahead.status_code == 409


def test_wrong_letters_do_not_hide_the_share(officer: FlaskClient, draft: int) -> None:
    shown = post(officer, draft, "show", carried=carried(post(officer, draft, "begin").text)).text
    answer = post(officer, draft, "confirm", carried=carried(shown), letters="0000")
    assert answer.status_code == 422
    assert LINE.findall(answer.text) == LINE.findall(shown)
    assert 'value="0000"' in answer.text


def test_a_ceremony_begun_anew_makes_the_old_shares_void(officer: FlaskClient, draft: int) -> None:
    old = post(officer, draft, "begin").text
    post(officer, draft, "begin")
    assert post(officer, draft, "show", carried=carried(old)).status_code == 409


def test_an_unfinished_ceremony_is_said_and_keeps_the_campaign_a_draft(officer: FlaskClient, draft: int) -> None:
    shown = post(officer, draft, "show", carried=carried(post(officer, draft, "begin").text)).text
    letters = LINE.findall(shown)[-1][-4:]
    assert "Trustee 2" in post(officer, draft, "confirm", carried=carried(shown), letters=letters).text
    assert "1 of 3 trustees" in officer.get(f"/campaigns/{draft}/box").text
    assert officer.post(f"/campaigns/{draft}/move", data={"state": "ready"}).status_code == 409


def test_a_connection_that_others_can_read_is_warned_of(officer: FlaskClient, draft: int) -> None:
    far = {"REMOTE_ADDR": "192.0.2.7"}
    page = f"/campaigns/{draft}/box"
    assert "not encrypted" in officer.get(page, environ_base=far).text
    assert "not encrypted" not in officer.get(page).text
    assert "not encrypted" not in officer.get(page, environ_base=far, base_url="https://localhost").text


def test_an_old_or_foreign_page_leads_nowhere(
    officer: FlaskClient, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = post(officer, draft, "begin").text
    for wrong in ("", "abc", "!", carried(text)[:-4] + "AAA="):
        assert post(officer, draft, "show", carried=wrong).status_code == 409
    other = create_campaign(
        name="乙", year=2026, template="five", first_day=None, last_day=None, actor="test", sealed=True
    )[0]
    assert post(officer, other, "show", carried=carried(text)).status_code == 409
    monkeypatch.setattr(ceremonies, "DEADLINE_SECONDS", -1)
    assert post(officer, draft, "show", carried=carried(post(officer, draft, "begin").text)).status_code == 409


def test_after_the_draft_no_key_is_made(officer: FlaskClient, draft: int) -> None:
    hand_over(officer, draft)
    move_campaign(draft, "ready", actor="test")
    assert post(officer, draft, "begin").status_code == 409
    assert "begin anew" not in officer.get(f"/campaigns/{draft}/box").text


def test_two_trustees_open_the_box(officer: FlaskClient, draft: int, lines: list[str]) -> None:
    address = f"/campaigns/{draft}/box/open"
    first = officer.post(address, data={"share": lines[2]})
    assert lines[2].split("\n")[0] not in first.text
    done = officer.post(address, data={"share": lines[0].lower(), "carried": carried(first.text)})
    assert done.location == f"/campaigns/{draft}"
    assert (count(inbox), count(ballot)) == (0, 4)
    assert "4 pages" in officer.get(done.location).text
    assert count(Job) == 0


@pytest.mark.parametrize("wrong", ["", "ABCD", "mistyped", "same again"])
def test_a_wrong_second_share_keeps_the_first_and_changes_nothing(
    officer: FlaskClient, draft: int, lines: list[str], wrong: str
) -> None:
    address = f"/campaigns/{draft}/box/open"
    first = carried(officer.post(address, data={"share": lines[0]}).text)
    mistyped = lines[1][:-1] + ("A" if lines[1][-1] != "A" else "B")
    typed = {"mistyped": mistyped, "same again": lines[0]}.get(wrong, wrong)
    answer = officer.post(address, data={"share": typed, "carried": first})
    assert answer.status_code in (409, 422)
    assert carried(answer.text) == first
    assert (count(inbox), count(ballot)) == (4, 0)
    assert officer.post(address, data={"share": lines[1], "carried": first}).status_code == 303


def test_a_share_of_another_box_is_recorded_and_a_typing_error_is_not(
    officer: FlaskClient, draft: int, lines: list[str]
) -> None:
    address = f"/campaigns/{draft}/box/open"
    share = read_share(lines[0])
    foreign = replace(share, campaign_id=draft + 1).letters
    assert officer.post(address, data={"share": foreign}).status_code == 409
    assert officer.post(address, data={"share": "ABCD"}).status_code == 422
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "box.refused")).all()
    assert [(entry.actor, entry.detail["shares"]) for entry in entries] == [("officer", [1])]


def test_a_share_taken_too_long_ago_is_asked_for_again(
    officer: FlaskClient, draft: int, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/campaigns/{draft}/box/open"
    with monkeypatch.context() as patch:
        patch.setattr(ceremonies, "DEADLINE_SECONDS", -1)
        first = ceremonies.take_share(draft, lines[0], actor="test")
    answer = officer.post(address, data={"share": lines[1], "carried": first})
    assert answer.status_code == 409
    assert carried(answer.text) == ""
    assert count(ballot) == 0


def test_a_box_too_large_for_a_page_is_sent_to_the_console(
    officer: FlaskClient, draft: int, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/campaigns/{draft}/box/open"
    first = carried(officer.post(address, data={"share": lines[0]}).text)
    monkeypatch.setattr(ceremonies, "MOST_IN_BROWSER", 3)
    assert officer.post(address, data={"share": lines[1], "carried": first}).status_code == 409
    assert count(ballot) == 0


def test_the_audit_log_says_what_was_done_and_holds_no_share(
    officer: FlaskClient, draft: int, work: Callable[[], None]
) -> None:
    copies = hand_over(officer, draft)
    for state in ("ready", "open", "closed"):
        move_campaign(draft, state, actor="test")
    first = carried(officer.post(f"/campaigns/{draft}/box/open", data={"share": copies[0]}).text)
    officer.post(f"/campaigns/{draft}/box/open", data={"share": copies[1], "carried": first})
    db.session.rollback()
    entries = [entry for entry in db.session.scalars(select(AuditEntry)) if entry.action.startswith("box.")]
    assert [entry.action for entry in entries] == ["box.begin", *["box.share", "box.held"] * 3, "box.open"]
    said = " ".join(f"{entry.detail} {entry.subject}" for entry in entries)
    # The first line holds campaign and fingerprint, which are public.
    groups = {group for copy in copies for line in copy.split("\n")[1:] for group in line.split()}
    assert not groups & set(re.findall(r"\w+", said))


@pytest.mark.parametrize("path", ["box", "box/shares", "box/open"])
def test_strangers_log_in_first_schools_are_kept_out_and_a_plain_campaign_has_no_box(
    stranger: FlaskClient, school_a: FlaskClient, officer: FlaskClient, campaign: int, draft: int, path: str
) -> None:
    assert stranger.get(f"/campaigns/{draft}/{path}").location.startswith("/login")
    assert school_a.get(f"/campaigns/{draft}/{path}").status_code == 403
    assert officer.get(f"/campaigns/{campaign}/{path}").status_code == 404
    assert officer.get("/campaigns/99/box").status_code == 404


def test_a_viewer_reads_the_box_and_holds_no_ceremony(viewer: FlaskClient, draft: int) -> None:
    assert 'method="post"' not in viewer.get(f"/campaigns/{draft}/box").text.partition("<main")[2]
    assert post(viewer, draft, "begin").status_code == 403
    assert viewer.post(f"/campaigns/{draft}/box/open", data={"share": "x"}).status_code == 403


def test_reading_makes_no_key(officer: FlaskClient, draft: int) -> None:
    assert officer.get(f"/campaigns/{draft}/box").status_code == 200
    assert officer.get(f"/campaigns/{draft}/box/shares").status_code == 303
    assert officer.get(f"/campaigns/{draft}/box/open").status_code == 200
    assert count(SealedBox) == 0
    assert "<b>" not in officer.get(f"/campaigns/{draft}/box").text.partition("<main")[2]
