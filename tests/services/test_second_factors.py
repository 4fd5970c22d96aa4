"""The second factor: the codes of the RFCs, each taken once, and a secret that the database does not show."""

import base64
import time

import pytest
from flask import Flask
from sqlalchemy import func, select

from survey.errors import BadInput, Conflict
from survey.extensions import db
from survey.models.accounts import Account, RecoveryCode
from survey.services import accounts, logins, passwords, second_factors
from survey.services.second_factors import matching_step, time_code

# RFC 6238, appendix B: seconds -> codes of eight digits for SHA-1, SHA-256, SHA-512 (keys of 20, 32, 64 bytes).
RFC_6238 = {
    59: ("94287082", "46119246", "90693936"),
    1111111109: ("07081804", "68084774", "25091201"),
    1111111111: ("14050471", "67062674", "99943326"),
    1234567890: ("89005924", "91819424", "93441116"),
    2000000000: ("69279037", "90698825", "38618901"),
    20000000000: ("65353130", "77737706", "47863826"),
}
# RFC 4226, appendix D: counters 0 to 9, six digits.
RFC_4226 = ("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")
KEY = b"12345678901234567890"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with little work: what they cost is argon2's own business."""
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.mark.parametrize(("seconds", "codes"), RFC_6238.items())
def test_codes_are_those_of_rfc_6238(seconds: int, codes: tuple[str, str, str]) -> None:
    for algorithm, length, code in zip(("sha1", "sha256", "sha512"), (20, 32, 64), codes, strict=True):
        key = (KEY * 4)[:length]
        assert time_code(key, seconds // 30, digits=8, algorithm=algorithm) == code


def test_codes_are_those_of_rfc_4226() -> None:
    assert tuple(time_code(KEY, counter) for counter in range(10)) == RFC_4226


def test_one_step_of_the_clock_is_forgiven_and_two_are_not() -> None:
    now = 1_000_000_000.0
    code = time_code(KEY, int(now // 30))
    assert matching_step(KEY, code, after=0, now=now) == now // 30
    assert matching_step(KEY, code, after=0, now=now + 30) is not None
    assert matching_step(KEY, code, after=0, now=now - 30) is not None
    assert matching_step(KEY, code, after=0, now=now + 60) is None
    assert matching_step(KEY, code, after=int(now // 30), now=now) is None


@pytest.mark.parametrize("code", ["", "1", "abcdef", "１２３４５６", "0" * 40, "\ud800"[:0]])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert matching_step(KEY, code, after=0) is None


@pytest.fixture
def officer(app: Flask) -> int:
    accounts.add_account("officer", role="officer", actor="test")
    number = db.session.scalar(select(Account.id))
    assert number
    return number


def now_code(secret: str, later: int = 0) -> str:
    return time_code(base64.b32decode(secret), int(time.time() // 30) + later)


def enrol(number: int) -> tuple[str, list[str]]:
    begun = second_factors.begin_enrolment(number)
    return begun.secret, second_factors.finish_enrolment(number, begun.carried, now_code(begun.secret, -1))


def test_a_code_opens_once(officer: int) -> None:
    secret, _codes = enrol(officer)
    for right in (True, False):
        account = db.session.get_one(Account, officer)
        assert second_factors.use_code(db.session(), account, now_code(secret)) is right
        db.session.commit()


def test_the_code_of_the_enrolment_does_not_open_the_login(officer: int) -> None:
    secret, _codes = enrol(officer)
    account = db.session.get_one(Account, officer)
    assert not second_factors.use_code(db.session(), account, now_code(secret, -1))


def test_each_recovery_code_opens_once_however_it_is_typed(officer: int) -> None:
    _secret, codes = enrol(officer)
    account = db.session.get_one(Account, officer)
    assert len(set(codes)) == 10
    assert second_factors.use_code(db.session(), account, f" {codes[0].upper()} ")
    assert not second_factors.use_code(db.session(), account, codes[0])
    assert second_factors.use_code(db.session(), account, codes[1].replace("-", ""))
    assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 8


def test_the_database_shows_neither_secret_nor_recovery_codes(officer: int) -> None:
    secret, codes = enrol(officer)
    stored = bytes(db.session.get_one(Account, officer).totp_secret or b"")
    assert base64.b32decode(secret) not in stored
    digests = [bytes(row) for row in db.session.scalars(select(RecoveryCode.digest))]
    assert not any(code.replace("-", "").encode() in digest for code in codes for digest in digests)


def test_a_secret_moved_to_another_account_opens_nothing(officer: int) -> None:
    secret, _codes = enrol(officer)
    accounts.add_account("other", role="officer", actor="test")
    other = db.session.scalar(select(Account).where(Account.name == "other"))
    assert other
    other.totp_secret = db.session.get_one(Account, officer).totp_secret
    assert not second_factors.use_code(db.session(), other, now_code(secret))


def test_an_enrolment_belongs_to_its_account_and_needs_a_right_code(officer: int) -> None:
    begun = second_factors.begin_enrolment(officer)
    with pytest.raises(BadInput):
        second_factors.finish_enrolment(officer, begun.carried, "000000")
    with pytest.raises(Conflict):
        second_factors.resume_enrolment(officer + 1, "x", begun.carried)
    with pytest.raises(Conflict):
        second_factors.resume_enrolment(officer, "officer", begun.carried + "x")


def test_a_second_enrolment_needs_the_first_to_be_given_up(officer: int) -> None:
    enrol(officer)
    with pytest.raises(Conflict):
        second_factors.begin_enrolment(officer)
    logins.give_up_factor(officer)
    assert second_factors.begin_enrolment(officer)
