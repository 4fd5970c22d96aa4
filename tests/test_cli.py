"""The console: documents on standard output, sentences on standard error, exit codes of the error tree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from openpyxl import Workbook

from survey.cli import main
from survey.config import Config
from survey.extensions import db
from survey.models.campaigns import Campaign


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner in an instance folder that does not exist yet."""
    monkeypatch.setenv("SURVEY_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.delenv("SURVEY_DATABASE_URL", raising=False)
    return CliRunner()


def run(console: CliRunner, *words: str) -> Result:
    return console.invoke(main, list(words))


def test_init_prints_one_document_and_refuses_a_second_time(console: CliRunner) -> None:
    first = run(console, "init", "--admin", "boss", "--json")
    assert json.loads(first.stdout)["admin"] == "boss"
    again = run(console, "init", "--admin", "boss", "--json")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "实例" in again.stderr


def test_without_an_instance_every_command_says_what_to_do(console: CliRunner) -> None:
    done = run(console, "results", "1", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "survey init" in done.stderr


def test_a_workbook_that_cannot_be_read_still_prints_the_document(console: CliRunner, tmp_path: Path) -> None:
    run(console, "init", "--admin", "boss")
    book = Workbook()
    book.save(tmp_path / "empty.xlsx")
    (tmp_path / "text.xlsx").write_text("no workbook")
    for name in ("empty.xlsx", "text.xlsx", "missing.xlsx"):
        done = run(console, "roster", "import", str(tmp_path / name), "--json")
        document = json.loads(done.stdout)
        assert done.exit_code == 2
        assert document["schools"] == 0
        assert document["problems"][0]["severity"] == "error"


def test_a_campaign_with_tokens_makes_no_slips_for_who_has_an_account(console: CliRunner, tmp_path: Path) -> None:
    run(console, "init", "--admin", "boss")
    teachers = [[f"T{number:02}", f"教师{number}", "女", "1", "教师", "语文", ""] for number in range(12)]
    book = Workbook()
    book.remove(book.active)
    for name, lines in {
        "学校": [
            ["学校代码", "学校名称", "学区", "学段", "性质", "校长", "地址"],
            ["1", "小学", "东", "小学", "公办", "甲", ""],
        ],
        "科室": [["科室代码", "科室名称", "负责人"], ["K1", "办公室", "丙"]],
        "班级": [["学校代码", "年级", "班级", "在籍人数", "班主任工号"], ["1", "三年级", "1班", 20, "T01"]],
        "教师": [
            ["工号", "姓名", "性别", "学校代码", "职务", "任教学科", "手机"],
            ["H1", "甲", "男", "1", "校长", "", ""],
            *teachers,
        ],
        "任课": [["学校代码", "年级", "班级", "学科", "工号"], ["1", "三年级", "1班", "语文", "T01"]],
    }.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(tmp_path / "roster.xlsx")
    assert run(console, "roster", "import", str(tmp_path / "roster.xlsx")).exit_code == 0
    words = ("campaign", "create", "--name", "五评", "--year", "2026", "--template", "five", "--json")
    plain, tokens = (json.loads(run(console, *words, *more).stdout)["evaluations"] for more in ((), ("--tokens",)))
    assert [row["slips"] for row in plain] == [20, 12, 0, 20, 0]
    assert [row["slips"] for row in tokens] == [20, 0, 0, 20, 0]
    assert run(console, "campaign", "move", "2", "ready").exit_code == 0
    made = run(console, "account", "add", "wang", "--role", "teacher", "--staff", "T03", "--json")
    assert json.loads(made.stdout)["account"] == "wang"
    for options in (
        ("--role", "teacher"),
        ("--role", "officer", "--staff", "T04"),
        ("--role", "teacher", "--staff", "X"),
    ):
        assert run(console, "account", "add", "li", *options).exit_code == 2
    assert run(console, "account", "add", "again", "--role", "teacher", "--staff", "T03").exit_code == 2
    out = tmp_path / "teachers.xlsx"
    assert json.loads(run(console, "account", "staff", "1", "--out", str(out), "--json").stdout)["accounts"] == 12
    assert out.stat().st_mode & 0o077 == 0
    assert run(console, "account", "staff", "1", "--out", str(out)).exit_code == 2
    assert json.loads(run(console, "check", "--json").stdout)["ok"]


def test_check_reports_a_secret_that_others_can_read(console: CliRunner, tmp_path: Path) -> None:
    run(console, "init", "--admin", "boss")
    assert json.loads(run(console, "check", "--json").stdout)["ok"]
    (tmp_path / "instance" / "secret.key").chmod(0o644)
    done = run(console, "check", "--json")
    assert done.exit_code == 1
    assert not json.loads(done.stdout)["ok"]


def test_nothing_of_an_instance_can_be_read_by_others(console: CliRunner, tmp_path: Path) -> None:
    run(console, "init", "--admin", "boss")
    files = [path for path in (tmp_path / "instance").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if path.stat().st_mode & 0o077]


@pytest.mark.parametrize(
    "words",
    [
        ("campaign", "create", "--name", "x", "--year", "2026", "--template", "six"),
        ("campaign", "create", "--name", "x", "--year", "2026", "--template", "five"),
        ("campaign", "create", "--name", "x", "--year", "2026", "--template", "five", "--first-day", "soon"),
        ("campaign", "move", "7", "ready"),
        ("account", "add", "x", "--role", "king"),
        ("account", "add", "x", "--role", "school", "--school", "999"),
        ("account", "reset", "nobody"),
        ("slips", "7", "--out", "/proc/nowhere"),
        ("results", "7"),
        ("analyse", "/etc/hostname", "--target", "t", "--items", "y", "--levels", "1-5"),
        ("unknown",),
    ],
    ids=" ".join,
)
def test_refusals_exit_2_with_a_sentence(console: CliRunner, words: tuple[str, ...]) -> None:
    run(console, "init", "--admin", "boss")
    done = run(console, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_database_that_is_down_is_one_sentence(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEY_INSTANCE", str(config.instance))
    monkeypatch.setenv("SURVEY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for words in (("results", "1"), ("serve",)):
        done = run(CliRunner(), *words)
        assert done.exit_code == 1
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_unit_is_voided_on_the_console(
    config: Config, campaign: int, codes: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if config.database_url:
        pytest.skip("a command's process ends with its connections; here they would stay open")
    monkeypatch.setenv("SURVEY_INSTANCE", str(config.instance))
    group, out = "S-101-三年级1班", tmp_path / "again"
    words = ("campaign", "void", str(campaign), "--group", group, "--reason", "统一填写", "--json")
    refused = run(CliRunner(), *words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--out" in refused.stderr
    document = json.loads(run(CliRunner(), *words, "--out", str(out)).stdout)
    assert (document["voided"], document["slips"], document["pages"]) == (12, 12, 0)
    assert (out / "slips.csv").read_text(encoding="utf-8-sig").count(group) == 12
    checks = json.loads(run(CliRunner(), "check", "--json").stdout)["checks"]
    assert next(check for check in checks if check["name"] == "balance")["ok"]
    wrong = run(CliRunner(), "campaign", "void", str(campaign), "--group", "X", "--reason", "x", "--out", str(out))
    assert wrong.exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "nope"),
        (["analyse"], "FILE"),
        (["analyse", "x", "--targe", "y"], "--targe"),
        (["campaign", "create", "--name", "a", "--year", "x", "--template", "five"], "--year"),
    ],
)
def test_a_command_line_that_is_wrong_is_told_in_one_sentence(words: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "survey.cli", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_instance_is_backed_up_and_restored(
    console: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(console, "init", "--admin", "boss", "--json")
    file = tmp_path / "all.zip"
    made = json.loads(run(console, "backup", str(file), "--json").stdout)
    again = run(console, "backup", str(file), "--json")
    assert (again.exit_code, again.stdout) == (2, "")
    monkeypatch.setenv("SURVEY_INSTANCE", str(tmp_path / "other"))
    assert json.loads(run(console, "restore", str(file), "--json").stdout)["rows"] == made["rows"] > 0
    assert json.loads(run(console, "check", "--json").stdout)["ok"]
    twice = run(console, "restore", str(file), "--json")
    assert (twice.exit_code, twice.stdout) == (2, "")


def test_roles_profiles_and_lost_phones_on_the_console(console: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    run(console, "init", "--admin", "boss")
    for role in ("officer", "viewer", "inspector", "supervisor", "auditor", "sysadmin"):
        assert run(console, "account", "add", f"the {role}", "--role", role, "--json").exit_code == 0
    assert run(console, "account", "add", "console", "--role", "officer").exit_code == 2
    assert run(console, "account", "reset", "boss", "--second-factor", "--json").exit_code == 0
    monkeypatch.setenv("SURVEY_LOGIN_PROFILE", "none")
    assert run(console, "account", "reset", "boss").exit_code == 2


def test_a_campaign_is_made_for_two_persons_only_when_asked(county: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEY_INSTANCE", county.config["WUPING"].instance.as_posix())
    monkeypatch.setenv("SURVEY_DATABASE_URL", county.config["WUPING"].database_url)
    create = ("campaign", "create", "--name", "x", "--year", "2026", "--template", "five", "--json")
    for number, words in ((1, ()), (2, ("--two-person",))):
        assert json.loads(run(CliRunner(), *create, *words).stdout)["campaign"] == number
        db.session.rollback()
        assert db.session.get_one(Campaign, number).two_person is bool(words)
    # The console acts for the machine's owner and needs nobody.
    for state in ("ready", "open"):
        assert run(CliRunner(), "campaign", "move", "2", state, "--json").exit_code == 0
