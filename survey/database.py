"""How the product talks to its database: durable SQLite settings, one writer at a time, immediate transactions."""

import fcntl
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from survey.errors import N_, Unavailable
from survey.extensions import Base, db

BUSY_SECONDS = 10
PATIENCE_MILLISECONDS = 200
WAIT_SECONDS = 0.002
# More than the threads of a web process.
MOST_DRIVERS = 12
_DRIVERS = "wuping.drivers"
_sqlite_writer = threading.RLock()


def is_sqlite() -> bool:
    """Whether this instance keeps its data in SQLite (else PostgreSQL)."""
    return db.engine.dialect.name == "sqlite"


@contextmanager
def _turn() -> Iterator[None]:
    """Let SQLite's writers of one process queue in order, instead of polling its lock: p99 33 ms instead of 186 ms."""
    if not is_sqlite():
        yield
        return
    if not _sqlite_writer.acquire(timeout=BUSY_SECONDS):
        raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment."))
    try:
        yield
    finally:
        _sqlite_writer.release()


def bind_engine(engine: Engine) -> None:
    """Give every connection of `engine` the settings without which an acknowledged vote could be lost."""
    drivers = current_app.extensions[_DRIVERS] = _Drivers(engine)
    event.listen(engine, "engine_disposed", lambda _engine: drivers.close_idle())
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _connect_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _connect_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    run = connection.execute
    run(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    mode = run("PRAGMA journal_mode = WAL").fetchone()[0]
    run("PRAGMA synchronous = FULL")
    run("PRAGMA foreign_keys = ON")
    # A deleted inbox row is overwritten, not only forgotten.
    run("PRAGMA secure_delete = ON")
    # Only the worker process makes check-points (`checkpoint`), so that two never meet.
    run("PRAGMA wal_autocheckpoint = 0")
    if mode.lower() != "wal" or run("PRAGMA synchronous").fetchone()[0] != 2:
        raise Unavailable(N_("SQLite refuses durable writing here (WAL with synchronous=FULL), so nothing is started."))


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """One use case's write transaction on the session: commit at the end, nothing written on an error."""
    with _busy_as_unavailable():
        session = db.session()
        # Before the turn: whoever has it may be waiting until all readers have ended (`checkpoint`).
        session.rollback()
        with _turn():
            session.connection(execution_options={"immediate": True})
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise


def touched(session: Session, statement: Executable, values: dict[str, Any] | None = None) -> int:
    """Run a statement that writes and return how many rows it touched."""
    return cast("CursorResult[Any]", session.execute(statement, values)).rowcount


def write_if_free(statement: Executable) -> bool:
    """Run one small write that may as well wait for the next request; return False at once when others are writing."""
    if not is_sqlite():
        return _written(statement, "SET LOCAL lock_timeout = '100ms'")
    if not _sqlite_writer.acquire(blocking=False):
        return False
    try:
        return _written(statement, None)
    finally:
        _sqlite_writer.release()


def _written(statement: Executable, before: str | None) -> bool:
    with db.engine.connect().execution_options(immediate=True) as connection:
        driver: Any = connection.connection.dbapi_connection
        if before is None:
            driver.execute("PRAGMA busy_timeout = 0")
        try:
            with connection.begin():
                if before is not None:
                    connection.exec_driver_sql(before)
                connection.execute(statement)
        except DBAPIError:
            return False
        finally:
            if before is None:
                driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return True


@contextmanager
def write_connection() -> Iterator[Connection]:
    """A bare write transaction for the mix; commit is durable on return."""
    with _busy_as_unavailable():
        # As in `transaction`: nobody waits to write while reading.
        db.session.rollback()
        with _turn(), db.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            yield connection


def one_moment(connection: Connection) -> Connection:
    """Return a PostgreSQL connection in a transaction that sees all tables as they are now, until it ends.

    The locks come before the first look: a table that is written anew (TRUNCATE) would seem empty to an older one.
    """
    view = connection.execution_options(isolation_level="REPEATABLE READ")
    view.execute(text(f"LOCK TABLE {', '.join(Base.metadata.tables)} IN ACCESS SHARE MODE"))
    return view


class Statement:
    """A statement of the ballot path, compiled once and then run on the driver itself.

    It is the same SQL, with the same bound parameters, as through the engine, at a fifth of the CPU. Values are the
    driver's: SQLite gives a day back as text and a truth value as 0 or 1.
    """

    def __init__(self, clause: Executable) -> None:
        self._clause: Any = clause
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def for_dialect(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Return the SQL with named parameters, and the values of those that the clause holds itself."""
        if dialect.name not in self._compiled:
            plain: Any = type(dialect)
            named = plain(paramstyle="named" if dialect.name == "sqlite" else "pyformat")
            compiled = self._clause.compile(dialect=named)
            self._compiled[dialect.name] = (str(compiled), dict(compiled.params))
        return self._compiled[dialect.name]


Values = dict[str, Any]
Rows = list[tuple[Any, ...]]


class Driver:
    """A connection of the driver, out of the engine's pool for good, that runs statements."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._lent = engine.raw_connection()
        self.connection: Any = self._lent.driver_connection

    def run(self, statement: Statement, values: Values) -> int:
        """Run one statement; return how many rows it touched."""
        sql, own = statement.for_dialect(self._dialect)
        return int(self.connection.execute(sql, own | values).rowcount)

    def fetch(self, statement: Statement, values: Values) -> Rows:
        """Run one statement and return its rows."""
        sql, own = statement.for_dialect(self._dialect)
        rows: Rows = self.connection.execute(sql, own | values).fetchall()
        return rows

    def close(self, error: BaseException | None = None) -> None:
        """Close the connection; if it was lost, trust no other one either."""
        self._lent.invalidate(error)
        self._lent.close()
        if error is not None and self._dialect.is_disconnect(cast("Any", error), self.connection, None):
            db.engine.dispose()


class _Drivers:
    """Drivers of one engine between two uses, the last used first: the way through the pool costs as much CPU as the
    statements. There are `MOST_DRIVERS` places, None where no connection is open; whoever comes later waits.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.module: Any = engine.dialect.dbapi
        self.places: deque[Driver | None] = deque([None] * MOST_DRIVERS)

    def take(self) -> Driver | None:
        """Take the place used last, with its driver if one is open; raise Unavailable when none comes back in time."""
        deadline = 0.0
        while True:
            # A deque's ends are safe between threads, and cost a tenth of a semaphore.
            try:
                return self.places.pop()
            except IndexError:
                now = time.monotonic()
                deadline = deadline or now + BUSY_SECONDS
                if now > deadline:
                    raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment.")) from None
                time.sleep(WAIT_SECONDS)

    def close_idle(self) -> None:
        """Close what nobody uses at the moment."""
        for _place in range(MOST_DRIVERS):
            try:
                driver = self.places.pop()
            except IndexError:
                return
            self.places.appendleft(None)
            if driver is not None:
                driver.close()


def _of_application() -> _Drivers:
    drivers: _Drivers = current_app.extensions[_DRIVERS]
    return drivers


class _Lent:
    """A driver for the length of a `with`; errors of the driver become Taken or Unavailable."""

    def __enter__(self) -> Driver:
        self._drivers = drivers = _of_application()
        driver = drivers.take()
        if driver is None:
            try:
                driver = Driver(drivers.engine)
            except BaseException as error:
                drivers.places.appendleft(None)
                self._translate(error)
                raise
        self._driver = driver
        return driver

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self._drivers.places.append(self._driver)
            return
        if isinstance(error, self._drivers.module.Error):
            self._drivers.places.appendleft(None)
            self._driver.close(error)
        else:
            self._drivers.places.append(self._driver)
        self._translate(error)

    def _translate(self, error: BaseException) -> None:
        module = self._drivers.module
        if isinstance(error, module.IntegrityError):
            raise Taken from error
        if isinstance(error, (module.OperationalError, module.InterfaceError, OperationalError, PoolTimeoutError)):
            raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment.")) from error


class Taken(Exception):
    """A row with this key is there already: another transaction was faster."""


def fetch(statement: Statement, values: Values) -> Rows:
    """Run one read, which sees what is committed now; without the BEGIN that would cost more than the read itself."""
    with _Lent() as driver:
        if driver.is_sqlite:
            return driver.fetch(statement, values)
        driver.connection.autocommit = True
        try:
            return driver.fetch(statement, values)
        finally:
            driver.connection.autocommit = False


class _Writing(_Lent):
    """A lent driver inside one transaction; a class, for generators in its place cost as much as the insert."""

    def __enter__(self) -> Driver:
        self._queues = _of_application().is_sqlite
        # As in `transaction`; there is a session only where something was looked up that no memory held.
        if db.session.registry.has():
            db.session.rollback()
        if self._queues and not _sqlite_writer.acquire(timeout=BUSY_SECONDS):
            raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment."))
        try:
            driver = super().__enter__()
        except BaseException:
            self._leave_queue()
            raise
        if self._queues:
            try:
                driver.connection.execute("BEGIN IMMEDIATE")
            except BaseException as error:
                self.__exit__(None, error, None)
                raise
        return driver

    def __exit__(self, _kind: object, error: BaseException | None, trace: object) -> None:
        try:
            failure = self._end(error)
            super().__exit__(None, failure, trace)
            if failure is not None and failure is not error:
                raise failure
        finally:
            self._leave_queue()

    def _end(self, error: BaseException | None) -> BaseException | None:
        """Commit, or roll back after an error; return what went wrong."""
        connection = self._driver.connection
        try:
            if error is None:
                connection.commit()
                return None
        except BaseException as failure:
            error = failure
        try:
            connection.rollback()
        except BaseException as failure:
            return failure
        return error

    def _leave_queue(self) -> None:
        if self._queues:
            _sqlite_writer.release()


def writing() -> _Writing:
    """A driver inside one write transaction; the commit is durable on return. Raises Taken, Unavailable."""
    return _Writing()


@contextmanager
def _busy_as_unavailable() -> Iterator[None]:
    """Turn a locked, full or vanished database into the one error that pages answer with 503."""
    try:
        yield
    except (OperationalError, PoolTimeoutError) as error:
        raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment.")) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment.")) from error
        raise


def checkpoint(*, must: bool = False) -> None:
    """Copy SQLite's write-ahead log into the main file and empty it, so that no old page keeps the casting order.

    Gives way to readers at once, for the next one comes soon; with `must` it waits and raises Unavailable in the end.
    """
    if is_sqlite():
        wait = BUSY_SECONDS * 1000 if must else PATIENCE_MILLISECONDS
        if _outside_transactions("PRAGMA wal_checkpoint(TRUNCATE)", wait=wait) and must:
            raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment."))


def rewrite_file() -> None:
    """Rebuild the SQLite file (VACUUM): freed pages, which may hold inbox rows, are gone."""
    _outside_transactions("VACUUM", wait=BUSY_SECONDS * 1000)


def _outside_transactions(statement: str, *, wait: int) -> int:
    """Run a statement of SQLite's housekeeping, never two at once on this machine; return the first figure it gives."""
    # What this thread's session still reads would make the statement wait for itself.
    db.session.rollback()
    with _busy_as_unavailable(), _housekeeping(), _turn(), db.engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA busy_timeout = {wait}")
        try:
            row = driver.execute(statement).fetchone()
        finally:
            driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        return int(row[0]) if row else 0


@contextmanager
def _housekeeping() -> Iterator[None]:
    # Worker and console may both get here; old versions of SQLite do not take two check-pointers.
    with (current_app.config["WUPING"].instance / "housekeeping.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
