"""The page that corrects a release, the note on every page of the new version, and the old one for the bureau."""

import re
import secrets

import pytest
from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.results import CubeTarget
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.campaigns import move_campaign

NOTE = "三年级1班的答卷已作废。"
FORM = {"unit": "group:S-101-三年级1班", "note": NOTE, "reason": "监察室查实有人统一填写", "of": "target"}
FORM |= {"relation": "student_teacher"}


@pytest.fixture
def released(campaign, codes):
    for group in ("S-101-三年级1班", "S-101-七年级1班"):
        for code in codes[group]:
            holder = Holder(code=code)
            while (page := find_progress(holder).next_page) is not None:
                payload = pack_payload(bytes([4] * 8))
                cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=payload)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    return campaign


def state(campaign: int) -> str:
    db.session.rollback()
    return db.session.get_one(Campaign, campaign).state


def correct(client, campaign: int, **changes: str):
    return client.post(f"/campaigns/{campaign}/correct?school=101", data=FORM | changes)


def again(campaign: int) -> None:
    for name in ("tallied", "released") if state(campaign) == "closed" else ("released",):
        move_campaign(campaign, name, actor="test")


def test_a_unit_is_voided_and_every_page_of_the_new_version_says_so(officer, viewer, school_a, released, work) -> None:
    assert f"/campaigns/{released}/correct" in officer.get(f"/campaigns/{released}").text
    assert correct(officer, released).status_code == 303
    work()
    assert state(released) == "closed"
    assert officer.get(f"/results/{released}").status_code == 404
    again(released)
    pages = [f"/results/{released}", f"/results/{released}/student_teacher"]
    pages += [f"/results/{released}/student_teacher/{path}" for path in ("target/T100", "targets", "unit/101", "tests")]
    for path in pages:
        assert NOTE in officer.get(path).text, path
    assert NOTE in school_a.get(f"/results/{released}/school/101").text
    old = f"/results/{released}/versions/1"
    assert old in officer.get(f"/campaigns/{released}/correct").text
    for client in (officer, viewer):
        text = client.get(f"{old}?relation=student_teacher").text
        assert "教师100" in text
        assert re.search(r">80\.0<", text)
    assert school_a.get(old).status_code == 404
    for missing in (f"/results/{released}/versions/2", f"{old}?relation=none", "/results/99/versions/1"):
        assert officer.get(missing).status_code == 404


def test_a_name_alone(officer, released, work) -> None:
    assert correct(officer, released, unit="", code="T100", name="王<b>老师").status_code == 303
    work()
    assert state(released) == "tallied"
    again(released)
    assert "王<b>老师" in db.session.scalars(select(CubeTarget.name).where(CubeTarget.code == "T100")).all()
    assert "王&lt;b&gt;老师" in officer.get(f"/results/{released}/student_teacher/target/T100").text


@pytest.mark.parametrize("change", [{"note": ""}, {"reason": ""}, {"unit": "group:S-999"}, {"note": "长" * 301}])
def test_a_bad_form_takes_nothing_back(officer, released, work, change) -> None:
    assert correct(officer, released, **change).status_code == 422
    work()
    assert state(released) == "released"


def test_a_job_that_finds_no_such_name_leaves_the_release(officer, released, work) -> None:
    answer = correct(officer, released, unit="", code="T999", name="x")
    work()
    assert state(released) == "released"
    assert "T999" in officer.get(answer.location).text


def test_two_persons(officer, browser, released, work) -> None:
    db.session.get_one(Campaign, released).two_person = True
    db.session.commit()
    asked = correct(officer, released).location
    other = browser("other", role="officer")
    assert NOTE in other.get(asked).text
    assert "S-101-三年级1班" in other.get(asked).text
    number = asked.rpartition("/")[2]
    assert officer.post(f"/campaigns/{released}/correct/{number}").status_code == 409
    assert other.post(f"{asked}/confirm").location == f"/campaigns/{released}/correct"
    assert other.post(f"/campaigns/{released}/correct/{number}").location.startswith("/jobs/")
    work()
    assert state(released) == "closed"
    assert officer.post(f"/campaigns/{released}/correct/99").status_code == 404


def test_only_a_release_is_corrected(officer, campaign, codes) -> None:
    assert "<textarea" not in officer.get(f"/campaigns/{campaign}/correct").text
    assert correct(officer, campaign).status_code == 409


@pytest.mark.parametrize("persona", ["viewer", "school_a", "stranger"])
def test_others_may_not(request, campaign, persona) -> None:
    client = request.getfixturevalue(persona)
    for method, path in (("get", "correct"), ("post", "correct"), ("post", "correct/1")):
        assert getattr(client, method)(f"/campaigns/{campaign}/{path}").status_code in (302, 403)
