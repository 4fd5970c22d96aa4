"""Handing over: the shares of a new key, one trustee after the other, and collecting them again for the opening.

Between two pages the shares that are still to come travel through the browser, sealed under a key of the instance and
with a deadline (`carry`): the server keeps none. That each is shown once is a counter of the box.
"""

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict
from survey.keys import purpose_key
from survey.models.sealed_boxes import SealedBox
from survey.services import audit
from survey.services.openings import MOST_IN_BROWSER, check_first, open_box, waiting_pages
from survey.services.sealed_boxes import new_key, sealed_campaign
from survey.services.shares import SHARES, Share, plain_letters, read_share

DEADLINE_SECONDS = 3600
CONFIRM_LETTERS = 4


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Where handing the shares over stands: whose turn it is, and what the next page brings back.

    share: None while the trustee of `number` is only asked to step up.
    """

    campaign_id: int
    fingerprint: str
    number: int
    carried: str
    share: Share | None = None


def begin_handover(campaign_id: int, *, actor: str) -> Handover:
    """Make a new key for a sealed draft; nothing is shown yet. An earlier key of the draft is worth nothing now."""
    with transaction() as session:
        made, _box = new_key(session, campaign_id)
        detail = {"fingerprint": made.fingerprint}
        audit.record(session, actor=actor, action="box.begin", subject=f"campaign {campaign_id}", detail=detail)
    return _waiting_for(campaign_id, made.fingerprint, list(made.shares))


def show_share(campaign_id: int, carried: str, *, actor: str) -> Handover:
    """Show the next trustee's share; raises Conflict when it was shown before: then the ceremony begins anew."""
    fingerprint, shares = _still_to_come(campaign_id, carried, "step up")
    number = shares[0].number
    with transaction() as session:
        _advance(session, campaign_id, fingerprint, shown=(number - 1, number), held=(number - 1, number - 1))
        detail = {"share": number}
        audit.record(session, actor=actor, action="box.share", subject=f"campaign {campaign_id}", detail=detail)
    return _shown(campaign_id, fingerprint, shares)


def confirm_share(campaign_id: int, carried: str, *, typed: str, actor: str) -> Handover | None:
    """Note that a trustee has the share, who proves it by its last four letters; return whose turn comes, or None.

    Raises NotCopied when the letters differ, Conflict.
    """
    fingerprint, shares = _still_to_come(campaign_id, carried, "shown")
    if plain_letters(typed) != shares[0].letters[-CONFIRM_LETTERS:]:
        raise NotCopied(_shown(campaign_id, fingerprint, shares))
    number = shares[0].number
    with transaction() as session:
        _advance(session, campaign_id, fingerprint, shown=(number, number), held=(number - 1, number))
        detail = {"share": number}
        audit.record(session, actor=actor, action="box.held", subject=f"campaign {campaign_id}", detail=detail)
    return _waiting_for(campaign_id, fingerprint, shares[1:]) if number < SHARES else None


class NotCopied(BadInput):
    """The trustee typed other letters than the share ends with; `handover` shows it again."""

    def __init__(self, handover: Handover) -> None:
        super().__init__(_("These are not the last four letters of the share: compare your copy with the screen."))
        self.handover = handover


def take_share(campaign_id: int, text: str, *, actor: str) -> str:
    """Check the first trustee's share of an opening; return it sealed, for the second trustee's page.

    Letters that are no share at all are a slip of the hand and leave no trace; a share that opens nothing now is
    recorded.
    """
    share = read_share(text)
    check_first(campaign_id, share, actor=actor)
    return carry({"share": share.letters}, purpose=f"opening {campaign_id}")


def holder_of(campaign_id: int, carried: str) -> int:
    """Return the number of the share that was taken first."""
    return read_share(uncarry(carried, purpose=f"opening {campaign_id}")["share"]).number


def open_with(campaign_id: int, carried: str, text: str, *, actor: str) -> int:
    """Open the box with the share taken before and the second trustee's; return the number of pages.

    Raises as `open_box` and `read_share` do, and Conflict for a box too large for a page.
    """
    first = read_share(uncarry(carried, purpose=f"opening {campaign_id}")["share"])
    second = read_share(text)
    pages = waiting_pages(campaign_id)
    if pages > MOST_IN_BROWSER:
        raise Conflict(
            _(
                "This box holds %(pages)s pages; above %(most)s it is opened on the server's console: survey campaign "
                "unseal %(id)s --share FILE --share FILE",
                pages=pages,
                most=MOST_IN_BROWSER,
                id=campaign_id,
            )
        )
    return open_box(campaign_id, [first, second], actor=actor)


def carry(content: dict[str, Any], *, purpose: str) -> str:
    """Return `content` encrypted for a hidden field, good for one hour and one purpose."""
    nonce = secrets.token_bytes(12)
    text = json.dumps({**content, "until": int(time.time()) + DEADLINE_SECONDS}).encode()
    return base64.urlsafe_b64encode(nonce + _cipher().encrypt(nonce, text, purpose.encode())).decode()


def uncarry(carried: str, *, purpose: str) -> dict[str, Any]:
    """Undo `carry`; raises Conflict for anything else, or when the hour is over."""
    try:
        content = base64.b64decode(carried, altchars=b"-_", validate=True)
        found: dict[str, Any] = json.loads(_cipher().decrypt(content[:12], content[12:], purpose.encode()))
    except (InvalidTag, ValueError) as error:
        raise Conflict(_("This page does not belong to this ceremony, or is too old: begin anew.")) from error
    if found["until"] < time.time():
        raise Conflict(_("This page does not belong to this ceremony, or is too old: begin anew."))
    return found


def _cipher() -> AESGCM:
    return AESGCM(purpose_key("ceremony"))


def _waiting_for(campaign_id: int, fingerprint: str, shares: list[Share]) -> Handover:
    return Handover(
        campaign_id=campaign_id,
        fingerprint=fingerprint,
        number=shares[0].number,
        carried=_carry_shares(campaign_id, fingerprint, shares, "step up"),
    )


def _shown(campaign_id: int, fingerprint: str, shares: list[Share]) -> Handover:
    return Handover(
        campaign_id=campaign_id,
        fingerprint=fingerprint,
        number=shares[0].number,
        carried=_carry_shares(campaign_id, fingerprint, shares, "shown"),
        share=shares[0],
    )


def _carry_shares(campaign_id: int, fingerprint: str, shares: list[Share], step: str) -> str:
    content = {"fingerprint": fingerprint, "shares": [share.letters for share in shares]}
    return carry(content, purpose=f"{step} {campaign_id}")


def _still_to_come(campaign_id: int, carried: str, step: str) -> tuple[str, list[Share]]:
    found = uncarry(carried, purpose=f"{step} {campaign_id}")
    return found["fingerprint"], [read_share(text) for text in found["shares"]]


def _advance(
    session: Session, campaign_id: int, fingerprint: str, *, shown: tuple[int, int], held: tuple[int, int]
) -> None:
    """Take one step of the hand-over, which nobody can take twice or out of turn."""
    if sealed_campaign(session, campaign_id, lock=True).state != "draft":
        raise Conflict(_("The key of a sealed box is made while the campaign is a draft; it can never be replaced."))
    step = (
        update(SealedBox)
        .where(SealedBox.campaign_id == campaign_id, SealedBox.fingerprint == fingerprint)
        .where(SealedBox.shown == shown[0], SealedBox.held == held[0])
        .values(shown=shown[1], held=held[1])
    )
    if session.connection().execute(step).rowcount != 1:
        raise Conflict(_("This share was shown before, or a newer key was made. Begin anew: the old shares are void."))
