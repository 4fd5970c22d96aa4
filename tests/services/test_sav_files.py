"""SPSS system files, read back by ReadStat: every value, label and code as it was written."""

from datetime import datetime
from pathlib import Path

import pyreadstat
import pytest

from survey.services.sav_files import Value, Variable, write_sav

MOMENT = datetime(2026, 5, 4, 3, 2, 1)


def back(path: Path, variables: list[Variable], rows: list[list[Value]]):
    write_sav(path, variables, rows, title="2026 年五评", moment=MOMENT)
    return pyreadstat.read_sav(path, user_missing=True, output_format="dict")


def test_numbers_come_back_bit_by_bit(tmp_path: Path) -> None:
    values = [0.0, -99.0, -100.0, 151.0, 152.0, 0.1, 1 / 3, -2.5, 1e300, 5e-324, 100.5, None, 2**53]
    found, about = back(tmp_path / "a.sav", [Variable(name="x", label="")], [[value] for value in values])
    assert found["x"] == values
    assert about.number_rows == len(values)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 16, 255])
def test_texts_come_back_and_too_long_ones_are_cut_between_letters(tmp_path: Path, width: int) -> None:
    texts = ["", "a", "é", "文" * 90, "x" * 300, " lead", "=1+1", "12345678"]
    found, _about = back(tmp_path / "a.sav", [Variable(name="x", label="", width=width)], [[text] for text in texts])
    assert found["x"] == [text.encode()[:width].decode(errors="ignore").rstrip(" ") for text in texts]


def test_labels_codes_and_the_title_are_there(tmp_path: Path) -> None:
    score = Variable(name="score", label="得分", decimals=1, labels={-999: "不予显示"}, missing=-999, measure="scale")
    verdict = Variable(name="a_name_longer_than_eight", label="结论", labels={1: "达到", 2: "未达到"})
    found, about = back(tmp_path / "a.sav", [Variable(name="t", label="", width=9), score, verdict], [["x", -999, 2]])
    assert (found["score"], about.missing_ranges) == ([-999], {"score": [{"lo": -999, "hi": -999}]})
    assert about.variable_value_labels == {"score": {-999: "不予显示"}, verdict.name: {1: "达到", 2: "未达到"}}
    assert about.column_names_to_labels["score"] == "得分"
    assert (about.file_label, about.file_encoding, about.creation_time) == ("2026 年五评", "UTF-8", MOMENT)
    assert about.variable_measure["score"] == "scale"


def test_long_labels_are_cut_and_many_variables_keep_their_names(tmp_path: Path) -> None:
    variables = [Variable(name=f"v{n}_" + "x" * 50, label="项" * 200, labels={1: "很" * 80}) for n in range(300)]
    found, about = back(tmp_path / "a.sav", variables, [list(range(300)), [None] * 300])
    assert about.column_names == [variable.name for variable in variables]
    assert [found[name][0] for name in about.column_names] == list(range(300))
    assert set(about.column_labels) == {"项" * 84}


def test_a_file_without_rows_is_one(tmp_path: Path) -> None:
    found, about = back(tmp_path / "a.sav", [Variable(name="x", label="")], [])
    assert (found["x"], about.number_rows) == ([], 0)


@pytest.mark.parametrize("names", [["a", "A"], ["1a"], ["ä"], ["a b"], [""], ["a" * 65]])
def test_names_that_spss_does_not_take_are_refused(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(ValueError):
        write_sav(tmp_path / "a.sav", [Variable(name=name, label="") for name in names], [], title="", moment=MOMENT)
