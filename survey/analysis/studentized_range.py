"""The studentized range of k normal means, for many statistics at once.

SciPy's `studentized_range` takes 16 ms for a probability and a second for a quantile, so minutes for the 1,770 pairs
of 60 units. Here one curve per k is computed and kept, and every pair is read off it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from survey.analysis.arrays import Floats
from survey.analysis.intervals import CONFIDENCE

_WIDEST = 40.0
"""Ranges of so many standard deviations have a probability below 1e-80."""

_CURVE_POINTS = 4001
_QUANTILE_POINTS = 200
_STEPS = 640
_CHUNK = 1024
_BISECTIONS = 56


def range_sf(q: Floats, *, means: int, df: Floats) -> Floats:
    """Return P(Q > q) of the studentized range of `means` values with df degrees of freedom, arrays (n,).

    NaN where q or df is NaN, or df is below 1; df may be fractional (Welch) or as large as there are ballots.
    Absolute error below 1e-10. The inner integral, over the range, is a spline of its logarithm; the outer one, over
    the standard deviation, a sum in its logarithm (the two integrals of Copenhaver and Holland 1988). Raises
    ValueError below two means. Checked against SciPy `studentized_range`, R `ptukey` (to the seven digits it keeps)
    and, for two means, Student's t.
    """
    if means < 2:
        raise ValueError("a range needs two means at least")
    curve = _range_curve(means)
    size, freedom = np.asarray(q, dtype=np.float64), np.asarray(df, dtype=np.float64)
    found = np.full(size.shape, np.nan)
    known = np.flatnonzero(~np.isnan(size) & (freedom >= 1.0))
    for start in range(0, len(known), _CHUNK):
        rows = known[start : start + _CHUNK]
        found[rows] = _tail(np.maximum(size[rows], 0.0), freedom[rows], curve)
    return found


def range_quantile(*, means: int, df: Floats) -> Floats:
    """Return the q (n,) that the studentized range passes with probability 5 %, NaN where df is NaN or below 1.

    Relative error below 1e-9. Raises ValueError below two means. Checked against SciPy `studentized_range.ppf` and,
    for two means, Student's t; R `qtukey` keeps four digits only.
    """
    if means < 2:
        raise ValueError("a range needs two means at least")
    freedom = np.asarray(df, dtype=np.float64)
    known = freedom >= 1.0
    root = 1.0 / np.sqrt(np.where(known, freedom, 1.0))
    return np.where(known, np.exp(_quantile_curve(means)(root)), np.nan)


@lru_cache(maxsize=32)
def _range_curve(means: int) -> Callable[[Floats], Floats]:
    """Return log P(range of `means` standard normal values > w) for w in 0..40."""
    from scipy.interpolate import make_interp_spline

    z = np.linspace(-9.0, _WIDEST / 2.0 + 9.0, 1200)
    width = np.linspace(0.0, _WIDEST, _CURVE_POINTS)
    spline: Callable[[Floats], Floats] = make_interp_spline(width, [_log_range_sf(w, z, means) for w in width], k=5)
    return spline


def _log_range_sf(width: float, z: Floats, means: int) -> float:
    """Return log of k * integral phi(z) [Phi(z)^(k-1) - (Phi(z) - Phi(z - w))^(k-1)] dz, free of cancellation."""
    from scipy.special import log_ndtr

    below = log_ndtr(z)
    share = np.exp(log_ndtr(z - width) - below)
    with np.errstate(divide="ignore"):
        lost = -np.expm1((means - 1) * np.log1p(-np.minimum(share, 1.0)))
    logs = -0.5 * z * z + (means - 1) * below + np.log(np.maximum(lost, 1e-300))
    top = float(logs.max())
    sums = float(np.exp(logs - top).sum()) * float(z[1] - z[0])
    return top + float(np.log(sums * means / np.sqrt(2.0 * np.pi)))


def _tail(q: Floats, df: Floats, curve: Callable[[Floats], Floats]) -> Floats:
    """Sum the range's tail over the standard deviation s = exp(u): df s^2 is chi-squared."""
    u, weight = _spread_nodes(df)
    width = q[:, None] * np.exp(u)
    tail = np.exp(curve(np.minimum(width, _WIDEST)))
    return np.asarray(np.clip((weight * np.where(width < _WIDEST, tail, 0.0)).sum(axis=1), 0.0, 1.0))


def _spread_nodes(df: Floats) -> tuple[Floats, Floats]:
    """Return nodes u (n, steps) of log s, over all but 1e-15 of its mass, and their weights, which sum to 1."""
    from scipy.special import lambertw

    # The log density is df (u - (exp(2u) - 1) / 2); its two ends at -36 solve y exp(-y) = exp(-1 - 72 / df).
    edge = -np.exp(-1.0 - 72.0 / df)
    low = 0.5 * np.log(-lambertw(edge, 0).real)
    high = 0.5 * np.log(-lambertw(edge, -1).real)
    u = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _STEPS)
    weight = np.exp(df[:, None] * (u - 0.5 * np.expm1(2.0 * u)))
    return np.asarray(u), np.asarray(weight / weight.sum(axis=1, keepdims=True))


@lru_cache(maxsize=32)
def _quantile_curve(means: int) -> Callable[[Floats], Floats]:
    """Return log q as a function of 1 / sqrt(df) on 0..1, by bisection on a grid."""
    from scipy.interpolate import make_interp_spline

    root = np.linspace(0.0, 1.0, _QUANTILE_POINTS)
    # The last digit of a float does not see more degrees of freedom than ten thousand million.
    df = 1.0 / np.maximum(root, 1e-5) ** 2
    low, high = np.zeros(df.shape), np.full(df.shape, 9.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        beyond = range_sf(np.exp(middle), means=means, df=df) > 1.0 - CONFIDENCE
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    spline: Callable[[Floats], Floats] = make_interp_spline(root, (low + high) / 2.0, k=5)
    return spline
