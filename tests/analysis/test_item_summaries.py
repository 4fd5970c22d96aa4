"""Items over targets: means that count a target once, gaps within targets, importance, and units."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.item_summaries import FEWEST_TARGETS, importance, item_scores, summaries, unit_items
from survey.analysis.multiplicity import benjamini_hochberg

ITEMS, LEVELS = ["A", "B", "C"], [1, 2, 3, 4, 5]


def record(scores):
    counts = {"5": 10, "4": 5, "3": 3, "2": 2, "1": 0, "0": 7}
    shown = {item: {"score": score, "counts": counts} for item, score in zip(ITEMS, scores, strict=True)}
    return {"items": {item: figures for item, figures in shown.items() if figures["score"] is not None}}


def table(rows=30, seed=2):
    chance = np.random.default_rng(seed)
    whole = chance.normal(80, 6, rows)[:, None]
    return whole + chance.normal([0.0, -5.0, 4.0], [2.0, 2.0, 5.0], (rows, 3))


def found(values):
    return item_scores([record([float(x) for x in row]) for row in values], ITEMS, LEVELS)


def test_score_gap_and_p_are_those_of_scipy():
    values = table()
    rows = summaries(found(values), margin=2.5)
    gaps = [values[:, k] - np.delete(values, k, axis=1).mean(axis=1) for k in range(3)]
    tests = [stats.ttest_1samp(gap, 0.0) for gap in gaps]
    adjusted = benjamini_hochberg(np.array([test.pvalue for test in tests]))
    for row, gap, test, p, column in zip(rows, gaps, tests, adjusted, values.T, strict=True):
        assert row["score"] == pytest.approx(column.mean())
        assert row["gap"] == pytest.approx(gap.mean())
        assert row["gap_ci"] == pytest.approx(list(test.confidence_interval()))
        assert row["gap_p"] == pytest.approx(p)
    assert [row["gap_flag"] for row in rows] == [False, True, True]


def test_importance_is_the_correlation_with_the_other_items():
    values = table()
    got = importance(values)
    for k in range(3):
        by_scipy = stats.pearsonr(values[:, k], np.delete(values, k, axis=1).mean(axis=1))
        assert got.r[k] == pytest.approx(by_scipy.statistic)
        assert (got.low[k], got.high[k]) == pytest.approx(tuple(by_scipy.confidence_interval()))


def test_few_targets_or_equal_ones_have_no_importance():
    assert np.isnan(importance(table(FEWEST_TARGETS - 1)).r).all()
    assert np.isfinite(importance(table(FEWEST_TARGETS)).r).all()
    assert np.isnan(importance(np.full((20, 3), 80.0)).r).all()


def test_an_item_that_nobody_shows_has_no_figure():
    rows = summaries(item_scores([record([70.0, None, 75.0])], ITEMS, LEVELS), margin=2.5)
    assert rows[1]["score"] is None
    assert rows[1]["counts"] is None
    assert rows[1]["answers"] == rows[1]["targets"] == 0
    assert rows[0]["answers"] == 20
    assert rows[0]["gap"] == pytest.approx(-5.0)
    assert rows[0]["gap_p"] is None
    assert not rows[0]["gap_flag"]


def test_nothing_at_all():
    assert summaries(item_scores([], ITEMS, LEVELS), margin=2.5)[0]["score"] is None
    assert summaries(item_scores([record([1.0, 2.0, 3.0])], [], LEVELS), margin=2.5) == []
    assert unit_items(item_scores([], ITEMS, LEVELS), np.zeros(0, dtype=np.int64), size=1)[0]["A"] == {
        "score": None,
        "targets": 0,
    }


def test_a_single_item_has_no_others_to_be_held_against():
    (row,) = summaries(item_scores([record([70.0, None, None])] * 12, ["A"], LEVELS), margin=2.5)
    assert row["score"] == 70.0
    assert row["gap"] is None
    assert row["importance"] is None


def test_a_unit_is_the_mean_of_its_own_shown_targets():
    units = unit_items(found([[70, 60, 50], [80, 70, 60], [10, 10, 10]]), np.array([1, 1, -1]), size=2)
    assert units[1]["B"] == {"score": pytest.approx(65.0), "targets": 2}
    assert units[0]["B"] == {"score": None, "targets": 0}
