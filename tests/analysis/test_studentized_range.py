"""The studentized range against SciPy and, for two means, Student's t."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.studentized_range import range_quantile, range_sf


@pytest.mark.parametrize("means", [3, 14])
@pytest.mark.parametrize("df", [1.0, 2.7, 11.0, 300.0])
def test_the_studentized_range_equals_scipy(means, df):
    q = np.array([0.5, 2.0, 3.7, 6.0, 40.0])
    found = range_sf(q, means=means, df=np.full(5, df))
    np.testing.assert_allclose(found, stats.studentized_range.sf(q, means, df), atol=1e-10)
    assert range_quantile(means=means, df=np.array([df]))[0] == pytest.approx(
        stats.studentized_range.ppf(0.95, means, df), rel=1e-8
    )


@given(st.floats(0.01, 40.0), st.floats(1.0, 1e7))
@settings(deadline=None)
def test_the_range_of_two_means_is_students_t(q, df):
    found = range_sf(np.array([q]), means=2, df=np.array([df]))[0]
    assert found == pytest.approx(2 * stats.t.sf(q / np.sqrt(2), df), abs=1e-11)
    quantile = range_quantile(means=2, df=np.array([df]))[0]
    assert quantile == pytest.approx(np.sqrt(2) * stats.t.ppf(0.975, df), rel=1e-9)


def test_unknown_statistics_and_too_few_degrees_of_freedom_have_no_probability():
    found = range_sf(np.array([np.nan, 3.0, 3.0, 0.0, 1e9]), means=4, df=np.array([9, np.nan, 0.5, 9, 9]))
    np.testing.assert_allclose(found, [np.nan, np.nan, np.nan, 1, 0], atol=1e-12)
    assert np.isnan(range_quantile(means=4, df=np.array([np.nan, 0.5]))).all()
    with pytest.raises(ValueError, match="two means"):
        range_quantile(means=1, df=np.array([9.0]))


def test_probability_of_the_quantile_is_a_twentieth():
    df = np.array([1.0, 1.9, 6.4, 58.0, 1e4, 1e8])
    quantile = range_quantile(means=60, df=df)
    np.testing.assert_allclose(range_sf(quantile, means=60, df=df), 0.05, rtol=1e-8)
