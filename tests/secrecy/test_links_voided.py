"""The same attacks on pages that were set aside by a voiding, and what stands in the tables beside the ballots."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from survey.database import is_sqlite
from survey.extensions import db
from survey.services import mixing
from survey.services.ballots import pack_payload
from survey.services.campaigns import move_campaign
from survey.services.voiding import Unit, void_unit
from tests.secrecy import postgresql_traces
from tests.secrecy.elections import GROUP, Booth, Election, places_of, stored_order
from tests.secrecy.scoring import Scores, leaks, order_by
from tests.secrecy.sqlite_files import Files, traces

RUNS = 40
ALLOWED = {
    "voided_page": {"id", "group_id", "target_id", "payload"},
    "pressure_report": {"id", "day", "kinds", "school", "class_name", "text"},
}
Places = dict[int, tuple[int, ...]]


@pytest.fixture
def booth(campaign: int, codes: dict[str, tuple[str, ...]], tmp_path: Path) -> Booth:
    if not is_sqlite():
        postgresql_traces.prepare()
    return Booth(campaign, codes[GROUP], tmp_path, random.Random(2026))


def restart(booth: Booth) -> Election:
    """Undo the last voiding where the database is not put back as a file, and begin anew."""
    if not is_sqlite():
        with db.engine.begin() as connection:
            connection.execute(text("TRUNCATE voided_page, voiding"))
            connection.execute(text("UPDATE slip SET voided = false"))
            connection.execute(text("UPDATE rater_group SET voided = 0"))
            connection.execute(text("UPDATE group_count SET voided = 0"))
    return booth.election()


def found(booth: Booth, marks: dict[int, bytes]) -> Iterator[tuple[str, Places]]:
    """Yield every trace of the set-aside pages: where each voter's page lies, as far as it is found."""
    if not is_sqlite():
        yield from postgresql_traces.traces("voided_page", "payload", marks).items()
        return
    with db.engine.connect() as connection:
        root = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'voided_page'")).scalar_one()
    yield from traces(Files.copy(booth.file), int(root), marks).items()
    yield "scan", places_of(stored_order("SELECT payload FROM voided_page NOT INDEXED", marks))


def attack(booth: Booth, scores: Scores) -> None:
    """Let everybody vote, close, void the class, and try to tell who cast which page."""
    election = restart(booth)
    for batch in election.batches:
        for voter in batch:
            election.cast(voter)
        mixing.mix()
    move_campaign(booth.campaign, "closed", actor="test")
    void_unit(booth.campaign, Unit(group=GROUP), reason="test", actor="test")
    marks = {voter: pack_payload(answers) for voter, answers in election.answers.items()}
    for trace, places in found(booth, marks):
        if places:
            scores[f"casting order by {trace}"].add(election.voters, order_by(places, election.voters, booth.chance))


def test_pages_set_aside_tell_no_order(booth: Booth) -> None:
    scores, leaking = leaks(lambda into: attack(booth, into), runs=RUNS, watched=lambda _name: True)
    assert leaking == {}
    assert scores
    assert max(score.places for score in scores.values()) == 12 * RUNS


@pytest.mark.parametrize("table", ALLOWED)
def test_tables_beside_the_ballots_hold_exactly_the_allowed_columns(app: Flask, table: str) -> None:
    columns = {str(column["name"]): column for column in inspect(db.engine).get_columns(table)}
    assert set(columns) == ALLOWED[table]
    kinds = {str(column["type"]).split("(")[0] for name, column in columns.items() if name != "day"}
    assert kinds <= {"INTEGER", "BLOB", "BYTEA", "VARCHAR", "TEXT"}
    assert inspect(db.engine).get_foreign_keys(table) == []


def test_neither_of_them_counts_its_rows(app: Flask) -> None:
    for table in ALLOWED:
        if is_sqlite():
            made = text("SELECT sql FROM sqlite_master WHERE name = :name")
            with db.engine.connect() as connection:
                assert "WITHOUT ROWID" in str(connection.execute(made, {"name": table}).scalar())
