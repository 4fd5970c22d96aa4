"""Pages of released results: the cube as tables and charts; a school sees itself only, with coarser figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _

from survey.access import own_school, requires
from survey.analysis import charts
from survey.queries import findings, results, target_lists, unit_lists
from survey.queries import pairs as pairs_query
from survey.queries.pairs import Compared
from survey.queries.results import EvaluationHead, Record, Wording
from survey.services.result_words import relation_name, worded
from survey.views import (
    result_charts,
    result_items,
    result_overviews,
    result_places,
    result_spreads,
    result_targets,
    result_words,
)
from survey.views.result_charts import Line, shown_interval
from survey.views.result_lists import bureau_head, cut, page_number

blueprint = Blueprint("results", __name__)
for part in (result_words, result_targets, result_items, result_places, result_spreads):
    part.register(blueprint)

PAIRS_SHOWN = 20


@blueprint.get("/results")
@requires("results.read")
def index() -> str:
    """List the campaigns whose results are out."""
    return render_template(
        "results/index.html", campaigns=results.released_campaigns(own_school()), school=own_school()
    )


@blueprint.get("/results/<int(max=2147483647):campaign_id>")
@requires("results.read")
def overview(campaign_id: int) -> Any:
    """Show the circles of a campaign; a school goes to its own page."""
    school = own_school()
    if school is not None:
        return redirect(url_for("results.school", campaign_id=campaign_id, code=school), code=303)
    heads = results.evaluation_heads(campaign_id)
    return render_template("results/overview.html", **result_overviews.overview(heads))


def _card(head: EvaluationHead, texts: Mapping[int, Wording]) -> dict[str, Any]:
    # What is withheld as a whole is not said to have risen or fallen.
    shown = head.overall["score"] is not None
    return {
        "head": head,
        "ring": result_charts.ring(head.overall, relation_name(head.relation)),
        "definition": result_words.satisfied_definition(head, texts.get(head.questionnaire_id)),
        "change": result_words.change_sentence(head.change, head.campaign.year) if shown else "",
        "course": result_words.course_sentence(head.course) if shown else "",
    }


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>")
@requires("results.read")
def evaluation(campaign_id: int, relation: str) -> str:
    """Show one evaluation: its units in groups instead of a ranking, the tests, the reliability, the scheme."""
    head = bureau_head(campaign_id, relation)
    found, texts = pairs_query.compared(head), results.questionnaires([head])
    page = _lines(head, found)
    names = _names(head, found, flagged := pairs_query.flagged_pairs(head, found, PAIRS_SHOWN))
    return render_template(
        "results/evaluation.html",
        **_card(head, texts),
        compared=found,
        groups=[(tier, list(members)) for tier, members in groupby(page.lines, key=attrgetter("tier"))],
        page=page.page,
        pages=page.pages,
        tiers=page.tiers,
        chart=result_charts.drawn_dots(page.lines, result_charts.margin_band(head)),
        flagged=[result_words.pair_sentence(pair, names) for pair in flagged],
        levels=result_words.level_names(head, texts.get(head.questionnaire_id)),
    )


@dataclass(frozen=True, kw_only=True)
class Lines:
    """One page of units, or of targets on one ballot, group by group."""

    lines: Sequence[Line]
    page: int
    pages: int
    tiers: int


def _lines(head: EvaluationHead, found: Compared) -> Lines:
    """Return units, or targets of one common ballot, group by group and inside a group by code."""
    if found.paired is not None:
        return _paired_lines(head)
    units = unit_lists.list_units(head, page_number())
    lines = [Line(row=row, tier=row.tier, interval=shown_interval(row.record)) for row in units.rows]
    return Lines(lines=lines, page=units.page, pages=units.pages, tiers=units.tiers)


def _paired_lines(head: EvaluationHead) -> Lines:
    from survey.analysis.groups import indistinguishable_groups

    rows = target_lists.list_targets(head, target_lists.TargetFilter()).rows
    records = [{"unit": row.code, "score": row.record["score"]} for row in rows]
    tiers = indistinguishable_groups(records, pairs_query.paired_rows(head))
    place = {code: tier for tier, codes in enumerate(tiers) for code in codes}
    lines = [Line(row=row, tier=place.get(row.code), interval=shown_interval(row.record)) for row in rows]
    lines.sort(key=lambda line: (len(tiers) if line.tier is None else line.tier, line.row.code))
    page, pages, shown = cut(lines, unit_lists.ROWS)
    return Lines(lines=shown, page=page, pages=pages, tiers=len(tiers))


def _names(head: EvaluationHead, found: Compared, shown: Iterable[Record]) -> dict[str, str]:
    """Return the names of both sides of pairs."""
    codes = {pair[side] for pair in shown for side in ("a", "b")}
    known = results.target_names(head) if found.paired else results.unit_names(head, codes)
    return {code: result_words.side_name(code, known) for code in codes}


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/chart.json")
@requires("results.read")
def units_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of an evaluation's units."""
    head = bureau_head(campaign_id, relation)
    shown = _lines(head, pairs_query.compared(head)).lines
    words = charts.Words(label=_("Scores with their intervals"), axis=_("Score (0–100)"))
    band = result_charts.margin_band(head)
    return jsonify(charts.dots_figure(result_charts.dots(shown), words=words, band=band))


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/pairs")
@requires("results.read")
def pairs(campaign_id: int, relation: str) -> str:
    """List the comparisons of an evaluation, those that are flagged first."""
    head = bureau_head(campaign_id, relation)
    found = pairs_query.compared(head)
    shown = pairs_query.pair_page(head, found, page_number())
    return render_template(
        "results/pairs.html",
        head=head,
        paired=found.paired,
        pairs=shown.rows,
        names=_names(head, found, shown.rows),
        page=shown.page,
        pages=shown.pages,
    )


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/tests")
@requires("results.read")
def tests(campaign_id: int, relation: str) -> str:
    """Show what further tests say about an evaluation, with all pairs of units and the quality of the scale."""
    head = bureau_head(campaign_id, relation)
    found, scale = findings.evaluation_findings(head)
    units = found["units"] if found else None
    page, pages, shown = cut(units["pairs"] if units else [], target_lists.ROWS)
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    return render_template(
        "results/tests.html",
        head=head,
        lines=result_words.evaluation_lines(found, scale),
        pairs=shown,
        names=results.unit_names(head, {pair[side] for pair in shown for side in ("a", "b")}),
        page=page,
        pages=pages,
        scale=scale,
        texts={item.code: worded(item.text) for item in questionnaire.items} if questionnaire else {},
    )
