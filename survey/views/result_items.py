"""Pages of items: all items of an evaluation with what matters most, units × items, and one item everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from statistics import fmean, median

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext as _

from survey.access import requires
from survey.analysis import charts, item_charts
from survey.analysis.charts import Stack
from survey.analysis.item_charts import Spot
from survey.errors import NotFound
from survey.queries import findings, results, unit_lists
from survey.queries.results import EvaluationHead, Record, Row, Wording
from survey.services.result_words import worded
from survey.views import result_words
from survey.views.result_charts import pair
from survey.views.result_lists import bureau_head, listing, page_number

FIRST = 3
# How far a unit's score of an item lies from the item's own, in margins: the shades of the heat table.
SHADES = ((-2.0, "low2"), (-1.0, "low1"), (1.0, "even"), (2.0, "high1"))


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item: its number on the page, wording, dimension, record of the findings; first: among those to fix first."""

    number: int
    code: str
    text: str
    dimension: str
    record: Record
    first: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the heat table: score in points, None where nothing is shown, of how many targets, and its shade."""

    score: float | None
    targets: int
    shade: str


@requires("results.read")
def items(campaign_id: int, relation: str) -> str:
    """Show all items of an evaluation: answers, importance against score, change, and units × items."""
    head = bureau_head(campaign_id, relation)
    texts = results.questionnaires([head]).get(head.questionnaire_id)
    found, levels = _items(head, texts), result_words.level_names(head, texts)
    spots = _spots(found)
    units = unit_lists.list_units(head, page_number())
    return render_template(
        "results/items.html",
        head=head,
        dimensions=[(name, list(members)) for name, members in groupby(found, key=attrgetter("dimension"))],
        items=found,
        levels=levels,
        colours=charts.palette(len(levels)),
        bars=item_charts.diverging(_stacks(found, levels), label=_("Answers to each item")),
        matrix=item_charts.matrix(spots, label=_matrix_label(), words=_axes(), centre=_centre(spots))
        if spots
        else None,
        first=[item for item in found if item.first],
        years=findings.finding_parts(head).years,
        heat=[(row, [_cell(row, item, head) for item in found]) for row in units.rows],
        page=units.page,
        pages=units.pages,
    )


def _items(head: EvaluationHead, texts: Wording | None) -> list[Item]:
    """Return the items in the order of the questionnaire."""
    dimensions = {row.code: worded(row.text) for row in texts.dimensions} if texts else {}
    wording = {item.code: (worded(item.text), dimensions[item.dimension]) for item in texts.items} if texts else {}
    rows = findings.finding_parts(head).items
    first = {row["item"] for row in first_to_fix(rows)}
    return [
        Item(
            number=number,
            code=row["item"],
            text=wording.get(row["item"], (row["item"], ""))[0],
            dimension=wording.get(row["item"], (row["item"], ""))[1],
            record=row,
            first=row["item"] in first,
        )
        for number, row in enumerate(rows, start=1)
    ]


def first_to_fix(rows: Sequence[Record]) -> list[Record]:
    """Return the items that stand significantly below the others, the furthest first, at most `FIRST`."""
    weak = [row for row in rows if row["gap_flag"] and row["gap"] < 0]
    return sorted(weak, key=lambda row: float(row["gap"]))[:FIRST]


def _stacks(found: Sequence[Item], levels: Mapping[int, str]) -> list[Stack]:
    rows = [(item, [item.record["counts"][str(level)] for level in levels]) for item in found if item.record["counts"]]
    return [Stack(name=item.text, shares=[n / sum(row) for n in row], n=sum(row)) for item, row in rows]


def _spots(found: Sequence[Item]) -> list[Spot]:
    return [
        Spot(
            number=item.number,
            name=item.text,
            score=item.record["score"],
            score_interval=pair(item.record["ci"]),
            importance=item.record["importance"],
            importance_interval=pair(item.record["importance_ci"]),
            weak=item.first,
        )
        for item in found
        if item.record["score"] is not None and item.record["importance"] is not None
    ]


def _centre(spots: Sequence[Spot]) -> tuple[float, float]:
    return fmean(spot.score for spot in spots), median(spot.importance for spot in spots)


def _axes() -> tuple[str, str]:
    return str(_("→ score (0–100)")), str(_("↑ importance (correlation)"))


def _matrix_label() -> str:
    return str(_("Importance of items against their scores"))


def _cell(row: Row, item: Item, head: EvaluationHead) -> Cell:
    kept = (row.findings or {}).get("items") or {}
    figures = kept.get(item.code, {"score": None, "targets": 0})
    score, own = figures["score"], item.record["score"]
    if score is None or own is None:
        return Cell(score=None, targets=0, shade="none")
    away = (score - own) / (head.scheme.margin or 1.0)
    shade = next((name for limit, name in SHADES if away < limit), "high2")
    return Cell(score=score, targets=figures["targets"], shade=shade)


@requires("results.read")
def matrix_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of importance against score."""
    head = bureau_head(campaign_id, relation)
    spots = _spots(_items(head, results.questionnaires([head]).get(head.questionnaire_id)))
    if not spots:
        raise NotFound(_("There is no such item in these results."))
    words = charts.Words(label=_matrix_label(), axis=_("Score (0–100)"))
    axis = str(_("Importance (correlation)"))
    return jsonify(item_charts.matrix_figure(spots, words=words, axis=axis, centre=_centre(spots)))


@requires("results.read")
def answers_chart(campaign_id: int, relation: str) -> Response:
    """Return the interactive figure of the answers to all items."""
    head = bureau_head(campaign_id, relation)
    texts = results.questionnaires([head]).get(head.questionnaire_id)
    levels = result_words.level_names(head, texts)
    words = charts.Words(label=_("Answers to each item"), levels=list(levels.values()))
    return jsonify(item_charts.diverging_figure(_stacks(_items(head, texts), levels), words=words))


@requires("results.read")
def item(campaign_id: int, relation: str, item: str) -> str:
    """Show one item everywhere: its answers as a whole, and its figures for every target."""
    head = bureau_head(campaign_id, relation)
    texts = results.questionnaires([head]).get(head.questionnaire_id)
    found, levels = _items(head, texts), result_words.level_names(head, texts)
    chosen = next((one for one in found if one.code == item), None)
    if chosen is None:
        raise NotFound(_("There is no such item in these results."))
    fixed = {"campaign_id": campaign_id, "relation": relation, "item": item}
    shown = listing(head, request.args.get("unit", ""), "results.item", fixed)
    return render_template(
        "results/item.html",
        head=head,
        item=chosen,
        items=found,
        listing=shown,
        unit_names=results.unit_names(head, {shown.wanted.unit, *(row.unit for row in shown.rows)}),
        levels=levels,
        colours=charts.palette(len(levels)),
        bar=item_charts.diverging(_stacks([chosen], levels), label=chosen.text),
        strips=[_strip(row, chosen.code, levels) for row in shown.rows],
    )


def _strip(row: Row, code: str, levels: Mapping[int, str]) -> tuple[Row, Record, charts.Svg | None]:
    """Return a target with its figures of the item and a bar of its answers, where they are shown."""
    figures = row.record["items"].get(code) or {"n": 0, "score": None, "counts": None}
    if figures["score"] is None:
        return row, figures, None
    answers = [figures["counts"][str(level)] for level in levels]
    shares = [n / sum(answers) for n in answers]
    return row, figures, charts.strip(shares, label=_strip_label(levels, shares))


def _strip_label(levels: Mapping[int, str], shares: Sequence[float]) -> str:
    return str(_(", ")).join(f"{name} {100 * part:.0f}%" for name, part in zip(levels.values(), shares, strict=True))


ADDRESS = "/results/<int(max=2147483647):campaign_id>/<relation>"


def register(blueprint: Blueprint) -> None:
    """Add these pages to those of results."""
    for rule, view in (
        ("/items", items),
        ("/matrix.json", matrix_chart),
        ("/answers.json", answers_chart),
        ("/item/<item>", item),
    ):
        blueprint.add_url_rule(ADDRESS + rule, view_func=view)
