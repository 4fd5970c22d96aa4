"""Pages without a login: the start page, the promise, receipts, health; and the home page of whoever is logged in."""

from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import SCHOOL_ROLE, requires
from survey.queries import balances, campaigns, notices, publications, receipts, rosters, turnout, voiding
from survey.services.approvals import waiting_for
from survey.services.guidance import guide
from survey.services.instances import can_write
from survey.views import words
from survey.views.addresses import local_page
from survey.views.navigation import LANGUAGES, around, first_section

blueprint = Blueprint("public", __name__)
blueprint.app_context_processor(around)
words.register(blueprint)
LANGUAGE_SECONDS = 31_536_000


@blueprint.get("/")
def home() -> Any:
    """Show the start page, or what the account should do next."""
    if not current_user.is_authenticated:
        return render_template(
            "public/start.html", published=receipts.published_campaigns(), results=publications.public_campaigns()
        )
    first = first_section()
    return _desk() if first is None or current_user.blocked else redirect(url_for(first), code=303)


@requires("turnout.read")
def _desk() -> Any:
    if current_user.role == SCHOOL_ROLE:
        return redirect(url_for("turnout.index"), code=303)
    current = campaigns.current_campaigns()
    return render_template(
        "public/home.html",
        roster=rosters.roster_summary(),
        plans=[guide(campaign) for campaign in current],
        turnout={c.id: turnout.relation_turnout(c.id) for c in current if c.state == "open"},
        requests=waiting_for(current_user.name, current_user.role),
        released=[c for c in campaigns.list_campaigns() if c.state == "released"],
    )


@blueprint.get("/promise")
def promise() -> str:
    """Show the anonymity promise in full, in the large type of the ballot pages if it was chosen there."""
    big = request.args.get("big", request.cookies.get("big", "0")) == "1"
    published = receipts.published_campaigns()
    return render_template("public/promise.html", big=big, published=published, notices=notices.current_notices())


@blueprint.get("/receipts/<int(max=2147483647):campaign>")
def receipt_list(campaign: int) -> str:
    """Show the receipts of a closed campaign, and whether one that was typed in is among them."""
    wanted = request.args.get("receipt", "").strip()
    found = receipts.has_receipt(campaign, wanted) if wanted else None
    page = receipts.receipt_list(campaign, page=request.args.get("page", 1, type=int))
    return render_template(
        "public/receipts.html", list=page, wanted=wanted, found=found, voided=voiding.voidings(campaign)
    )


@blueprint.get("/receipts/<int(max=2147483647):campaign>.txt")
def receipt_file(campaign: int) -> Response:
    """Hand out the whole list, sorted, one receipt a line, for whoever wants to keep or compare it."""
    headers = {"Content-Disposition": f"attachment; filename=receipts-{campaign}.txt"}
    return Response(receipts.all_receipts(campaign), mimetype="text/plain", headers=headers)


@blueprint.get("/balance/<int(max=2147483647):campaign>")
def balance(campaign: int) -> str:
    """Show everybody that no slip and no page of a closed campaign is unaccounted for."""
    name = receipts.published_name(campaign)
    rows = balances.public_balance(campaign)
    voided = voiding.voidings(campaign)
    return render_template("public/balance.html", campaign=campaign, name=name, rows=rows, voided=voided)


@blueprint.get("/language")
def language() -> BaseResponse:
    """Keep the chosen language in a cookie and go back; nothing is written on the server."""
    response = redirect(local_page(request.args.get("next", "")), code=303)
    wanted = request.args.get("to", "")
    if wanted in LANGUAGES:
        secure = current_app.config["WUPING"].https
        response.set_cookie("language", wanted, max_age=LANGUAGE_SECONDS, httponly=True, secure=secure, samesite="Lax")
    return response


@blueprint.get("/healthz")
def healthz() -> tuple[str, int]:
    """Answer while the process lives."""
    return "ok", 200


@blueprint.get("/readyz")
def readyz() -> tuple[str, int]:
    """Answer 200 only while the database takes a write."""
    return ("ready", 200) if can_write() else ("not ready", 503)
