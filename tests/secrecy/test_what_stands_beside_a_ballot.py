"""Backups one vote apart, logs at debug level, and the columns: what stands beside a ballot, and what does not."""

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from survey import worker
from survey.database import checkpoint, is_sqlite
from survey.extensions import Base, db
from survey.services import ballots, mixing
from survey.services.ballots import Holder, pack_payload
from survey.services.campaigns import move_campaign
from tests.secrecy.elections import GROUP, TARGET
from tests.secrecy.sqlite_files import Files

Codes = dict[str, tuple[str, ...]]
Dump = dict[str, set[tuple[Any, ...]]]


def vote(code: str, *levels: int, comment: str = "") -> None:
    payload = pack_payload(bytes(levels or (5, 4, 3, 2, 1)), text=comment)
    ballots.cast(Holder(code=code), target_code=TARGET, form=secrets.token_hex(16), payload=payload)


def backup() -> Dump:
    """Every row of every table, as a backup holds it."""
    with db.engine.connect() as connection:
        return {
            table.name: {tuple(map(repr, row)) for row in connection.execute(table.select())}
            for table in Base.metadata.sorted_tables
        }


def file() -> Path:
    return Path(str(db.engine.url.database))


def changes(before: Dump, after: Dump) -> dict[str, tuple[int, int]]:
    """How many rows of each table are gone and are new."""
    found = {name: (len(before[name] - rows), len(rows - before[name])) for name, rows in after.items()}
    return {name: change for name, change in found.items() if change != (0, 0)}


def test_one_vote_changes_its_mark_its_page_its_receipt_and_counters(codes: Codes) -> None:
    vote(codes[GROUP][0])
    before = backup()
    vote(codes[GROUP][1])
    one = {"cast_mark": (0, 1), "inbox": (0, 1), "receipt": (0, 1), "group_count": (1, 1)}
    assert changes(before, backup()) == one


def test_still_open_two_backups_around_one_vote_hold_its_page_until_the_mix(codes: Codes) -> None:
    """What still works on a plain campaign: the new mark and the new page belong together. A mark is no name."""
    before = backup()
    vote(codes[GROUP][0], 1, 2, 3)
    (new,) = backup()["inbox"] - before["inbox"]
    assert repr(pack_payload(bytes([1, 2, 3]))) in new


def test_backups_around_every_mix_tell_batches_only(codes: Codes) -> None:
    batches = []
    for code in codes[GROUP]:
        before = backup()["ballot"]
        vote(code)
        mixing.mix()
        batches.append(len(backup()["ballot"] - before))
    assert batches == [0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0]


def test_still_open_who_casts_four_of_five_pages_knows_the_fifth_before_the_close(codes: Codes) -> None:
    """What still works on a plain campaign: an insider with four slips of a class and the database before its close."""
    for code in codes[GROUP][:4]:
        vote(code, 5, 5, 5)
    vote(codes[GROUP][4], 1, 2, 3)
    mixing.mix()
    with db.engine.connect() as connection:
        rows = [bytes(row) for row in connection.execute(text("SELECT answers FROM ballot")).scalars()]
    assert [row for row in rows if row != bytes([5, 5, 5])] == [bytes([1, 2, 3])]


def test_sqlite_pages_of_many_groups_leave_no_bytes_behind(codes: Codes) -> None:
    if not is_sqlite():
        pytest.skip("files of SQLite")
    voters = [(code, group) for group in codes if group.startswith("P-1") for code in codes[group]]
    payloads = []
    for code, group in sorted(voters):
        payload = pack_payload(bytes(8), text=secrets.token_hex(120))
        payloads.append(payload)
        target = group.split("-")[1]
        ballots.cast(Holder(code=code), target_code=target, form=secrets.token_hex(16), payload=payload)
    for code in codes["S-101-三年级1班"][:4]:
        ballots.cast(Holder(code=code), target_code="T100", form=secrets.token_hex(16), payload=pack_payload(bytes(8)))
    checkpoint(must=True)
    files = Files.copy(file())
    assert sum(payload in files.main for payload in payloads) == len(payloads)
    assert mixing.mix() == len(payloads)
    files = Files.copy(file())
    assert files.log == b""
    assert not [payload for payload in payloads if payload in files.main + files.other]


def test_nothing_counts_rows_in_their_order(app: Flask) -> None:
    """No sequence, serial or AUTOINCREMENT belongs to a table that holds anything of a respondent."""
    if is_sqlite():
        query = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' OR name LIKE 'sqlite_sequence'"
    else:
        query = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
    with db.engine.connect() as connection:
        names = set(connection.execute(text(query)).scalars())
    assert not [name for name in names for table in ALLOWED if name.startswith(table)]


ALLOWED = {
    "slip": {"hmac", "group_id", "voided"},
    "cast_mark": {"hmac", "target_id", "form"},
    "inbox": {"id", "group_id", "target_id", "payload"},
    "ballot": {"id", "evaluation_id", "group_id", "target_id", "answers", "flag"},
    "comment": {"id", "evaluation_id", "target_id", "chips", "text"},
    "receipt": {"text", "campaign_id"},
}
RANDOM_KEYS = {"inbox", "ballot", "comment"}


def test_tables_of_respondents_hold_exactly_the_allowed_columns(app: Flask) -> None:
    found = {table: {str(c["name"]) for c in inspect(db.engine).get_columns(table)} for table in ALLOWED}
    assert found == ALLOWED


def test_tables_of_respondents_hold_no_time_and_point_at_nothing(app: Flask) -> None:
    for table in ALLOWED:
        kinds = {str(column["type"]).split("(")[0] for column in inspect(db.engine).get_columns(table)}
        assert kinds <= {"INTEGER", "BOOLEAN", "BLOB", "BYTEA", "VARCHAR", "TEXT"}
        assert inspect(db.engine).get_foreign_keys(table) == []
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.column.table.name not in ALLOWED


def test_keys_are_random_and_say_nothing_of_a_time(codes: Codes) -> None:
    for code in codes[GROUP]:
        vote(code, comment="谢谢老师")
    mixing.mix()
    for table in RANDOM_KEYS - {"inbox"}:
        with db.engine.connect() as connection:
            keys = [bytes(key) for key in connection.execute(text(f"SELECT id FROM {table}")).scalars()]
        assert len(keys) == len(codes[GROUP])
        # A UUID of version 1 or 7 begins alike for keys of the same minute.
        assert len({key[:2] for key in keys}) > 8
        assert {len(key) for key in keys} == {16}


@pytest.fixture
def failing_ballots(campaign: int, codes: Codes) -> Iterator[None]:
    """A ballot table that refuses rows, as after a fault in the database."""
    with db.engine.begin() as connection:
        if is_sqlite():
            body = "BEGIN SELECT RAISE(ABORT, 'broken'); END"
            connection.execute(text(f"CREATE TRIGGER broken BEFORE INSERT ON ballot {body}"))
        else:
            body = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$"
            connection.execute(text(f"CREATE FUNCTION broken() {body}"))
            each = "BEFORE INSERT ON ballot FOR EACH ROW EXECUTE FUNCTION broken()"
            connection.execute(text(f"CREATE TRIGGER broken {each}"))
    yield
    with db.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER broken" if is_sqlite() else "DROP TRIGGER broken ON ballot"))


def test_the_log_of_a_failing_mix_holds_no_answers(
    app: Flask, codes: Codes, failing_ballots: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for code in codes[GROUP][:6]:
        vote(code, 1, 2, 3, 4, 5, 1, 2, comment="canary-comment")
    worker._guarded(app, mixing.mix)
    assert "broken" in caplog.text
    for told in ("canary-comment", r"\x01\x02\x03\x04\x05", "0102030405"):
        assert told not in caplog.text


def test_nothing_is_logged_of_a_vote_a_mix_and_a_close(
    app: Flask, campaign: int, codes: Codes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # The switch that shows every statement. Rows are shown by the level below, which only the machine's owner can set.
    caplog.set_level(logging.INFO, logger="sqlalchemy.engine")
    for code in codes[GROUP][:6]:
        vote(code, 1, 2, 3, 4, 5, 1, 2, comment="canary-comment")
    mixing.mix()
    move_campaign(campaign, "closed", actor="test")
    assert "INSERT INTO ballot" in caplog.text
    for told in (*codes[GROUP], "canary-comment", r"\x01\x02\x03\x04\x05", Holder(code=codes[GROUP][0]).key.hex()):
        assert told not in caplog.text
