"""The roster import: what it counts, refuses, warns of and writes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from survey.database import transaction
from survey.errors import BadInput, Conflict
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.organisations import RosterVersion, School, SchoolClass, Teacher, Teaching
from survey.services import roster_checks, rosters
from survey.services.rosters import ChangeCounts, RosterReport, import_roster

Rows = dict[str, list[list[object]]]
SaveWorkbook = Callable[[Rows], Path]
COUNTY = Path(__file__).parents[3] / "shared" / "data" / "county_roster.xlsx"


@pytest.fixture
def load(app: Flask, roster_rows: Rows, save_workbook: SaveWorkbook) -> Callable[..., RosterReport]:
    """Imports the rows as they now are."""

    def run(**options: object) -> RosterReport:
        return import_roster(save_workbook(roster_rows), actor="officer", **options)

    return run


Load = Callable[..., RosterReport]


def found(report: RosterReport, severity: str) -> list[tuple[str, str, str]]:
    return [(p.sheet, p.cell, p.value) for p in report.problems if p.severity == severity]


def count(model: type) -> int:
    return db.session.query(model).filter_by(left=False).count()


def test_a_sound_file_is_imported(load: Load) -> None:
    report = load()
    assert (report.schools, report.departments, report.classes) == (2, 2, 2)
    assert (report.pupils, report.teachers, report.teaching) == (75, 4, 3)
    assert report.changes == ChangeCounts(added=13)
    assert (report.ok, report.problems) == (True, ())
    assert [count(m) for m in (School, SchoolClass, Teacher, Teaching)] == [2, 2, 4, 3]


def test_the_document_has_exactly_the_agreed_keys(load: Load, roster_rows: Rows) -> None:
    roster_rows["教师"][1][6] = None
    document = json.loads(json.dumps(load().to_json()))
    counts = ["schools", "departments", "classes", "pupils", "teachers", "teaching"]
    assert list(document) == [*counts, "changes", "problems"]
    assert set(document["changes"]) == {"added", "changed", "unchanged", "removed"}
    assert set(document["problems"][0]) == {"sheet", "cell", "value", "message", "severity"}


def test_a_second_import_changes_nothing(load: Load) -> None:
    load()
    assert load().changes == ChangeCounts(unchanged=13)
    assert db.session.query(RosterVersion).count() == 1


def test_a_version_and_an_audit_entry_are_kept(load: Load) -> None:
    load(file_name="名册 2026.xlsx")
    version = db.session.query(RosterVersion).one()
    assert (version.imported_by, version.file_name, version.added) == ("officer", "名册 2026.xlsx", 13)
    entry = db.session.query(AuditEntry).filter_by(action="roster.import").one()
    assert entry.detail == {"added": 13, "changed": 0, "unchanged": 0, "removed": 0}


def test_a_dry_run_writes_nothing(load: Load) -> None:
    report = load(dry_run=True)
    assert report.changes.added == 13
    assert (count(School), db.session.query(RosterVersion).count()) == (0, 0)


def test_changes_are_told_by_row_and_field(load: Load, roster_rows: Rows) -> None:
    load()
    roster_rows["班级"][1][3] = 46
    report = load()
    assert report.changes == ChangeCounts(changed=1, unchanged=12)
    (change,) = report.diff[2].changed
    assert change.row == "421000 三年级 1班"
    assert [(f.field, f.old, f.new) for f in change.fields] == [("在籍人数", "45", "46")]
    assert db.session.query(SchoolClass).filter_by(school_code="421000").one().size == 46


def test_rows_gone_are_marked_as_left_and_come_back(load: Load, roster_rows: Rows) -> None:
    load()
    gone = roster_rows["任课"].pop()
    report = load()
    assert report.changes == ChangeCounts(unchanged=12, removed=1)
    assert report.diff[4].removed == ("421000 三年级 1班 T03 科学",)
    assert (count(Teaching), db.session.query(Teaching).count()) == (2, 3)
    assert load().changes == ChangeCounts(unchanged=12)
    roster_rows["任课"].append(gone)
    report = load()
    assert report.changes == ChangeCounts(changed=1, unchanged=12)
    assert report.diff[4].changed[0].returned
    assert count(Teaching) == 3


def test_a_file_of_few_schools_is_warned_of(load: Load, roster_rows: Rows) -> None:
    roster_rows["学校"].append(["421002", "白石小学", "北岭学区", "小学", "公办", None, None])
    load()
    for name, code_column in (("学校", 0), ("班级", 0), ("教师", 3), ("任课", 0)):
        roster_rows[name] = [r for r in roster_rows[name] if r[code_column] not in ("421001", "421002")]
    report = load(dry_run=True)
    assert report.ok
    assert {"2", "3"} <= set(report.problems[0].message)


def test_one_error_keeps_everything_out(load: Load, roster_rows: Rows) -> None:
    roster_rows["班级"][2][3] = -1
    report = load()
    assert not report.ok
    assert (report.schools, report.changes, report.diff) == (2, ChangeCounts(), ())
    assert count(School) == 0


ERRORS = [
    ("班级", 2, 0, "999", [("班级", "A3", "999")]),
    ("教师", 1, 3, "999", [("教师", "D2", "999")]),
    ("任课", 1, 0, "999", [("任课", "A2", "999")]),
    ("任课", 1, 2, "9班", [("任课", "C2", "9班")]),
    ("任课", 3, 4, "T99", [("任课", "E4", "T99")]),
    ("学校", 2, 0, "421000", [("学校", "A3", "421000")]),
    ("科室", 2, 0, "K01", [("科室", "A3", "K01")]),
    ("教师", 2, 0, "T01", [("教师", "A3", "T01")]),
    ("班级", 2, 0, "421000", [("班级", "C3", "1班")]),
    ("学校", 1, 1, None, [("学校", "B2", "")]),
    ("任课", 1, 3, " ", [("任课", "D2", " ")]),
    ("教师", 1, 1, "长" * 101, [("教师", "B2", "长" * 101)]),
    ("班级", 1, 3, None, [("班级", "D2", "")]),
    ("班级", 1, 3, "四十五", [("班级", "D2", "四十五")]),
    ("班级", 1, 3, 30.5, [("班级", "D2", "30.5")]),
    ("班级", 1, 3, -1, [("班级", "D2", "-1")]),
    ("班级", 1, 3, 1e9, [("班级", "D2", "1000000000")]),
    ("班级", 1, 3, "=40+5", [("班级", "D2", "")]),
]


@pytest.mark.parametrize(("sheet", "row", "column", "value", "expected"), ERRORS)
def test_errors_name_their_cell(
    load: Load,
    roster_rows: Rows,
    sheet: str,
    row: int,
    column: int,
    value: object,
    expected: list[tuple[str, str, str]],
) -> None:
    roster_rows[sheet][row][column] = value
    errors = found(load(), "error")
    assert expected[0] in errors
    # A wrong code in 班级, 教师 or 学校 also orphans the rows that refer to it; otherwise there is just the one.
    assert errors == expected or column == 0 or sheet == "学校"


def test_a_file_without_schools_is_an_error(load: Load, roster_rows: Rows) -> None:
    for sheet in roster_rows.values():
        del sheet[1:]
    assert found(load(), "error") == [("学校", "A2", "")]


WARNINGS = [
    ("教师", 1, 1, "张三 ", ("教师", "B2", "张三 ")),
    ("教师", 1, 1, "张　三", ("教师", "B2", "张　三")),
    ("教师", 1, 1, "张\u200b三", ("教师", "B2", "张\u200b三")),
    ("任课", 1, 2, "１班", ("任课", "C2", "１班")),
    ("教师", 1, 6, None, ("教师", "G2", "")),
    ("班级", 1, 4, "T99", ("班级", "E2", "T99")),
    ("教师", 1, 4, "校长", ("教师", "E4", "校长")),
    ("教师", 3, 4, "教师", ("学校", "A2", "421000")),
    ("学校", 1, 5, "别人", ("学校", "F2", "别人")),
    ("班级", 1, 3, 0, ("班级", "D2", "0")),
    ("班级", 1, 3, 501, ("班级", "D2", "501")),
    ("任课", 1, 4, "T02", ("任课", "E2", "T02")),
]


@pytest.mark.parametrize(("sheet", "row", "column", "value", "expected"), WARNINGS)
def test_warnings_name_their_cell_and_stop_nothing(
    load: Load, roster_rows: Rows, sheet: str, row: int, column: int, value: object, expected: tuple[str, str, str]
) -> None:
    roster_rows[sheet][row][column] = value
    report = load()
    assert expected in found(report, "warning")
    assert (report.ok, count(School)) == (True, 2)


def test_tidied_values_are_stored(load: Load, roster_rows: Rows) -> None:
    roster_rows["教师"][1][1] = "\ufeff张　三 "
    roster_rows["班级"][1][2] = " １班"
    load()
    assert db.session.get(Teacher, "T01").name == "张三"
    assert {row.name for row in db.session.query(SchoolClass)} == {"1班"}


def test_numbers_are_codes_as_the_officer_sees_them(load: Load, roster_rows: Rows) -> None:
    for name, column in (("学校", 0), ("班级", 0), ("教师", 3), ("任课", 0)):
        for row in roster_rows[name][1:]:
            row[column] = float(str(row[column]))
    assert load().ok
    assert db.session.get(School, "421000") is not None


def test_a_repeated_teaching_row_counts_once(load: Load, roster_rows: Rows) -> None:
    roster_rows["任课"].append(list(roster_rows["任课"][1]))
    report = load()
    assert report.teaching == 3
    assert found(report, "warning") == [("任课", "E5", "T01")]


def test_optional_columns_may_be_absent(load: Load, roster_rows: Rows) -> None:
    keep = {"学校": 4, "科室": 2, "班级": 4}
    for name, columns in keep.items():
        roster_rows[name] = [row[:columns] for row in roster_rows[name]]
    roster_rows["教师"] = [[row[0], row[1], row[3], row[4]] for row in roster_rows["教师"]]
    report = load()
    assert report.problems == ()
    assert db.session.get(Teacher, "T01").phone == ""


def test_names_of_pupils_are_neither_read_nor_stored(load: Load, roster_rows: Rows) -> None:
    roster_rows["学生"] = [["姓名"], ["小明"]]
    for row, name in zip(roster_rows["班级"], ["学生姓名", "小红", "小刚"], strict=True):
        row.append(name)
    report = load()
    assert found(report, "warning") == [("学生", "", ""), ("班级", "F1", "学生姓名")]
    assert "小" not in json.dumps([report.to_json(), report.diff_json()], ensure_ascii=False).replace("小学", "")


def test_problems_are_capped_and_the_rest_counted(
    load: Load, roster_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_checks, "MOST_PROBLEMS", 2)
    for row in roster_rows["教师"][1:]:
        row[6] = None
    roster_rows["班级"][1][3] = -1
    report = load()
    assert [p.severity for p in report.problems] == ["error", "warning", "warning", "warning"]
    assert report.problems[-1].sheet == ""
    assert "2" in report.problems[-1].message


def test_hostile_text_is_only_text(load: Load, roster_rows: Rows) -> None:
    roster_rows["学校"][1][1] = "%(x)s {0} <script>alert(1)</script>'; DROP TABLE school;--"
    roster_rows["教师"][3][4] = None
    report = load()
    assert "<script>" in report.problems[0].message
    assert db.session.get(School, "421000").name.startswith("%(x)s {0} <script>")


def test_an_unreadable_file_says_so(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("学校代码,学校名称")
    with pytest.raises(BadInput):
        import_roster(tmp_path / "a.xlsx", actor="officer")


def test_a_failure_while_writing_leaves_nothing(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(rosters.audit, "record", fail)
    with pytest.raises(RuntimeError):
        load()
    assert (count(School), db.session.query(RosterVersion).count()) == (0, 0)


def test_an_import_in_between_is_a_conflict(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = rosters.compare_roster

    def compare_then_lose(*arguments: object) -> object:
        changes = compare(*arguments)
        with transaction() as session:
            session.add(RosterVersion(imported_on="2026-01-01", imported_by="other", added=1, changed=0, removed=0))
        return changes

    monkeypatch.setattr(rosters, "compare_roster", compare_then_lose)
    with pytest.raises(Conflict):
        load()
    assert count(School) == 0


def test_progress_runs_forward_to_its_end(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_checks, "_PROGRESS_ROWS", 2)
    seen: list[tuple[int, int]] = []
    load(progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {26}
    assert seen[-1] == (26, 26)


@pytest.mark.skipif(not COUNTY.is_file(), reason="the county's roster is not beside the repository")
def test_the_county_roster(app: Flask) -> None:
    report = import_roster(COUNTY, actor="officer")
    document = report.to_json()
    counts = {name: document[name] for name in ("schools", "departments", "classes", "pupils", "teachers", "teaching")}
    assert counts == {
        "schools": 24,
        "departments": 12,
        "classes": 426,
        "pupils": 17795,
        "teachers": 732,
        "teaching": 3564,
    }
    assert report.changes == ChangeCounts(added=4758)
    assert report.ok
    cells = found(report, "warning")
    assert [sum(cell.startswith(letter) for _, cell, _ in cells) for letter in "BCG"] == [10, 9, 5]
    assert len(cells) == 24
    assert import_roster(COUNTY, actor="officer").changes == ChangeCounts(unchanged=4758)
