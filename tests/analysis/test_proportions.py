"""Intervals of one rate: Wilson, with a finite roster, exact on small rosters, Clopper-Pearson."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from survey.analysis.proportions import clopper_pearson, hypergeometric, rates, wilson, wilson_finite

NAN = float("nan")


def whole(*values):
    return np.array(values, dtype=np.int64)


def real(*values):
    return np.array(values, dtype=np.float64)


def shares(most=400, least=1):
    return st.integers(least, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def on_a_roster(most=60):
    """k satisfied of n answers, of a roster of N."""
    return st.integers(1, most).flatmap(
        lambda heads: shares(heads).map(lambda pair: (*pair, heads)),
    )


def assert_reference(interval, expected, figure):
    low, high = expected[f"{figure}_low"], expected[f"{figure}_high"]
    np.testing.assert_allclose(interval.low, list(low.values()), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(interval.high, list(high.values()), rtol=1e-11, atol=1e-14)


def inputs(expected, figure):
    return np.array(list(expected[f"{figure}_low"])).T


@given(shares())
@settings(max_examples=50, deadline=None)
def test_equals_scipy(pair):
    for method, found in (("wilson", wilson), ("exact", clopper_pearson)):
        interval = found(whole(pair[0]), whole(pair[1]))
        expected = binomtest(*pair).proportion_ci(method=method)
        assert interval.low[0] == pytest.approx(expected.low, abs=1e-12)
        assert interval.high[0] == pytest.approx(expected.high, abs=1e-12)


def test_equals_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    found = wilson(whole(0, 7, 20), whole(20, 20, 20))
    low, high = proportion.proportion_confint(np.array([0, 7, 20]), 20, method="wilson")
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)


def test_equals_newcombe_1998_table_1():
    k, n = whole(81, 15, 0, 1), whole(263, 148, 20, 29)
    found = wilson(k, n)
    np.testing.assert_array_equal(found.low.round(4), [0.2553, 0.0624, 0.0, 0.0061])
    np.testing.assert_array_equal(found.high.round(4), [0.3662, 0.1605, 0.1611, 0.1718])
    found = clopper_pearson(k, n)
    np.testing.assert_array_equal(found.low.round(4), [0.2527, 0.0578, 0.0, 0.0009])
    np.testing.assert_array_equal(found.high.round(4), [0.3676, 0.1617, 0.1684, 0.1776])


def test_equal_r(rates_expected):
    k, n = inputs(rates_expected, "wilson").astype(int)
    assert_reference(wilson(k, n), rates_expected, "wilson")
    assert_reference(clopper_pearson(k, n), rates_expected, "clopper")
    k, n, heads = inputs(rates_expected, "finite")
    assert_reference(wilson_finite(k.astype(int), n.astype(int), heads), rates_expected, "finite")
    k, n, heads = inputs(rates_expected, "exact")
    assert_reference(hypergeometric(k.astype(int), n.astype(int), heads), rates_expected, "exact")


def test_nobody_and_everybody_reach_the_exact_ends():
    k, n = whole(0, 9), whole(9, 9)
    for found in (wilson(k, n), clopper_pearson(k, n), wilson_finite(k, n, real(99, 99))):
        assert found.low[0] == 0.0
        assert found.high[1] == 1.0


def test_without_answers_there_is_no_interval():
    k = n = whole(0)
    found = (wilson(k, n), clopper_pearson(k, n), wilson_finite(k, n, real(80)), hypergeometric(k, n, real(8)))
    assert all(np.isnan([interval.low[0], interval.high[0]]).all() for interval in found)


@pytest.mark.parametrize("method", [wilson_finite, hypergeometric])
def test_a_complete_roster_leaves_no_doubt(method):
    found = method(whole(7, 0, 1), whole(20, 1, 1), real(20, 1, 1))
    np.testing.assert_allclose(found.low, [0.35, 0.0, 1.0])
    np.testing.assert_allclose(found.high, [0.35, 0.0, 1.0])


def test_an_endless_roster_is_none():
    found, plain = wilson_finite(whole(7), whole(20), real(1e12)), wilson(whole(7), whole(20))
    assert (found.low[0], found.high[0]) == pytest.approx((plain.low[0], plain.high[0]), abs=1e-9)


@given(on_a_roster())
@settings(max_examples=60, deadline=None)
def test_relabelling_mirrors_the_interval(case):
    k, n, heads = (np.array([value]) for value in case)
    for method in (wilson_finite, hypergeometric):
        found, mirrored = method(k, n, heads.astype(float)), method(n - k, n, heads.astype(float))
        assert found.low[0] == pytest.approx(1.0 - mirrored.high[0], abs=1e-12)
        assert 0.0 <= found.low[0] <= k[0] / n[0] + 1e-12
        assert k[0] / n[0] - 1e-12 <= found.high[0] <= 1.0


@given(on_a_roster(30), st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_more_answers_of_the_same_rate_narrow_the_interval(case, times):
    k, n, heads = case
    one, more = ((np.array([k * many]), np.array([n * many])) for many in (1, times))
    for method in (wilson, clopper_pearson):
        assert np.ptp(_ends(method(*more))) <= np.ptp(_ends(method(*one))) + 1e-12
    roster = real(heads * times)
    assert np.ptp(_ends(wilson_finite(*more, roster))) <= np.ptp(_ends(wilson_finite(*one, roster))) + 1e-12


@given(shares(300), st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_a_roster_never_widens_the_interval(pair, others):
    k, n = (np.array([value]) for value in pair)
    finite = wilson_finite(k, n, n + float(others))
    assert np.ptp(_ends(finite)) <= np.ptp(_ends(wilson(k, n))) + 1e-12


@pytest.mark.parametrize("heads", [1, 2, 3, 7, 16, 25])
def test_the_exact_interval_covers_every_roster_in_95_percent_of_all_samples(heads):
    for n in range(1, heads + 1):
        k = np.arange(n + 1)
        found = hypergeometric(k, np.full(n + 1, n), np.full(n + 1, float(heads)))
        for agreeing in range(heads + 1):
            share = agreeing / heads
            holds = (found.low <= share + 1e-12) & (share <= found.high + 1e-12)
            ways = [comb(agreeing, int(i)) * comb(heads - agreeing, n - int(i)) for i in k[holds]]
            assert sum(ways) / comb(heads, n) >= 0.95 - 1e-12


@pytest.mark.parametrize(("heads", "n"), [(61, 30), (100, 50), (100, 90), (200, 150)])
def test_the_finite_interval_covers_95_percent_of_samples_on_average(heads, n):
    k = np.arange(n + 1)
    found = wilson_finite(k, np.full(n + 1, n), np.full(n + 1, float(heads)))
    covered = []
    for agreeing in range(heads + 1):
        holds = (found.low <= agreeing / heads + 1e-12) & (agreeing / heads <= found.high + 1e-12)
        covered.append(
            sum(comb(agreeing, int(i)) * comb(heads - agreeing, n - int(i)) for i in k[holds]) / comb(heads, n)
        )
    assert 0.95 <= np.mean(covered) <= 0.96


def test_the_roster_decides_the_method():
    found = rates(whole(5, 5, 5, 5, 5, 0), whole(10, 10, 10, 10, 10, 0), real(60, 61, NAN, 9, 10, 20))
    assert found.method.tolist() == ["hypergeometric", "wilson_finite", "wilson", "wilson", "hypergeometric", ""]
    plain = wilson(whole(5), whole(10))
    assert found.interval.low[2] == found.interval.low[3] == plain.low[0]
    assert found.interval.low[4] == found.interval.high[4] == 0.5
    assert np.isnan([found.rate[5], found.interval.low[5]]).all()
    assert rates(whole(5), whole(10)).method.tolist() == ["wilson"]


def test_many_targets_at_once_and_none():
    rng = np.random.default_rng(3)
    heads = rng.integers(1, 2000, (50_000, 2))
    n = rng.integers(0, heads + 1)
    found = rates(rng.integers(0, n + 1), n, heads.astype(float))
    assert found.rate.shape == found.interval.low.shape == (50_000, 2)
    assert (np.isnan(found.interval.low) == (n == 0)).all()
    assert rates(whole(), whole(), real()).rate.shape == (0,)


@pytest.mark.parametrize("successes", [-1, 11])
def test_impossible_counts_are_refused(successes):
    with pytest.raises(ValueError, match="successes"):
        rates(whole(successes), whole(10))


def _ends(interval):
    return np.array([interval.low[0], interval.high[0]])
