"""Moments: precision, merging, exact zeros."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.moments import Moments, combine, cross_products, moments_of, moments_of_counts, pooled

VALUES = st.lists(st.floats(1, 100), min_size=1, max_size=30)


def one(values):
    return moments_of(np.array(values, dtype=float), np.zeros(len(values), dtype=np.int64), size=1)


def test_nist_numacc4_needs_two_passes():
    values = [10000000.2] + [10000000.1, 10000000.3] * 500
    assert one(values).mean[0] == 10000000.2
    assert one(values).sd()[0] == pytest.approx(0.1, rel=1e-7)


def test_equal_values_have_exactly_no_spread():
    assert one([10 / 3] * 7).ss[0] == 0.0
    assert one([0.1] * 1000).sd()[0] == 0.0


def test_one_value_has_no_standard_deviation():
    assert np.isnan(one([4.0]).sd()[0])
    assert np.isnan(one([4.0]).se()[0])


def test_an_empty_group_is_zero_and_its_mean_unknown():
    moments = moments_of(np.array([1.0]), np.array([1]), size=2)
    assert (moments.n[0], moments.mean[0], moments.ss[0]) == (0, 0, 0)
    assert np.isnan(moments.known_mean()[0])


@given(VALUES, VALUES)
@settings(max_examples=50, deadline=None)
def test_combined_parts_equal_the_whole(first, second):
    parts = Moments(**{k: np.concatenate([vars(one(first))[k], vars(one(second))[k]]) for k in ("n", "mean", "ss")})
    whole = one(first + second)
    merged = combine(parts, np.zeros(2, dtype=np.int64), size=1)
    assert merged.n[0] == whole.n[0]
    assert merged.mean[0] == pytest.approx(whole.mean[0], rel=1e-12)
    assert merged.ss[0] == pytest.approx(whole.ss[0], rel=1e-9, abs=1e-9)
    assert pooled(parts).mean[0] == merged.mean[0]


def test_counts_give_the_moments_of_the_values_they_count():
    moments = moments_of_counts(np.array([[[1, 0, 3]]]), np.array([1.0, 2.0, 3.0]))
    assert moments.mean[0, 0] == 2.5
    assert moments.sd()[0, 0] == pytest.approx(np.std([1, 3, 3, 3], ddof=1))


ROWS = st.integers(0, 20).flatmap(lambda n: arrays(np.uint8, (n, 3)))


@given(ROWS, ROWS)
@settings(max_examples=50, deadline=None)
def test_added_cross_products_equal_those_of_all_rows_exactly(first, second):
    both = cross_products(first) + cross_products(second)
    whole = cross_products(np.concatenate([first, second]))
    assert both.n == whole.n
    np.testing.assert_array_equal(both.sums, whole.sums)
    np.testing.assert_array_equal(both.products, whole.products)


def test_covariance_equals_numpy_over_many_blocks():
    rows = np.random.default_rng(4).integers(0, 255, (150_000, 3)).astype(np.uint8)
    found = cross_products(rows)
    np.testing.assert_allclose(found.covariance(), np.cov(rows.T.astype(float)), rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(found.means(), rows.mean(axis=0), rtol=1e-14)


def test_covariance_of_one_row_is_undefined_and_of_equal_rows_zero():
    assert np.isnan(cross_products(np.array([[5, 4]], dtype=np.uint8)).covariance()).all()
    assert np.isnan(cross_products(np.zeros((0, 2), dtype=np.uint8)).means()).all()
    assert (cross_products(np.full((70_001, 2), 254, dtype=np.uint8)).covariance() == 0).all()
