"""What an import would change: the records of a file held against the rows of the database, then written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, Connection, Insert, Select, Update, bindparam, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from survey.extensions import Base
from survey.models.organisations import Department, School, SchoolClass, Teacher, Teaching
from survey.services.roster_checks import Key, Records, RosterFile, Values
from survey.services.roster_sheets import CLASSES, DEPARTMENTS, SCHOOLS, TEACHERS, TEACHING

CHUNK_ROWS = 5000


@dataclass(frozen=True, kw_only=True)
class RosterTable:
    """Where the records of one sheet live; `values` are attributes of the model, `headers` their columns in the sheet.

    rows: a query of primary key, key columns, values, left.
    """

    sheet: str
    model: type[Base]
    id: InstrumentedAttribute[Any]
    rows: Select[*tuple[Any, ...]]
    keys: int
    values: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedRow:
    """A row whose values differ from the file's, or which was marked as left and is back."""

    id: str | int
    key: Key
    old: Values
    new: Values
    returned: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedRow:
    """A row of the database that the file no longer has."""

    id: str | int
    key: Key
    old: Values


@dataclass(frozen=True, kw_only=True)
class TableChanges:
    """The difference between one sheet and its table; `added` in the order of the file."""

    table: RosterTable
    added: Mapping[Key, Values]
    changed: Sequence[ChangedRow]
    removed: Sequence[RemovedRow]
    unchanged: int


def _coded(
    sheet: str,
    model: type[School | Department | Teacher],
    values: Mapping[str, InstrumentedAttribute[str]],
) -> RosterTable:
    """A table whose primary key is the code of its sheet."""
    return RosterTable(
        sheet=sheet,
        model=model,
        id=model.code,
        rows=select(model.code, model.code.label("key"), *values.values(), model.left),
        keys=1,
        values=tuple(attribute.key for attribute in values.values()),
        headers=tuple(values),
    )


SCHOOL_TABLE = _coded(
    SCHOOLS.name,
    School,
    {
        "学校名称": School.name,
        "学区": School.district,
        "学段": School.stage,
        "性质": School.ownership,
        "校长": School.principal,
        "地址": School.address,
    },
)
DEPARTMENT_TABLE = _coded(
    DEPARTMENTS.name,
    Department,
    {"科室名称": Department.name, "负责人": Department.head},
)
CLASS_TABLE = RosterTable(
    sheet=CLASSES.name,
    model=SchoolClass,
    id=SchoolClass.id,
    rows=select(
        SchoolClass.id,
        SchoolClass.school_code,
        SchoolClass.grade,
        SchoolClass.name,
        SchoolClass.size,
        SchoolClass.class_teacher,
        SchoolClass.left,
    ),
    keys=3,
    values=("size", "class_teacher"),
    headers=("在籍人数", "班主任工号"),
)
TEACHER_TABLE = _coded(
    TEACHERS.name,
    Teacher,
    {
        "姓名": Teacher.name,
        "性别": Teacher.gender,
        "学校代码": Teacher.school_code,
        "职务": Teacher.position,
        "任教学科": Teacher.subject,
        "手机": Teacher.phone,
    },
)
TEACHING_TABLE = RosterTable(
    sheet=TEACHING.name,
    model=Teaching,
    id=Teaching.id,
    rows=select(
        Teaching.id,
        SchoolClass.school_code,
        SchoolClass.grade,
        SchoolClass.name,
        Teaching.teacher_code,
        Teaching.subject,
        Teaching.left,
    ).join(SchoolClass, SchoolClass.id == Teaching.class_id),
    keys=5,
)


def compare_roster(connection: Connection, roster: RosterFile) -> tuple[TableChanges, ...]:
    """The changes of every table, in an order in which they can be written (what is referred to comes first)."""
    return (
        _compare(connection, SCHOOL_TABLE, roster.schools),
        _compare(connection, DEPARTMENT_TABLE, roster.departments),
        _compare(connection, CLASS_TABLE, roster.classes),
        _compare(connection, TEACHER_TABLE, roster.teachers),
        _compare(connection, TEACHING_TABLE, roster.teaching),
    )


def _compare(connection: Connection, table: RosterTable, records: Records) -> TableChanges:
    added = dict(records)
    changed: list[ChangedRow] = []
    removed: list[RemovedRow] = []
    unchanged = 0
    for row in connection.execute(table.rows):
        key, old, left = tuple(row[1 : table.keys + 1]), tuple(row[table.keys + 1 : -1]), row[-1]
        new = added.pop(key, None)
        if new is None:
            if not left:
                removed.append(RemovedRow(id=row[0], key=key, old=old))
        elif left or new != old:
            changed.append(ChangedRow(id=row[0], key=key, old=old, new=new, returned=left))
        else:
            unchanged += 1
    return TableChanges(table=table, added=added, changed=changed, removed=removed, unchanged=unchanged)


def write_changes(connection: Connection, changes: Sequence[TableChanges], *, written: Callable[[int], None]) -> None:
    """Write the changes inside the caller's transaction; `written` gets the number of rows after each chunk.

    Rows gone from the file are only marked: a running campaign, and last year's results, still name them.
    """
    for change in changes:
        rows = _new_teaching(connection, change) if change.table is TEACHING_TABLE else _new_rows(change)
        _execute(connection, insert(change.table.model), rows, written)
        _execute(connection, _update(change.table, "left", *change.table.values), _changed_rows(change), written)
        gone = ({"row_id": row.id, "new_left": True} for row in change.removed)
        _execute(connection, _update(change.table, "left"), gone, written)


def _execute(
    connection: Connection, statement: Insert | Update, rows: Iterator[dict[str, Any]], written: Callable[[int], None]
) -> None:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        connection.execute(statement, chunk)
        written(len(chunk))


def _update(table: RosterTable, *names: str) -> Update:
    values: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in names}
    return update(table.model).where(table.id == bindparam("row_id")).values(values)


def _changed_rows(change: TableChanges) -> Iterator[dict[str, Any]]:
    names = [f"new_{name}" for name in change.table.values]
    for row in change.changed:
        yield {"row_id": row.id, "new_left": False, **dict(zip(names, row.new, strict=True))}


def _new_rows(change: TableChanges) -> Iterator[dict[str, Any]]:
    keys = ("school_code", "grade", "name") if change.table is CLASS_TABLE else ("code",)
    names = (*keys, *change.table.values)
    for key, values in change.added.items():
        yield dict(zip(names, (*key, *values), strict=True))


def _new_teaching(connection: Connection, change: TableChanges) -> Iterator[dict[str, Any]]:
    if not change.added:
        return
    classes = select(SchoolClass.school_code, SchoolClass.grade, SchoolClass.name, SchoolClass.id)
    ids = {tuple(row[:3]): row[3] for row in connection.execute(classes)}
    for key in change.added:
        yield {"class_id": ids[key[:3]], "teacher_code": key[3], "subject": key[4]}
