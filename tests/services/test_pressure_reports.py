"""Reports of pressure: apart from ballots, by day only, in no order, and no flood."""

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from survey.database import is_sqlite
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
