"""The officer's pages of campaigns: list, creation, and one page that says where it stands and what comes next."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import requires, roles_with
from survey.errors import Refused
from survey.forms.campaigns import SCHEME, CampaignForm, DaysForm
from survey.queries import campaigns as query
from survey.queries.accounts import confirming_accounts
from survey.queries.deletions import deletions
from survey.queries.open_channel import open_days
from survey.queries.tokens import waiting_for_paper
from survey.queries.turnout import relation_turnout
from survey.services import campaigns as service
from survey.services.approvals import pending_requests
from survey.services.balance import balance_of
from survey.services.ballots import today
from survey.services.guidance import guide, hold_step, take_step
from survey.services.schemes import relation_choices
from survey.views.result_words import scheme_line

blueprint = Blueprint("campaigns", __name__)
OF_CAMPAIGN = ("name", "year", "first_day", "last_day", "template", "sealed", "two_person", "tokens")


@blueprint.get("/campaigns")
@requires("campaign.read")
def index() -> str:
    """List the campaigns."""
    return render_template("campaigns/index.html", campaigns=query.list_campaigns(), gone=deletions())


@blueprint.route("/campaigns/new", methods=["GET", "POST"])
@requires("campaign.write")
def new() -> Any:
    """Make a campaign from the roster as it stands."""
    day = today()
    last = day + timedelta(days=service.DEFAULT_DAYS - 1)
    form = CampaignForm(name=_("Five evaluations %(year)s", year=day.year), year=day.year, first_day=day, last_day=last)
    five = _("Five evaluations (pupils, parents, teachers, principals, public)")
    form.template.choices = [SelectChoice("five", five)]
    problems = _offer_schemes(form)
    if not form.validate_on_submit():
        return _new(form, problems), 422 if form.is_submitted() else 200
    values = {name: value for name, value in form.data.items() if name in OF_CAMPAIGN}
    try:
        campaign_id, _made = service.create_campaign(**values, schemes=form.schemes, actor=current_user.name)
    except Refused as refusal:
        form.form_errors.append(str(refusal))
        return _new(form, problems), refusal.status
    return redirect(url_for("campaigns.page", campaign_id=campaign_id), code=303)


def _new(form: CampaignForm, problems: list[str]) -> str:
    officers = confirming_accounts(roles_with("campaign.write"))
    return render_template("campaigns/new.html", form=form, problems=problems, officers=officers)


def _offer_schemes(form: CampaignForm) -> list[str]:
    """Fill the lists of schemes; return what is wrong with the bureau's own scheme files."""
    offered = relation_choices()
    for field in form.scheme_fields:
        choices = offered.get(field.name.removeprefix(SCHEME))
        schemes = choices.schemes if choices else ()
        field.choices = [SelectChoice("", _("As the questionnaire says"))]
        field.choices += [SelectChoice(scheme.id, scheme_line(scheme)) for scheme in schemes]
    return sorted({problem for choices in offered.values() for problem in choices.problems})


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>")
@requires("campaign.read")
def page(campaign_id: int) -> str:
    """Show where a campaign stands."""
    campaign = query.find_campaign(campaign_id)
    return _page(campaign, DaysForm(first_day=campaign.first_day, last_day=campaign.last_day))


def _page(campaign: query.CampaignRow, days: DaysForm) -> str:
    return render_template(
        "campaigns/page.html",
        campaign=campaign,
        plan=guide(campaign),
        evaluations=query.evaluation_rows(campaign.id),
        counters=relation_turnout(campaign.id),
        days=days,
        over=campaign.last_day < today(),
        requests=pending_requests(campaign.id),
        waiting=waiting_for_paper(campaign.id) if campaign.state == "open" and campaign.anonymity == "tokens" else 0,
    )


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/balance")
@requires("campaign.read")
def balance(campaign_id: int) -> str:
    """Count slips and pages row by row and hold them against the counters."""
    campaign = query.find_campaign(campaign_id)
    counted, days = balance_of(campaign_id), open_days(campaign_id)
    return render_template("campaigns/balance.html", campaign=campaign, balance=counted, open_days=days)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/move")
@requires("campaign.write")
def move(campaign_id: int) -> BaseResponse:
    """Take the campaign to the next state, or queue the job that does."""
    state = request.form.get("state", "")
    waiting = hold_step(campaign_id, state, actor=current_user.name)
    if waiting is not None:
        return redirect(url_for("approvals.page", approval_id=waiting.id), code=303)
    job = take_step(campaign_id, state, actor=current_user.name)
    if job is not None:
        return redirect(url_for("jobs.page", job_id=job), code=303)
    return redirect(url_for("campaigns.page", campaign_id=campaign_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/days")
@requires("campaign.write")
def days(campaign_id: int) -> Any:
    """Change the first and last day."""
    campaign = query.find_campaign(campaign_id)
    form = DaysForm()
    if not form.validate_on_submit():
        return _page(campaign, form), 422
    first, last = form.first_day.data, form.last_day.data
    try:
        service.set_days(campaign_id, first_day=first, last_day=last, actor=current_user.name)
    except Refused as refusal:
        form.last_day.errors = [str(refusal)]
        return _page(campaign, form), refusal.status
    flash(_("The days were changed."))
    return redirect(url_for("campaigns.page", campaign_id=campaign_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/rebuild")
@requires("campaign.write")
def rebuild(campaign_id: int) -> BaseResponse:
    """Make groups and targets of a draft anew from the roster."""
    service.rebuild_campaign(campaign_id, actor=current_user.name)
    flash(_("Groups and targets were made anew from the roster."))
    return redirect(url_for("campaigns.page", campaign_id=campaign_id), code=303)


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/targets")
@requires("campaign.read")
def left_out(campaign_id: int) -> str:
    """List the targets that take no part, and why."""
    campaign = query.find_campaign(campaign_id)
    return render_template("campaigns/left_out.html", campaign=campaign, targets=query.left_out_targets(campaign_id))
