"""Batches of reports: whole or not there, begun anew after a stop, gone after a day, and honest about the font."""

import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from survey.errors import BadInput, NotFound
from survey.extensions import db
from survey.models.jobs import Job
from survey.services import exports, jobs, report_batches, reports
from survey.services.batches import KEPT_SECONDS, Batches
from tests.released import add_campaign, add_evaluation

NAMES = ["王㐂", "张三", "=cmd()"]


@pytest.fixture
def released(app: Flask) -> int:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}", "101") for n in range(3)], names=NAMES)
    add_evaluation(campaign, "teacher_principal", targets=[("H1", "102")], ballots=4)
    return campaign.id


class Killed(BaseException):
    """What ends the process at once: nothing catches it, and nothing is tidied up."""


def queue(kind: str, campaign: int) -> int:
    about = {"campaign": campaign, "language": "zh_Hans_CN"}
    if kind == exports.JOB:
        return jobs.queue_job(kind, {**about, "format": "csv", "school": None, "owner": "li"}, actor="li")
    return jobs.queue_job(kind, {**about, "kinds": ["word"], "handed_out": True}, actor="li")


def state(number: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, number)


@pytest.mark.parametrize(
    ("kind", "module", "step"),
    [
        (report_batches.JOB, reports, "_write_word"),
        (report_batches.JOB, report_batches, "_note"),
        (exports.JOB, exports, "_pack"),
        (exports.JOB, exports, "_record"),
    ],
)
def test_a_job_that_was_killed_half_way_is_done_once_after_the_restart(
    released: int, kind: str, module: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: object, **_more: object) -> None:
        raise Killed

    number = queue(kind, released)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, killed)
        patch.setattr(Batches, "forget", lambda *_args: None)
        with pytest.raises(Killed):
            jobs.run_next_job()
    assert state(number).state == "running"
    batches = Batches(kind="exports" if kind == exports.JOB else "reports")
    [left] = batches.all()
    jobs.resume_jobs()
    assert jobs.run_next_job()
    job = state(number)
    assert job.state == "done"
    assert job.result is not None
    assert batches.find(job.result["batch"]) not in (None, left)
    # What was left is never handed out, and goes after a day at the latest.
    long_ago = time.time() - KEPT_SECONDS - 60
    for path in batches.all():
        if path == left:
            os.utime(path, (long_ago, long_ago))
    batches.forget_old()
    assert [path.name for path in batches.all()] == [job.result["batch"]]
    assert not jobs.run_next_job()


def test_a_batch_is_gone_after_a_day(released: int) -> None:
    number = queue(report_batches.JOB, released)
    jobs.run_next_job()
    result = state(number).result
    assert result is not None
    name = result["batch"]
    assert report_batches.fetch_batch(name, campaign_id=released, actor="li").is_file()
    folder = report_batches.BATCHES.find(name)
    assert folder is not None
    assert (folder.stat().st_mode & 0o777, (folder / "reports.zip").stat().st_mode & 0o777) == (0o700, 0o600)
    os.utime(folder, (0, 0))
    report_batches.BATCHES.forget_old()
    assert not report_batches.has_batch(name)
    with pytest.raises(NotFound):
        report_batches.fetch_batch(name, campaign_id=released, actor="li")


@pytest.mark.parametrize("kinds", [["pdf"], ["word"]])
def test_characters_that_the_font_lacks_are_listed_for_pdfs(
    released: int, tmp_path: Path, kinds: list[str], quiet: Callable[[int, int], None]
) -> None:
    made = report_batches.write_reports(
        released, tmp_path / "out", kinds=kinds, handed_out=True, actor="li", progress=quiet
    )
    assert made.incomplete == ((("T0 王㐂", "㐂"),) if kinds == ["pdf"] else ())
    assert (made.subjects, made.left_out) == (4, 2)


@pytest.fixture
def quiet() -> Callable[[int, int], None]:
    return lambda _done, _total: None


def test_the_contents_name_everybody_and_no_formula(
    released: int, tmp_path: Path, quiet: Callable[[int, int], None]
) -> None:
    folder = tmp_path / "out"
    report_batches.write_reports(released, folder, kinds=["word"], handed_out=True, actor="li", progress=quiet)
    [contents] = folder.glob("*.csv")
    text = contents.read_text(encoding="utf-8-sig")
    assert "'=cmd()" in text
    assert "H1" in text
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.docx")} == {0o600}
    with pytest.raises(BadInput):
        report_batches.write_reports(released, folder, kinds=["exe"], handed_out=True, actor="li", progress=quiet)


def test_the_zip_of_a_job_is_in_the_language_of_who_asked(released: int) -> None:
    number = queue(report_batches.JOB, released)
    jobs.run_next_job()
    result = state(number).result
    assert result is not None
    path = report_batches.fetch_batch(result["batch"], campaign_id=released, actor="li")
    with zipfile.ZipFile(path) as package:
        assert len(package.namelist()) == len(set(package.namelist())) == 5
        assert package.testzip() is None
