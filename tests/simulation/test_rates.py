"""Rates among a finite roster: how often the interval holds the rate of the whole roster, over all samples of it.

No chance is needed: the hypergeometric distribution gives the coverage for every number of satisfied people. It swings
from one number to the next, as for all intervals of counts; its mean over them is held to 94-96 %.
"""

import numpy as np
import pytest
from scipy.stats import hypergeom

from survey.analysis.proportions import EXACT_ROSTER, HYPERGEOMETRIC, WILSON_FINITE, rates, wilson

pytestmark = pytest.mark.slow

RESPONSE = pytest.mark.parametrize("response", [0.5, 0.7, 0.9])


def covered(interval, *, n, heads):
    """Return the coverage for each number of satisfied people, 0 to `heads`."""
    satisfied = np.arange(heads + 1)
    chance = hypergeom.pmf(np.arange(n + 1)[:, None], heads, satisfied, n)
    truth = satisfied / heads
    inside = (interval.low[:, None] <= truth + 1e-12) & (truth - 1e-12 <= interval.high[:, None])
    return (chance * inside).sum(axis=0)


def finite(*, n, heads, method):
    found = rates(np.arange(n + 1), np.full(n + 1, n), np.full(n + 1, float(heads)))
    assert set(found.method) == {method}
    return covered(found.interval, n=n, heads=heads)


@RESPONSE
@pytest.mark.parametrize("heads", [EXACT_ROSTER + 1, 80, 150, 400, 1600])
def test_rates_of_rosters_are_covered_on_average(heads, response):
    coverage = finite(n=round(heads * response), heads=heads, method=WILSON_FINITE)
    assert 0.94 <= coverage.mean() <= 0.96
    assert coverage.min() > 0.87


@RESPONSE
@pytest.mark.parametrize("heads", [12, 25, 40, EXACT_ROSTER])
def test_small_rosters_are_covered_in_95_percent_whatever_they_think(heads, response):
    """Exact, so never less, and often more: 98 % on average."""
    coverage = finite(n=round(heads * response), heads=heads, method=HYPERGEOMETRIC)
    assert coverage.min() >= 0.95 - 1e-12


@RESPONSE
def test_the_wrong_interval_that_forgets_the_roster_is_far_too_wide(response):
    n = round(400 * response)
    assert covered(wilson(np.arange(n + 1), np.full(n + 1, n)), n=n, heads=400).mean() > 0.99
