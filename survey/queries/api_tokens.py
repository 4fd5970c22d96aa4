"""Reads of the read interface's tokens: what one allows, and the list of them."""

from dataclasses import dataclass

from sqlalchemy import select

from survey.extensions import db
from survey.models.api_tokens import ApiToken
from survey.queries.audiences import Audience

PUBLIC = "public"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a token allows; view is bureau, school or public, campaigns empty for all, last_day an ISO day."""

    name: str
    view: str
    school_code: str | None
    campaigns: tuple[int, ...]
    made_by: str
    last_day: str

    @property
    def audience(self) -> Audience:
        """For whom figures are read; of the public view there are none but those published."""
        return Audience(school=self.school_code)

    def covers(self, campaign_id: int) -> bool:
        """Tell whether a campaign is within the token's limits."""
        return not self.campaigns or campaign_id in self.campaigns


def find_grant(digest: bytes) -> Grant | None:
    """Return what the token of that digest allows, None where there is none."""
    row = db.session.get(ApiToken, digest)
    return None if row is None else _grant(row)


def list_grants() -> list[Grant]:
    """Return what all tokens allow, by name."""
    return [_grant(row) for row in db.session.scalars(select(ApiToken).order_by(ApiToken.name))]


def _grant(row: ApiToken) -> Grant:
    return Grant(
        name=row.name,
        view=row.view,
        school_code=row.school_code,
        campaigns=tuple(row.campaigns),
        made_by=row.made_by,
        last_day=row.last_day,
    )
