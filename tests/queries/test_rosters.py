"""Reads of the roster: counts, order, and nothing of what has left."""

import pytest
from flask import Flask
from sqlalchemy import event

from survey.extensions import db
from survey.models.organisations import School, SchoolClass, Teacher, Teaching
from survey.queries import rosters

pytestmark = pytest.mark.usefixtures("county")


def leave(*rows: object) -> None:
    for row in rows:
        row.left = True
    db.session.commit()


def test_the_summary_counts_the_roster() -> None:
    summary = rosters.roster_summary()
    assert (summary.schools, summary.departments, summary.classes) == (12, 3, 6)
    assert (summary.pupils, summary.teachers, summary.teaching) == (72, 36, 18)
    assert summary.version is not None
    assert summary.version.imported_by == "test"


def test_an_empty_roster_has_no_version(app: Flask) -> None:
    db.drop_all()
    db.create_all()
    summary = rosters.roster_summary()
    assert (summary.schools, summary.pupils, summary.version) == (0, 0, None)


def test_a_school_knows_its_size() -> None:
    school = rosters.school("101")
    assert school is not None
    assert (school.name, school.classes, school.pupils, school.teachers) == ("第1小学", 3, 36, 13)
    assert [row.code for row in rosters.schools()][:2] == ["101", "102"]


def test_a_school_without_classes_is_listed() -> None:
    (row,) = [row for row in rosters.schools() if row.code == "103"]
    assert (row.classes, row.pupils, row.teachers) == (0, 0, 1)


def test_what_has_left_is_not_read() -> None:
    leave(db.session.get(School, "103"), db.session.get(Teacher, "T100"))
    leave(*db.session.query(SchoolClass).filter_by(school_code="101", grade="一年级"))
    leave(*db.session.query(Teaching).filter_by(teacher_code="T101"))
    assert rosters.school("103") is None
    assert [row.grade for row in rosters.school_classes("101")] == ["三年级", "七年级"]
    assert rosters.school_classes("101")[0].teachers == 2
    assert "T100" not in {row.code for row in rosters.teachers("101")}
    assert {row.code: row.classes for row in rosters.teachers("101")}["T101"] == 0


def test_an_unknown_school_is_none() -> None:
    assert rosters.school("999") is None
    assert rosters.school_classes("999") == rosters.teachers("999") == []


def test_the_teaching_of_a_class() -> None:
    first = rosters.school_classes("101")[0]
    assert [(row.teacher_code, row.subject) for row in rosters.class_teaching(first.id)] == [
        ("T100", "语文"),
        ("T101", "数学"),
        ("T102", "英语"),
    ]


def test_all_schools_are_read_in_one_query() -> None:
    statements: list[str] = []
    event.listen(db.engine, "after_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    rosters.schools()
    assert sum(statement.startswith("SELECT") for statement in statements) == 1
