"""Setting up one's own second factor, and giving it up."""

import base64
import io
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from survey.access import own_account
from survey.errors import Refused
from survey.forms.accounts import EnrolForm, GiveUpForm, ProofForm
from survey.services import logins, second_factors

blueprint = Blueprint("second_factors", __name__)


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@own_account()
def page() -> Any:
    """Ask for the password again, then show the new secret; or the form to give the factor up."""
    if current_user.has_second_factor:
        return render_template("second_factors/give_up.html", form=GiveUpForm(formdata=None))
    form = ProofForm()
    if not form.validate_on_submit():
        return render_template("second_factors/begin.html", form=form), 422 if form.is_submitted() else 200
    try:
        logins.prove(current_user.id, form.password.data, address=request.remote_addr or "")
    except Refused as refusal:
        form.password.errors = [str(refusal)]
        return render_template("second_factors/begin.html", form=form), refusal.status
    return _show(second_factors.begin_enrolment(current_user.id), EnrolForm(formdata=None))


@blueprint.post("/account/second-factor/code")
@own_account()
def finish() -> Any:
    """Take the first code of the phone; the answer shows the recovery codes, once."""
    form = EnrolForm()
    carried = form.carried.data or ""
    enrolment = second_factors.resume_enrolment(current_user.id, current_user.name, carried)
    if not form.validate_on_submit():
        return _show(enrolment, form), 422
    try:
        codes = second_factors.finish_enrolment(current_user.id, carried, form.code.data)
    except Refused as refusal:
        form.code.errors = [str(refusal)]
        return _show(enrolment, form), refusal.status
    return render_template("second_factors/codes.html", codes=codes)


@blueprint.post("/account/second-factor/remove")
@own_account()
def remove() -> Any:
    """Give the second factor up, with password and code."""
    form = GiveUpForm()
    if form.validate_on_submit() and current_user.has_second_factor:
        try:
            address = request.remote_addr or ""
            logins.prove(current_user.id, form.password.data, address=address, code=form.code.data)
        except Refused as refusal:
            form.code.errors = [str(refusal)]
            return render_template("second_factors/give_up.html", form=form), refusal.status
        logins.give_up_factor(current_user.id)
        flash(_("The second factor was removed; the account logs in with its password alone."))
        return redirect(url_for("accounts.own"), code=303)
    return render_template("second_factors/give_up.html", form=form), 422


def _show(enrolment: second_factors.Enrolment, form: EnrolForm) -> str:
    form.carried.data = enrolment.carried
    return render_template("second_factors/enrol.html", form=form, enrolment=enrolment, picture=_picture(enrolment.uri))


def _picture(text: str) -> str:
    """Return a QR code as an address that holds the picture itself."""
    drawn = io.BytesIO()
    # Here and not above: it takes lxml with it where that is installed, which a web process need not carry.
    import qrcode
    import qrcode.image.svg

    qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, border=4).save(drawn)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode()
