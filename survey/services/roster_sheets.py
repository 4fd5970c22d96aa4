"""The five sheets of the bureau's roster workbook (名册): their columns, and what the template says about each."""

from pathlib import Path
from typing import BinaryIO

from flask_babel import lazy_gettext
from sqlalchemy import String
from sqlalchemy.orm import InstrumentedAttribute

from survey.models.organisations import Department, School, SchoolClass, Teacher, Teaching
from survey.services import workbooks
from survey.services.workbooks import Column, SheetSpec

PRINCIPAL = "校长"


def _longest(attribute: InstrumentedAttribute[str]) -> int:
    """The length of the database column, so that no value is cut off or refused later."""
    kind = attribute.type
    assert isinstance(kind, String)
    return kind.length or 1000


SCHOOLS = SheetSpec(
    name="学校",
    columns=(
        Column(
            header="学校代码",
            filled=True,
            folded=True,
            longest=_longest(School.code),
            example="421000",
            hint=lazy_gettext("The bureau's code of the school; it stays the same every year."),
        ),
        Column(header="学校名称", filled=True, longest=_longest(School.name), example="青禾小学"),
        Column(
            header="学区",
            filled=True,
            longest=_longest(School.district),
            example="城关学区",
            hint=lazy_gettext("Principals and schools are compared within their 学区."),
        ),
        Column(
            header="学段",
            filled=True,
            longest=_longest(School.stage),
            example="小学",
            hint=lazy_gettext("For example 幼儿园, 小学, 初中, 高中."),
        ),
        Column(header="性质", needed=False, longest=_longest(School.ownership), example="公办"),
        Column(
            header="校长",
            needed=False,
            longest=_longest(School.principal),
            example="钟凯燕",
            hint=lazy_gettext("Only compared with the sheet 教师, whose row with 职务 校长 counts."),
        ),
        Column(header="地址", needed=False, longest=_longest(School.address), example="青禾镇学府路67号"),
    ),
)
DEPARTMENTS = SheetSpec(
    name="科室",
    columns=(
        Column(header="科室代码", filled=True, folded=True, longest=_longest(Department.code), example="K01"),
        Column(header="科室名称", filled=True, longest=_longest(Department.name), example="办公室"),
        Column(header="负责人", needed=False, longest=_longest(Department.head), example="熊波思"),
    ),
)
CLASSES = SheetSpec(
    name="班级",
    columns=(
        Column(
            header="学校代码",
            filled=True,
            folded=True,
            longest=_longest(SchoolClass.school_code),
            example="421000",
            hint=lazy_gettext("As in the sheet 学校."),
        ),
        Column(header="年级", filled=True, folded=True, longest=_longest(SchoolClass.grade), example="一年级"),
        Column(header="班级", filled=True, folded=True, longest=_longest(SchoolClass.name), example="1班"),
        Column(
            header="在籍人数",
            folded=True,
            longest=40,
            example="45",
            hint=lazy_gettext("The number of pupils, a whole number. Never write names of pupils into this workbook."),
        ),
        Column(
            header="班主任工号",
            needed=False,
            folded=True,
            longest=_longest(SchoolClass.class_teacher),
            example="T00001",
            hint=lazy_gettext("As in the sheet 教师."),
        ),
    ),
)
TEACHERS = SheetSpec(
    name="教师",
    columns=(
        Column(
            header="工号",
            filled=True,
            folded=True,
            longest=_longest(Teacher.code),
            example="T00001",
            hint=lazy_gettext("Unique in the whole county; it stays the same every year."),
        ),
        Column(header="姓名", filled=True, longest=_longest(Teacher.name), example="尹浩福"),
        Column(header="性别", needed=False, longest=_longest(Teacher.gender), example="女"),
        Column(
            header="学校代码",
            filled=True,
            folded=True,
            longest=_longest(Teacher.school_code),
            example="421000",
            hint=lazy_gettext("As in the sheet 学校."),
        ),
        Column(
            header="职务",
            longest=_longest(Teacher.position),
            example="教师",
            hint=lazy_gettext("校长 for the one principal of the school; otherwise 教师 or blank."),
        ),
        Column(header="任教学科", needed=False, longest=_longest(Teacher.subject), example="语文"),
        Column(header="手机", needed=False, folded=True, longest=_longest(Teacher.phone), example="13800000000"),
    ),
)
TEACHING = SheetSpec(
    name="任课",
    columns=(
        Column(
            header="学校代码",
            filled=True,
            folded=True,
            longest=_longest(SchoolClass.school_code),
            example="421000",
            hint=lazy_gettext("As in the sheet 学校."),
        ),
        Column(
            header="年级",
            filled=True,
            folded=True,
            longest=_longest(SchoolClass.grade),
            example="一年级",
            hint=lazy_gettext("As in the sheet 班级."),
        ),
        Column(
            header="班级",
            filled=True,
            folded=True,
            longest=_longest(SchoolClass.name),
            example="1班",
            hint=lazy_gettext("As in the sheet 班级."),
        ),
        Column(header="学科", filled=True, longest=_longest(Teaching.subject), example="语文"),
        Column(
            header="工号",
            filled=True,
            folded=True,
            longest=_longest(Teaching.teacher_code),
            example="T00001",
            hint=lazy_gettext("As in the sheet 教师."),
        ),
    ),
)
ROSTER_SHEETS = (SCHOOLS, DEPARTMENTS, CLASSES, TEACHERS, TEACHING)


def write_template(target: Path | BinaryIO) -> None:
    """Write the empty roster workbook: five sheets with headers, and 填写说明 with an example of every column."""
    workbooks.write_template(target, sheets=ROSTER_SHEETS)
