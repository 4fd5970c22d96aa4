"""Two rates: Newcombe's interval, score test, Fisher's exact test, and the difference with clustered ballots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.analysis.arrays import Floats, Ints, divide, total
from survey.analysis.intervals import Interval, t_interval, two_sided_p
from survey.analysis.proportions import wilson

SMALL_EXPECTED = 5.0
"""With any expected count of the two-by-two table below it, Fisher's exact test replaces the score test."""

SCORE = "score"
FISHER = "fisher"
NO_TEST = ""

# R counts tables as equally likely up to this relative difference.
_AS_LIKELY = 1.0 + 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class RateDifferences:
    """Differences of rates a - b in [-1, 1], arrays of one shape, of independent ballots.

    interval: Newcombe's; NaN where a side has no answer. p: NaN where nothing varies (all answers alike) or a side is
    empty. method: `score`, `fisher`, "" where there is no test.
    """

    difference: Floats
    interval: Interval
    p: Floats
    method: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusteredRates:
    """Rates of units (n_units,) whose ballots come in clusters: rate, its variance, clusters with an answer.

    rate: NaN without answers; variance: NaN below two clusters.
    """

    rate: Floats
    variance: Floats
    clusters: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusteredDifferences:
    """Differences of rates a - b (n_pairs,) with cluster-robust standard error; NaN where undefined."""

    difference: Floats
    se: Floats
    interval: Interval
    t: Floats
    df: Floats
    p: Floats


def newcombe(k_a: Ints, n_a: Ints, k_b: Ints, n_b: Ints) -> Interval:
    """Return the 95 % interval of k_a / n_a - k_b / n_b, arrays of one shape; NaN where an n is 0.

    Squares and adds Wilson's intervals of both rates (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    Checked against that paper's table II and statsmodels `confint_proportions_2indep(method="newcomb")`.
    """
    a, b = wilson(k_a, n_a), wilson(k_b, n_b)
    rate_a, rate_b = divide(k_a, n_a), divide(k_b, n_b)
    difference = rate_a - rate_b
    return Interval(
        low=difference - np.hypot(rate_a - a.low, b.high - rate_b),
        high=difference + np.hypot(a.high - rate_a, rate_b - b.low),
    )


def score_test(k_a: Ints, n_a: Ints, k_b: Ints, n_b: Ints) -> Floats:
    """Return the two-sided p of equal rates by Pearson's score test without continuity correction (1900).

    Arrays of one shape; NaN where a side is empty or nothing varies. Checked against R `prop.test(correct = FALSE)`
    and statsmodels `test_proportions_2indep(method="score", correction=False)`.
    """
    from scipy.special import ndtr

    pooled = divide(k_a + k_b, n_a + n_b)
    variance = pooled * (1.0 - pooled) * (divide(np.ones(n_a.shape), n_a) + divide(np.ones(n_b.shape), n_b))
    z = divide(divide(k_a, n_a) - divide(k_b, n_b), np.sqrt(variance))
    return np.asarray(2.0 * ndtr(-np.abs(z)), dtype=np.float64)


def fisher(k_a: Ints, n_a: Ints, k_b: Ints, n_b: Ints) -> Floats:
    """Return the two-sided p of equal rates by Fisher's exact test (1935): all tables not more likely than this one.

    Arrays (n_pairs,); NaN where a side is empty or nothing varies (there is one table only). Time and memory of a
    pair grow with the smallest margin. Checked against R `fisher.test` and Agresti (2013, section 3.5.2).
    """
    rows = zip(k_a.tolist(), n_a.tolist(), k_b.tolist(), n_b.tolist(), strict=True)
    return np.array([_fisher(*row) for row in rows], dtype=np.float64)


def compare_rates(k_a: Ints, n_a: Ints, k_b: Ints, n_b: Ints) -> RateDifferences:
    """Compare rates pair by pair, arrays (n_pairs,), of independent ballots: two targets, never two units.

    Newcombe's interval always; the p value by the score test, or by Fisher's where any of the four expected counts
    is below `SMALL_EXPECTED` (Cochran 1954). As the two come from different methods, an interval just beside 0 and a
    p value just above 0.05 may meet. Raises ValueError if somewhere successes lie outside 0..n.
    """
    if ((k_a < 0) | (k_a > n_a) | (k_b < 0) | (k_b > n_b)).any():
        raise ValueError("successes must lie between 0 and the number of answers")
    p = score_test(k_a, n_a, k_b, n_b)
    tested, small = ~np.isnan(p), _smallest_expected(k_a, n_a, k_b, n_b) < SMALL_EXPECTED
    exact = tested & small
    p[exact] = fisher(k_a[exact], n_a[exact], k_b[exact], n_b[exact])
    return RateDifferences(
        difference=divide(k_a, n_a) - divide(k_b, n_b),
        interval=newcombe(k_a, n_a, k_b, n_b),
        p=p,
        method=np.select([~tested, small], [NO_TEST, FISHER], SCORE),
    )


def clustered_rates(successes: Ints, n: Ints, unit: Ints, *, size: int) -> ClusteredRates:
    """Return the pooled rates of units 0..size-1 from the counts (n_clusters,) of their clusters (targets, classes).

    unit (n_clusters,): the unit of each cluster, one row per cluster: counts of one cluster from several tallies must
    be added first; clusters without an answer do not count. V = C/(C-1) * sum (k_c - n_c * rate)^2 / n^2, the
    linearised variance of a ratio (Cochran 1977, eq. 11.30). NaN below two clusters.
    Checked against R survey `svyby(svymean)` with clusters and units as strata (`tests/reference/rates.R`).
    """
    answered = _sums(n, unit, size=size)
    agreed = _sums(successes, unit, size=size)
    clusters = np.bincount(unit[n > 0], minlength=size).astype(np.int64)
    # Whole numbers until the last step: clusters of one and the same rate then have a variance of exactly 0.
    rest = divide(successes * answered[unit] - n * agreed[unit], answered[unit])
    squares = total(np.nan_to_num(rest * rest), unit, size=size)
    factor = divide(clusters, np.where(clusters > 1, clusters - 1, 0))
    return ClusteredRates(
        rate=divide(agreed, answered),
        variance=factor * divide(squares, answered.astype(np.float64) ** 2),
        clusters=clusters,
    )


def clustered_differences(units: ClusteredRates, first: Ints, second: Ints) -> ClusteredDifferences:
    """Test rate of `first` - rate of `second`, positions (n_pairs,) of units: the unit of analysis is the cluster.

    t with the degrees of freedom of Welch (1947) and Satterthwaite (1946), C - 1 on each side; with clusters of one
    size this is Welch's test on the clusters' rates. NaN where a side has fewer than two clusters; where neither side
    varies only the difference is known. Checked against R survey `svycontrast` and R `t.test`.
    """
    part_a, part_b = units.variance[first], units.variance[second]
    squared = part_a + part_b
    se = np.sqrt(np.where(squared > 0.0, squared, np.nan))
    spread = divide(part_a**2, units.clusters[first] - 1) + divide(part_b**2, units.clusters[second] - 1)
    df = divide(squared**2, spread)
    difference = units.rate[first] - units.rate[second]
    t = divide(difference, se)
    return ClusteredDifferences(
        difference=difference,
        se=se,
        interval=t_interval(difference, se, df=df),
        t=t,
        df=df,
        p=two_sided_p(t, df=df),
    )


def _smallest_expected(k_a: Ints, n_a: Ints, k_b: Ints, n_b: Ints) -> Floats:
    agreed, size = k_a + k_b, n_a + n_b
    rarer = np.minimum(agreed, size - agreed)
    return divide(np.minimum(n_a, n_b).astype(np.float64) * rarer, size)


def _fisher(k_a: int, n_a: int, k_b: int, n_b: int) -> float:
    agreed, size = k_a + k_b, n_a + n_b
    low, high = max(0, agreed - n_b), min(agreed, n_a)
    if low == high:
        return float("nan")
    weight = _table_weights(low, high, n_a=n_a, agreed=agreed, size=size)
    return min(1.0, float(weight[weight <= weight[k_a - low] * _AS_LIKELY].sum() / weight.sum()))


def _table_weights(low: int, high: int, *, n_a: int, agreed: int, size: int) -> Floats:
    """Return the likelihood of low..high successes on side a, relative to the most likely number."""
    x = np.arange(low, high, dtype=np.float64)
    # Ratios of neighbours, multiplied outwards from the mode, keep all digits where log-gamma would lose them.
    ratio = (agreed - x) * (n_a - x) / ((x + 1.0) * (size - agreed - n_a + x + 1.0))
    mode = int((ratio >= 1.0).sum())
    up, down = np.cumprod(ratio[mode:]), np.cumprod(1.0 / ratio[:mode][::-1])
    return np.concatenate([down[::-1], [1.0], up])


def _sums(values: Ints, index: Ints, *, size: int) -> Ints:
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, index, values)
    return sums
