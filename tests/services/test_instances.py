"""An instance: made once, checked honestly."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import insert, text, update

from survey import create_app
from survey.config import Config, load_config
from survey.database import is_sqlite
from survey.errors import BadInput, Conflict, Refused
from survey.extensions import Base, db
from survey.models.audit import AuditEntry
from survey.models.ballots import inbox
from survey.models.campaigns import GroupCount
from survey.services import instances
from survey.services.instances import can_write, init_instance, prepare_folder, run_checks, upgrade_schema


def failed() -> set[str]:
    return {check.name for check in run_checks() if not check.ok and check.level == "error"}


def test_migrations_make_exactly_the_tables_of_the_models(app: Flask) -> None:
    Base.metadata.drop_all(db.engine)
    upgrade_schema()
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []
    if not is_sqlite():
        unsampled = text(
            "SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND attstattarget = 0"
        )
        assert set(db.session.scalars(unsampled)) == {"inbox.payload", "token_issue.staff_code"}


def test_an_instance_is_made_once(app: Flask, config: Config) -> None:
    with pytest.raises(Conflict):
        prepare_folder(config)
    with pytest.raises(Conflict):
        init_instance("boss")


def test_a_fresh_instance_passes_its_checks(app: Flask) -> None:
    Base.metadata.drop_all(db.engine)
    init_instance("boss")
    assert failed() == set()
    assert can_write()


def test_secrets_are_private(config: Config) -> None:
    assert stat.S_IMODE(config.instance.stat().st_mode) == 0o700
    assert stat.S_IMODE((config.instance / "secret.key").stat().st_mode) == 0o600


def test_a_secret_that_others_can_read_is_refused(config: Config) -> None:
    (config.instance / "secret.key").chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        create_app(config)


def test_a_missing_or_short_secret_is_refused(config: Config) -> None:
    (config.instance / "secret.key").write_bytes(b"short")
    with pytest.raises(Refused, match="damaged"):
        create_app(config)
    (config.instance / "secret.key").unlink()
    with pytest.raises(Refused, match="survey init"):
        create_app(config)


def test_a_lost_ballot_is_found(campaign: int) -> None:
    row = {"id": b"x" * 16, "group_id": 1, "target_id": 1, "payload": b"\0\0\0"}
    db.session.execute(insert(inbox), row)
    db.session.commit()
    assert "balance" in failed()


def test_a_changed_counter_is_found(campaign: int) -> None:
    db.session.execute(update(GroupCount).values(begun=3))
    db.session.commit()
    assert "balance" in failed()


def test_a_changed_audit_entry_is_found(campaign: int) -> None:
    db.session.execute(update(AuditEntry).where(AuditEntry.id == 1).values(actor="nobody"))
    db.session.commit()
    assert "audit" in failed()


def test_the_ballot_tables_keep_no_rowid(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("rowids are SQLite's")
    for table in ("slip", "cast_mark", "inbox", "ballot", "comment", "receipt"):
        sql = db.session.execute(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table}).scalar_one()
        assert "WITHOUT ROWID" in sql


def test_settings_name_what_is_wrong(tmp_path: Path) -> None:
    environ = {"SURVEY_INSTANCE": str(tmp_path)}
    with pytest.raises(BadInput, match="SURVEY_PROXY_HOPS"):
        load_config(environ | {"SURVEY_PROXY_HOPS": "two"})
    with pytest.raises(BadInput, match="public_base_url"):
        load_config(environ | {"SURVEY_PUBLIC_BASE_URL": "ftp://x"})
    (tmp_path / "config.toml").write_text("colour = 1")
    with pytest.raises(BadInput, match="colour"):
        load_config(environ)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('bureau = "甲县教育局"\nmix_seconds = 5\n', encoding="utf-8")
    config = load_config({"SURVEY_INSTANCE": str(tmp_path), "SURVEY_BUREAU": "乙县教育局"})
    assert (config.bureau, config.mix_seconds) == ("乙县教育局", 5)


def test_a_check_that_breaks_is_a_failed_check(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no such disk")

    monkeypatch.setattr(instances, "_CHECKS", (broken,))
    assert failed() == {"broken"}
