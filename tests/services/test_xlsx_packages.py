"""Hostile and broken files: each one is refused with a sentence, quickly, and without much memory."""

import io
import random
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.errors import BadInput
from survey.services.workbooks import Column, SheetSpec, read_workbook

Rows = dict[str, list[list[object]]]
Parts = dict[str, bytes]
SaveWorkbook = Callable[[Rows], Path]
SPEC = SheetSpec(name="学校", columns=(Column(header="代码"),))
SHEET = "xl/worksheets/sheet1.xml"
MIB = 1024 * 1024

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def parts(save_workbook: SaveWorkbook) -> Parts:
    """The parts of a sound workbook with one sheet."""
    with zipfile.ZipFile(save_workbook({"学校": [["代码"], ["K1"]]})) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Parts, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def sheet(cells: str, *, head: str = "") -> bytes:
    return (
        f'{head}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>代码</t></is></c></row>{cells}</sheetData></worksheet>'
    ).encode()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], list[str]]:
    """Reads the codes out of a file of these bytes."""

    def run(content: bytes) -> list[str]:
        path = tmp_path / "upload.xlsx"
        path.write_bytes(content)
        return [row.cells["代码"] for row in read_workbook(path, sheets=[SPEC]).sheets["学校"].rows()]

    return run


Read = Callable[[bytes], list[str]]


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def test_the_sound_file_is_read(read: Read, parts: Parts) -> None:
    assert read(packed(parts)) == ["K1"]


def not_a_workbook(parts: Parts) -> dict[str, bytes]:
    whole = packed(parts)
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    return {
        "empty": b"",
        "text": "学校代码,学校名称".encode("gbk"),
        "html": b"<html><table><tr><td>1</td></tr></table></html>",
        "xls": ole,
        "protected": ole + "EncryptedPackage".encode("utf-16-le"),
        "cut off": whole[: len(whole) // 2],
        "without its last byte": whole[:-1],
        "noise behind a zip signature": b"PK\x03\x04" + noise(5000),
        "empty zip": packed({}),
        "zip of something else": packed({"a.txt": b"x"}),
        "word document": packed(
            {**parts, "_rels/.rels": parts["_rels/.rels"].replace(b"xl/workbook", b"word/document")}
        ),
        "binary workbook": packed(
            {**parts, "_rels/.rels": parts["_rels/.rels"].replace(b"workbook.xml", b"workbook.bin")}
        ),
        "flipped byte": whole[:60] + bytes([whole[60] ^ 255]) + whole[61:],
    }


def broken_parts(parts: Parts) -> dict[str, Parts]:
    doctype = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    book = parts["xl/workbook.xml"]
    return {
        "document type in the sheet": {SHEET: sheet("", head=doctype)},
        "document type in UTF-16": {
            SHEET: ('<?xml version="1.0" encoding="UTF-16"?>' + doctype + "<a/>").encode("utf-16")
        },
        "document type in the workbook": {"xl/workbook.xml": doctype.encode() + book},
        "document type in the strings": {"xl/sharedStrings.xml": doctype.encode() + b"<sst/>"},
        "document type where nothing is read": {"docProps/app.xml": doctype.encode() + b"<a/>"},
        "external entity": {SHEET: sheet("", head='<!DOCTYPE x SYSTEM "file:///etc/passwd">')},
        "no XML": {SHEET: b"\x00\x01"},
        "XML that ends early": {SHEET: sheet("")[:-20]},
        "unknown encoding": {SHEET: sheet("", head='<?xml version="1.0" encoding="nonsense"?>')},
        "cell far away": {SHEET: sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')},
        "cell far to the right": {SHEET: sheet('<row r="2"><c r="XFD2"><v>1</v></c></row>')},
        "far cell with a prefix": {SHEET: sheet('<x:row xmlns:x="a"><x:c r="XFD2"><x:v>1</x:v></x:c></x:row>')},
        "far cell in small letters": {SHEET: sheet('<row r="2"><c r="xfd2"><v>1</v></c></row>')},
        "large gap": {SHEET: sheet('<row r="400000"><c r="GR400000"><v>1</v></c></row>')},
        "too many columns by counting": {SHEET: sheet("<row>" + "<c><v>1</v></c>" * 201 + "</row>")},
        "nonsense address": {SHEET: sheet('<row r="2"><c r="2A"><v>1</v></c></row>')},
        "nonsense row": {SHEET: sheet('<row r="99999999999999999999"><c><v>1</v></c></row>')},
        "no sheets": {"xl/workbook.xml": b"<workbook/>"},
        "sheet part missing": {
            "xl/_rels/workbook.xml.rels": parts["xl/_rels/workbook.xml.rels"].replace(b"sheet1", b"s")
        },
        "too many parts": {f"xl/media/{n}": b"" for n in range(201)},
        "zip bomb": {SHEET: sheet(" " * 20 * MIB)},
        "bomb where nothing is read": {"xl/media/a.bin": bytes(20 * MIB)},
    }


NOT_A_WORKBOOK = sorted(not_a_workbook({"_rels/.rels": b""}))
BROKEN_PARTS = sorted(broken_parts({"xl/workbook.xml": b"", "xl/_rels/workbook.xml.rels": b""}))


def refused(read: Read, content: bytes) -> str:
    """The sentence of the refusal, which must come within a second and 200 MiB."""
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(BadInput) as caught:
            read(content)
        assert time.process_time() - started < 1
        assert tracemalloc.get_traced_memory()[1] < 200 * MIB
    finally:
        tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("case", NOT_A_WORKBOOK)
def test_what_is_no_workbook_is_refused(read: Read, parts: Parts, case: str) -> None:
    assert refused(read, not_a_workbook(parts)[case]).endswith((".", "。"))


@pytest.mark.parametrize("case", BROKEN_PARTS)
def test_a_workbook_with_a_hostile_part_is_refused(read: Read, parts: Parts, case: str) -> None:
    content = packed({**parts, **broken_parts(parts)[case]})
    assert refused(read, content).endswith((".", "。"))


def test_a_far_cell_is_named_with_its_sheet(read: Read, parts: Parts) -> None:
    cells = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    content = packed({**parts, SHEET: sheet(cells)})
    assert len(content) < 6000
    message = refused(read, content)
    assert all(word in message for word in ("学校", "1048576", "16384"))


def test_parts_beyond_the_limits_are_refused(read: Read, parts: Parts) -> None:
    refused(read, packed({**parts, "xl/media/a.bin": noise(MIB) * 41}, method=zipfile.ZIP_STORED))
    halves = {f"xl/media/{n}.bin": noise(MIB) * 26 for n in range(2)}
    refused(read, packed({**parts, **halves}, method=zipfile.ZIP_STORED))


def test_an_encrypted_part_is_refused(read: Read, parts: Parts) -> None:
    content = bytearray(packed(parts))
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    assert "password" in refused(read, bytes(content)) or "密码" in refused(read, bytes(content))


def test_a_size_that_lies_is_refused(read: Read, parts: Parts) -> None:
    content = packed({**parts, SHEET: sheet("<!-- -->" * 400)})
    size = struct.pack("<I", len(sheet("<!-- -->" * 400)))
    refused(read, content.replace(size, struct.pack("<I", 100)))


def test_the_same_part_twice_is_refused(read: Read, parts: Parts) -> None:
    buffer = io.BytesIO(packed(parts))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(SHEET, sheet(""))
    refused(read, buffer.getvalue())


def test_a_directory_of_many_entries_is_refused_unread(read: Read, parts: Parts) -> None:
    refused(read, packed({**parts, **{f"m/{n}": b"" for n in range(20_000)}}, method=zipfile.ZIP_STORED))


def test_one_long_string_in_many_cells_is_refused(read: Read, parts: Parts) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 10_000))
    strings = f"<sst><si><t>{noise(20_000).hex()}</t></si></sst>".encode()
    rels = "xl/_rels/workbook.xml.rels"
    shared = b'<Relationship Id="rIdS" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    named = {rels: parts[rels].replace(b"</Relationships>", shared)}
    refused(read, packed({**parts, **named, "xl/sharedStrings.xml": strings, SHEET: sheet(rows)}))


def test_formatted_blanks_far_away_do_no_harm(read: Read, parts: Parts) -> None:
    cells = '<row r="2"><c r="A2"><v>7</v></c><c r="XFD2" s="0"/></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert read(packed({**parts, SHEET: sheet(cells)})) == ["7"]


def test_rows_and_cells_without_an_address_are_counted(read: Read, parts: Parts) -> None:
    assert read(packed({**parts, SHEET: sheet("<row><c><v>7</v></c></row><row><c><v>8</v></c></row>")})) == ["7", "8"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.xlsx"):
        read_workbook(tmp_path / "gone.xlsx", sheets=[SPEC])
