"""`survey export` and `survey account token`: documents on standard output, refusals in one sentence with exit 2."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from survey.cli import main
from survey.extensions import db
from tests.released import add_campaign, add_evaluation


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Runs a command on an instance with one released campaign."""
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[("T100", "101"), ("T200", "102")])
    add_campaign(year=2027, state="tallied")
    config = app.config["WUPING"]
    monkeypatch.setenv("SURVEY_INSTANCE", str(config.instance))
    if config.database_url:
        monkeypatch.setenv("SURVEY_DATABASE_URL", config.database_url)

    def call(*words: str) -> Result:
        db.session.remove()
        return CliRunner().invoke(main, list(words))

    return call


@pytest.mark.parametrize(
    ("form", "files"),
    [("xlsx", {"results-1.xlsx"}), ("json", {"results-1.json"}), ("sav", {"student_teacher.sav"}), ("csv", None)],
)
def test_the_files_are_listed_and_there(run, tmp_path: Path, form: str, files: set[str] | None) -> None:
    done = run("export", "1", "--out", str(tmp_path / "out"), "--format", form, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["campaign"], document["format"]) == (1, form)
    assert set(document["files"]) == {path.name for path in (tmp_path / "out").iterdir()}
    assert set(document["files"]) == files or {"targets.csv", "codebook.csv", "codebook.md"} <= set(document["files"])


def test_the_json_is_what_results_prints(run, tmp_path: Path) -> None:
    run("export", "1", "--out", str(tmp_path), "--format", "json")
    written = json.loads((tmp_path / "results-1.json").read_text(encoding="utf-8"))
    assert written == json.loads(run("results", "1", "--json").stdout)


@pytest.mark.parametrize(
    "words", [("2",), ("99",), ("x",), ("1", "--format", "exe"), ("1", "--colour", "red")], ids=" ".join
)
def test_refusals_exit_2_with_one_sentence_and_write_nothing(run, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run("export", *words, "--out", str(tmp_path / "out"), "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "instance" not in path.parts]


def test_a_folder_that_cannot_be_written_to_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert run("export", "1", "--out", str(tmp_path / "file" / "out")).exit_code == 2
    run("export", "1", "--out", str(tmp_path / "out"))
    assert run("export", "1", "--out", str(tmp_path / "out")).exit_code == 2


def test_tokens_are_made_listed_and_revoked(run) -> None:
    made = json.loads(run("account", "token", "add", "platform", "--campaign", "1", "--json").stdout)
    assert made["token"].startswith("wuping_")
    listed = run("account", "token", "list", "--json").stdout
    assert json.loads(listed)["tokens"][0]["campaigns"] == [1]
    assert made["token"] not in listed
    assert run("account", "token", "revoke", "platform").exit_code == 0
    assert run("account", "token", "revoke", "platform").exit_code == 2
    for words in (["--view", "x"], ["--view", "school"], ["--days", "0"], ["--campaign", "99"], ["--campaign", "2"]):
        assert run("account", "token", "add", "other", *words).exit_code == 2
