"""Tokens of the read interface: made, listed and revoked by the bureau's officers."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from survey.access import requires
from survey.errors import Refused
from survey.forms.api_tokens import TokenForm
from survey.queries import rosters
from survey.queries.api_tokens import list_grants
from survey.queries.results import released_campaigns
from survey.services import api_tokens as service

blueprint = Blueprint("api_tokens", __name__)
VIEWS = {
    "bureau": lazy_gettext("The bureau's view: all released figures, exact"),
    "school": lazy_gettext("A school's view: its own figures, rounded"),
    "public": lazy_gettext("The public view: what is published"),
}
EVERY = 0


@blueprint.get("/results/tokens")
@requires("interface.write")
def index() -> str:
    """List the tokens, with the form to make one."""
    return _page(_form())


def _form(**given: Any) -> TokenForm:
    form = TokenForm(**given)
    form.view.choices = [SelectChoice(view, label) for view, label in VIEWS.items()]
    schools = [SelectChoice(school.code, f"{school.code} {school.name}") for school in rosters.schools()]
    form.school_code.choices = [SelectChoice("", lazy_gettext("none")), *schools]
    campaigns = [SelectChoice(campaign.id, campaign.name) for campaign in released_campaigns()]
    form.campaign.choices = [SelectChoice(EVERY, lazy_gettext("all released ones, also later ones")), *campaigns]
    if form.days.data is None and not form.errors and not form.is_submitted():
        form.days.data = service.USUAL_DAYS
    return form


def _page(form: TokenForm, made: service.NewToken | None = None) -> str:
    names = {campaign.id: campaign.name for campaign in released_campaigns()}
    address = url_for("api.campaigns", _external=True)
    return render_template(
        "api_tokens/index.html", form=form, made=made, grants=list_grants(), names=names, views=VIEWS, address=address
    )


@blueprint.post("/results/tokens")
@requires("interface.write")
def add() -> Any:
    """Make a token and show it, once."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form), 422
    limits = [form.campaign.data] if form.campaign.data != EVERY else []
    given = {"view": form.view.data, "school_code": form.school_code.data or None, "campaigns": limits}
    try:
        made = service.add_token(form.name.data, **given, days=form.days.data, actor=current_user.name)
    except Refused as refusal:
        form.name.errors = [str(refusal)]
        return _page(form), refusal.status
    return _page(_form(formdata=None), made)


@blueprint.post("/results/tokens/revoke")
@requires("interface.write")
def revoke() -> Any:
    """Revoke a token."""
    service.end_token(request.form.get("name", ""), actor=current_user.name)
    flash(_("The token was revoked."))
    return redirect(url_for("api_tokens.index"), code=303)
