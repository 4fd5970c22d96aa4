"""Who rates whom: the five relations (五评) derived from the roster by rule, as plain values."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.models.organisations import Department, School, SchoolClass, Teacher, Teaching

# A target that fewer can rate stays below the floor even if everyone answers: it gets no slips.
FEWEST_RATERS = 10
# Teachers and principals have accounts, so that no rated person has to hand out their slips.
TOKEN_RELATIONS = ("teacher_principal", "principal_department")
FIRST_PUPIL_GRADE = 3
CHILD_GRADES = range(3, 7)
JOINT_GRADES = range(1, 3)
FIRST_SENIOR_GRADE = 10
BUREAU = "BUREAU"
PRINCIPAL = "校长"
BELOW_FLOOR = "electorate_below_floor"


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The roster's rows that have not left, by key."""

    schools: Mapping[str, School]
    departments: Sequence[Department]
    classes: Sequence[SchoolClass]
    teachers: Mapping[str, Teacher]
    teaching: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class TargetPlan:
    """A target to be made; `left_out` says why it takes no part."""

    code: str
    name: str
    unit: str
    unit_name: str
    district: str = ""
    school_code: str = ""
    left_out: str | None = None


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """A rater group to be made; `pages` maps target codes to a detail (the subjects); `whole`: one page of all."""

    code: str
    name: str
    pages: Mapping[str, str]
    kind: str = "slip"
    school_code: str = ""
    grade: str = ""
    variant: str = ""
    enrolled: int = 0
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class RelationPlan:
    """One evaluation to be made, and what the officer should know about it."""

    relation: str
    questionnaire: str
    targets: tuple[TargetPlan, ...]
    groups: tuple[GroupPlan, ...]
    findings: tuple[str, ...] = ()

    @property
    def shown_targets(self) -> tuple[TargetPlan, ...]:
        """Return the targets that take part."""
        return tuple(target for target in self.targets if target.left_out is None)


def load_roster(session: Session) -> Roster:
    """Read the roster as it stands, without rows that have left."""
    schools = {s.code: s for s in session.scalars(select(School).where(~School.left).order_by(School.code))}
    teachers = {t.code: t for t in session.scalars(select(Teacher).where(~Teacher.left).order_by(Teacher.code))}
    classes = session.scalars(select(SchoolClass).where(~SchoolClass.left).order_by(SchoolClass.id)).all()
    teaching: dict[int, dict[str, str]] = defaultdict(dict)
    for row in session.scalars(select(Teaching).where(~Teaching.left).order_by(Teaching.id)):
        taught = teaching[row.class_id]
        taught[row.teacher_code] = "、".join(filter(None, (taught.get(row.teacher_code), row.subject)))
    return Roster(
        schools=schools,
        departments=session.scalars(select(Department).where(~Department.left).order_by(Department.code)).all(),
        classes=[c for c in classes if c.school_code in schools],
        teachers={code: t for code, t in teachers.items() if t.school_code in schools},
        teaching=teaching,
    )


_DIGITS = {digit: number for number, digit in enumerate("一二三四五六七八九", start=1)}
_GRADE = re.compile(r"^(初|高)?([一二三四五六七八九1-9])(?:年级)?$")
_KINDERGARTEN = ("托班", "小班", "中班", "大班", "学前班")


def grade_number(grade: str) -> int | None:
    """Return 0 for kindergarten, 1–12 for a school grade, None for a name that no rule knows."""
    if grade in _KINDERGARTEN:
        return 0
    match = _GRADE.match(grade)
    if match is None:
        return None
    number = _DIGITS.get(match[2]) or int(match[2])
    return number + {"初": 6, "高": 9, None: 0}[match[1]]


def grade_of(row: SchoolClass, school: School) -> int | None:
    """Return the grade of a class; where its name tells nothing, the school's stage (学段) decides: 0, or 10 and up."""
    number = grade_number(row.grade)
    if number is not None:
        return number
    if "幼" in school.stage:
        return 0
    return FIRST_SENIOR_GRADE if any(mark in school.stage for mark in ("中", "职", "技")) else None


def class_label(row: SchoolClass) -> str:
    """Return 三年级1班, also where the class column already holds the grade."""
    return row.name if row.name.startswith(row.grade) else f"{row.grade}{row.name}"


def plan_five(roster: Roster) -> tuple[RelationPlan, ...]:
    """Return the five evaluations of a 五评 campaign for this roster."""
    return tuple(_without_small_targets(rule(roster)) for rule in _RULES)


def with_tokens(plans: Iterable[RelationPlan]) -> tuple[RelationPlan, ...]:
    """Return the plans with blind-signed tokens (盲签票) for electorates that have accounts and at least ten people.

    Fewer would share a key with too few others: they keep paper slips.
    """
    return tuple(
        replace(plan, groups=tuple(map(_by_token, plan.groups))) if plan.relation in TOKEN_RELATIONS else plan
        for plan in plans
    )


def _by_token(group: GroupPlan) -> GroupPlan:
    fits = group.kind == "slip" and group.enrolled >= FEWEST_RATERS
    return replace(group, kind="token") if fits else group


def _principals(roster: Roster) -> list[Teacher]:
    return [teacher for teacher in roster.teachers.values() if teacher.position == PRINCIPAL]


def _student_teacher(roster: Roster) -> RelationPlan:
    groups, findings = [], []
    for row in roster.classes:
        grade = grade_of(row, roster.schools[row.school_code])
        place = f"{roster.schools[row.school_code].name} {class_label(row)}"
        if grade is None:
            findings.append(_("%(place)s: the grade is not known, so its pupils do not vote.", place=place))
        elif grade >= FIRST_PUPIL_GRADE:
            pages = {t: s for t, s in roster.teaching.get(row.id, {}).items() if t in roster.teachers}
            if not pages:
                findings.append(_("%(place)s: no teacher is assigned to this class.", place=place))
            groups.append(_class_group(roster, row, "S", pages=pages, variant="child" if grade in CHILD_GRADES else ""))
    rated = {code for group in groups for code in group.pages}
    targets = [_teacher_target(roster, teacher) for code, teacher in roster.teachers.items() if code in rated]
    return RelationPlan(
        relation="student_teacher",
        questionnaire="student_teacher",
        targets=tuple(targets),
        groups=tuple(groups),
        findings=tuple(findings),
    )


def _class_group(roster: Roster, row: SchoolClass, prefix: str, *, pages: Mapping[str, str], variant: str) -> GroupPlan:
    label = class_label(row)
    return GroupPlan(
        code=f"{prefix}-{row.school_code}-{label}",
        name=f"{roster.schools[row.school_code].name} {label}",
        pages=pages,
        school_code=row.school_code,
        grade=row.grade,
        variant=variant,
        enrolled=row.size,
    )


def _teacher_target(roster: Roster, teacher: Teacher) -> TargetPlan:
    school = roster.schools[teacher.school_code]
    return TargetPlan(
        code=teacher.code,
        name=teacher.name,
        unit=school.code,
        unit_name=school.name,
        district=school.district,
        school_code=school.code,
    )


def _parent_school(roster: Roster) -> RelationPlan:
    groups, findings = [], []
    for row in roster.classes:
        grade = grade_of(row, roster.schools[row.school_code])
        if row.size == 0:
            place = f"{roster.schools[row.school_code].name} {class_label(row)}"
            findings.append(_("%(place)s: the class has no pupils, so nobody there can vote.", place=place))
        variant = "kindergarten" if grade == 0 else "joint" if grade in JOINT_GRADES else ""
        groups.append(_class_group(roster, row, "P", pages={row.school_code: ""}, variant=variant))
    attended = {row.school_code for row in roster.classes}
    targets = [_school_target(school, school.name) for code, school in roster.schools.items() if code in attended]
    findings += [
        _("%(place)s: the school has no class.", place=school.name)
        for code, school in roster.schools.items()
        if code not in attended
    ]
    return RelationPlan(
        relation="parent_school",
        questionnaire="parent_school",
        targets=tuple(targets),
        groups=tuple(groups),
        findings=tuple(findings),
    )


def _school_target(school: School, name: str, code: str = "") -> TargetPlan:
    return TargetPlan(
        code=code or school.code,
        name=name,
        unit=school.district,
        unit_name=school.district,
        district=school.district,
        school_code=school.code,
    )


def _teacher_principal(roster: Roster) -> RelationPlan:
    heads: dict[str, list[Teacher]] = defaultdict(list)
    for teacher in _principals(roster):
        heads[teacher.school_code].append(teacher)
    staff: dict[str, int] = defaultdict(int)
    for teacher in roster.teachers.values():
        # Nobody rates himself: a principal does not vote here.
        staff[teacher.school_code] += teacher.position != PRINCIPAL
    groups = [
        GroupPlan(
            code=f"T-{code}",
            name=_("%(school)s teachers", school=school.name),
            pages={teacher.code: school.name for teacher in heads[code]},
            school_code=code,
            enrolled=staff[code],
        )
        for code, school in roster.schools.items()
        if heads[code]
    ]
    targets = [
        _school_target(roster.schools[teacher.school_code], teacher.name, teacher.code)
        for teachers in heads.values()
        for teacher in teachers
    ]
    missing = [school.name for code, school in roster.schools.items() if not heads[code]]
    return RelationPlan(
        relation="teacher_principal",
        questionnaire="teacher_principal",
        targets=tuple(targets),
        groups=tuple(groups),
        findings=tuple(_("%(place)s: the roster names no principal.", place=name) for name in missing),
    )


def _principal_department(roster: Roster) -> RelationPlan:
    targets = [
        TargetPlan(code=row.code, name=row.name, unit=BUREAU, unit_name=_("Education bureau"))
        for row in roster.departments
    ]
    group = GroupPlan(
        code=f"H-{BUREAU}",
        name=_("All principals"),
        pages={target.code: "" for target in targets},
        enrolled=len(_principals(roster)),
        whole=True,
    )
    return RelationPlan(
        relation="principal_department",
        questionnaire="principal_department",
        targets=tuple(targets),
        groups=(group,),
        findings=() if targets else (_("The roster names no department."),),
    )


def _public_education(_roster: Roster) -> RelationPlan:
    target = TargetPlan(code=BUREAU, name=_("Education bureau"), unit=BUREAU, unit_name=_("Education bureau"))
    group = GroupPlan(code=f"O-{BUREAU}", name=_("The public"), pages={BUREAU: ""}, kind="open")
    return RelationPlan(
        relation="public_education", questionnaire="public_education", targets=(target,), groups=(group,)
    )


_RULES: tuple[Callable[[Roster], RelationPlan], ...] = (
    _student_teacher,
    _teacher_principal,
    _principal_department,
    _parent_school,
    _public_education,
)


def _without_small_targets(plan: RelationPlan) -> RelationPlan:
    """Leave out targets that too few can rate, and groups that then have nobody to rate or nobody to vote."""
    raters: dict[str, int] = defaultdict(int)
    for group in plan.groups:
        for code in group.pages:
            raters[code] += FEWEST_RATERS if group.kind == "open" else group.enrolled
    targets = tuple(
        replace(target, left_out=BELOW_FLOOR if raters[target.code] < FEWEST_RATERS else None)
        for target in plan.targets
        if raters[target.code] > 0
    )
    kept = {target.code for target in targets if target.left_out is None}
    groups = (_only(group, kept) for group in plan.groups)
    return replace(
        plan,
        targets=targets,
        groups=tuple(g for g in groups if g.pages and (g.enrolled > 0 or g.kind == "open")),
        findings=plan.findings + tuple(_small_findings(targets, raters)),
    )


def _only(group: GroupPlan, kept: Iterable[str]) -> GroupPlan:
    kept = set(kept)
    return replace(group, pages={code: detail for code, detail in group.pages.items() if code in kept})


def _small_findings(targets: Iterable[TargetPlan], raters: Mapping[str, int]) -> Iterable[str]:
    for target in targets:
        if target.left_out:
            yield _(
                "%(unit)s %(name)s (%(code)s): only %(number)s can rate, fewer than the floor of %(floor)s; left out.",
                unit=target.unit_name,
                name=target.name,
                code=target.code,
                number=raters[target.code],
                floor=FEWEST_RATERS,
            )
