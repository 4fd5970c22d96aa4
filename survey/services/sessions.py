"""Sessions of the desk: the browser holds 128 random bits, the database their HMAC; nothing else tells who is in.

A session ends after 30 idle minutes, eight hours in all, a new password, or when its owner ends it. `seen_at` is
written at most once a minute, and only while nobody else writes, so that reading a page never waits for a write.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from survey.access import is_bureau_role
from survey.database import touched, transaction, write_if_free
from survey.errors import NotFound
from survey.extensions import db
from survey.keys import purpose_key
from survey.models.accounts import DeskSession
from survey.queries.accounts import SessionRow, User, find_user_by_session, list_sessions
from survey.services import audit
from survey.services.passwords import has_expired

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
SEEN_EVERY = timedelta(seconds=60)


def begin_session(account_id: int, *, address: str, browser: str, instead_of: str = "") -> str:
    """Open a session and return its id for the cookie; the one the browser came with ends: an id is never kept."""
    token = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    with transaction() as session:
        session.execute(delete(DeskSession).where(DeskSession.id == _key(instead_of)))
        session.execute(delete(DeskSession).where(_over()))
        session.add(
            DeskSession(
                id=_key(token),
                account_id=account_id,
                begun_at=_moment(),
                seen_at=_moment(),
                address=address[:60],
                browser=browser[:200],
            )
        )
    return token


def session_user(token: str) -> User | None:
    """Return who is logged in under a session id, None when it is unknown or over; notes that it is in use."""
    if not _is_token(token):
        return None
    found = find_user_by_session(_key(token), begun_after=_moment(-LONGEST), seen_after=_moment(-IDLE))
    if found is None:
        return None
    user, seen_at = found
    if seen_at < _moment(-SEEN_EVERY):
        _note_seen(user.session)
    config = current_app.config["WUPING"]
    enrol = config.second_factor == "required" and is_bureau_role(user.role) and not user.has_second_factor
    return replace(user, expired=has_expired(user.password_set), must_enrol=enrol)


def _note_seen(key: bytes) -> None:
    # The read of a moment ago must not keep a snapshot open on this thread while another connection writes.
    db.session.rollback()
    stale = (DeskSession.id == key) & (DeskSession.seen_at < _moment(-SEEN_EVERY))
    write_if_free(update(DeskSession).where(stale).values(seen_at=_moment()))


def form_key(token: str) -> str:
    """Return the CSRF secret of a session, derived from its id: nothing to store, and no other session's fits."""
    return hmac.digest(purpose_key("form"), token.encode(), "sha256").hex()


def end_session(token: str) -> None:
    """End the session of a browser that logs out."""
    with transaction() as session:
        session.execute(delete(DeskSession).where(DeskSession.id == _key(token)))


def end_own_session(account_id: int, handle: str, *, actor: str) -> None:
    """End one session of an account, named by its handle; raises NotFound, also for another account's."""
    key = bytes.fromhex(handle) if len(handle) == 64 and all(c in "0123456789abcdef" for c in handle) else b""
    with transaction() as session:
        gone = delete(DeskSession).where(DeskSession.id == key, DeskSession.account_id == account_id)
        if touched(session, gone) != 1:
            raise NotFound(_("This session has ended already."))
        audit.record(session, actor=actor, action="account.end_session", subject=actor)


def own_sessions(user: User) -> list[SessionRow]:
    """Return the sessions of an account that have not ended."""
    return list_sessions(user, begun_after=_moment(-LONGEST), seen_after=_moment(-IDLE))


def end_sessions(session: Session, account_id: int) -> None:
    """End all sessions of an account inside the caller's transaction."""
    session.execute(delete(DeskSession).where(DeskSession.account_id == account_id))


def _over() -> Any:
    return (DeskSession.begun_at < _moment(-LONGEST)) | (DeskSession.seen_at < _moment(-IDLE))


def _is_token(token: str) -> bool:
    try:
        return len(token) == 22 and len(base64.urlsafe_b64decode(f"{token}==")) == 16
    except (ValueError, binascii.Error):
        return False


def _key(token: str) -> bytes:
    return hmac.digest(purpose_key("session id"), token.encode(), "sha256")


def _moment(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")
