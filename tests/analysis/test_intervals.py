"""Questions A and B against R survey, and their edges."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.figures import target_figures
from survey.analysis.intervals import class_interval, roster_interval, t_quantile, two_sided_p
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
        reach = expected[f"{figure}_se", target] * stats.t.ppf(0.975, expected[f"{figure}_df", target])
        assert found.low[row] == pytest.approx(expected["score", target] - reach, rel=1e-9)
        assert found.high[row] == pytest.approx(expected["score", target] + reach, rel=1e-9)
        known += 1
    assert known > 10


def test_a_complete_roster_leaves_no_doubt():
    found = roster(moments((4, 80.0, 300.0), (2, 60.0, 50.0)), [4.0, 2.0])
    assert found.low[0] == found.high[0] == pytest.approx(440 / 6)


def test_more_ballots_than_heads_count_as_complete():
    found = roster(moments((5, 80.0, 300.0)), [4.0])
    assert found.low[0] == found.high[0]


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
