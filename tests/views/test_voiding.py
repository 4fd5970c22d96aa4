"""The page that voids a unit: asked with a reason, confirmed by another, done by the worker, public by name."""

import zipfile
from io import BytesIO

import pytest
from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Campaign, RaterGroup
from survey.models.jobs import Job
from survey.services.balance import balance_of
from survey.services.campaigns import move_campaign

CLASS = "S-101-三年级1班"
REASON = {"unit": f"group:{CLASS}", "reason": "班主任要求全选满意"}


@pytest.fixture
def supervisor(county, browser):
    return browser("jiancha", role="supervisor")


def voided() -> int:
    db.session.rollback()
    return db.session.scalars(select(RaterGroup.voided).where(RaterGroup.code == CLASS)).one()


def test_one_person_voids_where_no_second_is_needed(officer, campaign, codes, work) -> None:
    answer = officer.post(f"/campaigns/{campaign}/void?school=101", data=REASON)
    assert answer.status_code == 303
    work()
    assert voided() == 12
    assert balance_of(campaign).faults == ()
    result = officer.get(answer.location).text
    assert "/slips/printed/" in result
    job = db.session.scalars(select(Job.id).where(Job.kind == "void_unit")).one()
    assert officer.get(f"/slips/printed/{job}").status_code == 200
    with officer.post(f"/slips/printed/{job}/fetch") as package, zipfile.ZipFile(BytesIO(package.data)) as packed:
        assert packed.read("slips.csv").decode().count(CLASS) == 12
    assert f"/slips/printed/{job}" in officer.get(f"/campaigns/{campaign}/slips").text
    assert "第1小学" in officer.get(f"/campaigns/{campaign}/void?school=101").text


def test_two_persons_ask_confirm_and_void(officer, supervisor, campaign, codes, work) -> None:
    db.session.get_one(Campaign, campaign).two_person = True
    db.session.commit()
    page = f"/campaigns/{campaign}/void"
    assert supervisor.post(f"{page}?school=101", data=REASON).location == page
    assert supervisor.post(f"{page}/1/confirm").status_code == 403
    assert officer.post(f"{page}/1").status_code == 409
    assert "班主任要求全选满意" in officer.get(page).text
    assert officer.post(f"{page}/1/confirm").location == page
    work()
    assert voided() == 0
    assert officer.post(f"{page}/1").status_code == 303
    work()
    assert voided() == 12
    assert officer.post(f"{page}/1").status_code == 409
    assert officer.post(f"{page}/99").status_code == 404


def test_a_whole_school_is_offered_once_a_relation(officer, campaign, codes, work) -> None:
    text = officer.get(f"/campaigns/{campaign}/void?school=101").text
    assert text.count('value="whole:') == 2
    data = REASON | {"unit": "whole:parent_school"}
    assert officer.post(f"/campaigns/{campaign}/void?school=101", data=data).status_code == 303
    work()
    assert voided() == 0
    assert db.session.scalars(select(RaterGroup.voided).where(RaterGroup.code == "P-101-三年级1班")).one() == 12


@pytest.mark.parametrize(
    ("school", "change", "status"),
    [("101", {"reason": ""}, 422), ("102", {}, 422), ("101", {"unit": "group:O-BUREAU"}, 422), ("999", {}, 422)],
)
def test_a_bad_form_voids_nothing(officer, campaign, codes, work, school, change, status) -> None:
    answer = officer.post(f"/campaigns/{campaign}/void?school={school}", data=REASON | change)
    assert answer.status_code == status
    work()
    assert voided() == 0


def test_after_the_close_no_slips_are_printed(officer, campaign, codes, work) -> None:
    move_campaign(campaign, "closed", actor="test")
    answer = officer.post(f"/campaigns/{campaign}/void?school=101", data=REASON)
    work()
    assert voided() == 12
    job = answer.location.rpartition("/")[2]
    text = officer.get(f"/slips/printed/{job}").text
    assert "fetch" not in text
    assert balance_of(campaign).faults == ()


def test_after_the_release_nothing_is_offered(officer, campaign, codes) -> None:
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    assert "<select" not in officer.get(f"/campaigns/{campaign}/void").text
    assert officer.post(f"/campaigns/{campaign}/void?school=101", data=REASON).status_code == 409


@pytest.mark.parametrize("persona", ["viewer", "school_a", "stranger"])
def test_others_may_not(request, campaign, persona) -> None:
    client = request.getfixturevalue(persona)
    for method, path in (("get", "void"), ("post", "void"), ("post", "void/1"), ("post", "void/1/confirm")):
        assert getattr(client, method)(f"/campaigns/{campaign}/{path}").status_code in (302, 403)


def test_everybody_reads_which_unit_was_voided_but_not_why(stranger, officer, campaign, codes, work) -> None:
    officer.post(f"/campaigns/{campaign}/void?school=101", data=REASON)
    work()
    assert stranger.get(f"/balance/{campaign}").status_code == 404
    move_campaign(campaign, "closed", actor="test")
    for path in (f"/balance/{campaign}", f"/receipts/{campaign}"):
        text = stranger.get(path).text
        assert "三年级1班" in text
        assert "班主任" not in text
