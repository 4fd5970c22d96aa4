"""Reads of the roster (名册) for pages and campaigns; rows marked as left are not in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from survey.extensions import db
from survey.models.organisations import Department, RosterVersion, School, SchoolClass, Teacher, Teaching


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """One import that changed something; `imported_on` is an ISO date."""

    id: int
    imported_on: str
    imported_by: str
    file_name: str
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class RosterSummary:
    """Counts over the whole roster; `version` is None before the first import."""

    schools: int
    departments: int
    classes: int
    pupils: int
    teachers: int
    teaching: int
    version: VersionRow | None


@dataclass(frozen=True, kw_only=True)
class SchoolRow:
    """A school with the size of what belongs to it; `principal` is the name in the sheet 学校."""

    code: str
    name: str
    district: str
    stage: str
    ownership: str
    principal: str
    address: str
    classes: int
    pupils: int
    teachers: int


@dataclass(frozen=True, kw_only=True)
class DepartmentRow:
    """A department (科室) and its head."""

    code: str
    name: str
    head: str


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A class with its head-count; `class_teacher_name` is "" where the 工号 is blank or unknown."""

    id: int
    grade: str
    name: str
    size: int
    class_teacher: str
    class_teacher_name: str
    teachers: int


@dataclass(frozen=True, kw_only=True)
class TeacherRow:
    """A teacher with the number of classes taught."""

    code: str
    name: str
    gender: str
    position: str
    subject: str
    phone: str
    classes: int


@dataclass(frozen=True, kw_only=True)
class TeachingRow:
    """Who teaches what in a class."""

    teacher_code: str
    teacher_name: str
    subject: str


def roster_summary() -> RosterSummary:
    """The counts of the roster and its latest version."""
    counts = db.session.execute(
        select(
            _count(School.left),
            _count(Department.left),
            _count(SchoolClass.left),
            select(func.coalesce(func.sum(SchoolClass.size), 0)).where(~SchoolClass.left).scalar_subquery(),
            _count(Teacher.left),
            _count(Teaching.left),
        )
    ).one()
    versions = roster_versions(limit=1)
    return RosterSummary(
        schools=counts[0],
        departments=counts[1],
        classes=counts[2],
        pupils=counts[3],
        teachers=counts[4],
        teaching=counts[5],
        version=versions[0] if versions else None,
    )


def roster_versions(*, limit: int = 20) -> list[VersionRow]:
    """The latest imports that changed something, newest first."""
    rows = db.session.scalars(select(RosterVersion).order_by(RosterVersion.id.desc()).limit(limit))
    return [
        VersionRow(
            id=row.id,
            imported_on=row.imported_on,
            imported_by=row.imported_by,
            file_name=row.file_name,
            added=row.added,
            changed=row.changed,
            removed=row.removed,
        )
        for row in rows
    ]


def schools() -> list[SchoolRow]:
    """All schools by code, in one query."""
    return [SchoolRow(**row) for row in db.session.execute(_schools().order_by(School.code)).mappings()]


def school(code: str) -> SchoolRow | None:
    """One school, None for an unknown code or one that has left."""
    row = db.session.execute(_schools().where(School.code == code)).mappings().one_or_none()
    return None if row is None else SchoolRow(**row)


def departments() -> list[DepartmentRow]:
    """All departments by code."""
    query = select(Department.code, Department.name, Department.head).where(~Department.left).order_by(Department.code)
    return [DepartmentRow(**row) for row in db.session.execute(query).mappings()]


def school_classes(school_code: str) -> list[ClassRow]:
    """The classes of a school in the order of the first file that had them, which is that of the grades."""
    taught = (
        select(Teaching.class_id, func.count(Teaching.teacher_code.distinct()).label("teachers"))
        .where(~Teaching.left)
        .group_by(Teaching.class_id)
        .subquery()
    )
    query = (
        select(
            SchoolClass.id,
            SchoolClass.grade,
            SchoolClass.name,
            SchoolClass.size,
            SchoolClass.class_teacher,
            func.coalesce(Teacher.name, "").label("class_teacher_name"),
            func.coalesce(taught.c.teachers, 0).label("teachers"),
        )
        .outerjoin(Teacher, (Teacher.code == SchoolClass.class_teacher) & ~Teacher.left)
        .outerjoin(taught, taught.c.class_id == SchoolClass.id)
        .where(SchoolClass.school_code == school_code, ~SchoolClass.left)
        .order_by(SchoolClass.id)
    )
    return [ClassRow(**row) for row in db.session.execute(query).mappings()]


def teachers(school_code: str) -> list[TeacherRow]:
    """The teachers of a school by 工号."""
    taught = (
        select(Teaching.teacher_code, func.count(Teaching.class_id.distinct()).label("classes"))
        .where(~Teaching.left)
        .group_by(Teaching.teacher_code)
        .subquery()
    )
    query = (
        select(
            Teacher.code,
            Teacher.name,
            Teacher.gender,
            Teacher.position,
            Teacher.subject,
            Teacher.phone,
            func.coalesce(taught.c.classes, 0).label("classes"),
        )
        .outerjoin(taught, taught.c.teacher_code == Teacher.code)
        .where(Teacher.school_code == school_code, ~Teacher.left)
        .order_by(Teacher.code)
    )
    return [TeacherRow(**row) for row in db.session.execute(query).mappings()]


def class_teaching(class_id: int) -> list[TeachingRow]:
    """Who teaches the class, by subject."""
    query = (
        select(Teaching.teacher_code, Teacher.name.label("teacher_name"), Teaching.subject)
        .join(Teacher, Teacher.code == Teaching.teacher_code)
        .where(Teaching.class_id == class_id, ~Teaching.left)
        .order_by(Teaching.id)
    )
    return [TeachingRow(**row) for row in db.session.execute(query).mappings()]


def _count(left: InstrumentedAttribute[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(~left).scalar_subquery()


def _schools() -> Select[*tuple[Any, ...]]:
    # Grouped once and joined: a subquery for each school would read the classes 1,600 times in a city.
    classes = (
        select(SchoolClass.school_code, func.count().label("classes"), func.sum(SchoolClass.size).label("pupils"))
        .where(~SchoolClass.left)
        .group_by(SchoolClass.school_code)
        .subquery()
    )
    staff = (
        select(Teacher.school_code, func.count().label("teachers"))
        .where(~Teacher.left)
        .group_by(Teacher.school_code)
        .subquery()
    )
    return (
        select(
            School.code,
            School.name,
            School.district,
            School.stage,
            School.ownership,
            School.principal,
            School.address,
            func.coalesce(classes.c.classes, 0).label("classes"),
            func.coalesce(classes.c.pupils, 0).label("pupils"),
            func.coalesce(staff.c.teachers, 0).label("teachers"),
        )
        .outerjoin(classes, classes.c.school_code == School.code)
        .outerjoin(staff, staff.c.school_code == School.code)
        .where(~School.left)
    )
