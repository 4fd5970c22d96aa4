"""An attacker who is superuser of PostgreSQL tries to tell who cast which ballot, having watched people vote.

Every attack is tried on the product and, in the same database, on a naive layout, where it must succeed.
"""

import logging
import random
import secrets
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from survey.database import is_sqlite
from survey.extensions import db
from survey.models.tokens import token_issue
from survey.services import ballots, mixing
from survey.services.ballots import Holder, pack_payload
from tests.secrecy import postgresql_traces
from tests.secrecy.elections import GROUP, TARGET, Booth
from tests.secrecy.postgresql_traces import Places, traces, tracks_commit_times
from tests.secrecy.scoring import Scores, leaks, order_by

RUNS = 100
log = logging.getLogger(__name__)
Codes = dict[str, tuple[str, ...]]


@pytest.fixture
def booth(campaign: int, codes: Codes, tmp_path: Path) -> Booth:
    if is_sqlite():
        pytest.skip("the system columns of PostgreSQL")
    postgresql_traces.prepare()
    return Booth(campaign, codes[GROUP], tmp_path, random.Random(2026))


def attack(booth: Booth, scores: Scores) -> None:
    """Run one election and try every trace at every moment."""
    election = booth.election()
    tables = {
        "ballot": ("answers", election.answers),
        "comment": ("text", election.comments),
        "inbox": ("payload", election.payloads),
        "naive_ballot": ("answers", election.naive),
    }
    tied = {"receipt": ("text", election.receipts), "cast_mark": ("hmac", election.hmacs)}

    def look(moment: str) -> None:
        stage, _, number = moment.partition(" ")
        if number == "0":
            # The second batch also tells whether what the first one left behind helps.
            return
        crowd = election.batches[int(number)] if number else election.voters
        orders: dict[tuple[str, str], list[int]] = {}
        for table, (column, marks) in (tables | (tied if stage == "close" else {})).items():
            for trace, places in traces(table, column, marks).items():
                if any(voter in places for voter in crowd):
                    order = orders[table, trace] = order_by(places, crowd, booth.chance)
                    scores[f"{stage}: casting order by {trace} of {table}"].add(crowd, order)
                if stage != "waiting" and table in ("comment", *tied) and ("ballot", trace) in orders:
                    scores[f"{stage}: {table} and ballot by {trace}"].add(orders["ballot", trace], orders[table, trace])

    booth.run(election, look)


def is_watched(name: str) -> bool:
    """Tell whether a score must not beat chance; the bytes of deleted rows have a test of their own below."""
    return not name.startswith("waiting") and not name.endswith(("naive_ballot", "raw pages of inbox"))


def test_system_columns_tell_no_order_where_a_naive_layout_tells_all(booth: Booth) -> None:
    scores, leaking = leaks(lambda into: attack(booth, into), runs=RUNS, watched=is_watched)
    # With `-o log_cli=true --log-cli-level=INFO` every score is shown.
    log.info("\n".join(f"{name}: {score}" for name, score in sorted(scores.items())))
    assert leaking == {}
    for trace in ("xmin", "ctid", *(["commit time"] if tracks_commit_times() else [])):
        assert scores[f"mix: casting order by {trace} of naive_ballot"].rate == 1
        assert scores[f"close: casting order by {trace} of naive_ballot"].rate == 1
        # What still works, and is said so: before the mix a waiting page stands beside its mark's transaction.
        assert scores[f"waiting: casting order by {trace} of inbox"].rate == 1
        assert scores[f"close: casting order by {trace} of ballot"].places >= 12 * RUNS
    assert not any(name.endswith("inbox") for name in scores if is_watched(name))


def test_the_planners_statistics_keep_no_page(booth: Booth) -> None:
    election = booth.election()
    for voter in election.voters:
        election.cast(voter)
    with db.engine.begin() as connection:
        # As the server does by itself after some fifty new rows.
        connection.execute(text("ANALYZE"))
    mixing.mix()
    kept = postgresql_traces.statistics()
    assert not [voter for voter, payload in election.payloads.items() if payload.hex() in kept]


def test_the_planners_statistics_keep_no_staff_code(booth: Booth) -> None:
    watched = secrets.token_hex(8)
    people = [{"evaluation_id": 1, "staff_code": f"{watched}-{number}", "group_id": 1} for number in range(9)]
    with db.engine.begin() as connection:
        connection.execute(insert(token_issue), people)
        connection.execute(text("ANALYZE token_issue"))
    assert watched not in postgresql_traces.statistics()
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE token_issue ALTER COLUMN staff_code SET STATISTICS 100"))
        connection.execute(text("ANALYZE token_issue"))
        connection.execute(text("ALTER TABLE token_issue ALTER COLUMN staff_code SET STATISTICS 0"))
    # As it would be without that: the looking finds what is there.
    assert watched in postgresql_traces.statistics()


def test_a_mixed_page_leaves_no_bytes_in_the_inbox(booth: Booth, codes: Codes) -> None:
    election = booth.election()
    for code in codes["P-101-一年级1班"][:2]:
        payload = pack_payload(bytes(8))
        ballots.cast(Holder(code=code), target_code=TARGET, form=secrets.token_hex(16), payload=payload)
    for voter in election.voters:
        election.cast(voter)
    _end_open_transactions()
    assert mixing.mix() == len(election.voters)
    kept = postgresql_traces.raw_pages("inbox")
    assert not [voter for voter, payload in election.payloads.items() if payload in kept]


def test_the_mix_waits_for_a_writer_elsewhere_whose_transaction_would_keep_the_bytes(booth: Booth) -> None:
    election = booth.election()
    for voter in election.voters:
        election.cast(voter)
    _end_open_transactions()
    with db.engine.connect() as writer, writer.begin():
        writer.execute(text("SELECT pg_current_xact_id()"))
        rest = threading.Timer(1, writer.rollback)
        rest.start()
        mixing.mix()
        rest.join()
    kept = postgresql_traces.raw_pages("inbox")
    assert not [voter for voter, payload in election.payloads.items() if payload in kept]


def _end_open_transactions() -> None:
    """End what earlier tests of this process left open: an old snapshot keeps deleted rows, and rightly so."""
    db.session.remove()
    with db.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR state LIKE 'idle in transaction%')"
            )
        )


def test_postgresqls_own_log_still_tells_and_so_must_not_be_kept(booth: Booth) -> None:
    """What still works: the server's log holds every page until it is recycled; only a sealed box hides the answers."""
    election = booth.election()
    booth.run(election, lambda _moment: None)
    log = postgresql_traces.own_log()
    places: Places = {voter: (log.find(payload),) for voter, payload in election.payloads.items()}
    assert order_by(places, election.voters, booth.chance) == election.voters
