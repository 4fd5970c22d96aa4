"""Games-Howell and Dunn against R, statsmodels, SciPy and printed examples."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.comparison import kruskal_of_ranks
from survey.analysis.midranks import ranks_of_counts, ranks_of_values
from survey.analysis.moments import Moments, moments_of
from survey.analysis.posthoc import dunn, games_howell

SAMPLES = [[3.1, 3.4, 2.2, 4.0], [4.1, 4.4, 4.2], [3.3, 2.9, 3.8, 3.6, 3.1]]
# Zar (2010), Biostatistical Analysis, example 10.11: pH of four ponds.
PONDS = [
    [7.68, 7.69, 7.70, 7.70, 7.72, 7.73, 7.73, 7.76],
    [7.71, 7.73, 7.74, 7.74, 7.78, 7.78, 7.80, 7.81],
    [7.74, 7.75, 7.77, 7.78, 7.80, 7.81, 7.84],
    [7.71, 7.71, 7.74, 7.79, 7.81, 7.85, 7.87, 7.91],
]
COUNTS = st.lists(st.lists(st.integers(0, 6), min_size=5, max_size=5), min_size=2, max_size=5).map(np.array)


def places(samples):
    return np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])


def moments(samples):
    return moments_of(np.concatenate([np.array(s, dtype=float) for s in samples]), places(samples), size=len(samples))


def all_pairs(size):
    return np.triu_indices(size, 1)


def test_games_howell_equals_statsmodels():
    multicomp = pytest.importorskip("statsmodels.stats.multicomp")
    a, b = all_pairs(3)
    units = moments(SAMPLES)
    found = games_howell(units.take(a), units.take(b), units=3)
    reference = multicomp.pairwise_tukeyhsd(np.concatenate(SAMPLES), places(SAMPLES), use_var="unequal")
    np.testing.assert_allclose(found.p, reference.pvalues, rtol=1e-7)
    np.testing.assert_allclose(-found.difference, reference.meandiffs)
    np.testing.assert_allclose(-found.interval.high, reference.confint[:, 0], rtol=1e-6)
    np.testing.assert_allclose(-found.interval.low, reference.confint[:, 1], rtol=1e-6)


def test_games_howell_equals_r(unit_means, comparisons):
    means, unit, codes = unit_means
    units = moments_of(means, unit, size=len(codes))
    a, b = all_pairs(len(codes))
    found = games_howell(units.take(a), units.take(b), units=len(codes))
    for row, key in enumerate(f"{codes[x]} {codes[y]}" for x, y in zip(a, b, strict=True)):
        assert found.q[row] == pytest.approx(comparisons["gh_q", key], rel=1e-9)
        assert found.df[row] == pytest.approx(comparisons["gh_df", key], rel=1e-9)
        # R's ptukey keeps seven digits.
        assert found.p[row] == pytest.approx(comparisons["gh_p", key], abs=2e-7)


def test_printed_example_of_three_species_of_penguins():
    # Body mass, n, mean and sd of Horst, Hill and Gorman (2020): Adelie - Chinstrap has p = 0.85, df = 152.5.
    sd = np.array([458.566, 384.335])
    n = np.array([151, 68])
    species = Moments(n=n, mean=np.array([3700.662, 3733.088]), ss=sd**2 * (n - 1))
    found = games_howell(species.take(np.array([0])), species.take(np.array([1])), units=3)
    assert found.difference[0] == pytest.approx(-32.426)
    assert found.df[0] == pytest.approx(152.455, abs=0.01)
    assert found.p[0] == pytest.approx(0.8503, abs=0.001)


def test_interval_and_p_tell_the_same():
    rng = np.random.default_rng(4)
    units = moments([rng.normal(0.7 * row, 1 + row, 8 + row) for row in range(6)])
    a, b = all_pairs(6)
    found = games_howell(units.take(a), units.take(b), units=6)
    np.testing.assert_array_equal((found.interval.low > 0) | (found.interval.high < 0), found.p < 0.05)


def test_more_units_make_a_pair_less_certain():
    units = moments(SAMPLES)
    one, other = units.take(np.array([0])), units.take(np.array([1]))
    p = [games_howell(one, other, units=k).p[0] for k in (2, 3, 14, 1600)]
    assert p == sorted(p)
    assert p[0] == pytest.approx(stats.ttest_ind(*SAMPLES[:2], equal_var=False).pvalue)


def test_all_pairs_of_sixty_units_take_moments():
    rng = np.random.default_rng(6)
    units = moments([rng.normal(size=rng.integers(2, 40)) for _ in range(60)])
    a, b = all_pairs(60)
    start = time.perf_counter()
    found = games_howell(units.take(a), units.take(b), units=60)
    assert time.perf_counter() - start < 10
    assert ((found.p > 0) & (found.p <= 1)).all()


def test_where_nothing_varies_only_the_difference_is_known():
    flat = moments([[3.0, 3.0], [4.0, 4.0], [5.0]])
    found = games_howell(flat.take(np.array([0, 0])), flat.take(np.array([1, 2])), units=3)
    np.testing.assert_array_equal(found.difference, [-1, -2])
    assert np.isnan([found.q, found.p, found.df, found.interval.low]).all()


def test_no_pairs_and_no_family():
    nobody = moments(SAMPLES).take(np.array([], dtype=int))
    assert games_howell(nobody, nobody, units=3).p.shape == (0,)
    with pytest.raises(ValueError, match="two means"):
        games_howell(nobody, nobody, units=1)


def test_dunn_on_the_ponds_of_zar():
    ranks = ranks_of_values(np.concatenate(PONDS), places(PONDS), size=4)
    np.testing.assert_allclose(ranks.mean * ranks.n, [55, 132.5, 145, 163.5])
    assert kruskal_of_ranks(ranks).h == pytest.approx(11.943, abs=1e-3)
    found = dunn(ranks, np.array([2, 3, 1]), np.array([0, 0, 0]))
    np.testing.assert_allclose(found.z, [2.95, 2.99, 2.14], atol=0.01)


def test_dunn_equals_r(unit_means, comparisons):
    means, unit, codes = unit_means
    a, b = all_pairs(len(codes))
    found = dunn(ranks_of_values(means, unit, size=len(codes)), a, b)
    for row, key in enumerate(f"{codes[x]} {codes[y]}" for x, y in zip(a, b, strict=True)):
        assert found.z[row] == pytest.approx(comparisons["dunn_z", key], rel=1e-9)
        assert found.p[row] == pytest.approx(comparisons["dunn_p", key], rel=1e-9)


@given(COUNTS)
@settings(deadline=None)
def test_swapping_a_pair_and_turning_the_scale_change_the_sign_only(counts):
    a, b = all_pairs(len(counts))
    found, swapped = dunn(ranks_of_counts(counts), a, b), dunn(ranks_of_counts(counts), b, a)
    turned = dunn(ranks_of_counts(counts[:, ::-1]), a, b)
    np.testing.assert_allclose(found.z, -swapped.z)
    np.testing.assert_allclose(found.z, -turned.z, atol=1e-12)
    np.testing.assert_allclose(found.p, swapped.p)


def test_two_groups_reduce_to_kruskal_wallis():
    ranks = ranks_of_counts(np.array([[1, 2, 3, 4, 9], [4, 3, 5, 2, 2]]))
    found = dunn(ranks, np.array([0]), np.array([1]))
    assert found.p[0] == pytest.approx(kruskal_of_ranks(ranks).p)


def test_dunn_without_variation_or_without_answers_has_no_p():
    flat = dunn(ranks_of_counts(np.array([[0, 5], [0, 9]])), np.array([0]), np.array([1]))
    empty = dunn(ranks_of_counts(np.array([[2, 5], [0, 0]])), np.array([0]), np.array([1]))
    assert np.isnan([flat.p[0], empty.p[0], empty.difference[0]]).all()


def test_a_whole_family_of_equal_units_is_flagged_once_in_twenty():
    # Four units of unequal size and spread: pooled-variance methods fail here.
    rng = np.random.default_rng(10)
    rounds, sizes, spreads = 3000, (6, 12, 25, 40), (3.0, 1.0, 2.0, 0.5)
    units = [
        moments_of(rng.normal(0, sd, rounds * n), np.repeat(np.arange(rounds), n), size=rounds)
        for n, sd in zip(sizes, spreads, strict=True)
    ]
    flagged = np.zeros(rounds, dtype=bool)
    for a, b in zip(*all_pairs(4), strict=True):
        flagged |= games_howell(units[a], units[b], units=4).p < 0.05
    assert flagged.mean() == pytest.approx(0.05, abs=0.015)
