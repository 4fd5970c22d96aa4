"""Campaigns: built from the roster by rule, one table of states, nothing half-done."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.instruments import QuestionnaireVersion
from survey.models.organisations import RosterVersion, SchoolClass, Teacher, Teaching
from survey.models.results import Tally
from survey.queries.cubes import released_results
from survey.services.ballots import today
from survey.services.campaigns import (
    STATES,
    TRANSITIONS,
    create_campaign,
    move_campaign,
    overdue_campaigns,
    readiness,
    rebuild_campaign,
    set_days,
)
from survey.services.electorates import grade_number


def create(first_day: date | None = None, last_day: date | None = None) -> int:
    number, _made = create_campaign(
        name="五评", year=2026, template="five", first_day=first_day, last_day=last_day, actor="test"
    )
    return number


def groups(relation: str) -> dict[str, RaterGroup]:
    query = select(RaterGroup).join(Evaluation).where(Evaluation.relation == relation)
    return {group.code: group for group in db.session.scalars(query)}


def targets(relation: str, *, left_out: bool = False) -> set[str]:
    query = select(Target.code).join(Evaluation).where(Evaluation.relation == relation)
    return set(db.session.scalars(query.where(Target.left_out.is_not(None) if left_out else Target.left_out.is_(None))))


def test_pupils_from_grade_three_up_rate_every_teacher_of_their_class(county: Flask) -> None:
    create()
    found = groups("student_teacher")
    assert set(found) == {f"S-10{n}-{label}" for n in (1, 2) for label in ("三年级1班", "七年级1班")}
    assert targets("student_teacher") == {f"T{n}0{place}" for n in (1, 2) for place in range(3)}
    assert {group.variant for code, group in found.items() if "三年级" in code} == {"child"}
    assert {group.variant for code, group in found.items() if "七年级" in code} == {""}


def test_parents_of_the_first_grades_answer_together_with_their_child(county: Flask) -> None:
    create()
    variants = {code: group.variant for code, group in groups("parent_school").items()}
    assert variants["P-101-一年级1班"] == "joint"
    assert variants["P-101-三年级1班"] == ""


def test_nobody_rates_himself(county: Flask) -> None:
    create()
    staff = groups("teacher_principal")["T-101"]
    assert staff.enrolled == 12


def test_targets_that_fewer_than_ten_can_rate_get_no_slips(county: Flask) -> None:
    number = create()
    assert targets("teacher_principal") == {"H1", "H2"}
    assert set(groups("teacher_principal")) == {"T-101", "T-102"}
    assert all("下限" in note for note in readiness(number).notes if "H3" in note)


def test_a_teacher_of_a_tiny_class_is_left_out(county: Flask) -> None:
    tiny = SchoolClass(school_code="101", grade="八年级", name="1班", size=6)
    db.session.add(tiny)
    db.session.flush()
    db.session.add(Teaching(class_id=tiny.id, teacher_code="T111", subject="体育"))
    db.session.add(Teaching(class_id=tiny.id, teacher_code="T100", subject="语文"))
    db.session.commit()
    create()
    assert targets("student_teacher", left_out=True) == {"T111"}
    pages = select(func.count()).select_from(GroupCount).join(RaterGroup, RaterGroup.id == GroupCount.group_id)
    assert db.session.scalar(pages.where(RaterGroup.code == "S-101-八年级1班")) == 1


def test_a_class_without_pupils_or_teachers_is_said(county: Flask) -> None:
    db.session.add(SchoolClass(school_code="101", grade="九年级", name="1班", size=0))
    db.session.add(SchoolClass(school_code="101", grade="九年级", name="2班", size=30))
    db.session.commit()
    notes = " ".join(readiness(create()).notes)
    assert "九年级1班" in notes
    assert "九年级2班" in notes


def test_all_departments_share_one_page(county: Flask) -> None:
    create()
    group = groups("principal_department")["H-BUREAU"]
    pages = db.session.scalars(select(GroupCount.target_id).where(GroupCount.group_id == group.id)).all()
    assert pages == [0]
    assert targets("principal_department") == {"K01", "K02", "K03"}


def test_an_empty_roster_makes_no_campaign(app: Flask) -> None:
    with pytest.raises(Conflict):
        create()
    assert db.session.scalar(select(func.count()).select_from(Campaign)) == 0


@pytest.mark.parametrize("state", ["open", "closed", "tallied", "released", "archived", "draft"])
def test_a_draft_can_only_become_ready(county: Flask, state: str) -> None:
    number = create()
    with pytest.raises(Conflict):
        move_campaign(number, state, actor="test")


def test_unknown_states_and_campaigns_are_refused(county: Flask) -> None:
    number = create()
    with pytest.raises(BadInput):
        move_campaign(number, "finished", actor="test")
    with pytest.raises(NotFound):
        move_campaign(number + 1, "ready", actor="test")


def test_every_state_but_the_first_is_reached_by_one_step() -> None:
    assert [wanted for _state, wanted in TRANSITIONS] == list(STATES[1:])


def test_days_are_checked(county: Flask) -> None:
    with pytest.raises(BadInput):
        create(date(2026, 5, 2), date(2026, 5, 1))
    number = create(today() - timedelta(days=9), today() - timedelta(days=2))
    with pytest.raises(Conflict, match="改为以后的日期"):
        move_campaign(number, "ready", actor="test")
    set_days(number, first_day=today(), last_day=today(), actor="test")
    move_campaign(number, "ready", actor="test")


def test_opening_freezes_the_questionnaires(campaign: int) -> None:
    used = select(Evaluation.questionnaire_id).where(Evaluation.campaign_id == campaign)
    query = select(QuestionnaireVersion.frozen).where(QuestionnaireVersion.id.in_(used))
    assert set(db.session.scalars(query)) == {True}


def test_the_worker_finds_campaigns_whose_last_day_is_over(campaign: int) -> None:
    assert overdue_campaigns() == []
    db.session.get_one(Campaign, campaign).last_day = today() - timedelta(days=1)
    db.session.commit()
    assert overdue_campaigns() == [campaign]


def test_a_draft_can_be_rebuilt_from_a_newer_roster(county: Flask) -> None:
    number = create()
    db.session.get_one(Teacher, "T102").left = True
    db.session.add(RosterVersion(imported_on="2026-02-01", imported_by="test", added=0, changed=0, removed=1))
    db.session.commit()
    assert any("重新生成" in note for note in readiness(number).notes)
    rebuild_campaign(number, actor="test")
    assert "T102" not in targets("student_teacher")
    move_campaign(number, "ready", actor="test")
    with pytest.raises(Conflict):
        rebuild_campaign(number, actor="test")


def test_a_failing_step_leaves_the_state_and_no_rows(campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    move_campaign(campaign, "closed", actor="test")
    monkeypatch.setattr("survey.services.audit.record", lambda *_args, **_more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        move_campaign(campaign, "tallied", actor="test")
    assert db.session.get_one(Campaign, campaign).state == "closed"
    assert db.session.scalar(select(func.count()).select_from(Tally)) == 0


@pytest.mark.parametrize(
    ("grade", "number"),
    [("一年级", 1), ("3年级", 3), ("九年级", 9), ("初二", 8), ("高三", 12), ("大班", 0), ("2023级", None)],
)
def test_grades_are_recognised(grade: str, number: int | None) -> None:
    assert grade_number(grade) == number


def test_with_few_principals_the_evaluation_of_departments_stays_empty(county: Flask) -> None:
    for teacher in db.session.scalars(select(Teacher).where(Teacher.code.in_(("H8", "H9", "H10", "H11", "H12")))):
        teacher.left = True
    db.session.commit()
    number, made = create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test")
    assert [e.relation for e in made if e.groups == e.slips == e.targets == 0] == ["principal_department"]
    for state in STATES[1:6]:
        move_campaign(number, state, actor="test")
    results = {e["relation"]: e for e in released_results(number)["evaluations"]}
    assert results["principal_department"]["targets"] == []
