"""The items of a target in a report: its table, what is strong, and what to work on first."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from survey.analysis.item_standings import ItemStanding, standings
from survey.queries.outside import item_reason
from survey.queries.reports import EvaluationCube
from survey.queries.results import EvaluationHead, Record
from survey.services import result_words
from survey.services.figure_texts import (
    NONE,
    interval,
    item_rate,
    item_rate_interval,
    points,
)
from survey.services.result_words import worded

Part = dict[str, Any]
MOST_ITEMS = 3


def standing_parts(cube: EvaluationCube, record: Record) -> Part:
    """Say which items are strong and which three to work on first, and of each whether that is sure."""
    texts = _item_texts(cube)
    found = standings(record["items"], margin=cube.head.scheme.margin)
    half = len(found) // 2
    strong, weak = found[: min(MOST_ITEMS, half)], found[::-1][: min(MOST_ITEMS, half)]
    note = ""
    if record["score"] is not None and all(item["score"] is None for item in record["items"].values()):
        floor = cube.head.scheme.floors.item
        note = _("Items are not shown: each needs %(floor)s answers.", floor=floor)
    elif record["score"] is not None and not half:
        note = _("Fewer than two items show figures, so that none can be held against the others.")
    return {
        "strengths": [_standing_sentence(texts, one, side=1) for one in strong],
        "improvements": [_standing_sentence(texts, one, side=-1) for one in weak],
        "standing_note": note,
    }


def _standing_sentence(texts: Mapping[str, str], one: ItemStanding, *, side: int) -> str:
    values = {
        "item": texts.get(one.item, one.item),
        "score": points(one.score),
        "ends": interval(one.interval) if one.interval else _("no interval: too few answers"),
    }
    if one.side == side:
        if side > 0:
            return str(_("%(item)s: %(score)s points (%(ends)s). It is sure to be above the other items.", **values))
        return str(_("%(item)s: %(score)s points (%(ends)s). It is sure to be below the other items.", **values))
    if side > 0:
        return str(
            _(
                "%(item)s: %(score)s points (%(ends)s). Whether it is above the other items: not enough evidence.",
                **values,
            )
        )
    return str(
        _("%(item)s: %(score)s points (%(ends)s). Whether it is below the other items: not enough evidence.", **values)
    )


def _item_texts(cube: EvaluationCube) -> dict[str, str]:
    return {item.code: worded(item.text) for item in cube.wording.items} if cube.wording else {}


def item_rows(cube: EvaluationCube, record: Record) -> list[Part]:
    """Return the items that a target was asked about in the order of the questionnaire, then those unknown to it."""
    known = cube.wording.items if cube.wording else ()
    dimensions = {row.code: worded(row.text) for row in cube.wording.dimensions} if cube.wording else {}
    places = {item.code: (worded(item.text), dimensions[item.dimension]) for item in known}
    codes = [*(code for code in places if code in record["items"]), *(c for c in record["items"] if c not in places)]
    return [
        {
            "dimension": places.get(code, ("", ""))[1],
            **_item_row(cube.head, places.get(code, (code, ""))[0], record["items"][code]),
        }
        for code in codes
        if record["items"][code]["n"]
    ]


def _item_row(head: EvaluationHead, text: str, item: Record) -> Part:
    figures = {"rate": NONE, "rate_interval": NONE, "score": NONE, "interval": NONE}
    if item["score"] is not None:
        figures = {
            "rate": item_rate(item),
            "rate_interval": item_rate_interval(item),
            "score": points(item["score"]),
            "interval": interval(item["score_ci"]),
        }
    return {"text": text, "n": str(item["n"]), **figures, "note": _item_note(head, item), "record": item}


def _item_note(head: EvaluationHead, item: Record) -> str:
    if item["score"] is not None:
        return ""
    if item.get("satisfied_limit"):
        edge = "≥95%" if item["satisfied_limit"] == "high" else "≤5%"
        return f"{edge} {_('Nearly all agree, so nothing finer is shown.')}"
    if item_reason(item) == "item_below_floor":
        return str(_("Withheld: fewer than %(floor)s answers.", floor=head.scheme.floors.item))
    return str(_("Nobody chose a level."))


def some_shown(items: Sequence[Part]) -> bool:
    """Tell whether any item has something to show; a table of blanks says less than a sentence."""
    return any(item["score"] != NONE or item["record"].get("satisfied_limit") for item in items)


def dimension_groups(items: Sequence[Part]) -> list[Part]:
    """Group items under their dimensions, in the order in which these come first."""
    groups: dict[str, list[Part]] = {}
    for item in items:
        shown = {key: value for key, value in item.items() if key not in ("record", "dimension")}
        groups.setdefault(item["dimension"], []).append(shown)
    return [{"name": name, "rows": members} for name, members in groups.items()]


def items_note(cube: EvaluationCube, items: Sequence[Part]) -> str:
    """Say of what the satisfaction rates are; "" without items."""
    if not items:
        return ""
    definition = result_words.satisfied_definition(cube.head, cube.wording)
    text = _(
        "Satisfaction rate: %(levels)s, out of those who chose a level; Wilson interval. n counts “no opinion” too.",
        levels=definition,
    )
    return str(text)
