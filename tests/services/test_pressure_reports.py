"""Reports of pressure: apart from ballots, by day only, in no order, and no flood."""

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from survey.database import checkpoint, is_sqlite
from survey.errors import BadInput, TooMany
from survey.extensions import db
from survey.models.pressure_reports import pressure_report
from survey.queries.pressure_reports import report_list
from survey.services import pressure_reports as service
from survey.services.ballots import today
from survey.services.pressure_reports import Report, report_pressure


@pytest.fixture(autouse=True)
def fresh() -> None:
    service.BY_ADDRESS.forget()


def count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(pressure_report)) or 0


def test_a_report_keeps_what_was_said_and_the_day(app: Flask) -> None:
    said = Report(kinds=["watched", "told", "nonsense"], school=" 一中 ", class_name="三年级1班", text=" 全选满意 ")
    report_pressure(said, address="10.0.0.1")
    row = report_list(page=1).reports[0]
    assert (row.kinds, row.school, row.class_name, row.text) == (("told", "watched"), "一中", "三年级1班", "全选满意")
    assert row.day == today()


def test_the_table_has_no_place_for_a_voter(app: Flask) -> None:
    columns = {column["name"]: str(column["type"]) for column in inspect(db.engine).get_columns("pressure_report")}
    assert set(columns) == {"id", "day", "kinds", "school", "class_name", "text"}
    assert columns["day"] == "DATE"
    assert not inspect(db.engine).get_foreign_keys("pressure_report")


def test_rows_stand_in_key_order_not_in_the_order_of_arrival(app: Flask) -> None:
    for number in range(12):
        report_pressure(Report(kinds=[], text=str(number)), address="a")
    service.settle()
    shown = [int(row.text) for row in report_list(page=1).reports]
    keys = list(db.session.scalars(select(pressure_report.c.id)))
    assert sorted(shown) == list(range(12)) != shown
    assert keys == sorted(keys)
    if not is_sqlite():
        assert db.session.scalar(text("SELECT count(DISTINCT xmin::text) FROM pressure_report")) == 1


@pytest.mark.skipif("os.environ.get('SURVEY_TEST_POSTGRESQL')", reason="reads SQLite's file")
def test_the_file_forgets_the_order_in_which_reports_came(app: Flask) -> None:
    texts = [f"report-{number:02}" for number in range(12)]
    for said in texts:
        report_pressure(Report(kinds=["told"], text=said), address="a")
    path = next(app.config["WUPING"].instance.glob("*.sqlite3"))
    checkpoint(must=True)
    assert _places(path.read_bytes(), texts) == texts[::-1]
    rows = set(db.session.execute(select(pressure_report)).all())
    by_key = list(db.session.scalars(select(pressure_report.c.text).order_by(pressure_report.c.id)))
    db.session.rollback()
    service.settle()
    content = path.read_bytes()
    assert _places(content, texts) == by_key[::-1]
    assert content.count(texts[0].encode()) == 1
    assert path.with_name(path.name + "-wal").stat().st_size == 0
    assert set(db.session.execute(select(pressure_report)).all()) == rows


def _places(content: bytes, texts: list[str]) -> list[str]:
    """Return the texts in the order in which the page of reports holds them (cells grow downwards)."""
    pages = (content[at : at + 4096] for at in range(0, len(content), 4096))
    page = next(page for page in pages if all(text.encode() in page for text in texts) and page[0] == 10)
    return sorted(texts, key=lambda text: page.rindex(text.encode()))


def test_nothing_is_settled_without_reports(app: Flask) -> None:
    service.settle()
    assert count() == 0


@pytest.mark.parametrize(
    "report", [Report(kinds=[]), Report(kinds=["x"], text=" "), Report(kinds=[], text="长" * 1001)]
)
def test_an_empty_or_endless_report_is_refused(app: Flask, report: Report) -> None:
    with pytest.raises(BadInput):
        report_pressure(report, address="a")
    assert count() == 0


def test_a_flood_from_one_address_ends_and_others_are_heard(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.BY_ADDRESS, "most", 3)
    for _number in range(3):
        report_pressure(Report(kinds=["told"]), address="10.0.0.1")
    with pytest.raises(TooMany):
        report_pressure(Report(kinds=["told"]), address="10.0.0.1")
    report_pressure(Report(kinds=["told"]), address="10.0.0.2")
    assert count() == 4


def test_a_flood_from_everywhere_does_not_fill_the_disk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_A_DAY", 2)
    for number in range(2):
        report_pressure(Report(kinds=["told"]), address=str(number))
    with pytest.raises(TooMany):
        report_pressure(Report(kinds=["told"]), address="9")
    assert count() == 2


def test_reports_come_in_pages(app: Flask) -> None:
    for number in range(55):
        report_pressure(Report(kinds=["told"]), address=str(number))
    page = report_list(page=99)
    assert (page.page, page.pages, page.total, len(page.reports)) == (2, 2, 55, 5)
