"""Turnout: exact for the bureau's totals, in bands for schools and classes, one school for a school account."""

import pytest
from sqlalchemy import select, update

from survey.extensions import db
from survey.models.campaigns import Evaluation, GroupCount, RaterGroup
from survey.models.organisations import School
from survey.queries.turnout import band, relation_turnout, school_turnout
from survey.services.campaigns import create_campaign

CLASS = "S-101-七年级1班"
FIRST = GroupCount.position == 0


def begin(group: str, number: int) -> None:
    about = select(RaterGroup.id).where(RaterGroup.code == group).scalar_subquery()
    db.session.execute(update(GroupCount).where(GroupCount.group_id == about, FIRST).values(begun=number))
    db.session.commit()


@pytest.mark.parametrize(
    ("begun", "valid", "expected"),
    [(0, 0, None), (0, 9, 0), (1, 9, 1), (1, 4, None), (2, 5, 2), (3, 5, 3), (79, 100, 3), (8, 10, 4), (10, 10, 4)],
)
def test_bands(begun, valid, expected) -> None:
    assert band(begun, valid) == expected


def test_the_bureau_sees_exact_totals_by_relation(officer, campaign, codes) -> None:
    begin(CLASS, 7)
    pupils = next(row for row in relation_turnout(campaign) if row.relation == "student_teacher")
    assert (pupils.begun, pupils.unused) == (7, pupils.valid - 7)
    text = officer.get(f"/turnout/{campaign}").text
    assert f'<td class="num">{pupils.valid}</td><td class="num">7</td>' in text


def test_a_class_is_shown_as_a_band_only(school_a, campaign, codes) -> None:
    begin(CLASS, 7)
    text = school_a.get(f"/turnout/{campaign}/schools/101").text
    assert 'class="band b3"' in text
    assert "54%" not in text
    assert ">7<" not in text


def test_voided_slips_do_not_count(campaign, codes) -> None:
    db.session.execute(update(RaterGroup).where(RaterGroup.code == CLASS).values(voided=6))
    begin(CLASS, 7)
    db.session.execute(update(RaterGroup).where(RaterGroup.code == "S-101-三年级1班").values(voided=12))
    db.session.commit()
    assert school_turnout(campaign, school_code="101")[0].bands["student_teacher"] == 4


def test_another_school_does_not_exist_for_a_school_account(school_a, campaign) -> None:
    assert school_a.get(f"/turnout/{campaign}/schools/102").status_code == 404
    assert school_a.get(f"/turnout/{campaign}/schools/nowhere").status_code == 404


def test_a_school_account_is_led_from_the_overview_to_its_school(school_a, campaign) -> None:
    assert school_a.get(f"/turnout/{campaign}").location == f"/turnout/{campaign}/schools/101"
    assert school_a.get("/turnout").location == f"/turnout/{campaign}"


def test_no_page_of_a_school_shows_a_code(school_a, campaign, codes) -> None:
    text = school_a.get(f"/turnout/{campaign}/schools/101").text + school_a.get("/rosters/schools/101").text
    assert not [code for group in codes.values() for code in group if code in text.upper()]


def test_a_draft_has_no_turnout(officer, county) -> None:
    number = create_campaign(name="d", year=2026, template="five", first_day=None, last_day=None, actor="t")[0]
    assert officer.get(f"/turnout/{number}").status_code == 404
    assert officer.get("/turnout").status_code == 200


def test_strangers_and_bad_ids(stranger, officer, campaign) -> None:
    assert stranger.get(f"/turnout/{campaign}").location.startswith("/login")
    assert officer.get("/turnout/99").status_code == 404
    assert officer.get(f"/turnout/{campaign}/schools/999").status_code == 404
    assert officer.post("/turnout").status_code == 405


def test_three_and_three_hundred_schools_take_as_many_statements(officer, campaign, codes, statements) -> None:
    with statements() as few:
        officer.get(f"/turnout/{campaign}")
    evaluation = db.session.query(Evaluation).filter_by(relation="parent_school").one().id
    for number in range(300):
        db.session.add(School(code=f"X{number}", name=f"学校{number}", district="x"))
        db.session.add(
            RaterGroup(
                evaluation_id=evaluation, code=f"P-X{number}", name="x", kind="slip", school_code=f"X{number}", issued=9
            )
        )
    db.session.commit()
    with statements() as many:
        text = officer.get(f"/turnout/{campaign}").text
    assert "学校299" in text
    assert len(few) == len(many)
