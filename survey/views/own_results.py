"""A rated person's own results (本人结果): her figures as coarse as they leave the bureau, comments, and her reply."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from survey.access import own_school, requires
from survey.analysis import charts, item_charts
from survey.analysis.item_standings import standings
from survey.errors import NotFound, Refused
from survey.forms.own_results import ReplyForm
from survey.queries import findings, results
from survey.queries import own_results as query
from survey.queries.campaigns import find_campaign
from survey.queries.comments import chip_lines, quotes
from survey.queries.outside import outside, outside_past
from survey.queries.own_results import Own
from survey.queries.results import EvaluationHead, Record, Row, Wording
from survey.queries.tokens import staff_code_of
from survey.services.result_words import worded
from survey.services.target_replies import MOST_TEXT, write_reply
from survey.views import result_charts, result_words
from survey.views.result_charts import ItemLine

blueprint = Blueprint("own_results", __name__)
PLACE = "/own/<int(max=2147483647):campaign_id>/<relation>"
# Points that an item must lie apart from the others to be called strong or weak (STATISTICS §1).
MARGIN = 2.5
# Kinds of documents and their words.
REPORTS = (("word", "Word"), ("pdf", "PDF"))


def _staff_code() -> str:
    return staff_code_of(current_user.id) or ""


@blueprint.get("/own")
@requires("own.read")
def index() -> str:
    """List the released evaluations of the person who is logged in."""
    return render_template("own_results/index.html", found=query.own_results(_staff_code()))


@blueprint.get(PLACE)
@requires("own.read")
def page(campaign_id: int, relation: str) -> str:
    """Show one evaluation of the person who is logged in, and nobody else's."""
    own = query.find_own(_staff_code(), campaign_id, relation)
    newest = query.reply_of(campaign_id, own.head.id, own.row.code)
    return _page(own, ReplyForm(text=newest.text if newest else ""))


@blueprint.post(PLACE)
@requires("own.read")
def reply(campaign_id: int, relation: str) -> Any:
    """Keep a version of her reply."""
    own = query.find_own(_staff_code(), campaign_id, relation)
    form = ReplyForm()
    if not form.validate_on_submit():
        return _page(own, form), 422
    try:
        write_reply(_staff_code(), campaign_id, relation, form.text.data or "", actor=current_user.name)
    except Refused as refusal:
        form.text.errors = [refusal.sentence(_)]
        return _page(own, form), refusal.status
    flash(_("Your reply is kept. The bureau reads it, and it stands in your report."))
    return redirect(url_for("own_results.page", campaign_id=campaign_id, relation=relation) + "#reply", code=303)


def _page(own: Own, form: ReplyForm) -> str:
    head, exact = own.head, own.row
    row = outside(exact)
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    items = {line.code: line for line in _items(row.record, questionnaire)}
    levels = result_words.level_names(head, questionnaire)
    ordered = _ordered(row.record, items)
    # A code that was given to somebody else since bears another name.
    past = outside_past(results.last_year(head, row.code, name=row.name))
    drawn = [line for _side, line in ordered]
    return render_template(
        "own_results/page.html",
        head=head,
        row=row,
        own=own,
        ring=result_charts.ring(row.record, row.name),
        sentence=result_words.target_sentence(head, row),
        strong=[line for side, line in ordered if side > 0],
        weak=[line for side, line in reversed(ordered) if side < 0],
        items=drawn,
        hidden=[line for code, line in items.items() if line not in drawn],
        levels=levels,
        colours=charts.palette(len(levels)),
        chart=item_charts.diverging(result_charts.stacks(drawn, levels), label=_("Answers to each item")),
        drawn=result_charts.drawn_items(drawn),
        past=_past(past.record) if past else None,
        past_year=past.year if past else 0,
        year_change=_change(head, row.code) if past else None,
        overall=_overall(head),
        edge=head.scheme.edge_distance(row.record["score"]) if row.record["score"] is not None else None,
        definition=result_words.satisfied_definition(head, questionnaire),
        chips=_chips(head, exact, questionnaire),
        comments=quotes(head.id, row.code, reader="person"),
        reports=_reports(head),
        form=form,
        most=MOST_TEXT,
        versions=query.reply_versions(head.id, row.code),
        open=head.campaign.state == "released",
    )


def _items(record: Record, questionnaire: Wording | None) -> list[ItemLine]:
    texts = {item.code: worded(item.text) for item in questionnaire.items} if questionnaire else {}
    order = [*(code for code in texts if code in record["items"]), *(c for c in record["items"] if c not in texts)]
    return [ItemLine(code=c, text=texts.get(c, c), dimension="", record=record["items"][c]) for c in order]


def _ordered(record: Record, items: dict[str, ItemLine]) -> list[tuple[int, ItemLine]]:
    """Return the items whose score she may see, best first, with 1 or -1 where they surely stand out.

    Ordered by what is shown: the order of exact scores would tell more.
    """
    return [(one.side, items[one.item]) for one in standings(record["items"], margin=MARGIN)]


def _past(record: Record) -> Record | None:
    return record if record["score"] is not None else None


def _change(head: EvaluationHead, code: str) -> Record | None:
    found = findings.target_findings(head, code)
    return found.get("change") if found else None


def _overall(head: EvaluationHead) -> Record | None:
    """Return the bureau's mean, unless it is one of so few that it would tell of single colleagues."""
    shown = head.overall["score"] is not None and head.overall["rated"] >= query.FEWEST_COLLEAGUES
    return head.overall if shown else None


def _chips(head: EvaluationHead, row: Row, questionnaire: Wording | None) -> list[tuple[str, float]]:
    texts = {chip.code: worded(chip.text) for chip in questionnaire.chips} if questionnaire else {}
    lines = chip_lines(head, row.code, row.record, outside=True)
    return [(texts[line.chip], line.share) for line in lines if line.chip in texts]


def _reports(head: EvaluationHead) -> list[tuple[str, str]]:
    """Return the addresses of her documents."""
    number, relation = head.campaign.id, head.relation
    return [
        (url_for("reports.own_document", campaign_id=number, relation=relation, kind=kind), name)
        for kind, name in REPORTS
    ]


@blueprint.get("/replies/<int(max=2147483647):campaign_id>")
@requires("results.read")
def replies(campaign_id: int) -> str:
    """List what rated persons replied to their results, for the bureau."""
    campaign = find_campaign(campaign_id)
    if own_school() is not None or campaign.state not in ("released", "archived"):
        raise NotFound(_("This page does not exist."))
    found, page, pages = query.list_replies(campaign_id, page=request.args.get("page", 1, type=int))
    return render_template("own_results/replies.html", campaign=campaign, found=found, page=page, pages=pages)
