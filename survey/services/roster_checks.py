"""Reading a roster workbook: rows become records, and whatever is wrong becomes a problem with its cell."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import gettext, lazy_gettext

from survey.services.roster_sheets import (
    CLASSES,
    DEPARTMENTS,
    PRINCIPAL,
    ROSTER_SHEETS,
    SCHOOLS,
    TEACHERS,
    TEACHING,
)
from survey.services.workbooks import Row, Sheet, SheetSpec, Workbook, read_workbook
from survey.services.xlsx_parts import Limits

Key = tuple[str, ...]
Values = tuple[str | int, ...]
Records = dict[Key, Values]
Progress = Callable[[int, int], None]

MOST_PROBLEMS = 1000
"""Of each severity; the rest is counted."""
_LARGE_CLASS = 500
_LARGEST_CLASS = 9999
_LONGEST_ECHO = 200
_LONGEST_MESSAGE = 600
_PROGRESS_ROWS = 2000
_WHOLE = re.compile(r"[0-9]{1,4}")
# 学生, 幼儿, 学籍: sheets and columns that may name pupils. They are never read.
_PUPILS = re.compile("学生|幼儿姓名|幼儿名单|学籍")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong at a cell of the file; `severity` is error or warning, `cell` like D17 ("" for a whole sheet)."""

    sheet: str
    cell: str
    value: str
    message: str
    severity: str


class Problems:
    """Collects problems, the first ones of each severity; messages may be lazy, so that the rest cost nothing."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Problem]] = {"error": [], "warning": []}
        self._counts = {"error": 0, "warning": 0}

    @property
    def errors(self) -> int:
        """The number of errors, also of those not kept."""
        return self._counts["error"]

    def add(self, severity: str, message: object, *, sheet: str, cell: str = "", value: str = "") -> None:
        """Note one problem."""
        self._counts[severity] += 1
        if self._counts[severity] <= MOST_PROBLEMS:
            value, text = _clip(value, _LONGEST_ECHO), _clip(str(message), _LONGEST_MESSAGE)
            problem = Problem(
                sheet=_clip(sheet, _LONGEST_ECHO), cell=cell, value=value, message=text, severity=severity
            )
            self._kept[severity].append(problem)

    def listed(self) -> tuple[Problem, ...]:
        """Errors before warnings, each in the order of the sheets; the last one says how many more there are."""
        order = {spec.name: place for place, spec in enumerate(ROSTER_SHEETS)}
        kept = [p for problems in self._kept.values() for p in sorted(problems, key=lambda p: order.get(p.sheet, -1))]
        more = sum(self._counts.values()) - len(kept)
        if more:
            severity = "error" if self.errors > MOST_PROBLEMS else "warning"
            message = gettext("%(count)s more problems are not listed; correct the listed ones first.", count=more)
            kept.append(Problem(sheet="", cell="", value="", message=message, severity=severity))
        return tuple(kept)


@dataclass(frozen=True, kw_only=True)
class RosterFile:
    """The records of a roster workbook by their key, in the order of the file.

    schools, departments, teachers: key (code,). classes: key (school, grade, class). teaching: key (school, grade,
    class, 工号, subject), no values. The order of the values is that of the model's columns.
    """

    schools: Records = field(default_factory=dict)
    departments: Records = field(default_factory=dict)
    classes: Records = field(default_factory=dict)
    teachers: Records = field(default_factory=dict)
    teaching: Records = field(default_factory=dict)

    @property
    def pupils(self) -> int:
        """The sum of the head-counts."""
        return sum(int(values[0]) for values in self.classes.values())


def read_roster(path: Path, *, problems: Problems, limits: Limits, progress: Progress) -> RosterFile:
    """Read and check the five sheets: a wrong cell goes to `problems`, an unreadable file raises BadInput."""
    workbook = read_workbook(path, sheets=ROSTER_SHEETS, limits=limits)
    return _Reader(workbook, problems=problems, progress=progress).read()


class _Line:
    """A row under examination: its texts by header, and how to complain about one of its cells."""

    def __init__(self, sheet: Sheet, row: Row, problems: Problems) -> None:
        self._sheet, self._row, self._problems = sheet, row, problems
        self.number = row.number

    def __getitem__(self, header: str) -> str:
        return self._row.cells[header]

    def values(self, *headers: str) -> tuple[str, ...]:
        return tuple(self._row.cells[header] for header in headers)

    def lacks(self, header: str) -> bool:
        """Whether the cell is blank in a column that the file has."""
        return not self[header] and header in self._sheet.places

    def error(self, header: str, message: object) -> None:
        self._add("error", header, message)

    def warn(self, header: str, message: object) -> None:
        self._add("warning", header, message)

    def _add(self, severity: str, header: str, message: object) -> None:
        sheet, cell = self._sheet.spec.name, self._sheet.address(self.number, header)
        value = self._row.originals.get(header, self[header])
        self._problems.add(severity, message, sheet=sheet, cell=cell, value=value)

    def check_cells(self) -> None:
        """What any cell can have: blank where it must not be, too long, or tidied up while reading."""
        for column in self._sheet.spec.columns:
            text = self[column.header]
            if column.filled and not text:
                self.error(column.header, lazy_gettext("%(column)s is blank; fill it in.", column=column.header))
            if len(text) > column.longest:
                self.error(
                    column.header,
                    lazy_gettext(
                        "%(column)s is longer than %(longest)s characters; shorten it.",
                        column=column.header,
                        longest=column.longest,
                    ),
                )
        for header in self._row.cleaned:
            if self[header]:
                message = lazy_gettext(
                    'Blanks or invisible characters were removed; read as "%(value)s".', value=self[header]
                )
                self.warn(header, message)
        for header in self._row.folded:
            message = lazy_gettext(
                'Full-width letters or digits were made ordinary ones; read as "%(value)s".', value=self[header]
            )
            self.warn(header, message)


class _Reader:
    """One pass over the five sheets; a code is known even when its row has another error, to spare follow-up errors."""

    def __init__(self, workbook: Workbook, *, problems: Problems, progress: Progress) -> None:
        self._workbook, self._problems, self._progress = workbook, problems, progress
        self._total = sum(sheet.height for sheet in workbook.sheets.values())
        self._done = 0
        self._roster = RosterFile()
        self._school_lines: dict[str, _Line] = {}
        self._school_of: dict[str, str] = {}
        self._principals: dict[str, _Line] = {}

    def read(self) -> RosterFile:
        self._refuse_pupils()
        self._read_schools()
        self._read_departments()
        self._read_teachers()
        self._check_principals()
        self._read_classes()
        self._read_teaching()
        self._progress(self._total, self._total)
        return self._roster

    def _lines(self, spec: SheetSpec) -> Iterator[_Line]:
        sheet = self._workbook.sheets[spec.name]
        for row in sheet.rows():
            line = _Line(sheet, row, self._problems)
            line.check_cells()
            yield line
            self._done += 1
            if self._done % _PROGRESS_ROWS == 0:
                self._progress(self._done, self._total)

    def _refuse_pupils(self) -> None:
        """Pupils exist only as head-counts: names of pupils are not even looked at."""
        message = lazy_gettext("This may name pupils; it was neither read nor stored. Delete it from the workbook.")
        for name in self._workbook.others:
            if _PUPILS.search(name):
                self._problems.add("warning", message, sheet=name)
        for sheet in self._workbook.sheets.values():
            for header in sheet.extra:
                if _PUPILS.search(header):
                    cell = sheet.address(sheet.header_row, header)
                    self._problems.add("warning", message, sheet=sheet.spec.name, cell=cell, value=header)

    def _read_schools(self) -> None:
        for line in self._lines(SCHOOLS):
            code = line["学校代码"]
            if not code:
                continue
            if first := self._school_lines.get(code):
                line.error("学校代码", _duplicate(first.number, code))
                continue
            self._school_lines[code] = line
            values = line.values("学校名称", "学区", "学段", "性质", "校长", "地址")
            self._roster.schools[(code,)] = values
        if not self._school_lines:
            message = lazy_gettext("The sheet 学校 names no school; enter every school with its 学校代码.")
            self._problems.add("error", message, sheet=SCHOOLS.name, cell="A2")

    def _read_departments(self) -> None:
        numbers: dict[str, int] = {}
        for line in self._lines(DEPARTMENTS):
            code = line["科室代码"]
            if code in numbers:
                line.error("科室代码", _duplicate(numbers[code], code))
            elif code:
                numbers[code] = line.number
                self._roster.departments[(code,)] = line.values("科室名称", "负责人")

    def _read_teachers(self) -> None:
        numbers: dict[str, int] = {}
        for line in self._lines(TEACHERS):
            code, school = line.values("工号", "学校代码")
            self._check_school(line)
            if line.lacks("手机"):
                line.warn("手机", lazy_gettext("The phone number is missing; add it, or leave it if there is none."))
            if code in numbers:
                line.error("工号", _duplicate(numbers[code], code))
            elif code:
                numbers[code] = line.number
                self._school_of[code] = school
                self._note_principal(line)
                self._roster.teachers[(code,)] = line.values("姓名", "性别", "学校代码", "职务", "任教学科", "手机")

    def _check_school(self, line: _Line) -> bool:
        code = line["学校代码"]
        if code and code not in self._school_lines:
            message = lazy_gettext(
                '"%(code)s" is no 学校代码 of the sheet 学校; correct it, or add the school there.', code=code
            )
            line.error("学校代码", message)
        return code in self._school_lines

    def _note_principal(self, line: _Line) -> None:
        if line["职务"] != PRINCIPAL:
            return
        school = line["学校代码"]
        if first := self._principals.get(school):
            message = lazy_gettext(
                "The school %(school)s already has the principal %(name)s in row %(row)s; keep 校长 in one row only.",
                school=school,
                name=first["姓名"],
                row=first.number,
            )
            line.warn("职务", message)
        else:
            self._principals[school] = line

    def _check_principals(self) -> None:
        for code, line in self._school_lines.items():
            principal = self._principals.get(code)
            if principal is None:
                message = lazy_gettext(
                    "The school %(school)s has no principal: no row of the sheet 教师 has 职务 校长 for it; "
                    "without one nobody there can be rated as principal.",
                    school=line["学校名称"] or code,
                )
                line.warn("学校代码", message)
            elif line["校长"] and line["校长"] != principal["姓名"]:
                message = lazy_gettext(
                    "The sheet 教师 (row %(row)s) has %(name)s as principal of this school, and that counts; "
                    "correct one of the two sheets.",
                    row=principal.number,
                    name=principal["姓名"],
                )
                line.warn("校长", message)

    def _read_classes(self) -> None:
        numbers: dict[Key, int] = {}
        for line in self._lines(CLASSES):
            key = line.values("学校代码", "年级", "班级")
            self._check_school(line)
            size = _class_size(line)
            self._check_class_teacher(line)
            if key in numbers:
                line.error("班级", _duplicate(numbers[key], *key))
            else:
                numbers[key] = line.number
                self._roster.classes[key] = (size, line["班主任工号"])

    def _check_class_teacher(self, line: _Line) -> None:
        code = line["班主任工号"]
        if code and code not in self._school_of:
            message = lazy_gettext(
                '"%(code)s" is no 工号 of the sheet 教师; correct the 班主任工号, or add the teacher there.', code=code
            )
            line.warn("班主任工号", message)

    def _read_teaching(self) -> None:
        numbers: dict[Key, int] = {}
        for line in self._lines(TEACHING):
            key = line.values("学校代码", "年级", "班级", "工号", "学科")
            if self._check_school(line):
                self._check_class(line)
            self._check_teacher(line)
            if key in numbers:
                message = lazy_gettext(
                    "This row is the same as row %(row)s and was counted once; delete one of them.", row=numbers[key]
                )
                line.warn("工号", message)
            else:
                numbers[key] = line.number
                self._roster.teaching[key] = ()

    def _check_class(self, line: _Line) -> None:
        if line.values("学校代码", "年级", "班级") not in self._roster.classes and line["年级"] and line["班级"]:
            message = lazy_gettext(
                "The sheet 班级 has no class %(grade)s %(name)s of the school %(school)s; "
                "correct it, or add the class there.",
                grade=line["年级"],
                name=line["班级"],
                school=line["学校代码"],
            )
            line.error("班级", message)

    def _check_teacher(self, line: _Line) -> None:
        code, school = line.values("工号", "学校代码")
        if code and code not in self._school_of:
            message = lazy_gettext(
                '"%(code)s" is no 工号 of the sheet 教师; correct it, or add the teacher there.', code=code
            )
            line.error("工号", message)
        elif code and school in self._school_lines and self._school_of[code] != school:
            message = lazy_gettext(
                "The teacher %(code)s belongs to the school %(home)s but teaches here at %(school)s; "
                "correct it unless it is so.",
                code=code,
                home=self._school_of[code],
                school=school,
            )
            line.warn("工号", message)


def _duplicate(row: int, *key: str) -> object:
    return lazy_gettext(
        '"%(value)s" already stands in row %(row)s of this sheet; keep one of the two rows.',
        value=" ".join(key),
        row=row,
    )


def _clip(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _class_size(line: _Line) -> int:
    """The head-count of a class row; 0 where it is wrong or missing."""
    text = line["在籍人数"]
    if not _WHOLE.fullmatch(text):
        message = lazy_gettext(
            '在籍人数 is "%(value)s"; it must be a whole number from 0 to %(most)s.', value=text, most=_LARGEST_CLASS
        )
        line.error("在籍人数", message)
        return 0
    size = int(text)
    if size == 0:
        line.warn(
            "在籍人数", lazy_gettext("This class has no pupils, so it gets no slips; correct it unless it is so.")
        )
    elif size > _LARGE_CLASS:
        message = lazy_gettext("%(size)s pupils in one class are unlikely; correct it unless it is so.", size=size)
        line.warn("在籍人数", message)
    return size
