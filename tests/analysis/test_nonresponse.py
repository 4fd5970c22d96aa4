"""Non-response: bounds, weighting classes, raking, Kish's design effect, R-indicator."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.moments import Moments, moments_of_counts
from survey.analysis.nonresponse import (
    kish_deff,
    mean_bounds,
    r_indicator,
    rake,
    raked_mean,
    rate_bounds,
    weighting_class,
)

NAN = float("nan")
LEVELS = np.arange(1.0, 6.0)


def whole(*values):
    return np.array(values, dtype=np.int64)


def real(*values):
    return np.array(values, dtype=np.float64)


def one_target(cells, heads):
    return weighting_class(cells, real(*heads), target=np.zeros(len(heads), dtype=np.int64), size=1)


# Bounds


def test_bounds_by_hand():
    found = mean_bounds(real(80.0), whole(60), real(100))
    assert (found.low[0], found.high[0]) == pytest.approx((48.0, 88.0))
    found = rate_bounds(whole(45), whole(60), real(100))
    assert (found.low[0], found.high[0]) == pytest.approx((0.45, 0.85))


def test_bounds_without_answers_span_everything_and_with_all_nothing():
    found = mean_bounds(real(NAN, 70.0), whole(0, 8), real(5, 8))
    np.testing.assert_allclose([found.low, found.high], [[0.0, 70.0], [100.0, 70.0]])


def test_without_a_possible_roster_there_are_no_bounds():
    found = rate_bounds(whole(3, 3, 0), whole(6, 6, 0), real(NAN, 5, 0))
    assert np.isnan([found.low, found.high]).all()


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_bounds_hold_what_everybody_would_have_said(answers, asked):
    k, n = whole(sum(answers[:asked])), whole(len(answers[:asked]))
    found = rate_bounds(k, n, real(len(answers)))
    assert found.low[0] - 1e-12 <= np.mean(answers) <= found.high[0] + 1e-12


# Weighting classes


@pytest.fixture
def classes(rates_expected):
    """Moments and head counts of the four classes of rates.R."""
    counts, heads = np.zeros((4, 5), dtype=np.int64), np.zeros(4)
    for (row, people, level), value in rates_expected["class_count"].items():
        counts[int(row) - 1, int(level) - 1] = value
        heads[int(row) - 1] = people
    return moments_of_counts(counts, LEVELS), heads


def test_weighting_class_equals_r(classes, rates_expected):
    found = one_target(*classes)
    assert found.mean[0] == pytest.approx(rates_expected["class_mean"][""], rel=1e-12)
    assert found.mean[0] == pytest.approx(rates_expected["class_post_mean"][""], rel=1e-12)
    assert found.se[0] == pytest.approx(rates_expected["class_se"][""], rel=1e-12)
    assert found.deff[0] == pytest.approx(rates_expected["class_deff"][""], rel=1e-12)


def test_weights_equal_lohr_example_8_4():
    # Age classes of a telephone survey: sums of weights in the sample and of those who answered.
    heads, answered = (30322, 33013, 27046, 29272, 30451), whole(18693, 28143, 24371, 28138, 30451)
    found = one_target(Moments(n=answered, mean=np.zeros(5), ss=np.zeros(5)), heads)
    np.testing.assert_array_equal(found.weight.round(3), [1.622, 1.173, 1.110, 1.040, 1.0])


def test_many_targets_are_weighted_apart(classes):
    cells, heads = classes
    twice = Moments(n=np.tile(cells.n, 2), mean=np.tile(cells.mean, 2), ss=np.tile(cells.ss, 2))
    found = weighting_class(twice, np.tile(heads, 2) * np.repeat([1, 2], 4), target=np.repeat([1, 0], 4), size=3)
    assert found.mean[1] == found.mean[0] == one_target(cells, heads).mean[0]
    assert found.se[0] > found.se[1]
    assert np.isnan([found.mean[2], found.se[2], found.deff[2]]).all()


def test_equal_response_changes_nothing():
    cells = moments_of_counts(whole(0, 1, 3, 4, 2, 2, 2, 8, 8, 0).reshape(2, 5), LEVELS)
    found = one_target(cells, (20, 40))
    assert found.mean[0] == pytest.approx((cells.n * cells.mean).sum() / 30)
    assert found.deff[0] == pytest.approx(1.0)


def test_a_complete_roster_has_no_error():
    cells = moments_of_counts(whole(0, 1, 3, 4, 2, 2, 2, 8, 8, 0).reshape(2, 5), LEVELS)
    assert one_target(cells, (10, 20)).se[0] == 0.0


def test_a_class_without_ballots_cannot_be_weighted():
    found = one_target(Moments(n=whole(5, 0), mean=real(3, 0), ss=real(4, 0)), (10, 10))
    assert found.empty[0] == 1
    assert np.isnan([found.mean[0], found.se[0], found.deff[0], found.interval.low[0]]).all()
    assert one_target(Moments(n=whole(5, 0), mean=real(3, 0), ss=real(4, 0)), (10, 0)).mean[0] == 3.0


def test_one_ballot_has_a_mean_and_no_error():
    found = one_target(Moments(n=whole(1), mean=real(4), ss=real(0)), (10,))
    assert found.mean[0] == 4.0
    assert np.isnan(found.se[0])


@pytest.mark.parametrize("heads", [4.0, NAN])
def test_unknown_or_impossible_head_counts_are_refused(heads):
    with pytest.raises(ValueError, match="head count"):
        one_target(Moments(n=whole(5), mean=real(3), ss=real(4)), (heads,))


# Raking


@pytest.fixture
def table(rates_expected):
    """Counts, margins and cell moments of rates.R."""
    arrays = {}
    for figure in ("rake_count", "rake_weight", "rake_cell_mean", "rake_cell_ss"):
        arrays[figure] = np.zeros((3, 2, 2))
        for place, value in rates_expected[figure].items():
            arrays[figure][tuple(int(axis) - 1 for axis in place)] = value
    counts = arrays["rake_count"].astype(np.int64)
    margins = [
        real(*(value for (axis, _), value in rates_expected["rake_margin"].items() if axis == wanted))
        for wanted in (1, 2, 3)
    ]
    return (
        counts,
        margins,
        arrays["rake_weight"],
        Moments(n=counts, mean=arrays["rake_cell_mean"], ss=arrays["rake_cell_ss"]),
    )


def test_raking_equals_r(table, rates_expected):
    counts, margins, weights, cells = table
    raked = rake(counts, margins)
    np.testing.assert_allclose(raked.weights, weights, rtol=1e-10)
    found = raked_mean(cells, raked)
    assert found.mean == pytest.approx(rates_expected["rake_mean"][""], rel=1e-11)
    assert found.se == pytest.approx(rates_expected["rake_se"][""], rel=1e-7)


def test_smiths_table_in_agresti_2002():
    # Schooling by attitude, both margins raked to 100; the first column is printed as 49.4, 32.8, 17.8.
    counts = whole(209, 101, 237, 151, 126, 426, 16, 21, 138).reshape(3, 3)
    fitted = rake(counts, [np.full(3, 100.0)] * 2).weights * counts
    np.testing.assert_array_equal(fitted[:, 0].round(1), [49.4, 32.8, 17.8])


@given(st.lists(st.integers(1, 40), min_size=6, max_size=6), st.lists(st.integers(1, 500), min_size=6, max_size=6))
@settings(max_examples=40, deadline=None)
def test_raked_margins_are_met_and_odds_ratios_kept(counts, heads):
    table, roster = np.array(counts).reshape(2, 3), np.array(heads).reshape(2, 3)
    fitted = rake(table, [roster.sum(axis=1), roster.sum(axis=0)]).weights * table
    np.testing.assert_allclose(fitted.sum(axis=1), roster.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(fitted.sum(axis=0), roster.sum(axis=0), rtol=1e-9)
    odds = [rows[0, 0] * rows[1, 2] / rows[0, 2] / rows[1, 0] for rows in (fitted, table)]
    assert odds[0] == pytest.approx(odds[1], rel=1e-9)


def test_ballots_that_fit_already_keep_their_weight():
    counts = whole(3, 5, 7, 2).reshape(2, 2)
    raked = rake(counts, [counts.sum(axis=1) * 4.0, counts.sum(axis=0) * 4.0])
    np.testing.assert_allclose(raked.weights, 4.0)
    assert raked.rounds == 1


def test_cells_without_ballots_stay_empty():
    counts = whole(3, 0, 7, 2).reshape(2, 2)
    assert rake(counts, [real(10, 20), real(25, 5)]).weights[0, 1] == 0.0


@pytest.mark.parametrize(
    ("counts", "margins", "message"),
    [
        ([[3, 5], [7, 2]], [[10, 20], [15, 16]], "same total"),
        ([[3, 5], [7, 2]], [[10, 20]], "two axes"),
        ([[3, 5], [7, 2]], [[10, 20], [10, 10, 10]], "two axes"),
        ([3, 5], [[10, 20]], "two axes"),
        ([[3, 5], [7, 2]], [[-10, 40], [15, 15]], "negative"),
        ([[3, 5], [7, 2]], [[NAN, 20], [15, 15]], "negative or unknown"),
        ([[0, 0], [7, 2]], [[10, 20], [15, 15]], "axis 0, category 0"),
        ([[3, 5], [7, 2]], [[30, 0], [15, 15]], "axis 0, category 1"),
        ([[3, 0], [0, 2]], [[10, 20], [15, 15]], "cannot be reached"),
        ([[3, 5], [7, 0]], [[10, 20], [15, 15]], "cannot be reached"),
    ],
)
def test_impossible_margins_are_refused(counts, margins, message):
    with pytest.raises(ValueError, match=message):
        rake(np.array(counts), [np.array(margin, dtype=np.float64) for margin in margins])


# Design effect


def test_kish_deff_is_one_plus_cv_squared():
    weights = real(1, 1, 2, 5, 9)
    assert kish_deff(weights) == pytest.approx(1.0 + weights.var() / weights.mean() ** 2)
    assert kish_deff(real(2, 5), whole(3, 4)) == pytest.approx(kish_deff(real(2, 2, 2, 5, 5, 5, 5)))


def test_equal_weights_have_no_design_effect():
    assert kish_deff(np.full(7, 0.3)) == pytest.approx(1.0)
    assert kish_deff(np.full(7, 0.3)) >= 1.0


def test_without_ballots_there_is_no_design_effect():
    assert kish_deff(real()) is None
    assert kish_deff(real(0, 0)) is None
    with pytest.raises(ValueError, match="negative"):
        kish_deff(real(1, -1))


# R-indicator


def test_r_indicator_equals_r(rates_expected):
    found = r_indicator(*np.array(list(rates_expected["r_class"])).T.astype(np.int64))
    assert found.r == pytest.approx(rates_expected["r"][""], rel=1e-9)
    assert found.r_adjusted == pytest.approx(rates_expected["r_adjusted"][""], rel=1e-9)


def test_limits_of_schouten_et_al_2009():
    even = r_indicator(whole(30, 60), whole(50, 100))
    assert (even.r, even.r_adjusted, even.max_bias) == pytest.approx((1.0, 1.0, 0.0))
    # Everybody or nobody, half and half: S is 1/2 in a large population, R is 0.
    assert r_indicator(whole(10**6, 0), whole(10**6, 10**6)).r == pytest.approx(0.0, abs=1e-6)


def test_the_adjustment_takes_away_what_chance_brings():
    rng = np.random.default_rng(4)
    asked = np.full(40, 30)
    found = [r_indicator(rng.binomial(asked, 0.6), asked) for _ in range(200)]
    variance = [((1.0 - each.r) / 2.0) ** 2 for each in found]
    # Spread by chance alone: 0.6 * 0.4 / 30 per class.
    assert np.mean(variance) == pytest.approx(0.008, rel=0.1)
    assert np.mean([each.r_adjusted for each in found]) > 0.93 > np.mean([each.r for each in found])


@given(st.lists(st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=9))
@settings(max_examples=50, deadline=None)
def test_r_lies_between_its_limits_and_ignores_order_and_empty_classes(pairs):
    n, heads = np.array(pairs).T
    found = r_indicator(n, heads)
    again = r_indicator(np.r_[n[::-1], 0], np.r_[heads[::-1], 0])
    # With N - 1 in the denominator S may exceed 1/2 by a hair in tiny rosters.
    assert 1.0 - np.sqrt(heads.sum() / (heads.sum() - 1.0)) - 1e-12 <= found.r <= found.r_adjusted <= 1.0
    assert (again.r, again.r_adjusted) == pytest.approx((found.r, found.r_adjusted))


def test_odd_rosters():
    assert r_indicator(whole(), whole()).r is None
    assert r_indicator(whole(1), whole(1)).r is None
    nobody = r_indicator(whole(0, 0), whole(5, 5))
    assert (nobody.r, nobody.response_rate, nobody.max_bias) == (1.0, 0.0, None)
    with pytest.raises(ValueError, match="head count"):
        r_indicator(whole(6), whole(5))
