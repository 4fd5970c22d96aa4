"""The officer's pages of campaigns."""

import pytest
from bs4 import BeautifulSoup

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.jobs import Job
from survey.services.campaigns import create_campaign

FORM = {"name": "2026 年五评", "year": "2026", "first_day": "2026-05-11", "last_day": "2030-05-22", "template": "five"}


def state(number: int) -> str:
    db.session.rollback()
    return db.session.get_one(Campaign, number).state


@pytest.fixture
def draft(county) -> int:
    return create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test")[0]


def test_an_officer_makes_a_campaign(officer) -> None:
    page = officer.post("/campaigns/new", data=FORM).location
    text = officer.get(page).text
    assert "2026 年五评" in text
    assert text.count('<th scope="row" class="tight">') == 5
    assert "2026 年五评" in officer.get("/campaigns").text


def test_an_officer_chooses_a_scheme_for_one_evaluation(officer) -> None:
    page = officer.post("/campaigns/new", data=FORM | {"scheme_parent_school": "five_step_85"}).location
    schemes = [cell.text for cell in BeautifulSoup(officer.get(page).text, "html.parser").select("td .quiet.small")]
    assert sum("85" in text for text in schemes) == 1


def test_only_schemes_that_fit_the_questionnaire_are_offered(officer) -> None:
    page = BeautifulSoup(officer.get("/campaigns/new").text, "html.parser")
    values = [option["value"] for option in page.select("select[name=scheme_parent_school] option")]
    assert values[:2] == ["", "five_step"]
    assert "four_step" not in values


def test_a_broken_scheme_file_is_said_and_does_not_stand_in_the_way(officer, config) -> None:
    (config.instance / "schemes").mkdir()
    (config.instance / "schemes" / "ours.toml").write_text("id =", encoding="utf-8")
    assert "ours.toml" in officer.get("/campaigns/new").text
    assert officer.post("/campaigns/new", data=FORM).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"year": "soon"},
        {"year": "1999"},
        {"first_day": "tomorrow"},
        {"last_day": "2020-01-01"},
        {"template": "six"},
        {"scheme_parent_school": "four_step"},
    ],
)
def test_a_wrong_form_keeps_the_input(officer, wrong) -> None:
    answer = officer.post("/campaigns/new", data=FORM | {"name": "kept"} | wrong)
    assert answer.status_code == 422
    assert (wrong.get("name", "kept") or "2026") in answer.text
    assert 'role="alert"' in answer.text


def test_an_empty_roster_makes_no_campaign(app, browser) -> None:
    assert browser("officer", role="officer").post("/campaigns/new", data=FORM).status_code == 409


def test_short_steps_are_taken_at_once(officer, draft) -> None:
    assert officer.post(f"/campaigns/{draft}/move", data={"state": "ready"}).location == f"/campaigns/{draft}"
    assert state(draft) == "ready"


def test_long_steps_become_one_job_however_often_they_are_asked(officer, campaign, work) -> None:
    first = officer.post(f"/campaigns/{campaign}/move", data={"state": "closed"}).location
    assert first.startswith("/jobs/")
    assert officer.post(f"/campaigns/{campaign}/move", data={"state": "closed"}).location == first
    assert state(campaign) == "open"
    work()
    assert state(campaign) == "closed"
    assert db.session.query(Job).count() == 1
    assert f'href="/campaigns/{campaign}"' in officer.get(first).text


def test_a_whole_campaign_is_led_by_its_buttons(officer, campaign, work) -> None:
    for wanted in ("closed", "tallied", "released", "archived"):
        assert f'value="{wanted}"' in officer.get(f"/campaigns/{campaign}").text
        officer.post(f"/campaigns/{campaign}/move", data={"state": wanted})
        work()
        assert state(campaign) == wanted


@pytest.mark.parametrize(("wanted", "status"), [("released", 409), ("flying", 422), ("", 422)])
def test_a_step_that_the_table_does_not_know_is_refused(officer, draft, wanted, status) -> None:
    assert officer.post(f"/campaigns/{draft}/move", data={"state": wanted}).status_code == status
    assert state(draft) == "draft"


def test_days_are_changed_and_a_wrong_day_keeps_the_input(officer, draft) -> None:
    good = {"first_day": "2026-05-11", "last_day": "2031-05-22"}
    assert officer.post(f"/campaigns/{draft}/days", data=good).status_code == 303
    answer = officer.post(f"/campaigns/{draft}/days", data=good | {"last_day": "2020-01-02"})
    assert answer.status_code == 422
    assert 'value="2020-01-02"' in answer.text


def test_a_draft_is_rebuilt_and_an_open_campaign_is_not(officer, draft) -> None:
    assert officer.post(f"/campaigns/{draft}/rebuild").status_code == 303
    officer.post(f"/campaigns/{draft}/move", data={"state": "ready"})
    officer.post(f"/campaigns/{draft}/move", data={"state": "open"})
    assert officer.post(f"/campaigns/{draft}/rebuild").status_code == 409


def test_what_is_left_out_is_listed_with_its_school(officer, draft) -> None:
    text = officer.get(f"/campaigns/{draft}/targets").text
    assert "园长" in text or "校长" in text or 'class="empty"' in text


def test_the_balance_is_shown_and_counted_again(officer, codes, campaign) -> None:
    assert f"/campaigns/{campaign}/balance" in officer.get(f"/campaigns/{campaign}").text
    assert "note error" not in officer.get(f"/campaigns/{campaign}/balance").text


def test_a_viewer_reads_but_changes_nothing(viewer, draft) -> None:
    text = viewer.get(f"/campaigns/{draft}").text
    assert text.count('method="post"') == 1
    assert viewer.post(f"/campaigns/{draft}/move", data={"state": "ready"}).status_code == 403
    assert viewer.get("/campaigns/new").status_code == 403


@pytest.mark.parametrize(
    "path", ["/campaigns", "/campaigns/new", "/campaigns/1", "/campaigns/1/balance", "/campaigns/1/targets"]
)
def test_strangers_log_in_first_and_schools_are_kept_out(stranger, school_a, draft, path) -> None:
    assert stranger.get(path).location.startswith("/login")
    assert school_a.get(path).status_code == 403


def test_bad_ids_and_methods(officer, draft) -> None:
    assert officer.get("/campaigns/99").status_code == 404
    assert officer.post("/campaigns/99/move", data={"state": "ready"}).status_code == 404
    assert officer.get(f"/campaigns/{draft}/move").status_code == 405


def test_reading_writes_nothing(officer, draft, statements) -> None:
    with statements() as seen:
        for path in ("/", "/campaigns", f"/campaigns/{draft}", f"/campaigns/{draft}/balance"):
            officer.get(path)
    assert not [s for s in seen if s.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]


def test_the_list_takes_as_many_statements_for_many_campaigns(officer, draft, statements) -> None:
    with statements() as few:
        officer.get("/campaigns")
    row = db.session.get_one(Campaign, draft)
    days = {"first_day": row.first_day, "last_day": row.last_day}
    db.session.add_all(Campaign(name=f"c{n}", year=2000 + n, template="five", **days) for n in range(90))
    db.session.commit()
    with statements() as many:
        officer.get("/campaigns")
    assert len(few) == len(many)
