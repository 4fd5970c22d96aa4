"""Printing paper in place of tokens: nothing tells such slips from handed-in tokens, so none may ever be lost."""

import errno
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from survey.cli import main
from survey.errors import NotFound
from survey.extensions import db
from survey.models.ballots import slip
from survey.models.campaigns import RaterGroup
from survey.models.jobs import Job
from survey.queries.tokens import token_groups
from survey.services import jobs, printing, slip_files, slips, tokens
from survey.services.balance import balance_of
from survey.services.ballots import Holder, find_progress
from survey.services.batches import KEPT_SECONDS
from survey.services.campaigns import create_campaign, move_campaign

GROUP = "T-101"
STAFF = ("T100", "T103")


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open campaign by token in which two teachers wait for paper."""
    number, _made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    slips.issue_slips(number, actor="test")
    group = db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == GROUP)).one()
    for staff_code in STAFF:
        tokens.want_paper(staff_code, group)
    return number


def waiting(campaign: int) -> tuple[str, ...]:
    db.session.rollback()
    assert balance_of(campaign).faults == ()
    return tuple(code for group in token_groups(campaign) for code, _name in group.waiting)


def paper_slips() -> int:
    group = select(RaterGroup.id).where(RaterGroup.code == GROUP).scalar_subquery()
    return db.session.scalar(select(func.count()).select_from(slip).where(slip.c.group_id == group)) or 0


def print_paper(campaign: int) -> Job:
    arguments = {"campaign": campaign, "group": GROUP, "add": len(STAFF), "reason": "paper"}
    number = jobs.queue_job("print_slips", arguments, actor="zhang")
    jobs.run_next_job()
    db.session.rollback()
    return db.session.get_one(Job, number)


def batches(app: Flask) -> list[Path]:
    return list((app.config["WUPING"].instance / "slips").iterdir())


def no_space(*_args: object, **_more: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["write_slips", "_pack", "_note_paper"])
def test_on_a_full_disk_people_wait_for_their_paper_as_before(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(printing, step, no_space)
        assert print_paper(campaign).state == "failed"
    assert (waiting(campaign), paper_slips(), batches(app)) == (STAFF, 0, [])
    assert print_paper(campaign).state == "done"
    assert (waiting(campaign), paper_slips()) == ((), 2)


def test_a_worker_killed_after_the_commit_leaves_people_waiting(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(printing, "forget_batch", lambda _name: None)
        patch.setattr(printing, "_issue", _then_killed(printing._issue))
        with pytest.raises(SystemExit):
            print_paper(campaign)
    assert (waiting(campaign), paper_slips()) == ((), 2)
    jobs.resume_jobs()
    assert (waiting(campaign), paper_slips(), batches(app)) == (STAFF, 0, [])
    assert print_paper(campaign).state == "done"


def _then_killed(work: Any) -> Any:
    def run(*args: Any, **more: Any) -> None:
        work(*args, **more)
        raise SystemExit

    return run


def test_paper_that_nobody_fetched_in_a_day_is_waited_for_again(app: Flask, campaign: int) -> None:
    print_paper(campaign)
    _a_day_later(app)
    assert (waiting(campaign), paper_slips(), batches(app)) == (STAFF, 0, [])


def test_deleted_unfetched_paper_is_waited_for_again(campaign: int) -> None:
    batch = (print_paper(campaign).result or {})["batch"]
    printing.forget_batch(batch)
    assert waiting(campaign) == STAFF
    with pytest.raises(NotFound):
        printing.fetch_batch(batch, campaign_id=campaign, actor="zhang")


def test_fetched_paper_is_the_officers_and_stays_valid(app: Flask, campaign: int) -> None:
    batch = (print_paper(campaign).result or {})["batch"]
    with zipfile.ZipFile(printing.fetch_batch(batch, campaign_id=campaign, actor="zhang")) as package:
        rows = package.read("slips.csv").decode("utf-8-sig").splitlines()[1:]
        assert printing.PAPER_NOTE not in package.namelist()
    jobs.resume_jobs()
    assert printing.has_batch(batch)
    _a_day_later(app)
    assert (waiting(campaign), paper_slips(), batches(app)) == ((), 2, [])
    assert find_progress(Holder(code=rows[0].split(",")[3])).next_page is not None


def test_the_close_forgets_whose_paper_it_was(app: Flask, campaign: int) -> None:
    print_paper(campaign)
    [folder] = batches(app)
    assert all(code in (folder / printing.PAPER_NOTE).read_text() for code in STAFF)
    move_campaign(campaign, "closed", actor="test")
    assert (folder / printing.PAPER_NOTE).read_bytes() == b""
    assert balance_of(campaign).faults == ()
    _a_day_later(app)
    assert (paper_slips(), batches(app), balance_of(campaign).faults) == (2, [], ())


def _a_day_later(app: Flask) -> None:
    [folder] = batches(app)
    old = time.time() - KEPT_SECONDS - 60
    os.utime(folder, (old, old))
    printing.forget_old()


def test_while_the_database_is_away_the_only_copy_of_the_codes_stays(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_paper(campaign)
    with monkeypatch.context() as patch:
        error = OperationalError("x", {}, Exception("away"))
        patch.setattr(slips, "take_back_paper", lambda *_args: (_ for _ in ()).throw(error))
        _a_day_later(app)
    [folder] = batches(app)
    assert printing.has_batch(folder.name)
    printing.forget_batch(folder.name)
    assert waiting(campaign) == STAFF


def test_a_slip_in_use_is_never_taken_back(app: Flask, campaign: int) -> None:
    print_paper(campaign)
    db.session.execute(slip.update().values(voided=True))
    db.session.commit()
    [folder] = batches(app)
    printing.forget_batch(folder.name)
    assert paper_slips() == 2


def test_on_the_console_too_a_full_disk_takes_nobodys_paper(
    app: Flask, campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEY_INSTANCE", app.config["WUPING"].instance.as_posix())
    monkeypatch.setenv("SURVEY_DATABASE_URL", app.config["WUPING"].database_url)
    words = ["slips", str(campaign), "--out", str(tmp_path / "out"), "--add", GROUP, "2"]
    with monkeypatch.context() as patch:
        patch.setattr(slip_files, "write_sheets", no_space)
        assert CliRunner().invoke(main, words).exit_code == 1
    assert waiting(campaign) == STAFF
    assert CliRunner().invoke(main, words).exit_code == 0
    assert waiting(campaign) == ()
