"""The key of a sealed box (密封票箱): making it in shares, sealing pages to it, and what a sealed campaign must have.

The private key is made in memory, split at once and forgotten; no file, row, log or job ever holds it or a share.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from flask_babel import gettext as _
from sqlalchemy import Connection, delete, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import N_, Conflict, NotFound, Unavailable
from survey.extensions import db
from survey.instruments.questionnaires import questionnaire_from_json
from survey.keys import purpose_key
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.instruments import QuestionnaireVersion
from survey.models.sealed_boxes import SealedBox
from survey.services import audit
from survey.services.sealed_pages import Envelope, fingerprint_digest, fingerprint_of, room_for
from survey.services.shares import FINGERPRINT_BYTES, PRIME, SHARES, Share, split


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that was just made: what is public, and the shares, which exist nowhere else."""

    campaign_id: int
    campaign_name: str
    fingerprint: str
    shares: tuple[Share, ...]


def make_shares(campaign_id: int, *, actor: str) -> NewKey:
    """Make the key of a sealed draft and return all three shares at once (console); an earlier key is replaced.

    Raises NotFound, Conflict (not sealed, or no draft any more).
    """
    with transaction() as session:
        made, box = new_key(session, campaign_id)
        box.shown = box.held = SHARES
        detail = {"fingerprint": made.fingerprint}
        audit.record(session, actor=actor, action="box.shares", subject=f"campaign {campaign_id}", detail=detail)
    return made


def new_key(session: Session, campaign_id: int) -> tuple[NewKey, SealedBox]:
    """Make a key inside the caller's transaction; only its public half is stored.

    Only for a draft: of a draft no process remembers anything, and nothing was sealed to an earlier key.
    """
    campaign = sealed_campaign(session, campaign_id, lock=True)
    if campaign.state != "draft":
        raise Conflict(_("The key of a sealed box is made while the campaign is a draft; it can never be replaced."))
    secret = secrets.randbelow(PRIME)
    public = private_key(secret).public_key().public_bytes_raw()
    session.execute(delete(SealedBox).where(SealedBox.campaign_id == campaign_id))
    box = SealedBox(
        campaign_id=campaign_id,
        public_key=public,
        fingerprint=fingerprint_of(public),
        seal=_seal_of(campaign_id, public),
        shown=0,
        held=0,
        opened=False,
    )
    session.add(box)
    made = NewKey(
        campaign_id=campaign_id,
        campaign_name=campaign.name,
        fingerprint=box.fingerprint,
        shares=_shares(campaign_id, public, split(secret)),
    )
    return made, box


def private_key(secret: int) -> X25519PrivateKey:
    """Return the private key that a whole number stands for."""
    return X25519PrivateKey.from_private_bytes(secret.to_bytes(32))


def short_fingerprint(public_key: bytes) -> bytes:
    """Return the part of the fingerprint that every share carries."""
    return fingerprint_digest(public_key)[:FINGERPRINT_BYTES]


def sealed_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """Return a sealed campaign; raises NotFound, Conflict when it has no sealed box."""
    campaign = session.get(Campaign, campaign_id, with_for_update=lock)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if not campaign.sealed:
        raise Conflict(_("This campaign has no sealed box: that is chosen when a campaign is made."))
    return campaign


def sound_box(session: Session, campaign_id: int) -> SealedBox:
    """Return the box of a sealed campaign; raises Conflict without one, Unavailable when its key was exchanged."""
    box = session.get(SealedBox, campaign_id)
    if box is None or box.held != SHARES:
        raise Conflict(_("The sealed box has no key yet: hand the three shares to the trustees first."))
    _refuse_foreign_key(campaign_id, box.public_key, box.seal)
    return box


def lacks_key(session: Session, campaign: Campaign) -> bool:
    """Whether a sealed campaign still has to hand its shares to the trustees."""
    if not campaign.sealed:
        return False
    box = session.get(SealedBox, campaign.id)
    return box is None or box.held != SHARES


def refuse_unopened(campaign_id: int) -> None:
    """Raise Conflict while the ballots of a sealed campaign cannot be counted."""
    row = db.session.execute(
        select(Campaign.sealed, SealedBox.opened)
        .outerjoin(SealedBox, SealedBox.campaign_id == Campaign.id)
        .where(Campaign.id == campaign_id)
    ).one_or_none()
    if row is not None and (row.sealed or row.opened is not None) and not row.opened:
        raise Conflict(_("The sealed box has not been opened yet: two trustees open it with their shares."))


def find_envelope(connection: Connection, group_id: int) -> Envelope:
    """Return what seals the pages of a group of a sealed campaign.

    Raises Unavailable rather than ever let a page be stored unsealed, or sealed to a key that somebody put in.
    """
    row = connection.execute(
        select(
            Campaign.id,
            Campaign.sealed,
            RaterGroup.variant,
            QuestionnaireVersion.document,
            SealedBox.public_key,
            SealedBox.seal,
            SealedBox.held,
        )
        .select_from(RaterGroup)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .join(QuestionnaireVersion, QuestionnaireVersion.id == Evaluation.questionnaire_id)
        .outerjoin(SealedBox, SealedBox.campaign_id == Campaign.id)
        .where(RaterGroup.id == group_id)
    ).one()
    if not row.sealed or row.held != SHARES:
        raise Unavailable(N_("The sealed box of this campaign is damaged; nothing is taken in."))
    _refuse_foreign_key(row.id, row.public_key, row.seal)
    return Envelope(campaign_id=row.id, group_id=group_id, public_key=bytes(row.public_key), room=_room(row))


def damaged_boxes() -> list[int]:
    """Return the campaigns whose box does not fit: no key after the draft, or another key than the one made."""
    rows = db.session.execute(
        select(Campaign.id, Campaign.sealed, Campaign.state, SealedBox)
        .outerjoin(SealedBox, SealedBox.campaign_id == Campaign.id)
        .where(Campaign.sealed | SealedBox.campaign_id.is_not(None))
    )
    return [row.id for row in rows if not _fits(row)]


def _fits(row: Any) -> bool:
    box = row.SealedBox
    if box is None or box.held != SHARES:
        return bool(row.sealed and row.state == "draft")
    genuine = hmac.compare_digest(bytes(box.seal), _seal_of(row.id, bytes(box.public_key)))
    return bool(row.sealed and genuine and box.fingerprint == fingerprint_of(bytes(box.public_key)))


def _refuse_foreign_key(campaign_id: int, public_key: bytes, seal: bytes) -> None:
    if not hmac.compare_digest(bytes(seal), _seal_of(campaign_id, bytes(public_key))):
        raise Unavailable(N_("The sealed box of this campaign is damaged; nothing is taken in."))


def _seal_of(campaign_id: int, public_key: bytes) -> bytes:
    return hmac.digest(purpose_key("sealed box"), campaign_id.to_bytes(8) + public_key, hashlib.sha256)


def _shares(campaign_id: int, public_key: bytes, values: tuple[int, ...]) -> tuple[Share, ...]:
    mark = short_fingerprint(public_key)
    return tuple(
        Share(campaign_id=campaign_id, number=number, fingerprint=mark, value=value)
        for number, value in enumerate(values, start=1)
    )


def _room(row: Any) -> int:
    questionnaire = questionnaire_from_json(row.document)
    chips = [chip.code for chip in questionnaire.chips]
    return room_for(chips, comment=questionnaire.variants[row.variant].comment)
