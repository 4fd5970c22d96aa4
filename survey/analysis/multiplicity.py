"""Many comparisons: adjusted p values over a family that is named beforehand."""

import numpy as np

from survey.analysis.arrays import Floats


def benjamini_hochberg(p: Floats) -> Floats:
    """Return adjusted p values (Benjamini and Hochberg 1995) of a family (n,); NaN stays NaN and is not counted."""
    from scipy.stats import false_discovery_control

    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        # A p value may pass 1 by rounding, which SciPy refuses.
        adjusted[tested] = false_discovery_control(np.clip(p[tested], 0.0, 1.0), method="bh")
    return adjusted
