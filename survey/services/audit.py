"""The audit log: who did what, hash-chained; never a code, a ballot or a password."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from survey.database import is_sqlite
from survey.models.audit import AuditEntry

GENESIS = "0" * 64


def record(
    session: Session, *, actor: str, action: str, subject: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Append an entry inside the caller's transaction: an act and its record stand or fall together."""
    if not is_sqlite():
        # Locking the last row is not enough: after the wait it would no longer be the last.
        session.execute(text("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE"))
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).first()
    entry = AuditEntry(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        actor=actor,
        action=action,
        subject=subject,
        detail=dict(detail or {}),
    )
    entry.digest = digest(last.digest if last else GENESIS, entry)
    session.add(entry)
    session.flush()


def digest(previous: str, entry: AuditEntry) -> str:
    """Return SHA-256 over the previous digest and this entry's content, 64 hex digits."""
    content = [previous, entry.at, entry.actor, entry.action, entry.subject, entry.detail]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def first_broken_entry(session: Session) -> int | None:
    """Return the id of the first entry that does not fit the chain, or None when all fit."""
    previous = GENESIS
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id)):
        if entry.digest != digest(previous, entry):
            return entry.id
        previous = entry.digest
    return None
