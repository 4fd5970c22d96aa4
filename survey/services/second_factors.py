"""The second factor of bureau accounts: time-based codes (RFC 6238) and ten recovery codes for the day of a lost phone.

The secret is kept encrypted under a key of the instance, recovery codes as HMAC. A code is taken once (RFC 6238, 5.2).
"""

import base64
import hmac
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete
from sqlalchemy.orm import Session

from survey.database import touched, transaction
from survey.errors import BadInput, Conflict
from survey.extensions import db
from survey.keys import purpose_key
from survey.models.accounts import Account, RecoveryCode
from survey.services import audit

SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
# One step before and after the clock's own, as RFC 6238 advises.
TOLERANCE = 1
RECOVERY_CODES = 10
ENROLMENT_SECONDS = 900
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A secret that is not stored yet: shown as QR code and letters, carried sealed to the next page."""

    secret: str
    uri: str
    carried: str


def time_code(secret: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """Return the code of a time step. Source: RFC 4226, 5.3, and RFC 6238, 4.2; checked against the RFC's vectors."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    place = mac[-1] & 15
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, *, after: int, now: float | None = None) -> int | None:
    """Return the time step, later than `after`, whose code this is; None if there is none. All steps are compared."""
    middle = int((time.time() if now is None else now) // SECONDS)
    steps = range(middle - TOLERANCE, middle + TOLERANCE + 1)
    fitting = [s for s in steps if hmac.compare_digest(time_code(secret, s).encode(), code.encode()) and s > after]
    return fitting[-1] if fitting else None


def begin_enrolment(account_id: int) -> Enrolment:
    """Make a secret for an account, whose password was asked again (`logins.prove`). Raises Conflict."""
    account = db.session.get_one(Account, account_id)
    if account.totp_secret is not None:
        raise Conflict(_("This account has a second factor already."))
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return _enrolment(account_id, account.name, secret, _sealed(account_id).dumps(secret))


def resume_enrolment(account_id: int, name: str, carried: str) -> Enrolment:
    """Return the enrolment that a page carried; raises Conflict when it is too old or another account's."""
    try:
        secret = _sealed(account_id).loads(carried, max_age=ENROLMENT_SECONDS)
    except BadData as error:
        raise Conflict(_("This page is too old: begin anew.")) from error
    return _enrolment(account_id, name, secret, carried)


def finish_enrolment(account_id: int, carried: str, code: str) -> list[str]:
    """Store the secret once its first code is right; return the recovery codes. Raises BadInput, Conflict."""
    with transaction() as session:
        account = session.get_one(Account, account_id, with_for_update=True)
        secret = base64.b32decode(resume_enrolment(account_id, account.name, carried).secret)
        if account.totp_secret is not None:
            raise Conflict(_("This account has a second factor already."))
        step = matching_step(secret, _typed(code), after=0)
        if step is None:
            raise BadInput(_("The code is not right. Does the phone show the right time?"))
        account.totp_secret, account.totp_step = _encrypt(account_id, secret), step
        codes = [_recovery_code() for _number in range(RECOVERY_CODES)]
        session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
        session.add_all(RecoveryCode(account_id=account_id, digest=_digest(account_id, text)) for text in codes)
        audit.record(session, actor=account.name, action="account.second_factor", subject=account.name)
    return codes


def use_code(session: Session, account: Account, code: str) -> bool:
    """Tell whether a code or a recovery code is right, and use it up inside the caller's transaction."""
    if account.totp_secret is None:
        return False
    typed = _typed(code)
    secret = _decrypt(account.id, account.totp_secret)
    step = None if secret is None else matching_step(secret, typed, after=account.totp_step)
    if step is not None:
        account.totp_step = step
        return True
    own = (RecoveryCode.account_id == account.id) & (RecoveryCode.digest == _digest(account.id, typed))
    if touched(session, delete(RecoveryCode).where(own)) != 1:
        return False
    audit.record(session, actor=account.name, action="account.recovery_code", subject=account.name)
    return True


def remove_factor(session: Session, account: Account, *, actor: str) -> None:
    """Remove an account's second factor inside the caller's transaction."""
    account.totp_secret, account.totp_step = None, 0
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    audit.record(session, actor=actor, action="account.no_second_factor", subject=account.name)


def _enrolment(account_id: int, name: str, secret: str, carried: str) -> Enrolment:
    issuer = quote(str(current_app.config["WUPING"].bureau), safe="")
    label = f"{issuer}:{quote(name, safe='')}"
    uri = f"otpauth://totp/{label}?secret={secret}&issuer={issuer}&digits={DIGITS}&period={SECONDS}"
    return Enrolment(secret=secret, uri=uri, carried=carried)


def _sealed(account_id: int) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(purpose_key("enrolment"), salt=f"account {account_id}")


def _typed(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _recovery_code() -> str:
    """Return ten letters, 50 bits, in two groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _place in range(5)) for _group in range(2))


def _digest(account_id: int, code: str) -> bytes:
    return hmac.digest(purpose_key("recovery"), f"{account_id}:{_typed(code)}".encode(), "sha256")


def _encrypt(account_id: int, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(purpose_key("totp")).encrypt(nonce, secret, str(account_id).encode())


def _decrypt(account_id: int, stored: bytes) -> bytes | None:
    """Return the secret; None when it was damaged, or moved here from another account."""
    try:
        return AESGCM(purpose_key("totp")).decrypt(stored[:12], stored[12:], str(account_id).encode())
    except (InvalidTag, ValueError):
        return None
