"""Sessions of the desk: opaque, hashed, ending by time and by hand, and written once a minute at most."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from survey.database import transaction
from survey.errors import NotFound
from survey.extensions import db
from survey.models.accounts import Account, DeskSession
from survey.services import accounts, passwords, sessions
from survey.services.sessions import begin_session, session_user

Later = Callable[[timedelta], None]
PLACE = {"address": "10.0.0.1", "browser": "test"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with little work: what they cost is argon2's own business."""
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def officer(app: Flask) -> int:
    accounts.add_account("officer", role="officer", actor="test")
    return db.session.scalars(select(Account.id)).one()


@pytest.fixture
def later(clock_of: Callable[[ModuleType], Later]) -> Later:
    return clock_of(sessions)


def test_the_database_does_not_hold_what_the_browser_holds(officer: int) -> None:
    token = begin_session(officer, **PLACE)
    assert len(token) == 22
    row = db.session.scalars(select(DeskSession)).one()
    assert token not in str(vars(row))
    assert session_user(bytes(row.id).hex()) is None


def test_a_login_never_keeps_the_id_the_browser_came_with(officer: int) -> None:
    first = begin_session(officer, **PLACE)
    second = begin_session(officer, **PLACE, instead_of=first)
    assert first != second
    assert session_user(first) is None
    assert session_user(second) is not None


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "A" * 21, "é" * 22, "A" * 10_000, "=" * 22, "\0" * 22])
def test_made_up_ids_open_nothing(officer: int, token: str) -> None:
    begin_session(officer, **PLACE)
    assert session_user(token) is None


def test_a_session_ends_after_thirty_idle_minutes(officer: int, later: Later) -> None:
    token = begin_session(officer, **PLACE)
    later(timedelta(minutes=29))
    assert session_user(token)
    later(timedelta(minutes=58))
    assert session_user(token)
    later(timedelta(minutes=89))
    assert session_user(token) is None


def test_a_session_ends_after_eight_hours_however_busy(officer: int, later: Later) -> None:
    token = begin_session(officer, **PLACE)
    for minutes in range(20, 8 * 60, 20):
        later(timedelta(minutes=minutes))
        assert session_user(token)
    later(timedelta(hours=8, seconds=1))
    assert session_user(token) is None
    begin_session(officer, **PLACE)
    assert db.session.scalar(select(func.count()).select_from(DeskSession)) == 1


def test_use_is_noted_once_a_minute_at_most(officer: int, later: Later) -> None:
    token, written = begin_session(officer, **PLACE), []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith("UPDATE"):
            written.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    for seconds in (1, 30, 59, 62, 63, 100, 121, 125):
        later(timedelta(seconds=seconds))
        assert session_user(token)
        db.session.rollback()
    event.remove(db.engine, "before_cursor_execute", note)
    assert len(written) == 2


def test_a_page_does_not_wait_for_somebody_who_writes(app: Flask, officer: int, later: Later) -> None:
    token, found = begin_session(officer, **PLACE), []
    later(timedelta(minutes=5))

    def read() -> None:
        with app.app_context():
            begun = time.monotonic()
            found.append((session_user(token), time.monotonic() - begun))
            db.session.remove()

    with transaction() as session:
        session.execute(DeskSession.__table__.update().values(browser="held"))
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(15)
    assert found
    assert found[0][0] is not None
    assert found[0][1] < 2


def test_a_new_password_and_switching_off_end_every_session(officer: int) -> None:
    for end in (
        lambda: accounts.reset_password("officer", actor="test"),
        lambda: accounts.set_active("officer", False, actor="test"),
    ):
        token = begin_session(officer, **PLACE)
        end()
        assert session_user(token) is None


def test_one_ends_ones_own_sessions_and_nobody_elses(officer: int) -> None:
    accounts.add_account("other", role="officer", actor="test")
    other = db.session.scalars(select(Account.id).where(Account.name == "other")).one()
    mine, theirs = begin_session(officer, **PLACE), begin_session(other, **PLACE)
    handle = bytes(db.session.scalars(select(DeskSession.id).where(DeskSession.account_id == other)).one()).hex()
    for wrong in (handle, "", "zz", handle.upper(), "0" * 64):
        with pytest.raises(NotFound):
            sessions.end_own_session(officer, wrong, actor="officer")
    assert session_user(theirs)
    user = session_user(mine)
    assert user
    own = sessions.own_sessions(user)
    assert [row.current for row in own] == [True]
    sessions.end_own_session(officer, own[0].handle, actor="officer")
    assert session_user(mine) is None


def test_a_required_second_factor_is_asked_of_the_bureau_only(app: Flask, officer: int) -> None:
    token = begin_session(officer, **PLACE)
    for required, role, must in (("optional", "officer", False), ("required", "officer", True)):
        app.config["WUPING"] = replace(app.config["WUPING"], second_factor=required)
        user = session_user(token)
        assert user
        assert (user.role, user.must_enrol) == (role, must)


def test_each_session_has_a_csrf_secret_of_its_own(officer: int) -> None:
    assert sessions.form_key(begin_session(officer, **PLACE)) != sessions.form_key(begin_session(officer, **PLACE))
