"""Reads of sealed boxes: how far the key of a campaign is."""

from dataclasses import dataclass

from sqlalchemy import select

from survey.extensions import db
from survey.models.sealed_boxes import SealedBox

SHARES = 3


@dataclass(frozen=True, kw_only=True)
class BoxRow:
    """The box of a campaign. fingerprint: of its public key. shown, held: shares, 0 to 3."""

    fingerprint: str
    shown: int
    held: int
    opened: bool

    @property
    def ready(self) -> bool:
        """Whether all three trustees have their share."""
        return self.held == SHARES


def find_box(campaign_id: int) -> BoxRow | None:
    """Return the box of a campaign; None before its key was first made, and for campaigns that are not sealed."""
    columns = (SealedBox.fingerprint, SealedBox.shown, SealedBox.held, SealedBox.opened)
    row = db.session.execute(select(*columns).where(SealedBox.campaign_id == campaign_id)).one_or_none()
    return None if row is None else BoxRow(**row._mapping)
