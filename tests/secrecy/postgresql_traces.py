"""What PostgreSQL keeps beside the rows: transaction numbers and times, places, raw pages, statistics, its own log."""

from collections.abc import Mapping

from sqlalchemy import text

from survey.extensions import db
from tests.secrecy.elections import plain

Places = dict[int, tuple[int, ...]]
_SYSTEM = {
    "xmin": "xmin::text::bigint",
    "cmin": "cmin::text::bigint",
    "ctid": "(ctid::text::point)[0]::bigint * 100000 + (ctid::text::point)[1]::bigint",
    "commit time": "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint",
}


def prepare() -> None:
    """Make the raw pages readable (the attacker is the superuser of the server)."""
    with db.engine.begin() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pageinspect"))


def tracks_commit_times() -> bool:
    """Tell whether the server keeps the time of every commit, which an attacker would switch on beforehand."""
    with db.engine.connect() as connection:
        return connection.scalar(text("SHOW track_commit_timestamp")) == "on"


def traces(table: str, column: str, marks: Mapping[int, bytes]) -> dict[str, Places]:
    """Return, by the name of the trace, where each voter's row (known by its bytes) was found."""
    known = {mark: voter for voter, mark in marks.items()}
    names = [name for name in _SYSTEM if name != "commit time" or tracks_commit_times()]
    columns = ", ".join(_SYSTEM[name] for name in names)
    with db.engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {column}, {columns} FROM {table}")).all()
    found: dict[str, Places] = {name: {} for name in names}
    found["scan"] = {known[plain(row[0])]: (k,) for k, row in enumerate(rows) if plain(row[0]) in known}
    for row in rows:
        if plain(row[0]) in known:
            for name, value in zip(names, row[1:], strict=True):
                found[name][known[plain(row[0])]] = (value,)
    pages = raw_pages(table)
    found["raw pages"] = {v: (pages.find(mark),) for v, mark in marks.items() if mark in pages}
    return found


def raw_pages(table: str) -> bytes:
    """Return the pages of a table as they lie in memory, with what was deleted and not overwritten."""
    page = text("SELECT get_raw_page(:table, number::int) FROM generate_series(0, :last) AS number")
    with db.engine.connect() as connection:
        last = connection.scalar(text("SELECT pg_relation_size(:table) / 8192 - 1"), {"table": table})
        return b"".join(bytes(row) for row in connection.execute(page, {"table": table, "last": last}).scalars())


def statistics() -> str:
    """Return every value that the planner's statistics hold, as text (bytes in hexadecimal)."""
    query = "SELECT concat(most_common_vals::text, histogram_bounds::text) FROM pg_stats WHERE schemaname = 'public'"
    with db.engine.connect() as connection:
        return "\n".join(connection.execute(text(query)).scalars())


# Of the write-ahead log; a record goes on behind the head of the next page (XLogPageHeaderData); the first is longer.
_LOG_PAGE, _FIRST_HEAD, _HEAD = 8192, 40, 24


def own_log() -> bytes:
    """Return the files of PostgreSQL's write-ahead log without the heads of its pages, which cut records in two."""
    query = "SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir() ORDER BY name"
    with db.engine.connect() as connection:
        return b"".join(_records(bytes(file)) for file in connection.execute(text(query)).scalars())


def _records(file: bytes) -> bytes:
    heads = ((at, _HEAD if at else _FIRST_HEAD) for at in range(0, len(file), _LOG_PAGE))
    return b"".join(file[at + head : at + _LOG_PAGE] for at, head in heads)
