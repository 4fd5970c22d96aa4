"""Word documents: a docxtpl template and plain texts become a .docx; whatever stands in a text comes out as text.

A template may be the bureau's own, so it runs in Jinja's sandbox and gets nothing but strings, lists and dictionaries,
and pictures that can only be printed. Imported by whoever makes a document, not when a process starts: lxml is large.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any

WIDTH_MM = 154
# What no XML can hold, and what docxtpl would take for marks of its own: line breaks, pages, paragraphs, tabs.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
# docxtpl writes these back as Jinja's braces once it is done.
_ESCAPED_BRACES = re.compile(r"(?<=[{%])_(?=[{%}])|(?<=[}%])_(?=})")
_WORD_JOINER = "\u2060"
_PROPERTIES = ("author", "comments", "identifier", "language", "subject", "title")


class Picture:
    """A picture that a template can print and do nothing else with."""

    __slots__ = ("_print",)

    def __init__(self, image: Any) -> None:
        self._print = image.__html__

    def __html__(self) -> str:
        """Return the drawing as WordprocessingML."""
        return str(self._print())


def fill_word(template: bytes, texts: Mapping[str, Any]) -> bytes:
    """Return the document of a docxtpl template filled with `texts`; `bytes` among them are PNG pictures.

    Raises jinja2.TemplateError for a fault in the template.
    """
    from docx.shared import Mm
    from docxtpl import DocxTemplate, InlineImage

    document = DocxTemplate(BytesIO(template))
    document.init_docx()
    document.patch_xml = _prepared_once(document.patch_xml)

    def printable(value: Any) -> Any:
        if isinstance(value, bytes):
            return Picture(InlineImage(document, BytesIO(value), width=Mm(WIDTH_MM)))
        if isinstance(value, Mapping):
            return {key: printable(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [printable(part) for part in value]
        return plain_text(str(value))

    document.render(printable(texts), environment(), autoescape=True)
    properties = document.docx.core_properties
    properties.author, properties.title = (plain_text(str(texts.get(name, "")))[:255] for name in ("bureau", "title"))
    result = BytesIO()
    document.save(result)
    return result.getvalue()


def plain_text(text: str) -> str:
    """Return a text on one line without characters that a document cannot hold or would read as marks."""
    return _ESCAPED_BRACES.sub(f"_{_WORD_JOINER}", _UNPRINTABLE.sub(" ", text))


def template_sources(template: bytes) -> list[str]:
    """Return every text of a template that docxtpl runs through Jinja, prepared as it would be."""
    from docxtpl import DocxTemplate

    document = DocxTemplate(BytesIO(template))
    document.init_docx()
    document.current_rendering_part = None
    sources = [document.patch_xml(document.get_xml())]
    for uri in (document.HEADER_URI, document.FOOTER_URI):
        sources += [document.patch_xml(document.get_part_xml(part)) for _id, part in document.get_headers_footers(uri)]
    for part in document.docx.part.package.parts:
        if part.content_type.endswith("wordprocessingml.footnotes+xml"):
            sources.append(document.patch_xml(part.blob.decode("utf-8")))
    properties = document.docx.core_properties
    return sources + [str(getattr(properties, name)) for name in _PROPERTIES]


@lru_cache(maxsize=1)
def environment() -> Any:
    """Return the sandbox: it escapes everything, knows no global, and a placeholder without a value is an error."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    made.globals.clear()
    # One template makes hundreds of documents: it is compiled once.
    compiled: dict[str, Any] = {"from_string": lru_cache(maxsize=32)(made.from_string)}
    vars(made).update(compiled)
    return made


def _prepared_once(patch: Any) -> Any:
    """Return docxtpl's preparation of a template's XML so that the same XML is prepared once a process."""

    def prepared(xml: str) -> str:
        found = _PREPARED.get(xml)
        if found is None:
            if len(_PREPARED) >= 32:
                _PREPARED.clear()
            found = _PREPARED[xml] = patch(xml)
        return found

    return prepared


_PREPARED: dict[str, str] = {}
