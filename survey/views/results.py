"""Pages of released results: the cube as tables and charts; a school sees itself only, with coarser figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from survey.access import check_school, own_school, requires
from survey.analysis import charts
from survey.analysis.estimates import Estimate, estimate
from survey.errors import NotFound
from survey.queries import findings, results
from survey.queries.outside import outside
from survey.queries.results import EvaluationHead, Record, Row, TargetFilter, TargetPage, Wording
from survey.views import result_charts, result_words
from survey.views.result_charts import ItemLine, Line, shown_interval
from survey.views.words import relation_name, worded

blueprint = Blueprint("results", __name__)
result_words.register(blueprint)

REFERENCE_ONLY = "public_education"
UNITS_A_PAGE = 50
PAIRS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of targets as this account may see them, and the addresses of its other pages and orders."""

    head: EvaluationHead
    wanted: TargetFilter
    found: TargetPage
    rows: Sequence[Row]
    endpoint: str
    fixed: Mapping[str, Any]

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, as arguments of the address."""
        unit = {} if "code" in self.fixed else {"unit": self.wanted.unit or None}
        order = "down" if self.wanted.descending else None
        return {**self.fixed, **unit, "q": self.wanted.search or None, "sort": self.wanted.sort, "order": order}

    def sorted_by(self, key: str) -> str:
        """Return the address of the list by a column, turned round if it is in this order already."""
        turn = self.wanted.sort == key and not self.wanted.descending
        return url_for(self.endpoint, **{**self.asked, "sort": key, "order": "down" if turn else None})


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
    texts = results.questionnaires(heads)
    return render_template(
        "results/overview.html",
        campaign=heads[0].campaign,
        cards=[_card(head, texts) for head in heads if head.relation != REFERENCE_ONLY],
        reference=[_card(head, texts) for head in heads if head.relation == REFERENCE_ONLY],
    )


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
    head = _bureau_head(campaign_id, relation)
    comparison, paired = results.comparisons(head)
    texts = results.questionnaires([head])
    lines = _lines(head, comparison, paired)
    page, pages, shown = _slice(lines, UNITS_A_PAGE)
    pairs = _pairs_of(comparison, paired)
    names = {line.row.code: line.row.name for line in lines}
    return render_template(
        "results/evaluation.html",
        **_card(head, texts),
        comparison=comparison,
        paired=paired,
        groups=[(tier, list(members)) for tier, members in groupby(shown, key=attrgetter("tier"))],
        page=page,
        pages=pages,
        tiers=len({line.tier for line in lines} - {None}),
        chart=charts.dots(result_charts.dots(shown), label=_("Scores with their intervals")),
        pairs=pairs,
        flagged=[result_words.pair_sentence(pair, names) for pair in pairs if pair["flag"]][:PAIRS_SHOWN],
        levels=result_words.level_names(head, texts.get(head.questionnaire_id)),
    )


def _bureau_head(campaign_id: int, relation: str) -> EvaluationHead:
    if own_school() is not None:
        raise NotFound(_("This page does not exist."))
    return results.find_head(campaign_id, relation)


def _pairs_of(comparison: Record | None, paired: Record | None) -> list[Record]:
    """Return the pairs, those that are flagged first."""
    pairs = (paired or comparison or {"pairs": []})["pairs"]
    return sorted(pairs, key=lambda pair: not pair["flag"])


def _lines(head: EvaluationHead, comparison: Record | None, paired: Record | None) -> list[Line]:
    """Return units, or targets of one common ballot, group by group and inside a group by code."""
    from survey.analysis.groups import indistinguishable_groups

    rows = _common_targets(head) if paired else results.units(head)
    records = [{"unit": row.code, "score": row.record["score"]} for row in rows]
    tiers = indistinguishable_groups(records, _pairs_of(comparison, paired))
    place = {code: tier for tier, codes in enumerate(tiers) for code in codes}
    lines = [Line(row=row, tier=place.get(row.code), interval=shown_interval(row.record)) for row in rows]
    return sorted(lines, key=lambda line: (len(tiers) if line.tier is None else line.tier, line.row.code))


def _common_targets(head: EvaluationHead) -> list[Row]:
    return list(results.list_targets(head, TargetFilter()).rows)


def _slice(entries: Sequence[Any], size: int) -> tuple[int, int, Sequence[Any]]:
    """Return the page asked for, the number of pages, and its entries."""
    pages = max(1, ceil(len(entries) / size))
    page = min(max(1, _page()), pages)
    return page, pages, entries[size * (page - 1) : size * page]


def _page() -> int:
    return request.args.get("page", 1, type=int)


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/chart.json")
@requires("results.read")
def units_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of an evaluation's units."""
    head = _bureau_head(campaign_id, relation)
    shown = _slice(_lines(head, *results.comparisons(head)), UNITS_A_PAGE)[2]
    words = charts.Words(label=_("Scores with their intervals"), axis=_("Score (0–100)"))
    return jsonify(charts.dots_figure(result_charts.dots(shown), words=words))


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/pairs")
@requires("results.read")
def pairs(campaign_id: int, relation: str) -> str:
    """List the comparisons of an evaluation, those that are flagged first."""
    head = _bureau_head(campaign_id, relation)
    comparison, paired = results.comparisons(head)
    page, pages, shown = _slice(_pairs_of(comparison, paired), results.ROWS)
    names = results.target_names(head) if paired else {row.code: row.name for row in results.units(head)}
    sides = {code: result_words.side_name(code, names) for pair in shown for code in (pair["a"], pair["b"])}
    return render_template(
        "results/pairs.html",
        head=head,
        comparison=comparison,
        paired=paired,
        pairs=shown,
        names=sides,
        page=page,
        pages=pages,
    )


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/tests")
@requires("results.read")
def tests(campaign_id: int, relation: str) -> str:
    """Show what further tests say about an evaluation, with all pairs of units and the quality of the scale."""
    head = _bureau_head(campaign_id, relation)
    found, scale = findings.evaluation_findings(head)
    units = found["units"] if found else None
    page, pages, shown = _slice(units["pairs"] if units else [], results.ROWS)
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    return render_template(
        "results/tests.html",
        head=head,
        lines=result_words.evaluation_lines(found, scale),
        pairs=shown,
        names={row.code: row.name for row in results.units(head)},
        page=page,
        pages=pages,
        scale=scale,
        texts={item.code: worded(item.text) for item in questionnaire.items} if questionnaire else {},
    )


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/targets")
@requires("results.read")
def targets(campaign_id: int, relation: str) -> str:
    """List targets by code; a score is no order to be read as a rank, so it must be asked for."""
    head = results.find_head(campaign_id, relation)
    names = {row.code: row.name for row in results.units(head)} if own_school() is None else {}
    listing = _listing(
        head, request.args.get("unit", ""), "results.targets", {"campaign_id": campaign_id, "relation": relation}
    )
    return render_template("results/targets.html", head=head, listing=listing, unit_names=names)


def _listing(head: EvaluationHead, unit: str, endpoint: str, fixed: Mapping[str, Any]) -> Listing:
    wanted = _filter(unit=unit)
    found = results.list_targets(head, wanted)
    return Listing(head=head, wanted=wanted, found=found, rows=_seen(found.rows), endpoint=endpoint, fixed=fixed)


def _filter(*, unit: str) -> TargetFilter:
    sort = request.args.get("sort", "code")
    return TargetFilter(
        unit=unit,
        school=own_school(),
        search=request.args.get("q", "").strip()[:100],
        sort=sort if sort in results.SORTS else "code",
        descending=request.args.get("order") == "down",
        page=_page(),
    )


def _seen(rows: Sequence[Row]) -> list[Row]:
    """Return rows as this account may see them."""
    return list(rows) if own_school() is None else [outside(row) for row in rows]


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/unit/<path:code>")
@requires("results.read")
def unit(campaign_id: int, relation: str, code: str) -> str:
    """Show one unit: its figures, its targets, and what can be said against other units."""
    head = _bureau_head(campaign_id, relation)
    row = results.find_unit(head, code)
    comparison, _paired = results.comparisons(head)
    names = {other.code: other.name for other in results.units(head)}
    own_pairs = [pair for pair in _pairs_of(comparison, None) if code in (pair["a"], pair["b"])]
    fixed = {"campaign_id": campaign_id, "relation": relation, "code": code}
    return render_template(
        "results/unit.html",
        head=head,
        unit=row,
        ring=result_charts.ring(row.record, row.name),
        flagged=[result_words.pair_sentence(pair, names) for pair in own_pairs if pair["flag"]],
        unclear=[result_words.pair_sentence(pair, names) for pair in own_pairs if not pair["flag"]],
        listing=_listing(head, code, "results.unit", fixed),
    )


@blueprint.get("/results/<int(max=2147483647):campaign_id>/school/<path:code>")
@requires("results.read")
def school(campaign_id: int, code: str) -> str:
    """Show what a campaign says about one school: its parents, its principal, its teachers."""
    check_school(code)
    heads = {head.relation: head for head in results.evaluation_heads(campaign_id)}
    seen = {relation: _seen(rows) for relation, rows in results.school_rows(campaign_id, code).items()}
    own, staff = seen["parent_school"], seen["student_teacher"]
    fixed = {"campaign_id": campaign_id, "code": code}
    return render_template(
        "results/school.html",
        campaign=next(iter(heads.values())).campaign,
        heads=heads,
        name=(own or staff)[0].name if own or staff else code,
        cards=[_view(heads[key], row) for key in ("parent_school", "teacher_principal") for row in seen[key]],
        staff=staff[0] if staff else None,
        staff_ring=result_charts.ring(staff[0].record, relation_name("student_teacher")) if staff else None,
        listing=_listing(heads["student_teacher"], code, "results.school", fixed) if staff else None,
        outsider=own_school() is not None,
    )


def _view(head: EvaluationHead, row: Row) -> dict[str, Any]:
    name = result_words.full_name(head, row)
    return {
        "head": head,
        "row": row,
        "ring": result_charts.ring(row.record, name),
        "sentence": result_words.target_sentence(head, row),
    }


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/target/<path:code>")
@requires("results.read")
def target(campaign_id: int, relation: str, code: str) -> str:
    """Show one target: score with its intervals, verdict, reliability, items; withheld figures with the reason."""
    head, row = _target(campaign_id, relation, code)
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    items = _items(row.record, questionnaire)
    past = results.last_year(head, code)
    levels = result_words.level_names(head, questionnaire)
    found = findings.target_findings(head, code) if own_school() is None else None
    return render_template(
        "results/target.html",
        **_view(head, row),
        dimensions=[(name, list(members)) for name, members in groupby(items, key=attrgetter("dimension"))],
        drawn=result_charts.drawn_items(items),
        unit_name=results.unit_name(head, row.unit),
        past=past,
        ruler=result_charts.ruler(head, row.record) if row.record["score"] is not None else None,
        edge=head.scheme.edge_distance(row.record["score"]) if row.record["score"] is not None else None,
        crosses=_crosses(head, row.record),
        chart=charts.stacks(result_charts.stacks(items, levels), label=_("Answers to each item")),
        levels=levels,
        colours=charts.palette(len(levels)),
        definition=result_words.satisfied_definition(head, questionnaire),
        further=result_words.target_lines(found),
        estimate=_estimate(head, row, found) if found else None,
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
    return head, _seen([row])[0]


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


def _crosses(head: EvaluationHead, record: Record) -> bool:
    ends = shown_interval(record) if record["score"] is not None else None
    return ends is not None and head.scheme.crosses_edge(ends[0], ends[1])


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/items.json")
@requires("results.read")
def items_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of a target's items; its code stands in `target`."""
    head, row = _target(campaign_id, relation, request.args.get("target", ""))
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    levels = result_words.level_names(head, questionnaire)
    words = charts.Words(label=_("Answers to each item"), levels=list(levels.values()))
    return jsonify(charts.stacks_figure(result_charts.stacks(_items(row.record, questionnaire), levels), words=words))
