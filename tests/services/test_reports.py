"""Documents of results: they open, say what the cube says and nothing else, and take every name as text."""

import re
from datetime import date
from io import BytesIO
from itertools import islice

import docx
import pytest
from flask import Flask
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.results import CubeEvaluation, CubePair, CubeTarget
from survey.models.target_replies import TargetReply
from survey.queries import reports as query
from survey.services import reports
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation
from tests.secrecy.payloads import FORMULAS, payloads
from tests.views.test_every_figure import FIGURE, numbers, written

SCHOOLS = ("101", "102", "103")
MARKS = ("{{ 7*7 }}", "{% for x in y %}", "<w:p>", "a & b", "]]>", "{_{ 7*7 }_}", "#eval(1)", "$x$ *y* _z_", "长" * 190)
CONSTANTS = {"0.05", "2.5"}


@pytest.fixture
def released(app: Flask) -> int:
    """Last year and this year, teachers of three schools, departments, schools; one teacher below the floor."""
    return stage("reports", _make_released)


def _make_released() -> int:
    targets = [(f"T{n:02}", SCHOOLS[n % 3]) for n in range(18)]
    past = add_campaign(year=2025)
    add_evaluation(past, "student_teacher", targets=targets, seed=3)
    campaign = add_campaign()
    means = [3.0 + 0.1 * n for n in range(18)]
    add_evaluation(campaign, "student_teacher", targets=targets, means=means)
    add_evaluation(campaign, "parent_school", targets=[(code, "1学区") for code in SCHOOLS], ballots=60, issued=90)
    few = [(f"H{code}", code) for code in SCHOOLS]
    add_evaluation(campaign, "teacher_principal", targets=few, ballots=6, issued=20)
    return campaign.id


def words_of(content: bytes) -> str:
    """All that a Word file says, in order of its parts; it must open."""
    document = docx.Document(BytesIO(content))
    tables = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *tables])


def pdf_words(content: bytes) -> str:
    import pypdfium2

    pages = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_bounded() for page in pages)


def known(campaign: int) -> set[str]:
    """Every number of the cube as it may be written, with the distances to the edges of bands."""
    heads = db.session.scalars(select(CubeEvaluation)).all()
    rows = db.session.scalars(select(CubeTarget)).all()
    documents = [part for row in (*heads, *rows) for part in (row.document, row.findings)]
    documents += db.session.scalars(select(CubePair.document)).all()
    units = [row.record for cube in query.evaluation_cubes(campaign).values() for row in cube.units.values()]
    found = [number for document in (*documents, *units) for number in numbers(document)]
    found += [row.score - edge for row in rows if row.score is not None for edge in (90.0, 80.0, 60.0)]
    return {text for number in found for text in written(number)} | CONSTANTS


def strange(text: str, campaign: int) -> list[str]:
    return sorted(set(FIGURE.findall(re.sub(r"wuping [\d.]+", "", text))) - known(campaign))


@pytest.mark.parametrize("handed_out", [True, False])
def test_every_figure_of_every_report_is_one_of_the_cube(released: int, handed_out: bool) -> None:
    cubes = query.evaluation_cubes(released)
    subjects = query.subjects(released)
    assert {subject.kind for subject in subjects} == {"school", "target"}
    for subject in subjects:
        content = reports.write(reports.subject_report(cubes, subject, handed_out=handed_out), reports.WORD)
        assert strange(words_of(content), released) == []


@pytest.mark.parametrize("name", ["notice", "briefing"])
def test_every_figure_of_a_bulletin_is_one_of_the_cube(released: int, name: str) -> None:
    text = words_of(reports.bulletin_document(released, name).content)
    assert "2026 年五评" in text
    assert strange(text, released) == []


def test_word_and_pdf_say_the_same(released: int) -> None:
    word, pdf = (
        reports.target_document(released, "student_teacher", "T03", kind=kind, handed_out=True).content
        for kind in reports.KINDS
    )
    assert pdf.startswith(b"%PDF")
    assert set(FIGURE.findall(words_of(word))) == set(FIGURE.findall(pdf_words(pdf)))


def test_a_withheld_target_says_why_and_shows_no_figure(released: int) -> None:
    document = reports.target_document(released, "teacher_principal", "H101", kind=reports.WORD, handed_out=True)
    row = db.session.scalars(select(CubeTarget).where(CubeTarget.code == "H101")).one()
    assert row.document["withheld"]
    section = reports.target_report(query.evaluation_cube(released, "teacher_principal"), "H101", handed_out=True)
    assert section["sections"][0]["withheld"]
    assert section["sections"][0]["against"] == section["sections"][0]["strengths"] == []
    # Only the response rate and the rule of the method stand in it.
    shown = set(FIGURE.findall(words_of(document.content))) - {"90.0", "80.0", "60.0", "0.0", "2.5"}
    assert shown <= set(written(row.document["response_rate"])) | {"0.1.0"}


def test_a_school_gets_no_exact_small_number(released: int) -> None:
    exact, coarse = (
        reports.target_report(query.evaluation_cube(released, "student_teacher"), "T03", handed_out=outside)
        for outside in (False, True)
    )
    assert exact["audience"] != coarse["audience"]
    assert coarse["sections"][0]["further"] == []
    rates = {row["rate"] for group in coarse["sections"][0]["dimensions"] for row in group["rows"]}
    assert any(rate.endswith("%") for rate in rates)
    assert not any("." in rate for rate in rates)


def test_the_three_weakest_items_say_whether_that_is_sure(released: int) -> None:
    section = reports.target_report(query.evaluation_cube(released, "student_teacher"), "T10", handed_out=True)
    lines = section["sections"][0]["improvements"]
    assert len(lines) == 3
    assert all("认定" in line or "不足以判断" in line or "sure" in line or "evidence" in line for line in lines)


def test_another_schools_target_is_not_there(released: int) -> None:
    with pytest.raises(NotFound):
        reports.target_document(released, "student_teacher", "T01", kind="word", handed_out=True, school="101")


@pytest.mark.parametrize("kind", reports.KINDS)
@pytest.mark.parametrize("start", range(0, 60, 12))
def test_hostile_names_come_out_as_text(app: Flask, kind: str, start: int) -> None:
    names = [*MARKS, *FORMULAS[:12], *islice(payloads(longest=150, start=1), 48)][start : start + 12]
    campaign = add_campaign(name="<w:t>{{ 1+1 }}</w:t> & Co")
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}", "101") for n in range(12)], names=names)
    cube = query.evaluation_cube(campaign.id, "student_teacher")
    for number, name in enumerate(names):
        content = reports.write(reports.target_report(cube, f"T{number}", handed_out=True), kind)
        if kind == reports.WORD:
            visible = re.sub(r"[\x00-\x1f\x7f]", " ", name)
            assert visible[:40].strip() in words_of(content).replace("\u2060", "")
        else:
            assert content.startswith(b"%PDF")


def test_one_item_and_no_comparison_make_a_report_too(app: Flask) -> None:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[("T1", "101")])
    row = db.session.scalars(select(CubeTarget)).one()
    first = next(iter(row.document["items"]))
    row.document = {**row.document, "items": {first: row.document["items"][first]}}
    db.session.commit()
    report = reports.target_report(query.evaluation_cube(campaign.id, "student_teacher"), "T1", handed_out=True)
    assert report["sections"][0]["standing_note"]
    assert words_of(reports.write(report, reports.WORD))
    assert reports.write(report, reports.PDF).startswith(b"%PDF")


@pytest.mark.parametrize("text", ["../../etc/passwd", "a/b\\c:d", "", "名" * 300, "con.\0"])
def test_a_file_name_is_no_path(text: str) -> None:
    name = reports.safe_name(text)
    assert 0 < len(name) <= 60
    assert not set(name) & set("/\\:\0.")


def test_a_school_reads_no_reply_to_the_bureau_and_an_earlier_year_is_coarse_too(released: int) -> None:
    cube = query.evaluation_cube(released, "student_teacher")
    db.session.add(
        TargetReply(evaluation_id=cube.head.id, target_code="T03", version=1, text="只给局里看", day=date(2026, 7, 1))
    )
    db.session.commit()
    hers = cube.target("T03", handed_out=True)
    school = cube.target("T03", handed_out=True, school=hers.row.school_code)
    assert hers.reply is not None
    assert school.reply is None
    assert hers.past is not None
    assert hers.past.record["score"] == round(hers.past.record["score"], 1)
    assert hers.past.record["ballots"] % 5 == 0
