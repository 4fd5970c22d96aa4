"""Backup and restore: the whole instance in one file, the same for SQLite and PostgreSQL.

Tables are written row by row in the order of their keys, so that a copy holds no page, log or order of the database's
own: nothing of casting that the tables themselves do not tell. A restore makes a new instance, never over another.
"""

import base64
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from alembic.runtime.migration import MigrationContext
from flask import current_app
from sqlalchemy import Connection, Date, DateTime, Integer, LargeBinary, Table, func, inspect, select, text, update

from survey.config import Config
from survey.database import is_sqlite, one_moment, write_connection
from survey.errors import N_, BadInput, Conflict
from survey.extensions import Base, db
from survey.keys import FILE_NAME
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.tokens import TokenKey
from survey.queries.tokens import FETCHING

FORMAT = "wuping.backup/1"
MANIFEST = "manifest.json"
FILES = (FILE_NAME, "config.toml")
# What a bureau makes itself, by folder. Batches, uploads and progress are not here: they can be made again.
FOLDERS = {"schemes": ".toml", "report_templates": ".docx"}
ROWS = 5_000
# A row of the longest document there is, an import with all its changes, stays far below.
LONGEST_LINE = 512 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds: rows by table, and bytes of the file."""

    rows: dict[str, int]
    size: int


def write_backup(path: Path) -> Backup:
    """Write the instance to a new file (mode 0600), complete or not at all; the server may be running.

    All tables are read in one transaction. The file holds the master key: whoever has it has the instance.
    Raises Conflict if the file exists, BadInput if it cannot be written.
    """
    if path.exists():
        raise Conflict(N_("%(file)s exists already; nothing is written over it."), file=path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        # Never a file or link that somebody else has put there: it would receive the master key.
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BadInput(N_("%(file)s cannot be written: %(why)s"), file=path, why=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            rows = _write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return Backup(rows=rows, size=path.stat().st_size)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file: IO[bytes]) -> dict[str, int]:
    config: Config = current_app.config["WUPING"]
    tables: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive, _one_view() as connection:
        for table in Base.metadata.sorted_tables:
            tables[table.name] = _write_table(archive, connection, table)
        for name in _files(config.instance):
            archive.write(config.instance / name, f"files/{name}")
        manifest = {
            "format": FORMAT,
            "schema": MigrationContext.configure(connection).get_current_revision(),
            "tables": tables,
        }
        archive.writestr(MANIFEST, json.dumps(manifest))
    return {name: table["rows"] for name, table in tables.items()}


@contextmanager
def _one_view() -> Iterator[Connection]:
    """A connection that sees the database as it was at one moment."""
    with db.engine.connect() as connection:
        yield connection if is_sqlite() else one_moment(connection)


def _files(instance: Path) -> Iterator[str]:
    yield from (name for name in FILES if (instance / name).is_file())
    for folder, ending in FOLDERS.items():
        yield from (f"{folder}/{path.name}" for path in sorted((instance / folder).glob(f"*{ending}")))


def _write_table(archive: zipfile.ZipFile, connection: Connection, table: Table) -> dict[str, Any]:
    digest, number = hashlib.sha256(), 0
    rows = connection.execution_options(yield_per=ROWS).execute(select(table).order_by(*table.primary_key.columns))
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as member:
        for row in rows:
            line = json.dumps([_plain(value) for value in row], ensure_ascii=False).encode() + b"\n"
            digest.update(line)
            member.write(line)
            number += 1
    return {"columns": list(table.columns.keys()), "rows": number, "sha256": digest.hexdigest()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value.isoformat() if isinstance(value, date | datetime) else value


def open_backup(path: Path) -> zipfile.ZipFile:
    """Open a backup file; raise BadInput if it is none, or is damaged."""
    try:
        archive = zipfile.ZipFile(path)
        manifest = json.loads(archive.read(MANIFEST))
        if archive.testzip() is None and manifest["format"] == FORMAT:
            return archive
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError) as error:
        raise BadInput(N_("%(file)s is no backup of this program, or is damaged."), file=path) from error
    raise BadInput(N_("%(file)s is no backup of this program, or is damaged."), file=path)


def restore_files(archive: zipfile.ZipFile, instance: Path) -> None:
    """Write secrets and settings into the folder of a new instance; raise Conflict when there is one already."""
    if (instance / FILE_NAME).exists():
        raise Conflict(N_("There is an instance in %(folder)s already; nothing was changed."), folder=instance)
    instance.mkdir(parents=True, exist_ok=True)
    instance.chmod(0o700)
    for name in _known_files(archive):
        path = instance / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(archive.read(f"files/{name}"))
        path.chmod(0o600)


def _known_files(archive: zipfile.ZipFile) -> Iterator[str]:
    """Return the files that belong to an instance, and nothing that leads out of its folder."""
    for member in archive.namelist():
        folder, _, name = member.removeprefix("files/").rpartition("/")
        allowed = name in FILES if not folder else folder in FOLDERS and name.endswith(FOLDERS[folder])
        if member.startswith("files/") and allowed:
            yield f"{folder}/{name}" if folder else name


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did: rows by table, and how many keys that sign tokens it erased."""

    rows: dict[str, int]
    token_keys_erased: int


def restore_tables(archive: zipfile.ZipFile, upgrade: Callable[[], None]) -> Restored:
    """Make the tables of an empty database and fill them in one transaction.

    Keys that could still sign tokens are erased. Raises Conflict if the database holds an instance, BadInput if the
    backup is of another version or damaged: then nothing is kept.
    """
    if inspect(db.engine).has_table("account"):
        raise Conflict(N_("The database holds an instance already; nothing was changed."))
    manifest = json.loads(archive.read(MANIFEST))
    try:
        upgrade()
        erased = _fill(archive, manifest)
    except BaseException:
        with write_connection() as connection:
            Base.metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        raise
    return Restored(rows={name: table["rows"] for name, table in manifest["tables"].items()}, token_keys_erased=erased)


def _fill(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> int:
    with write_connection() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
        if manifest["schema"] != here:
            raise BadInput(
                N_("The backup is of version %(theirs)s, the program of %(ours)s: use the program that made it."),
                theirs=manifest["schema"],
                ours=here,
            )
        for table in Base.metadata.sorted_tables:
            _read_table(archive, connection, table, manifest["tables"].get(table.name))
        if not is_sqlite():
            _advance_sequences(connection)
        return _erase_token_keys(connection)


def _erase_token_keys(connection: Connection) -> int:
    """Erase the keys that could still sign; return how many.

    Whoever fetched a token after the backup was written has no row here, and a token that still counts: with the key
    there would be a second one.
    """
    signing = (
        select(RaterGroup.id)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .where(Campaign.state.in_(FETCHING))
    )
    whole = TokenKey.group_id.in_(signing) & (TokenKey.private_key != b"")
    return connection.execute(update(TokenKey).where(whole).values(private_key=b"")).rowcount


def _read_table(archive: zipfile.ZipFile, connection: Connection, table: Table, known: Any) -> None:
    if not known or known["columns"] != list(table.columns.keys()):
        raise BadInput(N_("The backup does not hold the table %(table)s as this program knows it."), table=table.name)
    readers = [_reader(column.type) for column in table.columns]
    names, digest, number = list(table.columns.keys()), hashlib.sha256(), 0
    connection.execute(table.delete())
    with archive.open(f"tables/{table.name}.jsonl") as member:
        lines = iter(lambda: member.readline(LONGEST_LINE), b"")
        while chunk := list(islice(lines, ROWS)):
            for line in chunk:
                digest.update(line)
            rows = [
                dict(zip(names, (read(v) for read, v in zip(readers, json.loads(line), strict=True)), strict=True))
                for line in chunk
            ]
            connection.execute(table.insert(), rows)
            number += len(rows)
    if (number, digest.hexdigest()) != (known["rows"], known["sha256"]):
        raise BadInput(N_("The table %(table)s of the backup is damaged."), table=table.name)


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what turns a value of the file into one of the column's type."""
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else base64.b64decode(value)
    if isinstance(kind, DateTime):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return lambda value: None if value is None else date.fromisoformat(value)
    return lambda value: value


def _advance_sequences(connection: Connection) -> None:
    """Let PostgreSQL's counters go on behind the highest restored number."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or not isinstance(column.type, Integer):
            continue
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
        )
        highest = connection.scalar(select(func.max(column)))
        if sequence and highest is not None:
            connection.execute(text("SELECT setval(:name, :highest)"), {"name": sequence, "highest": highest})
