"""Logging in and out, one's own account with its sessions and second factor, and the list of accounts."""

from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import ROLES, STAFF_ROLE, grants, own_account, requires
from survey.errors import Refused
from survey.extensions import login
from survey.forms.accounts import AccountForm, CodeForm, LogInForm, PasswordForm
from survey.queries import accounts as query
from survey.queries import rosters
from survey.services import accounts as service
from survey.services import logins, passwords, sessions
from survey.services.first_passwords import password_workbook
from survey.services.staff_accounts import add_staff_account
from survey.views.addresses import local_page
from survey.views.application import is_of_respondent
from survey.views.downloads import attached
from survey.views.words import role_name

blueprint = Blueprint("accounts", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a browser calls itself -> its name; the first that fits, for most also call themselves what they are not.
_BROWSERS = {"MicroMessenger": "WeChat", "Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "Mac OS": "Mac", "Linux": "Linux"}
login.login_view = "accounts.log_in"
login.login_message = ""


def _user(_request: Request) -> query.User | None:
    """Return who is logged in; nobody when that cannot be read, and nobody on respondents' pages."""
    if g.get("nobody_known") or is_of_respondent():
        return None
    # Should the database fail here, the error page must not ask it again.
    g.nobody_known = True
    user = sessions.session_user(request.cookies.get(current_app.config["DESK_COOKIE"], ""))
    g.nobody_known = False
    return user


login.request_loader(_user)


def _address() -> str:
    return request.remote_addr or ""


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> Any:
    """Open a session, or ask for the second factor; a first password must be changed before anything else."""
    form = LogInForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form), 422 if form.is_submitted() else 200
    found = logins.log_in(form.name.data, form.password.data, address=_address())
    if found is None:
        form.password.errors = [_("Account or password is not right, or the account is locked for 15 minutes.")]
        return render_template("accounts/login.html", form=form), 422
    if found.pending:
        second = CodeForm(formdata=None, pending=found.pending)
        return render_template("accounts/code.html", form=second)
    return _enter(found.account_id)


@blueprint.post("/login/code")
def code() -> Any:
    """Open a session for a right password and a right code."""
    form = CodeForm()
    if form.validate_on_submit():
        found = logins.second_step(form.pending.data, form.code.data, address=_address())
        if found:
            return _enter(found.account_id)
        form.code.errors = [_("The code is not right or was used before, or the account is locked for 15 minutes.")]
    return render_template("accounts/code.html", form=form), 422


def _enter(account_id: int) -> BaseResponse:
    """Lead to the page that was wanted, with a new session; what must be done first is asked on the way."""
    wanted = url_for("accounts.password") if query.must_change(account_id) else local_page(request.args.get("next", ""))
    return _with_session(redirect(wanted, code=303), account_id)


def _with_session(response: BaseResponse, account_id: int) -> BaseResponse:
    config = current_app.config
    old = request.cookies.get(config["DESK_COOKIE"], "")
    browser = request.user_agent.string
    token = sessions.begin_session(account_id, address=_address(), browser=browser, instead_of=old)
    session.pop("csrf_token", None)
    secure = config["SESSION_COOKIE_SECURE"]
    response.set_cookie(config["DESK_COOKIE"], token, secure=secure, httponly=True, samesite="Lax", path="/")
    return response


@blueprint.post("/logout")
def log_out() -> BaseResponse:
    """End the session."""
    name = current_app.config["DESK_COOKIE"]
    sessions.end_session(request.cookies.get(name, ""))
    session.clear()
    response = redirect(url_for("public.home"), code=303)
    response.delete_cookie(name, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax")
    return response


@blueprint.route("/password", methods=["GET", "POST"])
@own_account(first=True)
def password() -> Any:
    """Change the password of the account that is logged in; its other sessions end."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _password(form), 422 if form.is_submitted() else 200
    try:
        logins.prove(current_user.id, form.old.data, address=_address())
    except Refused as refusal:
        form.old.errors = [str(refusal)]
        return _password(form), 422
    try:
        service.change_password(current_user.id, old=form.old.data, new=form.new.data)
    except Refused as refusal:
        form.new.errors = [str(refusal)]
        return _password(form), 422
    flash(_("The password was changed."))
    return _with_session(redirect(url_for("public.home"), code=303), current_user.id)


def _password(form: PasswordForm) -> str:
    return render_template("accounts/password.html", form=form, rule=passwords.profile())


@blueprint.get("/account")
@own_account()
def own() -> str:
    """Show one's own account: sessions, password, second factor."""
    return render_template("accounts/own.html", sessions=sessions.own_sessions(current_user))


@blueprint.post("/account/sessions")
@own_account()
def end_session() -> BaseResponse:
    """End one of one's own sessions."""
    sessions.end_own_session(current_user.id, request.form.get("handle", ""), actor=current_user.name)
    flash(_("The session was ended."))
    return redirect(url_for("accounts.own"), code=303)


@blueprint.get("/accounts")
@requires("account.write")
def index() -> str:
    """List the accounts, with the forms to add one."""
    return _list(_account_form())


def _account_form() -> AccountForm:
    form = AccountForm()
    form.role.choices = [SelectChoice(role, role_name(role)) for role in ROLES if role in grants()]
    schools = [SelectChoice(school.code, f"{school.code} {school.name}") for school in rosters.schools()]
    form.school_code.choices = [SelectChoice("", lazy_gettext("none")), *schools]
    return form


def _list(form: AccountForm, made: service.NewAccount | None = None) -> str:
    without = query.schools_without_account()
    found = query.list_accounts(request.values.get("q", "").strip()[:100], page=request.values.get("page", 1, type=int))
    return render_template(
        "accounts/index.html", found=found, form=form, made=made, without=without, grants=grants(), here=_here()
    )


def _here() -> dict[str, Any]:
    """Return which part of the list is looked at, to come back to it."""
    return {name: value for name in ("q", "page") if (value := request.values.get(name, "").strip())}


@blueprint.post("/accounts")
@requires("account.write")
def add() -> Any:
    """Add one account and show its first password, once."""
    form = _account_form()
    if not form.validate_on_submit():
        return _list(form), 422
    try:
        made = _add(form)
    except Refused as refusal:
        form.name.errors = [str(refusal)]
        return _list(form), refusal.status
    return _list(_account_form(), made)


def _add(form: AccountForm) -> service.NewAccount:
    """Add what the form says; without its staff code a teacher's account would open nothing."""
    name, role, actor = str(form.name.data), str(form.role.data), current_user.name
    if role == STAFF_ROLE and role in grants():
        return add_staff_account(name.strip(), staff_code=name.strip(), actor=actor)
    return service.add_account(name, role=role, school_code=form.school_code.data or None, actor=actor, grant=grants())


@blueprint.post("/accounts/reset")
@requires("account.write")
def reset() -> str:
    """Give an account a new first password and show it, once."""
    name = request.form.get("name", "")
    return _list(_account_form(), service.reset_password(name, actor=current_user.name, grant=grants()))


@blueprint.post("/accounts/active")
@requires("account.write")
def switch() -> BaseResponse:
    """Switch an account off or on."""
    name, active = request.form.get("name", ""), request.form.get("active", "") == "1"
    service.set_active(name, active, actor=current_user.name, grant=grants())
    return redirect(url_for("accounts.index", **_here()), code=303)


@blueprint.post("/accounts/second-factor")
@requires("account.write")
def remove_second_factor() -> BaseResponse:
    """Remove the second factor of somebody whose phone and recovery codes are lost."""
    service.remove_second_factor(request.form.get("name", ""), actor=current_user.name, grant=grants())
    flash(_("The second factor was removed; the account logs in with its password alone."))
    return redirect(url_for("accounts.index", **_here()), code=303)


@blueprint.post("/accounts/schools")
@requires("account.write")
def add_schools() -> BaseResponse:
    """Make an account for every school without one; the answer is an Excel of their first passwords."""
    made = service.add_school_accounts(actor=current_user.name)
    if not made:
        flash(_("Every school has an account already."))
        return redirect(url_for("accounts.index"), code=303)
    return attached(password_workbook(made), name="accounts.xlsx", mimetype=XLSX)


def browser_name(text: str) -> str:
    """Write in two words what a browser says of itself; the whole of it when nothing is known."""
    names = [next((name for sign, name in known.items() if sign in text), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, names)) or text


blueprint.add_app_template_filter(browser_name)
