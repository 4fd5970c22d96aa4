"""Documents of results (报告, 情况通报, 简报): from the released cube alone, made on request or in a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from survey.errors import NotFound
from survey.queries import reports as query
from survey.queries.outside import outside
from survey.queries.reports import PARENTS, PRINCIPALS, SCHOOL, TEACHERS, EvaluationCube, Subject
from survey.services import bulletin_words, report_charts, report_templates, report_words
from survey.services.typesetting import MISSING, missing_letters, typeset

WORD, PDF = "word", "pdf"
KINDS = (WORD, PDF)
SUFFIXES = {WORD: "docx", PDF: "pdf"}
MIMETYPES = {
    WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    PDF: "application/pdf",
}
TEMPLATES = Path(__file__).parents[1] / "data" / "reports"
Part = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A finished document: its bytes, and a file name without characters that a disk refuses."""

    content: bytes
    name: str
    mimetype: str


def target_document(
    campaign_id: int, relation: str, code: str, *, kind: str, handed_out: bool, school: str | None = None
) -> Document:
    """Make the report on one target, of one school only if given; kind: word or pdf.

    handed_out: with figures as coarse as schools see them. Raises NotFound.
    """
    cube = query.evaluation_cube(campaign_id, relation)
    return _written(target_report(cube, code, handed_out=handed_out, school=school), kind=kind)


def target_report(cube: EvaluationCube, code: str, *, handed_out: bool, school: str | None = None) -> Part:
    """Return what the report on one target says."""
    found = cube.target(code, handed_out=handed_out, school=school)
    return report_words.whole_document(
        cube.head,
        title=report_words.report_title(cube.head.relation),
        subject=f"{found.row.name} ({found.row.code})",
        sections=[report_words.target_section(cube, found)],
        outside=handed_out,
    )


def school_document(campaign_id: int, code: str, *, kind: str, handed_out: bool) -> Document:
    """Make the report on a school: by its parents, its principals by their teachers, its teachers as a whole.

    handed_out: as the school reads it, so without what its principals replied to the bureau.
    """
    return _written(school_report(query.evaluation_cubes(campaign_id), code, handed_out=handed_out), kind=kind)


def school_report(cubes: Mapping[str, EvaluationCube], code: str, *, handed_out: bool) -> Part:
    """Return what the report on a school says; raises NotFound where the campaign says nothing about it."""
    head = next(iter(cubes.values())).head
    rows = query.school_rows(head.campaign.id, code)
    sections = [
        report_words.target_section(
            cubes[relation],
            cubes[relation].beside(row, handed_out=handed_out, reader=SCHOOL, school=code if handed_out else None),
        )
        for relation in (PARENTS, PRINCIPALS)
        for row in rows.get(relation, ())
    ]
    staff = [outside(row) if handed_out else row for row in rows.get(TEACHERS, ())]
    sections += [report_words.unit_section(cubes[TEACHERS], row, outside=handed_out) for row in staff]
    named = [*rows.get(PARENTS, ()), *rows.get(TEACHERS, ())]
    return report_words.whole_document(
        head,
        title=report_words.report_title(""),
        subject=f"{named[0].name if named else code} ({code})",
        sections=sections,
        outside=handed_out,
    )


def subject_report(cubes: Mapping[str, EvaluationCube], subject: Subject, *, handed_out: bool) -> Part:
    """Return what the report on a subject of a batch says."""
    if subject.kind == SCHOOL:
        return school_report(cubes, subject.code, handed_out=handed_out)
    return target_report(cubes[subject.relation], subject.code, handed_out=handed_out)


def bulletin_document(campaign_id: int, name: str) -> Document:
    """Make the campaign's 情况通报 (notice) or 简报 (briefing) from the template in force; raises NotFound."""
    if name not in report_templates.NAMES:
        raise NotFound(_("This page does not exist."))
    texts = bulletin_words.bulletin(query.evaluation_cubes(campaign_id))
    drawn = [part["chart"] for part in texts["evaluations"]]
    pictures = _drawn(drawn)
    for part in (*texts["evaluations"], *texts["reference"]):
        part["picture"] = pictures.get(part.pop("chart"), "")
    content = report_templates.fill_bulletin(name, texts)
    title = {"notice": _("Circular"), "briefing": _("Bulletin")}[name]
    return Document(content=content, name=file_name(f"{texts['campaign']} {title}", WORD), mimetype=MIMETYPES[WORD])


def _written(report: Part, *, kind: str) -> Document:
    name = file_name(f"{report['title']} {report['subject']}", kind)
    return Document(content=write(report, kind), name=name, mimetype=MIMETYPES[kind])


def write(report: Part, kind: str) -> bytes:
    """Return a report as a Word document or a PDF; raises NotFound for another kind."""
    if kind == WORD:
        return _write_word(report)
    if kind != PDF:
        raise NotFound(_("This page does not exist."))
    return typeset("report.typ", {**report, "notes": [*report["notes"], *_missing_note(report)]})


def _missing_note(report: Part) -> list[str]:
    letters = missing_letters(report)
    if not letters:
        return []
    text = _(
        "%(mark)s stands for characters that the font of this PDF lacks (%(codes)s); the Word document holds them.",
        mark=MISSING,
        codes=", ".join(f"U+{ord(letter):04X}" for letter in letters),
    )
    return [str(text)]


def _write_word(report: Part) -> bytes:
    from survey.services.word_documents import fill_word

    pictures = _drawn([chart for section in report["sections"] for chart in section["charts"].values()])
    sections = [
        {**section, "pictures": {name: pictures.get(chart, "") for name, chart in section["charts"].items()}}
        for section in report["sections"]
    ]
    return fill_word((TEMPLATES / "report.docx").read_bytes(), {**report, "sections": sections})


def _drawn(drawings: list[str]) -> dict[str, bytes]:
    """Return the pictures of drawings, all made in one go."""
    wanted = [drawing for drawing in dict.fromkeys(drawings) if drawing]
    return dict(zip(wanted, report_charts.pictures(wanted), strict=True))


def file_name(text: str, kind: str) -> str:
    """Return a file name: letters, digits, blanks and dashes of `text`, with the ending of its kind."""
    return f"{safe_name(text)}.{SUFFIXES[kind]}"


def safe_name(text: str) -> str:
    """Return a text as a part of a file name that no disk takes for a path or refuses, at most 60 letters."""
    kept = "".join(letter if letter.isalnum() or letter in " -()" else "_" for letter in text)
    return " ".join(kept.split())[:60].strip() or "_"
