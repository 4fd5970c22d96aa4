"""Failed logins: five lock an account for one address for 15 minutes, and nobody can lock out everybody.

Beside the pair of account and address, all failures on an account and all from an address are counted. Those two locks
stop only pairs from which nobody has logged in before, and the address's only pairs that failed lately: who guesses
from elsewhere keeps no account out of its usual place, and who fills a school's common address with failures keeps out
nobody who gets the password right at once. Unknown names are counted alike, and all keys are HMACs.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from survey.database import is_sqlite
from survey.keys import purpose_key
from survey.models.accounts import Account, LoginThrottle
from survey.services.address_limits import network_of

MOST_OF_PAIR = 5
MOST_OF_ACCOUNT = 30
MOST_OF_ADDRESS = 100
LOCK = timedelta(minutes=15)
KNOWN = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The three counters of one attempt, locked for this transaction; `pair` is account and address."""

    pair: LoginThrottle
    account: LoginThrottle
    address: LoginThrottle

    @property
    def locked(self) -> bool:
        """Whether this attempt is refused, whatever the password."""
        now = _moment()
        if self.pair.locked_until > now:
            return True
        # The address is shared: what others did there is no reason to refuse somebody's first attempt.
        elsewhere = self.account.locked_until > now or (self.address.locked_until > now and self.pair.failures > 0)
        return elsewhere and self.pair.known_until <= now

    def fail(self) -> None:
        """Count a failure on all three."""
        _count(self.pair, MOST_OF_PAIR)
        _count(self.account, MOST_OF_ACCOUNT)
        _count(self.address, MOST_OF_ADDRESS)

    def succeed(self) -> None:
        """Forget the pair's failures and take the address for the account's usual place."""
        self.pair.failures = 0
        self.pair.known_until = _moment(KNOWN)


def begin_attempt(session: Session, name: str, *, address: str, account_id: int | None) -> Attempt:
    """Return the counters of an attempt inside the caller's transaction; two attempts take turns."""
    if not is_sqlite():
        session.execute(text("LOCK TABLE login_throttle IN SHARE ROW EXCLUSIVE MODE"))
    _forget_old(session)
    address = network_of(address)
    return Attempt(
        pair=_row(session, f"pair\0{name}\0{address}", account_id),
        account=_row(session, f"account\0{name}"),
        address=_row(session, f"address\0{address}"),
    )


def unlock(session: Session, account_id: int) -> None:
    """Unlock an account everywhere: it has a new first password. Its usual places stay known."""
    everywhere = _key(f"account\0{session.get_one(Account, account_id).name}")
    its_own = (LoginThrottle.account_id == account_id) | (LoginThrottle.key == everywhere)
    session.execute(update(LoginThrottle).where(its_own).values(failures=0, locked_until=""))


def _forget_old(session: Session) -> None:
    """Delete what neither counts nor locks any more, nor is an account's usual place."""
    over = (LoginThrottle.since < _moment(-LOCK)) & (LoginThrottle.locked_until < _moment())
    unknown = LoginThrottle.known_until < _moment()
    session.execute(delete(LoginThrottle).where(over, unknown).execution_options(synchronize_session=False))
    session.expire_all()


def _key(what: str) -> bytes:
    return hmac.digest(purpose_key("login"), what.encode(), "sha256")


def _row(session: Session, what: str, account_id: int | None = None) -> LoginThrottle:
    key = _key(what)
    row = session.get(LoginThrottle, key)
    if row is None:
        since = _moment()
        row = LoginThrottle(key=key, account_id=account_id, failures=0, since=since, locked_until="", known_until="")
        session.add(row)
    return row


def _count(row: LoginThrottle, most: int) -> None:
    if row.since < _moment(-LOCK) or not row.failures:
        row.failures, row.since = 0, _moment()
    row.failures += 1
    if row.failures >= most:
        row.failures, row.locked_until = 0, _moment(LOCK)


def _moment(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")
