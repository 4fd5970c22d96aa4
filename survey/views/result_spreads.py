"""How targets spread: the funnel with its limits, and this year beside the last one."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext as _

from survey.access import requires
from survey.analysis import charts, unit_charts
from survey.analysis.unit_charts import Limits, Point, Step
from survey.errors import NotFound
from survey.queries import findings, results, unit_lists
from survey.queries.results import EvaluationHead, Row
from survey.services.figure_texts import points
from survey.services.result_words import worded
from survey.services.year_findings import direction
from survey.views import result_words
from survey.views.result_charts import pair, shown_interval
from survey.views.result_lists import Listing, bureau_head, listing, page_number


@requires("results.read")
def funnel(campaign_id: int, relation: str) -> str:
    """Show which targets lie outside what chance and the usual spread explain."""
    head = bureau_head(campaign_id, relation)
    shown, found = _funnel_list(head), findings.finding_parts(head).funnel
    limits = _limits(found)
    return render_template(
        "results/funnel.html",
        head=head,
        funnel=found,
        listing=shown,
        chart=unit_charts.funnel(_points(shown.rows), limits, label=_funnel_label(), words=_axes()) if limits else None,
        unit_names=results.unit_names(head, {shown.wanted.unit, *(row.unit for row in shown.rows)}),
    )


def _funnel_list(head: EvaluationHead) -> Listing:
    fixed = {"campaign_id": head.campaign.id, "relation": head.relation}
    return listing(head, request.args.get("unit", ""), "results.funnel", fixed)


def _limits(found: results.Record | None) -> Limits | None:
    if found is None or not found.get("sigma2"):
        return None
    return Limits(centre=found["centre"], sigma2=found["sigma2"], tau2=found["tau2"])


def _points(rows: Sequence[Row]) -> list[Point]:
    return [
        Point(name=row.name, n=row.record["valid"], score=row.record["score"], outside=row.outside)
        for row in rows
        if row.record["score"] is not None
    ]


def _funnel_label() -> str:
    return str(_("Scores by number of ballots, with the limits of the funnel"))


def _axes() -> tuple[str, str]:
    return str(_("→ valid ballots")), str(_("↑ score (0–100)"))


@requires("results.read")
def funnel_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of the funnel, for the same targets as its page."""
    head = bureau_head(campaign_id, relation)
    limits = _limits(findings.finding_parts(head).funnel)
    if limits is None:
        raise NotFound(_("There is no such chart in these results."))
    words = charts.Words(label=_funnel_label(), axis=_("Valid ballots"))
    figure = unit_charts.funnel_figure(_points(_funnel_list(head).rows), limits, words=words, axis=_("Score (0–100)"))
    return jsonify(figure)


@dataclass(frozen=True, kw_only=True)
class Years:
    """One page of units in two releases; past: the whole evaluation then, None without an earlier release."""

    past: EvaluationHead | None
    rows: Sequence[tuple[Row, Row | None]]
    page: int
    pages: int


@requires("results.read")
def years(campaign_id: int, relation: str) -> str:
    """Show this year beside the last one: the whole, every unit, every item."""
    head = bureau_head(campaign_id, relation)
    found, parts = _years(head), findings.finding_parts(head)
    wording = results.questionnaires([head]).get(head.questionnaire_id)
    return render_template(
        "results/years.html",
        head=head,
        past=found.past,
        rows=found.rows,
        page=found.page,
        pages=found.pages,
        summary=parts.years,
        items=[row for row in parts.items if row["change"]],
        texts={item.code: worded(item.text) for item in wording.items} if wording else {},
        change=result_words.change_sentence(head.change, head.campaign.year),
        course=result_words.course_sentence(head.course),
        chart=unit_charts.steps(_steps(head, found), label=_years_label()),
    )


def _years(head: EvaluationHead) -> Years:
    units = unit_lists.list_units(head, page_number())
    before = results.earlier_head(head)
    same = unit_lists.same_units(before, [row.code for row in units.rows]) if before else {}
    rows = [(row, same.get(row.code)) for row in units.rows]
    return Years(past=before, rows=rows, page=units.page, pages=units.pages)


def _years_label() -> str:
    return str(_("Last year and this year with their intervals"))


def _steps(head: EvaluationHead, found: Years) -> list[Step]:
    if found.past is None or head.overall["score"] is None or found.past.overall["score"] is None:
        whole = []
    else:
        whole = [_step(_("All together"), found.past.overall, head.overall, head.overall["valid"], None)]
    rows = [(row, past) for row, past in found.rows if past is not None]
    return whole + [
        _step(row.name, past.record, row.record, row.record["ballots"], (row.findings or {}).get("change"))
        for row, past in rows
        if row.record["score"] is not None and past.record["score"] is not None
    ]


def _step(name: str, last: results.Record, this: results.Record, n: int, change: results.Record | None) -> Step:
    return Step(
        name=name,
        last=last["score"],
        last_interval=pair(shown_interval(last)),
        this=this["score"],
        this_interval=pair(shown_interval(this)),
        value=f"{points(last['score'])} → {points(this['score'])} (n = {n})",
        direction=direction(change),
    )


@requires("results.read")
def years_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of two years."""
    head = bureau_head(campaign_id, relation)
    found = _years(head)
    past = str(found.past.campaign.year) if found.past else ""
    words = charts.Words(label=_years_label(), axis=_("Score (0–100)"), levels=[past, str(head.campaign.year)])
    return jsonify(unit_charts.steps_figure(_steps(head, found), words=words))


ADDRESS = "/results/<int(max=2147483647):campaign_id>/<relation>"


def register(blueprint: Blueprint) -> None:
    """Add these pages to those of results."""
    for rule, view in (
        ("/funnel", funnel),
        ("/funnel.json", funnel_chart),
        ("/years", years),
        ("/years.json", years_chart),
    ):
        blueprint.add_url_rule(ADDRESS + rule, view_func=view)
