"""The audit log: filters, pages, and exports that carry the hash chain. There is no route that deletes."""

from datetime import date

from flask import Blueprint, Response, render_template, request
from flask_login import current_user
from werkzeug.exceptions import NotFound

from survey.access import requires
from survey.queries import audit as query
from survey.services.audit_exports import FORMATS, export_log
from survey.views.act_words import act_kind, act_name, detail_text, subject_text

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@requires("audit.read")
def index() -> str:
    """Show a page of the log."""
    wanted = query.Filter(
        actor=_text("actor"),
        action=_text("action"),
        subject=_text("subject"),
        first_day=_day("first_day"),
        last_day=_day("last_day"),
    )
    page = query.audit_page(wanted, page=request.args.get("page", 1, type=int))
    chosen = {name: value for name, value in vars(wanted).items() if value}
    actions = query.known_actions()
    return render_template("audit/index.html", log=page, wanted=wanted, chosen=chosen, actions=actions)


def _text(name: str) -> str:
    return request.args.get(name, "").strip()[:100]


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


@blueprint.post("/audit/export")
@requires("audit.read")
def export() -> Response:
    """Send the whole log as a file; that is an entry itself."""
    form = request.form.get("format", "")
    if form not in FORMATS:
        raise NotFound
    headers = {"Content-Disposition": f"attachment; filename=audit.{form}", "Cache-Control": "no-store"}
    return Response(export_log(form, actor=current_user.name), mimetype=FORMATS[form], headers=headers)


for word in (detail_text, subject_text, act_name, act_kind):
    blueprint.add_app_template_filter(word)
