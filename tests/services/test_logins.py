"""Logging in: five failures lock one account for one address, and nobody can lock out everybody."""

import base64
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import func, select

from survey.errors import BadInput, Conflict, TooMany, Unavailable
from survey.extensions import db
from survey.models.accounts import Account, LoginThrottle
from survey.models.audit import AuditEntry
from survey.services import accounts, login_throttles, logins, passwords, second_factors
from survey.services.login_throttles import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, MOST_OF_PAIR

HOME, AWAY = "10.0.0.1", "192.0.2.7"
Later = Callable[[timedelta], None]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody"))
    logins.BY_ADDRESS.forget()


@pytest.fixture
def password(app: Flask) -> str:
    return accounts.add_account("boss", role="officer", actor="test").first_password


@pytest.fixture
def later(clock_of: Callable[[ModuleType], Later]) -> Later:
    return clock_of(login_throttles)


def guess(times: int, *, name: str = "boss", address: str = AWAY) -> None:
    for _time in range(times):
        assert logins.log_in(name, "wrong", address=address) is None


def enters(password: str, *, address: str = AWAY) -> bool:
    return logins.log_in("boss", password, address=address) is not None


def test_five_failures_lock_the_account_for_that_address_only(password: str) -> None:
    guess(MOST_OF_PAIR - 1)
    assert enters(password)
    guess(MOST_OF_PAIR)
    assert not enters(password)
    assert enters(password, address=HOME)


def test_the_lock_ends_after_a_quarter_of_an_hour(password: str, later: Later) -> None:
    guess(MOST_OF_PAIR)
    later(timedelta(minutes=14))
    assert not enters(password)
    later(timedelta(minutes=16))
    assert enters(password)


def test_failures_of_long_ago_do_not_add_up(password: str, later: Later) -> None:
    guess(MOST_OF_PAIR - 1)
    later(timedelta(minutes=16))
    guess(1)
    assert enters(password)


def test_guessing_from_everywhere_locks_strange_addresses_but_not_the_usual_one(password: str) -> None:
    assert enters(password, address=HOME)
    for number in range(MOST_OF_ACCOUNT):
        guess(1, address=f"198.51.100.{number}")
    assert not enters(password, address=AWAY)
    assert enters(password, address=HOME)


def test_a_school_full_of_failures_does_not_lock_those_who_work_there(password: str) -> None:
    assert enters(password, address=HOME)
    for number in range(MOST_OF_ADDRESS):
        guess(1, name=f"n{number}", address=HOME)
    assert enters(password, address=HOME)


def test_a_school_full_of_failures_does_not_lock_out_who_never_logged_in_there(password: str) -> None:
    for number in range(MOST_OF_ADDRESS):
        guess(1, name=f"n{number}", address=HOME)
    other = accounts.add_account("new", role="viewer", actor="test")
    assert logins.log_in("new", other.first_password, address=HOME) is not None
    # Who failed once there waits, or goes elsewhere.
    guess(1, address=HOME)
    assert not enters(password, address=HOME)
    assert enters(password, address=AWAY)


def test_unknown_names_lock_like_known_ones(password: str) -> None:
    guess(MOST_OF_PAIR, name="nobody")
    guess(MOST_OF_PAIR, name="boss")
    locked = db.session.scalar(select(func.count()).select_from(LoginThrottle).where(LoginThrottle.locked_until > ""))
    assert locked == 2


def test_neither_names_nor_addresses_stand_in_the_table(password: str) -> None:
    guess(1, name="my password by mistake")
    keys = b"".join(bytes(key) for key in db.session.scalars(select(LoginThrottle.key)))
    assert b"mistake" not in keys
    assert AWAY.encode() not in keys


def test_old_rows_are_forgotten(password: str, later: Later) -> None:
    for number in range(10):
        guess(1, name=f"n{number}", address=f"198.51.100.{number}")
    later(timedelta(hours=1))
    guess(1)
    assert db.session.scalar(select(func.count()).select_from(LoginThrottle)) == 3


def test_a_new_first_password_unlocks(password: str) -> None:
    guess(MOST_OF_PAIR)
    assert enters(accounts.reset_password("boss", actor="test").first_password)


def test_a_new_first_password_ends_the_lock_on_the_whole_account_too(password: str) -> None:
    for number in range(MOST_OF_ACCOUNT):
        guess(1, address=f"198.51.100.{number}")
    assert not enters(password)
    assert enters(accounts.reset_password("boss", actor="test").first_password)


def test_a_new_first_password_leaves_the_usual_place_known(password: str) -> None:
    assert enters(password, address=HOME)
    fresh = accounts.reset_password("boss", actor="test").first_password
    for number in range(MOST_OF_ACCOUNT):
        guess(1, address=f"198.51.100.{number}")
    assert not enters(fresh, address=AWAY)
    assert enters(fresh, address=HOME)


def test_addresses_of_one_ipv6_network_are_locked_as_one(password: str) -> None:
    for number in range(MOST_OF_PAIR):
        guess(1, address=f"2001:db8::{number:x}")
    assert not enters(password, address="2001:db8::ffff")
    assert enters(password, address="2001:db8:0:1::1")


def test_no_hash_is_compared_for_an_address_that_came_too_often(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins.BY_ADDRESS, "most", 2)
    guess(1, name="a")
    guess(1, name="b")
    monkeypatch.setattr(logins, "matches", None)
    for name in ("boss", "nobody"):
        with pytest.raises(TooMany):
            logins.log_in(name, password, address=AWAY)
    with pytest.raises(TooMany):
        logins.prove(1, password, address=AWAY)


def test_one_hash_is_compared_at_a_time_and_others_do_not_wait_for_ever(
    app: Flask, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = threading.Event(), threading.Event()

    def slow(_known: str | None, _password: str) -> bool:
        begun.set()
        return not end.wait(30)

    def first() -> None:
        with app.app_context():
            logins.log_in("nobody", "wrong", address=AWAY)

    with monkeypatch.context() as patch:
        patch.setattr(logins, "WAIT_SECONDS", 0.05)
        patch.setattr(logins, "matches", slow)
        thread = threading.Thread(target=first)
        thread.start()
        assert begun.wait(30)
        for name in ("boss", "nobody"):
            with pytest.raises(Unavailable):
                logins.log_in(name, password, address=HOME)
        end.set()
        thread.join()
    assert enters(password, address=HOME)


def test_an_account_that_is_switched_off_cannot_log_in(password: str) -> None:
    accounts.set_active("boss", False, actor="test")
    assert not enters(password)
    accounts.set_active("boss", True, actor="test")
    assert enters(password)


def test_logins_and_failures_stand_in_the_audit_log_with_their_address(password: str) -> None:
    guess(MOST_OF_PAIR)
    enters(password, address=HOME)
    rows = db.session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id)).all()
    assert [row.action for row in rows[-3:]] == ["account.login_failed", "account.locked", "account.login"]
    assert rows[-1].detail == {"address": HOME}


def with_factor(name: str = "boss") -> tuple[int, list[str]]:
    number = db.session.scalar(select(Account.id).where(Account.name == name))
    assert number
    begun = second_factors.begin_enrolment(number)
    code = second_factors.time_code(base64.b32decode(begun.secret), int(time.time() // 30))
    return number, second_factors.finish_enrolment(number, begun.carried, code)


def test_a_right_password_does_not_buy_more_guesses_at_the_code(password: str) -> None:
    _number, codes = with_factor()
    for _time in range(MOST_OF_PAIR):
        first = logins.log_in("boss", password, address=AWAY)
        assert first
        assert first.pending
        assert logins.second_step(first.pending, "000000", address=AWAY) is None
    assert logins.log_in("boss", password, address=AWAY) is None
    at_home = logins.log_in("boss", password, address=HOME)
    assert at_home
    assert logins.second_step(at_home.pending, codes[0], address=HOME)


def test_the_second_step_ends_with_a_new_password(password: str) -> None:
    _number, codes = with_factor()
    first = logins.log_in("boss", password, address=HOME)
    assert first
    accounts.reset_password("boss", actor="test")
    with pytest.raises(Conflict):
        logins.second_step(first.pending, codes[0], address=HOME)
    with pytest.raises(Conflict):
        logins.second_step("made.up", codes[0], address=HOME)


def test_asking_for_the_password_again_is_throttled_too(password: str) -> None:
    number = db.session.scalar(select(Account.id))
    assert number
    logins.prove(number, password, address=HOME)
    for _time in range(MOST_OF_PAIR):
        with pytest.raises(BadInput):
            logins.prove(number, "wrong", address=HOME)
    with pytest.raises(BadInput):
        logins.prove(number, password, address=HOME)


def test_a_lost_factor_is_removed_and_then_the_password_suffices(password: str) -> None:
    with_factor()
    accounts.remove_second_factor("boss", actor="test")
    found = logins.log_in("boss", password, address=HOME)
    assert found
    assert not found.pending
