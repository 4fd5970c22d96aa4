"""The console's sealed box: three sheets for the trustees' eyes only, and an opening from two of them."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from survey.cli import main
from survey.config import Config
from survey.extensions import db
from survey.services.ballots import Holder, cast, pack_payload
from survey.services.campaigns import create_campaign
from survey.services.share_sheets import read_share_file
from survey.services.slips import issue_slips

CREATE = ("campaign", "create", "--name", "密封 <i>", "--year", "2026", "--template", "five", "--json")
SEALED = (*CREATE, "--sealed")


@pytest.fixture
def config(config: Config) -> Config:
    """The usual settings, with refusals in English."""
    return replace(config, language="en")


@pytest.fixture
def console(county: Flask, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The `survey` command on the application of `county`."""
    monkeypatch.setattr("survey.cli.console.create_app", lambda: county)
    monkeypatch.setenv("SURVEY_LANGUAGE", "en")
    # The modes of the files are the code's, not the mask's.
    monkeypatch.setattr(os, "umask", lambda _mask: 0)
    db.session.remove()
    return CliRunner()


def run(console: CliRunner, *words: object) -> Result:
    return console.invoke(main, [str(word) for word in words])


def test_a_scripted_campaign_is_sealed_cast_closed_and_opened(console: CliRunner, tmp_path: Path) -> None:
    made = json.loads(run(console, *SEALED, "--shares", tmp_path / "keys").stdout)
    assert set(made) == {"campaign", "evaluations"}
    number = made["campaign"]
    sheets = sorted((tmp_path / "keys").iterdir())
    assert [sheet.name for sheet in sheets] == ["share-1.html", "share-2.html", "share-3.html"]
    assert {sheet.stat().st_mode & 0o777 for sheet in sheets} == {0o600}
    for state in ("ready", "open"):
        assert run(console, "campaign", "move", number, state).exit_code == 0
    code = next(group.codes[0] for group in issue_slips(number, actor="test") if group.group == "P-101-三年级1班")
    cast(Holder(code=code), target_code="101", form="0" * 32, payload=pack_payload(bytes([5] * 10)))
    db.session.remove()
    run(console, "campaign", "move", number, "closed")
    early = run(console, "campaign", "move", number, "tallied")
    assert (early.exit_code, "opened" in early.stderr) == (2, True)
    alone = run(console, "campaign", "unseal", number, "--share", sheets[0], "--json")
    assert (alone.exit_code, alone.stdout) == (2, "")
    done = run(console, "campaign", "unseal", number, "--share", sheets[0], "--share", sheets[2], "--json")
    assert json.loads(done.stdout) == {"campaign": number, "pages": 1}
    assert run(console, "campaign", "move", number, "tallied").exit_code == 0


def test_the_three_sheets_hold_one_share_each_and_load_nothing(console: CliRunner, tmp_path: Path) -> None:
    run(console, *SEALED, "--shares", tmp_path)
    texts = [(tmp_path / f"share-{number}.html").read_text() for number in (1, 2, 3)]
    shares = [read_share_file(tmp_path / f"share-{number}.html") for number in (1, 2, 3)]
    assert [share.number for share in shares] == [1, 2, 3]
    for share, text in zip(shares, texts, strict=True):
        assert all(text.count(line) == 1 for line in share.lines)
        assert "密封 &lt;i&gt;" in text
        assert "http" not in text.replace("http-equiv", "")
    assert not [line for line in shares[0].lines[1:] if line in texts[1] + texts[2]]


def test_a_share_may_come_as_plain_text(console: CliRunner, tmp_path: Path) -> None:
    run(console, *SEALED, "--shares", tmp_path)
    share = read_share_file(tmp_path / "share-1.html")
    (tmp_path / "typed.txt").write_text("\n".join(share.lines).lower())
    assert read_share_file(tmp_path / "typed.txt") == share


def test_shares_are_never_written_into_the_instance_or_over_others(
    console: CliRunner, tmp_path: Path, config: Config
) -> None:
    for folder in (config.instance, config.instance / "keys"):
        done = run(console, *SEALED, "--shares", folder)
        assert done.exit_code == 2
    assert not list(config.instance.rglob("share-*"))
    run(console, *SEALED, "--shares", tmp_path)
    before = (tmp_path / "share-1.html").read_text()
    assert run(console, *SEALED, "--shares", tmp_path).exit_code == 2
    assert (tmp_path / "share-1.html").read_text() == before


def test_shares_without_a_sealed_box_are_refused(console: CliRunner, tmp_path: Path) -> None:
    assert run(console, *CREATE, "--shares", tmp_path).exit_code == 2
    number = json.loads(run(console, *CREATE).stdout)["campaign"]
    assert run(console, "campaign", "shares", number, "--out", tmp_path).exit_code == 2
    assert not list(tmp_path.glob("share-*"))


def test_the_key_of_a_draft_can_be_made_later(console: CliRunner, tmp_path: Path) -> None:
    number = json.loads(run(console, *SEALED).stdout)["campaign"]
    assert run(console, "campaign", "move", number, "ready").exit_code == 2
    made = json.loads(run(console, "campaign", "shares", number, "--out", tmp_path, "--json").stdout)
    assert made["files"] == ["share-1.html", "share-2.html", "share-3.html"]
    assert all(made["fingerprint"] in (tmp_path / name).read_text() for name in made["files"])
    assert run(console, "campaign", "move", number, "ready").exit_code == 0


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"no share", b"A" * 80])
def test_files_that_are_no_share_are_refused_with_their_name(
    console: CliRunner, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "x.html"
    if content is not None:
        path.write_bytes(content)
    done = run(console, "campaign", "unseal", 1, "--share", path, "--share", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "x.html" in done.stderr


def test_the_folder_is_tried_before_anything_is_made(console: CliRunner) -> None:
    assert run(console, *SEALED, "--shares", "/proc/nowhere").exit_code == 2
    assert create_campaign(name="x", year=2026, template="five", first_day=None, last_day=None, actor="x")[0] == 1
