"""Foreign tables: what is read, and where what cannot be used is named."""

import time

import numpy as np
import openpyxl
import pytest

from survey.analysis.scoring import BLANK
from survey.analysis.tables import Columns, parse_items, parse_levels, read_foreign_ballots
from survey.errors import BadInput

COLUMNS = Columns(target="t", items=("q", "r"), unit="u")


@pytest.fixture
def read(tmp_path):
    """Reads text, bytes or rows of a workbook as a table with the columns t, u, q, r."""

    def reading(content, *, encoding="utf-8", columns=COLUMNS, levels=(1, 5)):
        path = tmp_path / "table.csv"
        if isinstance(content, list):
            book = openpyxl.Workbook()
            for row in content:
                book.active.append(row)
            book.save(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read_foreign_ballots(path, columns, levels=levels)

    return reading


def refusal(read, content, **how):
    with pytest.raises(BadInput) as found:
        read(content, **how)
    return str(found.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_chinese_tables_of_any_usual_encoding(read, encoding, end):
    table = read(end.join(["t,u,q,r", "张三,一小,5,4", "李四,二小,1,0", ""]), encoding=encoding)
    assert (table.targets, table.units) == (("张三", "李四"), ("一小", "二小"))
    np.testing.assert_array_equal(table.answers, [[5, 4], [1, 0]])


def test_blanks_short_rows_empty_rows_and_other_spellings(read):
    table = read("t,u,q,r\na,x,,NA\n\n , ,,\na,x, 5 ,４\na,x,3.0,2.00\na,x,1\na,x,1,2,,\n")
    np.testing.assert_array_equal(table.answers, [[BLANK, BLANK], [5, 4], [3, 2], [1, BLANK], [1, 2]])


def test_columns_in_any_order_and_others_beside_them(read):
    table = read('r,"a note",t,q,u\n4,"one,\ntwo ""three""",a,5,x\n')
    np.testing.assert_array_equal(table.answers, [[5, 4]])


def test_a_header_below_empty_rows(read):
    assert read("\n,,\nt,u,q,r\na,x,5,4\n").targets == ("a",)


def test_a_workbook_reads_as_a_csv_does(read):
    table = read([["t", "u", "q", "r"], [1001, "x", 5, "4"], [1002.0, "x", None, 3.0], [], [1001, "x", 2, 0]])
    assert table.targets == ("1001", "1002")
    assert table.target.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(table.answers, [[5, 4], [BLANK, 3], [2, 0]])


def test_classes_are_groups(read):
    table = read("t,c,q\na,k1,5\nb,k2,4\na,k1,3\n", columns=Columns(target="t", items=("q",), group="c"))
    assert (table.groups, table.group.tolist(), table.units) == (("k1", "k2"), [0, 1, 0], ("", ""))


def test_one_wrong_level_is_named_by_line_and_column(read):
    assert refusal(read, "t,u,q,r\na,x,5,4\na,x,5,6\n") == "table.csv, line 3, column r: 6 is not a level."


def test_wrong_levels_are_named_by_the_line_where_the_row_begins(read):
    message = refusal(read, 't,u,q,r,note\na,x,9,4,"two\nlines"\na,x,5,-1,\na,x,5,x,\n')
    assert message.startswith("table.csv, line 2, column q: 9 is not a level")
    assert message.endswith("2 more (line, column, text): 4 r -1; 5 r x.")


def test_twenty_wrong_levels_are_named_and_all_counted(read):
    message = refusal(read, "t,u,q,r\n" + "a,x,7,8\n" * 50)
    assert "for 99 more" in message
    assert message.count(";") == 1 + 18
    assert "11 r 8." in message


def test_wrong_levels_of_a_workbook_are_named_by_row(read):
    assert "line 3, column q: 8 " in refusal(read, [["t", "u", "q", "r"], ["a", "x", 5, 4], ["a", "x", 8, 4]])


@pytest.mark.parametrize("header", ["t,u,q", "t,u,q,q,r,r", "t,u,Q,r", "t;u;q;r"])
def test_a_missing_or_double_column_is_named_beside_those_there_are(read, header):
    message = refusal(read, header + "\n")
    assert "exactly one column" in message
    assert ", ".join(header.split(",")) in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        ("t,u,q,r\n", "no ballot"),
        ("t,u,q,r\n,,,\n", "no ballot"),
        ("t,u,q,r\n,x,5,4\n", "line 2: column t is empty"),
        ("t,u,q,r\na,x,5,4\na,y,5,4\n", "line 3: a belongs to unit x above, here to y"),
        ("t,u,q,r\na,x,5,4\na,x,3,5,4\n", "line 3: the row has more cells"),
        ('t,u,q,r\na,x,5,4\na,x,"5,4\na,x,5,4\n', "line 3: a quotation mark"),
        (b"t,u,q,r\na,x,5,\x81", "neither UTF-8 nor GBK"),
        ("t,u,q,r\n".encode("utf-16"), "neither a CSV nor an XLSX"),
        (b"PK\x03\x04no workbook", "cannot be read as an Excel file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(read, content, reason):
    assert reason in refusal(read, content)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_foreign_ballots(tmp_path / "none.csv", COLUMNS, levels=(1, 5))


@pytest.mark.parametrize("text", ["5", "5-1", "1-", "a-b", "1-500", "3-3", ""])
def test_levels_must_be_a_range(text):
    with pytest.raises(BadInput):
        parse_levels(text)


@pytest.mark.parametrize("text", ["", ",", "q,q"])
def test_items_must_be_different_columns(text):
    with pytest.raises(BadInput):
        parse_items(text)


def test_a_hundred_thousand_rows_take_a_second_or_so(read):
    rows = "".join(f"t{n % 900},u{n % 9},{n % 5 + 1},{n % 4 + 1}\n" for n in range(100_000))
    start = time.process_time()
    assert len(read("t,u,q,r\n" + rows).answers) == 100_000
    assert time.process_time() - start < 3
