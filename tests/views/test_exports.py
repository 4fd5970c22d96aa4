"""Exports at the desk: one click for small ones, a job of one's own for large ones, a school's only its own."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.services import batches, exports
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Browser

PAGE = "/results/1/exports"


@pytest.fixture(autouse=True)
def released(county: Flask) -> None:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(3)])
    assert campaign.id == 1


@pytest.mark.parametrize(
    ("form", "start", "name"),
    [
        ("xlsx", b"PK", "results-1.xlsx"),
        ("csv", b"PK", "results-1-csv.zip"),
        ("sav", b"PK", "results-1-sav.zip"),
        ("json", b"{", "results-1.json"),
    ],
)
def test_a_small_export_comes_at_once_and_leaves_nothing(
    viewer: FlaskClient, app: Flask, form: str, start: bytes, name: str
) -> None:
    answer = viewer.post(PAGE, data={"format": form})
    assert answer.status_code == 200
    assert answer.data.startswith(start)
    assert name in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert list((Path(app.config["WUPING"].instance) / "exports").iterdir()) == []
    entry = db.session.query(AuditEntry).filter_by(action="results.export").one()
    assert (entry.actor, entry.detail) == ("viewer", {"format": form, "view": "bureau"})


def test_a_school_exports_itself_only(school_a: FlaskClient, browser: Browser) -> None:
    bundle = zipfile.ZipFile(io.BytesIO(school_a.post(PAGE, data={"format": "csv"}).data))
    text = "".join(bundle.read(name).decode() for name in bundle.namelist())
    assert "T100" in text
    assert "T200" not in text
    stranger = browser("school-103", role="school", school="103")
    assert stranger.get(PAGE).status_code == stranger.post(PAGE, data={"format": "csv"}).status_code == 404


def test_a_large_export_is_a_job_that_only_its_account_sees(
    viewer: FlaskClient, officer: FlaskClient, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_AT_ONCE", 0)
    place = viewer.post(PAGE, data={"format": "json"}).location
    assert viewer.post(PAGE, data={"format": "json"}).location == place
    assert officer.post(PAGE, data={"format": "json"}).location != place
    assert viewer.get(f"{place}/file").status_code == 404
    assert viewer.get(f"{place}.json").get_json()["finished"] is False
    work()
    link = BeautifulSoup(viewer.get(place).text, "html.parser").select_one("main a.button")["href"]
    answer = viewer.get(link, buffered=True)
    assert answer.get_json(force=True)["schema"] == "wuping.results/1"
    assert viewer.get(link, buffered=True).status_code == 200
    for path in (place, f"{place}.json", f"{place}/file"):
        assert officer.get(path).status_code == 404
    monkeypatch.setattr(batches, "KEPT_SECONDS", -1)
    exports.BATCHES.forget_old()
    assert viewer.get(link).status_code == 404


@pytest.mark.parametrize("data", [{}, {"format": "exe"}, {"format": "../x"}])
def test_an_unknown_format_is_not_found(viewer: FlaskClient, data: dict[str, str]) -> None:
    assert viewer.post(PAGE, data=data).status_code == 404


def test_nothing_is_exported_before_the_release(viewer: FlaskClient) -> None:
    waiting = add_campaign(year=2027, state="tallied")
    for path in (f"/results/{waiting.id}/exports", "/results/99/exports"):
        assert viewer.get(path).status_code == viewer.post(path, data={"format": "json"}).status_code == 404


def test_pages_of_results_lead_to_the_exports(viewer: FlaskClient, school_a: FlaskClient) -> None:
    assert PAGE in viewer.get("/results/1").text
    assert PAGE in school_a.get("/results/1/school/101").text
