"""「有人要求我怎么填」: a page apart from voting, without code, cookie or session; and what 监察室 reads of it."""

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import BadInput, TooMany
from survey.extensions import csrf
from survey.queries import pressure_reports as query
from survey.services import pressure_reports as service
from survey.views.addresses import way_back

blueprint = Blueprint("pressure_reports", __name__)
# The only form here belongs to whoever has no session.
csrf.exempt(blueprint)
FIELDS = ("school", "class_name", "text")
WORDS = {
    "told": lazy_gettext("Someone told me what to choose"),
    "watched": lazy_gettext("Someone watched me, or asked to see my answers"),
    "taken": lazy_gettext("Someone took slips away or answered for others"),
    "rewarded": lazy_gettext("Someone promised a reward"),
    "threatened": lazy_gettext("Someone threatened with consequences"),
    "other": lazy_gettext("Something else"),
}
# Outside /v, so that the browser does not even send the cookie of the ballot pages.
PATH = "/pressure"


@blueprint.get("/v/pressure")
def old_path() -> BaseResponse:
    """Lead from the ballot pages' own folder to the page without their cookie."""
    return redirect(PATH, code=303)


@blueprint.get(PATH)
def report() -> Any:
    """Show the form; it asks for nothing that must be filled in but what happened."""
    return _respond(values={}, chosen=[])


@blueprint.post(PATH)
def send() -> Any:
    """Keep a report; whoever sends it gets no number and leaves none."""
    values = {name: request.form.get(name, "") for name in FIELDS}
    chosen = request.form.getlist("kind")
    try:
        service.report_pressure(service.Report(kinds=chosen, **values), address=request.remote_addr or "")
    except (BadInput, TooMany) as refusal:
        return _respond(values=values, chosen=chosen, message=str(refusal), status=refusal.status)
    return redirect(url_for("pressure_reports.thanks", back=way_back(request.path) or None), code=303)


@blueprint.get(f"{PATH}/thanks")
def thanks() -> Any:
    """Say that it arrived, and what happens now."""
    return _respond(template="pressure_reports/thanks.html")


def _respond(*, template: str = "pressure_reports/report.html", status: int = 200, **context: Any) -> Any:
    locale = get_locale()
    big = request.args.get("big", request.cookies.get("big", "0")) == "1"
    context = {"message": "", "words": WORDS, "most": service.MOST_TEXT, **context}
    direction = locale.text_direction if locale else "ltr"
    text = render_template(template, lang=str(locale).replace("_", "-"), direction=direction, big=big, **context)
    return make_response(text, status)


@blueprint.get("/reports/pressure")
@requires("coercion.read")
def index() -> str:
    """List the reports."""
    page = query.report_list(page=request.args.get("page", 1, type=int))
    return render_template("pressure_reports/index.html", list=page, word=_word)


def _word(kind: str) -> str:
    return str(WORDS.get(kind, kind)) or _("Something else")
