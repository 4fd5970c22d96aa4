"""The container of an .xlsx file: checked before anything in it is parsed, then copied down to the parts that are read.

An uploaded workbook is hostile until shown otherwise. The sizes in a zip directory may lie, so members are only read
through a reader that stops at the declared size and verifies the checksum. A parser may open other parts than the ones
examined, so it gets a new package made of nothing but the examined parts.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from xml.parsers import expat

from flask_babel import gettext

from survey.errors import BadInput
from survey.services.xlsx_parts import (
    UPLOAD,
    Limits,
    damaged,
    feed,
    local_name,
    safe_parser,
    scan_sheet,
    shown,
    string_lengths,
    too_large,
)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DIRECTORY_ENTRY = b"PK\x01\x02"
# Small parts may be very repetitive without harm; a bomb is large by definition.
_RATIO_FROM_BYTES = 64 * 1024
_HEAD_BYTES = 64 * 1024
_INDEX_BYTES = 4 * 1024 * 1024
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


class Package:
    """An .xlsx container that passed the checks; `sheet_names` in the order of the workbook."""

    def __init__(self, archive: zipfile.ZipFile, *, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._names = {_canonical(info.filename): info.filename for info in archive.infolist()}
        self._workbook = self._find_workbook()
        book = self._elements(self._workbook)
        relations = self._relations(self._workbook)
        by_id = {r["Id"]: r for r in relations if _kind(r) == "worksheet" and "Id" in r}
        self._sheets = {a["name"]: by_id[rid]["Target"] for a, rid in _sheet_entries(book) if rid in by_id}
        self._shared = next((r["Target"] for r in relations if _kind(r) == "sharedstrings"), "")
        self._styles = next((r["Target"] for r in relations if _kind(r) == "styles"), "")
        self._date1904 = any(n == "workbookPr" and a.get("date1904") in {"1", "true"} for n, a in book)

    @property
    def sheet_names(self) -> tuple[str, ...]:
        """Names of the worksheets as written in the file."""
        return tuple(self._sheets)

    def extract(self, names: Sequence[str]) -> BytesIO:
        """A new, uncompressed package with only these sheets, called s0, s1, … in the order of `names`.

        Every sheet is scanned first; raise BadInput where a cell lies beyond the limits or the XML is not sound.
        """
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as package:
            lengths = self._copy_shared_strings(package)
            if self._styles in self._names:
                package.writestr("xl/styles.xml", self._sound(self._styles))
            for index, name in enumerate(names):
                xml = self._read(self._sheets[name])
                scan_sheet(xml, name=name, lengths=lengths, limits=self._limits)
                package.writestr(f"xl/worksheets/sheet{index}.xml", xml)
            _write_frame(package, sheets=len(names), date1904=self._date1904)
        buffer.seek(0)
        return buffer

    def _copy_shared_strings(self, package: zipfile.ZipFile) -> list[int]:
        if self._shared not in self._names:
            package.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}"/>')
            return []
        xml = self._read(self._shared)
        package.writestr("xl/sharedStrings.xml", xml)
        return string_lengths(xml, part=self._shared)

    def _find_workbook(self) -> str:
        relations = self._relations("") if "_rels/.rels" in self._names else []
        part = next((r["Target"] for r in relations if _kind(r) == "officedocument"), "xl/workbook.xml")
        if part.endswith(".bin"):
            raise BadInput(gettext("This is the binary .xlsb format; open it in Excel or WPS and save it as .xlsx."))
        if part not in self._names or not part.startswith("xl/"):
            raise _not_a_workbook()
        return part

    def _relations(self, part: str) -> list[dict[str, str]]:
        """The relationships of a part (of the package for ""), each `Target` as the full name of a part."""
        folder, name = posixpath.split(part)
        source = posixpath.join(folder, "_rels", f"{name}.rels")
        if source not in self._names:
            raise damaged()
        found = [a for n, a in self._elements(source) if n == "Relationship" and "Target" in a]
        return [{**a, "Target": _canonical(posixpath.join("/", folder, a["Target"]))} for a in found]

    def _elements(self, part: str) -> list[tuple[str, dict[str, str]]]:
        """Every element of a small part with its attributes, in document order, without name-space prefixes."""
        found: list[tuple[str, dict[str, str]]] = []
        parser = safe_parser(part)
        parser.StartElementHandler = lambda name, attributes: found.append((local_name(name), attributes))
        feed(parser, self._read(part, at_most=_INDEX_BYTES))
        return found

    def _sound(self, part: str) -> bytes:
        xml = self._read(part)
        feed(safe_parser(part), xml)
        return xml

    def _read(self, part: str, *, at_most: int | None = None) -> bytes:
        if part not in self._names:
            raise damaged()
        content = _member(self._archive, self._names[part])
        if at_most is not None and len(content) > at_most:
            raise damaged()
        return content


def open_package(path: Path, *, limits: Limits = UPLOAD) -> Package:
    """Open an .xlsx file after checking its container; raise BadInput saying in one sentence what is wrong with it."""
    data = _file_bytes(path, limits=limits)
    _check_signature(data)
    # Reading a directory of a million entries would itself take seconds, so they are counted before it is read.
    if data.count(_DIRECTORY_ENTRY) > limits.members:
        raise _too_many_members(limits)
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise damaged() from error
    _check_members(archive.infolist(), limits=limits)
    for info in archive.infolist():
        _refuse_definitions(archive, info)
    return Package(archive, limits=limits)


def _file_bytes(path: Path, *, limits: Limits) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limits.total_bytes + 1)
    except OSError as error:
        raise BadInput(gettext("The file %(name)s cannot be read.", name=path.name)) from error
    if not data:
        raise BadInput(gettext("The file is empty; choose the .xlsx workbook again."))
    if len(data) > limits.total_bytes:
        raise too_large(limits.total_bytes)
    return data


def _check_signature(data: bytes) -> None:
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _protected()
        raise BadInput(gettext("This is the old .xls format; open it in Excel or WPS and save it as .xlsx."))
    if not data.startswith(b"PK"):
        raise _not_a_workbook()


def _check_members(members: Sequence[zipfile.ZipInfo], *, limits: Limits) -> None:
    if len(members) > limits.members:
        raise _too_many_members(limits)
    for info in members:
        if info.flag_bits & 1:
            raise _protected()
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise damaged()
        _check_size(info, limits=limits)
    if sum(info.file_size for info in members) > limits.total_bytes:
        raise too_large(limits.total_bytes)
    if len({_canonical(info.filename) for info in members}) < len(members):
        raise damaged()


def _check_size(info: zipfile.ZipInfo, *, limits: Limits) -> None:
    if info.file_size > _RATIO_FROM_BYTES and info.file_size > limits.ratio * info.compress_size:
        raise BadInput(
            gettext(
                "The part %(part)s unpacks to more than %(ratio)s times its size, like a zip bomb; "
                "copy the sheets into a new workbook.",
                part=shown(info.filename),
                ratio=limits.ratio,
            )
        )
    if info.file_size > limits.member_bytes:
        raise too_large(limits.member_bytes)


def _refuse_definitions(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Refuse a document type declaration, which can only stand before the root element, in any XML part."""
    if not info.filename.lower().endswith((".xml", ".rels", ".vml")):
        return
    parser = safe_parser(info.filename)
    try:
        parser.Parse(_member(archive, info.filename, at_most=_HEAD_BYTES), False)
    except (expat.ExpatError, ValueError, LookupError):
        return  # Parts that are read are parsed in full later, and refused then; the others do not matter.


def _member(archive: zipfile.ZipFile, name: str, *, at_most: int = -1) -> bytes:
    try:
        with archive.open(name) as member:
            return member.read(at_most)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise damaged() from error


def _canonical(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/")


def _kind(relation: dict[str, str]) -> str:
    return relation.get("Type", "").rpartition("/")[2].lower()


def _sheet_entries(book: list[tuple[str, dict[str, str]]]) -> list[tuple[dict[str, str], str]]:
    sheets = [attributes for name, attributes in book if name == "sheet" and "name" in attributes]
    return [(a, next((v for k, v in a.items() if local_name(k) == "id"), "")) for a in sheets]


def _protected() -> BadInput:
    return BadInput(
        gettext("The file is protected by a password; remove the password in Excel or WPS and save it as .xlsx.")
    )


def _not_a_workbook() -> BadInput:
    return BadInput(gettext("This is not an Excel workbook (.xlsx); open it in Excel or WPS and save it as .xlsx."))


def _too_many_members(limits: Limits) -> BadInput:
    return BadInput(
        gettext(
            "The file has more than %(limit)s parts inside; copy the sheets into a new workbook.", limit=limits.members
        )
    )


def _write_frame(package: zipfile.ZipFile, *, sheets: int, date1904: bool) -> None:
    """The parts that tie a package together, in their shortest form."""
    ids = range(sheets)
    entries = "".join(f'<sheet name="s{i}" sheetId="{i + 1}" r:id="r{i}"/>' for i in ids)
    setting = '<workbookPr date1904="1"/>' if date1904 else ""
    write = package.writestr
    write(
        "xl/workbook.xml",
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{setting}<sheets>{entries}</sheets></workbook>',
    )
    relations = [(f"r{i}", "worksheet", f"worksheets/sheet{i}.xml") for i in ids]
    relations += [("rt", "sharedStrings", "sharedStrings.xml"), ("rs", "styles", "styles.xml")]
    write("xl/_rels/workbook.xml.rels", _relationships(relations))
    write("_rels/.rels", _relationships([("r0", "officeDocument", "xl/workbook.xml")]))
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    write("[Content_Types].xml", types)


def _relationships(relations: Sequence[tuple[str, str, str]]) -> str:
    rows = "".join(f'<Relationship Id="{i}" Type="{_OFFICE}/{kind}" Target="{to}"/>' for i, kind, to in relations)
    return f'<Relationships xmlns="{_PACKAGE}">{rows}</Relationships>'
