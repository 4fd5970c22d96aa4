"""Ordered groups: does a rate, or the level of the answers, rise from group to group?"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from survey.analysis.arrays import Floats, Ints

# Equal means from different sums may differ in the last bit; here they must count as ties.
_DECIMALS = 11


@dataclass(frozen=True, kw_only=True)
class RateTrend:
    """Trend of rates over ordered groups: slope in share per score unit; None where there is nothing to test.

    chi2, p: trend (1 df), z its signed root. departure_chi2, departure_df, departure_p: heterogeneity that is left
    beside the straight line; a small departure_p says that the trend alone does not describe the rates.
    """

    slope: float | None
    z: float | None
    chi2: float | None
    p: float | None
    departure_chi2: float | None
    departure_df: int
    departure_p: float | None


@dataclass(frozen=True, kw_only=True)
class Jonckheere:
    """Jonckheere-Terpstra test; everything but `pairs` is None where there is nothing to test.

    jt: pairs of answers from two groups that are in the order of the groups, ties counting half; pairs: all such
    pairs; superiority = jt / pairs in [0, 1], 1/2 means no order. z, p: two-sided, normal approximation.
    """

    jt: float | None
    pairs: int
    superiority: float | None
    z: float | None
    p: float | None


def cochran_armitage(successes: Ints, n: Ints, scores: Floats) -> RateTrend:
    """Test whether the rates of k ordered groups rise or fall with their scores (Cochran 1954; Armitage 1955).

    successes, n, scores (k,); scores: years, grades. Groups without answers do not count. All is None where fewer
    than two scores are left or nothing varies; the departure needs three groups.
    Raises ValueError if somewhere successes lie outside 0..n.
    Checked against R `prop.trend.test` and `prop.test` and Agresti (2013, section 5.3.5: alcohol and malformations).
    """
    from scipy.special import chdtrc

    if ((successes < 0) | (successes > n)).any():
        raise ValueError("successes must lie between 0 and the number of answers")
    used = n > 0
    k, size, x = successes[used], n[used].astype(np.float64), np.asarray(scores, dtype=np.float64)[used]
    agreed, answers = int(k.sum()), int(n.sum())
    if agreed in {0, answers} or len(np.unique(x)) < 2:
        return RateTrend(**dict.fromkeys(("slope", "z", "chi2", "p", "departure_chi2", "departure_p")), departure_df=0)
    rate = agreed / answers
    away = x - float((size * x).sum()) / answers
    spread = float((size * away**2).sum())
    slope = float((away * (k - size * rate)).sum()) / spread
    z = slope * sqrt(spread / (rate * (1.0 - rate)))
    # The sum of squares around the line itself: total minus trend would lose its digits.
    rest = float((size * (k / size - rate - slope * away) ** 2).sum()) / (rate * (1.0 - rate))
    df = len(k) - 2
    return RateTrend(
        slope=slope,
        z=z,
        chi2=z * z,
        p=float(chdtrc(1, z * z)),
        departure_chi2=rest if df > 0 else None,
        departure_df=df,
        departure_p=float(chdtrc(df, rest)) if df > 0 else None,
    )


def jonckheere(counts: Ints) -> Jonckheere:
    """Test whether answers rise or fall over ordered groups: counts (n_groups, n_levels), both in their order.

    Jonckheere (1954), Terpstra (1952), variance with ties after Lehmann (1975, appendix, example 12). Groups without
    answers do not count. It equals Kendall's test of group against level.
    Checked against R `cor.test(method = "kendall", exact = FALSE)` and Hollander and Wolfe (1999, example 6.2).
    """
    from scipy.special import ndtr

    groups = [int(size) for size in counts.sum(axis=1)]
    n = sum(groups)
    pairs = (n * n - sum(size * size for size in groups)) // 2
    variance = _variance(n, groups, [int(size) for size in counts.sum(axis=0)])
    if pairs == 0 or not variance > 0.0:
        return Jonckheere(jt=None, pairs=pairs, superiority=None, z=None, p=None)
    doubled = _doubled_statistic(counts)
    z = (doubled - pairs) / 2.0 / sqrt(variance)
    return Jonckheere(
        jt=doubled / 2.0, pairs=pairs, superiority=doubled / (2.0 * pairs), z=z, p=float(2.0 * ndtr(-abs(z)))
    )


def jonckheere_values(values: Floats, group: Ints, *, size: int) -> Jonckheere:
    """Test values (n,), such as target means, over the ordered groups (n,) of 0..size-1; see `jonckheere`."""
    distinct, level = np.unique(np.round(values, _DECIMALS), return_inverse=True)
    width = max(len(distinct), 1)
    cells = np.bincount(group * width + level.ravel(), minlength=size * width)
    return jonckheere(cells.reshape(size, width).astype(np.int64))


def _doubled_statistic(counts: Ints) -> int:
    """Return 2 JT, a whole number: per answer the answers of earlier groups below it twice, those equal to it once."""
    earlier = np.cumsum(counts, axis=0) - counts
    # Below 14 million answers twice the pairs stay far under 2^63.
    return int((counts * (2 * (np.cumsum(earlier, axis=1) - earlier) + earlier)).sum())


def _variance(n: int, groups: list[int], ties: list[int]) -> float:
    """Return the null variance of JT; whole numbers of Python, for n^3 overflows at 14 million answers."""
    if n < 2:
        return 0.0

    def odd(size: int) -> int:
        return size * (size - 1) * (2 * size + 5)

    def falling(sizes: list[int], last: int) -> int:
        return sum(size * (size - 1) * (1 if last == 1 else size - 2) for size in sizes)

    plain = odd(n) - sum(map(odd, groups)) - sum(map(odd, ties))
    twos = falling(groups, 1) * falling(ties, 1) / (8 * n * (n - 1))
    threes = falling(groups, 2) * falling(ties, 2) / (36 * n * (n - 1) * (n - 2)) if n > 2 else 0.0
    return plain / 72 + threes + twos
