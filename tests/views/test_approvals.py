"""Two persons at the desk: asked by one, confirmed on a page by another."""

import pytest
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.sealed_boxes import make_shares
from tests.views.conftest import Browser

FORM = {"name": "五评", "year": "2026", "first_day": "2026-05-11", "last_day": "2030-05-22", "template": "five"}


@pytest.fixture
def second(county: object, browser: Browser) -> FlaskClient:
    return browser("second", role="officer")


@pytest.fixture
def supervisor(county: object, browser: Browser) -> FlaskClient:
    return browser("supervisor", role="supervisor")


@pytest.fixture
def ready(county: object) -> int:
    number, _made = create_campaign(
        name="两人 <b>", year=2026, template="five", first_day=None, last_day=None, actor="test", two_person=True
    )
    move_campaign(number, "ready", actor="console")
    return number


def state(number: int) -> str:
    db.session.rollback()
    return db.session.get_one(Campaign, number).state


def ask(client: FlaskClient, number: int, wanted: str) -> str:
    return str(client.post(f"/campaigns/{number}/move", data={"state": wanted}).location)


def test_the_browser_makes_campaigns_of_two_persons_by_default(officer: FlaskClient) -> None:
    text = officer.get("/campaigns/new").text
    assert 'checked id="two_person"' in text
    assert "note warning" in text
    for number, extra in ((1, {"two_person": "y"}), (2, {})):
        officer.post("/campaigns/new", data=FORM | extra)
        db.session.rollback()
        assert db.session.get_one(Campaign, number).two_person is bool(extra)


def test_opening_waits_for_the_second_officer_and_then_happens(officer, second, ready) -> None:
    page = ask(officer, ready, "open")
    assert page == "/approvals/1"
    assert state(ready) == "ready"
    assert f"{page}/confirm" not in officer.get(page).text
    assert officer.post(f"{page}/confirm").status_code == 403
    assert f"{page}/confirm" in second.get(page).text
    assert second.post(f"{page}/confirm").location == f"/campaigns/{ready}"
    assert state(ready) == "open"


def test_pressing_the_button_again_leads_to_the_same_request(officer, second, ready) -> None:
    assert ask(officer, ready, "open") == ask(officer, ready, "open") == ask(second, ready, "open")
    assert "/approvals/1" in officer.get(f"/campaigns/{ready}").text


def test_release_is_a_job_of_the_one_who_confirmed(officer, second, ready, work) -> None:
    for step in ("open", "closed", "tallied"):
        move_campaign(ready, step, actor="console")
    page = ask(officer, ready, "released")
    assert second.post(f"{page}/confirm").location.startswith("/jobs/")
    work()
    assert state(ready) == "released"


def test_steps_that_are_not_grave_need_nobody(officer, ready, work) -> None:
    move_campaign(ready, "open", actor="console")
    assert ask(officer, ready, "closed").startswith("/jobs/")
    work()
    assert state(ready) == "closed"


def test_a_step_that_cannot_be_taken_is_not_asked_for(officer, ready) -> None:
    assert officer.post(f"/campaigns/{ready}/move", data={"state": "released"}).status_code == 409
    assert officer.post(f"/campaigns/{ready}/move", data={"state": "fly"}).status_code == 422
    assert "/approvals/1" not in officer.get("/approvals").text


def test_a_step_that_fails_after_the_confirmation_says_why(officer, second, ready) -> None:
    page = ask(officer, ready, "open")
    db.session.get_one(Campaign, ready).last_day = db.session.get_one(Campaign, ready).first_day.replace(year=2020)
    db.session.commit()
    assert 'class="note error"' in second.post(f"{page}/confirm", follow_redirects=True).text
    assert state(ready) == "ready"


def test_the_supervisor_looks_and_does_not_open(officer, supervisor, ready) -> None:
    page = ask(officer, ready, "open")
    seen = supervisor.get(page).text
    assert f"{page}/confirm" not in seen
    assert "由有权办理该步骤的另一账号确认或驳回" in seen
    assert supervisor.post(f"{page}/confirm").status_code == 403


def test_a_request_is_withdrawn_or_refused(officer, second, ready) -> None:
    for client in (officer, second):
        page = ask(officer, ready, "open")
        assert client.post(f"{page}/withdraw").location == "/approvals"
        assert second.post(f"{page}/confirm").status_code == 409
    assert second.get("/approvals").text.count("/approvals/") >= 2


def test_the_sealed_box_opens_only_after_a_second_person(county, officer, second) -> None:
    number, _made = create_campaign(
        name="x", year=2026, template="five", first_day=None, last_day=None, actor="t", sealed=True, two_person=True
    )
    make_shares(number, actor="test")
    for step in ("ready", "open", "closed"):
        move_campaign(number, step, actor="console")
    text = officer.get(f"/campaigns/{number}/box/open").text
    assert f'action="/campaigns/{number}/approvals"' in text
    assert 'name="share"' not in text
    page = officer.post(f"/campaigns/{number}/approvals", data={"action": "unseal"}).location
    assert second.post(f"{page}/confirm").location == f"/campaigns/{number}/box/open"
    assert 'name="share"' in officer.get(f"/campaigns/{number}/box/open").text


def test_only_the_opening_of_a_box_is_asked_for_without_its_page(officer, ready) -> None:
    for action in ("open", "release", "delete", "", "x"):
        assert officer.post(f"/campaigns/{ready}/approvals", data={"action": action}).status_code == 422


def test_the_second_person_is_told_on_the_first_page_and_nobody_else(officer, second, supervisor, ready) -> None:
    page = ask(officer, ready, "open")
    assert f'href="{page}"' in second.get("/").text
    assert f'href="{page}"' not in supervisor.get("/").text
    # The asking officer reads the state at the campaign, not a call to confirm.
    assert "note warning" not in officer.get("/").text.partition("<h1>")[2].partition("panel")[0]


def test_names_are_shown_as_text(officer, ready) -> None:
    assert "<b>" not in officer.get(ask(officer, ready, "open")).text.replace("<body>", "")


def test_bad_ids_and_methods(officer, ready) -> None:
    assert officer.get("/approvals/99").status_code == 404
    assert officer.post("/approvals/99/confirm").status_code == 404
    assert officer.get("/approvals/1/confirm").status_code == 405


def test_reading_writes_nothing(officer, ready, statements) -> None:
    ask(officer, ready, "open")
    with statements() as seen:
        for path in ("/approvals", "/approvals/1", f"/campaigns/{ready}"):
            officer.get(path)
    assert not [s for s in seen if s.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
