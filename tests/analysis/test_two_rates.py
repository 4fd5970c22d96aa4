"""Two rates: Newcombe's interval, score test, Fisher's test, clustered differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.two_rates import (
    clustered_differences,
    clustered_rates,
    compare_rates,
    fisher,
    newcombe,
    score_test,
)


def table(*rows):
    return np.array(rows, dtype=np.int64).T


SHARE = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_equals_newcombe_1998_table_2():
    found = newcombe(
        *table(
            (56, 70, 48, 80),
            (9, 10, 3, 10),
            (6, 7, 2, 7),
            (5, 56, 0, 29),
            (0, 10, 0, 20),
            (0, 10, 0, 10),
            (10, 10, 0, 20),
            (10, 10, 0, 10),
        )
    )
    low = [0.0524, 0.1705, 0.0582, -0.0381, -0.1611, -0.2775, 0.6791, 0.6075]
    high = [0.3339, 0.8090, 0.8062, 0.1926, 0.2775, 0.2775, 1.0, 1.0]
    np.testing.assert_allclose(found.low.round(4), low)
    np.testing.assert_allclose(found.high.round(4), high)


def test_tea_tasting_in_agresti_2013():
    assert fisher(*table((3, 4, 1, 4)))[0] == pytest.approx(0.486, abs=5e-4)


def test_p_values_equal_r(rates_expected):
    for figure, test in (("score_p", score_test), ("fisher_p", fisher)):
        rows = table(*rates_expected[figure])
        np.testing.assert_allclose(test(*rows), list(rates_expected[figure].values()), rtol=1e-10)


@given(SHARE, SHARE)
@settings(max_examples=60, deadline=None)
def test_equals_statsmodels_and_scipy(a, b):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    rows = table((*a, *b))
    found = newcombe(*rows)
    low, high = proportion.confint_proportions_2indep(*a, *b, compare="diff", method="newcomb")
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=1e-12)
    if 0 < a[0] + b[0] < a[1] + b[1]:
        # It also computes odds, which divide by 0 where a rate is 0 or 1.
        with np.errstate(all="ignore"):
            score = proportion.test_proportions_2indep(*a, *b, compare="diff", method="score", correction=False)
        assert score_test(*rows)[0] == pytest.approx(score.pvalue, abs=1e-12)
        exact = stats.fisher_exact([[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]])
        assert fisher(*rows)[0] == pytest.approx(exact.pvalue, abs=1e-10)


@given(SHARE, SHARE)
@settings(max_examples=60, deadline=None)
def test_swapping_sides_or_answers_flips_the_sign_only(a, b):
    found = compare_rates(*table((*a, *b)))
    for other in ((*b, *a), (a[1] - a[0], a[1], b[1] - b[0], b[1])):
        swapped = compare_rates(*table(other))
        assert swapped.difference[0] == pytest.approx(-found.difference[0], abs=1e-12)
        assert swapped.interval.low[0] == pytest.approx(-found.interval.high[0], abs=1e-12)
        assert swapped.p[0] == pytest.approx(found.p[0], rel=1e-9, nan_ok=True)
    assert -1.0 <= found.interval.low[0] <= found.difference[0] <= found.interval.high[0] <= 1.0
    assert np.isnan(found.p[0]) or 0.0 <= found.p[0] <= 1.0


def test_fisher_replaces_the_score_test_below_five_expected():
    # Expected agreeing answers on the smaller side: exactly 5, and 4.5.
    found = compare_rates(*table((8, 10, 2, 10), (7, 10, 2, 10)))
    assert found.method.tolist() == ["score", "fisher"]
    rows = table((7, 10, 2, 10))
    assert found.p[1] == fisher(*rows)[0] != score_test(*rows)[0]


def test_no_variation_and_no_answers_have_no_p():
    found = compare_rates(*table((0, 9, 0, 4), (9, 9, 4, 4), (0, 0, 4, 9)))
    assert np.isnan(found.p).all()
    assert found.method.tolist() == ["", "", ""]
    assert np.isnan(found.interval.low).tolist() == [False, False, True]
    assert compare_rates(*np.zeros((4, 0), dtype=np.int64)).p.shape == (0,)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="successes"):
        compare_rates(*table((5, 4, 1, 4)))


def test_millions_of_ballots_keep_their_digits():
    found = compare_rates(*table((6_900_000, 7_000_000, 6_890_000, 7_000_000)))
    expected = stats.chi2_contingency([[6_900_000, 100_000], [6_890_000, 110_000]], correction=False)
    assert found.p[0] == pytest.approx(expected.pvalue, rel=1e-6)
    assert fisher(*table((3_500_100, 7_000_000, 3_500_000, 7_000_000)))[0] == pytest.approx(0.957, abs=1e-3)


@pytest.fixture
def clusters(rates_expected):
    unit, k, n, _ = np.array(list(rates_expected["cluster"])).T.astype(int)
    return k, n, unit - 1


def test_clustered_rates_equal_r(clusters, rates_expected):
    k, n, unit = clusters
    found = clustered_rates(k, n, unit, size=3)
    np.testing.assert_allclose(found.rate, list(rates_expected["cluster_rate"].values()), rtol=1e-12)
    np.testing.assert_allclose(
        found.variance, list(rates_expected["cluster_variance"].values()), rtol=1e-12, atol=1e-30
    )
    pair = clustered_differences(found, np.array([0]), np.array([1]))
    for figure, value in (("difference", pair.difference), ("se", pair.se), ("df", pair.df), ("p", pair.p)):
        assert value[0] == pytest.approx(rates_expected[f"cluster_{figure}"][1.0, 2.0], rel=1e-10)


def test_clusters_of_one_size_are_welchs_test_on_their_rates():
    rng = np.random.default_rng(5)
    unit = np.repeat([0, 1], [7, 5])
    k = rng.integers(0, 21, 12)
    found = clustered_differences(clustered_rates(k, np.full(12, 20), unit, size=2), np.array([0]), np.array([1]))
    expected = stats.ttest_ind(k[:7] / 20, k[7:] / 20, equal_var=False)
    ci = expected.confidence_interval()
    assert (found.t[0], found.df[0], found.p[0]) == pytest.approx((expected.statistic, expected.df, expected.pvalue))
    assert (found.interval.low[0], found.interval.high[0]) == pytest.approx((ci.low, ci.high))


def test_swapping_units_flips_the_sign(clusters):
    k, n, unit = clusters
    units = clustered_rates(k, n, unit, size=3)
    found = clustered_differences(units, np.array([0, 1]), np.array([1, 0]))
    assert found.difference[0] == -found.difference[1]
    assert found.interval.low[0] == -found.interval.high[1]
    assert found.p[0] == found.p[1]


def test_one_cluster_or_clusters_alike_are_not_testable(clusters):
    k, n, unit = clusters
    # Unit 3 of the reference has one and the same rate in every cluster, unit 0 here has one cluster only.
    alike = unit == 2
    units = clustered_rates(np.r_[k[alike], 4, 0], np.r_[n[alike], 8, 0], np.r_[unit[alike], 0, 0], size=3)
    assert units.clusters.tolist() == [1, 0, 5]
    assert units.variance[2] == 0.0
    found = clustered_differences(units, np.array([0, 1, 2]), np.array([2, 2, 2]))
    assert np.isnan(found.p).all()
    assert found.difference[0] == pytest.approx(-0.1)


def test_dependent_ballots_deceive_the_score_test_but_not_the_clusters():
    # Random dealing of clusters to two units: the rates of the clusters vary, the units do not.
    rng = np.random.default_rng(11)
    k = rng.binomial(20, rng.beta(2, 2, (400, 24)))
    naive = score_test(k[:, :12].sum(axis=1), np.full(400, 240), k[:, 12:].sum(axis=1), np.full(400, 240))
    unit = np.tile(np.repeat([0, 1], 12), 400) + 2 * np.repeat(np.arange(400), 24)
    units = clustered_rates(k.ravel(), np.full(k.size, 20), unit, size=800)
    robust = clustered_differences(units, np.arange(0, 800, 2), np.arange(1, 800, 2))
    assert (naive < 0.05).mean() > 0.3
    assert (robust.p < 0.05).mean() == pytest.approx(0.05, abs=0.03)
