"""The demonstration county: an invented roster as the same kind of workbook that a bureau would send."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

SEED = 20260901
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超兰霞平刚桂英华玉萍红鹏辉玲丹宁波文慧婷雪晨宇佳欣"
_PRIMARY = ("语文", "数学", "英语", "道德与法治", "科学", "音乐", "美术", "体育")
_MIDDLE = ("语文", "数学", "英语", "物理", "历史", "地理", "生物", "体育")
_KINDERGARTEN = ("语言", "健康", "艺术")
_STAGES = {
    "小学": (("一年级", "二年级", "三年级", "四年级", "五年级", "六年级"), _PRIMARY),
    "初中": (("七年级", "八年级", "九年级"), _MIDDLE),
    "高中": (("高一", "高二", "高三"), _MIDDLE),
    "幼儿园": (("小班", "中班", "大班"), _KINDERGARTEN),
}


@dataclass(frozen=True, kw_only=True)
class DemoSchool:
    """A school of the county; `quality` shifts how its raters answer (about one level at ±1)."""

    code: str
    name: str
    district: str
    stage: str
    classes: int
    size: int
    quality: float


# Thirteen, so that enough principals rate the departments: fewer than ten would leave these out.
SCHOOLS = (
    DemoSchool(code="330101", name="青溪中心小学", district="城关学区", stage="小学", classes=2, size=38, quality=0.5),
    DemoSchool(code="330102", name="云岭小学", district="城关学区", stage="小学", classes=2, size=34, quality=0.0),
    DemoSchool(code="330103", name="白鹭湾小学", district="东湖学区", stage="小学", classes=1, size=30, quality=-0.7),
    DemoSchool(code="330104", name="石门坎村小学", district="东湖学区", stage="小学", classes=1, size=9, quality=0.2),
    DemoSchool(
        code="330201", name="城关第一初级中学", district="城关学区", stage="初中", classes=3, size=42, quality=0.3
    ),
    DemoSchool(code="330202", name="东湖初级中学", district="东湖学区", stage="初中", classes=2, size=40, quality=-0.4),
    DemoSchool(code="330301", name="青溪高级中学", district="城关学区", stage="高中", classes=2, size=48, quality=0.1),
    DemoSchool(
        code="330401", name="小星星幼儿园", district="东湖学区", stage="幼儿园", classes=1, size=22, quality=0.6
    ),
    DemoSchool(code="330105", name="柳树坪小学", district="东湖学区", stage="小学", classes=1, size=21, quality=0.1),
    DemoSchool(code="330106", name="桥头村教学点", district="东湖学区", stage="小学", classes=1, size=7, quality=0.3),
    DemoSchool(
        code="330402", name="城关实验幼儿园", district="城关学区", stage="幼儿园", classes=2, size=26, quality=0.2
    ),
    DemoSchool(
        code="330403", name="东湖中心幼儿园", district="东湖学区", stage="幼儿园", classes=1, size=18, quality=-0.2
    ),
    DemoSchool(code="330107", name="枫林小学", district="城关学区", stage="小学", classes=1, size=28, quality=-0.1),
)
DEPARTMENTS = ("办公室", "人事科", "计划财务科", "基础教育科", "教育督导室", "安全管理科")


def write_demo_roster(path: Path) -> None:
    """Write the county's workbook with the five sheets of a roster; the same file every time."""
    chance = random.Random(SEED)
    sheets = _sheets(chance)
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


def _name(chance: random.Random) -> str:
    return chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2))))


def _sheets(chance: random.Random) -> dict[str, list[tuple[object, ...]]]:
    sheets: dict[str, list[tuple[object, ...]]] = {
        "学校": [("学校代码", "学校名称", "学区", "学段", "性质", "校长", "地址")],
        "科室": [("科室代码", "科室名称", "负责人")],
        "班级": [("学校代码", "年级", "班级", "在籍人数", "班主任工号")],
        "教师": [("工号", "姓名", "性别", "学校代码", "职务", "任教学科", "手机")],
        "任课": [("学校代码", "年级", "班级", "学科", "工号")],
    }
    sheets["科室"] += [(f"K{n:02}", name, _name(chance)) for n, name in enumerate(DEPARTMENTS, start=1)]
    number = 0
    for school in SCHOOLS:
        staff = list(_staff(school, chance, first=number))
        number += len(staff)
        head = staff[-1]
        sheets["学校"].append(
            (school.code, school.name, school.district, school.stage, "公办", head[1], f"{school.name[:2]}路 1 号")
        )
        sheets["教师"] += staff
        _classes(school, staff[:-1], chance, sheets)
    return sheets


def _staff(school: DemoSchool, chance: random.Random, *, first: int) -> Iterator[tuple[str, ...]]:
    """Yield a school's teachers, the principal last."""
    grades, subjects = _STAGES[school.stage]
    # A village school has one teacher a subject: too few to rate their principal. The others have two or more.
    per_subject = max(1 if school.size < 15 else 2, len(grades) * school.classes // 5)
    places = [(subject, "教师") for subject in subjects for _copy in range(per_subject)] + [("", "校长")]
    for offset, (subject, position) in enumerate(places, start=1):
        phone = f"1{chance.randrange(30, 99)}{chance.randrange(10**8):08}"
        yield f"T{first + offset:04}", _name(chance), chance.choice("男女"), school.code, position, subject, phone


def _classes(
    school: DemoSchool,
    teachers: list[tuple[str, ...]],
    chance: random.Random,
    sheets: dict[str, list[tuple[object, ...]]],
) -> None:
    grades, subjects = _STAGES[school.stage]
    by_subject = {subject: [t[0] for t in teachers if t[5] == subject] for subject in subjects}
    places = [(grade, f"{n}班") for grade in grades for n in range(1, school.classes + 1)]
    for place, (grade, name) in enumerate(places):
        size = max(5, school.size + chance.randrange(-4, 5))
        taught = [(subject, codes[place % len(codes)]) for subject, codes in by_subject.items()]
        sheets["班级"].append((school.code, grade, name, size, taught[0][1]))
        sheets["任课"] += [(school.code, grade, name, subject, code) for subject, code in taught]
