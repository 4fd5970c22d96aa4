"""Reads of requests for a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.approvals import ApprovalRequest
from survey.models.campaigns import Campaign


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A request: `state` is waiting, confirmed, used or withdrawn; moments are ISO in UTC, "" while not decided."""

    id: int
    campaign_id: int
    campaign_name: str
    action: str
    detail: Mapping[str, Any]
    state: str
    asked_by: str
    asked_at: str
    decided_by: str
    decided_at: str


_ROWS = select(ApprovalRequest, Campaign.name).join(Campaign, Campaign.id == ApprovalRequest.campaign_id)
MOST = 100


def find_approval(approval_id: int) -> Approval:
    """Return a request; raises NotFound."""
    row = db.session.execute(_ROWS.where(ApprovalRequest.id == approval_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such request."))
    return as_approval(*row)


def list_approvals(*, campaign_id: int | None = None, states: tuple[str, ...] = ()) -> list[Approval]:
    """Return the newest requests, newest first; of one campaign and some states only, if given."""
    query = _ROWS.order_by(ApprovalRequest.id.desc()).limit(MOST)
    if campaign_id is not None:
        query = query.where(ApprovalRequest.campaign_id == campaign_id)
    if states:
        query = query.where(ApprovalRequest.state.in_(states))
    return [as_approval(*row) for row in db.session.execute(query)]


def as_approval(request: ApprovalRequest, campaign_name: str) -> Approval:
    """Return the frozen value of a row."""
    return Approval(
        id=request.id,
        campaign_id=request.campaign_id,
        campaign_name=campaign_name,
        action=request.action,
        detail=request.detail,
        state=request.state,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
        decided_by=request.decided_by,
        decided_at=request.decided_at,
    )
