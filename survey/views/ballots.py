"""The respondent's pages: code form, ballot pages, receipt. No session, no login: the code is the capability."""

import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from survey.errors import BallotRefused, Unavailable
from survey.extensions import csrf
from survey.queries import notices
from survey.services import ballots, instruments, open_channel, pages, seals, tokens
from survey.services.address_limits import network_of
from survey.services.ballots import Electorate, Holder, Progress
from survey.services.figure_texts import code_groups
from survey.services.slips import clean_code, typed_letters
from survey.views import choose_language
from survey.views.ballot_slots import SLOTS, slots_of
from survey.views.devices import is_big, is_shared, left_clean, with_choices
from survey.views.refusals import Words, code_words, words_of
from survey.views.replies import Reply, see_other
from survey.views.spliced_pages import SplicedPage, mark

blueprint = Blueprint("ballots", __name__)
csrf.exempt(blueprint)

# The cookie is for these two only.
FOLDER = "/v"
PAGE = "/v/page"
RECEIPT = "/v/receipt"
COOKIE = "v"
COOKIE_SECONDS = 600
# On a shared device it lasts for the redirect and a reload: the form itself carries the sealed code.
SHARED_SECONDS = 60
# The device cookie of the open channel: its token, for as long as a campaign may last.
DEVICE = "o"
_DEVICE_FRAME = "; Max-Age=7776000; HttpOnly; SameSite=Lax"
_COOKIE_FRAME = "; Max-Age={seconds}; HttpOnly; Path=/v; SameSite=Lax"
_FRAMES = {False: _COOKIE_FRAME.format(seconds=COOKIE_SECONDS), True: _COOKIE_FRAME.format(seconds=SHARED_SECONDS)}
# Only wrong codes are counted, in memory; a right one is never refused, whatever its address did before.
MOST_WRONG = 30
WRONG_SECONDS = 300
RETRY_SECONDS = 5
PAUSE_SECONDS = 600
# A whole link may be pasted in place of its code; of nonsense no more is shown again than fits the field.
MOST_TYPED, MOST_SHOWN = 200, 32
FORM_NUMBER = re.compile(r"[0-9a-f]{32}")
RECEIPT_SLOTS = ("receipt", "first_half", "second_half", "drafts", "slip")
_wrong: dict[str, list[float]] = defaultdict(list)


@blueprint.route("/v", methods=["GET", "POST"])
@blueprint.route("/V", methods=["GET", "POST"], endpoint="enter_upper_case")
def enter() -> BaseResponse:
    """Show the code form, or lead from a code to its first open page or its receipt."""
    if request.method != "POST":
        return _code_form()
    letters = typed_letters(request.form.get("code", "")[:MOST_TYPED])
    code = clean_code(letters)
    if code is None:
        return _wrong_code(letters)
    try:
        progress = ballots.find_progress(Holder(code=code))
    except BallotRefused as refusal:
        if refusal.kind == "unknown":
            return _wrong_code(letters)
        raise
    holder = Holder(code=code, group_id=progress.electorate.group_id)
    return _lead_on(seals.seal(holder), finished=progress.next_page is None)


def _code_form() -> Response:
    lost = bool(request.query_string) and "lost" in request.args

    def render() -> str:
        return _rendered("ballots/code.html", message="", lost=lost, here=FOLDER, carried=True)

    page = _spliced(("code", lost), render)
    return with_choices(left_clean(page.respond({}), bridge=COOKIE, folder=FOLDER))


@blueprint.route("/t", methods=["GET", "POST"])
@blueprint.route("/T", methods=["GET", "POST"], endpoint="hand_in_upper_case")
def hand_in() -> BaseResponse:
    """Take a blind-signed token in place of a code; its short code then works like a slip's.

    A token that came together with a cookie of the desk could be tied to its person: it is not even looked at, and the
    cookies are deleted in this browser.
    """
    if request.method != "POST":
        return _without_desk(_respond("tokens/hand_in.html", message="", status=200))
    if _desk_cookies():
        message = _(
            "This browser still held a cookie of the desk. It is deleted now: please hand in the token once more."
        )
        return _without_desk(_respond("tokens/hand_in.html", message=message, status=409))
    try:
        holder = tokens.redeem(request.form.get("token", ""))
    except BallotRefused as refusal:
        if refusal.kind != "unknown":
            raise
        message = _("This token is not known. Copy or scan it again, from the first letter to the last.")
        return _respond("tokens/hand_in.html", message=message, status=404)
    return _lead_on(seals.seal(holder), finished=ballots.find_progress(holder).next_page is None)


def _desk_cookies() -> list[str]:
    """Return the cookies by which this browser could be known again at the desk."""
    names = (current_app.config["DESK_COOKIE"], current_app.config["SESSION_COOKIE_NAME"])
    return [name for name in names if name in request.cookies]


def _without_desk(response: Response) -> Response:
    for name in _desk_cookies():
        response.delete_cookie(name, secure=current_app.config["WUPING"].https, httponly=True, samesite="Lax")
    return response


def _wrong_code(letters: str) -> BaseResponse:
    now = time.monotonic()
    address = network_of(request.remote_addr or "")
    recent = [moment for moment in _wrong[address] if moment > now - WRONG_SECONDS]
    _wrong[address] = [*recent[-MOST_WRONG:], now]
    if len(_wrong) > 10_000:
        _wrong.clear()
    if len(recent) >= MOST_WRONG:
        raise BallotRefused("throttled")
    # Whoever mistyped one letter of sixteen need not type the others again; a shared device shows nobody's slip.
    shown = "" if is_shared() else code_groups(letters[:MOST_SHOWN])
    return _respond("ballots/code.html", message=code_words(letters), code_value=shown, status=404)


@blueprint.get("/o/<int(max=2147483647):group_id>")
@blueprint.get("/O/<int(max=2147483647):group_id>", endpoint="open_link_upper_case")
def open_link(group_id: int) -> BaseResponse:
    """Show a form of the open channel; a browser keeps its random token, and after its answer sees the receipt."""
    known = open_channel.known_device(request.cookies.get(DEVICE), group_id)
    holder = seals.unseal(known) if known else Holder(code=secrets.token_hex(16), group_id=group_id, is_open=True)
    progress = ballots.find_progress(holder)
    if progress.next_page is None:
        return _receipt(holder, progress)
    sealed = known or seals.seal(holder)
    reply = _page(holder, progress, sealed=sealed)
    # Under both spellings of the address, or the other one would be another device.
    for letter in "oO":
        _with_cookie(reply, f"{DEVICE}={sealed}{_DEVICE_FRAME}; Path=/{letter}/{group_id}")
    return reply


@blueprint.get(PAGE)
def page() -> BaseResponse:
    """Show the next page of the slip that the cookie bridges to."""
    sealed = request.cookies.get(COOKIE)
    if sealed is None:
        return _lost()
    holder = seals.unseal(sealed)
    progress = ballots.find_progress(holder)
    if progress.next_page is None:
        return redirect(RECEIPT, code=303)
    return _page(holder, progress, sealed=sealed)


def _lost() -> BaseResponse:
    """Lead to the code form, which says why; on a shared device somebody else sits there now."""
    return redirect(url_for("ballots.enter") if is_shared() else url_for("ballots.enter", lost=1), code=303)


@blueprint.post(PAGE)
def cast() -> BaseResponse:
    """Cast one page for the sealed code of its form; no cookie casts."""
    sealed = request.form.get("code", "")
    holder = seals.unseal(sealed)
    try:
        return _cast(holder, sealed)
    except BallotRefused as refusal:
        if refusal.kind != "used":
            raise
        ballots.note_second_use(holder)
        # The way on is that of this form's slip, whichever slip was entered last.
        reply = _refused(refusal)
        return reply if holder.is_open else _with_cookie(reply, f"{COOKIE}={sealed}{_FRAMES[is_shared()]}")


def _cast(holder: Holder, sealed: str) -> BaseResponse:
    sent = request.form
    fields, chips = _single_fields(sent), sent.getlist("chip")
    form, code = sent.get("form", ""), sent.get("target", "")
    electorate = ballots.find_electorate(holder.group_id)
    target = next((p for p in electorate.pages if p.code == code), None)
    if target is None:
        raise BallotRefused("unknown")
    questionnaire = instruments.find_questionnaire(electorate.questionnaire_id)
    reading = pages.read_page(questionnaire, electorate, fields, chips=chips, language=choose_language())
    if reading.missing or not FORM_NUMBER.fullmatch(form):
        # What cannot be cast any more is said before what is missing.
        finished = ballots.check_page(holder, target_code=target.code, form=form)
        if finished is not None:
            return _lead_on(sealed, finished=finished)
        slots = slots_of(holder, electorate, target, sealed=sealed, form=_given_form())
        return _incomplete(electorate, slots, reading, here=_here(holder))
    if holder.is_open and ballots.check_page(holder, target_code=target.code, form=form) is None:
        open_channel.admit(request.remote_addr or "")
    finished = ballots.cast(holder, target_code=target.code, form=form, payload=reading.payload)
    return _lead_on(sealed, finished=finished)


def _single_fields(sent: MultiDict[str, str]) -> dict[str, str]:
    """Return the posted fields; of one that comes twice nobody can say which was meant, so it counts as missing."""
    return {name: values[0] for name, values in sent.lists() if len(values) == 1}


@blueprint.get(RECEIPT)
def receipt() -> BaseResponse:
    """Show the receipt of a finished slip, as often as its code is entered, also after close."""
    sealed = request.cookies.get(COOKIE)
    if sealed is None:
        return _lost()
    holder = seals.unseal(sealed)
    progress = ballots.find_progress(holder)
    if progress.next_page is not None:
        return redirect(PAGE, code=303)
    return _receipt(holder, progress)


def _receipt(holder: Holder, progress: Progress) -> Response:
    number, first, last = len(progress.electorate.pages), progress.first_day, progress.last_day
    tokens_here = progress.electorate.kind == "token"
    # A shared device forgets the receipt at once, so there is nothing to come back to in another language.
    here = "" if is_shared() else _here(holder)
    over = not progress.is_open

    def render() -> str:
        marks = {name: mark(name) for name in RECEIPT_SLOTS}
        days = {"first_day": first, "last_day": last, "is_over": over}
        return _rendered(
            "ballots/receipt.html",
            ballots=number,
            is_open=holder.is_open,
            tokens=tokens_here,
            here=here,
            carried=True,
            **days,
            **marks,
        )

    text = holder.receipt
    drafts = " ".join(seals.draft_key(holder, cast.code) for cast in progress.electorate.pages)
    page = _spliced(("receipt", number, first, last, over, tokens_here, here), render)
    halves = {"receipt": text, "first_half": text[:5], "second_half": text[5:]}
    reply = page.respond(halves | {"drafts": drafts, "slip": seals.draft_key(holder, "")})
    return with_choices(left_clean(reply, bridge=COOKIE, folder=FOLDER))


def _lead_on(sealed: str, *, finished: bool) -> BaseResponse:
    location = RECEIPT if finished else PAGE
    # Given anew with each page: a pupil with ten teachers may reload the last one, too.
    # A sealed code is URL-safe text, so nothing in it needs quoting.
    return see_other(location, cookie=f"{COOKIE}={sealed}{_FRAMES[is_shared()]}{_secure()}")


def _secure() -> str:
    return "; Secure" if current_app.config["WUPING"].https else ""


def _with_cookie(response: Response, cookie: str) -> Response:
    if isinstance(response, Reply):
        response.lines.append(("Set-Cookie", cookie + _secure()))
    else:
        response.headers.add("Set-Cookie", cookie + _secure())
    return response


def _spliced(key: tuple[Hashable, ...], render: Callable[[], str]) -> SplicedPage:
    """Return a page of this process's memory, rendered at its first use in this language, size of type and mode."""
    known: dict[Any, SplicedPage] = current_app.extensions.setdefault("wuping.pages", {})
    whole = (*key, choose_language(), is_big(), is_shared())
    if whole not in known:
        known[whole] = SplicedPage.cut(render())
    return known[whole]


def _page(holder: Holder, progress: Progress, *, sealed: str) -> Response:
    """Splice one respondent's values into the page that was rendered once for everybody."""
    electorate, target, first = progress.electorate, progress.next_page, not progress.cast
    assert target is not None

    def render() -> str:
        asker = current_app.config["WUPING"].bureau if first else ""
        marks, here = {name: mark(name) for name in SLOTS}, _here(holder)
        return _render(electorate, marks, asker=asker, is_open=holder.is_open, here=here, carried=True)

    whole = electorate.evaluation_id if electorate.targets else 0
    asked = (electorate.questionnaire_id, electorate.variant, whole, electorate.own_items)
    page = _spliced((*asked, first, _here(holder)), render)
    slots = slots_of(holder, electorate, target, sealed=sealed, form=secrets.token_hex(16))
    return with_choices(page.respond(slots))


def _here(holder: Holder) -> str:
    """Return the address that shows this holder's page again."""
    return f"/o/{holder.group_id}" if holder.is_open else PAGE


def _view(electorate: Electorate) -> dict[str, Any]:
    questionnaire = instruments.find_questionnaire(electorate.questionnaire_id)
    locale = get_locale()
    return pages.page_view(questionnaire, electorate, str(locale), locale.text_direction if locale else "ltr")


def _render(electorate: Electorate, slots: dict[str, str], **context: Any) -> str:
    blank: dict[str, Any] = {"answers": {}, "errors": [], "comment_value": "", "chips_value": [], "asker": ""}
    slots = slots | {"action": url_for("ballots.cast")}
    return render_template("ballots/page.html", page=_view(electorate), slots=slots, **_chosen(), **(blank | context))


def _given_form() -> str:
    """Return the form number that came with the page, or a new one in place of nonsense."""
    given = request.form.get("form", "")
    return given if FORM_NUMBER.fullmatch(given) else secrets.token_hex(16)


def _incomplete(electorate: Electorate, slots: dict[str, str], reading: pages.Reading, *, here: str) -> BaseResponse:
    """Show the same page again with its answers, and what is missing; the form number stays the same."""
    text = _render(
        electorate,
        slots,
        answers=reading.answers,
        errors=reading.missing,
        here=here,
        comment_value=request.form.get("comment", ""),
        chips_value=request.form.getlist("chip"),
    )
    return with_choices(make_response(text, 422))


def _rendered(template: str, **context: Any) -> str:
    locale = get_locale()
    direction = locale.text_direction if locale else "ltr"
    return render_template(template, lang=str(locale).replace("_", "-"), direction=direction, **_chosen(), **context)


def _chosen() -> dict[str, bool]:
    return {"big": is_big(), "shared": is_shared()}


def _respond(template: str, *, status: int, **context: Any) -> Response:
    return with_choices(make_response(_rendered(template, **context), status))


@blueprint.errorhandler(BallotRefused)
def _refused(refusal: BallotRefused) -> Response:
    # What may be sent again later keeps its draft.
    later = PAUSE_SECONDS if refusal.kind == "crowded" else 0
    days = notices.current_notices() if refusal.kind == "not_open" else ()
    return _message(refusal.kind, status=refusal.status, retry_after=later, days=days)


def _open_address() -> str:
    """Return the open link that was followed, or whose form was sent; empty for slips."""
    if request.path[:3].lower() == "/o/":
        return request.path
    try:
        holder = seals.unseal(request.form.get("code", ""))
    except BallotRefused:
        return ""
    return _here(holder) if holder.is_open else ""


@blueprint.errorhandler(Unavailable)
def _unavailable(_error: Unavailable) -> Response:
    return _message("busy", status=503, retry_after=RETRY_SECONDS)


def _words(kind: str) -> Words:
    sent = request.method == "POST" and request.path == PAGE
    return words_of(kind, open_address=_open_address(), sent=sent)


def _message(kind: str, *, status: int, retry_after: int, days: Sequence[notices.Notice] = ()) -> Response:
    """Say why not and what to do; what can be sent again later comes along, for whoever has no script."""
    again = request.form.items(multi=True) if retry_after and request.method == "POST" else ()
    context = {"kind": kind, "words": _words(kind), "retry_after": retry_after, "days": days, "again": list(again)}
    response = _respond("ballots/message.html", status=status, here=request.path, **context)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response
