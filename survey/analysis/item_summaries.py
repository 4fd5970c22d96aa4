"""Items of an evaluation as a whole and by unit, made from published figures of targets alone.

Nothing here knows a ballot: whoever holds the released records of targets can work out every figure again, so none can
give away what these withhold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, plain, plain_pairs
from survey.analysis.intervals import independent_interval, two_sided_p
from survey.analysis.moments import Moments, moments_of
from survey.analysis.multiplicity import benjamini_hochberg
from survey.analysis.records import Record

ALPHA = 0.05
FEWEST_TARGETS = 10
"""Of fewer targets no importance is given: its interval would span nearly everything."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemScores:
    """Published item scores in points, (n_targets, n_items), NaN where not shown; counts (n_targets, n_items, levels).

    levels: as the records name them, from best to worst, without "0".
    """

    items: tuple[str, ...]
    levels: tuple[str, ...]
    score: Floats
    counts: Ints


def item_scores(records: Sequence[Mapping[str, object]], items: Sequence[str], levels: Sequence[int]) -> ItemScores:
    """Read the shown figures of items from target records of the result schema."""
    names = tuple(str(level) for level in sorted(levels, reverse=True))
    score = np.full((len(records), len(items)), np.nan)
    counts = np.zeros((len(records), len(items), len(names)), dtype=np.int64)
    for row, record in enumerate(records):
        parts = cast("Record", record["items"])
        for column, item in enumerate(items):
            figures = parts.get(item)
            if figures is not None and figures["score"] is not None:
                score[row, column] = figures["score"]
                counts[row, column] = [figures["counts"][name] for name in names]
    return ItemScores(items=tuple(items), levels=names, score=score, counts=counts)


def summaries(found: ItemScores, *, margin: float) -> list[Record]:
    """Return one record per item over all targets that show it, each target counting once.

    score, ci: mean over targets in points, t interval. gap: the item less the mean of the target's other items, mean
    over targets, with its interval, p (paired t, Benjamini-Hochberg over the items) and flag (p below 0.05 and beyond
    `margin` points). importance: see `importance`. counts: answers by level, summed. None where there is nothing.
    Checked against SciPy `ttest_1samp`, `pearsonr`.
    """
    if not found.items:
        return []
    score = _columns(found.score)
    own, rest = _with_rest(found.score)
    gap = _columns(own - rest)
    p = two_sided_p(divide(gap.known_mean(), gap.se()), df=np.maximum(gap.n - 1, 1))
    adjusted = benjamini_hochberg(p)
    gap_ci, score_ci, weight = independent_interval(gap), independent_interval(score), importance(found.score)
    columns = {
        "item": list(found.items),
        "targets": score.n.tolist(),
        "answers": found.counts.sum(axis=(0, 2)).tolist(),
        "score": plain(score.known_mean()),
        "ci": plain_pairs(score_ci.low, score_ci.high),
        "gap": plain(gap.known_mean()),
        "gap_ci": plain_pairs(gap_ci.low, gap_ci.high),
        "gap_p": plain(adjusted),
        "gap_flag": _flags(adjusted, gap.known_mean(), margin).tolist(),
        "importance": plain(weight.r),
        "importance_ci": plain_pairs(weight.low, weight.high),
        "importance_targets": weight.targets.tolist(),
        "counts": [
            dict(zip(found.levels, row, strict=True)) if sum(row) else None for row in found.counts.sum(axis=0).tolist()
        ],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Importance:
    """Correlations (n_items,) in [-1, 1] with 95 % interval, NaN where undefined; targets: how many they rest on."""

    r: Floats
    low: Floats
    high: Floats
    targets: Ints


def importance(score: Floats) -> Importance:
    """Correlate each item (n_targets, n_items) with the mean of the target's other items, over targets.

    Pearson's r, the item itself taken out of the whole (corrected item-total correlation at the level of targets),
    with Fisher's (1921) z interval. It tells which items go with a good rating, not that they cause it. NaN below
    `FEWEST_TARGETS` and where nothing varies. Checked against SciPy `pearsonr` and its `confidence_interval`.
    """
    own, rest = _with_rest(score)
    n = np.isfinite(own).sum(axis=0)
    x, y = _centred(own), _centred(rest)
    spread = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    enough = (n >= FEWEST_TARGETS) & (spread > 1e-9)
    r = np.where(enough, divide((x * y).sum(axis=0), spread), np.nan)
    z = np.arctanh(np.clip(r, -1.0 + 1e-12, 1.0 - 1e-12))
    reach = divide(np.full(z.shape, 1.959963984540054), np.sqrt(np.maximum(n - 3, 1)))
    return Importance(r=r, low=np.tanh(z - reach), high=np.tanh(z + reach), targets=n)


def unit_items(found: ItemScores, place: Ints, *, size: int) -> list[Record]:
    """Return {item: {"score", "targets"}} for each of the units 0..size-1; `place` (n_targets,), -1 for no unit.

    score: mean over the unit's targets that show the item, None where none does.
    """
    inside = place >= 0
    columns = []
    for column in range(len(found.items)):
        shown = inside & np.isfinite(found.score[:, column])
        moments = moments_of(found.score[shown, column], place[shown], size=size)
        columns.append(list(zip(plain(moments.known_mean()), moments.n.tolist(), strict=True)))
    return [
        {item: {"score": columns[at][unit][0], "targets": columns[at][unit][1]} for at, item in enumerate(found.items)}
        for unit in range(size)
    ]


def _flags(adjusted: Floats, size: Floats, margin: float) -> Bools:
    return np.asarray((np.nan_to_num(adjusted, nan=1.0) < ALPHA) & (np.nan_to_num(np.abs(size)) > margin))


def _with_rest(score: Floats) -> tuple[Floats, Floats]:
    """Return the scores and the mean of the other shown items of the same target; NaN in both where one is missing."""
    known = np.isfinite(score)
    filled = np.where(known, score, 0.0)
    others = known.sum(axis=1, keepdims=True) - known
    rest = divide(filled.sum(axis=1, keepdims=True) - filled, others)
    both = known & np.isfinite(rest)
    return np.where(both, score, np.nan), np.where(both, rest, np.nan)


def _columns(values: Floats) -> Moments:
    """Return the moments of the columns (n_items,) over the rows that have a value."""
    rows, columns = np.nonzero(np.isfinite(values))
    return moments_of(values[rows, columns], columns.astype(np.int64), size=values.shape[1])


def _centred(values: Floats) -> Floats:
    known = np.isfinite(values)
    mean = divide(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))
    return np.where(known, values - mean, 0.0)
