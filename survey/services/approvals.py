"""Two persons (两人确认): in a campaign made so, grave steps are asked for by one account and confirmed by another.

How a step uses it, in the browser: `ask` writes the request; another account calls `confirm` on the request's page; the
step's own transaction calls `spend`, which refuses without a confirmed request and uses it up. The console and the
worker act for the machine's owner and need nobody.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.access import ROLES
from survey.database import transaction
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.models.accounts import Account
from survey.models.approvals import ApprovalRequest
from survey.models.campaigns import Campaign
from survey.queries.approvals import Approval, as_approval, list_approvals
from survey.services import audit

# Step -> the permission that whoever asks for it, and whoever confirms it, must have.
ACTIONS = {
    "open": frozenset({"campaign.write"}),
    "unseal": frozenset({"box.write"}),
    "void": frozenset({"void.write", "campaign.write"}),
    "release": frozenset({"campaign.write"}),
    "correct": frozenset({"campaign.write"}),
    "delete": frozenset({"campaign.write"}),
    "publish": frozenset({"campaign.write"}),
    "unpublish": frozenset({"campaign.write"}),
}
# Names of the machine's owner; no account may have them (`services.accounts`).
MACHINE = ("console", "worker")
ASKED_FOR = timedelta(days=7)
CONFIRMED_FOR = timedelta(hours=24)


class TwoPerson(Protocol):
    """A campaign, as a row or as a value of the queries."""

    @property
    def two_person(self) -> bool:
        """Whether grave steps need a second person; chosen at creation."""


class Held(TwoPerson, Protocol):
    """The same with its number."""

    @property
    def id(self) -> int:
        """Number of the campaign."""


class NeedsSecond(Conflict):
    """The step waits for a second person: ask for it, and let another account confirm."""


def needs_second(campaign: TwoPerson) -> bool:
    """Tell whether the campaign's grave steps (`ACTIONS`) need a second account in the browser."""
    return campaign.two_person


def ask(campaign_id: int, action: str, actor: str, detail: Mapping[str, Any] | None = None) -> Approval:
    """Ask for a second person; a like request that waits or is confirmed already is returned instead.

    detail: what exactly is to be done (JSON values); `spend` must be given the same. Raises BadInput (no such action,
    or a campaign that needs nobody), Forbidden, NotFound.
    """
    with transaction() as session:
        campaign = _campaign(session, campaign_id, action)
        _check_may(session, actor, action)
        known = _live(session, campaign_id, action, detail or {})
        if known:
            return as_approval(known, campaign.name)
        request = ApprovalRequest(
            campaign_id=campaign_id,
            action=action,
            detail=dict(detail or {}),
            digest=_digest(detail or {}),
            asked_by=actor,
            asked_at=_now(),
        )
        session.add(request)
        session.flush()
        _record(session, request, "asked", actor)
        return as_approval(request, campaign.name)


def hold(campaign: Held, action: str, actor: str, detail: Mapping[str, Any] | None = None) -> Approval | None:
    """Return the request for which a step must wait, asked for now if need be; None when `actor` may take the step.

    For views: before the step itself, whose own transaction calls `spend`. Raises as `ask` does.
    """
    if not needs_second(campaign):
        return None
    request = ask(campaign.id, action, actor, detail)
    return None if request.state == "confirmed" and actor in (request.asked_by, request.decided_by) else request


def is_held(campaign: Held, action: str, actor: str) -> bool:
    """Tell whether a step without detail must still wait for a second person; asks for nothing."""
    if not needs_second(campaign):
        return False
    found = (request for request in pending_requests(campaign.id) if request.action == action)
    return not any(r.state == "confirmed" and actor in (r.asked_by, r.decided_by) for r in found)


def confirm(approval_id: int, actor: str) -> Approval:
    """Confirm a request that another account made. Raises Forbidden (same account, no right), Conflict, NotFound."""
    with transaction() as session:
        request = _waiting(session, approval_id)
        _check_may(session, actor, request.action)
        if request.asked_by == actor:
            raise Forbidden(_("You asked for this yourself: another account must confirm it."))
        return _decide(session, request, "confirmed", actor)


def withdraw(approval_id: int, actor: str) -> Approval:
    """Withdraw or refuse a request; whoever might confirm it may also end it. Raises Forbidden, Conflict, NotFound."""
    with transaction() as session:
        request = _waiting(session, approval_id, states=("waiting", "confirmed"))
        _check_may(session, actor, request.action)
        return _decide(session, request, "withdrawn", actor)


def spend(
    session: Session, campaign_id: int, action: str, *, actor: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Use a confirmed request up, inside the transaction of the step itself; nothing where nobody is needed.

    Raises NeedsSecond when no request with this detail was confirmed within a day, or `actor` is neither of the two.
    """
    campaign = session.get(Campaign, campaign_id)
    if actor in MACHINE or campaign is None or not needs_second(campaign):
        return
    request = _live(session, campaign_id, action, detail or {})
    if request is None or request.state != "confirmed" or actor not in (request.asked_by, request.decided_by):
        raise NeedsSecond(_("In this campaign a second person must confirm this step first."))
    request.state = "used"
    _record(session, request, "used", actor)


def pending_requests(campaign_id: int) -> list[Approval]:
    """Return a campaign's requests that wait, or are confirmed and not carried out yet, newest first."""
    found = list_approvals(campaign_id=campaign_id, states=("waiting", "confirmed"))
    return [request for request in found if not has_lapsed(request)]


def waiting_for(actor: str, role: str) -> list[Approval]:
    """Return the requests of others that an account might confirm now, newest first."""
    found = (request for request in list_approvals(states=("waiting",)) if not has_lapsed(request))
    return [request for request in found if request.asked_by != actor and may_decide(request, role)]


def roles_for(action: str) -> frozenset[str]:
    """Return the roles that may ask for a step and confirm it."""
    return frozenset(role for role, permissions in ROLES.items() if ACTIONS.get(action, frozenset()) & permissions)


def may_decide(request: Approval, role: str) -> bool:
    """Tell whether an account of this role might confirm or withdraw a request (its own it only withdraws)."""
    return role in roles_for(request.action)


def _campaign(session: Session, campaign_id: int, action: str) -> Campaign:
    if action not in ACTIONS:
        raise BadInput(_("There is no step %(name)s that a second person confirms.", name=action))
    # Locked, so that two who press the same button at once make one request.
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if not needs_second(campaign):
        raise BadInput(_("This campaign was made without a second person."))
    return campaign


def _check_may(session: Session, actor: str, action: str) -> None:
    role = session.scalar(select(Account.role).where(Account.name == actor, Account.active))
    if role not in roles_for(action):
        raise Forbidden(_("Your account may not do this."))


def _live(session: Session, campaign_id: int, action: str, detail: Mapping[str, Any]) -> ApprovalRequest | None:
    """Return the newest request of this step with this detail that waits or is confirmed, and has not lapsed."""
    query = (
        select(ApprovalRequest)
        .where(ApprovalRequest.campaign_id == campaign_id, ApprovalRequest.action == action)
        .where(ApprovalRequest.digest == _digest(detail), ApprovalRequest.state.in_(("waiting", "confirmed")))
        .order_by(ApprovalRequest.id.desc())
        .with_for_update()
    )
    return next((request for request in session.scalars(query) if not has_lapsed(request)), None)


def has_lapsed(request: ApprovalRequest | Approval) -> bool:
    """Tell whether a request is too old: asked a week ago, or confirmed a day ago."""
    if request.state == "confirmed":
        return datetime.fromisoformat(request.decided_at) + CONFIRMED_FOR < datetime.now(UTC)
    return request.state == "waiting" and datetime.fromisoformat(request.asked_at) + ASKED_FOR < datetime.now(UTC)


def _waiting(session: Session, approval_id: int, states: tuple[str, ...] = ("waiting",)) -> ApprovalRequest:
    request = session.get(ApprovalRequest, approval_id, with_for_update=True)
    if request is None:
        raise NotFound(_("There is no such request."))
    if request.state not in states or has_lapsed(request):
        raise Conflict(_("This request was decided before, or is too old: ask again."))
    return request


def _decide(session: Session, request: ApprovalRequest, state: str, actor: str) -> Approval:
    request.state, request.decided_by, request.decided_at = state, actor, _now()
    _record(session, request, state, actor)
    return as_approval(request, session.get_one(Campaign, request.campaign_id).name)


def _record(session: Session, request: ApprovalRequest, what: str, actor: str) -> None:
    detail = {"request": request.id, "step": request.action, "asked_by": request.asked_by, "detail": request.detail}
    subject = f"campaign {request.campaign_id}"
    audit.record(session, actor=actor, action=f"approval.{what}", subject=subject, detail=detail)


def _digest(detail: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(detail, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
