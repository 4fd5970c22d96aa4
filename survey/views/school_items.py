"""Own items of schools (校本题目): a school proposes, changes and withdraws them; the bureau approves or returns."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import may, own_school, requires
from survey.errors import BadInput, Conflict
from survey.forms.school_items import DecisionForm, ItemForm
from survey.queries import campaigns
from survey.queries import school_items as query
from survey.services import school_items as service

blueprint = Blueprint("school_items", __name__)
PLACE = "/own-items/<int(max=2147483647):campaign_id>"
ITEM = PLACE + "/<int(max=2147483647):item_id>"
REVIEW = "/campaigns/<int(max=2147483647):campaign_id>/own-items"
STATES = {
    query.PROPOSED: lazy_gettext("Waits for the bureau"),
    query.APPROVED: lazy_gettext("Approved"),
    query.RETURNED: lazy_gettext("Returned"),
}


@blueprint.get("/own-items")
@requires("item.propose")
def index() -> str:
    """List the campaigns in which the school's parents vote."""
    return render_template("school_items/index.html", campaigns=query.asked_campaigns(_school()))


@blueprint.route(PLACE, methods=["GET", "POST"])
@requires("item.propose")
def page(campaign_id: int) -> Any:
    """Show the school's own items of a campaign, and take a new one."""
    campaign, form = query.asked_campaign(campaign_id, _school()), ItemForm()
    if not form.validate_on_submit():
        return _page(campaign, form), 422 if form.is_submitted() else 200
    try:
        words = {"zh": form.zh.data or "", "en": form.en.data or ""}
        service.propose(campaign_id, _school(), **words, actor=current_user.name)
    except (BadInput, Conflict) as refusal:
        form.zh.errors = [refusal.sentence(_)]
        return _page(campaign, form), refusal.status
    flash(_("Proposed. The bureau now approves the item or returns it."))
    return redirect(url_for("school_items.page", campaign_id=campaign_id), code=303)


def _page(campaign: query.AskedCampaign, form: ItemForm) -> str:
    items = query.list_items(campaign.id, _school())
    free = service.MOST_ITEMS - len(items)
    return render_template(
        "school_items/page.html", campaign=campaign, items=items, form=form, free=free, states=STATES, **_limits()
    )


@blueprint.route(ITEM, methods=["GET", "POST"])
@requires("item.propose")
def item(campaign_id: int, item_id: int) -> Any:
    """Change the wording of an own item."""
    campaign, found = query.asked_campaign(campaign_id, _school()), query.find_item(campaign_id, item_id, _school())
    form = ItemForm(obj=found)
    if not form.validate_on_submit():
        return _item(campaign, found, form), 422 if form.is_submitted() else 200
    try:
        words = {"zh": form.zh.data or "", "en": form.en.data or ""}
        service.change(campaign_id, item_id, _school(), **words, actor=current_user.name)
    except (BadInput, Conflict) as refusal:
        form.zh.errors = [refusal.sentence(_)]
        return _item(campaign, found, form), refusal.status
    flash(_("Changed. The bureau now approves the item or returns it."))
    return redirect(url_for("school_items.page", campaign_id=campaign_id), code=303)


def _item(campaign: query.AskedCampaign, found: query.SchoolItemRow, form: ItemForm) -> str:
    return render_template("school_items/item.html", campaign=campaign, item=found, form=form, **_limits())


@blueprint.post(ITEM + "/withdraw")
@requires("item.propose")
def withdraw(campaign_id: int, item_id: int) -> BaseResponse:
    """Take an own item back."""
    service.withdraw(campaign_id, item_id, _school(), actor=current_user.name)
    flash(_("Withdrawn."))
    return redirect(url_for("school_items.page", campaign_id=campaign_id), code=303)


def _school() -> str:
    return own_school() or ""


def _limits() -> dict[str, int]:
    return {"fewest": service.FEWEST_LETTERS, "most": service.MOST_LETTERS, "most_items": service.MOST_ITEMS}


@blueprint.get(REVIEW)
@requires("campaign.read")
def review(campaign_id: int) -> str:
    """List what the schools propose, for the bureau."""
    return _review(campaign_id)


@blueprint.post(REVIEW + "/<int(max=2147483647):item_id>")
@requires("campaign.write")
def decide(campaign_id: int, item_id: int) -> Any:
    """Approve an own item, or return it with a reason."""
    query.find_item(campaign_id, item_id)
    form = _decision(item_id)
    approve = request.form.get("decision") == "approve"
    if not form.validate_on_submit():
        return _review(campaign_id, form, item_id), 422
    try:
        words = {"reason": form.reason.data or "", "seen": form.seen.data or ""}
        service.decide(campaign_id, item_id, approve=approve, **words, actor=current_user.name)
    except BadInput as refusal:
        form.reason.errors = [refusal.sentence(_)]
        return _review(campaign_id, form, item_id), refusal.status
    flash(_("The item is approved.") if approve else _("The item is returned to the school."))
    return redirect(url_for("school_items.review", campaign_id=campaign_id), code=303)


def _decision(item_id: int) -> DecisionForm:
    return DecisionForm(prefix=f"item{item_id}-")


def _review(campaign_id: int, posted: DecisionForm | None = None, posted_id: int = 0) -> str:
    campaign = campaigns.find_campaign(campaign_id)
    rows = []
    for found in query.list_items(campaign_id):
        form = posted if posted is not None and found.id == posted_id else _decision(found.id)
        form.seen.data = found.zh
        rows.append((found, form))
    open_ = campaign.state in query.OPEN_STATES
    return render_template(
        "school_items/review.html", campaign=campaign, rows=rows, states=STATES, decides=open_ and may("campaign.write")
    )
