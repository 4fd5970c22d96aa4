"""The respondent's pages: code form, ballot pages, receipt. No session, no login: the code is the capability."""

import re
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import escape
from werkzeug.wrappers import Response as BaseResponse

from survey.errors import BallotRefused, Unavailable
from survey.extensions import csrf
from survey.services import ballots, instruments, pages, seals
from survey.services.ballots import Electorate, Holder, Page, Progress
from survey.services.slips import clean_code

blueprint = Blueprint("ballots", __name__)
csrf.exempt(blueprint)

COOKIE = "v"
COOKIE_SECONDS = 3600
BIG_SECONDS = 31_536_000
# Only wrong codes are counted, in memory; a right one is never refused, whatever its address did before.
MOST_WRONG = 30
WRONG_SECONDS = 300
RETRY_SECONDS = 5
FORM_NUMBER = re.compile(r"[0-9a-f]{32}")
_SLOT = re.compile(r"@@(\w+)@@")
SLOTS = ("code", "form", "target", "name", "detail", "position", "head", "draft")
_wrong: dict[str, list[float]] = defaultdict(list)


@blueprint.route("/v", methods=["GET", "POST"])
@blueprint.route("/V", methods=["GET", "POST"], endpoint="enter_upper_case")
def enter() -> BaseResponse:
    """Show the code form, or lead from a code to its first open page or its receipt."""
    if request.method == "GET":
        return _respond("ballots/code.html", message="")
    code = clean_code(request.form.get("code", ""))
    if code is None:
        return _wrong_code()
    try:
        progress = ballots.find_progress(Holder(code=code))
    except BallotRefused as refusal:
        if refusal.kind == "unknown":
            return _wrong_code()
        raise
    holder = Holder(code=code, group_id=progress.electorate.group_id)
    return _lead_on(holder, finished=progress.next_page is None)


def _wrong_code() -> BaseResponse:
    now = time.monotonic()
    address = request.remote_addr or ""
    recent = [moment for moment in _wrong[address] if moment > now - WRONG_SECONDS]
    _wrong[address] = [*recent[-MOST_WRONG:], now]
    if len(_wrong) > 10_000:
        _wrong.clear()
    if len(recent) >= MOST_WRONG:
        raise BallotRefused("throttled")
    message = _("This code is not known. Please compare it with the slip, letter by letter, and enter it again.")
    return _respond("ballots/code.html", message=message, status=404)


@blueprint.get("/o/<int:group_id>")
@blueprint.get("/O/<int:group_id>", endpoint="open_link_upper_case")
def open_link(group_id: int) -> BaseResponse:
    """Show a form of the open channel; each carries a random token of its own."""
    holder = Holder(code=secrets.token_hex(16), group_id=group_id, is_open=True)
    return _page(holder, ballots.find_progress(holder))


@blueprint.get("/v/page")
def page() -> BaseResponse:
    """Show the next page of the slip that the cookie bridges to."""
    sealed = request.cookies.get(COOKIE)
    if sealed is None:
        return redirect(url_for("ballots.enter"), code=303)
    holder = seals.unseal(sealed)
    progress = ballots.find_progress(holder)
    if progress.next_page is None:
        return redirect(url_for("ballots.receipt"), code=303)
    return _page(holder, progress)


@blueprint.post("/v/page")
def cast() -> BaseResponse:
    """Cast one page; the sealed code of the form wins over any cookie."""
    holder = seals.unseal(request.form.get("code", "") or request.cookies.get(COOKIE, ""))
    electorate = ballots.find_electorate(holder.group_id)
    target = next((p for p in electorate.pages if p.code == request.form.get("target")), None)
    if target is None:
        raise BallotRefused("unknown")
    questionnaire = instruments.find_questionnaire(electorate.questionnaire_id)
    chips = request.form.getlist("chip")
    reading = pages.read_page(questionnaire, electorate, request.form, chips=chips, language=str(get_locale()))
    form = request.form.get("form", "")
    if reading.missing or not FORM_NUMBER.fullmatch(form):
        return _incomplete(holder, electorate, target, reading)
    finished = ballots.cast(holder, target_code=target.code, form=form, payload=reading.payload)
    return _lead_on(holder, finished=finished)


@blueprint.get("/v/receipt")
def receipt() -> BaseResponse:
    """Show the receipt of a finished slip, as often as its code is entered, also after close."""
    sealed = request.cookies.get(COOKIE)
    if sealed is None:
        return redirect(url_for("ballots.enter"), code=303)
    holder = seals.unseal(sealed)
    progress = ballots.find_progress(holder)
    if progress.next_page is not None:
        return redirect(url_for("ballots.page"), code=303)
    return _respond(
        "ballots/receipt.html",
        receipt=holder.receipt,
        ballots=len(progress.electorate.pages),
        first_day=progress.first_day,
        last_day=progress.last_day,
    )


def _lead_on(holder: Holder, *, finished: bool) -> BaseResponse:
    response = redirect(url_for("ballots.receipt" if finished else "ballots.page"), code=303)
    secure = current_app.config["WUPING"].https
    response.set_cookie(
        COOKIE, seals.seal(holder), max_age=COOKIE_SECONDS, path="/v", httponly=True, secure=secure, samesite="Lax"
    )
    return response


@dataclass(frozen=True, kw_only=True)
class _CachedPage:
    """A rendered page cut at its slots: even parts are text, odd parts names of slots. And its head."""

    parts: tuple[str, ...]
    head: str


def _page(holder: Holder, progress: Progress) -> BaseResponse:
    """Splice one respondent's values into the page that was rendered once for everybody."""
    target = progress.next_page
    assert target is not None
    cached = _cached_page(progress.electorate)
    slots = _slots(holder, progress.electorate, target, form=secrets.token_hex(16))
    values = {name: str(escape(value)) for name, value in slots.items()}
    values["head"] = cached.head if not progress.cast else ""
    text = "".join(values[part] if number % 2 else part for number, part in enumerate(cached.parts))
    return _with_big(make_response(text))


def _slots(holder: Holder, electorate: Electorate, target: Page, *, form: str) -> dict[str, Any]:
    place, number = electorate.pages.index(target) + 1, len(electorate.pages)
    return {
        "code": seals.seal(holder),
        "form": form,
        "target": target.code,
        "name": target.name,
        "detail": target.detail,
        "position": _("%(place)s of %(number)s", place=place, number=number) if number > 1 else "",
        "draft": seals.draft_key(holder, target.code),
        "action": url_for("ballots.cast"),
    }


def _cached_page(electorate: Electorate) -> _CachedPage:
    language, big = str(get_locale()), _is_big()
    whole = electorate.evaluation_id if electorate.targets else 0
    key = (electorate.questionnaire_id, electorate.variant, whole, language, big)
    known: dict[Any, _CachedPage] = current_app.extensions.setdefault("wuping.pages", {})
    if key not in known:
        marks = {name: f"@@{name}@@" for name in SLOTS} | {"action": url_for("ballots.cast")}
        view = _view(electorate)
        text = _render(view, marks, big=big)
        known[key] = _CachedPage(parts=tuple(_SLOT.split(text)), head=_head(view))
    return known[key]


def _view(electorate: Electorate) -> dict[str, Any]:
    questionnaire = instruments.find_questionnaire(electorate.questionnaire_id)
    locale = get_locale()
    return pages.page_view(questionnaire, electorate, str(locale), locale.text_direction if locale else "ltr")


def _render(view: dict[str, Any], slots: dict[str, Any], *, big: bool, **context: Any) -> str:
    blank: dict[str, Any] = {"answers": {}, "errors": [], "comment_value": "", "chips_value": []}
    return render_template("ballots/page.html", page=view, slots=slots, big=big, **(blank | context))


def _head(view: dict[str, Any]) -> str:
    return render_template("ballots/_head.html", page=view, asker=current_app.config["WUPING"].bureau)


def _incomplete(holder: Holder, electorate: Electorate, target: Page, reading: pages.Reading) -> BaseResponse:
    """Show the same page again with its answers, and what is missing; the form number stays the same."""
    given = request.form.get("form", "")
    form = given if FORM_NUMBER.fullmatch(given) else secrets.token_hex(16)
    slots = _slots(holder, electorate, target, form=form) | {"head": ""}
    text = _render(
        _view(electorate),
        slots,
        big=_is_big(),
        answers=reading.answers,
        errors=reading.missing,
        comment_value=request.form.get("comment", ""),
        chips_value=request.form.getlist("chip"),
    )
    return _with_big(make_response(text, 422))


def _is_big() -> bool:
    return request.args.get("big", request.cookies.get("big", "0")) == "1"


def _with_big(response: Response) -> Response:
    if request.args.get("big") in ("0", "1"):
        response.set_cookie("big", request.args["big"], max_age=BIG_SECONDS, samesite="Lax")
    return response


def _respond(template: str, *, status: int = 200, **context: Any) -> Response:
    locale = get_locale()
    text = render_template(
        template,
        lang=str(locale).replace("_", "-"),
        direction=locale.text_direction if locale else "ltr",
        big=_is_big(),
        **context,
    )
    return _with_big(make_response(text, status))


@blueprint.errorhandler(BallotRefused)
def _refused(refusal: BallotRefused) -> Response:
    title, message, next_step = _words(refusal.kind)
    return _respond(
        "ballots/message.html", status=refusal.status, title=title, message=message, next_step=next_step
    )


@blueprint.errorhandler(Unavailable)
def _unavailable(_error: Unavailable) -> Response:
    response = _respond(
        "ballots/message.html",
        status=503,
        title=_("Too busy at the moment"),
        message=_("Your answers were not received yet."),
        next_step=_("Wait a few seconds, go back and submit again. Nothing is counted twice."),
        retry_after=RETRY_SECONDS,
    )
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _words(kind: str) -> tuple[str, str, str]:
    """Return title, message and next step of a refusal."""
    words = {
        "not_open": (
            _("Voting has not begun yet"),
            _("Your code is right. It can be used from the first day on."),
            _("Keep the slip and come back on that day."),
        ),
        "unknown": (
            _("This code is not known"),
            _("The code does not belong to any slip, or the page was opened without one."),
            _("Please enter the code from the slip again."),
        ),
        "used": (
            _("This ballot has been used"),
            _("This page was already cast with this slip. The first answers count; nothing was changed."),
            _("Enter the code again to go on with the remaining pages, or to see the receipt."),
        ),
        "closed": (
            _("Voting has closed"),
            _("This survey takes no more answers. What was submitted before is counted."),
            "",
        ),
        "voided": (
            _("This slip is no longer valid"),
            _("It was replaced by a new slip."),
            _("Please ask for the new slip, or call the bureau."),
        ),
        "throttled": (
            _("Too many wrong codes"),
            _("Many wrong codes came from this connection. A right code is always accepted."),
            _("Please compare the code with the slip and enter it again."),
        ),
    }
    return words[kind]
