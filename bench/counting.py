"""Counting (goal 5): ballots in SQLite through the product's tally, beside numpy.bincount on arrays in memory."""

import resource
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from flask import Flask
from sqlalchemy import text

from bench import county
from bench.county import County
from survey.database import transaction
from survey.extensions import db
from survey.services.campaigns import move_campaign
from survey.services.tallies import count_campaign, load_axes

CLASSES = 400
ITEMS = 10
LEVELS = 6
_INSERT = "INSERT INTO ballot (id, evaluation_id, group_id, target_id, answers, flag) VALUES (?, ?, ?, ?, ?, 0)"


@dataclass(frozen=True, kw_only=True)
class Counting:
    """Seconds (wall, CPU) of the product's count and of bincount, growth of memory, and what a ballot takes on disk.

    released_seconds: storing the tallies, statistics and the released cube.
    """

    ballots: int
    seconds: float
    cpu: float
    bincount: float
    grown_bytes: int
    released_seconds: float
    bytes_a_ballot: float


@dataclass(frozen=True, kw_only=True)
class Released:
    """An instance with a released campaign."""

    county: County
    campaign_id: int


def count_many(folder: Path, *, ballots: int) -> tuple[Counting, Released]:
    """Fill a campaign with this many ballots, count them both ways, and release it."""
    here = county.make_county(folder, classes=[40] * CLASSES)
    with here.app() as app:
        election = county.hold_election(ITEMS)
        arrays = _fill(app, election.campaign_id, ballots)
        size = _bytes_of(app, "ballot") / ballots
        before, start, cpu = _peak(), time.perf_counter(), time.process_time()
        counted = count_campaign(election.campaign_id)
        seconds, cpu, grown = time.perf_counter() - start, time.process_time() - cpu, _peak() - before
        start = time.perf_counter()
        again = _bincount(*arrays)
        bincount = time.perf_counter() - start
        if int(again.sum()) != sum(int(evaluation.counts.counts.sum()) for evaluation in counted):
            raise AssertionError("the tally and bincount differ")
        del counted, again, arrays
        released = _release(election.campaign_id) - seconds
    return (
        Counting(
            ballots=ballots,
            seconds=seconds,
            cpu=cpu,
            bincount=bincount,
            grown_bytes=grown,
            released_seconds=max(0.0, released),
            bytes_a_ballot=size,
        ),
        Released(county=here, campaign_id=election.campaign_id),
    )


Cells = npt.NDArray[np.int64]
Answers = npt.NDArray[np.uint8]


def _fill(app: Flask, campaign_id: int, ballots: int) -> tuple[Cells, Answers]:
    """Insert ballots in key order, as a mix would; return cell (n,) and answers (n, items) of the same ballots."""
    evaluation = county.evaluation_of(campaign_id)
    axes = load_axes(evaluation)
    school: dict[int, int] = dict(
        db.session.execute(text("SELECT group_id, target_id FROM group_count")).tuples().all()
    )
    db.session.rollback()
    chance = np.random.default_rng(1)
    group = chance.integers(len(axes.group_ids), size=ballots)
    answers = chance.integers(LEVELS, size=(ballots, ITEMS), dtype=np.uint8)
    with closing(sqlite3.connect(app.config["WUPING"].instance / "wuping.sqlite3")) as connection, connection:
        connection.executemany(_INSERT, _rows(evaluation, np.array(axes.group_ids)[group], school, answers))
    with transaction() as session:
        session.execute(text("UPDATE campaign SET state = 'closed'"))
        session.execute(text("UPDATE rater_group SET issued = :n"), {"n": ballots // len(axes.group_ids)})
        session.execute(text("UPDATE group_count SET begun = :n"), {"n": ballots // len(axes.group_ids)})
    return group, answers


def _rows(
    evaluation: int, groups: Cells, school: dict[int, int], answers: Answers
) -> Iterator[tuple[bytes, int, int, int, bytes]]:
    keys = sorted(secrets.token_bytes(16) for _ballot in range(len(groups)))
    for key, group, row in zip(keys, groups.tolist(), answers, strict=True):
        yield key, evaluation, group, school[group], row.tobytes()


def _bytes_of(app: Flask, table: str) -> int:
    """Return the bytes of all pages of a table."""
    with closing(sqlite3.connect(app.config["WUPING"].instance / "wuping.sqlite3")) as connection:
        return int(connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (table,)).fetchone()[0])


def _bincount(group: Cells, answers: Answers) -> Cells:
    """Count levels by group and item as bare arrays allow it: (groups * levels, items)."""
    size = (int(group.max()) + 1) * LEVELS
    base = group * LEVELS
    return np.stack([np.bincount(base + column, minlength=size) for column in answers.T], axis=1)


def _release(campaign_id: int) -> float:
    """Tally and release through the product; return the seconds of both."""
    start = time.perf_counter()
    for state in ("tallied", "released"):
        move_campaign(campaign_id, state, actor=county.ACTOR)
    return time.perf_counter() - start


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
