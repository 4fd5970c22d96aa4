"""Pages and documents of reports: who gets which, batches from button to zip, templates of the bureau."""

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient

from survey.services.report_templates import template_in_force
from tests.released import add_campaign, add_evaluation

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def released(county: Flask) -> int:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(3)])
    return campaign.id


@pytest.mark.parametrize(("kind", "mimetype"), [("word", WORD), ("pdf", "application/pdf")])
def test_a_school_gets_reports_on_itself_and_its_own(
    released: int, school_a: FlaskClient, kind: str, mimetype: str
) -> None:
    for path in (f"student_teacher/report/{kind}/T100", f"reports/{kind}/school/101"):
        answer = school_a.get(f"/results/{released}/{path}")
        assert answer.status_code == 200
        assert answer.mimetype == mimetype
        assert "attachment" in answer.headers["Content-Disposition"]
    for path in (f"student_teacher/report/{kind}/T200", f"reports/{kind}/school/102", "reports"):
        assert school_a.get(f"/results/{released}/{path}").status_code == 404


def test_a_school_cannot_ask_for_exact_figures(released: int, school_a: FlaskClient) -> None:
    path = f"/results/{released}/student_teacher/report/word/T100"
    texts = [
        [paragraph.text for paragraph in Document(BytesIO(school_a.get(address).data)).paragraphs]
        for address in (path, f"{path}?internal=1")
    ]
    assert texts[0] == texts[1]


def test_all_reports_come_in_one_zip_and_are_forgotten(
    released: int, officer: FlaskClient, work: Callable[[], None]
) -> None:
    answer = officer.post(f"/results/{released}/reports", data={"word": "y", "pdf": "y"})
    assert answer.status_code == 303
    assert officer.post(f"/results/{released}/reports", data={"word": "y", "pdf": "y"}).location == answer.location
    work()
    assert officer.get(answer.location).status_code == 200
    fetched = officer.post(f"{answer.location}/fetch")
    with zipfile.ZipFile(BytesIO(fetched.data)) as package:
        names = package.namelist()
    fetched.close()
    # Six teachers and two schools, in Word and PDF, and the contents.
    assert len(names) == len(set(names)) == 2 * 8 + 1
    assert officer.post(f"{answer.location}/forget").status_code == 303
    assert officer.post(f"{answer.location}/fetch").status_code == 404


def test_a_batch_without_a_kind_is_refused(released: int, officer: FlaskClient) -> None:
    assert officer.post(f"/results/{released}/reports", data={"internal": "y"}).status_code == 422


def test_a_template_is_refused_with_a_sentence_and_kept_when_it_fits(released: int, officer: FlaskClient) -> None:
    document = Document()
    document.add_paragraph("{{ nonsense }}")
    wrong = BytesIO()
    document.save(wrong)
    wrong.seek(0)
    answer = officer.post("/results/reports/templates/notice", data={"file": (wrong, "a.docx")})
    assert answer.status_code == 422
    assert "nonsense" in answer.text
    good = BytesIO(template_in_force("notice"))
    assert officer.post("/results/reports/templates/notice", data={"file": (good, "a.docx")}).status_code == 303
    assert officer.get(f"/results/{released}/reports/notice.docx").mimetype == WORD
    assert officer.post("/results/reports/templates/notice/reset").status_code == 303
