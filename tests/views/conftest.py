"""Personas at the desk: each a browser of its own that is logged in, and a counter of the database's statements."""

import contextvars
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from survey.extensions import db
from survey.queries.accounts import account_id
from survey.services import accounts, passwords
from survey.services.jobs import run_next_job
from survey.services.sessions import begin_session

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
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_NOBODY", quick.hash("nobody"))


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Opens a browser; with a role, an account of that role (and school) is made and logged in."""

    def open_(name: str = "", *, role: str = "", school: str | None = None, first: bool = False) -> FlaskClient:
        client = Desk(app, app.response_class)
        if role:
            made = accounts.add_account(name, role=role, school_code=school, actor="test")
            if not first:
                user = account_id(name)
                assert user is not None
                accounts.change_password(user, old=made.first_password, new=PASSWORD)
            user = account_id(name)
            assert user is not None
            client.set_cookie("desk", begin_session(user, address="127.0.0.1", browser="test"))
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
