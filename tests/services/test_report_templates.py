"""The bureau's own templates: what fits is filled, and nothing in one can run, load, hang or look around."""

import zipfile
from io import BytesIO

import pytest
from docx import Document
from flask import Flask

from survey.errors import BadInput, SurveyError
from survey.services import report_templates
from survey.services.template_packages import check_package
from survey.services.template_trials import Unfit, check_placeholders

ATTACKS = [
    "{{ 7*7 }}",
    "{{ ''.__class__ }}",
    "{{ bureau.__class__.__mro__ }}",
    "{{ bureau|attr('__class__') }}",
    "{{ bureau.upper() }}",
    "{{ bureau['x'] }}",
    "{{ lipsum }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ evaluations }}",
    "{{ unknown }}",
    "{{ evaluations.score }}",
    "{% for e in evaluations %}{{ e.picture._print }}{% endfor %}",
    "{% for e in evaluations %}{{ e.picture.tpl }}{% endfor %}",
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{% for a in better %}{% for b in better %}{% for c in better %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% set x = 1 %}",
    "{% include 'etc' %}",
    "{% import 'os' as os %}",
    "{% macro a() %}{% endmacro %}",
    "{% autoescape false %}{{ bureau }}{% endautoescape %}",
    "{% if 1 %}x{% endif %}",
    "{% for e in evaluations if e.score %}x{% endfor %}",
    "{% for e in evaluations recursive %}x{% endfor %}",
    "{{ bureau ~ bureau }}",
    "{{ bureau if campaign else year }}",
    "{% for e in evaluations %}",
    "{{ bureau",
]


def template(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    result = BytesIO()
    document.save(result)
    return result.getvalue()


def changed(content: bytes, name: str, part: bytes) -> bytes:
    """The package with one part more, or with another in its place."""
    result = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        new.writestr(name, part)
    return result.getvalue()


@pytest.mark.parametrize("name", report_templates.NAMES)
def test_the_ready_templates_hold_only_known_placeholders(app: Flask, name: str) -> None:
    content = report_templates.template_in_force(name)
    check_package(content)
    check_placeholders(content, report_templates.PLACEHOLDERS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack: str) -> None:
    with pytest.raises(Unfit):
        check_placeholders(template(attack), report_templates.PLACEHOLDERS)


def test_attacks_in_header_and_properties_are_seen() -> None:
    document = Document()
    document.sections[0].header.paragraphs[0].text = "{{ 7*7 }}"
    result = BytesIO()
    document.save(result)
    with pytest.raises(Unfit):
        check_placeholders(result.getvalue(), report_templates.PLACEHOLDERS)
    document = Document()
    document.core_properties.title = "{{ ''.__class__ }}"
    result = BytesIO()
    document.save(result)
    with pytest.raises(Unfit):
        check_placeholders(result.getvalue(), report_templates.PLACEHOLDERS)


def test_the_sentence_names_the_placeholder(app: Flask) -> None:
    with pytest.raises(BadInput) as refusal:
        report_templates.keep_template("notice", template("{{ burreau }}"), actor="test")
    assert "burreau" in str(refusal.value)
    assert not report_templates.is_own("notice")


def test_an_own_template_is_kept_filled_and_reset(app: Flask) -> None:
    own = template("{{ bureau }}!", "{%p for e in evaluations %}", "{{ e.name }}: {{ e.score }}", "{%p endfor %}")
    report_templates.keep_template("notice", own, actor="test")
    assert report_templates.template_in_force("notice") == own
    texts = {**report_templates.sample(report_templates.PLACEHOLDERS), "bureau": "<b>{{ 7*7 }} & ]]>"}
    filled = Document(BytesIO(report_templates.fill_bulletin("notice", texts)))
    assert filled.paragraphs[0].text == "<b>{{ 7*7 }} & ]]>!"
    assert len(filled.paragraphs) == 3
    report_templates.reset_template("notice", actor="test")
    assert not report_templates.is_own("notice")


@pytest.mark.parametrize("name", ["../notice", "report", "", "notice.docx"])
def test_there_are_two_templates_and_no_other_file(app: Flask, name: str) -> None:
    with pytest.raises(SurveyError):
        report_templates.keep_template(name, template("x"), actor="test")


RELS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s" TargetMode="External"/>'
    b"</Relationships>"
)
TYPES = b'<Types><Override PartName="/word/document.xml" ContentType="a/wordprocessingml.document.main+xml"/>%s</Types>'
BODY = (
    b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>%s</w:p></w:body>'
    b"</w:document>"
)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("[Content_Types].xml", TYPES % b'<Override PartName="/word/a.txt" ContentType="application/a+xml"/>'),
        ("[Content_Types].xml", TYPES % b'<Default Extension="png" ContentType="application/a.main+xml; x=1"/>'),
        ("word/vbaProject.bin", b"x"),
        ("word/embeddings/oleObject1.bin", b"x"),
        ("word/activeX/activeX1.xml", b"<x/>"),
        ("word/_rels/settings.xml.rels", RELS % (b"attachedTemplate", b"http://evil.example/x.dotm")),
        ("word/_rels/document.xml.rels", RELS % (b"image", b"http://evil.example/x.png")),
        ("word/_rels/document.xml.rels", RELS % (b"hyperlink", b"file:///etc/passwd")),
        ("word/extra.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
        ("word/document.xml", BODY % b'<w:fldSimple w:instr="DDEAUTO c:\\\\cmd.exe"/>'),
        (
            "word/document.xml",
            BODY % b"<w:r><w:instrText>INCLUDE</w:instrText></w:r><w:r><w:instrText>TEXT x</w:instrText></w:r>",
        ),
        ("word/document.xml", BODY % b"<w:altChunk/>"),
        ("word/document.xml", b"<w:document"),
        ("[Content_Types].xml", b"<Types/>"),
    ],
)
def test_a_package_that_brings_or_fetches_something_is_refused(name: str, part: bytes) -> None:
    with pytest.raises(BadInput):
        check_package(changed(template("x"), name, part))


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", b"\0" * (2 * 1024 * 1024 + 1)])
def test_what_is_no_word_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        check_package(content)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(BadInput):
        check_package(changed(template("x"), "word/media/a.png", b"\0" * (17 * 1024 * 1024)))
