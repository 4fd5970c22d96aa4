"""Units compared on one value per rated target (never on pooled ballots)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import Interval, t_interval, two_sided_p
from survey.analysis.midranks import Midranks, ranks_of_values
from survey.analysis.moments import Moments, combine

MOST_UNITS = 60
"""Up to so many units all pairs are tested; above, pairs within a district (学区) and each unit against the rest."""

REST = -1
"""Stands for 'all other units' in a plan of pairs."""


@dataclass(frozen=True, kw_only=True)
class WelchAnova:
    """Welch's F test of equal means; f, df2 and p are None where nothing varies."""

    f: float | None
    df1: float
    df2: float | None
    p: float | None


@dataclass(frozen=True, kw_only=True)
class KruskalWallis:
    """Kruskal-Wallis test with tie correction; h and p are None where nothing varies."""

    h: float | None
    df: int
    p: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """Welch tests of many pairs (n_pairs,): difference a - b, interval, t, df, p, Hedges g; NaN where undefined."""

    difference: Floats
    interval: Interval
    t: Floats
    df: Floats
    p: Floats
    hedges_g: Floats


def welch_anova(units: Moments) -> WelchAnova:
    """Test equal means of k units (Welch 1951) from their moments (k,), each of two values at least.

    A unit whose values are all equal has no finite weight; then the test is undefined (None), as in R.
    Checked against R `oneway.test` and statsmodels `anova_generic(use_var="unequal")`.
    """
    from scipy.special import fdtrc

    k = len(units.n)
    variance = units.variance()
    if k < 2 or not (variance > 0.0).all():
        return WelchAnova(f=None, df1=float(max(k - 1, 0)), df2=None, p=None)
    weight = units.n / variance
    total = float(weight.sum())
    centre = float((weight * units.mean).sum()) / total
    uneven = float(((1.0 - weight / total) ** 2 / (units.n - 1)).sum())
    between = float((weight * (units.mean - centre) ** 2).sum()) / (k - 1)
    f = between / (1.0 + 2.0 * (k - 2) / (k * k - 1) * uneven)
    df2 = (k * k - 1) / (3.0 * uneven)
    return WelchAnova(f=f, df1=float(k - 1), df2=df2, p=float(fdtrc(k - 1, df2, f)))


def kruskal(values: Floats, unit: Ints, *, size: int) -> KruskalWallis:
    """Test equal locations of `size` units by ranks: values (n,) with the unit (n,) of each; checked against SciPy."""
    return kruskal_of_ranks(ranks_of_values(values, unit, size=size))


def kruskal_of_ranks(ranks: Midranks) -> KruskalWallis:
    """Test equal locations of the groups (Kruskal and Wallis 1952, tie-corrected) from their mean ranks.

    Groups without a value count in df as they do in `kruskal`: leave them out beforehand. None where nothing varies.
    Checked against R `kruskal.test` and SciPy.
    """
    from scipy.special import chdtrc

    groups, spread = len(ranks.n), ranks.spread()
    if groups < 2 or spread == 0.0:
        return KruskalWallis(h=None, df=max(groups - 1, 0), p=None)
    squares = float(np.nansum(ranks.n * (ranks.mean - (ranks.size + 1) / 2.0) ** 2))
    h = squares / spread
    return KruskalWallis(h=h, df=groups - 1, p=float(chdtrc(groups - 1, h)))


def epsilon_squared(test: KruskalWallis, *, n: int) -> float | None:
    """Return the effect size H / (n - 1) in [0, 1] of n values (Tomczak and Tomczak 2014), None where nothing varies.

    The share of the ranks' spread that lies between the groups: p alone says little with many values.
    """
    return None if test.h is None else min(test.h / (n - 1), 1.0)


def welch_pairs(a: Moments, b: Moments) -> Differences:
    """Test a - b pair by pair (Welch 1947) from the moments (n_pairs,) of both sides, each of two values at least.

    hedges_g: difference over the pooled sd, times J = 1 - 3 / (4 df - 1) with df = n_a + n_b - 2 (Hedges 1981).
    Where neither side varies only the difference is known. Checked against SciPy and statsmodels.
    """
    difference = a.mean - b.mean
    part_a, part_b = divide(a.variance(), a.n), divide(b.variance(), b.n)
    squared = part_a + part_b
    se = np.sqrt(np.where(squared > 0.0, squared, np.nan))
    df = divide(squared**2, divide(part_a**2, a.n - 1) + divide(part_b**2, b.n - 1))
    t = divide(difference, se)
    freedom: Ints = a.n + b.n - 2
    sd = np.sqrt(divide(a.ss + b.ss, freedom))
    small_sample = 1.0 - divide(np.full(freedom.shape, 3.0), 4 * freedom - 1)
    return Differences(
        difference=difference,
        interval=t_interval(difference, se, df=df),
        t=t,
        df=df,
        p=two_sided_p(t, df=df),
        hedges_g=divide(difference, sd) * small_sample,
    )


def points_turn(levels: float, points: float) -> bool:
    """Tell whether a difference in points, as it is written with one decimal, goes against the one in levels."""
    return levels * round(points, 1) < 0.0


def plan_pairs(units: Sequence[str], district: Mapping[str, str] | None) -> tuple[Ints, Ints]:
    """Return the positions (n_pairs,) of both sides of every test to make; side b may be `REST`.

    The family depends on the units alone and is fixed before any value is seen.
    """
    size = len(units)
    if size <= MOST_UNITS:
        first, second = np.triu_indices(size, 1)
        return first.astype(np.int64), second.astype(np.int64)
    near = _pairs_within(units, district or {})
    first = np.array([*(a for a, _ in near), *range(size)], dtype=np.int64)
    second = np.array([*(b for _, b in near), *([REST] * size)], dtype=np.int64)
    return first, second


def rest_of(units: Moments) -> Moments:
    """Return, for each unit, the moments of all other units' values together: (n_units,) or (n_units, n_cells).

    With cells, each cell is a population of its own. Everything before a unit is merged with everything after it:
    taking the unit out of the whole by subtraction would cost digits.
    """
    before, after = _running(units), _running(_reversed(units))
    return _merged(before, _reversed(after))


def _reversed(units: Moments) -> Moments:
    return Moments(n=units.n[::-1], mean=units.mean[::-1], ss=units.ss[::-1])


def _running(units: Moments) -> Moments:
    """Return, for each unit, the moments of all units before it."""
    n, mean, ss = np.zeros_like(units.n), np.zeros_like(units.mean), np.zeros_like(units.ss)
    for row in range(1, len(units.n)):
        last = slice(row - 1, row)
        whole = _merged(Moments(n=n[last], mean=mean[last], ss=ss[last]), units.take(np.arange(row - 1, row)))
        n[row], mean[row], ss[row] = whole.n[0], whole.mean[0], whole.ss[0]
    return Moments(n=n, mean=mean, ss=ss)


def _merged(one: Moments, other: Moments) -> Moments:
    """Merge two arrays of groups element by element."""
    places = np.arange(one.n.size)
    flat = Moments(
        n=np.concatenate([one.n.ravel(), other.n.ravel()]),
        mean=np.concatenate([one.mean.ravel(), other.mean.ravel()]),
        ss=np.concatenate([one.ss.ravel(), other.ss.ravel()]),
    )
    whole = combine(flat, np.concatenate([places, places]), size=one.n.size)
    shape = one.n.shape
    return Moments(n=whole.n.reshape(shape), mean=whole.mean.reshape(shape), ss=whole.ss.reshape(shape))


def _pairs_within(units: Sequence[str], district: Mapping[str, str]) -> list[tuple[int, int]]:
    members: dict[str, list[int]] = {}
    for row, unit in enumerate(units):
        if unit in district:
            members.setdefault(district[unit], []).append(row)
    return [(a, b) for rows in members.values() for place, a in enumerate(rows) for b in rows[place + 1 :]]
