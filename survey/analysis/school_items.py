"""Figures of items that a school asks for itself (校本题目): answers, satisfaction rate; never part of a score."""

from collections.abc import Sequence

from survey.analysis.arrays import Ints, plain, plain_pairs
from survey.analysis.figures import item_figures
from survey.analysis.records import Record, level_counts
from survey.analysis.scoring import Scheme

ITEM_BELOW_FLOOR, NO_LEVELS, NOT_ASKED = "item_below_floor", "no_levels", "not_asked"
TARGET, VERSIONS = "target_withheld", "versions"
_FIGURES = ("counts", "satisfied_rate", "satisfied_ci")


def own_records(
    counts: Ints, scheme: Scheme, *, target_shown: bool, earlier: Sequence[Sequence[int]]
) -> list[tuple[str | None, Record]]:
    """Return (reason, record) of a school's own items, counts (n_items, 1 + n_levels).

    The first column of counts is 不了解, the others are the scheme's levels. record: n (不了解 included), counts by
    level, satisfied_rate in [0, 1] and its Wilson interval; all None where the reason says why. earlier (n_items): the
    n that earlier versions of the release showed for each item.
    Withheld are: everything of a target whose own result is withheld; below the floor of items all but n; an item of
    which a version before showed a number that differs by less than that floor, for the difference is those ballots.
    """
    figures = item_figures(counts[None], scheme)
    rows = zip(
        figures.n[0].tolist(),
        level_counts(counts, scheme.levels),
        plain(figures.satisfied_rate[0]),
        plain_pairs(figures.satisfied_ci.low[0], figures.satisfied_ci.high[0]),
        earlier,
        strict=True,
    )
    return [
        _record(n, (levels, rate, ends), _reason(n, rate, before, scheme.floors.item, target_shown=target_shown))
        for n, levels, rate, ends, before in rows
    ]


def _reason(n: int, rate: float | None, before: Sequence[int], floor: int, *, target_shown: bool) -> str | None:
    if not target_shown:
        return TARGET
    if any(0 < abs(n - shown) < floor for shown in before):
        return VERSIONS
    if n < floor:
        return ITEM_BELOW_FLOOR if n else NOT_ASKED
    return NO_LEVELS if rate is None else None


def _record(n: int, figures: Sequence[object], reason: str | None) -> tuple[str | None, Record]:
    if reason is None:
        return None, {"n": n, **dict(zip(_FIGURES, figures, strict=True))}
    hidden = reason in (TARGET, VERSIONS)
    return reason, {"n": None if hidden else n, **dict.fromkeys(_FIGURES)}
