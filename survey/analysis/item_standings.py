"""Which items of one target stand out, and whether that is sure: what is strong, and what to work on first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import NormalDist
from typing import Any

Record = Mapping[str, Any]

ALPHA = 0.05
FEWEST_ITEMS = 2


@dataclass(frozen=True, kw_only=True)
class ItemStanding:
    """An item beside the target's other items: its score in points, 95 % interval or None, and which side is sure.

    side: 1 surely above the mean of the other items, -1 surely below, 0 where the data do not suffice.
    """

    item: str
    score: float
    interval: tuple[float, float] | None
    side: int


def standings(items: Mapping[str, Record], *, margin: float) -> list[ItemStanding]:
    """Return the items that show a score, best first, each held against the mean of the others.

    items: `items` of a target's record; margin: points that a difference must exceed to be called one. All answers
    come off the same ballots, and the record does not tell how items vary together, so the error of a difference is
    taken as the most that it can be: the item's own plus the mean of the others' (Cauchy-Schwarz). As ballots that
    praise one item tend to praise the next, the true error is smaller, which also leaves room for classes that answer
    alike. Every item is tested, so the level is divided by their number (Bonferroni). Nothing is sure where one error
    is unknown, or all are 0. Checked by simulation (`tests/analysis/test_item_standings.py`).
    """
    shown = [(code, record) for code, record in items.items() if record["score"] is not None]
    errors = [record["score_se"] for _code, record in shown]
    scores = [float(record["score"]) for _code, record in shown]
    known = len(shown) >= FEWEST_ITEMS and None not in errors
    found = [
        ItemStanding(
            item=code,
            score=scores[place],
            interval=None if record["score_ci"] is None else (record["score_ci"][0], record["score_ci"][1]),
            side=_side(scores, errors, place, margin) if known else 0,
        )
        for place, (code, record) in enumerate(shown)
    ]
    return sorted(found, key=lambda standing: -standing.score)


def _side(scores: Sequence[float], errors: Sequence[float], place: int, margin: float) -> int:
    others = len(scores) - 1
    difference = scores[place] - (fsum(scores) - scores[place]) / others
    error = errors[place] + (fsum(errors) - errors[place]) / others
    reach = NormalDist().inv_cdf(1.0 - ALPHA / (2.0 * len(scores))) * error
    if error <= 0.0 or abs(difference) <= max(reach, margin):
        return 0
    return 1 if difference > 0.0 else -1
