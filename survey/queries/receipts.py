"""Reads of the published list of receipts (回执): only characters in alphabetical order, tied to nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import Engine, func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.ballots import receipt
from survey.models.campaigns import Campaign
from survey.queries.paging import find_place

PUBLISHED = ("closed", "tallied", "released", "archived")
PAGE = 500
CHUNK = 10_000


@dataclass(frozen=True, kw_only=True)
class ReceiptList:
    """One page of a campaign's receipts; `pages` counts from 1; `total` is of the whole list."""

    campaign_id: int
    name: str
    receipts: Sequence[str]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, kw_only=True)
class PublishedCampaign:
    """A closed campaign, for the public."""

    id: int
    name: str
    year: int


def published_campaigns() -> list[PublishedCampaign]:
    """Return the campaigns whose list of receipts is public, newest first."""
    query = select(Campaign.id, Campaign.name, Campaign.year).where(Campaign.state.in_(PUBLISHED))
    rows = db.session.execute(query.order_by(Campaign.year.desc(), Campaign.id.desc()).limit(12))
    return [PublishedCampaign(**row._mapping) for row in rows]


def receipt_list(campaign_id: int, *, page: int) -> ReceiptList:
    """Return a page of the sorted list; raises NotFound before the close: it would tell who votes when."""
    name = published_name(campaign_id)
    total = db.session.scalar(select(func.count()).where(receipt.c.campaign_id == campaign_id)) or 0
    place = find_place(total, page=page, size=PAGE)
    query = select(receipt.c.text).where(receipt.c.campaign_id == campaign_id).order_by(receipt.c.text)
    return ReceiptList(
        campaign_id=campaign_id,
        name=name,
        receipts=db.session.scalars(query.offset(place.start).limit(PAGE)).all(),
        page=place.page,
        pages=place.pages,
        total=total,
    )


def has_receipt(campaign_id: int, text: str) -> bool:
    """Tell whether a receipt (case and blanks forgiven) is in the published list; raises NotFound before the close."""
    published_name(campaign_id)
    wanted = "".join(text.split()).upper()
    query = select(receipt.c.text).where(receipt.c.campaign_id == campaign_id, receipt.c.text == wanted)
    return db.session.scalar(query) is not None


def all_receipts(campaign_id: int) -> Iterator[str]:
    """Yield the whole sorted list in parts, a receipt a line; raises NotFound before the close, at once.

    Each part is a read of its own: a slow download holds no transaction open.
    """
    published_name(campaign_id)
    return _parts(db.engine, campaign_id)


def _parts(engine: Engine, campaign_id: int) -> Iterator[str]:
    last = ""
    while True:
        query = select(receipt.c.text).where(receipt.c.campaign_id == campaign_id, receipt.c.text > last)
        with engine.connect() as connection:
            texts = connection.scalars(query.order_by(receipt.c.text).limit(CHUNK)).all()
        if not texts:
            return
        last = texts[-1]
        yield "".join(f"{text}\n" for text in texts)


def published_name(campaign_id: int) -> str:
    """Return the name of a closed campaign; raises NotFound for any other."""
    row = db.session.execute(select(Campaign.name, Campaign.state).where(Campaign.id == campaign_id)).one_or_none()
    if row is None or row.state not in PUBLISHED:
        raise NotFound(_("The list of receipts is published after voting has closed."))
    return str(row.name)
