"""Questions A and B against R survey, and their edges."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.figures import target_figures
from survey.analysis.intervals import class_interval, response_shift, roster_interval, t_quantile, two_sided_p
from survey.analysis.moments import Moments, combine
from survey.analysis.scoring import load_scheme

SCHEME = load_scheme("five_step")


def moments(*rows):
    n, mean, ss = zip(*rows, strict=True)
    return Moments(n=np.array(n), mean=np.array(mean, dtype=float), ss=np.array(ss, dtype=float))


def roster(cells, enrolled):
    index = np.zeros(len(cells.n), dtype=np.int64)
    return roster_interval(combine(cells, index, size=1), cells, cell_target=index, enrolled=np.array(enrolled))


def test_t_against_scipy():
    df = np.array([[1.0, 2.5], [30.0, 1e6]])
    np.testing.assert_allclose(t_quantile(df), stats.t.ppf(0.975, df))
    np.testing.assert_allclose(two_sided_p(np.array([2.1, -9.0]), df=df[0]), 2 * stats.t.sf([2.1, 9.0], df[0]))
    assert np.isnan(t_quantile(np.array([0, -1, np.nan]))).all()


@pytest.mark.parametrize(("figure", "ends"), [("roster", "roster_ci"), ("class", "class_ci")])
def test_clustered_and_stratified_intervals_equal_r_survey(reference_ballots, expected, figure, ends):
    tally, population = reference_ballots
    found = getattr(target_figures(tally, population, SCHEME), ends)
    known = 0
    for row, target in enumerate(tally.targets):
        if (f"{figure}_se", target) not in expected:
            assert np.isnan(found.low[row])
            continue
        shift = expected["roster_shift", target] if figure == "roster" else 0.0
        se = np.hypot(expected[f"{figure}_se", target], shift)
        reach = se * stats.t.ppf(0.975, expected[f"{figure}_df", target])
        assert found.low[row] == pytest.approx(expected["score", target] - reach, rel=1e-9)
        assert found.high[row] == pytest.approx(expected["score", target] + reach, rel=1e-9)
        known += 1
    assert known > 10


def test_unequal_response_adds_its_squared_shift():
    """8 of 10 say 80 and 2 of 10 say 60: the score is 76, weighted to the classes it would be 70."""
    cells = moments((8, 80.0, 0.0), (2, 60.0, 0.0))
    index = np.zeros(2, dtype=np.int64)
    totals = combine(cells, index, size=1)
    shift = response_shift(totals, cells, cell_target=index, enrolled=np.array([10.0, 10.0]))
    assert shift[0] == pytest.approx(6.0)
    assert roster(cells, [10.0, 10.0]).high[0] == pytest.approx(76.0 + 6.0 * stats.t.ppf(0.975, 8))


@pytest.mark.parametrize(
    ("cells", "enrolled"),
    [
        ([(3, 81.3, 7.0), (6, 60.1, 9.0), (9, 33.3, 9.0)], [10.0, 20.0, 30.0]),
        ([(3, 70.0, 7.0), (6, 70.0, 9.0)], [4.0, 30.0]),
        ([(3, 81.3, 7.0), (6, 60.1, 9.0), (7, 33.3, 9.0)], [3.0, 6.0, 7.0]),
        ([(7, 81.3, 7.0)], [30.0]),
    ],
    ids=["equal response", "equal opinion", "complete", "one class"],
)
def test_there_is_exactly_no_shift(cells, enrolled):
    index = np.zeros(len(cells), dtype=np.int64)
    parts = moments(*cells)
    totals = combine(parts, index, size=1)
    assert response_shift(totals, parts, cell_target=index, enrolled=np.array(enrolled))[0] == 0.0


def test_a_class_without_ballots_is_not_seen():
    seen = roster(moments((8, 80.0, 10.0), (2, 60.0, 5.0)), [10.0, 10.0])
    for heads in (30.0, np.nan):
        more = roster(moments((8, 80.0, 10.0), (2, 60.0, 5.0), (0, 0.0, 0.0)), [10.0, 10.0, heads])
        assert (more.low[0], more.high[0]) == (seen.low[0], seen.high[0])


def test_targets_do_not_touch_each_other():
    """The second has no roster, the third no ballots; classes come in any order."""
    cells = moments((8, 80.0, 10.0), (4, 50.0, 9.0), (2, 60.0, 5.0), (3, 40.0, 2.0), (0, 0.0, 0.0))
    index, enrolled = np.array([0, 1, 0, 1, 2]), np.array([10.0, np.nan, 10.0, 9.0, 9.0])
    found = roster_interval(combine(cells, index, size=3), cells, cell_target=index, enrolled=enrolled)
    alone = roster(moments((8, 80.0, 10.0), (2, 60.0, 5.0)), [10.0, 10.0])
    assert (found.low[0], found.high[0]) == (alone.low[0], alone.high[0])
    assert np.isnan(found.low[1:]).all()


def test_a_complete_roster_leaves_no_doubt():
    found = roster(moments((4, 80.0, 300.0), (2, 60.0, 50.0)), [4.0, 2.0])
    assert found.low[0] == found.high[0] == pytest.approx(440 / 6)


def test_more_ballots_than_heads_count_as_complete():
    found = roster(moments((5, 80.0, 300.0)), [4.0])
    assert found.low[0] == found.high[0]
    of_two = moments((5, 80.0, 300.0), (5, 60.0, 50.0))
    assert roster(of_two, [4.0, 10.0]).low[0] == roster(of_two, [5.0, 10.0]).low[0]


def test_one_class_without_a_head_count_leaves_no_roster_interval():
    assert np.isnan(roster(moments((4, 80.0, 300.0), (2, 60.0, 50.0)), [9.0, np.nan]).low[0])


def test_single_ballots_are_centred_on_the_overall_mean_with_one_degree_of_freedom():
    found = roster(moments((1, 80.0, 0.0), (1, 60.0, 0.0)), [10.0, 10.0])
    assert found.high[0] - 70.0 == pytest.approx(stats.t.ppf(0.975, 1) * np.sqrt(2 * 0.9 * 100 / 4))


def test_four_classes_are_too_few():
    cells = moments(*[(5, 70.0 + row, 100.0) for row in range(5)])
    index = np.zeros(5, dtype=np.int64)
    totals = combine(cells, index, size=1)
    assert np.isfinite(class_interval(totals, cells, cell_target=index, least=5).low[0])
    assert np.isnan(class_interval(totals, cells, cell_target=index, least=6).low[0])
