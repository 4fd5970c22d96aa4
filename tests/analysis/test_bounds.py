"""What sums and squares leave open: against enumeration of all ballots, and by hand."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.bounds import Scale, Sums, pinned_by_spread, pinned_by_sums, row_basis

FIVE = Scale(levels=np.arange(1.0, 6.0), points=np.array([0.0, 30.0, 60.0, 80.0, 100.0]))
LINEAR = Scale(levels=np.arange(1.0, 4.0), points=np.array([0.0, 50.0, 100.0]))
BENT = Scale(levels=np.arange(1.0, 4.0), points=np.array([0.0, 80.0, 100.0]))


def sums(*targets, scale=FIVE, pooled=False):
    """Sums of targets given by their ballots' levels, one item each."""
    points = dict(zip(scale.levels.tolist(), scale.points.tolist(), strict=True))
    return Sums(
        n=np.array([len(ballots) for ballots in targets]),
        mean=np.array([np.mean(ballots) for ballots in targets]),
        score=np.array([np.mean([points[level] for level in ballots]) for ballots in targets]),
        pooled=pooled,
    )


def test_unanimous_targets_at_a_pole_are_pinned():
    assert pinned_by_sums(sums([5] * 6, [5] * 7, [5] * 9), FIVE).all()
    assert pinned_by_sums(sums([1] * 6, [1] * 7), FIVE).all()


def test_all_on_the_middle_level_are_pinned_by_mean_and_score_together():
    middle = sums([3] * 6, [3] * 6)
    assert pinned_by_sums(middle, FIVE).all()
    assert not pinned_by_sums(middle, Scale(levels=FIVE.levels, points=FIVE.points, coupled=False)).any()


def test_two_ordinary_targets_are_open_and_one_is_not():
    assert not pinned_by_sums(sums([3, 4, 5] * 3, [2, 4, 5] * 4), FIVE).any()
    assert pinned_by_sums(sums([3, 4, 5] * 3), FIVE).all()


def test_the_mean_of_all_ballots_pins_two_targets_of_unequal_size():
    assert pinned_by_sums(sums([3, 4, 5] * 3, [2, 4, 5] * 4, pooled=True), FIVE).all()
    assert not pinned_by_sums(sums([3, 4, 5] * 3, [2, 4, 5] * 3, pooled=True), FIVE).any()


def test_many_targets_are_looked_at_in_parts():
    many = sums(*([3, 4, 5] * (2 + row % 4) for row in range(40)), pooled=True)
    assert not pinned_by_sums(many, FIVE).any()


BALLOTS = st.lists(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4), min_size=1, max_size=3)


@pytest.mark.parametrize("scale", [LINEAR, BENT])
@given(targets=BALLOTS, pooled=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_is_pinned_has_one_value_among_all_ballots_that_fit(scale, targets, pooled):
    found = pinned_by_sums(sums(*targets, scale=scale, pooled=pooled), scale)
    means = fitting_means(targets, scale, pooled)
    for pinned, values in zip(found.tolist(), means.T, strict=True):
        assert not pinned or np.ptp(values) < 1e-9


def fitting_means(targets, scale, pooled):
    """Return the means of every set of ballots with the same sums, (n_found, n_targets)."""
    wanted = published(sums(*targets, scale=scale), pooled)
    kinds = [combinations_with_replacement([1, 2, 3], len(ballots)) for ballots in targets]
    tried = (sums(*choice, scale=scale) for choice in product(*map(list, kinds)))
    return np.array([one.mean for one in tried if np.allclose(published(one, pooled), wanted, atol=1e-9)])


def published(one, pooled):
    plain = [one.mean.sum(), one.score.sum()]
    return [*plain, (one.n * one.mean).sum()] if pooled else plain


def test_squares_pin_equal_values_only():
    rows, reach = np.ones((1, 4)), np.full(4, 0.1)
    assert pinned_by_spread(np.full(4, 3.7), rows, reach=reach).all()
    assert not pinned_by_spread(np.array([3.0, 4.0, 3.5, 4.2]), rows, reach=reach).any()


def test_rows_that_repeat_others_count_once():
    rows = np.array([[1.0, 1.0, 1.0], [12.0, 12.0, 12.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    assert row_basis(rows).shape == (2, 3)
    assert row_basis(np.zeros((0, 3))).shape == (0, 3)
