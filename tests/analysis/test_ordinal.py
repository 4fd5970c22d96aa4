"""Two targets on one scale: Mann-Whitney, Brunner-Munzel and the exact test against R, SciPy and printed examples."""

from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.ordinal import exact_p, mann_whitney, superiority

LEVELS = st.lists(st.integers(0, 9), min_size=5, max_size=5).map(lambda row: np.array([row]))
FEW = st.lists(st.integers(1, 4), min_size=1, max_size=6).map(lambda row: counts(row, 4))
# Shoulder pain after surgery (Lumley 1996), the example of Brunner and Munzel (2000).
PAIN_ACTIVE = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
PAIN_CONTROL = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
HUGE = 14_000_000


def counts(values, size=5):
    return np.bincount(values, minlength=size + 1)[None, 1:]


def answers(counted):
    return np.repeat(np.arange(counted.shape[1]), counted[0])


@pytest.fixture(scope="module")
def neighbours(reference_ballots):
    """Each target's counts of q0 beside those of the next target."""
    tally = reference_ballots[0]
    by_target = np.zeros((len(tally.targets), 5), dtype=np.int64)
    np.add.at(by_target, tally.cell_target, tally.counts[:, 0, 1:])
    return tally.targets[:-1], by_target[:-1], by_target[1:]


def test_mann_whitney_equals_r(neighbours, comparisons):
    targets, a, b = neighbours
    found, plain = mann_whitney(a, b), mann_whitney(a, b, continuity=False)
    np.testing.assert_allclose(found.u, [comparisons["mw_u", key] for key in targets])
    np.testing.assert_allclose(found.p, [comparisons["mw_p", key] for key in targets], rtol=1e-9)
    np.testing.assert_allclose(plain.p, [comparisons["mw_p_plain", key] for key in targets], rtol=1e-9)


def test_superiority_equals_r(neighbours, comparisons):
    targets, a, b = neighbours
    found = superiority(a, b)
    columns = {
        "bm_estimate": found.probability,
        "bm_t": found.t,
        "bm_df": found.df,
        "bm_p": found.p,
        "bm_low": found.interval.low,
        "bm_high": found.interval.high,
    }
    for figure, values in columns.items():
        np.testing.assert_allclose(values, [comparisons[figure, key] for key in targets], rtol=1e-9, atol=1e-14)


def test_exact_p_with_ties_equals_coin(neighbours, comparisons):
    targets, a, b = neighbours
    found = dict(zip(targets, exact_p(a, b), strict=True))
    few = {key: p for key, p in found.items() if not np.isnan(p)}
    assert set(few) == {key for figure, key in comparisons if figure == "mw_exact"}
    for key, p in few.items():
        assert p == pytest.approx(comparisons["mw_exact", key], rel=1e-9)


def test_printed_example_of_brunner_and_munzel():
    found = superiority(counts(PAIN_CONTROL), counts(PAIN_ACTIVE))
    assert (found.t[0], found.df[0], found.p[0]) == pytest.approx((3.1375, 17.683, 0.005786), abs=5e-4)
    assert found.probability[0] == pytest.approx(0.788961, abs=1e-6)
    assert (found.interval.low[0], found.interval.high[0]) == pytest.approx((0.5952169, 0.9827052), abs=1e-6)


def test_superiority_equals_statsmodels():
    nonparametric = pytest.importorskip("statsmodels.stats.nonparametric")
    a, b = np.array([3, 5, 9, 12, 4]), np.array([7, 8, 6, 5, 1])
    found, reference = superiority(a[None], b[None]), nonparametric.rank_compare_2ordinal(a, b)
    assert found.probability[0] == pytest.approx(reference.prob1)
    test = reference.test_prob_superior()
    assert (found.t[0], found.p[0], found.df[0]) == pytest.approx((test.statistic, test.pvalue, test.df))
    assert (found.interval.low[0], found.interval.high[0]) == pytest.approx(reference.conf_int())


def test_printed_example_of_hollander_and_wolfe():
    # Permeability of membranes (Hollander and Wolfe 1973, p. 69): W = 35, one-sided exact p = 0.1272.
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    early = [1.15, 0.88, 0.90, 0.74, 1.21]
    place = stats.rankdata(term + early).astype(int)
    a, b = counts(place[:10], 15), counts(place[10:], 15)
    assert mann_whitney(a, b).u[0] == 35
    assert exact_p(a, b)[0] == pytest.approx(2 * 0.1272, abs=1e-4)


def test_smallest_exact_case_by_hand():
    # 2 of 4 answers are drawn; only the two extreme draws are as far from the mean.
    assert exact_p(np.array([[2, 0, 0]]), np.array([[0, 1, 1]]))[0] == pytest.approx(2 / comb(4, 2))


@given(FEW, FEW)
@settings(deadline=None, max_examples=40)
def test_exact_p_equals_all_permutations(a, b):
    assume(np.count_nonzero(a + b) > 1)
    ranks = stats.rankdata(np.concatenate([answers(a), answers(b)]))
    n = int(a.sum())
    draws = np.array([mask for mask in range(2 ** len(ranks)) if mask.bit_count() == n])
    sums = ((draws[:, None] >> np.arange(len(ranks))) & 1) @ ranks
    centre = n * (len(ranks) + 1) / 2
    expected = (np.abs(sums - centre) >= np.abs(ranks[:n].sum() - centre) - 1e-9).mean()
    assert exact_p(a, b)[0] == pytest.approx(expected)


@given(LEVELS, LEVELS)
@settings(deadline=None)
def test_swapping_the_sides_changes_signs_only(a, b):
    found, swapped = superiority(a, b), superiority(b, a)
    np.testing.assert_allclose(found.probability, 1 - swapped.probability)
    np.testing.assert_allclose(found.interval.low, 1 - swapped.interval.high, atol=1e-12)
    np.testing.assert_allclose(found.p, swapped.p, atol=1e-12)
    np.testing.assert_allclose(mann_whitney(a, b).p, mann_whitney(b, a).p)
    np.testing.assert_allclose(exact_p(a, b), exact_p(b, a))


@given(LEVELS, LEVELS)
@settings(deadline=None)
def test_bounds_and_agreement_with_scipy(a, b):
    assume(a.sum() > 1 and b.sum() > 1 and np.count_nonzero(a + b) > 1)
    found, exact = superiority(a, b), exact_p(a, b)
    assert 0 <= found.probability[0] <= 1
    assert np.isnan(exact[0]) or 0 < exact[0] <= 1 + 1e-12
    reference = stats.mannwhitneyu(answers(a), answers(b), method="asymptotic")
    assert mann_whitney(a, b).u[0] == reference.statistic
    assert mann_whitney(a, b).p[0] == pytest.approx(reference.pvalue)
    if not np.isnan(found.p[0]):
        assert found.p[0] == pytest.approx(stats.brunnermunzel(answers(a), answers(b)).pvalue, abs=1e-12)


@given(LEVELS, LEVELS, st.sets(st.integers(0, 8), min_size=5, max_size=5))
@settings(deadline=None)
def test_only_the_order_of_levels_counts(a, b, kept):
    wide_a, wide_b = np.zeros((1, 9), dtype=int), np.zeros((1, 9), dtype=int)
    wide_a[:, sorted(kept)], wide_b[:, sorted(kept)] = a, b
    np.testing.assert_allclose(superiority(wide_a, wide_b).p, superiority(a, b).p)
    np.testing.assert_allclose(mann_whitney(wide_a, wide_b).p, mann_whitney(a, b).p)
    np.testing.assert_allclose(exact_p(wide_a, wide_b), exact_p(a, b))


def test_pairs_are_independent_of_each_other():
    rng = np.random.default_rng(8)
    a, b = rng.multinomial(30, [0.2] * 5, size=6), rng.multinomial(12, [0.2] * 5, size=6)
    rows = [slice(row, row + 1) for row in range(6)]
    np.testing.assert_array_equal(superiority(a, b).p, [superiority(a[row], b[row]).p[0] for row in rows])
    np.testing.assert_array_equal(exact_p(a, b), [exact_p(a[row], b[row])[0] for row in rows])


def test_nothing_varies_or_nobody_answered():
    a, b = np.array([[0, 4, 0], [0, 0, 0]]), np.array([[0, 7, 0], [1, 2, 3]])
    assert np.isnan([superiority(a, b).p, mann_whitney(a, b).p, exact_p(a, b)]).all()
    np.testing.assert_array_equal(superiority(a, b).probability, [0.5, np.nan])
    assert exact_p(a[:0], b[:0]).shape == (0,)


def test_sides_fully_apart_have_an_exact_p_only():
    a, b = np.array([[0, 0, 9]]), np.array([[9, 0, 0]])
    found = superiority(a, b)
    assert (found.probability[0], found.cliff_delta[0]) == (1, 1)
    assert np.isnan([found.p[0], found.interval.low[0]]).all()
    assert exact_p(a, b)[0] == pytest.approx(2 / comb(18, 9))


def test_one_answer_against_many():
    a, b = np.array([[0, 0, 0, 0, 1]]), np.array([[5, 5, 5, 5, 5]])
    assert np.isnan(superiority(a, b).p[0])
    assert 0 < exact_p(a, b)[0] <= 1


def test_fourteen_million_ballots_do_not_overflow():
    share, other = np.array([0.05, 0.05, 0.2, 0.4, 0.3]), np.array([0.05, 0.051, 0.199, 0.4, 0.3])
    a, b = (np.array([(HUGE * part).round().astype(np.int64)]) for part in (share, other))
    small_a, small_b = a // 1000, b // 1000
    found, small = superiority(a, b), superiority(small_a, small_b)
    assert found.probability[0] == pytest.approx(small.probability[0], rel=1e-9)
    assert found.t[0] == pytest.approx(small.t[0] * np.sqrt(1000), rel=1e-3)
    # With so many answers both tests are the same one.
    assert mann_whitney(a, b).z[0] == pytest.approx(found.t[0], rel=1e-3)
    doubled = sum(int(a[0, i]) * (2 * int(b[0, :i].sum()) + int(b[0, i])) for i in range(5))
    assert mann_whitney(a, b).u[0] == doubled / 2
    few = np.array([[1, 3, 3, 5, 6]])
    assert exact_p(few, b)[0] == pytest.approx(mann_whitney(few, b).p[0], abs=0.01)


def test_brunner_munzel_covers_and_keeps_its_level_where_spreads_differ():
    # Both distributions are balanced, one is wide: P(a > b) + P(a = b) / 2 is a half. Mann-Whitney rejects too often.
    rng = np.random.default_rng(12)
    a = rng.multinomial(25, [0.45, 0.04, 0.02, 0.04, 0.45], size=20_000)
    b = rng.multinomial(60, [0.02, 0.18, 0.6, 0.18, 0.02], size=20_000)
    found = superiority(a, b)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.008)
    assert ((found.interval.low <= 0.5) & (found.interval.high >= 0.5)).mean() == pytest.approx(0.95, abs=0.008)
    assert (mann_whitney(a, b).p < 0.05).mean() > 0.07


def test_the_exact_test_never_rejects_too_often():
    rng = np.random.default_rng(14)
    a, b = rng.multinomial(7, [0.2] * 5, size=1500), rng.multinomial(12, [0.2] * 5, size=1500)
    rejected = np.nan_to_num(exact_p(a, b), nan=1.0) <= 0.05
    assert 0.02 < rejected.mean() < 0.062
