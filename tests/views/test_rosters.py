"""The roster at the desk: upload, review, import, and reading schools."""

from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from survey.extensions import db
from survey.models.organisations import RosterVersion, School, SchoolClass, Teacher

ROWS: dict[str, list[list[Any]]] = {
    "学校": [["学校代码", "学校名称", "学区", "学段"], ["421000", "青禾小学", "城关学区", "小学"]],
    "科室": [["科室代码", "科室名称"], ["K01", "办公室"]],
    "班级": [["学校代码", "年级", "班级", "在籍人数", "班主任工号"], ["421000", "三年级", "1班", 45, "T01"]],
    "教师": [
        ["工号", "姓名", "学校代码", "职务", "任教学科", "手机"],
        ["T01", "张三", "421000", "教师", "语文", "13800000001"],
    ],
    "任课": [["学校代码", "年级", "班级", "学科", "工号"], ["421000", "三年级", "1班", "语文", "T01"]],
}


def workbook(size: object = 45) -> BytesIO:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in ROWS.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([size if value == 45 else value for value in row])
    target = BytesIO()
    book.save(target)
    target.seek(0)
    return target


@pytest.fixture
def chief(app, browser):
    """An officer on an empty roster."""
    return browser("officer", role="officer")


def upload(client, file: BytesIO, name: str = "名册.xlsx"):
    return client.post("/rosters/upload", data={"file": (file, name)})


def schools() -> int:
    db.session.rollback()
    return db.session.query(School).count()


def test_a_roster_is_uploaded_reviewed_and_only_then_imported(chief, work) -> None:
    job = upload(chief, workbook()).location
    work()
    review = chief.get(job.replace("/jobs/", "/rosters/imports/"))
    assert "名册.xlsx" in review.text
    assert schools() == 0
    second = chief.post(review.request.path).location
    work()
    assert schools() == 1
    assert "青禾小学" in chief.get("/rosters").text
    assert chief.get(second.replace("/jobs/", "/rosters/imports/")).status_code == 200
    assert db.session.query(RosterVersion).one().file_name == "名册.xlsx"


def test_an_error_names_its_cell_and_blocks_the_import(chief, work) -> None:
    job = upload(chief, workbook("many")).location
    work()
    text = chief.get(job.replace("/jobs/", "/rosters/imports/")).text
    assert "badge error" in text
    assert "D2" in text
    assert '/rosters/imports/1" method' not in text
    chief.post(job.replace("/jobs/", "/rosters/imports/"))
    work()
    assert schools() == 0


def test_a_second_import_of_the_same_file_offers_nothing(chief, work) -> None:
    for _time in range(2):
        job = upload(chief, workbook()).location
        work()
        chief.post(job.replace("/jobs/", "/rosters/imports/"))
        work()
    job = upload(chief, workbook()).location
    work()
    text = chief.get(job.replace("/jobs/", "/rosters/imports/")).text
    assert text.count('method="post"') == 1
    assert db.session.query(RosterVersion).count() == 1


@pytest.mark.parametrize("content", [b"not a workbook", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old"])
def test_what_is_not_a_workbook_fails_with_a_sentence(chief, work, content) -> None:
    job = upload(chief, BytesIO(content)).location
    work()
    assert "note error" in chief.get(job).text


def test_no_file_and_an_empty_file_are_refused(chief) -> None:
    assert chief.post("/rosters/upload", data={}).status_code == 422
    assert upload(chief, BytesIO(b"")).status_code == 422


def test_hostile_texts_of_a_workbook_are_shown_as_text(chief, work) -> None:
    job = upload(chief, workbook("<script>alert(1)</script>"), "<img src=x>.xlsx").location
    work()
    text = chief.get(job.replace("/jobs/", "/rosters/imports/")).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_pressing_twice_queues_one_import(chief, work) -> None:
    job = upload(chief, workbook()).location
    work()
    review = job.replace("/jobs/", "/rosters/imports/")
    assert chief.post(review).location == chief.post(review).location


def test_the_template_is_a_workbook_of_the_five_sheets(chief) -> None:
    book = CalamineWorkbook.from_filelike(BytesIO(chief.get("/rosters/template.xlsx").data))
    assert set(ROWS) <= set(book.sheet_names)


def test_a_school_account_reads_its_own_school_only(school_a, school_b) -> None:
    assert school_a.get("/rosters/own").location == "/rosters/schools/101"
    assert "教师100" in school_a.get("/rosters/schools/101").text
    assert school_a.get("/rosters/schools/102").status_code == 404
    assert school_b.get("/rosters/schools/101").status_code == 404
    assert school_a.get("/rosters").status_code == 403
    assert school_a.get("/rosters/upload").status_code == 403


def test_telephone_numbers_stay_out_of_the_pages(officer, county) -> None:
    db.session.query(Teacher).filter_by(code="T100").update({"phone": "13912345678"})
    db.session.commit()
    assert "13912345678" not in officer.get("/rosters/schools/101").text


def test_strangers_viewers_and_bad_ids(stranger, viewer, officer) -> None:
    assert stranger.get("/rosters").location.startswith("/login")
    assert viewer.get("/rosters").status_code == 403
    assert viewer.get("/rosters/schools/101").status_code == 403
    assert officer.get("/rosters/schools/999").status_code == 404
    assert officer.get("/rosters/imports/99").status_code == 404
    assert officer.post("/rosters").status_code == 405


def test_a_removed_upload_cannot_be_confirmed(chief, work, config) -> None:
    job = upload(chief, workbook()).location
    work()
    for path in Path(config.instance, "uploads").iterdir():
        path.unlink()
    assert chief.post(job.replace("/jobs/", "/rosters/imports/")).status_code == 404


def test_three_and_three_hundred_rows_take_as_many_statements(officer, statements) -> None:
    with statements() as few:
        officer.get("/rosters")
        officer.get("/rosters/schools/101")
    for number in range(300):
        db.session.add(School(code=f"X{number}", name=f"学校{number}"))
        db.session.add(SchoolClass(school_code="101", grade="五年级", name=f"{number}班", size=3))
    db.session.commit()
    with statements() as many:
        officer.get("/rosters")
        officer.get("/rosters/schools/101")
    assert len(few) == len(many)
