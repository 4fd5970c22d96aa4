"""Exports: what is read back from every format is the cube, figure by figure; no withheld figure and no formula."""

import csv
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyreadstat
import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign
from survey.models.instruments import QuestionnaireVersion
from survey.models.results import CubeTarget, CubeUnit
from survey.queries.audiences import Audience
from survey.queries.cubes import released_results
from survey.services import batches, export_columns, export_files, exports
from survey.services.export_tables import TITLES
from survey.services.result_words import VERDICTS
from survey.services.sheets import RELATION_TITLES
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation
from tests.secrecy.payloads import FORMULAS

WITHHELD = "不予显示"
# A workbook keeps sixteen digits; all other formats keep every bit.
SPREADSHEET = 1e-15
BUREAU, SCHOOL = Audience(), Audience(school="101")
Rows = list[dict[str, Any]]


@pytest.fixture
def released(county: Flask) -> int:
    """Two schools with teachers; principals with fifteen ballots, below the floor of items; schools with too few."""
    return stage("exports", _make_released)


def _make_released() -> int:
    campaign = add_campaign(name="2026 年五评")
    targets = [(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(6)]
    means = [4.4, 4.1, 3.9, 4.2, 4.0, 4.3, 2.6, 2.9, 2.8, 2.7, 3.0, 2.5]
    add_evaluation(campaign, "student_teacher", targets=targets, means=means)
    add_evaluation(campaign, "teacher_principal", targets=[("H1", "1学区"), ("H2", "1学区")], ballots=15, issued=20)
    add_evaluation(campaign, "parent_school", targets=[("101", "1学区"), ("102", "2学区")], ballots=5)
    return campaign.id


@pytest.fixture
def write(released: int, tmp_path: Path) -> Callable[..., list[Path]]:
    def export(form: str, audience: Audience = BUREAU) -> list[Path]:
        folder = tmp_path / f"{form}-{audience.kind}"
        folder.mkdir()
        return exports.write_export(folder, released, form, audience=audience)

    return export


def sheets(path: Path) -> dict[str, Rows]:
    """The tables of a workbook, read by another library, by title; an empty cell is ""."""
    book = CalamineWorkbook.from_path(str(path))
    found = {}
    for name in book.sheet_names:
        head, *rows = book.get_sheet_by_name(name).to_python()
        found[name] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def tables(files: list[Path]) -> dict[str, Rows]:
    """The tables of a CSV export by name."""
    return {
        file.stem: list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
        for file in files
        if file.suffix == ".csv"
    }


def by_target(released: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for evaluation in released_results(released)["evaluations"]:
        for record in evaluation["targets"]:
            yield evaluation["relation"], record


FIGURES = ("score", "mean", "score_se", "reliability", "shrunken_mean")


def title(name: str) -> str:
    """The heading of a variable of targets in the language of the interface."""
    return next(str(column.title) for column in export_columns.TARGETS if column.name == name)


def sheet_of_items(relation: str) -> str:
    return f"{TITLES['items']} {RELATION_TITLES[relation]}"


def test_the_json_is_the_document_of_the_console(write, released: int) -> None:
    document = json.loads(write("json")[0].read_text(encoding="utf-8"))
    assert document == released_results(released)
    assert document["evaluations"][0]["comparison"]["pairs"]


def test_the_csv_holds_every_figure_of_the_targets(write, released: int) -> None:
    rows = {(row["relation"], row["target"]): row for row in tables(write("csv"))["targets"]}
    records = list(by_target(released))
    assert len(rows) == len(records) == 16
    for relation, record in records:
        row = rows[relation, record["target"]]
        for name in (*FIGURES, "issued", "ballots", "valid", "response_rate", "flagged", "shrunken_sd"):
            assert row[name] == ("" if record[name] is None else str(record[name])), name
        for name in ("score_ci", "score_ci_roster", "score_ci_class"):
            ends = record[name] or ["", ""]
            assert [row[f"{name}_low"], row[f"{name}_high"]] == [str(end) for end in ends]
        assert (row["withheld"], row["band"]) == (record["withheld"] or "", record["band"] or "")


def test_the_csv_holds_every_item_unit_and_pair(write, released: int) -> None:
    found, document = tables(write("csv")), released_results(released)["evaluations"]
    for evaluation in document:
        items = {(row["target"], row["item"]): row for row in found[f"items_{evaluation['relation']}"]}
        expected = {(t["target"], code): item for t in evaluation["targets"] for code, item in t["items"].items()}
        assert set(items) == set(expected)
        for key, item in expected.items():
            counts = item["counts"] or dict.fromkeys("012345", "")
            assert [items[key][f"count_{level}"] for level in "543210"] == [str(counts[level]) for level in "543210"]
            assert items[key]["satisfied_rate"] == (
                "" if item["satisfied_rate"] is None else str(item["satisfied_rate"])
            )
            assert int(items[key]["n"]) == item["n"]
    units = [unit for evaluation in document for unit in evaluation["units"]]
    assert [row["pooled_mean"] for row in found["units"]] == [
        "" if unit["pooled_mean"] is None else str(unit["pooled_mean"]) for unit in units
    ]
    pairs = [pair for evaluation in document if evaluation["comparison"] for pair in evaluation["comparison"]["pairs"]]
    assert [(row["p_adjusted"], row["flag"]) for row in found["pairs"]] == [
        (str(pair["p_adjusted"]), str(int(pair["flag"]))) for pair in pairs
    ]


def test_the_workbook_holds_what_the_cube_does(write, released: int) -> None:
    found = sheets(write("xlsx")[0])
    rows = {(row[title("relation")], row[title("target")]): row for row in found[str(TITLES["targets"])]}
    for relation, record in by_target(released):
        row = rows[str(RELATION_TITLES[relation]), record["target"]]
        for name in FIGURES:
            expected = WITHHELD if record[name] is None else pytest.approx(record[name], rel=SPREADSHEET)
            assert row[title(name)] == expected, name
        assert row[title("ballots")] == record["ballots"]
        reason = record["withheld"]
        assert row[title("withheld")] == (str(export_columns.REASONS[reason]) if reason else "")


def test_the_system_file_holds_what_the_cube_does(write, released: int) -> None:
    files = {path.stem: path for path in write("sav")}
    found, about = pyreadstat.read_sav(files["student_teacher"], user_missing=True, output_format="dict")
    records = [record for relation, record in by_target(released) if relation == "student_teacher"]
    assert list(found["target"]) == [record["target"] for record in records]
    assert list(found["score"]) == [record["score"] for record in records]
    for code in records[0]["items"]:
        for level in "543210":
            assert list(found[f"{code}_count_{level}"]) == [
                record["items"][code]["counts"][level] for record in records
            ]
        assert list(found[f"{code}_mean"]) == [record["items"][code]["mean"] for record in records]
    verdicts = about.variable_value_labels["verdict"]
    words = [str(VERDICTS[record["verdict"]]) for record in records]
    assert [verdicts[code] for code in found["verdict"]] == words
    few, _about = pyreadstat.read_sav(files["parent_school"], user_missing=True, output_format="dict")
    assert set(few["score"]) == {-999}


def test_no_format_tells_a_withheld_figure(write, released: int) -> None:
    """Fifteen answers to an item and schools with five ballots: n may stand there and nothing that follows from it."""
    for row in tables(write("csv"))["items_teacher_principal"]:
        assert (row["n"], row["withheld"]) == ("15", "item_below_floor")
        assert {row[name] for name in ("score", "mean", "sd", "satisfied_rate", "count_5", "score_ci_low")} == {""}
    found = sheets(write("xlsx")[0])
    assert {row[title("score")] for row in found[sheet_of_items("teacher_principal")]} == {WITHHELD}
    assert found[sheet_of_items("parent_school")] == []
    hidden, _about = pyreadstat.read_sav(
        next(path for path in write("sav") if path.stem == "parent_school"), user_missing=True, output_format="dict"
    )
    figures = [name for name in hidden if name.partition("_")[2] in ("n", "score", "mean", "count_5", "satisfied_rate")]
    assert figures
    assert {value for name in figures for value in hidden[name]} == {-999}
    said = " ".join(str(cell) for row in found[str(TITLES["method"])] for cell in row.values())
    assert all(str(reason) in said for reason in export_columns.REASONS.values())


def test_a_school_gets_its_own_figures_and_no_finer_ones(write, released: int) -> None:
    found, document = tables(write("csv", SCHOOL)), json.loads(write("json", SCHOOL)[0].read_text(encoding="utf-8"))
    assert {row["unit"] for row in found["targets"] if row["relation"] == "student_teacher"} == {"101"}
    assert set(found) & {"evaluations", "pairs", "tests", "reliability", "scale_quality"} == set()
    assert "flagged" not in found["targets"][0]
    assert document["schema"] == "wuping.school/1"
    text = json.dumps(document) + "".join(json.dumps(rows) for rows in found.values())
    for name in ("T200", "H2", "单位102"):
        assert name not in text
    exact = [n for _relation, record in by_target(released) for n in numbers(record) if n != round(n, 2)]
    assert len(exact) > 100
    assert [n for n in exact if str(n) in text] == []


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


@pytest.fixture
def hostile(released: int) -> int:
    """Every name of the release begins like a formula."""
    texts = iter(FORMULAS * 20)
    db.session.get_one(Campaign, released).name = next(texts)
    for row in (*db.session.query(CubeTarget), *db.session.query(CubeUnit)):
        row.name = next(texts)
    for version in db.session.query(QuestionnaireVersion):
        document = json.loads(json.dumps(version.document))
        for part in (*document["questionnaire"]["items"], *document["questionnaire"]["dimensions"]):
            part["zh"], part["en"] = next(texts), next(texts)
        version.document = document
    db.session.commit()
    return released


@pytest.mark.parametrize("audience", [BUREAU, SCHOOL], ids=lambda audience: audience.kind)
def test_no_workbook_holds_a_formula(hostile: int, write, audience: Audience) -> None:
    path = write("xlsx", audience)[0]
    cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
    assert sum(str(cell.value).lstrip().startswith(("=", "＝")) for cell in cells) > 10
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        texts = "".join(package.read(name).decode() for name in names if "sheet" in name)
    assert "<f>" not in texts
    assert "externalLink" not in " ".join(names)


@pytest.mark.parametrize("audience", [BUREAU, SCHOOL], ids=lambda audience: audience.kind)
def test_no_cell_of_a_csv_begins_like_a_formula(hostile: int, write, audience: Audience) -> None:
    wrong, seen = [], 0
    for rows in tables(write("csv", audience)).values():
        for cell in (cell for row in rows for cell in row.values()):
            start = unicodedata.normalize("NFKC", cell).lstrip(' \t\r\n"')[:1]
            seen += cell.startswith("'")
            if (start in tuple("=+-@|%") and start and not _is_number(cell)) or cell[:1] in ("\t", "\r", "\n"):
                wrong.append(cell)
    assert wrong == []
    assert seen > 20


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_the_other_formats_keep_such_names_as_they_are(hostile: int, write) -> None:
    names = {row.code: row.name for row in db.session.query(CubeTarget)}
    path = next(path for path in write("sav") if path.stem == "student_teacher")
    found, _about = pyreadstat.read_sav(path, output_format="dict")
    for code, name in zip(found["target"], found["name"], strict=True):
        assert name == names[code].rstrip(" ")
    assert json.loads(write("json")[0].read_text(encoding="utf-8")) == released_results(hostile)
    assert "<script" not in (write("csv")[-1]).read_text(encoding="utf-8")


def test_a_long_table_goes_on_in_another_sheet(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "MOST_ROWS", 7)
    found = sheets(write("xlsx")[0])
    name = str(TITLES["targets"])
    parts = [sheet for sheet in found if sheet.partition(" (")[0] == name]
    assert parts == [name, f"{name} (2)", f"{name} (3)"]
    assert [len(found[name]) for name in parts] == [7, 7, 2]


def test_the_codebook_names_every_variable_of_every_table(write) -> None:
    files = write("csv")
    found = tables(files)
    known = {(row["table"], row["variable"]) for row in found.pop("codebook")}
    found.pop("method")
    rows = {(name, head) for name, table in found.items() for head in (table[0] if table else {})}
    assert rows <= known
    assert all(f"| {table} | {name} |" in files[-1].read_text(encoding="utf-8") for table, name in rows)


def test_every_sheet_has_a_frozen_heading_and_filters(write) -> None:
    for sheet in openpyxl.load_workbook(write("xlsx")[0]):
        assert sheet.freeze_panes is not None
        assert sheet.title in {str(TITLES["method"]), str(TITLES["codebook"])} or sheet.auto_filter.ref


def test_exports_to_a_folder_are_private_noted_and_never_overwrite(released: int, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    [path] = exports.export_to(folder, released, "xlsx", actor="test")
    assert (path.parent, path.stat().st_mode & 0o777) == (folder, 0o600)
    assert list(folder.iterdir()) == [path]
    with pytest.raises(BadInput):
        exports.export_to(folder, released, "xlsx", actor="test")
    with pytest.raises(BadInput):
        exports.export_to(folder, released, "exe", actor="test")
    assert list(folder.iterdir()) == [path]
    acts = [(row.action, row.detail["format"]) for row in db.session.query(AuditEntry) if row.actor == "test"]
    assert ("results.export", "xlsx") in acts
    assert len(acts) == 1


def test_nothing_is_exported_before_the_release(released: int, tmp_path: Path) -> None:
    waiting = add_campaign(state="tallied", year=2027)
    with pytest.raises(Conflict):
        exports.export_to(tmp_path / "out", waiting.id, "json", actor="test")
    for number in (waiting.id, 999):
        with pytest.raises(NotFound):
            exports.make_download(number, "json", audience=BUREAU, actor="test")
    with pytest.raises(NotFound):
        exports.make_download(released, "json", audience=Audience(school="103"), actor="test")


def test_old_downloads_are_deleted_and_strange_names_find_nothing(
    released: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = exports.make_download(released, "csv", audience=BUREAU, actor="test")
    assert exports.find_download(batch, "csv").name == f"results-{released}-csv.zip"
    exports.BATCHES.forget_old()
    assert exports.find_download(batch, "csv").path.is_file()
    monkeypatch.setattr(batches, "KEPT_SECONDS", -1)
    exports.BATCHES.forget_old()
    for name in (batch, "..", "../exports", "", "*"):
        with pytest.raises(NotFound):
            exports.find_download(name, "csv")
