"""Logging in: name and password, then, for accounts that have one, the code of the second factor."""

import hashlib
import threading
from dataclasses import dataclass

from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, TooMany, Unavailable
from survey.extensions import db
from survey.keys import purpose_key
from survey.models.accounts import Account
from survey.services import audit, second_factors
from survey.services.address_limits import Throttle
from survey.services.login_throttles import Attempt, begin_attempt
from survey.services.passwords import matches

SECOND_STEP_SECONDS = 300
# A hash takes 64 MiB and a tenth of a second, in the threads that also take votes: one at a time, and others wait for
# it no longer than this. The limit of an address is for machines: a school is one address.
WAIT_SECONDS = 1.0
BY_ADDRESS = Throttle(most=300, seconds=600)
_hashing = threading.BoundedSemaphore(1)


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    """Whose password was right; `pending` is what the second step's page brings back, "" when there is none."""

    account_id: int
    pending: str = ""


def log_in(name: str, password: str, *, address: str) -> LoggedIn | None:
    """Return whose name and password these are, None when they are wrong or locked; both answers take the same time.

    Raises TooMany (from this address), Unavailable (too many at once).
    """
    name = name.strip().replace("\0", "")
    found = select(Account).where(Account.name == name, Account.active)
    account = db.session.scalar(found)
    known = None if account is None else account.password_hash
    right = _compare(known, password, address)
    with transaction() as session:
        account = session.scalar(found.with_for_update().execution_options(populate_existing=True))
        attempt = begin_attempt(session, name, address=address, account_id=account.id if account else None)
        if attempt.locked:
            return None
        # The password may have changed while it was compared.
        if account is None or not right or account.password_hash != known:
            _failed(session, attempt, account, address)
            return None
        if account.totp_secret is None:
            return _succeeded(session, attempt, account, address)
        # Not counted yet either way: a right password must not buy further guesses at the code.
        return LoggedIn(account_id=account.id, pending=_pending().dumps([account.id, _stamp(account)]))


def second_step(pending: str, code: str, *, address: str) -> LoggedIn | None:
    """Return who logged in with a right code, None when it is wrong or locked. Raises Conflict after five minutes."""
    with transaction() as session:
        account = _who(session, pending)
        attempt = begin_attempt(session, account.name, address=address, account_id=account.id)
        if attempt.locked:
            return None
        if not second_factors.use_code(session, account, code):
            _failed(session, attempt, account, address)
            return None
        return _succeeded(session, attempt, account, address)


def prove(account_id: int, password: str, *, address: str, code: str | None = None) -> None:
    """Ask an account that is logged in for its password again, and its code if given; failures count as at the login.

    Raises BadInput, TooMany (from this address), Unavailable (too many at once).
    """
    known = db.session.get_one(Account, account_id).password_hash
    right = _compare(known, password, address)
    with transaction() as session:
        account = session.get_one(Account, account_id, with_for_update=True)
        attempt = begin_attempt(session, account.name, address=address, account_id=account.id)
        if not attempt.locked and right and (code is None or second_factors.use_code(session, account, code)):
            return
        if not attempt.locked:
            _failed(session, attempt, account, address)
    raise BadInput(_("This is not right, or the account is locked for 15 minutes."))


def give_up_factor(account_id: int) -> None:
    """Remove one's own second factor; password and code were asked before (`prove`)."""
    with transaction() as session:
        account = session.get_one(Account, account_id, with_for_update=True)
        second_factors.remove_factor(session, account, actor=account.name)


def _compare(known: str | None, password: str, address: str) -> bool:
    """Compare by argon2; without a hash to compare with it takes as long."""
    if not BY_ADDRESS.admits(address):
        raise TooMany(_("Too many logins were tried from this connection. Try again in ten minutes."))
    if not _hashing.acquire(timeout=WAIT_SECONDS):
        raise Unavailable(_("Too many people log in at the same moment. Wait a few seconds and try again."))
    try:
        return matches(known, password)
    finally:
        _hashing.release()


def _who(session: Session, pending: str) -> Account:
    try:
        number, stamp = _pending().loads(pending, max_age=SECOND_STEP_SECONDS)
    except (BadData, ValueError) as error:
        raise Conflict(_("This page is too old: log in again.")) from error
    account = session.get(Account, number, with_for_update=True)
    if account is None or not account.active or stamp != _stamp(account):
        raise Conflict(_("This page is too old: log in again."))
    return account


def _failed(session: Session, attempt: Attempt, account: Account | None, address: str) -> None:
    attempt.fail()
    if account is not None:
        _record(session, account, "account.login_failed", address)
        if attempt.locked:
            _record(session, account, "account.locked", address)


def _succeeded(session: Session, attempt: Attempt, account: Account, address: str) -> LoggedIn:
    attempt.succeed()
    _record(session, account, "account.login", address)
    return LoggedIn(account_id=account.id)


def _record(session: Session, account: Account, action: str, address: str) -> None:
    audit.record(session, actor=account.name, action=action, subject=account.name, detail={"address": address[:60]})


def _pending() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(purpose_key("second step"))


def _stamp(account: Account) -> str:
    """Return what changes with the password, so that a page of before is worth nothing."""
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:16]
