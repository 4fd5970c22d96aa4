"""Two to six subjects that a reader chose, compared pair by pair, from records of the released cube alone.

Every function takes figures that are published already, so what it returns is a function of them and tells nobody
more about a ballot than they do. Choosing after looking is the other danger: the largest of many differences looks
significant by chance. Two adjustments answer two questions (`Adjusted`), and the caller must say which one holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, sqrt
from typing import Any

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, plain, plain_pairs
from survey.analysis.comparison import points_turn
from survey.analysis.intervals import t_interval, t_quantile, two_sided_p
from survey.analysis.multiplicity import benjamini_hochberg, holm
from survey.analysis.ordinal import exact_p, mann_whitney, superiority
from survey.analysis.two_rates import compare_rates

FEWEST, MOST = 2, 6
ALPHA = 0.05
BY_CLASS, BY_BALLOT = "class", "ballot"
EXACT, ASYMPTOTIC = "exact", "mann_whitney"

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A target with its score in points: standard error and its degrees of freedom, sd of the ballots' scores.

    spread: what counts as independent, `class` (question B) or, where classes are unknown, `ballot`. se, df and sd are
    NaN where one ballot or one class tells nothing. improvement_only: below the floor of verdicts (仅供改进).
    """

    code: str
    n: int
    score: float
    se: float
    df: float
    sd: float
    spread: str
    improvement_only: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Adjusted:
    """p values (n_pairs,) adjusted twice; NaN where nothing was tested.

    chosen: Holm over the pairs among the chosen subjects, right if these were named before anybody saw a result.
    possible: over all pairs that could have been picked, right for whatever was picked after looking.
    """

    chosen: Floats
    possible: Floats


def subject_of(record: Record, *, classes: int | None) -> Subject:
    """Read a shown target record of the result schema; classes: how many stand behind `score_ci_class`."""
    naive = float("nan") if record["score_se"] is None else float(record["score_se"])
    se, df, spread = naive, float(record["valid"] - 1), BY_BALLOT
    ends = record["score_ci_class"]
    if ends is not None and classes is not None and classes > 1:
        df, spread = float(classes - 1), BY_CLASS
        se = (ends[1] - ends[0]) / 2.0 / float(t_quantile(np.array([df]))[0])
    return Subject(
        code=record["target"],
        n=record["valid"],
        score=record["score"],
        se=se,
        df=df,
        sd=naive * sqrt(record["valid"]),
        spread=spread,
        improvement_only=record["verdict"] == "improvement_only",
    )


def all_pairs(size: int) -> tuple[Ints, Ints]:
    """Return the positions (n_pairs,) of both sides of all pairs of `size` subjects, in their order."""
    first, second = np.triu_indices(size, 1)
    return first.astype(np.int64), second.astype(np.int64)


def compare_scores(subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """Compare the scores of all pairs: difference a - b in points, interval, t, df, p and Hedges g.

    Welch's t (1947) with Satterthwaite's df from each side's own standard error, clustered by class where known; g is
    in standard deviations of single ballots. p and interval are None where neither side varies, or one has a single
    ballot. Checked against SciPy `ttest_ind_from_stats` and R `t.test`.
    """
    first, second = all_pairs(len(subjects))
    score, se, df, sd, n = (
        np.array([getattr(subject, name) for subject in subjects], dtype=np.float64)
        for name in ("score", "se", "df", "sd", "n")
    )
    squares = se**2
    difference, squared = score[first] - score[second], squares[first] + squares[second]
    error = np.sqrt(np.where(squared > 0.0, squared, np.nan))
    freedom = divide(squared**2, divide(squares**2, df)[first] + divide(squares**2, df)[second])
    t = divide(difference, error)
    ends = t_interval(difference, error, df=freedom)
    columns = {
        "a": [subjects[row].code for row in first.tolist()],
        "b": [subjects[row].code for row in second.tolist()],
        "difference": plain(difference),
        "ci": plain_pairs(ends.low, ends.high),
        "t": plain(t),
        "df": plain(freedom),
        "p": plain(two_sided_p(t, df=freedom)),
        "effect": plain(_hedges(difference, n=n, sd=sd, first=first, second=second)),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _hedges(difference: Floats, *, n: Floats, sd: Floats, first: Ints, second: Ints) -> Floats:
    freedom = n[first] + n[second] - 2.0
    ss = (n - 1.0) * sd**2
    pooled = np.sqrt(divide(ss[first] + ss[second], freedom))
    return divide(difference, pooled) * (1.0 - divide(np.full(freedom.shape, 3.0), 4.0 * freedom - 1.0))


def compare_items(records: Sequence[Record], items: Sequence[str], *, satisfied: Sequence[int]) -> list[dict[str, Any]]:
    """Compare the answers to each item for all pairs of target records that show the item's counts.

    probability: how often an answer about a is above one about b, ties half (Brunner and Munzel 2000), with its
    interval, and delta = 2 probability - 1 (Cliff); p: Mann and Whitney's, the exact conditional one where a side has
    fewer than 20 answers; rates: the difference of the satisfaction rates with Newcombe's interval and its p. Answers
    count as independent. p_adjusted: Benjamini-Hochberg over all items and pairs together, as a list that screens;
    rate_p likewise over all rates.
    Checked against R `wilcox.test`, `coin::wilcox_test`, `prop.test` and `fisher.test` (`tests/reference/chosen.R`).
    """
    rows = [
        (item, a, b)
        for item in items
        for a, b in combinations(records, 2)
        if _counted(a, item) is not None and _counted(b, item) is not None
    ]
    if not rows:
        return []
    columns = {
        "item": [item for item, _a, _b in rows],
        "a": [a["target"] for _item, a, _b in rows],
        "b": [b["target"] for _item, _a, b in rows],
        **_answer_columns(
            np.array([_levels(a, item) for item, a, _b in rows], dtype=np.int64),
            np.array([_levels(b, item) for item, _a, b in rows], dtype=np.int64),
        ),
        **_rate_columns(
            np.array([_agreed(a, item, satisfied) for item, a, _b in rows], dtype=np.int64),
            np.array([_agreed(b, item, satisfied) for item, _a, b in rows], dtype=np.int64),
        ),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _counted(record: Record, item: str) -> Mapping[str, int] | None:
    figures = record["items"].get(item)
    counts: Mapping[str, int] | None = None if figures is None else figures["counts"]
    return counts if counts and any(n for level, n in counts.items() if level != "0") else None


def _levels(record: Record, item: str) -> list[int]:
    counts = record["items"][item]["counts"]
    return [counts[level] for level in sorted((level for level in counts if level != "0"), key=int)]


def _agreed(record: Record, item: str, satisfied: Sequence[int]) -> tuple[int, int]:
    counts = record["items"][item]["counts"]
    return sum(counts[str(level)] for level in satisfied), sum(_levels(record, item))


def _answer_columns(a: Ints, b: Ints) -> dict[str, list[Any]]:
    found = superiority(a, b)
    exact = exact_p(a, b)
    few = ~np.isnan(exact)
    p = np.where(few, exact, mann_whitney(a, b).p)
    return {
        "probability": plain(found.probability),
        "probability_ci": plain_pairs(found.interval.low, found.interval.high),
        "delta": plain(found.cliff_delta),
        "p": plain(p),
        "test": [EXACT if row else ASYMPTOTIC for row in few.tolist()],
        "p_adjusted": plain(benjamini_hochberg(p)),
    }


def _rate_columns(a: Ints, b: Ints) -> dict[str, list[Any]]:
    found = compare_rates(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    return {
        "rate": plain(found.difference),
        "rate_ci": plain_pairs(found.interval.low, found.interval.high),
        "rate_p": plain(benjamini_hochberg(found.p)),
        "rate_test": found.method.tolist(),
    }


def adjust_chosen(p: Sequence[float | None], *, possible: int, family: Sequence[float | None] = ()) -> Adjusted:
    """Adjust the p values (n_pairs,) of chosen pairs over themselves, and over all pairs that could have been chosen.

    family: the p values of all possible pairs, in which the chosen ones stand: then Holm over all of them. Without
    it Bonferroni over `possible`, which is never smaller. Both keep the chance of one false statement at 5 %, Holm's
    over the whole family for any later pick from it (Holm 1979). Checked against R `p.adjust`.
    """
    values = _floats(p)
    if family:
        known = _floats(family)
        adjusted = holm(known)
        wide = np.array([_look_up(value, known, adjusted) for value in values], dtype=np.float64)
    else:
        wide = np.minimum(values * max(possible, len(values)), 1.0)
    return Adjusted(chosen=holm(values), possible=wide)


def _look_up(value: float, known: Floats, adjusted: Floats) -> float:
    same = np.flatnonzero(known == value)
    return float(adjusted[same[0]]) if len(same) else float("nan")


def _floats(p: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in p], dtype=np.float64)


def finding(pair: Record, *, p: float | None, in_points: float, margin: float, improvement_only: bool) -> str:
    """Say what a pair's difference is: higher, lower, small (significant, but within the margin), turned (points and
    levels point different ways), unclear, untested, or improvement_only where a side is below the floor of verdicts.
    """
    if improvement_only:
        return "improvement_only"
    if p is None:
        return "untested"
    if p >= ALPHA:
        return "unclear"
    if points_turn(pair["difference"], in_points):
        return "turned"
    if abs(in_points) <= margin:
        return "small"
    return "higher" if pair["difference"] > 0.0 else "lower"


def paired_effect(difference: float, ci: Sequence[float] | None, *, n: int) -> float | None:
    """Return the mean difference of n matched targets in standard deviations of their differences (Cohen's d_z)."""
    if ci is None or n < 2:
        return None
    se = (ci[1] - ci[0]) / 2.0 / float(t_quantile(np.array([n - 1.0]))[0])
    effect = difference / (se * sqrt(n)) if se > 0.0 else float("nan")
    return effect if isfinite(effect) else None
