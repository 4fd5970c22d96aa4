"""Count, mean and centred sum of squares of many groups at once, and their exact merging."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, total

# Means of whole levels differ by far more than this share; anything smaller is rounding, not variation.
_ROUNDING = 1e-13


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Moments of groups, arrays of one shape, mostly (n_groups,); mean and ss are 0 where n is 0.

    ss is the sum of squared deviations from the group's own mean, in squared units of the mean.
    """

    n: Ints
    mean: Floats
    ss: Floats

    def variance(self) -> Floats:
        """Return the sample variance (n - 1 in the denominator), NaN below two values."""
        return divide(self.ss, np.where(self.n > 1, self.n - 1, 0))

    def sd(self) -> Floats:
        """Return the sample standard deviation, NaN below two values."""
        return np.asarray(np.sqrt(self.variance()), dtype=np.float64)

    def se(self) -> Floats:
        """Return the standard error of the mean of independent values, NaN below two values."""
        return np.asarray(np.sqrt(divide(self.variance(), self.n)), dtype=np.float64)

    def known_mean(self) -> Floats:
        """Return the mean, NaN where there is no value."""
        return np.where(self.n > 0, self.mean, np.nan)

    def take(self, rows: Ints | Bools) -> "Moments":
        """Return the moments of the chosen groups."""
        return Moments(n=self.n[rows], mean=self.mean[rows], ss=self.ss[rows])


def moments_of(values: Floats, index: Ints, *, size: int) -> Moments:
    """Return the moments of `values` (n_values,) within the groups `index` (n_values,) of 0..size-1.

    Two passes (Chan, Golub and LeVeque 1983, eq. 1.7): one-pass float variance fails the NIST set NumAcc4.
    """
    n = np.bincount(index, minlength=size).astype(np.int64)
    mean = _share(total(values, index, size=size), n)
    rest = values - mean[index]
    drift = _share(total(rest, index, size=size), n)
    ss = total(rest * rest, index, size=size) - n * drift * drift
    return _cleaned(n, mean + drift, ss)


def combine(parts: Moments, index: Ints, *, size: int) -> Moments:
    """Merge parts (n_parts,) into the groups `index` (n_parts,) of 0..size-1 (Chan's update), exactly as if pooled."""
    n = total(parts.n, index, size=size).astype(np.int64)
    mean = _share(total(parts.n * parts.mean, index, size=size), n)
    mean = mean + _share(total(parts.n * (parts.mean - mean[index]), index, size=size), n)
    rest = parts.mean - mean[index]
    ss = total(parts.ss + parts.n * rest * rest, index, size=size)
    return _cleaned(n, mean, ss)


def pooled(parts: Moments) -> Moments:
    """Merge all parts into one group, arrays of shape (1,)."""
    return combine(parts, np.zeros(parts.n.shape, dtype=np.int64), size=1)


def moments_of_counts(counts: Ints, values: Floats) -> Moments:
    """Return the moments (...) of `values` (n_values,) that occur `counts` (..., n_values) times."""
    n = counts.sum(axis=-1)
    mean = _share((counts * values).sum(axis=-1), n)
    ss = (counts * (values - mean[..., None]) ** 2).sum(axis=-1)
    return _cleaned(n, mean, ss)


def _share(sums: Floats, n: Ints) -> Floats:
    return np.asarray(np.nan_to_num(divide(sums, n)), dtype=np.float64)


def _cleaned(n: Ints, mean: Floats, ss: Floats) -> Moments:
    """Set sums of squares that are only rounding to an exact 0, so that 'nothing varies' can be seen."""
    limit = n * (_ROUNDING * np.maximum(1.0, np.abs(mean))) ** 2
    return Moments(n=n, mean=np.asarray(mean), ss=np.where(ss <= limit, 0.0, ss))
