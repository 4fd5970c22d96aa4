"""A small roster workbook, as rows that a test may spoil before they are saved."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest

Rows = dict[str, list[list[object]]]
SaveWorkbook = Callable[[Rows], Path]
Later = Callable[[timedelta], None]


@pytest.fixture
def clock_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Later]:
    """Returns, for a module, what moves the clock that it reads."""

    def of(module: ModuleType) -> Later:
        def move(by: timedelta) -> None:
            class Clock(datetime):
                @classmethod
                def now(cls, tz: object = None) -> datetime:
                    return datetime.now(UTC) + by

            monkeypatch.setattr(module, "datetime", Clock)

        return move

    return of


@pytest.fixture
def roster_rows() -> Rows:
    """Two schools, two departments, two classes, four teachers, three teaching rows; nothing is wrong with it."""
    return {
        "学校": [
            ["学校代码", "学校名称", "学区", "学段", "性质", "校长", "地址"],
            ["421000", "青禾小学", "城关学区", "小学", "公办", "甲", "学府路1号"],
            ["421001", "望江小学", "东湖学区", "小学", "公办", "乙", "学府路2号"],
        ],
        "科室": [["科室代码", "科室名称", "负责人"], ["K01", "办公室", "丙"], ["K02", "人事科", "丁"]],
        "班级": [
            ["学校代码", "年级", "班级", "在籍人数", "班主任工号"],
            ["421000", "三年级", "1班", 45, "T01"],
            ["421001", "三年级", "1班", 30, "T02"],
        ],
        "教师": [
            ["工号", "姓名", "性别", "学校代码", "职务", "任教学科", "手机"],
            ["T01", "张三", "女", "421000", "教师", "语文", "13800000001"],
            ["T02", "李四", "男", "421001", "教师", "数学", "13800000002"],
            ["T03", "甲", "男", "421000", "校长", None, "13800000003"],
            ["T04", "乙", "女", "421001", "校长", None, "13800000004"],
        ],
        "任课": [
            ["学校代码", "年级", "班级", "学科", "工号"],
            ["421000", "三年级", "1班", "语文", "T01"],
            ["421001", "三年级", "1班", "数学", "T02"],
            ["421000", "三年级", "1班", "科学", "T03"],
        ],
    }


@pytest.fixture
def save_workbook(tmp_path: Path) -> SaveWorkbook:
    """Writes rows by sheet into an .xlsx file and returns its path."""

    def save(rows: Rows) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, lines in rows.items():
            sheet = book.create_sheet(name)
            for line in lines:
                sheet.append(line)
        path = tmp_path / "roster.xlsx"
        book.save(path)
        return path

    return save
