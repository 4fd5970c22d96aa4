"""Turnout during the collection: exact by relation for the bureau, in bands by school and class; never a score."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _

from survey.access import check_school, own_school, requires
from survey.errors import NotFound
from survey.queries import turnout as query
from survey.queries.campaigns import CampaignRow, find_campaign
from survey.queries.rosters import school as find_school

blueprint = Blueprint("turnout", __name__)


@blueprint.get("/turnout")
@requires("turnout.read")
def index() -> Any:
    """Lead to the newest campaign that has been opened."""
    choices = query.collecting_campaigns()
    if not choices:
        return render_template("turnout/none.html")
    return redirect(url_for("turnout.campaign", campaign_id=choices[0].id), code=303)


@blueprint.get("/turnout/<int(max=2147483647):campaign_id>")
@requires("turnout.read")
def campaign(campaign_id: int) -> Any:
    """Show the turnout of a campaign by relation and school; a school account is led to its own school."""
    code = own_school()
    if code is not None:
        return redirect(url_for("turnout.school", campaign_id=campaign_id, code=code), code=303)
    return render_template(
        "turnout/campaign.html",
        campaign=_collecting(campaign_id),
        choices=query.collecting_campaigns(),
        relations=query.relation_turnout(campaign_id),
        schools=query.school_turnout(campaign_id),
    )


@blueprint.get("/turnout/<int(max=2147483647):campaign_id>/schools/<path:code>")
@requires("turnout.read")
def school(campaign_id: int, code: str) -> str:
    """Show the turnout of a school's classes and staff in bands."""
    check_school(code)
    found = find_school(code)
    if found is None:
        raise NotFound(_("This page does not exist."))
    return render_template(
        "turnout/school.html",
        campaign=_collecting(campaign_id),
        choices=query.collecting_campaigns(),
        school=found,
        totals=query.school_turnout(campaign_id, school_code=code),
        groups=query.group_turnout(campaign_id, code),
    )


def _collecting(campaign_id: int) -> CampaignRow:
    found = find_campaign(campaign_id)
    if found.state not in query.COLLECTING:
        raise NotFound(_("This campaign has not been opened yet."))
    return found
