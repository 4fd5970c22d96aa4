"""The first printing of a campaign: wherever it is stopped it goes on, and its package holds just the valid slips."""

import csv
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from survey.cli import main
from survey.errors import Conflict
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import slip
from survey.models.campaigns import Campaign, RaterGroup
from survey.models.jobs import Job
from survey.queries.campaigns import group_rows
from survey.services import first_printings, jobs, printing
from survey.services.balance import balance_of
from survey.services.first_printings import print_first
from survey.services.slip_files import csv_rows, open_url
from survey.services.slips import add_slips, code_hmac, issue_slips
from tests.printed import addresses, addresses_in_html

Wrap = Callable[[Any], Any]


def killed(number: int, *, after: bool = False) -> Wrap:
    """Returns what stops the process at the `number`-th call of a function, before or after it has worked."""

    def wrap(work: Any) -> Any:
        calls = 0

        def run(*args: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number and not after:
                raise SystemExit
            done = work(*args, **more)
            if calls == number:
                raise SystemExit
            return done

        return run

    return wrap


def queue(campaign: int) -> int:
    arguments = {"campaign": campaign, "group": None, "add": None, "reason": ""}
    return jobs.queue_job("print_slips", arguments, actor="zhang")


def job(number: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, number, populate_existing=True)


def batches(app: Flask) -> list[Path]:
    return list((app.config["WUPING"].instance / "slips").iterdir())


def package(app: Flask, number: int) -> zipfile.ZipFile:
    batch = (job(number).result or {})["batch"]
    return zipfile.ZipFile(app.config["WUPING"].instance / "slips" / batch / "slips.zip")


def codes_in(table: str) -> list[str]:
    return [row["code"] for row in csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))) if row["code"]]


def valid_slips() -> set[bytes]:
    db.session.rollback()
    return set(db.session.scalars(select(slip.c.hmac).where(~slip.c.voided)))


def check_package(app: Flask, number: int, campaign: int) -> None:
    """Check that a finished job's package and the database know the same slips, as many as are expected."""
    assert job(number).state == "done"
    with package(app, number) as packed:
        codes = codes_in(packed.read("slips.csv").decode("utf-8"))
    assert {code_hmac(code) for code in codes} == valid_slips()
    assert len(codes) == len(set(codes)) == (job(number).result or {})["slips"]
    groups = db.session.scalars(select(RaterGroup).where(RaterGroup.kind == "slip")).all()
    assert all(group.issued - group.voided == group.enrolled for group in groups)
    assert balance_of(campaign).faults == ()
    assert db.session.get_one(Campaign, campaign).slips_made


def test_every_slip_of_the_package_reads_back_from_both_kinds_of_files(
    app: Flask, campaign: int, tmp_path: Path
) -> None:
    number = queue(campaign)
    jobs.run_next_job()
    with package(app, number) as packed:
        packed.extractall(tmp_path)
    codes = codes_in((tmp_path / "slips.csv").read_text(encoding="utf-8"))
    for kind, reader in (("pdf", addresses), ("html", addresses_in_html)):
        printed = [text for path in tmp_path.glob(f"*.{kind}") for text in reader(path)]
        assert sorted(text.partition("#")[2] for text in printed if "#" in text) == sorted(codes)
        assert [text for text in printed if "#" not in text] == [open_link(campaign)]


def open_link(campaign: int) -> str:
    [row] = [row for row in group_rows(campaign) if row.kind == "open"]
    return open_url(row.id)


STOPS = [
    (first_printings, "write_sheet", killed(2)),
    (first_printings, "write_table", killed(2)),
    (first_printings, "_adopt", killed(2)),
    (first_printings, "_make", killed(2, after=True)),
    (first_printings, "_last_files", killed(1)),
    (printing, "_pack", killed(1)),
    (printing, "_pack", killed(1, after=True)),
    (first_printings, "_write_note", killed(2, after=True)),
    (printing, "finish", killed(1, after=True)),
    (printing, "_print_first", killed(1, after=True)),
]


@pytest.mark.parametrize(("module", "step", "wrap"), STOPS)
def test_a_killed_printing_goes_on_and_voids_nothing(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, wrap: Wrap
) -> None:
    number = queue(campaign)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, wrap(getattr(module, step)))
        with pytest.raises(SystemExit):
            jobs.run_next_job()
    before = valid_slips()
    jobs.resume_jobs()
    assert jobs.run_next_job()
    assert before <= valid_slips()
    check_package(app, number, campaign)
    assert len(batches(app)) == 1


def test_slips_whose_files_are_lost_are_replaced(app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    number = queue(campaign)
    with monkeypatch.context() as patch:
        patch.setattr(first_printings, "_make", killed(3)(first_printings._make))
        with pytest.raises(SystemExit):
            jobs.run_next_job()
    lost = valid_slips()
    [folder] = batches(app)
    shutil.rmtree(folder)
    jobs.resume_jobs()
    jobs.run_next_job()
    check_package(app, number, campaign)
    assert lost
    assert not lost & valid_slips()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "slips.reissue")).all()
    assert sum(entry.detail["voided"] for entry in entries) == len(lost)


def test_a_full_disk_fails_the_job_and_the_next_one_goes_on(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_args: object, **_more: object) -> None:
        raise OSError("No space left on device")

    first = queue(campaign)
    with monkeypatch.context() as patch:
        patch.setattr(printing, "_pack", no_space)
        jobs.run_next_job()
    assert job(first).state == "failed"
    before = valid_slips()
    second = queue(campaign)
    jobs.run_next_job()
    assert valid_slips() == before
    check_package(app, second, campaign)


def test_a_long_printing_lets_the_worker_do_what_is_due(
    app: Flask, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "SLICE_SECONDS", -1)
    monkeypatch.setattr(first_printings, "_make", _slow_clock(first_printings._make, monkeypatch))
    number = queue(campaign)
    heard = []
    while job(number).state == "waiting":
        assert jobs.run_next_job()
        heard.append(jobs.job_progress(number)[0])
    check_package(app, number, campaign)
    assert heard == sorted(heard)
    assert len(set(heard)) > 2


def _slow_clock(make: Any, patch: pytest.MonkeyPatch) -> Any:
    """Each file takes a minute and the slice half of one: a file a call."""
    minutes = [0.0]

    def run(*args: Any, **more: Any) -> Any:
        minutes[0] += 60
        return make(*args, **more)

    patch.setattr(printing, "SLICE_SECONDS", 30)
    patch.setattr(first_printings.time, "monotonic", lambda: minutes[0])
    return run


def test_nothing_else_is_made_while_the_first_printing_is_under_way(
    campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(first_printings, "_make", killed(2)(first_printings._make))
        with pytest.raises(SystemExit):
            print_first(campaign, tmp_path, actor="test")
    with pytest.raises(Conflict):
        add_slips(campaign, "S-101-三年级1班", 1, reason="转入", actor="test")
    with pytest.raises(Conflict):
        print_first(campaign, tmp_path / "elsewhere", actor="test")


def test_two_printings_at_once_never_make_slips_twice(
    campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        assert print_first(campaign, tmp_path / "other", actor="test")
        return write(*args, **more)

    write = first_printings.write_sheet
    monkeypatch.setattr(first_printings, "write_sheet", meanwhile)
    with pytest.raises(Conflict):
        print_first(campaign, tmp_path / "first", actor="test")
    groups = db.session.scalars(select(RaterGroup).where(RaterGroup.kind == "slip")).all()
    assert all(group.issued == group.enrolled and not group.voided for group in groups)


def test_on_the_console_the_same_command_goes_on_in_the_same_folder(
    app: Flask, campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEY_INSTANCE", app.config["WUPING"].instance.as_posix())
    monkeypatch.setenv("SURVEY_DATABASE_URL", app.config["WUPING"].database_url)
    folder = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(first_printings, "_make", killed(3)(first_printings._make))
        CliRunner().invoke(main, ["slips", str(campaign), "--out", str(folder)])
    before = valid_slips()
    elsewhere = CliRunner().invoke(main, ["slips", str(campaign), "--out", str(tmp_path / "elsewhere")])
    assert elsewhere.exit_code == 2
    assert CliRunner().invoke(main, ["slips", str(campaign), "--out", str(folder)]).exit_code == 0
    assert before
    assert before <= valid_slips()
    assert {code_hmac(code) for code in codes_in((folder / "slips.csv").read_text(encoding="utf-8"))} == valid_slips()
    assert not (folder / first_printings.STATE).exists()
    assert CliRunner().invoke(main, ["slips", str(campaign), "--out", str(folder)]).exit_code == 2
    assert (folder / "slips.csv").exists()


def test_the_console_replaces_what_was_printed_elsewhere_only_if_told(
    app: Flask, campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(first_printings, "_make", killed(3)(first_printings._make))
        with pytest.raises(SystemExit):
            print_first(campaign, tmp_path / "a", actor="test")
    before = valid_slips()
    done = print_first(campaign, tmp_path / "b", actor="test", replace_lost=True)
    assert done is not None
    assert before
    assert not before & valid_slips()
    table = (tmp_path / "b" / "slips.csv").read_text(encoding="utf-8")
    assert {code_hmac(code) for code in codes_in(table)} == valid_slips()


def test_the_rows_are_those_of_making_all_slips_at_once(campaign: int, tmp_path: Path) -> None:
    done = print_first(campaign, tmp_path, actor="test")
    rows = list(csv.reader((tmp_path / "slips.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert done is not None
    assert len(rows) == 1 + done.slips + 1
    db.session.execute(slip.delete())
    db.session.execute(RaterGroup.__table__.update().values(issued=0))
    db.session.commit()
    heads = {row[:3] for group in issue_slips(campaign, actor="test") for row in csv_rows(group)}
    assert {tuple(row[:3]) for row in rows[1:]} == heads
