"""Two targets compared on an ordered scale, from level counts alone: which one gets the higher answers, how often.

Counts are (n_pairs, n_levels), levels ascending, without 不了解 and blanks; a count is one answer. Answers count as
independent, so these tests suit two targets, never units: the ballots of a unit hang together by target.
"""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, total
from survey.analysis.intervals import Interval, t_interval, two_sided_p

EXACT_BELOW = 20
"""Where a side has fewer answers the asymptotic p is not to be trusted: `exact_p` stands in."""

_MOST_STATES = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class MannWhitney:
    """Mann-Whitney tests (n_pairs,): u counts pairs of answers with a above b, ties half; NaN where undefined."""

    u: Floats
    z: Floats
    p: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Superiority:
    """P(a > b) + P(a = b) / 2 per pair (n_pairs,), in [0, 1], with its Brunner-Munzel test; NaN where undefined.

    cliff_delta = 2 probability - 1 in [-1, 1] is the effect size; interval: 95 %, cut to [0, 1]; se, t, df, p are
    NaN where no answer of one side lies between answers of the other (fully apart, or nothing varies).
    """

    probability: Floats
    cliff_delta: Floats
    se: Floats
    interval: Interval
    t: Floats
    df: Floats
    p: Floats


def mann_whitney(a: Ints, b: Ints, *, continuity: bool = True) -> MannWhitney:
    """Test equal distributions of the answers a and b (n_pairs, n_levels) (Mann and Whitney 1947), ties corrected.

    Asymptotic, two-sided, with the continuity correction of R's default. Var(u) = n_a n_b SS / (N (N - 1)) with SS
    the spread of all midranks, free of cubes that overflow. NaN for an empty side and where nothing varies.
    Checked against R `wilcox.test(exact = FALSE)` and SciPy `mannwhitneyu`.
    """
    from scipy.special import ndtr

    n_a, n_b = _sizes(a), _sizes(b)
    u = (a * (_below(b) + b / 2.0)).sum(axis=-1)
    ties = np.asarray(a + b, dtype=np.float64)
    size = n_a + n_b
    midrank = _below(a + b) + (ties + 1.0) / 2.0
    spread = (ties * (midrank - (size[..., None] + 1.0) / 2.0) ** 2).sum(axis=-1)
    variance = divide(n_a * n_b * spread, size * (size - 1.0))
    away = np.abs(u - n_a * n_b / 2.0)
    # One answer more or less moves u by a half at least.
    away = np.maximum(away - 0.5, 0.0) if continuity else away
    z = divide(np.sign(u - n_a * n_b / 2.0) * away, np.sqrt(np.where(variance > 0.0, variance, np.nan)))
    some = (n_a > 0) & (n_b > 0)
    return MannWhitney(u=np.where(some, u, np.nan), z=z, p=np.asarray(2.0 * ndtr(-np.abs(z)), dtype=np.float64))


def superiority(a: Ints, b: Ints) -> Superiority:
    """Estimate how often an answer of a is above one of b, counts (n_pairs, n_levels) (Brunner and Munzel 2000).

    Variances from placements, t with Satterthwaite's df. Both sides need two answers for a test. Where the sides are
    fully apart the estimate of the error is 0: no test and no interval, `exact_p` or `mann_whitney` tells.
    Checked against statsmodels `rank_compare_2ordinal` and SciPy `brunnermunzel`.
    """
    n_a, n_b = _sizes(a), _sizes(b)
    place_a = divide(_below(b) + b / 2.0, n_b[..., None])
    place_b = divide(_below(a) + a / 2.0, n_a[..., None])
    probability = divide((a * place_a).sum(axis=-1), n_a)
    part_a = _placement_variance(a, place_a, n_a, probability)
    part_b = _placement_variance(b, place_b, n_b, 1.0 - probability)
    squared = part_a + part_b
    squared = np.where(squared > 0.0, squared, np.nan)
    df = divide(squared**2, divide(part_a**2, n_a - 1.0) + divide(part_b**2, n_b - 1.0))
    se = np.sqrt(squared)
    t = (probability - 0.5) / se
    ends = t_interval(probability, se, df=df)
    return Superiority(
        probability=probability,
        cliff_delta=2.0 * probability - 1.0,
        se=se,
        interval=Interval(low=np.maximum(ends.low, 0.0), high=np.minimum(ends.high, 1.0)),
        t=t,
        df=df,
        p=two_sided_p(t, df=df),
    )


def exact_p(a: Ints, b: Ints) -> Floats:
    """Return the exact two-sided p (n_pairs,) of equal distributions where a side has fewer than 20 answers.

    Given the pooled counts, the smaller side is a draw without replacement (multivariate hypergeometric); its rank
    sum is convolved level by level, and p is the chance to be as far from the mean as observed, or farther. NaN where
    both sides have 20 answers or more, one has none, nothing varies, or a fine scale asks for millions of states.
    Checked against R `coin::wilcox_test(distribution = "exact")`, which handles ties as SciPy's exact method does not.
    """
    pairs = zip(a.astype(np.int64), b.astype(np.int64), strict=True)
    return np.array([_exact(*pair) for pair in pairs], dtype=np.float64)


def _sizes(counts: Ints) -> Floats:
    return np.asarray(counts.sum(axis=-1), dtype=np.float64)


def _below(counts: Ints) -> Floats:
    """Return how many answers lie below each level."""
    return np.asarray(np.cumsum(counts, axis=-1) - counts, dtype=np.float64)


def _placement_variance(counts: Ints, place: Floats, n: Floats, mean: Floats) -> Floats:
    """Return the squared error that one side adds: the variance of its placements over its size."""
    ss = (counts * (place - mean[..., None]) ** 2).sum(axis=-1)
    # Placements that all agree differ from their mean by rounding only.
    ss = np.where(ss > n * 1e-26, ss, 0.0)
    return divide(ss, n * (n - 1.0))


def _exact(one: Ints, other: Ints) -> float:
    drawn, rest = (one, other) if one.sum() <= other.sum() else (other, one)
    pooled = drawn + rest
    n, size = int(drawn.sum()), int(pooled.sum())
    if not 0 < n < EXACT_BELOW or np.count_nonzero(pooled) < 2:
        return float("nan")
    used = pooled > 0
    # Twice the midrank is a whole number, so distances from the mean compare exactly.
    doubled = (2 * (np.cumsum(pooled) - pooled) + pooled + 1)[used]
    states = _rank_sums(pooled[used], doubled, n)
    if states is None:
        return float("nan")
    sums, weight = states
    centre = n * (size + 1)
    observed = abs(int((drawn[used] * doubled).sum()) - centre)
    return float(weight[np.abs(sums - centre) >= observed].sum() / weight.sum())


def _rank_sums(pooled: Ints, doubled: Ints, n: int) -> tuple[Ints, Floats] | None:
    """Return the doubled rank sums of all draws of n and their weights, None where there are too many of them."""
    taken, sums, weight = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.ones(1)
    # A state is one number, draws times `base` plus rank sum.
    base = 2 * n * (int(pooled.sum()) + 1)
    for count, rank in zip(pooled.tolist(), doubled.tolist(), strict=True):
        more = np.arange(min(count, n) + 1)
        if len(taken) * len(more) > _MOST_STATES:
            return None
        reach = (taken[:, None] + more).ravel()
        # Weights stay below C(N, 19), far from overflow: taken relative to the whole afterwards.
        ways = (weight[:, None] * _binomials(count, len(more))).ravel()
        keys = (reach * base + (sums[:, None] + more * rank).ravel())[reach <= n]
        merged, place = np.unique(keys, return_inverse=True)
        weight = total(ways[reach <= n], place, size=len(merged))
        taken, sums = np.divmod(merged, base)
    return sums[taken == n], weight[taken == n]


def _binomials(count: int, size: int) -> Floats:
    """Return C(count, 0), C(count, 1), ..., `size` of them."""
    step = np.arange(1, size, dtype=np.float64)
    return np.concatenate([[1.0], np.cumprod((count - step + 1.0) / step)])
