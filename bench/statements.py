"""SQL statements of one journey, counted where SQLite itself runs them, in this process through the test client."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import event

from bench.journey import Voter
from bench.wire import Answer
from survey.extensions import db

FRAME = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True, kw_only=True)
class StatementCount:
    """Statements to open a page and to submit it up to the receipt; BEGIN and COMMIT are counted apart."""

    opened: int
    submitted: int
    receipt: int
    frames: int
    page_bytes: int
    receipt_bytes: int


class _TestWire:
    """The same questions as over a socket, asked of the application in this process."""

    def __init__(self, app: Flask, statements: list[str]) -> None:
        self._client = app.test_client(use_cookies=False)
        self._statements = statements
        self.counts: dict[str, list[str]] = {}
        self.sizes: dict[str, int] = {}

    def ask(self, method: str, path: str, *, cookie: str = "", body: str = "") -> Answer:
        """Ask, and keep the statements that ran meanwhile."""
        start = len(self._statements)
        kind = "application/x-www-form-urlencoded" if method == "POST" else None
        headers = {"Cookie": cookie} if cookie else {}
        response = self._client.open(path, method=method, headers=headers, data=body, content_type=kind)
        self.counts[f"{method} {path}"] = self._statements[start:]
        self.sizes[f"{method} {path}"] = len(response.data)
        given = response.headers.get("Set-Cookie", "").partition(";")[0]
        return Answer(
            status=response.status_code, received=0, body=response.data, location=response.location or "", cookie=given
        )


def count_statements(app: Flask, codes: tuple[str, str]) -> StatementCount:
    """Vote with two slips; count the second one's statements: the first has filled the process's memory."""
    with _traced() as statements:
        wire: Any = _TestWire(app, statements)
        for code in codes:
            Voter().travel(wire, code)
    own = {step: [text for text in ran if not text.startswith(FRAME)] for step, ran in wire.counts.items()}
    return StatementCount(
        opened=len(own["POST /v"]) + len(own["GET /v/page"]),
        submitted=len(own["POST /v/page"]),
        receipt=len(own["GET /v/receipt"]),
        frames=sum(map(len, wire.counts.values())) - sum(map(len, own.values())),
        page_bytes=wire.sizes["GET /v/page"],
        receipt_bytes=wire.sizes["GET /v/receipt"],
    )


@contextmanager
def _traced() -> Iterator[list[str]]:
    """Collect every statement of connections opened from now on."""
    statements: list[str] = []
    keep: Callable[[str], None] = statements.append

    def trace(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(keep)

    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "connect", trace)
    yield statements
    event.remove(db.engine, "connect", trace)
    db.engine.dispose()
