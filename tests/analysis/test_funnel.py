"""Funnels of rates and means against R and a printed example; what pure chance and no variation give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.funnel import ALARM, WARNING, binomial_limits, funnel_of_means, funnel_of_rates, overdispersion
from survey.analysis.moments import Moments, combine, moments_of

# Deaths and open operations on children below one year, 12 centres, 1991-95, Bristol first (Aylin and others 2001).
DEATHS = np.array([41, 25, 24, 23, 25, 42, 24, 53, 26, 25, 58, 31])
OPERATIONS = np.array([143, 187, 323, 122, 164, 405, 239, 482, 195, 177, 581, 301])
RATES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=2, max_size=30).map(np.array)


def by_target(tally):
    counts = np.zeros((len(tally.targets), 5), dtype=np.int64)
    np.add.at(counts, tally.cell_target, tally.counts[:, 0, 1:])
    return counts


def test_rates_equal_r(reference_ballots, comparisons):
    tally = reference_ballots[0]
    counts = by_target(tally)
    found = funnel_of_rates(counts[:, 3:].sum(axis=1), counts.sum(axis=1))
    assert found.centre == pytest.approx(comparisons["rates", "centre"])
    assert found.overdispersion.phi == pytest.approx(comparisons["rates", "phi"])
    assert found.overdispersion.tau2 == pytest.approx(comparisons["rates", "tau2"])
    columns = {
        "rates_z": found.z,
        "rates_adjusted": found.z_adjusted,
        "rates_low95": found.naive.warning.low,
        "rates_high95": found.naive.warning.high,
        "rates_low998": found.naive.alarm.low,
        "rates_high998": found.naive.alarm.high,
    }
    for figure, values in columns.items():
        np.testing.assert_allclose(values, [comparisons[figure, key] for key in tally.targets], rtol=1e-9, atol=1e-12)


def test_means_equal_r(reference_ballots, comparisons):
    tally = reference_ballots[0]
    found = funnel_of_means(combine(tally.mean_moments(), tally.cell_target, size=len(tally.targets)))
    assert found.centre == pytest.approx(comparisons["means", "centre"])
    assert found.overdispersion.phi == pytest.approx(comparisons["means", "phi"])
    assert found.overdispersion.tau2 == pytest.approx(comparisons["means", "tau2"])
    np.testing.assert_allclose(found.z, [comparisons["means_z", key] for key in tally.targets], rtol=1e-9)
    np.testing.assert_allclose(found.z_adjusted, [comparisons["means_adjusted", key] for key in tally.targets])


def test_bristol_alone_is_beyond_the_alarm():
    found = funnel_of_rates(DEATHS, OPERATIONS)
    assert found.centre == pytest.approx(0.12, abs=0.001)
    assert np.flatnonzero(found.naive.outside == 2).tolist() == [0]
    assert found.adjusted.outside[0] > 0


def test_plain_limits_call_43_percent_of_lecturers_outliers_and_overdispersion_15(insteval):
    counts = by_target(insteval[0])
    found = funnel_of_rates(counts[:, 3:].sum(axis=1), counts.sum(axis=1))
    assert (found.naive.outside != 0).mean() == pytest.approx(0.43, abs=0.005)
    assert (found.adjusted.outside != 0).mean() == pytest.approx(0.15, abs=0.005)


def test_exact_limits_hold_what_they_promise():
    n = np.array([5, 20, 100, 1000])
    for level in (WARNING, ALARM):
        ends = binomial_limits(n, centre=0.86, level=level)
        tail = (1 - level) / 2
        # Interpolation lies between the count that passes the tail and the one before.
        assert (stats.binom.cdf(np.ceil(ends.low * n), n, 0.86) >= tail).all()
        assert (stats.binom.cdf(np.floor(ends.high * n) - 1, n, 0.86) < 1 - tail).all()


def test_limits_of_many_ballots_are_the_normal_ones():
    n = np.array([14_000_000])
    ends = binomial_limits(n, centre=0.9, level=WARNING)
    reach = stats.norm.ppf(0.975) * np.sqrt(0.09 / n)
    assert (ends.low[0], ends.high[0]) == pytest.approx((0.9 - reach[0], 0.9 + reach[0]), abs=1e-7)


@given(RATES)
@settings(deadline=None)
def test_counting_the_dissatisfied_turns_the_funnel_over(rows):
    successes, n = rows[:, 0], rows.sum(axis=1)
    found, turned = funnel_of_rates(successes, n), funnel_of_rates(n - successes, n)
    np.testing.assert_allclose(found.z, -turned.z, atol=1e-9)
    np.testing.assert_allclose(found.z_adjusted, -turned.z_adjusted, atol=1e-9)
    # Where the naive limits widen by overdispersion, fewer are outside.
    assert (np.abs(np.nan_to_num(found.z_adjusted)) <= np.abs(np.nan_to_num(found.z))).all()
    for limits in (found.naive, found.adjusted):
        known = ~np.isnan(limits.warning.low)
        assert (limits.alarm.low[known] <= limits.warning.low[known]).all()
        assert (limits.alarm.high[known] >= limits.warning.high[known]).all()


def test_pure_chance_is_not_called_overdispersed():
    rng = np.random.default_rng(3)
    n = rng.integers(20, 300, 4000)
    found = funnel_of_rates(rng.binomial(n, 0.8), n)
    assert found.overdispersion.phi == pytest.approx(0.68, abs=0.05)
    assert found.overdispersion.tau2 == 0
    np.testing.assert_array_equal(found.z, found.z_inflated)
    assert (found.naive.outside != 0).mean() == pytest.approx(0.05, abs=0.015)


def test_one_wild_target_does_not_hide_itself():
    n = np.full(30, 100)
    successes = np.full(30, 80) + np.tile([-4, 4], 15)
    successes[0] = 10
    found = funnel_of_rates(successes, n)
    assert found.adjusted.outside[0] == -2
    # Without drawing in the ends the wild target would widen the funnel for all.
    assert found.overdispersion.phi < 0.2 * np.mean(found.z**2)


def test_means_do_not_depend_on_where_the_scale_starts():
    rng = np.random.default_rng(9)
    values, target = rng.integers(1, 6, 600) / 4, rng.integers(0, 20, 600)
    near = funnel_of_means(moments_of(values, target, size=20))
    far = funnel_of_means(moments_of(values + 2.0**30, target, size=20))
    # A mean near 2^30 itself keeps seven decimals.
    np.testing.assert_allclose(near.z, far.z, atol=1e-5)


def test_everyone_satisfied_one_target_no_target():
    full = funnel_of_rates(np.array([30, 40]), np.array([30, 40]))
    assert np.isnan(full.z).all()
    assert (full.naive.outside == 0).all()
    one = funnel_of_rates(np.array([3]), np.array([10]))
    assert one.overdispersion.phi is None
    assert one.naive.outside.tolist() == [0]
    none = funnel_of_rates(np.array([], dtype=int), np.array([], dtype=int))
    assert none.centre is None
    assert none.z.shape == (0,)


def test_targets_without_ballots_are_left_out():
    found = funnel_of_rates(np.array([30, 0, 10]), np.array([40, 0, 40]))
    assert np.isnan([found.value[1], found.z[1], found.naive.warning.low[1], found.adjusted.alarm.high[1]]).all()
    assert found.adjusted.outside[1] == 0
    empty = Moments(n=np.array([2, 0]), mean=np.array([3.0, 0.0]), ss=np.array([2.0, 0.0]))
    assert np.isnan(funnel_of_means(empty).z[1])


def test_one_ballot_each_leaves_the_spread_unknown():
    single = Moments(n=np.array([1, 1]), mean=np.array([3.0, 4.0]), ss=np.zeros(2))
    found = funnel_of_means(single)
    assert np.isnan(found.z).all()
    assert overdispersion(found.z, found.z).phi is None
