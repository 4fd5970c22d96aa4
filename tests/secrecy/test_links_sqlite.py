"""An attacker who reads SQLite's files tries to tell who cast which ballot, having watched in which order people voted.

Every attack is tried on the product and, in the same files, on a naive layout, where it must succeed.
"""

import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from survey.database import is_sqlite
from survey.extensions import db
from tests.secrecy.elections import GROUP, Booth, Election, places_of, stored_order
from tests.secrecy.scoring import Scores, leaks, order_by
from tests.secrecy.sqlite_files import Files, Places, traces

RUNS = 100
log = logging.getLogger(__name__)
# Table, column and what each voter's row holds. Marks and receipts say nothing of answers, so their own order is no
# secret before the close; after it, nothing may lead from them to a ballot either.
Known = Callable[[Election], dict[int, bytes]]
CONTENT: dict[str, tuple[str, Known]] = {
    "ballot": ("answers", lambda election: election.answers),
    "comment": ("text", lambda election: election.comments),
    "inbox": ("payload", lambda election: election.payloads),
}
TIED: dict[str, tuple[str, Known]] = {
    "receipt": ("text", lambda election: election.receipts),
    "cast_mark": ("hmac", lambda election: election.hmacs),
}


@pytest.fixture
def booth(campaign: int, codes: dict[str, tuple[str, ...]], tmp_path: Path) -> Booth:
    if not is_sqlite():
        pytest.skip("files of SQLite")
    return Booth(campaign, codes[GROUP], tmp_path, random.Random(2026))


def root(table: str) -> int:
    with db.engine.connect() as connection:
        found = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = :name"), {"name": table})
        return int(found.scalar_one())


def by_rowid(table: str, column: str, marks: dict[int, bytes]) -> list[int]:
    try:
        return stored_order(f"SELECT {column} FROM {table} ORDER BY rowid", marks)
    except OperationalError:
        return []


def all_traces(files: Files, table: str, column: str, marks: dict[int, bytes]) -> dict[str, Places]:
    found = traces(files, root(table), marks)
    found["rowid"] = places_of(by_rowid(table, column, marks))
    found["scan"] = places_of(stored_order(f"SELECT {column} FROM {table} NOT INDEXED", marks))
    return found


def guesses(booth: Booth, election: Election, stage: str, crowd: list[int]) -> Iterator[tuple[str, str, list[int]]]:
    """Yield table, trace and the order of the crowd that it suggests."""
    files = Files.copy(booth.file)
    for table, (column, known) in (CONTENT | (TIED if stage == "close" else {})).items():
        for trace, places in all_traces(files, table, column, known(election)).items():
            if any(voter in places for voter in crowd):
                yield table, trace, order_by(places, crowd, booth.chance)
    for trace, places in all_traces(files, "naive_ballot", "answers", election.naive).items():
        if any(voter in places for voter in crowd):
            yield "naive", trace, order_by(places, crowd, booth.chance)


def attack(booth: Booth, scores: Scores) -> None:
    """Run one election and try every trace at every moment."""
    election = booth.election()

    def look(moment: str) -> None:
        stage, _, number = moment.partition(" ")
        crowd = election.batches[int(number)] if number else election.voters
        orders = {(table, trace): order for table, trace, order in guesses(booth, election, stage, crowd)}
        for (table, trace), order in orders.items():
            scores[f"{stage}: casting order by {trace} of {table}"].add(crowd, order)
            if stage != "waiting" and table not in ("ballot", "naive") and ("ballot", trace) in orders:
                scores[f"{stage}: {table} and ballot by {trace}"].add(orders["ballot", trace], order)

    booth.run(election, look)


def is_watched(name: str) -> bool:
    return not name.startswith("waiting") and not name.endswith("naive")


def test_the_files_tell_no_order_where_a_naive_layout_tells_all(booth: Booth) -> None:
    scores, leaking = leaks(lambda into: attack(booth, into), runs=RUNS, watched=is_watched)
    # With `-o log_cli=true --log-cli-level=INFO` every score is shown.
    log.info("\n".join(f"{name}: {score}" for name, score in sorted(scores.items())))
    assert leaking == {}
    for trace in ("rowid", "cell offsets"):
        assert scores[f"mix: casting order by {trace} of naive"].rate == 1
    # A random text key keeps the rows in casting order, also after VACUUM.
    assert scores["close: casting order by rowid of naive"].rate == 1
    assert scores["close: casting order by cell offsets of ballot"].places == 12 * RUNS
    # What still works, and is said so: whoever copies the log before the mix reads the waiting pages in their order.
    assert scores["waiting: casting order by log frames of inbox"].rate == 1
    assert not any(name.endswith("inbox") for name in scores if is_watched(name))
