"""Count, mean and centred sum of squares of many groups at once, cross-products of items, and their exact merging."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Bytes, Floats, Ints, divide, total

# Means of whole levels differ by far more than this share; anything smaller is rounding, not variation.
_ROUNDING = 1e-13
# Rows multiplied at once: so few that products of bytes stay exact in a double.
_BLOCK = 65_536


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


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossProducts:
    """Exact sums over n rows of k whole numbers: sums (k,) of the columns, products (k, k) of pairs of columns.

    Levels are whole, so both are whole and merge by addition without rounding. Centring, where a one-pass variance
    loses digits, is done in whole numbers of any size too (`covariance`).
    """

    n: int
    sums: Ints
    products: Ints

    def __add__(self, other: "CrossProducts") -> "CrossProducts":
        """Return the cross-products of both sets of rows."""
        return CrossProducts(n=self.n + other.n, sums=self.sums + other.sums, products=self.products + other.products)

    def means(self) -> Floats:
        """Return the means (k,) of the columns, NaN without a row."""
        return divide(self.sums, np.full(self.sums.shape, self.n))

    def covariance(self) -> Floats:
        """Return the sample covariance matrix (k, k), n - 1 in the denominator, NaN below two rows.

        n times a product passes 2^63 at ten million ballots of a 100-level scale: Python's whole numbers do not.
        """
        if self.n < 2:
            return np.full(self.products.shape, np.nan)
        sums = self.sums.astype(object)
        centred = self.n * self.products.astype(object) - np.outer(sums, sums)
        return np.asarray(centred / (self.n * (self.n - 1)), dtype=np.float64)


def cross_products(rows: Bytes) -> CrossProducts:
    """Return the cross-products of rows (n, k), one byte a value; exact for any number of rows that fits in memory."""
    width = rows.shape[1]
    sums, products = np.zeros(width, dtype=np.int64), np.zeros((width, width), dtype=np.int64)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64)
        sums += block.sum(axis=0).astype(np.int64)
        products += (block.T @ block).astype(np.int64)
    return CrossProducts(n=len(rows), sums=sums, products=products)
