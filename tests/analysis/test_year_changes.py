"""Changes since last year: Welch on standard errors, paired t inside a unit, flags only for what is large and sure."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.year_changes import paired_changes, standing, target_changes


def record(code, score, half, *, valid=40, key="score_ci"):
    ends = None if half is None else [score - half, score + half]
    return {"target": code, "score": score, "valid": valid, "score_ci": None, "score_ci_class": None, key: ends}


def by_ballots(code, mean, sd, n):
    return record(code, mean, stats.t.ppf(0.975, n - 1) * sd / n**0.5, valid=n)


def test_a_target_is_tested_as_scipy_does():
    this = standing([by_ballots("a", 80.0, 10.0, 40), by_ballots("b", 70.0, 9.0, 25)], [None, None])
    last = standing([by_ballots("b", 70.5, 12.0, 30), by_ballots("a", 72.0, 14.0, 50)], [None, None])
    got = target_changes(this, last, margin=2.5)
    expected = stats.ttest_ind_from_stats(80.0, 10.0, 40, 72.0, 14.0, 50, equal_var=False)
    assert got["a"]["p"] == pytest.approx(expected.pvalue)
    assert got["a"]["difference"] == pytest.approx(8.0)
    assert got["a"]["p_adjusted"] == pytest.approx(2 * expected.pvalue)
    assert got["a"]["flag"]
    assert not got["b"]["flag"]


def test_where_there_are_classes_the_class_is_the_unit():
    classes = record("a", 80.0, 5.0, key="score_ci_class") | {"score_ci": [79.9, 80.1]}
    found = standing([classes], [6])
    assert found.df[0] == 5
    assert found.se[0] == pytest.approx(5.0 / stats.t.ppf(0.975, 5))
    few = standing([record("a", 80.0, None)], [3])
    assert np.isnan(few.se[0])
    assert target_changes(found, few, margin=2.5)["a"]["p"] is None


def test_withheld_and_new_targets_are_not_compared():
    hidden = {"target": "h", "score": None, "valid": 3, "score_ci": None, "score_ci_class": None}
    this = standing([hidden, by_ballots("new", 80.0, 10.0, 40)], [None, None])
    assert target_changes(this, standing([by_ballots("h", 80.0, 9.0, 40)], [None]), margin=2.5) == {}
    assert target_changes(standing([], []), standing([], []), margin=2.5) == {}


def test_what_does_not_vary_is_not_tested():
    same = standing([record("a", 80.0, 0.0)], [None])
    got = target_changes(same, same, margin=2.5)["a"]
    assert (got["p"], got["ci"], got["flag"]) == (None, None, False)


def test_a_unit_is_a_paired_test_over_its_targets():
    chance = np.random.default_rng(3)
    last, place = chance.normal(75, 5, 40), np.repeat([0, 1], 20)
    this = last + np.where(place == 0, 6.0, 0.2) + chance.normal(0, 1.0, 40)
    got = paired_changes(this, last, place, size=3, margin=2.5).records()
    expected = stats.ttest_rel(this[:20], last[:20])
    assert got[0]["p"] == pytest.approx(expected.pvalue)
    assert got[0]["ci"] == pytest.approx(list(expected.confidence_interval()))
    assert [row["flag"] for row in got] == [True, False, False]
    assert got[2] == {"n": 0, "difference": None, "ci": None, "p": None, "p_adjusted": None, "flag": False}


def test_a_sure_change_within_the_margin_is_no_rise():
    last = np.linspace(60, 90, 30)
    got = paired_changes(last + 1.0 + 0.01 * np.arange(30), last, np.zeros(30, dtype=np.int64), size=1, margin=2.5)
    assert got.p_adjusted[0] < 0.001
    assert not got.flag[0]


def test_one_pair_alone_and_gaps_are_not_tested():
    got = paired_changes(np.array([80.0, np.nan]), np.array([70.0, 60.0]), np.array([0, 0]), size=1, margin=2.5)
    (row,) = got.records()
    assert (row["n"], row["difference"], row["p"]) == (1, 10.0, None)
