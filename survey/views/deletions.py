"""Deleting a campaign or its ballots: asked with the typed name, confirmed by another, done by the worker."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import requires
from survey.errors import Refused
from survey.forms.deletions import DeletionForm
from survey.queries import campaigns as query
from survey.queries.deletions import BALLOTS, CAMPAIGN
from survey.services import approvals
from survey.services import deletions as service
from survey.services.jobs import queue_job

blueprint = Blueprint("deletions", __name__)


@blueprint.route("/campaigns/<int(max=2147483647):campaign_id>/delete", methods=["GET", "POST"])
@requires("campaign.write")
def page(campaign_id: int) -> Any:
    """Say what a deletion does, and take the request for one."""
    campaign = query.find_campaign(campaign_id)
    form = DeletionForm()
    form.what.choices = _choices(campaign.state)
    if not form.validate_on_submit():
        return _page(campaign, form), 422 if form.is_submitted() else 200
    try:
        return _ask(campaign, form)
    except Refused as refusal:
        form.form_errors.append(refusal.sentence(_))
        return _page(campaign, form), refusal.status


def _choices(state: str) -> list[SelectChoice]:
    words = {
        BALLOTS: _("Ballots, slips, written comments and counts; the released results stay"),
        CAMPAIGN: _("The whole campaign with its results"),
    }
    return [SelectChoice(what, words[what]) for what in service.deletable(state)]


def _page(campaign: query.CampaignRow, form: DeletionForm) -> str:
    requests = [asked for asked in approvals.pending_requests(campaign.id) if asked.action == "delete"]
    confirmed = (asked for asked in requests if asked.state == "confirmed")
    return render_template(
        "deletions/page.html",
        campaign=campaign,
        form=form,
        second=approvals.needs_second(campaign),
        waiting=[asked for asked in requests if asked.state == "waiting"],
        confirmed=[asked for asked in confirmed if current_user.name in (asked.asked_by, asked.decided_by)],
        can_delete=bool(form.what.choices),
    )


def _ask(campaign: query.CampaignRow, form: DeletionForm) -> BaseResponse:
    what, reason, name = str(form.what.data), form.reason.data or "", form.name.data or ""
    service.check_request(campaign.id, what=what, name=name, reason=reason)
    waiting = approvals.hold(campaign, "delete", current_user.name, service.asked_for(what, reason))
    if waiting is not None:
        return redirect(url_for("approvals.page", approval_id=waiting.id), code=303)
    arguments = {"campaign": campaign.id, "what": what, "name": name, "reason": reason.strip()}
    job = queue_job("delete_campaign", arguments, actor=current_user.name)
    return redirect(url_for("jobs.page", job_id=job), code=303)
