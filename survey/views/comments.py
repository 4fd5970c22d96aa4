"""Comments (意见建议): the review by two persons, the list, labels with counts, and what a school may read."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from wtforms.fields.choices import SelectChoice

from survey.access import check_school, may, own_school, requires
from survey.errors import NotFound, Refused
from survey.forms.comments import ReviewForm, ThemeForm
from survey.queries import comment_themes, results
from survey.queries import comments as query
from survey.queries.campaigns import CampaignRow, find_campaign
from survey.queries.comments import CommentFilter, CommentRow
from survey.services import comment_themes as theme_service
from survey.services import comments as service
from survey.services.comment_groups import says_nothing
from survey.services.comments import Decision

blueprint = Blueprint("comments", __name__)
PLACE = "/comments/<int(max=2147483647):campaign_id>"
ONE = PLACE + "/<string(length=32):key>"
RELEASED = ("released", "archived")
AUDIENCES = {
    "bureau": lazy_gettext("The bureau only"),
    "school": lazy_gettext("School leadership"),
    "person": lazy_gettext("School leadership and the person concerned"),
    "public": lazy_gettext("Everybody: may be quoted publicly"),
    "none": lazy_gettext("Nobody: reject"),
}
REASONS = {
    "nothing": lazy_gettext("It says nothing"),
    "offensive": lazy_gettext("It only insults"),
    "identifies": lazy_gettext("It shows who wrote it, or names a child, even when masked"),
    "unrelated": lazy_gettext("It does not concern this evaluation"),
    "passed_on": lazy_gettext("A grave accusation: passed on to the supervision office"),
}
STATES = {
    "waiting": lazy_gettext("To review"),
    "taken": lazy_gettext("Being reviewed"),
    "reviewed": lazy_gettext("To confirm"),
    "checking": lazy_gettext("Being confirmed"),
    "settled": lazy_gettext("Settled"),
    "rejected": lazy_gettext("Rejected"),
}
# The states by which the list is filtered.
STAGES = {"waiting": "waiting", "to_confirm": "reviewed", "settled": "settled", "rejected": "rejected"}
MASKED = {
    "number": lazy_gettext("identity number"),
    "telephone": lazy_gettext("telephone"),
    "account": lazy_gettext("account or address"),
    "plate": lazy_gettext("number plate"),
    "class": lazy_gettext("class"),
    "name": lazy_gettext("name in the roster"),
    "surname": lazy_gettext("surname"),
    "child": lazy_gettext("perhaps a child's name"),
}


@blueprint.get("/comments")
@requires("comment.read")
def index() -> str:
    """List the campaigns whose comments this account may look at."""
    school = own_school()
    if school is not None:
        return render_template("comments/index.html", school=school, campaigns=results.released_campaigns(school))
    found = query.commented_campaigns(reviewer=may("comment.review"))
    return render_template("comments/index.html", school=None, campaigns=found)


def _campaign(campaign_id: int) -> CampaignRow:
    """Return a campaign whose comments the bureau's account may read; reviewers from the count on, others released."""
    campaign = find_campaign(campaign_id)
    states = ("tallied", *RELEASED) if may("comment.review") else RELEASED
    if campaign.state not in states or own_school() is not None:
        raise NotFound(_("This page does not exist."))
    return campaign


@blueprint.get(PLACE)
@requires("comment.read")
def page(campaign_id: int) -> Any:
    """List the comments of a campaign: all for reviewers, what is settled for others; a school goes to its own."""
    school = own_school()
    if school is not None:
        return redirect(url_for("comments.school", campaign_id=campaign_id, code=school), code=303)
    campaign = _campaign(campaign_id)
    wanted = _filter()
    relations = query.commented_relations(campaign_id)
    return render_template(
        "comments/page.html",
        campaign=campaign,
        wanted=wanted,
        asked=_asked(wanted),
        found=query.list_comments(campaign_id, wanted),
        queue=query.queue_of(campaign_id),
        relations=relations,
        units=query.commented_units(campaign_id, wanted.relation) if wanted.relation in relations else [],
        themes=comment_themes.list_themes(),
        stages=STAGES,
        open=campaign.state in service.OPEN_STATES,
    )


def _filter() -> CommentFilter:
    args, reviewer = request.args, may("comment.review")
    state = args.get("state", "")
    return CommentFilter(
        relation=args.get("relation", "")[:40],
        unit=args.get("unit", "")[:100] if args.get("relation") else "",
        theme=min(max(0, args.get("theme", 0, type=int)), 2**31 - 1),
        state=state if reviewer and state in STAGES else "",
        settled_only=not reviewer,
        page=args.get("page", 1, type=int),
    )


def _asked(wanted: CommentFilter) -> dict[str, Any]:
    """Return what was asked for as arguments of an address, without the page."""
    values = {"relation": wanted.relation, "unit": wanted.unit, "theme": wanted.theme, "state": wanted.state}
    return {name: value or None for name, value in values.items()}


@blueprint.get(PLACE + "/schools/<path:code>")
@requires("comment.read")
def school(campaign_id: int, code: str) -> str:
    """Show what a school may read: settled, released, about enough ballots; the bureau sees it as the school does."""
    check_school(code)
    campaign = find_campaign(campaign_id)
    if campaign.state not in RELEASED:
        raise NotFound(_("This page does not exist."))
    found = query.school_comments(campaign_id, code, page=request.args.get("page", 1, type=int))
    name = query.school_name(code)
    return render_template("comments/school.html", campaign=campaign, code=code, name=name, found=found)


@blueprint.get(PLACE + "/themes")
@requires("comment.read")
def themes(campaign_id: int) -> str:
    """Show the counts by label of one evaluation and its units, none below the floor."""
    campaign = _campaign(campaign_id)
    relations = query.commented_relations(campaign_id)
    relation = request.args.get("relation", "") or (relations[0] if relations else "")
    if relations and relation not in relations:
        raise NotFound(_("This page does not exist."))
    table = comment_themes.theme_table(campaign_id, relation) if relation else None
    used = [
        theme
        for theme in comment_themes.list_themes()
        if theme.active or (table and table.whole.counts and theme.id in table.whole.counts)
    ]
    return render_template(
        "comments/themes.html", campaign=campaign, relations=relations, relation=relation, table=table, themes=used
    )


@blueprint.post(PLACE + "/next")
@requires("comment.review")
def take_next(campaign_id: int) -> BaseResponse:
    """Take the next comment to review or to confirm, and show it."""
    return _next(campaign_id, checking=request.form.get("stage") == "check")


def _next(campaign_id: int, *, checking: bool) -> BaseResponse:
    key = service.take_next(campaign_id, current_user.name, checking=checking)
    if key is None:
        flash(_("No comment waits for you here."))
        return redirect(url_for("comments.page", campaign_id=campaign_id), code=303)
    return redirect(url_for("comments.one", campaign_id=campaign_id, key=key.hex()), code=303)


@blueprint.get(ONE)
@requires("comment.review")
def one(campaign_id: int, key: str) -> str:
    """Show one comment: to whoever has taken it also as it was written."""
    row = _row(campaign_id, key)
    form = _form(row)
    form.text.data, form.audience.data, form.reason.data = row.text, row.audience or None, row.reason
    fresh = row.state == "taken" and not row.audience
    labels = comment_themes.list_themes(active_only=True)
    chosen = theme_service.suggest_themes(row.text, labels) if fresh and not row.theme_ids else row.theme_ids
    form.themes.data = list(chosen)
    if fresh and says_nothing(row.text):
        form.audience.data, form.reason.data = service.REJECTED, "nothing"
    return _one(campaign_id, row, form)


def _row(campaign_id: int, key: str) -> CommentRow:
    _campaign(campaign_id)
    return query.find_comment(campaign_id, _key(key))


def _key(key: str) -> bytes:
    try:
        return bytes.fromhex(key)
    except ValueError:
        raise NotFound(_("This page does not exist.")) from None


def _form(row: CommentRow) -> ReviewForm:
    form = ReviewForm()
    offered = (*service.audiences_for(row.relation), service.REJECTED)
    form.audience.choices = [SelectChoice(code, AUDIENCES[code]) for code in offered]
    form.reason.choices = [SelectChoice("", _("Choose a reason"))]
    form.reason.choices += [SelectChoice(code, REASONS[code]) for code in service.REASONS]
    known = comment_themes.list_themes()
    form.themes.choices = [SelectChoice(t.id, t.name) for t in known if t.active or t.id in row.theme_ids]
    return form


def _one(campaign_id: int, row: CommentRow, form: ReviewForm) -> str:
    campaign, actor = find_campaign(campaign_id), current_user.name
    written = service.written_words(campaign_id, _key(row.key), actor)
    return render_template(
        "comments/one.html",
        campaign=campaign,
        row=row,
        form=form,
        written=written,
        masked=MASKED,
        reviewing=row.state == "taken" and row.reviewer == actor,
        checking=row.state == "checking" and row.checker == actor,
        may_take=row.state == "waiting"
        or (row.state == "reviewed" and not (campaign.two_person and row.reviewer == actor)),
        open=campaign.state in service.OPEN_STATES,
    )


@blueprint.post(ONE)
@requires("comment.review")
def decide(campaign_id: int, key: str) -> Any:
    """Keep the decision of the first person and go on to the next comment."""
    row = _row(campaign_id, key)
    form = _form(row)
    if not form.validate_on_submit():
        return _one(campaign_id, row, form), 422
    decision = Decision(
        text=form.text.data or "",
        audience=form.audience.data or "",
        reason=form.reason.data or "",
        themes=tuple(form.themes.data or ()),
    )
    try:
        service.decide(campaign_id, _key(key), decision, current_user.name)
    except Refused as refusal:
        form.form_errors.append(refusal.sentence(_))
        return _one(campaign_id, row, form), refusal.status
    return _next(campaign_id, checking=False)


@blueprint.post(ONE + "/confirm")
@requires("comment.review")
def confirm(campaign_id: int, key: str) -> BaseResponse:
    """Confirm the first person's decision, or send the comment back; then go on to the next one."""
    _row(campaign_id, key)
    act = service.confirm if request.form.get("answer") == "yes" else service.send_back
    act(campaign_id, _key(key), current_user.name)
    return _next(campaign_id, checking=True)


@blueprint.post(ONE + "/take")
@requires("comment.review")
def take(campaign_id: int, key: str) -> BaseResponse:
    """Take this comment, and show it."""
    _row(campaign_id, key)
    service.take(campaign_id, _key(key), current_user.name)
    return redirect(url_for("comments.one", campaign_id=campaign_id, key=key), code=303)


@blueprint.post(ONE + "/back")
@requires("comment.review")
def back(campaign_id: int, key: str) -> BaseResponse:
    """Leave this comment to others."""
    _row(campaign_id, key)
    service.give_back(campaign_id, _key(key), current_user.name)
    return redirect(url_for("comments.page", campaign_id=campaign_id), code=303)


@blueprint.post(ONE + "/split")
@requires("comment.review")
def split(campaign_id: int, key: str) -> BaseResponse:
    """Take one comment out of its group."""
    _row(campaign_id, key)
    service.split(campaign_id, _key(key), request.form.get("written", ""), current_user.name)
    flash(_("It now stands alone and waits for a review of its own."))
    return redirect(url_for("comments.one", campaign_id=campaign_id, key=key), code=303)


@blueprint.post(ONE + "/inside")
@requires("comment.review")
def inside(campaign_id: int, key: str) -> BaseResponse:
    """Take a settled comment back into the bureau."""
    _row(campaign_id, key)
    service.keep_inside(campaign_id, _key(key), current_user.name)
    flash(_("From now on only the bureau reads this comment."))
    return redirect(url_for("comments.one", campaign_id=campaign_id, key=key), code=303)


@blueprint.route("/comments/labels", methods=["GET", "POST"])
@requires("comment.review")
def labels() -> Any:
    """List the bureau's labels, and add one."""
    form = ThemeForm()
    if not form.validate_on_submit():
        return _labels(form), 422 if form.is_submitted() else 200
    try:
        theme_service.add_theme(form.name.data or "", form.words.data or "", actor=current_user.name)
    except Refused as refusal:
        form.name.errors = [refusal.sentence(_)]
        return _labels(form), refusal.status
    return redirect(url_for("comments.labels"), code=303)


def _labels(form: ThemeForm) -> str:
    return render_template("comments/labels.html", form=form, themes=comment_themes.list_themes())


@blueprint.post("/comments/labels/usual")
@requires("comment.review")
def usual_labels() -> BaseResponse:
    """Add the labels that most bureaus use."""
    theme_service.add_usual_themes(actor=current_user.name)
    return redirect(url_for("comments.labels"), code=303)


@blueprint.post("/comments/labels/<int(max=2147483647):theme_id>")
@requires("comment.review")
def change_label(theme_id: int) -> Any:
    """Rename a label, change its words, or put it aside."""
    form = request.form
    name, words = form.get("name", ""), form.get("words", "")
    try:
        theme_service.change_theme(theme_id, name=name, words=words, active="active" in form, actor=current_user.name)
    except NotFound:
        raise
    except Refused as refusal:
        flash(refusal.sentence(_), "error")
    return redirect(url_for("comments.labels"), code=303)


def audience_name(code: str) -> str:
    """Write who may read a comment."""
    return str(AUDIENCES.get(code, code))


def rejection(code: str) -> str:
    """Write why a comment was rejected."""
    return str(REASONS.get(code, code))


def review_state(code: str) -> str:
    """Write the state of a comment's review."""
    return str(STATES.get(code, code))


for _word in (audience_name, rejection, review_state):
    blueprint.add_app_template_filter(_word)
