"""One guard for every table: texts that a spreadsheet would run are told apart, numbers stay numbers."""

import csv
import io

import pytest

from survey.services.formula_guard import csv_line, is_risky
from tests.secrecy.payloads import FORMULAS

_WORDS = tuple(f"{blank}{word}" for blank in "\t\r" for word in ("SUM", "HYPERLINK", "cmd"))


@pytest.mark.parametrize("text", [*FORMULAS, "\u200b=1", "\ufeff＝1", "|calc", "'=1", "\u3000\t-1"])
def test_a_formula_becomes_a_text(text: str) -> None:
    [row] = csv.reader(io.StringIO(csv_line([text]), newline=""))
    assert not set(row[0]) & set("\r\n\t\0")
    # Behind a control character, which is a blank now, only a sign makes a formula.
    harmless = text.startswith(("\t1", "\r1", *_WORDS))
    assert row[0].startswith("'") == is_risky(text) == (not harmless)


def test_what_is_no_formula_comes_back_as_it_was() -> None:
    line = csv_line(["王=1", 'a, "b"', "", None, -3, 0.25])
    assert line.endswith("\r\n")
    assert next(csv.reader([line])) == ["王=1", 'a, "b"', "", "", "-3", "0.25"]
