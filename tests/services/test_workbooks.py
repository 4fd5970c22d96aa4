"""Reading workbooks: headers, the text of cells, templates."""

import datetime as dt
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from survey.errors import BadInput
from survey.services.roster_sheets import ROSTER_SHEETS, write_template
from survey.services.rosters import import_roster
from survey.services.workbooks import Column, Sheet, SheetSpec, read_workbook

Rows = dict[str, list[list[object]]]
SaveWorkbook = Callable[[Rows], Path]
PLACES = SheetSpec(
    name="班级",
    columns=(Column(header="代码", folded=True), Column(header="名称"), Column(header="备注", needed=False)),
)

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def read(save_workbook: SaveWorkbook) -> Callable[..., Sheet]:
    """Saves rows as the sheet 班级 and reads it back."""

    def run(*rows: list[object], name: str = "班级") -> Sheet:
        path = save_workbook({name: list(rows)})
        return read_workbook(path, sheets=[PLACES]).sheets["班级"]

    return run


Read = Callable[..., Sheet]


def test_rows_carry_their_number_and_their_text(read: Read) -> None:
    (row,) = read(["代码", "名称", "备注"], [None, " "], ["K1", "一", None]).rows()
    assert (row.number, row.cells) == (3, {"代码": "K1", "名称": "一", "备注": ""})


def test_columns_may_stand_in_any_order_beside_others(read: Read) -> None:
    sheet = read(["名称", "其他", "代码"], ["一", "x", "K1"])
    (row,) = sheet.rows()
    assert row.cells == {"名称": "一", "代码": "K1", "备注": ""}
    assert [sheet.address(2, header) for header in ("名称", "代码", "备注", "其他")] == ["A2", "C2", "", "B2"]


def test_a_title_may_stand_above_the_headers(read: Read) -> None:
    sheet = read([None], ["2026 年名册"], ["代码", "名称"], ["K1", "一"])
    assert [(row.number, row.cells["代码"]) for row in sheet.rows()] == [(4, "K1")]


def test_headers_and_sheet_names_are_compared_folded(read: Read) -> None:
    (row,) = read([" 代码", "名　称"], ["K1", "一"], name="班级 ").rows()
    assert row.cells["名称"] == "一"


def test_cells_to_the_right_and_below_an_empty_corner_keep_their_address(save_workbook: SaveWorkbook) -> None:
    path = save_workbook({"班级": [[None, None, "代码", "名称"], [None, None, "K1", "一"]]})
    sheet = read_workbook(path, sheets=[PLACES]).sheets["班级"]
    assert [(sheet.address(row.number, "代码"), row.cells["代码"]) for row in sheet.rows()] == [("C2", "K1")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (45.0, "45"),
        (421000, "421000"),
        (30.5, "30.5"),
        (1e20, "100000000000000000000"),
        (0.1 + 0.2, "0.3"),
        (True, "TRUE"),
        (dt.date(2026, 9, 1), "2026-09-01"),
        (dt.datetime(2026, 9, 1, 8, 30), "2026-09-01 08:30"),
        (dt.time(8, 30), "08:30:00"),
        ("０４２１", "0421"),
        ("（1）班", "(1)班"),
        ("\u3000K1\u00a0", "K1"),
        ("K\u200b1\u202e", "K1"),
        ("a\tb\nc", "a b c"),
        ("_x0000_K1", "K1"),
    ],
)
def test_the_text_of_a_code(read: Read, value: object, text: str) -> None:
    (row,) = read(["代码", "名称"], [value, "一"]).rows()
    assert row.cells["代码"] == text


@pytest.mark.parametrize(
    ("value", "text"), [("（全）Ａ", "（全）Ａ"), ("文　艳", "文艳"), ("Ana　Li", "Ana Li"), ("阿依 古丽", "阿依 古丽")]
)
def test_the_text_of_a_name_is_not_folded(read: Read, value: str, text: str) -> None:
    (row,) = read(["代码", "名称"], ["K1", value]).rows()
    assert row.cells["名称"] == text


def test_what_was_tidied_is_recorded(read: Read) -> None:
    (row,) = read(["代码", "名称"], ["１ ", "一 "]).rows()
    assert (row.cleaned, row.folded) == (("代码", "名称"), ("代码",))
    assert row.originals == {"代码": "１ ", "名称": "一 "}


def test_the_first_sheet_can_be_read_by_no_name(save_workbook: SaveWorkbook) -> None:
    path = save_workbook({"答卷": [["t1", "q1"], ["A", 5]], "其他": [[]]})
    spec = SheetSpec(name="", columns=(Column(header="t1"), Column(header="q1")))
    workbook = read_workbook(path, sheets=[spec])
    assert [row.cells for row in workbook.sheets[""].rows()] == [{"t1": "A", "q1": "5"}]
    assert workbook.others == ("其他",)


def test_a_missing_sheet_is_named(read: Read) -> None:
    with pytest.raises(BadInput, match="班级"):
        read(["代码", "名称"], name="Sheet1")


def test_missing_columns_are_named(read: Read) -> None:
    with pytest.raises(BadInput, match=r"班级.*名称"):
        read(["代码", "其他"], ["K1", "x"])


def test_an_empty_sheet_lacks_its_columns(read: Read) -> None:
    with pytest.raises(BadInput, match="代码、名称"):
        read([])


def test_a_column_that_stands_twice_is_refused(read: Read) -> None:
    with pytest.raises(BadInput, match=r"A1.*C1"):
        read(["代码", "名称", "代码"], ["K1", "一", "K2"])


def test_the_template_has_five_sheets_and_a_guide() -> None:
    buffer = BytesIO()
    write_template(buffer)
    book = openpyxl.load_workbook(buffer)
    assert book.sheetnames == ["学校", "科室", "班级", "教师", "任课", "填写说明"]
    for spec in ROSTER_SHEETS:
        assert [cell.value for cell in book[spec.name][1]] == [column.header for column in spec.columns]
    assert book["填写说明"].max_row == 1 + sum(len(spec.columns) for spec in ROSTER_SHEETS)


def test_the_empty_template_only_lacks_schools(tmp_path: Path) -> None:
    write_template(tmp_path / "template.xlsx")
    report = import_roster(tmp_path / "template.xlsx", actor="officer")
    assert [(p.sheet, p.severity) for p in report.problems] == [("学校", "error")]


def test_the_examples_of_the_template_fit_together(app: Flask, save_workbook: SaveWorkbook) -> None:
    rows: Rows = {
        spec.name: [[c.header for c in spec.columns], [c.example for c in spec.columns]] for spec in ROSTER_SHEETS
    }
    assert import_roster(save_workbook(rows), actor="officer").ok
