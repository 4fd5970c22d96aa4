"""Pages of what is rated: lists of targets, one unit, one school, one target; a school sees itself only, coarser."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext as _

from survey.access import check_school, own_school, requires
from survey.analysis import charts, item_charts
from survey.analysis.estimates import Estimate, estimate
from survey.analysis.item_standings import standings
from survey.queries import findings, own_results, results, school_items
from survey.queries.outside import outside_past
from survey.queries.pairs import pairs_of
from survey.queries.results import EvaluationHead, Record, Row, Wording
from survey.services.result_words import relation_name, worded
from survey.views import result_charts, result_words
from survey.views.result_charts import ItemLine, shown_interval
from survey.views.result_lists import Listing, bureau_head, listing, seen

MOST_PAIRS = 100
MOST_FIRST = 3


@requires("results.read")
def targets(campaign_id: int, relation: str) -> str:
    """List targets by code; a score is no order to be read as a rank, so it must be asked for."""
    head = results.find_head(campaign_id, relation)
    fixed = {"campaign_id": campaign_id, "relation": relation}
    shown = listing(head, request.args.get("unit", ""), "results.targets", fixed)
    names = {} if own_school() is not None else results.unit_names(head, _units_of(shown))
    return render_template("results/targets.html", head=head, listing=shown, unit_names=names)


def _units_of(shown: Listing) -> set[str]:
    return {shown.wanted.unit, *(row.unit for row in shown.rows)}


@requires("results.read")
def unit(campaign_id: int, relation: str, code: str) -> str:
    """Show one unit: its figures, its targets, and what can be said against other units."""
    head = bureau_head(campaign_id, relation)
    row = results.find_unit(head, code)
    own_pairs = pairs_of(head, code, most=MOST_PAIRS)
    names = results.unit_names(head, {pair[side] for pair in own_pairs for side in ("a", "b")})
    fixed = {"campaign_id": campaign_id, "relation": relation, "code": code}
    return render_template(
        "results/unit.html",
        head=head,
        unit=row,
        ring=result_charts.ring(row.record, row.name),
        flagged=[result_words.pair_sentence(pair, names) for pair in own_pairs if pair["flag"]],
        unclear=[result_words.pair_sentence(pair, names) for pair in own_pairs if not pair["flag"]],
        listing=listing(head, code, "results.unit", fixed),
    )


@requires("results.read")
def school(campaign_id: int, code: str) -> str:
    """Show what a campaign says about one school: its parents, its principal, its teachers."""
    check_school(code)
    heads = {head.relation: head for head in results.evaluation_heads(campaign_id)}
    known = {relation: seen(rows) for relation, rows in results.school_rows(campaign_id, code).items()}
    own, staff = known["parent_school"], known["student_teacher"]
    fixed = {"campaign_id": campaign_id, "code": code}
    return render_template(
        "results/school.html",
        campaign=next(iter(heads.values())).campaign,
        heads=heads,
        code=code,
        name=(own or staff)[0].name if own or staff else code,
        cards=[_view(heads[key], row) for key in ("parent_school", "teacher_principal") for row in known[key]],
        staff=staff[0] if staff else None,
        staff_ring=result_charts.ring(staff[0].record, relation_name("student_teacher")) if staff else None,
        listing=listing(heads["student_teacher"], code, "results.school", fixed) if staff else None,
        outsider=own_school() is not None,
        **_own_items(heads.get(school_items.RELATION), campaign_id, code),
    )


def _own_items(head: EvaluationHead | None, campaign_id: int, code: str) -> dict[str, Any]:
    """Return what the school page says of the school's own items, nothing where there are none."""
    items = school_items.released_items(campaign_id, code, outsider=own_school() is not None) if head else []
    if head is None or not items:
        return {"own_items": ()}
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    return {
        "own_items": items,
        "own_levels": result_words.level_names(head, questionnaire),
        "own_definition": result_words.satisfied_definition(head, questionnaire),
        "own_floor": head.scheme.floors.item,
    }


def _view(head: EvaluationHead, row: Row) -> dict[str, Any]:
    name = result_words.full_name(head, row)
    return {
        "head": head,
        "row": row,
        "ring": result_charts.ring(row.record, name),
        "sentence": result_words.target_sentence(head, row),
    }


@requires("results.read")
def target(campaign_id: int, relation: str, code: str) -> str:
    """Show one target: score with its intervals, verdict, reliability, items; withheld figures with the reason."""
    head, row = _target(campaign_id, relation, code)
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    items = _items(row.record, questionnaire)
    past = results.last_year(head, code, school=own_school())
    levels = result_words.level_names(head, questionnaire)
    found = findings.target_findings(head, code) if own_school() is None else None
    return render_template(
        "results/target.html",
        **_view(head, row),
        dimensions=[(name, list(members)) for name, members in groupby(items, key=attrgetter("dimension"))],
        drawn=result_charts.drawn_items(items),
        **_to_improve(head, row.record, items),
        unit_name=results.unit_name(head, row.unit),
        past=past if own_school() is None else outside_past(past),
        ruler=result_charts.ruler(head, row.record) if row.record["score"] is not None else None,
        edge=head.scheme.edge_distance(row.record["score"]) if row.record["score"] is not None else None,
        crosses=_crosses(head, row.record),
        chart=item_charts.diverging(result_charts.stacks(items, levels), label=_("Answers to each item")),
        levels=levels,
        colours=charts.palette(len(levels)),
        definition=result_words.satisfied_definition(head, questionnaire),
        further=result_words.target_lines(found),
        year_change=found.get("change") if found else None,
        estimate=_estimate(head, row, found) if found else None,
        reply=own_results.reply_of(campaign_id, head.id, code) if own_school() is None else None,
        outsider=own_school() is not None,
    )


def _estimate(head: EvaluationHead, row: Row, found: Record) -> Estimate:
    """Return the target's score with all that it must carry."""
    return estimate(row.record, identity=findings.identity(head), scheme=head.scheme, classes=found["classes"])


def _target(campaign_id: int, relation: str, code: str) -> tuple[EvaluationHead, Row]:
    """Return a target as this account may see it; raise NotFound for another school's."""
    head = results.find_head(campaign_id, relation)
    # Filtered, not checked: another school's target must read exactly like one that is not there.
    row = results.find_target(head, code, school=own_school())
    return head, seen([row])[0]


def _items(record: Record, questionnaire: Wording | None) -> list[ItemLine]:
    """Return a target's items in the order of the questionnaire, then those that it does not know."""
    known = questionnaire.items if questionnaire else ()
    dimensions = {row.code: worded(row.text) for row in questionnaire.dimensions} if questionnaire else {}
    texts = {item.code: (worded(item.text), dimensions[item.dimension]) for item in known}
    codes = [*(code for code in texts if code in record["items"]), *(c for c in record["items"] if c not in texts)]
    return [
        ItemLine(
            code=code,
            text=texts.get(code, (code, ""))[0],
            dimension=texts.get(code, (code, ""))[1],
            record=record["items"][code],
        )
        for code in codes
    ]


def _to_improve(head: EvaluationHead, record: Record, items: Sequence[ItemLine]) -> dict[str, list[ItemLine]]:
    """Return the items that surely lie below the target's others, and the lowest, sure or not; the lowest first."""
    lines = {line.code: line for line in items}
    upwards = standings(record["items"], margin=head.scheme.margin)[::-1]
    return {
        "first": [lines[one.item] for one in upwards if one.side < 0][:MOST_FIRST],
        "lowest": [lines[one.item] for one in upwards if one.interval][:MOST_FIRST],
    }


def _crosses(head: EvaluationHead, record: Record) -> bool:
    ends = shown_interval(record) if record["score"] is not None else None
    return ends is not None and head.scheme.crosses_edge(ends[0], ends[1])


@requires("results.read")
def items_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of a target's items; its code stands in `target`."""
    head, row = _target(campaign_id, relation, request.args.get("target", ""))
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    levels = result_words.level_names(head, questionnaire)
    words = charts.Words(label=_("Answers to each item"), levels=list(levels.values()))
    return jsonify(
        item_charts.diverging_figure(result_charts.stacks(_items(row.record, questionnaire), levels), words=words)
    )


ADDRESS = "/results/<int(max=2147483647):campaign_id>"


def register(blueprint: Blueprint) -> None:
    """Add these pages to those of results."""
    for rule, view in (
        ("/<relation>/targets", targets),
        ("/<relation>/unit/<path:code>", unit),
        ("/school/<path:code>", school),
        ("/<relation>/target/<path:code>", target),
        ("/<relation>/items.json", items_chart),
    ):
        blueprint.add_url_rule(ADDRESS + rule, view_func=view)
