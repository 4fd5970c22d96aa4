"""Tests between units against R, SciPy and statsmodels; what happens where nothing varies."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.comparison import (
    REST,
    epsilon_squared,
    kruskal,
    kruskal_of_ranks,
    plan_pairs,
    rest_of,
    welch_anova,
    welch_pairs,
)
from survey.analysis.midranks import ranks_of_counts
from survey.analysis.moments import Moments, combine, moments_of
from survey.analysis.ordinal import mann_whitney

SAMPLES = [[3.1, 3.4, 2.2, 4.0], [4.1, 4.4, 4.2], [3.3, 2.9, 3.8, 3.6, 3.1]]


def moments(samples):
    index = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    return moments_of(np.concatenate([np.array(sample, dtype=float) for sample in samples]), index, size=len(samples))


def ranks_test(samples):
    index = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    return kruskal(np.concatenate(samples), index, size=len(samples))


def test_welch_anova_equals_statsmodels():
    oneway = pytest.importorskip("statsmodels.stats.oneway")
    found, reference = welch_anova(moments(SAMPLES)), oneway.anova_oneway(SAMPLES, use_var="unequal")
    assert (found.f, found.df1, found.df2, found.p) == pytest.approx(
        (reference.statistic, *reference.df, reference.pvalue)
    )


def test_two_units_reduce_to_welchs_t():
    t = stats.ttest_ind(*SAMPLES[:2], equal_var=False)
    assert welch_anova(moments(SAMPLES[:2])).f == pytest.approx(t.statistic**2)


@pytest.mark.parametrize("samples", [SAMPLES, [[1.0, 2.0, 2.0], [2.0, 2.0, 3.0]]])
def test_kruskal_equals_scipy(samples):
    found, reference = ranks_test(samples), stats.kruskal(*samples)
    assert (found.h, found.p) == pytest.approx((reference.statistic, reference.pvalue))


def test_kruskal_from_counts_equals_r(reference_ballots, comparisons):
    tally = reference_ballots[0]
    counts = np.zeros((len(tally.targets), 5), dtype=np.int64)
    np.add.at(counts, tally.cell_target, tally.counts[:, 0, 1:])
    found = kruskal_of_ranks(ranks_of_counts(counts))
    assert (found.h, found.p) == pytest.approx((comparisons["kw_counts", "h"], comparisons["kw_counts", "p"]))


def test_printed_example_of_kruskal_and_wallis_with_effect_size():
    # Hollander and Wolfe (1973), p. 116, mucociliary efficiency of three groups: H = 0.7714, p = 0.68.
    groups = [[2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]]
    found = ranks_test(groups)
    assert (found.h, found.p) == pytest.approx((0.77143, 0.68), abs=1e-4)
    assert epsilon_squared(found, n=14) == pytest.approx(found.h / 13)
    assert epsilon_squared(ranks_test([[1.0], [1.0]]), n=2) is None


@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=6), min_size=2, max_size=4))
@settings(deadline=None)
def test_ranks_do_not_depend_on_the_points_given_to_levels(samples):
    recoded = [[(0, 30, 60, 80, 100)[level - 1] for level in sample] for sample in samples]
    found, other = ranks_test(samples), ranks_test(recoded)
    assert (found.h, found.p) == (other.h, other.p)
    assert found.h is None or 0 <= epsilon_squared(found, n=sum(map(len, samples))) <= 1


def test_ranks_of_fourteen_million_answers():
    share = np.array([[0.05, 0.05, 0.2, 0.4, 0.3], [0.05, 0.051, 0.199, 0.4, 0.3], [0.06, 0.04, 0.2, 0.4, 0.3]])
    counts = (14_000_000 * share).round().astype(np.int64)
    found, small = kruskal_of_ranks(ranks_of_counts(counts)), kruskal_of_ranks(ranks_of_counts(counts // 1000))
    assert found.h == pytest.approx(1000 * small.h, rel=1e-3)
    nearly_all = kruskal_of_ranks(ranks_of_counts(np.array([[0, 14_000_000], [1, 13_999_999]])))
    assert nearly_all.h == pytest.approx(1.0, rel=1e-6)


def test_ranks_take_equal_means_of_different_sums_as_ties():
    third = 0.1 + 0.2
    assert third != 0.3
    assert ranks_test([[third, 0.3], [0.3, third]]).h is None


def test_pairs_equal_scipy():
    units = moments(SAMPLES)
    found = welch_pairs(units.take(np.array([0, 1])), units.take(np.array([1, 2])))
    for row in (0, 1):
        reference = stats.ttest_ind(SAMPLES[row], SAMPLES[row + 1], equal_var=False)
        ci = reference.confidence_interval()
        assert (found.t[row], found.df[row], found.p[row]) == pytest.approx(
            (reference.statistic, reference.df, reference.pvalue)
        )
        assert (found.interval.low[row], found.interval.high[row]) == pytest.approx((ci.low, ci.high))


def exact_welch(samples):
    """Welch's F in exact fractions."""
    rows = [[Fraction(value) for value in sample] for sample in samples]
    k, n = len(rows), [len(row) for row in rows]
    mean = [sum(row) / len(row) for row in rows]
    weight = [
        size * (size - 1) / sum((value - centre) ** 2 for value in row)
        for row, size, centre in zip(rows, n, mean, strict=True)
    ]
    centre = sum(w * m for w, m in zip(weight, mean, strict=True)) / sum(weight)
    uneven = sum((1 - w / sum(weight)) ** 2 / (size - 1) for w, size in zip(weight, n, strict=True))
    between = sum(w * (m - centre) ** 2 for w, m in zip(weight, mean, strict=True)) / (k - 1)
    return float(between / (1 + Fraction(2 * (k - 2), k * k - 1) * uneven))


@pytest.mark.parametrize(("far", "digits"), [(0, 1e-13), (10**6, 1e-9), (10**10, 1e-4)])
def test_welch_keeps_its_digits_far_from_zero(far, digits):
    # As the NIST sets SmLs: a leading constant eats the digits of a one-pass variance; eighths are exact in a float.
    rng = np.random.default_rng(11)
    samples = [far + rng.integers(0, 40, 21) / 8 + shift / 8 for shift in range(9)]
    assert welch_anova(moments(samples)).f == pytest.approx(exact_welch(samples), rel=digits)


def test_swapping_the_sides_changes_signs_only():
    units = moments(SAMPLES)
    one, other = units.take(np.array([0])), units.take(np.array([1]))
    found, swapped = welch_pairs(one, other), welch_pairs(other, one)
    assert found.p[0] == swapped.p[0]
    assert found.hedges_g[0] == -swapped.hedges_g[0]
    assert found.interval.low[0] == -swapped.interval.high[0]


def test_hedges_g_equals_statsmodels():
    meta = pytest.importorskip("statsmodels.stats.meta_analysis")
    a, b = SAMPLES[0], SAMPLES[1]
    found = welch_pairs(moments([a]), moments([b])).hedges_g[0]
    args = (np.mean(a), np.std(a, ddof=1), len(a), np.mean(b), np.std(b, ddof=1), len(b))
    assert found == pytest.approx(meta.effectsize_smd(*args)[0])


def test_where_nothing_varies_there_is_nothing_to_test():
    flat = moments([[3.0, 3.0], [4.0, 4.0, 4.0]])
    assert welch_anova(flat).p is None
    pair = welch_pairs(flat.take(np.array([0])), flat.take(np.array([1])))
    assert pair.difference[0] == -1
    assert np.isnan([pair.t[0], pair.df[0], pair.p[0], pair.hedges_g[0], pair.interval.low[0]]).all()
    assert ranks_test([[2.0, 2.0], [2.0, 2.0]]).p is None


def test_a_unit_that_does_not_vary_still_differs_from_one_that_does():
    pair = welch_pairs(moments([[3.0, 3.0]]), moments([[4.0, 4.5, 5.0]]))
    assert pair.df[0] == pytest.approx(2.0)
    assert 0 < pair.p[0] < 1


def test_up_to_sixty_units_all_pairs_are_planned():
    first, _ = plan_pairs([f"u{row}" for row in range(60)], None)
    assert len(first) == 60 * 59 // 2


def test_above_sixty_units_pairs_stay_in_the_district_and_each_meets_the_rest():
    units = [f"u{row}" for row in range(61)]
    first, second = plan_pairs(units, {"u0": "east", "u1": "west", "u2": "east", "u60": "east"})
    assert [(int(a), int(b)) for a, b in zip(first, second, strict=True) if b != REST] == [(0, 2), (0, 60), (2, 60)]
    assert (second == REST).sum() == 61


def test_the_rest_is_everything_else():
    rest = rest_of(moments(SAMPLES))
    others = np.concatenate([SAMPLES[0], SAMPLES[2]])
    assert (rest.n[1], rest.mean[1], rest.ss[1]) == pytest.approx(
        (9, others.mean(), ((others - others.mean()) ** 2).sum())
    )


def test_the_rest_of_units_with_cells_is_the_rest_in_each_cell():
    rng = np.random.default_rng(13)
    n = rng.integers(0, 4, (6, 3))
    cells = Moments(
        n=n, mean=np.where(n > 0, rng.normal(size=n.shape), 0.0), ss=np.where(n > 1, rng.random(n.shape), 0.0)
    )
    rest = rest_of(cells)
    for unit in range(6):
        others = cells.take(np.delete(np.arange(6), unit))
        column = np.tile(np.arange(3), 5)
        flat = combine(Moments(n=others.n.ravel(), mean=others.mean.ravel(), ss=others.ss.ravel()), column, size=3)
        np.testing.assert_array_equal(rest.n[unit], flat.n)
        np.testing.assert_allclose(rest.mean[unit], flat.mean, atol=1e-14)
        np.testing.assert_allclose(rest.ss[unit], flat.ss, atol=1e-14)


def test_equal_values_stay_equal_in_the_rest():
    wild = moments([[1.0, 900.0, 5e8]] + [[0.1 + 0.2, 0.3]] * 5)
    assert rest_of(wild).ss[0] == 0


def test_the_rest_of_sixteen_hundred_units_is_quick():
    units = Moments(n=np.full(1600, 60), mean=np.linspace(2, 5, 1600), ss=np.full(1600, 30.0))
    start = time.perf_counter()
    rest = rest_of(units)
    assert time.perf_counter() - start < 3
    assert (rest.n == 1599 * 60).all()
    assert rest_of(units.take(np.array([], dtype=int))).n.shape == (0,)
    assert rest_of(units.take(np.array([3]))).n.tolist() == [0]


def test_lecturers_dealt_at_random_differ_by_ballots_but_not_by_lecturers(insteval):
    # The wrong unit of analysis fails: ballots of one lecturer hang together.
    tally, population = insteval
    counts = np.zeros((len(tally.targets), 5), dtype=np.int64)
    np.add.at(counts, tally.cell_target, tally.counts[:, 0, 1:])
    means = counts @ np.arange(1, 6) / counts.sum(axis=1)
    department = np.unique(population.unit, return_inverse=True)[1]
    a, b = np.triu_indices(14, 1)
    rng = np.random.default_rng(15)
    wrong, right = [], []
    for _ in range(60):
        dealt = rng.permutation(department)
        ballots = np.zeros((14, 5), dtype=np.int64)
        np.add.at(ballots, dealt, counts)
        wrong.append((mann_whitney(ballots[a], ballots[b]).p < 0.05).mean())
        units = moments_of(means, dealt, size=14)
        right.append((welch_pairs(units.take(a), units.take(b)).p < 0.05).mean())
    assert np.mean(wrong) > 0.65
    assert np.mean(right) == pytest.approx(0.05, abs=0.015)


@pytest.mark.slow
def test_welch_on_target_means_keeps_its_level():
    rng = np.random.default_rng(5)
    rejections = [
        welch_pairs(moments([rng.normal(size=20)]), moments([rng.normal(scale=3, size=9)])).p[0] < 0.05
        for _ in range(4000)
    ]
    assert np.mean(rejections) == pytest.approx(0.05, abs=0.012)
