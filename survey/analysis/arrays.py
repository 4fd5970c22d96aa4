"""Names for the array types that the statistics exchange."""

from math import isnan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]


def divide(top: Floats | Ints, bottom: Floats | Ints) -> Floats:
    """Return top / bottom, NaN (undefined) where bottom is 0 or either side is NaN; no warning is raised."""
    upper, lower = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    quotient = np.full(upper.shape, np.nan)
    np.divide(upper, lower, out=quotient, where=lower != 0)
    return quotient


def total(values: Floats | Ints, index: Ints, *, size: int) -> Floats:
    """Return the sums of `values` (n_values,) within the groups `index` (n_values,) of 0..size-1."""
    return np.asarray(np.bincount(index, weights=values, minlength=size), dtype=np.float64)


def plain(values: Floats) -> list[float | None]:
    """Return Python floats, None (null in JSON) where a value is NaN."""
    return [None if isnan(value) else value for value in values.tolist()]


def plain_pairs(low: Floats, high: Floats) -> list[list[float] | None]:
    """Return [low, high] per row, None where either end is NaN."""
    ends = zip(low.tolist(), high.tolist(), strict=True)
    return [None if isnan(a) or isnan(b) else [a, b] for a, b in ends]
