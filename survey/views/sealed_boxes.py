"""The sealed box of a campaign: where it stands, handing over the shares, and the opening by two trustees."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import NotFound, Refused
from survey.forms.sealed_boxes import CopiedForm, ShareForm
from survey.queries import campaigns as query
from survey.queries.sealed_boxes import find_box
from survey.services import approvals, ceremonies, openings
from survey.services.ceremonies import Handover
from survey.services.share_sheets import TRUSTEES, share_view, trustee

blueprint = Blueprint("sealed_boxes", __name__)


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/box")
@requires("campaign.read")
def page(campaign_id: int) -> str:
    """Show where the sealed box stands."""
    campaign = _find(campaign_id)
    box = find_box(campaign_id)
    return render_template(
        "sealed_boxes/page.html", campaign=campaign, box=box, trustees=TRUSTEES, overheard=_overheard()
    )


@blueprint.route("/campaigns/<int(max=2147483647):campaign_id>/box/shares", methods=["GET", "POST"])
@requires("box.write")
def shares(campaign_id: int) -> Any:
    """Hand the shares over, one trustee after the other; only a posted page of this ceremony leads on."""
    campaign = _find(campaign_id)
    if request.method == "GET":
        return redirect(url_for("sealed_boxes.page", campaign_id=campaign_id), code=303)
    step, actor = request.form.get("step", ""), current_user.name
    if step == "begin":
        return _handover(campaign, ceremonies.begin_handover(campaign_id, actor=actor))
    if step == "show":
        return _handover(campaign, ceremonies.show_share(campaign_id, request.form.get("carried", ""), actor=actor))
    return _confirm(campaign)


def _confirm(campaign: query.CampaignRow) -> Any:
    carried, typed = request.form.get("carried", ""), request.form.get("letters", "")
    try:
        then = ceremonies.confirm_share(campaign.id, carried, typed=typed, actor=current_user.name)
    except ceremonies.NotCopied as refusal:
        form = CopiedForm(formdata=None, letters=typed)
        form.letters.errors = [str(refusal)]
        return _handover(campaign, refusal.handover, form), refusal.status
    if then is not None:
        return _handover(campaign, then)
    flash(_("All three trustees have their share. The server keeps none of them."))
    return redirect(url_for("sealed_boxes.page", campaign_id=campaign.id), code=303)


def _handover(campaign: query.CampaignRow, handover: Handover, form: CopiedForm | None = None) -> str:
    form = form or CopiedForm(formdata=None)
    form.carried.data = handover.carried
    return render_template(
        "sealed_boxes/share.html" if handover.share else "sealed_boxes/step_up.html",
        campaign=campaign,
        handover=handover,
        trustee=trustee(handover.number),
        share=share_view(handover.share) if handover.share else None,
        fingerprint=handover.fingerprint,
        form=form,
    )


@blueprint.route("/campaigns/<int(max=2147483647):campaign_id>/box/open", methods=["GET", "POST"])
@requires("box.write")
def open_box(campaign_id: int) -> Any:
    """Take one share, then the other, and open the box."""
    campaign = _find(campaign_id)
    if approvals.is_held(campaign, "unseal", current_user.name):
        pending = [asked for asked in approvals.pending_requests(campaign_id) if asked.action == "unseal"]
        first = pending[0] if pending else None
        return render_template("approvals/needed.html", campaign=campaign, action="unseal", pending=first)
    form = ShareForm()
    if not form.validate_on_submit():
        return _opening(campaign, form), 422 if form.is_submitted() else 200
    try:
        return _take(campaign, form)
    except Refused as refusal:
        form.share.errors = [refusal.sentence(_)]
        return _opening(campaign, form), refusal.status


def _take(campaign: query.CampaignRow, form: ShareForm) -> str | BaseResponse:
    carried, typed = form.carried.data or "", form.share.data or ""
    if not carried:
        second = ShareForm(formdata=None)
        second.carried.data = ceremonies.take_share(campaign.id, typed, actor=current_user.name)
        return _opening(campaign, second)
    pages = ceremonies.open_with(campaign.id, carried, typed, actor=current_user.name)
    flash(_("The box is open: %(pages)s pages were decrypted and mixed.", pages=pages))
    return redirect(url_for("campaigns.page", campaign_id=campaign.id), code=303)


def _opening(campaign: query.CampaignRow, form: ShareForm) -> str:
    first = _first(campaign.id, form)
    return render_template(
        "sealed_boxes/open.html",
        campaign=campaign,
        box=find_box(campaign.id),
        form=form,
        first=first,
        first_trustee=trustee(first) if first else "",
        pages=openings.waiting_pages(campaign.id),
        most=openings.MOST_IN_BROWSER,
        overheard=_overheard(),
    )


def _first(campaign_id: int, form: ShareForm) -> int:
    """Return the number of the share taken first; 0 before, or when it is too old: then it is forgotten."""
    try:
        return ceremonies.holder_of(campaign_id, form.carried.data) if form.carried.data else 0
    except Refused:
        form.carried.data = ""
        return 0


def _overheard() -> bool:
    """Whether the network could read a share on its way: over plain http, unless the browser runs on the server."""
    return not request.is_secure and request.remote_addr not in ("127.0.0.1", "::1")


def _find(campaign_id: int) -> query.CampaignRow:
    campaign = query.find_campaign(campaign_id)
    if not campaign.sealed:
        raise NotFound(_("This campaign has no sealed box: that is chosen when a campaign is made."))
    return campaign
