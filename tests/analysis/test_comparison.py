"""Tests between units against R, SciPy and statsmodels; what happens where nothing varies."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.comparison import REST, kruskal, plan_pairs, rest_of, welch_anova, welch_pairs
from survey.analysis.moments import moments_of

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


@pytest.mark.slow
def test_welch_on_target_means_keeps_its_level():
    rng = np.random.default_rng(5)
    rejections = [
        welch_pairs(moments([rng.normal(size=20)]), moments([rng.normal(scale=3, size=9)])).p[0] < 0.05
        for _ in range(4000)
    ]
    assert np.mean(rejections) == pytest.approx(0.05, abs=0.012)
