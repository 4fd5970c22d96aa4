"""The worked example (算例) of the method page: a small class and two small schools, computed by the product itself.

Everything comes from the functions that compute released figures, so the page cannot show another rule than the one in
force. The inputs are small enough for a pocket calculator.
"""

from statistics import NormalDist
from typing import Any

import numpy as np

from survey.analysis.arrays import Floats, Ints
from survey.analysis.comparison import welch_pairs
from survey.analysis.intervals import CONFIDENCE, class_interval, cluster_variance, roster_interval, t_quantile
from survey.analysis.moments import Moments, combine, moments_of, moments_of_counts
from survey.analysis.multiplicity import benjamini_hochberg
from survey.analysis.proportions import wilson
from survey.analysis.reliability import LEVELS, Reliability
from survey.analysis.scoring import Scheme
from survey.analysis.shrinkage import shrink

Record = dict[str, Any]

ANSWERS = (12, 8, 3, 1)
"""Answers from the best level down; lower levels have none."""

NO_OPINIONS, BLANKS, ROSTER = 1, 1, 40
CLASSES = ((30, 88.0), (28, 84.5), (32, 90.0), (25, 82.0), (29, 86.5))
"""Ballots and mean score (points) of each class of one teacher."""

VARIANCES = Reliability(tau2=0.05, sigma2=0.60, mu=4.20, icc=0.05 / 0.65)
RATED = (24, 4.50)
"""Ballots and mean (level units) of the teacher who is drawn towards the mean."""

SCHOOLS = ((91.2, 88.4, 86.0, 90.3, 84.6), (82.1, 85.7, 79.9, 83.3))
"""Scores of the rated teachers of two schools, in points."""

FAMILY = (0.004, 0.012, 0.030, 0.041, 0.20)
"""p values of five comparisons before the adjustment."""


def worked_example(scheme: Scheme) -> Record:
    """Return every step of the example under a scheme, in plain JSON types.

    Keys: score (one class about one item), rate, classes (one teacher, question B), shrinkage, schools, family.
    Scores are in points, rates in [0, 1], shrinkage in level units.
    """
    counts = _counts(scheme)
    return {
        "score": _score(counts, scheme),
        "rate": _rate(counts, scheme),
        "classes": _classes(),
        "shrinkage": _shrinkage(),
        "schools": _schools(scheme),
        "family": {"p": list(FAMILY), "adjusted": benjamini_hochberg(np.array(FAMILY)).tolist()},
    }


def _counts(scheme: Scheme) -> Ints:
    """Return the answers on each level of the scheme, ascending."""
    best_first = [*ANSWERS, *[0] * len(scheme.levels)][: len(scheme.levels)]
    return np.array(best_first[::-1], dtype=np.int64)


def _score(counts: Ints, scheme: Scheme) -> Record:
    """Question A for one class: the score of an item, its standard error, and what a roster of 40 takes off it."""
    points = np.array([scheme.points[level] for level in scheme.levels])
    moments = moments_of_counts(counts[None, :], points)
    n, mean = int(moments.n[0]), float(moments.mean[0])
    interval = roster_interval(
        moments, moments, cell_target=np.zeros(1, dtype=np.int64), enrolled=np.array([float(ROSTER)])
    )
    share = 1.0 - n / ROSTER
    return {
        "levels": _level_rows(counts, points, mean, scheme),
        "no_opinion": NO_OPINIONS,
        "blank": BLANKS,
        "ballots": n + NO_OPINIONS + BLANKS,
        "n": n,
        "roster": ROSTER,
        "sum": float((counts * points).sum()),
        "mean": mean,
        "squares": float(moments.ss[0]),
        "variance": float(moments.variance()[0]),
        "se": float(moments.se()[0]),
        "share": share,
        "se_roster": float(moments.se()[0] * np.sqrt(share)),
        **_ends(interval.low, interval.high, df=n - 1),
        "band": scheme.band(mean),
        "edge": scheme.edge_distance(mean),
        "crosses": scheme.crosses_edge(float(interval.low[0]), float(interval.high[0])),
    }


def _level_rows(counts: Ints, points: Floats, mean: float, scheme: Scheme) -> list[Record]:
    """Return one row per level, from the best down."""
    rows = zip(scheme.levels, counts.tolist(), points.tolist(), strict=True)
    return [
        {"level": level, "points": value, "n": n, "product": n * value, "square": n * (value - mean) ** 2}
        for level, n, value in reversed(list(rows))
    ]


def _rate(counts: Ints, scheme: Scheme) -> Record:
    satisfied = sum(int(counts[scheme.levels.index(level)]) for level in scheme.satisfied)
    n = int(counts.sum())
    interval = wilson(np.array([satisfied]), np.array([n]))
    low, high = float(interval.low[0]), float(interval.high[0])
    return {
        "satisfied": satisfied,
        "n": n,
        "rate": satisfied / n,
        "z": NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0),
        "centre": (low + high) / 2.0,
        "reach": (high - low) / 2.0,
        "low": low,
        "high": high,
    }


def _classes() -> Record:
    """Question B for one teacher: the classes are what could have come out otherwise."""
    n = np.array([size for size, _mean in CLASSES])
    mean = np.array([value for _size, value in CLASSES])
    one = np.zeros(len(n), dtype=np.int64)
    cells = Moments(n=n, mean=mean, ss=np.zeros(len(n)))
    total = combine(cells, one, size=1)
    variance = cluster_variance(total, cells, cell_target=one, clusters=np.array([len(n)]))
    interval = class_interval(total, cells, cell_target=one, least=len(n))
    rest = n * (mean - total.mean[0])
    rows = zip(n.tolist(), mean.tolist(), rest.tolist(), (rest**2).tolist(), strict=True)
    return {
        "rows": [dict(zip(("n", "mean", "rest", "square"), row, strict=True)) for row in rows],
        "n": int(total.n[0]),
        "classes": len(n),
        "mean": float(total.mean[0]),
        "squares": float((rest**2).sum()),
        "variance": float(variance[0]),
        "se": float(np.sqrt(variance[0])),
        **_ends(interval.low, interval.high, df=len(n) - 1),
    }


def _shrinkage() -> Record:
    n, mean = RATED
    drawn = shrink(Moments(n=np.array([n]), mean=np.array([mean]), ss=np.zeros(1)), VARIANCES)
    return {
        "n": n,
        "mean": mean,
        "tau2": VARIANCES.tau2,
        "sigma2": VARIANCES.sigma2,
        "mu": VARIANCES.mu,
        "icc": VARIANCES.icc,
        "reliability": float(drawn.reliability[0]),
        "shrunken": float(drawn.mean[0]),
        "sd": float(drawn.sd[0]),
        "ballots_for": {str(level): VARIANCES.ballots_for(level) for level in LEVELS},
    }


def _schools(scheme: Scheme) -> Record:
    """Two schools on one value per teacher (Welch)."""
    values = np.array([score for school in SCHOOLS for score in school])
    place = np.repeat(np.arange(len(SCHOOLS)), [len(school) for school in SCHOOLS])
    units = moments_of(values, place, size=len(SCHOOLS))
    found = welch_pairs(units.take(np.array([0])), units.take(np.array([1])))
    difference = float(found.difference[0])
    variance = units.variance() / units.n
    return {
        "scores": [list(school) for school in SCHOOLS],
        "means": units.mean.tolist(),
        "variances": units.variance().tolist(),
        "se": float(np.sqrt(variance.sum())),
        "difference": difference,
        "t_statistic": float(found.t[0]),
        "p": float(found.p[0]),
        "hedges_g": float(found.hedges_g[0]),
        "margin": scheme.margin,
        **_ends(found.interval.low, found.interval.high, df=float(found.df[0])),
    }


def _ends(low: Floats, high: Floats, *, df: float) -> Record:
    """Return df, the quantile of t that goes with it, and the ends of the interval."""
    return {"df": df, "t": float(t_quantile(np.array([df]))[0]), "low": float(low[0]), "high": float(high[0])}
