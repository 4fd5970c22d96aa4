"""Voiding a unit: asking with a reason, a second person's yes where the campaign needs one, and doing it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import may, requires
from survey.errors import Conflict, NotFound, Refused
from survey.forms.voiding import VoidForm
from survey.queries import campaigns as query
from survey.queries.approvals import Approval, find_approval, list_approvals
from survey.queries.voiding import voidings
from survey.services import approvals
from survey.services import voiding as service
from survey.services.campaigns import TOKENS
from survey.services.jobs import queue_job
from survey.services.result_words import relation_name
from survey.services.voiding import Unit

blueprint = Blueprint("voiding", __name__)
WHOLE, GROUP = "whole:", "group:"


@blueprint.route("/campaigns/<int(max=2147483647):campaign_id>/void", methods=["GET", "POST"])
@requires("void.write")
def page(campaign_id: int) -> Any:
    """Show what was voided, and take the request to void a unit of the school that is chosen."""
    campaign = query.find_campaign(campaign_id)
    schools = query.group_schools(campaign_id)
    wanted = request.args.get("school", schools[0][0] if schools else "")
    form = VoidForm()
    form.unit.choices = unit_choices(campaign_id, wanted)
    if not form.validate_on_submit():
        return _page(campaign, schools, wanted, form), 422 if form.is_submitted() else 200
    try:
        return _ask(campaign, unit_of(form.unit.data, wanted), form.reason.data or "")
    except Refused as refusal:
        form.reason.errors = [refusal.sentence(_)]
        return _page(campaign, schools, wanted, form), refusal.status


def unit_choices(campaign_id: int, school: str) -> list[SelectChoice]:
    """Return the groups of a school, after the whole school once for each relation in which it has several."""
    groups = [group for group in query.group_rows(campaign_id, school_code=school) if group.kind in service.KINDS]
    relations = dict.fromkeys(group.relation for group in groups) if school else {}
    choices = [SelectChoice("", _("Choose a unit"))]
    choices += [
        SelectChoice(WHOLE + relation, _("Whole school: %(relation)s", relation=relation_name(relation)))
        for relation in relations
        if sum(group.relation == relation for group in groups) > 1
    ]
    return choices + [
        SelectChoice(GROUP + group.code, f"{group.name} · {relation_name(group.relation)}") for group in groups
    ]


def unit_of(chosen: str, school: str) -> Unit:
    """Return the unit behind a choice of `unit_choices`."""
    if chosen.startswith(WHOLE):
        return Unit(relation=chosen.removeprefix(WHOLE), school=school)
    return Unit(group=chosen.removeprefix(GROUP))


def _page(campaign: query.CampaignRow, schools: list[tuple[str, str]], wanted: str, form: VoidForm) -> str:
    asked = list_approvals(campaign_id=campaign.id, states=("waiting", "confirmed"))
    return render_template(
        "voiding/page.html",
        campaign=campaign,
        schools=schools,
        wanted=wanted,
        form=form,
        can_void=campaign.state in service.STATES and (campaign.slips_made or campaign.anonymity == TOKENS),
        second=approvals.needs_second(campaign),
        asked=[(a, _name(a)) for a in asked if a.action == "void" and not approvals.has_lapsed(a)],
        done=voidings(campaign.id),
    )


def _name(approval: Approval) -> str:
    try:
        return service.name_unit(approval.campaign_id, _unit_of(approval))
    except Refused:
        return str(_unit_of(approval))


def _unit_of(approval: Approval) -> Unit:
    return Unit(**{key: value for key, value in approval.detail.items() if key != "reason"})


def _ask(campaign: query.CampaignRow, unit: Unit, reason: str) -> BaseResponse:
    service.check_reason(reason)
    service.name_unit(campaign.id, unit)
    if not approvals.needs_second(campaign):
        return _queue(campaign.id, unit, reason)
    approvals.ask(campaign.id, "void", current_user.name, unit.asked(reason))
    flash(_("Asked. Now a second person confirms it; then it can be done."))
    return redirect(url_for("voiding.page", campaign_id=campaign.id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/void/<int(max=2147483647):approval_id>/confirm")
@requires("void.write")
def confirm(campaign_id: int, approval_id: int) -> BaseResponse:
    """Say yes to what another account asked for."""
    approvals.confirm(_find(campaign_id, approval_id).id, current_user.name)
    flash(_("Confirmed. One of the two persons now voids the unit."))
    return redirect(url_for("voiding.page", campaign_id=campaign_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/void/<int(max=2147483647):approval_id>")
@requires("void.write")
def act(campaign_id: int, approval_id: int) -> BaseResponse:
    """Queue what was confirmed, word for word."""
    approval = _find(campaign_id, approval_id)
    if approval.state != "confirmed" or current_user.name not in (approval.asked_by, approval.decided_by):
        raise Conflict(_("In this campaign a second person must confirm this step first."))
    return _queue(campaign_id, _unit_of(approval), str(approval.detail["reason"]))


def _find(campaign_id: int, approval_id: int) -> Approval:
    approval = find_approval(approval_id)
    if (approval.campaign_id, approval.action) != (campaign_id, "void"):
        raise NotFound(_("There is no such request."))
    return approval


def _queue(campaign_id: int, unit: Unit, reason: str) -> BaseResponse:
    arguments = {"campaign": campaign_id, "void": vars(unit), "reason": reason.strip()}
    job = queue_job("void_unit", arguments, actor=current_user.name)
    if may("job.read"):
        return redirect(url_for("jobs.page", job_id=job), code=303)
    flash(_("The unit is being voided; the new slips go to the evaluation office."))
    return redirect(url_for("voiding.page", campaign_id=campaign_id), code=303)
