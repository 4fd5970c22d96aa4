"""Expected ranks against R's sum over all pairs, simulation and speed; the chance to be below a threshold."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from survey.analysis.moments import combine, moments_of
from survey.analysis.ranks import chance_below, expected_ranks
from survey.analysis.reliability import fit_reliability
from survey.analysis.shrinkage import Shrunken, shrink

POSTERIORS = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.02, 1.5)), min_size=1, max_size=25).map(np.array)


def posterior(mean, sd, reliability=0.9):
    mean = np.asarray(mean, dtype=float)
    return Shrunken(reliability=np.broadcast_to(reliability, mean.shape), mean=mean, sd=np.asarray(sd, dtype=float))


def all_pairs(mean, sd):
    chance = ndtr((mean - mean[:, None]) / np.sqrt(sd[:, None] ** 2 + sd**2))
    return 1 + chance.sum(axis=1) - 0.5


@pytest.fixture
def shrunken(reference_ballots):
    tally = reference_ballots[0]
    targets = combine(tally.mean_moments(), tally.cell_target, size=len(tally.targets))
    return tally.targets, shrink(targets, fit_reliability(targets))


def test_ranks_equal_r(shrunken, comparisons):
    targets, figures = shrunken
    found = expected_ranks(figures, least=0.0)
    # The variances come from two optimisers: lme4's and ours.
    np.testing.assert_allclose(found.expected, [comparisons["rank", key] for key in targets], rtol=1e-6)
    np.testing.assert_allclose(found.sd, [comparisons["rank_sd", key] for key in targets], rtol=1e-6)
    np.testing.assert_allclose(
        chance_below(figures, 3.5), [comparisons["below", key] for key in targets], rtol=1e-5, atol=1e-12
    )


@given(POSTERIORS)
@settings(deadline=None)
def test_the_grid_equals_the_sum_over_all_pairs(rows):
    mean, sd = rows.T
    found = expected_ranks(posterior(mean, sd))
    np.testing.assert_allclose(found.expected, all_pairs(mean, sd), rtol=1e-9)
    assert found.expected.sum() == pytest.approx(len(rows) * (len(rows) + 1) / 2)
    assert ((found.low >= 1) & (found.low <= found.expected + 1e-9) & (found.high <= len(rows))).all()


@given(POSTERIORS)
@settings(deadline=None)
def test_turning_the_scale_turns_the_ranks(rows):
    mean, sd = rows.T
    found, turned = expected_ranks(posterior(mean, sd)), expected_ranks(posterior(-mean, sd))
    np.testing.assert_allclose(found.expected, len(rows) + 1 - turned.expected, rtol=1e-9)
    np.testing.assert_allclose(found.sd, turned.sd, atol=1e-6)


def test_two_targets_are_a_coin_toss():
    found = expected_ranks(posterior([1.0, 0.0], [1.0, 1.0]))
    chance = ndtr(1 / np.sqrt(2))
    np.testing.assert_allclose(found.expected, [2 - chance, 1 + chance])
    np.testing.assert_allclose(found.sd, np.sqrt(chance * (1 - chance)), rtol=1e-9)


def test_spread_of_ranks_equals_simulation():
    rng = np.random.default_rng(2)
    mean, sd = rng.normal(size=40), rng.uniform(0.1, 0.8, 40)
    draws = mean + sd * rng.normal(size=(40_000, 40))
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    found = expected_ranks(posterior(mean, sd))
    np.testing.assert_allclose(found.expected, ranks.mean(axis=0), atol=0.25)
    np.testing.assert_allclose(found.sd, ranks.std(axis=0), rtol=0.02)


def test_only_reliable_targets_are_shown_but_all_are_ranked():
    figures = posterior([2.0, 1.0, 0.0, np.nan], [0.1, 0.1, 0.5, np.nan], reliability=[0.9, 0.79, 0.3, np.nan])
    found = expected_ranks(figures)
    assert found.of == 3
    assert np.isnan(found.expected[1:]).all()
    assert found.expected[0] == pytest.approx(1, abs=1e-3)


def test_known_exactly_all_equal_one_and_none():
    exact = expected_ranks(posterior([3.0, 1.0, 2.0], [0.0, 0.0, 0.0]))
    np.testing.assert_allclose(exact.expected, [1, 3, 2], atol=1e-9)
    equal = expected_ranks(posterior([3.0, 3.0, 3.0], [0.0, 0.0, 0.0]))
    np.testing.assert_allclose(equal.expected, 2)
    assert (equal.low <= 1).all()
    one = expected_ranks(posterior([3.0], [0.2]))
    assert (one.expected[0], one.sd[0]) == pytest.approx((1, 0), abs=1e-6)
    assert expected_ranks(posterior([], [])).of == 0
    assert expected_ranks(posterior([np.nan], [np.nan])).of == 0


def test_a_whole_province_is_ranked_in_time_and_memory():
    rng = np.random.default_rng(7)
    share = (n := rng.integers(1, 20_000, 108_000)) / (n + 5.5)
    figures = posterior(rng.normal(size=len(n)) * np.sqrt(share), np.sqrt(1 - share), reliability=share)
    tracemalloc.start()
    start = time.perf_counter()
    found = expected_ranks(figures)
    assert time.perf_counter() - start < 20
    assert tracemalloc.get_traced_memory()[1] < 2**29
    tracemalloc.stop()
    assert np.nansum(~np.isnan(found.expected)) == (share >= 0.8).sum()


def test_of_the_lecturers_hardly_two_thirds_get_a_rank_and_that_a_wide_one(insteval):
    tally = insteval[0]
    targets = combine(tally.mean_moments(), tally.cell_target, size=len(tally.targets))
    found = expected_ranks(shrink(targets, fit_reliability(targets)))
    shown = ~np.isnan(found.expected)
    assert shown.mean() == pytest.approx(0.62, abs=0.01)
    assert np.mean(found.high[shown] - found.low[shown]) > 300


def test_the_chance_to_be_below():
    found = chance_below(posterior([3.0, 4.0, 3.5, 3.0, np.nan], [0.5, 0.0, 0.0, 0.0, np.nan]), 3.5)
    np.testing.assert_allclose(found, [ndtr(1.0), 0, 0.5, 1, np.nan])


def test_an_unfitted_reliability_gives_no_ranks():
    targets = moments_of(np.array([1.0, 2.0]), np.array([0, 1]), size=2)
    figures = shrink(targets, fit_reliability(targets))
    assert np.isnan(expected_ranks(figures).expected).all()
    assert np.isnan(chance_below(figures, 3.0)).all()
