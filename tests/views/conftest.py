"""Personas at the desk: each a browser of its own that is logged in, and a counter of the database's statements."""

import contextvars
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from survey.extensions import db
from survey.queries.accounts import find_user_by_name
from survey.services import accounts
from survey.services.jobs import run_next_job

PASSWORD = "a long enough password"
Browser = Callable[..., FlaskClient]
Counting = Callable[[], AbstractContextManager[list[str]]]


class Desk(FlaskClient):
    """A browser whose every request has contexts of its own, as in a server; else it would share the test's `g`."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if has_app_context():
            db.session.rollback()
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with little work: what they cost is argon2's own business."""
    monkeypatch.setattr(accounts, "_hasher", accounts.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Opens a browser; with a role, an account of that role (and school) is made and logged in."""

    def open_(name: str = "", *, role: str = "", school: str | None = None, first: bool = False) -> FlaskClient:
        client = Desk(app, app.response_class)
        if role:
            made = accounts.add_account(name, role=role, school_code=school, actor="test")
            if not first:
                user = find_user_by_name(name)
                assert user is not None
                accounts.change_password(user.id, old=made.first_password, new=PASSWORD)
            user = find_user_by_name(name)
            assert user is not None
            with client.session_transaction() as session:
                session.update({"_user_id": user.get_id(), "_fresh": True, "since": int(time.time())})
        return client

    return open_


@pytest.fixture
def stranger(county: Flask, browser: Browser) -> FlaskClient:
    return browser()


@pytest.fixture
def officer(county: Flask, browser: Browser) -> FlaskClient:
    return browser("officer", role="officer")


@pytest.fixture
def viewer(county: Flask, browser: Browser) -> FlaskClient:
    return browser("viewer", role="viewer")


@pytest.fixture
def school_a(county: Flask, browser: Browser) -> FlaskClient:
    return browser("school-101", role="school", school="101")


@pytest.fixture
def school_b(county: Flask, browser: Browser) -> FlaskClient:
    return browser("school-102", role="school", school="102")


@pytest.fixture
def statements(app: Flask) -> Counting:
    """Collects the statements that run inside the `with` block."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        yield seen
        event.remove(db.engine, "before_cursor_execute", note)

    return collect


@pytest.fixture
def work(app: Flask) -> Callable[[], None]:
    """Does what the worker process would do: every job that waits."""

    def run() -> None:
        while run_next_job():
            pass
        db.session.rollback()

    return run
