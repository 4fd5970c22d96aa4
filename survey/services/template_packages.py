"""The container of an uploaded Word template: refused unless it is a plain .docx that brings and fetches nothing."""

import re
import zipfile
import zlib
from io import BytesIO
from typing import Any
from xml.parsers import expat

from survey.errors import N_, BadInput

MOST_BYTES = 2 * 1024 * 1024
_MOST_PARTS = 200
_MOST_UNPACKED = 16 * 1024 * 1024
_MAIN = "wordprocessingml.document.main+xml"
# Macros, controls, and documents inside the document.
_FORBIDDEN_PARTS = re.compile(r"vbaproject|activex|embeddings/|oleobject|\.bin$|/afchunk|customui", re.IGNORECASE)
_FORBIDDEN_TYPES = ("macroenabled", "vbaproject", "activex", "oleobject")
_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "DATE", "TIME", "CREATEDATE", "SAVEDATE"}) | {
    *("TOC", "PAGEREF", "REF", "STYLEREF", "SEQ", "HYPERLINK", "TITLE", "AUTHOR", "FILENAME", "SYMBOL", "EQ")
}
_FORBIDDEN_ELEMENTS = frozenset({"altChunk", "subDoc", "object", "control", "OLEObject", "attachedTemplate"})
_WEB = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


def check_package(content: bytes) -> None:
    """Raise BadInput unless `content` is a .docx within the limits, without macros, objects, or links to be loaded."""
    if len(content) > MOST_BYTES:
        raise BadInput(N_("The template is larger than 2 MB."))
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            parts = _read(package)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise _no_docx() from error
    types = parts.get("[Content_Types].xml", b"").lower()
    if _MAIN.encode() not in types or "word/document.xml" not in parts:
        raise _no_docx()
    if any(word.encode() in types for word in _FORBIDDEN_TYPES):
        raise _active()
    for name, xml in parts.items():
        if name.lower().endswith((".xml", ".rels")):
            _Part(name).check(xml)


def _read(package: zipfile.ZipFile) -> dict[str, bytes]:
    """Return all parts; sizes in a directory may lie, so no more is read than is allowed."""
    members = package.infolist()
    if len(members) > _MOST_PARTS or sum(info.file_size for info in members) > _MOST_UNPACKED:
        raise _no_docx()
    if len({info.filename.lower() for info in members}) < len(members):
        raise _no_docx()
    parts: dict[str, bytes] = {}
    left = _MOST_UNPACKED
    for info in members:
        if _FORBIDDEN_PARTS.search(info.filename):
            raise _active()
        with package.open(info) as file:
            parts[info.filename] = file.read(left + 1)
        left -= len(parts[info.filename])
        if left < 0:
            raise _no_docx()
    return parts


class _Part:
    """One XML part: no document type, no reference that is loaded, no field that does more than show something."""

    def __init__(self, name: str) -> None:
        self.relations = name.lower().endswith(".rels")
        self.types = name.lower() == "[content_types].xml"
        self.field: list[str] = []
        self.inside = False

    def check(self, xml: bytes) -> None:
        """Raise BadInput for what is not allowed in it, or for XML that is not sound."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(xml, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise _no_docx() from error
        _check_field("".join(self.field))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local in _FORBIDDEN_ELEMENTS:
            raise _active()
        if self.relations and attributes.get("TargetMode", "").lower() == "external":
            _check_link(attributes)
        if self.types and local in ("Override", "Default"):
            _check_type(attributes)
        if local == "fldSimple":
            _check_field(next((text for key, text in attributes.items() if key.endswith("instr")), ""))
        if local == "fldChar":
            _check_field("".join(self.field))
            self.field.clear()
        self.inside = local == "instrText"

    def _end(self, name: str) -> None:
        self.inside = False

    def _text(self, text: str) -> None:
        if self.inside:
            self.field.append(text)


def _check_link(attributes: dict[str, str]) -> None:
    """Let through what a reader may click, not what Word loads by itself."""
    kind = attributes.get("Type", "").rpartition("/")[2].lower()
    if kind != "hyperlink" or not _WEB.match(attributes.get("Target", "")):
        raise BadInput(N_("The template loads something from elsewhere (%(what)s); remove it."), what=kind or "?")


def _check_type(attributes: dict[str, str]) -> None:
    """Refuse XML under another ending: it would be read as a part of the document and not be checked as one."""
    kind = attributes.get("ContentType", "").partition(";")[0].strip().lower()
    place = attributes.get("PartName") or "." + attributes.get("Extension", "")
    if kind.endswith("xml") and not kind.startswith("image/") and not place.lower().endswith((".xml", ".rels")):
        raise _no_docx()


def _check_field(text: str) -> None:
    words = text.split()
    if words and words[0].upper() not in _FIELDS:
        raise BadInput(N_("The template holds the field %(what)s, which is not allowed."), what=words[0][:30])


def _refuse(*_anything: Any) -> None:
    raise _no_docx()


def _no_docx() -> BadInput:
    return BadInput(N_("This is not a usable Word file (.docx); open it in Word or WPS and save it as .docx."))


def _active() -> BadInput:
    return BadInput(N_("The template holds macros or embedded objects; save it as .docx without them."))
