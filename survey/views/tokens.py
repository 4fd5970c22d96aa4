"""Blind-signed tokens: fetching one while logged in, the public keys, and what the bureau does for them.

The page on which a token is handed in stands among the ballots' (`views/ballots.py`): it knows no session.
"""

import base64
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import BadInput, NotFound, SurveyError
from survey.forms.tokens import StaffAccountsForm
from survey.queries import campaigns, rosters
from survey.queries import tokens as query
from survey.services import staff_accounts
from survey.services import tokens as service
from survey.services.first_passwords import password_workbook
from survey.services.jobs import queue_job
from survey.services.slips import SLIP_STATES
from survey.views.downloads import attached

blueprint = Blueprint("tokens", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FEWEST_PRINTED = 5


def _staff_code() -> str:
    return query.staff_code_of(current_user.id) or ""


@blueprint.get("/tokens")
@requires("token.fetch")
def index() -> str:
    """List what the person may vote on by token, and what was fetched."""
    return render_template("tokens/index.html", rights=service.rights(_staff_code()))


@blueprint.get("/tokens/<int(max=2147483647):group_id>")
@requires("token.fetch")
def page(group_id: int) -> str:
    """Show the page on which the browser makes a token and has it signed."""
    right = service.find_right(_staff_code(), group_id)
    base = current_app.config["WUPING"].public_base_url
    return render_template("tokens/fetch.html", right=right, key=query.find_key(group_id), base=base)


@blueprint.post("/tokens/<int(max=2147483647):group_id>/sign")
@requires("token.fetch")
def sign(group_id: int) -> tuple[dict[str, str], int]:
    """Answer a blinded message with its signature, for the script; both in base64."""
    try:
        blinded = base64.b64decode(request.form.get("blinded", ""), validate=True)
    except ValueError:
        message = _("The form was not complete or too old. Load the page again and repeat the last step.")
        return {"message": message}, 400
    try:
        return {"signature": base64.b64encode(_sign(group_id, blinded)).decode()}, 200
    except SurveyError as error:
        return {"message": error.sentence(_)}, error.status


def _sign(group_id: int, blinded: bytes) -> bytes:
    # Always said: a page that was loaded before a voiding has blinded for a key that signs no more.
    return service.sign(_staff_code(), group_id, blinded, fingerprint=request.form.get("fingerprint", "?"))


@blueprint.post("/tokens/<int(max=2147483647):group_id>/kept")
@requires("token.fetch")
def kept(group_id: int) -> tuple[str, int]:
    """Note that the signature arrived."""
    service.confirm(_staff_code(), group_id)
    return "", 204


@blueprint.post("/tokens/<int(max=2147483647):group_id>/paper")
@requires("token.fetch")
def paper(group_id: int) -> BaseResponse:
    """Take the right as a paper slip."""
    service.want_paper(_staff_code(), group_id)
    flash(_("The bureau prints a slip for you. Ask at the evaluation office for it."))
    return redirect(url_for("tokens.index"), code=303)


@blueprint.get("/tokens/keys/<int(max=2147483647):campaign_id>")
def keys(campaign_id: int) -> str:
    """List the public keys of a campaign for everybody: whoever compares sees that all were given the same one."""
    found = query.key_list(campaign_id, page=request.args.get("page", 1, type=int))
    return render_template("tokens/keys.html", list=found)


@blueprint.get("/tokens/key/<int(max=2147483647):group_id>")
def key(group_id: int) -> dict[str, str]:
    """Return an electorate's key as anybody sees it: the script asks for it without a cookie and compares."""
    found = query.find_key(group_id)
    return {"key": found.key, "fingerprint": found.fingerprint}


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/tokens")
@requires("campaign.read")
def campaign(campaign_id: int) -> str:
    """Show the electorates that vote by token, and who waits for paper."""
    groups = query.token_groups(campaign_id)
    if not groups:
        raise NotFound(_("This page does not exist."))
    found = campaigns.find_campaign(campaign_id)
    can_print = found.state in SLIP_STATES and found.slips_made
    return render_template(
        "tokens/campaign.html", campaign=found, groups=groups, can_print=can_print, fewest=FEWEST_PRINTED
    )


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/tokens/<int(max=2147483647):group_id>/paper")
@requires("slips.write")
def print_paper(campaign_id: int, group_id: int) -> BaseResponse:
    """Queue the slips of everybody in a group who waits for one."""
    group = next((group for group in query.token_groups(campaign_id) if group.id == group_id), None)
    if group is None:
        raise NotFound(_("This page does not exist."))
    if not group.waiting:
        raise BadInput(_("Nobody waits for a slip here."))
    reason = _("paper in place of a token")
    arguments = {"campaign": campaign_id, "group": group.code, "add": len(group.waiting), "reason": reason}
    return redirect(url_for("jobs.page", job_id=queue_job("print_slips", arguments, actor=current_user.name)), code=303)


@blueprint.route("/accounts/staff", methods=["GET", "POST"])
@requires("account.write")
def staff() -> Any:
    """Make accounts for the teachers of a school; the answer is an Excel of their one-time passwords."""
    form = StaffAccountsForm()
    form.school.choices = [(school.code, f"{school.code} {school.name}") for school in rosters.schools()]
    if not form.validate_on_submit():
        return render_template("tokens/staff.html", form=form), 422 if form.is_submitted() else 200
    made = staff_accounts.add_staff_accounts(form.school.data, actor=current_user.name)
    if not made:
        flash(_("Everybody of this school has an account already."))
        return redirect(url_for("tokens.staff"), code=303)
    return attached(password_workbook(made), name="teachers.xlsx", mimetype=XLSX)
