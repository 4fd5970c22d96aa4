"""A backup is the whole instance in one file, and a restore of it goes on where the instance stood."""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import Connection, Table, func, inspect, select, text

from survey import create_app
from survey.cli import main
from survey.config import Config
from survey.errors import BadInput, Conflict
from survey.extensions import Base, db
from survey.models.campaigns import RaterGroup
from survey.models.tokens import TokenKey, token_issue
from survey.queries.cubes import released_results
from survey.services import backups, instances, tokens
from survey.services.balance import balance_of
from survey.services.ballots import Electorate, Holder, Page, cast_slips, find_progress, pack_payload
from survey.services.batches import Batches
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.report_templates import is_own, keep_template, template_in_force
from survey.services.slips import add_slips, issue_slips
from tests import commented


@pytest.fixture
def saved(app: Flask, codes: dict[str, tuple[str, ...]], campaign: int, tmp_path: Path) -> Path:
    """A backup of a campaign in which half of every group has voted."""
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    cast_slips((Holder(code=code), fill) for group in codes.values() for code in group[::2])
    path = tmp_path / "backup.zip"
    backups.write_backup(path)
    return path


def fill(electorate: Electorate, page: Page) -> bytes:
    items = len(find_questionnaire(electorate.questionnaire_id).item_codes)
    return pack_payload(bytes([4]) * items * (len(electorate.targets) or 1), text="谢谢")


Restore = Callable[[Path], AbstractContextManager[backups.Restored]]


@pytest.fixture
def elsewhere(config: Config, tmp_path: Path) -> Restore:
    """Restores a backup into another folder, and is inside it; on PostgreSQL the database is emptied first."""

    @contextmanager
    def restore(path: Path) -> Iterator[backups.Restored]:
        db.session.remove()
        other = replace(config, instance=tmp_path / "other")
        if config.database_url:
            with db.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        with backups.open_backup(path) as archive:
            backups.restore_files(archive, other.instance)
            with create_app(other).app_context():
                try:
                    yield backups.restore_tables(archive, instances.upgrade_schema)
                finally:
                    db.session.remove()
                    db.engine.dispose()

    return restore


def everything() -> dict[str, list[tuple[Any, ...]]]:
    with db.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
        }


def test_every_row_comes_back(saved: Path, elsewhere: Restore) -> None:
    before = everything()
    with elsewhere(saved):
        assert everything() == before


def test_a_restored_campaign_goes_on(
    saved: Path, elsewhere: Restore, codes: dict[str, tuple[str, ...]], campaign: int
) -> None:
    with elsewhere(saved):
        group = next(iter(codes.values()))
        assert find_progress(Holder(code=group[0])).next_page is None
        cast_slips([(Holder(code=group[1]), fill)])
        assert not balance_of(campaign).faults
        for state in ("closed", "tallied", "released"):
            move_campaign(campaign, state, actor="test")
        assert released_results(campaign)["evaluations"]
        made, _evaluations = create_campaign(
            name="下一年", year=2027, template="five", first_day=None, last_day=None, actor="test"
        )
        assert made > campaign


def test_nothing_is_written_over(saved: Path, app: Flask) -> None:
    with pytest.raises(Conflict):
        backups.write_backup(saved)
    with backups.open_backup(saved) as archive:
        with pytest.raises(Conflict):
            backups.restore_files(archive, app.config["WUPING"].instance)
        with pytest.raises(Conflict):
            backups.restore_tables(archive, instances.upgrade_schema)


def test_only_the_owner_reads_a_backup(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoil", ["cut", "flip", "other"])
def test_a_damaged_backup_is_refused(saved: Path, tmp_path: Path, spoil: str) -> None:
    whole, bad = saved.read_bytes(), tmp_path / "bad.zip"
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    bad.write_bytes({"cut": whole[:middle], "flip": flipped, "other": b"PK nonsense"}[spoil])
    with pytest.raises(BadInput):
        backups.open_backup(bad)


def test_rows_that_were_changed_leave_no_instance(saved: Path, elsewhere: Restore, tmp_path: Path) -> None:
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(forged, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            copy.writestr(name, content.replace(b"false", b"true") if name == "tables/slip.jsonl" else content)
    with pytest.raises(BadInput, match="slip"), elsewhere(forged):
        pass


def test_the_bureaus_templates_and_schemes_come_back_and_nothing_temporary(
    app: Flask, tmp_path: Path, elsewhere: Restore
) -> None:
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    instance = app.config["WUPING"].instance
    own = template_in_force("notice")
    keep_template("notice", own, actor="test")
    (instance / "schemes").mkdir(exist_ok=True)
    (instance / "schemes" / "own.toml").write_text("x = 1")
    for kind in ("slips", "exports", "reports"):
        (Batches(kind=kind).add() / "codes.zip").write_bytes(b"in the clear")
    for folder in ("uploads", "progress"):
        (instance / folder).mkdir(exist_ok=True)
        (instance / folder / "1.json").write_text("[]")
    path = tmp_path / "backup.zip"
    backups.write_backup(path)
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if name.startswith("files/")}
    assert names - {"files/config.toml"} == {
        "files/secret.key",
        "files/schemes/own.toml",
        "files/report_templates/notice.docx",
    }
    with elsewhere(path):
        assert template_in_force("notice") == own
        assert is_own("notice")
        folder = tmp_path / "other" / "report_templates"
        assert (folder.stat().st_mode & 0o777, (folder / "notice.docx").stat().st_mode & 0o777) == (0o700, 0o600)


def members(path: Path) -> str:
    """All tables of a backup as text."""
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("tables/"))


def test_a_settled_comment_is_in_no_backup_as_it_was_written(
    app: Flask, codes: dict[str, tuple[str, ...]], campaign: int, tmp_path: Path, elsewhere: Restore
) -> None:
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    commented.write(codes, "101", ["我是张小明的妈妈"], ballots=36)
    commented.count(campaign)
    # What waits for its review is there: a restore would lose it otherwise.
    backups.write_backup(tmp_path / "early.zip")
    assert "张小明" in members(tmp_path / "early.zip")
    for row in commented.rows(campaign):
        commented.settle(campaign, row.key, text="masked")
    path = tmp_path / "later.zip"
    backups.write_backup(path)
    assert "张小明" not in members(path)
    before = everything()
    assert before["comment_review"]
    with elsewhere(path):
        assert everything() == before


def test_every_table_is_one_of_the_backup(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        kept = {name.removeprefix("tables/") for name in archive.namelist() if name.startswith("tables/")}
    database = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    assert {f"{name}.jsonl" for name in database} == kept


VALUES: dict[type, Any] = {
    bool: True,
    int: 7,
    float: 0.1,
    str: "测",
    bytes: bytes(range(240, 256)),
    object: {"一": [1, None]},
    date: date(2026, 2, 28),
    datetime: datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
}


def invented(connection: Connection, table: Table) -> dict[str, Any]:
    """A row of a table: what points elsewhere points at the first row there."""
    row = {column.name: VALUES[column.type.python_type] for column in table.columns}
    for key in table.foreign_keys:
        row[key.parent.name] = connection.scalar(select(key.column).limit(1))
    return row


def test_rows_of_every_table_come_back(app: Flask, tmp_path: Path, elsewhere: Restore) -> None:
    """One invented row in each table, with a value in each column: every type is written and read."""
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    with db.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if not connection.scalar(select(func.count()).select_from(table)):
                connection.execute(table.insert(), invented(connection, table))
    path = tmp_path / "backup.zip"
    made = backups.write_backup(path)
    assert min(made.rows.values()) > 0
    before = everything()
    with elsewhere(path):
        assert everything() == before


def test_a_backup_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("files/../../outside.toml", "x")
        archive.writestr("files/schemes/../../outside.toml", "x")
        archive.writestr("files/report_templates/../../outside.docx", "x")
        archive.writestr("files/report_templates/macro.docm", "x")
        archive.writestr("files/secret.key", b"k" * 32)
    with zipfile.ZipFile(evil) as archive:
        backups.restore_files(archive, tmp_path / "fresh" / "instance")
    assert [path.name for path in tmp_path.rglob("*") if path.suffix in (".toml", ".docx", ".docm")] == []
    assert (tmp_path / "fresh" / "instance" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_restored_instance_gives_nobody_a_second_token(county: Flask, tmp_path: Path, elsewhere: Restore) -> None:
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    number, _made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    issue_slips(number, actor="test")
    group = db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == "T-101")).one()
    tokens.want_paper("T105", group)
    path = tmp_path / "backup.zip"
    backups.write_backup(path)
    tokens.sign("T100", group, bytes(255) + b"\2")
    with elsewhere(path) as restored:
        assert restored.token_keys_erased == 3
        assert set(db.session.scalars(select(TokenKey.private_key))) == {b""}
        for staff_code in ("T100", "T101"):
            with pytest.raises(Conflict, match=r"restored|备份"):
                tokens.sign(staff_code, group, bytes(255) + b"\3")
            with pytest.raises(Conflict, match=r"restored|备份"):
                tokens.want_paper(staff_code, group)
        assert db.session.scalars(select(token_issue.c.staff_code)).all() == ["T105"]
        # Paper for who waited and, by the officer's word, for two more.
        made = add_slips(number, "T-101", 3, reason="T101、T102 未领过", actor="test")
        assert find_progress(Holder(code=made.codes[2])).next_page is not None
        assert (balance_of(number).faults, balance_of(number).begun) == ((), 0)


def test_the_console_says_that_keys_were_erased(county: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if county.config["WUPING"].database_url:
        pytest.skip("the restore wants an empty database")
    flask_migrate.stamp(directory=str(Path(instances.__file__).parents[1] / "migrations"))
    number, _made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    move_campaign(number, "ready", actor="test")
    path = tmp_path / "backup.zip"
    backups.write_backup(path)
    monkeypatch.setenv("SURVEY_INSTANCE", str(tmp_path / "other"))
    done = CliRunner().invoke(main, ["restore", str(path), "--json"])
    assert json.loads(done.stdout)["token_keys_erased"] == 3
    assert "--add" in done.stderr
