"""`survey reports`: every document in a folder, one document on standard output, refusals with exit 2."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from docx import Document
from flask import Flask

from survey.cli import main
from survey.extensions import db
from tests.released import add_campaign, add_evaluation


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Runs the command on an instance with one released campaign, in which one name has a rare character."""
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[("T1", "101"), ("T2", "101")], names=["王㐂", "张三"])
    add_campaign(year=2027, state="tallied")
    config = app.config["WUPING"]
    monkeypatch.setenv("SURVEY_INSTANCE", str(config.instance))
    if config.database_url:
        monkeypatch.setenv("SURVEY_DATABASE_URL", config.database_url)

    def call(*words: str) -> Result:
        db.session.remove()
        return CliRunner().invoke(main, ["reports", *words])

    return call


def test_everybody_gets_word_and_pdf_and_the_font_is_honest(run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("1", "--out", str(out), "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["campaign"], document["subjects"], document["documents"]) == (1, 3, 6)
    assert document["incomplete"] == [["T1 王㐂", "㐂"]]
    assert "㐂" in done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".docx", ".pdf", ".csv"}
    assert len(files) == 7
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_internal_copies_say_so(run, tmp_path: Path) -> None:
    texts = []
    for place, more in enumerate(([], ["--internal"])):
        done = run("1", "--out", str(tmp_path / str(place)), "--kind", "word", *more)
        assert (done.exit_code, "3" in done.stdout) == (0, True)
        [path] = (tmp_path / str(place)).rglob("*T2*.docx")
        texts.append("\n".join(line.text for line in Document(str(path)).paragraphs))
    assert texts[0] != texts[1]


@pytest.mark.parametrize("words", [("2",), ("99",), ("x",), ("1", "--kind", "exe")], ids=" ".join)
def test_refusals_exit_2_with_one_sentence_and_write_nothing(run, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(*words, "--out", str(tmp_path / "out"), "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_to_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert run("1", "--out", str(tmp_path / "file" / "out")).exit_code == 2
