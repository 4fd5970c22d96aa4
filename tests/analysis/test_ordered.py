"""Ordered groups: Cochran-Armitage with its departure, Jonckheere-Terpstra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.ordered import cochran_armitage, jonckheere, jonckheere_values

# Alcohol and malformations (Agresti 2013, table 3.8): malformed, all, scores for drinks per day.
MALFORMED = np.array([48, 38, 5, 1, 1])
BIRTHS = np.array([17114, 14502, 793, 127, 38])
DRINKS = np.array([0, 0.5, 1.5, 4, 7])

COUNTS = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=k, max_size=k).map(np.array)
)


def test_alcohol_and_malformations_in_agresti_2013(rates_expected):
    found = cochran_armitage(MALFORMED, BIRTHS, DRINKS)
    assert round(found.chi2, 1) == 6.6
    assert round(found.chi2 + found.departure_chi2, 1) == 12.1
    expected = {key: rates_expected["trend"][key] for key in ("chi2", "p", "departure", "departure_p")}
    assert (found.chi2, found.p) == pytest.approx((expected["chi2"], expected["p"]), rel=1e-11)
    assert found.departure_chi2 == pytest.approx(expected["departure"], rel=1e-10)
    assert found.departure_p == pytest.approx(expected["departure_p"], rel=1e-10)
    assert found.departure_df == 3


@given(
    st.lists(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=3, max_size=6),
    st.floats(0.1, 50.0),
    st.floats(-2000.0, 2000.0),
)
@settings(max_examples=60, deadline=None)
def test_trend_ignores_the_scale_of_the_scores_and_flips_with_their_order(pairs, scale, shift):
    k, n = np.array(pairs).T
    x = np.arange(len(k), dtype=np.float64)
    found, moved = cochran_armitage(k, n, x), cochran_armitage(k, n, x * scale + shift)
    flipped, others = cochran_armitage(k, n, -x), cochran_armitage(n - k, n, x)
    if found.z is None:
        assert flipped.p is others.p is None
        return
    assert (moved.z, moved.departure_chi2) == pytest.approx((found.z, found.departure_chi2), abs=1e-6)
    assert flipped.z == pytest.approx(-found.z, abs=1e-9)
    assert others.z == pytest.approx(-found.z, abs=1e-9)
    total = stats.chi2_contingency(np.array([k, n - k]), correction=False).statistic
    assert found.chi2 + found.departure_chi2 == pytest.approx(total, abs=1e-8)


def test_merging_groups_of_one_score_keeps_the_trend():
    k, n, x = np.array([3, 4, 9, 11]), np.array([20, 22, 20, 20]), np.array([1.0, 1.0, 2.0, 3.0])
    apart, merged = cochran_armitage(k, n, x), cochran_armitage(np.array([7, 9, 11]), np.array([42, 20, 20]), x[1:])
    assert (apart.z, apart.slope) == pytest.approx((merged.z, merged.slope))
    assert (apart.departure_df, merged.departure_df) == (2, 1)


def test_two_groups_are_the_score_test_and_leave_no_departure():
    found = cochran_armitage(np.array([7, 12]), np.array([20, 20]), np.array([1.0, 2.0]))
    expected = stats.chi2_contingency([[7, 13], [12, 8]], correction=False)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (found.departure_chi2, found.departure_df, found.departure_p) == (None, 0, None)


def test_a_bend_is_departure_and_no_trend():
    found = cochran_armitage(np.array([80, 20, 80]), np.array([100, 100, 100]), np.arange(3.0))
    assert found.p == pytest.approx(1.0)
    assert found.departure_p < 1e-10


def test_groups_without_answers_do_not_count():
    k, n, x = np.array([3, 0, 9, 11]), np.array([20, 0, 20, 20]), np.arange(4.0)
    assert cochran_armitage(k, n, x) == cochran_armitage(k[n > 0], n[n > 0], x[n > 0])


@pytest.mark.parametrize(
    ("k", "n", "x"),
    [
        ([0, 0, 0], [5, 5, 5], [1, 2, 3]),
        ([5, 5], [5, 5], [1, 2]),
        ([2], [5], [1]),
        ([], [], []),
        ([1, 2], [5, 5], [1, 1]),
    ],
)
def test_without_variation_there_is_no_trend(k, n, x):
    found = cochran_armitage(np.array(k, dtype=int), np.array(n, dtype=int), np.array(x, dtype=float))
    assert (found.slope, found.z, found.p, found.departure_p) == (None, None, None, None)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="successes"):
        cochran_armitage(np.array([6]), np.array([5]), np.array([1.0]))


def test_jonckheere_1954():
    values = np.array([19, 20, 60, 130, 21, 61, 80, 129, 40, 99, 100, 149, 49, 110, 151, 160.0])
    found = jonckheere_values(values, np.repeat(np.arange(4), 4), size=4)
    assert (found.jt, found.pairs) == (71.0, 96)
    assert found.z == pytest.approx((71 - 48) / np.sqrt(114.66666666666667))


def test_knowledge_of_performance_in_hollander_and_wolfe_1999():
    values = np.array([40, 35, 38, 43, 44, 41, 38, 40, 47, 44, 40, 42, 48, 40, 45, 43, 46, 44.0])
    found = jonckheere_values(values, np.repeat(np.arange(3), 6), size=3)
    assert found.jt == 79.0
    # The book corrects the variance for ties: 150.28.
    assert found.z == pytest.approx((79 - 54) / np.sqrt(150.28), abs=1e-3)


def test_jonckheere_equals_r(rates_expected):
    counts = np.array(list(rates_expected["jt_count"].values()), dtype=int).reshape(4, 5)
    found = jonckheere(counts)
    assert found.z == pytest.approx(rates_expected["jt"]["z"], rel=1e-12)
    assert found.p == pytest.approx(rates_expected["jt"]["p"], rel=1e-11)


@given(COUNTS)
@settings(max_examples=80, deadline=None)
def test_jonckheere_is_kendalls_test_and_flips_with_either_order(counts):
    found = jonckheere(counts)
    group, level = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    if found.z is None:
        assert len(np.unique(group)) < 2 or len(np.unique(level)) < 2
        return
    by_pairs = sum(
        (value < level[group > g]).sum() + 0.5 * (value == level[group > g]).sum()
        for g, value in zip(group, level, strict=True)
    )
    assert found.jt == by_pairs
    # Without its own correction for few ties, SciPy's p is the two-sided normal one.
    assert found.p == pytest.approx(stats.kendalltau(group, level, method="asymptotic").pvalue, abs=1e-9)
    for other in (counts[::-1], counts[:, ::-1]):
        assert jonckheere(other).z == pytest.approx(-found.z, abs=1e-9)
    assert jonckheere(counts[::-1, ::-1]).superiority == pytest.approx(found.superiority)


def test_two_groups_are_the_mann_whitney_test():
    counts = np.array([[3, 5, 8, 2, 1], [1, 2, 6, 9, 4]])
    a, b = (np.repeat(np.arange(5), row) for row in counts)
    expected = stats.mannwhitneyu(b, a, use_continuity=False, method="asymptotic")
    found = jonckheere(counts)
    assert (found.jt, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_values_of_equal_means_from_different_sums_are_ties():
    found = jonckheere_values(np.array([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]), np.array([0, 0, 1, 1]), size=2)
    assert (found.p, found.pairs) == (None, 4)


@pytest.mark.parametrize(
    "counts", [[[0, 4, 0], [0, 9, 0]], [[1, 2, 3]], [[1, 2, 3], [0, 0, 0]], [[0, 0], [0, 0]], [[1, 0], [0, 0]]]
)
def test_without_variation_there_is_no_order(counts):
    found = jonckheere(np.array(counts))
    assert (found.jt, found.superiority, found.z, found.p) == (None, None, None, None)
    assert jonckheere_values(np.zeros(0), np.zeros(0, dtype=int), size=3).p is None


def test_fourteen_million_ballots_do_not_overflow():
    shares = np.array([[10, 20, 30, 25, 15], [11, 20, 29, 25, 15], [10, 21, 30, 24, 15]])
    small, large = jonckheere(shares * 100), jonckheere(shares * 46_667)
    assert large.superiority == pytest.approx(small.superiority, rel=1e-12)
    # z grows with the root of the number of ballots.
    assert large.z == pytest.approx(small.z * np.sqrt(466.67), rel=1e-4)
