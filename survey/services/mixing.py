"""The mix (混票): cast pages lose their row, their key and their neighbours before they become ballots."""

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, text, update
from sqlalchemy.exc import OperationalError

from survey.database import checkpoint, is_sqlite, rewrite_file, write_connection
from survey.errors import Unavailable
from survey.extensions import db
from survey.models.ballots import ballot, comment, inbox
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup
from survey.services import tokens
from survey.services.ballots import unpack_payload

SMALLEST_BATCH = 5
LARGEST_REWRITTEN = 64 * 1024 * 1024
# Tries, of a second each with a second between them.
PATIENCE = 30
# How long the mix waits for those who were writing before it: their transactions keep the bytes of deleted rows.
LONGEST_WAIT_SECONDS = 5.0
_REWRITTEN = (
    ("ballot", "id"),
    ("comment", "id"),
    ("receipt", "text"),
    ("cast_mark", "hmac, target_id"),
    # A sealed box stays full until it is opened.
    ("inbox", "id"),
    # Tokens that are handed in become slips one by one, and who fetched one stands there by name.
    ("slip", "hmac"),
    ("token_issue", "evaluation_id, staff_code, voided"),
    ("voided_page", "id"),
    ("pressure_report", "id"),
)


class Waiting(NamedTuple):
    """A page of the inbox in the clear; a mere tuple, for an opening holds all pages of a campaign."""

    id: bytes
    group_id: int
    target_id: int
    evaluation_id: int
    payload: bytes


_SEALED = select(Evaluation.id).join(Campaign, Campaign.id == Evaluation.campaign_id).where(Campaign.sealed)
_MIXABLE = select(exists().where(Campaign.state == "open", ~Campaign.sealed))


def mix() -> int:
    """Move every page of which at least five of one group and target wait; return how many were moved.

    Pages of sealed campaigns stay where they are until the box is opened (`services/openings.py`).

    One transaction: read, give new random keys, insert in key order, delete, count. Then the write-ahead log, which
    still holds the casting order, is emptied.
    """
    with write_connection() as connection:
        # Looked at first: a sealed box may be large, and then nothing of it is read every minute.
        moved = _move(connection, minimum=SMALLEST_BATCH, campaign_id=None) if connection.scalar(_MIXABLE) else 0
    # On its own: a close takes these two in the other order.
    with write_connection() as connection:
        reordered = tokens.forget_order(connection)
    if is_sqlite():
        checkpoint()
    elif moved or reordered:
        _forget_rows()
    return moved


def _forget_rows() -> None:
    """PostgreSQL: plain VACUUM leaves the bytes of deleted rows in the order of casting; what is small is written anew.

    A large inbox (a sealed box, which holds ciphertext) would keep casts waiting too long, and so would a reader who
    does not end: then it is left to the next time.
    """
    _await_earlier_writers()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        size = connection.scalar(text("SELECT pg_relation_size('inbox')")) or 0
        connection.execute(text("SET lock_timeout = '500ms'"))
        try:
            connection.execute(text("VACUUM FULL inbox" if size <= LARGEST_REWRITTEN else "VACUUM inbox"))
        except OperationalError:
            connection.execute(text("VACUUM inbox"))
        finally:
            connection.execute(text("RESET lock_timeout"))
    _postgresql("VACUUM token_issue")


def _await_earlier_writers() -> None:
    """Wait until every transaction that was writing when this began has ended, in any database of the server."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = connection.scalar(text("SELECT pg_current_xact_id()::text"))
        ended = text("SELECT pg_snapshot_xmin(pg_current_snapshot()) > CAST(:number AS xid8)")
        while not connection.scalar(ended, {"number": number}) and time.monotonic() < deadline:
            time.sleep(0.02)


def mix_all(connection: Connection, campaign_id: int) -> int:
    """Move every waiting page of one campaign that is not sealed, inside the transaction that closes it."""
    return _move(connection, minimum=1, campaign_id=campaign_id)


def cover_tracks() -> None:
    """After a close, rewrite what could keep an order; may be repeated. Raises Unavailable when it could not be done.

    SQLite: the log is emptied and the file rebuilt. PostgreSQL: every such table is written anew in key order by one
    transaction, so that its rows share a number (xmin) and no place (ctid) tells a time. A transaction holds one table:
    a cast of another campaign takes slip, mark, inbox and receipt in turn, and two would wait for each other.
    """
    if is_sqlite():
        checkpoint(must=True)
        rewrite_file()
        checkpoint(must=True)
        return
    for table, key in _REWRITTEN:
        _rewritten_at_last(table, key)
    _forget_rows()


def rewrite_reports() -> None:
    """Write the pressure reports anew in key order (PostgreSQL): no transaction tells which came beside a ballot."""
    if not is_sqlite():
        _rewritten_at_last("pressure_report", "id")


def cover_voiding() -> None:
    """After a voiding, leave no trace by which its comments or pages could be told from others or put in an order.

    SQLite: the log is emptied. PostgreSQL: the two tables that it added rows to are written anew in key order.
    """
    if is_sqlite():
        checkpoint()
        return
    for table in ("comment", "voided_page"):
        _rewritten_at_last(table, "id")
    _forget_rows()
    _postgresql("VACUUM ballot, cast_mark")


def _rewritten_at_last(table: str, key: str) -> None:
    """Rewrite one table in a transaction of its own, in a gap between readers; raise Unavailable if there is none.

    Whoever waits for such a lock keeps all others waiting behind it, casts too: so it gives up soon and comes again.
    """
    for attempt in range(PATIENCE):
        try:
            with write_connection() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                _rewrite(connection, table, key)
            return
        except Unavailable:
            if attempt + 1 == PATIENCE:
                raise
            time.sleep(1)


def _rewrite(connection: Connection, table: str, key: str) -> None:
    connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"CREATE TEMPORARY TABLE copy_{table} ON COMMIT DROP AS TABLE {table}"))
    connection.execute(text(f"TRUNCATE {table}"))
    connection.execute(text(f"INSERT INTO {table} SELECT * FROM copy_{table} ORDER BY {key}"))  # noqa: S608


def _postgresql(statement: str) -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _move(connection: Connection, *, minimum: int, campaign_id: int | None) -> int:
    return move_pages(connection, _waiting(connection, minimum=minimum, campaign_id=campaign_id))


def move_pages(connection: Connection, rows: Sequence[Any]) -> int:
    """Turn pages of the inbox, in the clear (`Waiting` or rows like it), into ballots; return how many."""
    if not rows:
        return 0
    ballots, comments = _new_rows(rows)
    connection.execute(insert(ballot), ballots)
    if comments:
        connection.execute(insert(comment), comments)
    connection.execute(delete(inbox).where(inbox.c.id == bindparam("key")), [{"key": row.id} for row in rows])
    _count(connection, Counter((row.group_id, row.target_id) for row in rows))
    return len(rows)


def _waiting(connection: Connection, *, minimum: int, campaign_id: int | None) -> Sequence[Any]:
    full = (
        select(inbox.c.group_id, inbox.c.target_id)
        .group_by(inbox.c.group_id, inbox.c.target_id)
        .having(func.count() >= minimum)
        .subquery()
    )
    query = (
        select(inbox, RaterGroup.evaluation_id)
        .join(full, (full.c.group_id == inbox.c.group_id) & (full.c.target_id == inbox.c.target_id))
        .join(RaterGroup, RaterGroup.id == inbox.c.group_id)
        .where(RaterGroup.evaluation_id.not_in(_SEALED))
        .with_for_update(of=inbox)
    )
    if campaign_id is not None:
        query = query.join(Evaluation, Evaluation.id == RaterGroup.evaluation_id).where(
            Evaluation.campaign_id == campaign_id
        )
    return connection.execute(query).all()


def _new_rows(rows: Iterable[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return ballot and comment rows, each under its own random key and in key order: nothing ties the two."""
    ballots, comments = [], []
    for row in rows:
        page = unpack_payload(row.payload)
        where = {"evaluation_id": row.evaluation_id, "target_id": row.target_id}
        ballots.append(
            {
                "id": secrets.token_bytes(16),
                "group_id": row.group_id,
                "answers": page.answers,
                "flag": page.flag,
                **where,
            }
        )
        if page.chips or page.text:
            comments.append({"id": secrets.token_bytes(16), "chips": ",".join(page.chips), "text": page.text, **where})
    return sorted(ballots, key=_key), sorted(comments, key=_key)


def _key(row: Mapping[str, Any]) -> bytes:
    return bytes(row["id"])


def _count(connection: Connection, moved: Counter[tuple[int, int]]) -> None:
    change = (
        update(GroupCount)
        .where(GroupCount.group_id == bindparam("group"), GroupCount.target_id == bindparam("about"))
        .values(mixed=GroupCount.mixed + bindparam("number"))
    )
    # In key order, so that two writers can never wait for each other.
    connection.execute(change, [{"group": g, "about": t, "number": n} for (g, t), n in sorted(moved.items())])
