"""The yardstick: a bare Flask that shows a form and stores it with one durable INSERT; what a hand-made form costs."""

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable

from flask import Flask, Response, redirect, request

PAGE_BYTES = "BENCH_PAGE_BYTES"
THANKS_BYTES = "BENCH_THANKS_BYTES"
DATABASE = "BENCH_DATABASE"
ITEMS = "BENCH_ITEMS"
_TABLE = "CREATE TABLE IF NOT EXISTS bare (id {bytes} PRIMARY KEY, answers {bytes} NOT NULL)"
Insert = Callable[[bytes, bytes], object]


def create_app() -> Flask:
    """Return the application; sizes of its two pages and its database come from the environment."""
    app = Flask(__name__)
    items = int(os.environ[ITEMS])
    page = "<!doctype html>" + "x" * (int(os.environ[PAGE_BYTES]) - 15)
    thanks = "<!doctype html>" + "x" * (int(os.environ[THANKS_BYTES]) - 15)
    insert = _inserter(os.environ[DATABASE])

    @app.get("/form")
    def form() -> str:
        return page

    @app.post("/form")
    def submit() -> Response:
        answers = bytes(int(request.form[f"q{item}"]) for item in range(items))
        insert(secrets.token_bytes(16), answers)
        return redirect("/thanks", code=303)  # type: ignore[return-value]

    @app.get("/thanks")
    def thank() -> str:
        return thanks

    return app


def prepare(database: str) -> None:
    """Make the table; call once, before the server starts."""
    if database.startswith("postgresql"):
        import psycopg

        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(_TABLE.format(bytes="bytea"))
    else:
        _sqlite(database).execute(_TABLE.format(bytes="BLOB"))


def _inserter(database: str) -> Insert:
    """Return a function that inserts durably on a connection of the calling thread's own."""
    here = threading.local()

    def insert(key: bytes, answers: bytes) -> None:
        if not hasattr(here, "connection"):
            here.connection = _postgresql(database) if database.startswith("postgresql") else _sqlite(database)
            here.statement = _statement(database)
        here.connection.execute(here.statement, (key, answers))

    return insert


def _statement(database: str) -> str:
    marks = "%s, %s" if database.startswith("postgresql") else "?, ?"
    return f"INSERT INTO bare (id, answers) VALUES ({marks})"


def _postgresql(database: str) -> object:
    import psycopg

    return psycopg.connect(database, autocommit=True)


def _sqlite(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
