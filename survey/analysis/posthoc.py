"""Which of k units differ, after Welch's ANOVA (Games-Howell) or Kruskal-Wallis (Dunn): many pairs at once."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import Interval
from survey.analysis.midranks import Midranks
from survey.analysis.moments import Moments
from survey.analysis.studentized_range import range_quantile, range_sf


@dataclass(frozen=True, kw_only=True, eq=False)
class GamesHowell:
    """Games-Howell tests (n_pairs,) of a - b: all p and intervals hold together at 5 %; NaN where undefined.

    difference and simultaneous 95 % interval in the units of the values; q: studentized range statistic; df: Welch.
    The p values are adjusted already: no further correction for the number of pairs.
    """

    difference: Floats
    interval: Interval
    q: Floats
    df: Floats
    p: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Dunn:
    """Dunn tests (n_pairs,) of a - b: difference of mean ranks, z, unadjusted two-sided p; NaN where undefined."""

    difference: Floats
    z: Floats
    p: Floats


def games_howell(a: Moments, b: Moments, *, units: int) -> GamesHowell:
    """Test pairs a - b out of `units` units (Games and Howell 1976) from the moments (n_pairs,) of both sides.

    q = sqrt(2) |t| with Welch's t and df, held against the studentized range of all `units` means, also where only
    some pairs are planned; a side that pools several units is not in that family and belongs to `welch_pairs`. Where
    neither side varies, or a side has one value, only the difference is known. Raises ValueError below two units.
    Checked against statsmodels `pairwise_tukeyhsd(use_var="unequal")`, R `ptukey`, SciPy `studentized_range`.
    """
    difference = a.mean - b.mean
    part_a, part_b = divide(a.variance(), a.n), divide(b.variance(), b.n)
    squared = part_a + part_b
    squared = np.where(squared > 0.0, squared, np.nan)
    df = divide(squared**2, divide(part_a**2, a.n - 1) + divide(part_b**2, b.n - 1))
    # Rounding may leave Welch's df a hair below its least value, the smaller n - 1.
    df = np.maximum(df, np.minimum(a.n, b.n) - 1)
    half = np.sqrt(squared / 2.0)
    q = np.abs(difference) / half
    reach = range_quantile(means=units, df=df) * half
    return GamesHowell(
        difference=np.where((a.n > 0) & (b.n > 0), difference, np.nan),
        interval=Interval(low=difference - reach, high=difference + reach),
        q=q,
        df=df,
        p=range_sf(q, means=units, df=df),
    )


def dunn(ranks: Midranks, first: Ints, second: Ints) -> Dunn:
    """Test pairs of groups, positions first and second (n_pairs,), on their mean ranks (Dunn 1964).

    z = difference / sqrt((N(N+1) - ties/(N-1)) / 12 * (1/n_a + 1/n_b)), ranks over all groups together. p is not
    adjusted: `multiplicity.adjust` does that over the planned family. NaN where nothing varies or a group is empty.
    Checked against R (formula on `rank`), for two groups Kruskal-Wallis, and Zar (2010), example 10.11.
    """
    from scipy.special import ndtr

    difference = ranks.mean[first] - ranks.mean[second]
    share = divide(np.ones(len(first)), ranks.n[first]) + divide(np.ones(len(second)), ranks.n[second])
    z = divide(difference, np.sqrt(ranks.spread() * share))
    return Dunn(difference=difference, z=z, p=np.asarray(2.0 * ndtr(-np.abs(z)), dtype=np.float64))
