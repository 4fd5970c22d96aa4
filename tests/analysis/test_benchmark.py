"""A unit against its peers at its own mix: R, Welch's t, and mixes that mislead a plain comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.benchmark import benchmark
from survey.analysis.comparison import rest_of, welch_pairs
from survey.analysis.moments import Moments, moments_of

VALUES = arrays(np.int64, (4, 3, 3), elements=st.integers(1, 5))


def moments(rows):
    """Moments (n_units, n_cells) of lists of values by unit and cell."""
    values = [value for unit in rows for cell in unit for value in cell]
    place = [row for row, cell in enumerate(cell for unit in rows for cell in unit) for _ in cell]
    shape = (len(rows), len(rows[0]))
    flat = moments_of(np.array(values, dtype=float), np.array(place, dtype=int), size=shape[0] * shape[1])
    return Moments(n=flat.n.reshape(shape), mean=flat.mean.reshape(shape), ss=flat.ss.reshape(shape))


def test_equals_r(reference_ballots, comparisons):
    tally, population = reference_ballots
    codes = sorted(set(population.unit))
    unit = np.array([codes.index(code) for code in population.unit])
    used = tally.valid > 0
    cell = unit[tally.cell_target[used]] * len(tally.groups) + tally.cell_group[used]
    flat = moments_of(tally.mean[used], cell, size=len(codes) * len(tally.groups))
    shape = (len(codes), len(tally.groups))
    found = benchmark(Moments(n=flat.n.reshape(shape), mean=flat.mean.reshape(shape), ss=flat.ss.reshape(shape)))
    columns = {
        "observed": found.observed,
        "observed_se": found.observed_se,
        "peers": found.expected,
        "peers_se": found.expected_se,
        "benchmark_df": found.df,
        "benchmark_p": found.p,
        "covered": found.covered,
    }
    for figure, values in columns.items():
        np.testing.assert_allclose(values, [comparisons[figure, key] for key in codes], rtol=1e-9)


def test_one_cell_is_welchs_t_against_the_rest():
    cells = moments([[[3, 4, 5]], [[2, 2, 4, 3]], [[5, 4, 5, 5]]])
    units = Moments(n=cells.n[:, 0], mean=cells.mean[:, 0], ss=cells.ss[:, 0])
    found, welch = benchmark(cells), welch_pairs(units, rest_of(units))
    np.testing.assert_allclose(found.difference, welch.difference)
    np.testing.assert_allclose(found.df, welch.df)
    np.testing.assert_allclose(found.p, welch.p)
    np.testing.assert_allclose(found.interval.low, welch.interval.low)


def test_a_unit_is_not_blamed_for_its_mix():
    # Everyone is rated 4 by the first grade and 2 by the ninth; the first unit has mostly ninth-graders.
    wave = [0.1, -0.1]
    first, ninth = [4 + w for w in wave], [2 + w for w in wave]
    found = benchmark(moments([[first, ninth * 4], [first * 4, ninth], [first * 4, ninth]]))
    np.testing.assert_allclose(found.observed[0], 2.4)
    np.testing.assert_allclose(found.difference, 0, atol=1e-12)


def test_by_hand():
    # Weights 3/4 and 1/4; peers' cells have the means 2 and 4.
    found = benchmark(moments([[[3, 4, 5], [1]], [[1, 3], [3, 5]]]))
    assert found.expected[0] == pytest.approx(0.75 * 2 + 0.25 * 4)
    assert found.observed[0] == pytest.approx(13 / 4)
    # The single value takes the variance of the unit's other cell, which is 1.
    assert found.observed_se[0] ** 2 == pytest.approx(0.75**2 / 3 + 0.25**2)


def test_cells_without_peers_are_named_and_left_out():
    found = benchmark(moments([[[3, 4], [5, 5, 5, 5, 4, 5]], [[2, 3], []], [[3, 3, 4], []]]))
    assert found.without_peers.tolist() == [[False, True], [False, False], [False, False]]
    assert found.covered.tolist() == [0.25, 1, 1]
    assert found.observed[0] == 3.5
    assert found.expected[0] == 3


def test_no_peer_at_all():
    found = benchmark(moments([[[3, 4], []], [[], [2, 3]]]))
    assert found.covered.tolist() == [0, 0]
    assert np.isnan([found.observed, found.expected, found.difference, found.p]).all()
    alone = benchmark(moments([[[3, 4]]]))
    assert np.isnan(alone.difference[0])
    assert alone.without_peers.tolist() == [[True]]


def test_where_nothing_varies_only_the_difference_is_known():
    found = benchmark(moments([[[3, 3]], [[4, 4]]]))
    assert found.difference.tolist() == [-1, 1]
    assert np.isnan([found.p, found.df, found.interval.low]).all()
    single = benchmark(moments([[[3]], [[4]]]))
    assert np.isnan(single.p).all()


def test_a_unit_without_values_and_no_units():
    found = benchmark(moments([[[], []], [[1, 2], [3]], [[2], [3, 3]]]))
    assert np.isnan([found.observed[0], found.covered[0]]).all()
    assert found.difference[1] == pytest.approx(-1 / 3)
    empty = Moments(n=np.zeros((0, 2), dtype=int), mean=np.zeros((0, 2)), ss=np.zeros((0, 2)))
    assert benchmark(empty).p.shape == (0,)


@given(VALUES)
@settings(deadline=None)
def test_labels_do_not_matter(values):
    cells = moments(values.tolist())
    found = benchmark(cells)
    order = np.array([2, 0, 3, 1])
    turned = benchmark(Moments(n=cells.n[order], mean=cells.mean[order], ss=cells.ss[order]))
    np.testing.assert_allclose(found.difference[order], turned.difference, atol=1e-12)
    np.testing.assert_allclose(found.p[order], turned.p, rtol=1e-6)


@given(VALUES)
@settings(deadline=None)
def test_cells_that_do_not_differ_may_be_merged_in_the_expectation(values):
    # With equal mixes the weights are the same for all, and so is the mean over cells.
    found = benchmark(moments(values.tolist()))
    for unit in range(4):
        rest = np.delete(values, unit, axis=0)
        assert found.expected[unit] == pytest.approx(rest.mean())
        assert found.observed[unit] == pytest.approx(values[unit].mean())


def test_far_from_zero_no_digits_are_lost():
    rng = np.random.default_rng(1)
    values = rng.integers(1, 17, (5, 4, 6)) / 8
    near, far = benchmark(moments(values.tolist())), benchmark(moments((values + 2.0**36).tolist()))
    np.testing.assert_allclose(near.p, far.p, rtol=1e-3)
    np.testing.assert_allclose(near.difference, far.difference, atol=1e-4)


def test_equal_units_of_unequal_mix_are_flagged_once_in_twenty():
    rng = np.random.default_rng(16)
    level, rejected = np.array([2.0, 3.0, 4.0, 3.5]), []
    for _ in range(150):
        n = rng.integers(1, 7, (20, 4))
        mean = level + rng.normal(size=n.shape) / np.sqrt(n)
        cells = Moments(n=n, mean=mean, ss=rng.chisquare(np.maximum(n - 1, 1e-9)) * (n > 1))
        rejected.append((benchmark(cells).p < 0.05).mean())
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.02)
