"""Reads of results made public: what is out, for everybody; what is prepared, for the officer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.publications import Publication
from survey.queries.cubes import RELEASED

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PublishedResults:
    """What is out of a campaign; published_at: an ISO moment in UTC."""

    campaign_id: int
    document: Document
    published_at: str
    feedback: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Where a publication stands; `document` as prepared, `current` whether what is out is what is prepared."""

    campaign_id: int
    name: str
    two_person: bool
    document: Document | None
    digest: str
    published: Document | None
    published_at: str
    published_by: str
    feedback: str

    @property
    def current(self) -> bool:
        """Whether what is out is what is prepared."""
        return self.published is not None and self.published == self.document


@dataclass(frozen=True, kw_only=True)
class PublicCampaign:
    """A campaign whose results are out."""

    id: int
    name: str
    year: int
    published_at: str


def public_campaigns() -> list[PublicCampaign]:
    """Return the campaigns whose results are out, newest first."""
    query = (
        select(Campaign.id, Campaign.name, Campaign.year, Publication.published_at)
        .join(Publication, Publication.campaign_id == Campaign.id)
        .where(Publication.published.is_not(None))
        .order_by(Campaign.year.desc(), Campaign.id.desc())
    )
    return [PublicCampaign(**row._mapping) for row in db.session.execute(query)]


def published_results(campaign_id: int) -> PublishedResults:
    """Return what is out of a campaign; raises NotFound where nothing is."""
    row = db.session.get(Publication, campaign_id)
    if row is None or row.published is None:
        raise NotFound(_("The results of this campaign are not public."))
    return PublishedResults(
        campaign_id=campaign_id, document=row.published, published_at=row.published_at, feedback=row.feedback
    )


def find_draft(campaign_id: int) -> Draft:
    """Return where the publication of a released campaign stands; raises NotFound before the release."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.state not in RELEASED:
        raise NotFound(_("There are no released results here."))
    row = db.session.get(Publication, campaign_id) or Publication(
        prepared=None, digest="", published=None, published_at="", published_by="", feedback=""
    )
    return Draft(
        campaign_id=campaign_id,
        name=campaign.name,
        two_person=campaign.two_person,
        document=row.prepared,
        digest=row.digest,
        published=row.published,
        published_at=row.published_at,
        published_by=row.published_by,
        feedback=row.feedback,
    )


def find_school(document: Document, code: str) -> list[tuple[Document, Document]]:
    """Return what a public document says of one school, as (evaluation, row); raises NotFound where nothing."""
    found = [
        (evaluation, row)
        for evaluation in document["evaluations"]
        if evaluation["rows_are"] == "school"
        for row in evaluation["rows"]
        if row["code"] == code
    ]
    if not found:
        raise NotFound(_("There is no such school in these results."))
    return found
