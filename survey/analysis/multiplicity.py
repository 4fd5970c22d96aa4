"""Many comparisons: adjusted p values over a family that is named beforehand."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats

BENJAMINI_HOCHBERG = "benjamini_hochberg"
"""For lists that screen: of what is flagged, 5 % may be false."""

HOLM = "holm"
"""For statements with consequences: one false flag in the whole family has a chance of 5 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AdjustedFamily:
    """A family of comparisons: its name, the method, how many were planned and could be tested, adjusted p (n,).

    planned counts all pairs that were to be compared, size those with a p value, over which p is adjusted.
    """

    name: str
    method: str
    planned: int
    size: int
    p_adjusted: Floats


def adjust(p: Floats, *, family: str, method: str = BENJAMINI_HOCHBERG) -> AdjustedFamily:
    """Adjust the p values (n,) of the named family by `BENJAMINI_HOCHBERG` or `HOLM`; NaN: not testable, stays NaN.

    Raises ValueError for another method.
    """
    if method not in _METHODS:
        raise ValueError(f"unknown adjustment {method!r}")
    size = int((~np.isnan(p)).sum())
    return AdjustedFamily(name=family, method=method, planned=len(p), size=size, p_adjusted=_METHODS[method](p))


def benjamini_hochberg(p: Floats) -> Floats:
    """Return adjusted p values (Benjamini and Hochberg 1995) of a family (n,); NaN stays NaN and is not counted.

    Checked against R `p.adjust(method = "BH")` and statsmodels.
    """
    from scipy.stats import false_discovery_control

    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        # A p value may pass 1 by rounding, which SciPy refuses.
        adjusted[tested] = false_discovery_control(np.clip(p[tested], 0.0, 1.0), method="bh")
    return adjusted


def holm(p: Floats) -> Floats:
    """Return step-down adjusted p values (Holm 1979) of a family (n,); NaN stays NaN and is not counted.

    Checked against R `p.adjust(method = "holm")` and statsmodels.
    """
    adjusted = np.full(p.shape, np.nan)
    # NaN sorts last.
    order = np.argsort(p, kind="stable")[: int((~np.isnan(p)).sum())]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


_METHODS = {BENJAMINI_HOCHBERG: benjamini_hochberg, HOLM: holm}
