"""Wilson's interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from survey.analysis.proportions import wilson


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=50, deadline=None)
def test_equals_scipy(pair):
    found = wilson(np.array([pair[0]]), np.array([pair[1]]))
    expected = binomtest(*pair).proportion_ci(method="wilson")
    assert found.low[0] == pytest.approx(expected.low, abs=1e-12)
    assert found.high[0] == pytest.approx(expected.high, abs=1e-12)


def test_equals_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    found = wilson(np.array([0, 7, 20]), np.array([20, 20, 20]))
    low, high = proportion.proportion_confint(np.array([0, 7, 20]), 20, method="wilson")
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)


def test_nobody_and_everybody_reach_the_exact_ends():
    found = wilson(np.array([0, 9]), np.array([9, 9]))
    assert found.low[0] == 0.0
    assert found.high[1] == 1.0


def test_without_answers_there_is_no_interval():
    found = wilson(np.array([0]), np.array([0]))
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])
