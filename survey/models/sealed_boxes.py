"""The sealed box (密封票箱) of a campaign: the public half of its key, and how far its ceremonies are."""

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class SealedBox(Base):
    """Only the public key is here; the private one exists as three shares on paper, of which two open the box.

    seal: HMAC of campaign and public key under a secret of the instance, so that a key put in by hand is found.
    shown, held: how many shares were shown, and confirmed by their trustees; all three before the campaign is ready.
    """

    __tablename__ = "sealed_box"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    fingerprint: Mapped[str] = mapped_column(String(30))
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
    shown: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    opened: Mapped[bool] = mapped_column(default=False)
