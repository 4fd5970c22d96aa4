"""Correcting a release: asking, a second person's yes, taking it back; and the versions that were taken back."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import own_school, requires
from survey.errors import Conflict, NotFound, Refused
from survey.forms.corrections import CorrectionForm
from survey.queries import campaigns as query
from survey.queries import corrections as versions
from survey.queries.approvals import Approval, find_approval
from survey.services import approvals
from survey.services import corrections as service
from survey.services.corrections import Renamed, Wanted
from survey.services.jobs import queue_job
from survey.services.result_words import relation_name
from survey.services.voiding import name_unit
from survey.views.voiding import unit_choices, unit_of

blueprint = Blueprint("corrections", __name__)
SHOWN = 500


@blueprint.route("/campaigns/<int(max=2147483647):campaign_id>/correct", methods=["GET", "POST"])
@requires("campaign.write")
def page(campaign_id: int) -> Any:
    """Say what a correction does, and take the request for one."""
    campaign = query.find_campaign(campaign_id)
    schools = query.group_schools(campaign_id)
    wanted = request.args.get("school", schools[0][0] if schools else "")
    form = CorrectionForm()
    form.unit.choices = [SelectChoice("", _("no unit")), *unit_choices(campaign_id, wanted)[1:]]
    relations = [row.relation for row in query.evaluation_rows(campaign_id)]
    form.relation.choices = [SelectChoice(code, relation_name(code)) for code in relations]
    if not form.validate_on_submit():
        return _page(campaign, schools, wanted, form), 422 if form.is_submitted() else 200
    try:
        return _ask(campaign, _wanted(form, wanted))
    except Refused as refusal:
        form.form_errors.append(refusal.sentence(_))
        return _page(campaign, schools, wanted, form), refusal.status


def _wanted(form: CorrectionForm, school: str) -> Wanted:
    code, name = (form.code.data or "").strip(), (form.name.data or "").strip()
    named = Renamed(relation=form.relation.data, code=code, name=name, unit=form.of.data == "unit")
    return Wanted(
        note=form.note.data or "",
        reason=form.reason.data or "",
        unit=unit_of(form.unit.data, school) if form.unit.data else None,
        names=(named,) if code or name else (),
    )


def _page(campaign: query.CampaignRow, schools: list[tuple[str, str]], wanted: str, form: CorrectionForm) -> str:
    requests = [asked for asked in approvals.pending_requests(campaign.id) if asked.action == "correct"]
    return render_template(
        "corrections/page.html",
        campaign=campaign,
        schools=schools,
        wanted=wanted,
        form=form,
        second=approvals.needs_second(campaign),
        asked=requests,
        can_correct=campaign.state == "released",
        old=versions.superseded_versions(campaign.id),
    )


def _ask(campaign: query.CampaignRow, wanted: Wanted) -> BaseResponse:
    service.check_texts(wanted)
    if campaign.state != "released":
        raise Conflict(_("Only a released campaign can be corrected; this one is: %(state)s.", state=campaign.state))
    if wanted.unit:
        name_unit(campaign.id, wanted.unit, correcting=True)
    if not approvals.needs_second(campaign):
        return _queue(campaign.id, wanted.asked())
    asked = approvals.ask(campaign.id, "correct", current_user.name, wanted.asked())
    return redirect(url_for("approvals.page", approval_id=asked.id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/correct/<int(max=2147483647):approval_id>")
@requires("campaign.write")
def act(campaign_id: int, approval_id: int) -> BaseResponse:
    """Queue what was confirmed, word for word."""
    asked: Approval = find_approval(approval_id)
    if (asked.campaign_id, asked.action) != (campaign_id, "correct"):
        raise NotFound(_("There is no such request."))
    if asked.state != "confirmed" or current_user.name not in (asked.asked_by, asked.decided_by):
        raise Conflict(_("In this campaign a second person must confirm this step first."))
    return _queue(campaign_id, asked.detail)


def _queue(campaign_id: int, wanted: Mapping[str, Any]) -> BaseResponse:
    job = queue_job("correct_release", {"campaign": campaign_id, **wanted}, actor=current_user.name)
    return redirect(url_for("jobs.page", job_id=job), code=303)


@blueprint.get("/results/<int(max=2147483647):campaign_id>/versions/<int(max=2147483647):version>")
@requires("results.read")
def superseded(campaign_id: int, version: int) -> str:
    """Show the figures of a version that was taken back, as they were; for the bureau."""
    if own_school() is not None:
        raise NotFound(_("This page does not exist."))
    campaign = query.find_campaign(campaign_id)
    found, relations = versions.superseded_release(campaign_id, version)
    relation = request.args.get("relation", relations[0] if relations else "")
    shown = versions.superseded_relation(campaign_id, version, relation, most=SHOWN)
    return render_template(
        "corrections/superseded.html", campaign=campaign, version=found, relations=relations, shown=shown, most=SHOWN
    )
