"""Midranks from values and from level counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.midranks import ranks_of_counts, ranks_of_values

COUNTS = st.lists(st.lists(st.integers(0, 6), min_size=5, max_size=5), min_size=2, max_size=5).map(np.array)


@given(COUNTS)
@settings(deadline=None)
def test_counts_rank_as_the_answers_one_by_one(counts):
    level = np.repeat(np.tile(np.arange(5), len(counts)), counts.ravel()).astype(float)
    group = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    one_by_one, counted = ranks_of_values(level, group, size=len(counts)), ranks_of_counts(counts)
    np.testing.assert_allclose(counted.mean, one_by_one.mean)
    assert counted.ss == pytest.approx(one_by_one.ss)


def test_the_spread_is_that_of_the_printed_tie_correction():
    ties = np.array([3, 1, 4])
    size = ties.sum()
    expected = (size * (size + 1) - (ties**3 - ties).sum() / (size - 1)) / 12
    assert ranks_of_counts(ties[None]).spread() == pytest.approx(expected)


def test_nothing_varies_one_answer_no_answer():
    assert ranks_of_counts(np.array([[0, 14_000_000, 0]])).spread() == 0
    assert ranks_of_counts(np.array([[0, 1, 0]])).spread() == 0
    nobody = ranks_of_values(np.array([]), np.array([], dtype=int), size=2)
    assert (nobody.size, nobody.spread()) == (0, 0)
    assert np.isnan(nobody.mean).all()
