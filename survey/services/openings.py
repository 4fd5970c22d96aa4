"""The opening (开箱) of a sealed box: two shares rebuild the key in memory, every page is opened and mixed at once.

All or nothing: one page that does not open, and nothing changes. The key lives in the process that was given the
shares, for as long as the opening takes; it is written nowhere, so the opening is no job.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from flask_babel import gettext as _
from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import Conflict, Refused
from survey.extensions import db
from survey.models.ballots import inbox
from survey.models.campaigns import Evaluation, GroupCount, RaterGroup
from survey.services import approvals, audit, mixing
from survey.services.mixing import Waiting
from survey.services.sealed_boxes import private_key, sealed_campaign, short_fingerprint, sound_box
from survey.services.sealed_pages import NotOpened, Place, open_page, page_key
from survey.services.shares import NEEDED, PRIME, Share, combine

# Pages that a web process opens while the trustees wait: up to half a minute, 1 kB of memory each. More are opened on
# the console, where no proxy loses patience.
MOST_IN_BROWSER = 100_000
CHUNK = 2000


@dataclass(frozen=True, kw_only=True)
class _Contents:
    """What the inbox of one campaign holds: opened pages, and how many did not open or came twice."""

    pages: tuple[Waiting, ...]
    failed: int
    copies: int


def open_box(campaign_id: int, shares: Sequence[Share], *, actor: str) -> int:
    """Open the box of a closed campaign with two or three shares; return the number of pages.

    Raises NotFound, Conflict: not sealed, not closed, opened before, too few shares, a share of another key, shares
    that rebuild no key, pages that do not open, came twice or are missing. Then nothing is changed but the audit log.
    """
    try:
        pages = _open(campaign_id, shares, actor=actor)
    except Refused as refusal:
        _note_refusal(campaign_id, shares, str(refusal), actor=actor)
        raise
    mixing.cover_tracks()
    return pages


def check_first(campaign_id: int, share: Share, *, actor: str) -> None:
    """Raise as `check_share` does, and leave in the audit log who came with a share that opens nothing here or now."""
    try:
        check_share(campaign_id, share)
    except Conflict as refusal:
        _note_refusal(campaign_id, [share], str(refusal), actor=actor)
        raise


def check_share(campaign_id: int, share: Share) -> None:
    """Raise Conflict when a share belongs to another campaign or key, or the box cannot be opened now."""
    session = db.session()
    _refuse_now(session, campaign_id)
    _refuse_foreign(session, campaign_id, share)


def waiting_pages(campaign_id: int) -> int:
    """Return how many pages the counters say are in the box."""
    counts = _expected(db.session.connection(), campaign_id)
    return sum(counts.values())


def _open(campaign_id: int, shares: Sequence[Share], *, actor: str) -> int:
    for share in shares:
        check_share(campaign_id, share)
    public_key = bytes(sound_box(db.session(), campaign_id).public_key)
    key = _rebuild(shares, public_key)
    db.session.rollback()
    # What a closed campaign holds does not change any more: it is opened before the lock is taken.
    contents = _read(campaign_id, key, public_key)
    _refuse_damage(contents)
    with transaction() as session:
        sealed_campaign(session, campaign_id, lock=True)
        _refuse_now(session, campaign_id)
        approvals.spend(session, campaign_id, "unseal", actor=actor)
        connection = session.connection()
        _refuse_difference(connection, campaign_id, contents.pages)
        mixing.move_pages(connection, contents.pages)
        sound_box(session, campaign_id).opened = True
        detail = {"pages": len(contents.pages), "shares": sorted(share.number for share in shares)}
        audit.record(session, actor=actor, action="box.open", subject=f"campaign {campaign_id}", detail=detail)
    return len(contents.pages)


def _refuse_now(session: Session, campaign_id: int) -> None:
    campaign = sealed_campaign(session, campaign_id)
    box = sound_box(session, campaign_id)
    if box.opened:
        raise Conflict(_("The sealed box of this campaign was opened before."))
    if campaign.state != "closed":
        raise Conflict(
            _("The sealed box is opened after the close; this campaign is: %(state)s.", state=campaign.state)
        )


def _refuse_foreign(session: Session, campaign_id: int, share: Share) -> None:
    if share.campaign_id != campaign_id:
        raise Conflict(
            _(
                "Share %(number)s belongs to campaign %(other)s, not to %(id)s.",
                number=share.number,
                other=share.campaign_id,
                id=campaign_id,
            )
        )
    if share.fingerprint != short_fingerprint(bytes(sound_box(session, campaign_id).public_key)):
        raise Conflict(
            _("Share %(number)s belongs to another key: compare the fingerprint on the sheet.", number=share.number)
        )


def _rebuild(shares: Sequence[Share], public_key: bytes) -> X25519PrivateKey:
    values = {share.number: share.value for share in shares}
    if len(values) < NEEDED or len(values) != len(shares):
        raise Conflict(_("Two different shares are needed; one alone opens nothing."))
    secret = combine(values)
    if secret is None or secret >= PRIME:
        raise Conflict(_("These shares do not rebuild the key: at least one is wrong."))
    key = private_key(secret)
    if key.public_key().public_bytes_raw() != public_key:
        raise Conflict(_("These shares do not rebuild the key: at least one is wrong."))
    return key


def _read(campaign_id: int, key: X25519PrivateKey, public_key: bytes) -> _Contents:
    pages, failed, seen = [], 0, set()
    with db.engine.connect() as connection:
        for row in _sealed_rows(connection, campaign_id):
            sealed = bytes(row.payload)
            seen.add(page_key(sealed))
            place = Place(campaign_id=campaign_id, group_id=row.group_id, target_id=row.target_id)
            try:
                payload = open_page(sealed, key=key, public_key=public_key, place=place)
            except NotOpened:
                failed += 1
                payload = b""
            pages.append(Waiting(bytes(row.id), row.group_id, row.target_id, row.evaluation_id, payload))
    return _Contents(pages=tuple(pages), failed=failed, copies=len(pages) - len(seen))


def _sealed_rows(connection: Connection, campaign_id: int) -> Iterator[Any]:
    query = (
        select(inbox, RaterGroup.evaluation_id)
        .join(RaterGroup, RaterGroup.id == inbox.c.group_id)
        .where(inbox.c.group_id.in_(_groups(campaign_id)))
    )
    yield from connection.execution_options(yield_per=CHUNK).execute(query)


def _groups(campaign_id: int) -> Select[Any]:
    return select(RaterGroup.id).join(Evaluation).where(Evaluation.campaign_id == campaign_id)


def _refuse_damage(contents: _Contents) -> None:
    if contents.failed:
        raise Conflict(
            _(
                "%(failed)s of %(all)s sealed pages do not open: they were damaged, or moved to another group or "
                "target. Nothing was changed. Restore the database from a backup and repeat the opening.",
                failed=contents.failed,
                all=len(contents.pages),
            )
        )
    if contents.copies:
        raise Conflict(
            _(
                "%(copies)s of %(all)s sealed pages are copies of others. Nothing was changed.",
                copies=contents.copies,
                all=len(contents.pages),
            )
        )


def _refuse_difference(connection: Connection, campaign_id: int, pages: Sequence[Waiting]) -> None:
    """Hold the opened pages against the counters, and against the inbox as it is now."""
    expected = _expected(connection, campaign_id)
    found = Counter((page.group_id, page.target_id) for page in pages)
    missing, surplus = (expected - found).total(), (found - expected).total()
    if missing or surplus:
        raise Conflict(
            _(
                "The box holds %(found)s pages, the counters say %(expected)s: %(missing)s are missing, %(surplus)s "
                "too many. Nothing was changed.",
                found=found.total(),
                expected=expected.total(),
                missing=missing,
                surplus=surplus,
            )
        )
    now = set(connection.scalars(select(inbox.c.id).where(inbox.c.group_id.in_(_groups(campaign_id)))))
    if {bytes(key) for key in now} != {page.id for page in pages}:
        raise Conflict(_("The box changed while it was being opened. Nothing was changed; repeat the opening."))


def _expected(connection: Connection, campaign_id: int) -> Counter[tuple[int, int]]:
    left = GroupCount.cast - GroupCount.mixed - GroupCount.voided
    query = select(GroupCount.group_id, GroupCount.target_id, left).where(
        GroupCount.group_id.in_(_groups(campaign_id)), left != 0
    )
    return Counter({(group, target): number for group, target, number in connection.execute(query)})


def _note_refusal(campaign_id: int, shares: Sequence[Share], why: str, *, actor: str) -> None:
    detail = {"why": why, "shares": sorted(share.number for share in shares)}
    with transaction() as session:
        audit.record(session, actor=actor, action="box.refused", subject=f"campaign {campaign_id}", detail=detail)
