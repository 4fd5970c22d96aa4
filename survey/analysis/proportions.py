"""Rates and their intervals."""

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import CONFIDENCE, Interval


def wilson(successes: Ints, n: Ints) -> Interval:
    """Return the 95 % score interval of successes / n (Wilson 1927), arrays of one shape; NaN where n is 0.

    Checked against statsmodels `proportion_confint(method="wilson")`.
    """
    from scipy.special import ndtri

    z2 = float(ndtri((1.0 + CONFIDENCE) / 2.0)) ** 2
    p = divide(successes, n)
    size = n.astype(np.float64) + z2
    centre = (successes + z2 / 2.0) / size
    reach = np.sqrt(z2) / size * np.sqrt(n * p * (1.0 - p) + z2 / 4.0)
    # The ends are exactly 0 and 1 in theory when nobody or everybody agrees; rounding must not miss them.
    low: Floats = np.where(successes == 0, 0.0, centre - reach)
    high: Floats = np.where(successes == n, 1.0, centre + reach)
    return Interval(low=np.where(n > 0, low, np.nan), high=np.where(n > 0, high, np.nan))
