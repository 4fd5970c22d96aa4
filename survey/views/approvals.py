"""Two persons (两人确认): the requests, and the page on which another account confirms one."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import BadInput, Refused
from survey.queries import approvals as query
from survey.queries.accounts import confirming_accounts
from survey.queries.approvals import Approval
from survey.services import approvals as service
from survey.services.guidance import take_step

blueprint = Blueprint("approvals", __name__)
# Steps that are taken by the confirmation itself: the state they lead to.
AT_ONCE = {"open": "open", "release": "released"}
ASKED_HERE = ("unseal",)
# Where the others are carried out.
PAGES = {
    "unseal": "sealed_boxes.open_box",
    "void": "voiding.page",
    "delete": "deletions.page",
    "correct": "corrections.page",
    "publish": "publications.edit",
    "unpublish": "publications.edit",
}


@blueprint.get("/approvals")
@requires("approval.read")
def index() -> str:
    """List the requests, newest first."""
    return render_template("approvals/index.html", requests=query.list_approvals(), lapsed=service.has_lapsed)


@blueprint.get("/approvals/<int(max=2147483647):approval_id>")
@requires("approval.read")
def page(approval_id: int) -> str:
    """Show one request: who asked for what, and the button for the second person."""
    found = query.find_approval(approval_id)
    return render_template(
        "approvals/page.html",
        asked=found,
        lapsed=service.has_lapsed(found),
        own=found.asked_by == current_user.name,
        may_decide=service.may_decide(found, current_user.role),
        others=confirming_accounts(service.roles_for(found.action)),
        carry_out=_place(found),
    )


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/approvals")
@requires("approval.write")
def ask(campaign_id: int) -> BaseResponse:
    """Ask for a second person for a step that has no details and is carried out on a page of its own."""
    action = request.form.get("action", "")
    if action not in ASKED_HERE:
        raise BadInput(_("There is no step %(name)s that a second person confirms.", name=action))
    asked = service.ask(campaign_id, action, current_user.name)
    return redirect(url_for("approvals.page", approval_id=asked.id), code=303)


@blueprint.post("/approvals/<int(max=2147483647):approval_id>/confirm")
@requires("approval.write")
def confirm(approval_id: int) -> BaseResponse:
    """Confirm a request of somebody else; opening and release are carried out at once."""
    confirmed = service.confirm(approval_id, current_user.name)
    flash(_("Confirmed."))
    if confirmed.action not in AT_ONCE:
        return redirect(_place(confirmed), code=303)
    try:
        job = take_step(confirmed.campaign_id, AT_ONCE[confirmed.action], actor=current_user.name)
    except Refused as refusal:
        flash(refusal.sentence(_), "error")
        job = None
    if job is not None:
        return redirect(url_for("jobs.page", job_id=job), code=303)
    return redirect(url_for("campaigns.page", campaign_id=confirmed.campaign_id), code=303)


@blueprint.post("/approvals/<int(max=2147483647):approval_id>/withdraw")
@requires("approval.write")
def withdraw(approval_id: int) -> BaseResponse:
    """Take a request back, or refuse it."""
    service.withdraw(approval_id, current_user.name)
    flash(_("The request was withdrawn."))
    return redirect(url_for("approvals.index"), code=303)


def _place(found: Approval) -> str:
    """Return the page on which a confirmed step is carried out."""
    endpoint = PAGES.get(found.action, "campaigns.page")
    known = endpoint if endpoint in current_app.view_functions else "campaigns.page"
    return url_for(known, campaign_id=found.campaign_id)
