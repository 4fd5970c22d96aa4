"""Rates and their intervals: one rate, with and without a finite roster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.analysis.arrays import Bools, Floats, Ints, divide
from survey.analysis.intervals import CONFIDENCE, Interval

EXACT_ROSTER = 60
"""Up to so many people on the roster the interval of a rate is exact (hypergeometric)."""

WILSON = "wilson"
WILSON_FINITE = "wilson_finite"
HYPERGEOMETRIC = "hypergeometric"
NO_METHOD = ""

_TAIL = (1.0 - CONFIDENCE) / 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Rates:
    """Rates in [0, 1] with their 95 % intervals, arrays of one shape; NaN and method "" where n is 0.

    method: `wilson` (no roster), `wilson_finite` or `hypergeometric` (question A: what this roster says).
    """

    rate: Floats
    interval: Interval
    method: NDArray[np.str_]


def wilson(successes: Ints, n: Ints) -> Interval:
    """Return the 95 % score interval of successes / n (Wilson 1927), arrays of one shape; NaN where n is 0.

    Checked against statsmodels `proportion_confint(method="wilson")`, R `prop.test(correct = FALSE)` and the
    examples of Newcombe (1998, Statistics in Medicine 17:857, table I).
    """
    return _score_interval(divide(successes, n), n.astype(np.float64))


def wilson_finite(successes: Ints, n: Ints, population: Floats) -> Interval:
    """Return the 95 % score interval of a rate among the `population` N people of a roster, of whom n answered.

    Arrays of one shape. Wilson's interval on the effective size n (N - 1) / (N - n), the size that gives the variance
    of sampling without replacement (Cochran 1977, eq. 3.8); the whole roster (n = N) gives the point itself. Where N
    is unknown (NaN) or impossible (below n) there is no correction: plain Wilson. NaN where n is 0.
    Checked against R (`tests/reference/rates.R`).
    """
    rate, size = divide(successes, n), n.astype(np.float64)
    known = population >= size
    effective = divide(size * (population - 1.0), np.where(known, population - size, 0.0))
    interval = _score_interval(rate, np.where(known, effective, size))
    everyone = known & (population == size) & (n > 0)
    return Interval(low=np.where(everyone, rate, interval.low), high=np.where(everyone, rate, interval.high))


def hypergeometric(successes: Ints, n: Ints, population: Floats) -> Interval:
    """Return the exact 95 % interval of a rate among the N people of a small roster, of whom n answered.

    Arrays of one shape. Holds every number K of satisfied people for which neither P(X >= successes) nor
    P(X <= successes) is at most 2.5 % (inversion of two one-sided hypergeometric tests: Katz 1953; Wright 1997); the
    ends are K / N. It covers in at least 95 % of the samples of every roster. NaN where n is 0 and where N is
    unknown, below n or above `EXACT_ROSTER`.
    Checked against R `phyper` (`tests/reference/rates.R`) and by enumeration of all samples of small rosters.
    """
    usable = (n > 0) & (population >= n) & (population <= EXACT_ROSTER)
    rows = np.stack([successes[usable], n[usable], population[usable].astype(np.int64)], axis=-1)
    cases, place = np.unique(rows.reshape(-1, 3), axis=0, return_inverse=True)
    k, size, heads = cases.T
    # The highest K is the mirror image of the lowest one: count the dissatisfied instead.
    ends = _fewest(k, size, heads) / heads, 1.0 - _fewest(size - k, size, heads) / heads
    low, high = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    low[usable], high[usable] = ends[0][place.ravel()], ends[1][place.ravel()]
    return Interval(low=low, high=high)


def clopper_pearson(successes: Floats | Ints, n: Floats | Ints) -> Interval:
    """Return the 95 % interval of Clopper and Pearson (1934), arrays of one shape; NaN where n is 0.

    Sizes need not be whole: an effective size may be given with the successes in proportion (Korn and Graubard 1998).
    Checked against R `binom.test`, R survey `svyciprop(method = "beta")` and Newcombe (1998, table I).
    """
    from scipy.special import betaincinv

    k, size = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    rest = size - k
    low = betaincinv(np.where(k > 0, k, 1.0), rest + 1.0, _TAIL)
    high = betaincinv(k + 1.0, np.where(rest > 0, rest, 1.0), 1.0 - _TAIL)
    return Interval(
        low=np.where(size > 0, np.where(k > 0, low, 0.0), np.nan),
        high=np.where(size > 0, np.where(rest > 0, high, 1.0), np.nan),
    )


def rates(successes: Ints, n: Ints, population: Floats | None = None) -> Rates:
    """Return rates with the interval that fits the roster, arrays of one shape (n_targets,) or more.

    population: N of each roster, NaN where there is none; None: no rosters at all. N up to `EXACT_ROSTER` gives the
    exact interval, a larger N Wilson's with finite correction, no (or an impossible) N plain Wilson.
    Raises ValueError if somewhere successes lie outside 0..n.
    """
    if ((successes < 0) | (successes > n)).any():
        raise ValueError("successes must lie between 0 and the number of answers")
    heads = np.full(n.shape, np.nan) if population is None else population
    known: Bools = heads >= n
    small: Bools = known & (heads <= EXACT_ROSTER)
    exact, wide = hypergeometric(successes, n, heads), wilson_finite(successes, n, heads)
    return Rates(
        rate=divide(successes, n),
        interval=Interval(low=np.where(small, exact.low, wide.low), high=np.where(small, exact.high, wide.high)),
        method=np.select([n == 0, small, known], [NO_METHOD, HYPERGEOMETRIC, WILSON_FINITE], WILSON),
    )


def _score_interval(p: Floats, n: Floats) -> Interval:
    """Return Wilson's interval for rates p on sizes n, which need not be whole; NaN where n is 0 or NaN."""
    from scipy.special import ndtri

    z2 = float(ndtri((1.0 + CONFIDENCE) / 2.0)) ** 2
    size = np.where(n > 0, n, np.nan)
    centre = (size * p + z2 / 2.0) / (size + z2)
    reach = np.sqrt(z2) / (size + z2) * np.sqrt(size * p * (1.0 - p) + z2 / 4.0)
    # The ends are exactly 0 and 1 in theory when nobody or everybody agrees; rounding must not miss them.
    low = np.where((p == 0.0) & (n > 0), 0.0, centre - reach)
    high = np.where((p == 1.0) & (n > 0), 1.0, centre + reach)
    return Interval(low=low, high=high)


def _fewest(k: Ints, n: Ints, heads: Ints) -> Ints:
    """Return the smallest K of `heads` people, arrays (n_cases,), under which k or more of n is not a 2.5 % event."""
    # The tail grows with K, so a bisection between k - 1 (tail 0) and the largest possible K finds the first.
    below, above = k - 1, heads - (n - k)
    while (above - below > 1).any():
        # Rounded up, so that a case that is done asks for its answer again.
        middle = (below + above + 1) // 2
        enough = _upper_tail(k, n, heads, middle) > _TAIL
        below, above = np.where(enough, below, middle), np.where(enough, middle, above)
    return np.asarray(above, dtype=np.int64)


def _upper_tail(k: Ints, n: Ints, heads: Ints, satisfied: Ints) -> Floats:
    """Return P(X >= k) for n people drawn from `heads`, of whom `satisfied` are satisfied; arrays (n_cases,)."""
    choose = _pascal(EXACT_ROSTER)
    drawn = np.arange(EXACT_ROSTER + 1)
    others = n[:, None] - drawn
    possible = (drawn >= k[:, None]) & (others >= 0)
    ways = choose[satisfied[:, None], drawn] * choose[(heads - satisfied)[:, None], np.where(possible, others, 0)]
    return divide(np.where(possible, ways, 0.0).sum(axis=1), choose[heads, n])


def _pascal(size: int) -> Floats:
    """Return the binomial coefficients (size + 1, size + 1), 0 above the diagonal; exact but for the last bits."""
    table = np.zeros((size + 1, size + 1))
    table[:, 0] = 1.0
    for row in range(1, size + 1):
        table[row, 1:] = table[row - 1, 1:] + table[row - 1, :-1]
    return table
