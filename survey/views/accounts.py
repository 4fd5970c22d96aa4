"""Logging in and out, passwords, and the officer's list of accounts."""

import time
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import ROLES, requires
from survey.errors import Refused
from survey.extensions import login
from survey.forms.accounts import AccountForm, LogInForm, PasswordForm
from survey.queries import accounts as query
from survey.queries import rosters
from survey.services import accounts as service
from survey.services.first_passwords import password_workbook
from survey.views.addresses import local_page
from survey.views.words import role_name

blueprint = Blueprint("accounts", __name__)
LONGEST_SESSION = 8 * 3600
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
login.login_view = "accounts.log_in"
login.login_message = ""


def _user(key: str) -> query.User | None:
    """Return the account behind a session; none after eight hours, a new password, or when it cannot be read."""
    if g.get("nobody_known") or time.time() - session.get("since", 0) > LONGEST_SESSION:
        return None
    # Should the database fail here, the error page must not ask it again.
    g.nobody_known = True
    user = query.find_user(key)
    g.nobody_known = False
    return user


login.user_loader(_user)


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> Any:
    """Open a session; a first password must be changed before anything else."""
    form = LogInForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form), 422 if form.is_submitted() else 200
    if service.log_in(form.name.data, form.password.data) is None:
        form.password.errors = [_("Account or password is not right, or the account is locked for 15 minutes.")]
        return render_template("accounts/login.html", form=form), 422
    user = query.find_user_by_name(form.name.data.strip())
    _begin_session(user)
    if user and user.must_change:
        return redirect(url_for("accounts.password"), code=303)
    return redirect(local_page(request.args.get("next", "")), code=303)


def _begin_session(user: query.User | None) -> None:
    session.clear()
    session.permanent = True
    session["since"] = int(time.time())
    login_user(user)


@blueprint.post("/logout")
def log_out() -> BaseResponse:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("public.home"), code=303)


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> Any:
    """Change the password of the account that is logged in; its other sessions end."""
    if not current_user.is_authenticated:
        return login.unauthorized()
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("accounts/password.html", form=form), 422 if form.is_submitted() else 200
    try:
        service.change_password(current_user.id, old=form.old.data, new=form.new.data)
    except Refused as refusal:
        form.new.errors = [str(refusal)]
        return render_template("accounts/password.html", form=form), 422
    _begin_session(query.find_user_by_name(current_user.name))
    flash(_("The password was changed."))
    return redirect(url_for("public.home"), code=303)


@blueprint.get("/accounts")
@requires("account.write")
def index() -> str:
    """List the accounts, with the forms to add one."""
    return _list(_account_form())


def _account_form() -> AccountForm:
    form = AccountForm()
    form.role.choices = [SelectChoice(role, role_name(role)) for role in ROLES]
    schools = [SelectChoice(school.code, f"{school.code} {school.name}") for school in rosters.schools()]
    form.school_code.choices = [SelectChoice("", lazy_gettext("none")), *schools]
    return form


def _list(form: AccountForm, made: service.NewAccount | None = None) -> str:
    without = query.schools_without_account()
    return render_template("accounts/index.html", accounts=query.list_accounts(), form=form, made=made, without=without)


@blueprint.post("/accounts")
@requires("account.write")
def add() -> Any:
    """Add one account and show its first password, once."""
    form = _account_form()
    if not form.validate_on_submit():
        return _list(form), 422
    school = form.school_code.data or None
    try:
        made = service.add_account(form.name.data, role=form.role.data, school_code=school, actor=current_user.name)
    except Refused as refusal:
        form.name.errors = [str(refusal)]
        return _list(form), refusal.status
    return _list(_account_form(), made)


@blueprint.post("/accounts/reset")
@requires("account.write")
def reset() -> str:
    """Give an account a new first password and show it, once."""
    return _list(_account_form(), service.reset_password(request.form.get("name", ""), actor=current_user.name))


@blueprint.post("/accounts/schools")
@requires("account.write")
def add_schools() -> BaseResponse:
    """Make an account for every school without one; the answer is an Excel of their first passwords."""
    made = service.add_school_accounts(actor=current_user.name)
    if not made:
        flash(_("Every school has an account already."))
        return redirect(url_for("accounts.index"), code=303)
    headers = {"Content-Disposition": "attachment; filename=accounts.xlsx", "Cache-Control": "no-store"}
    return Response(password_workbook(made), mimetype=XLSX, headers=headers)
