"""Chosen pairs against R (`tests/reference/chosen.R`) and SciPy, and what choosing after looking costs."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from survey.analysis.chosen import (
    Subject,
    adjust_chosen,
    compare_items,
    compare_scores,
    finding,
    paired_effect,
    subject_of,
)

R = Path(__file__).parents[1] / "reference" / "chosen.csv"
COUNTS = {
    "plain": ([2, 5, 9, 20, 14], [6, 9, 14, 12, 5]),
    "apart": ([0, 1, 3, 30, 41], [12, 20, 17, 6, 1]),
    "small": ([0, 1, 2, 6, 5], [2, 6, 8, 9, 4]),
    "close": ([3, 4, 10, 25, 22], [2, 6, 9, 27, 20]),
}


def reference() -> dict[str, dict[str, float]]:
    with R.open() as file:
        return {row.pop("name"): {key: float(text) for key, text in row.items()} for row in csv.DictReader(file)}


def record(code: str, counts: dict[str, list[int] | None], **more: Any) -> dict[str, Any]:
    """A target record of the schema with these level counts, lowest level first, and five answers of no opinion."""
    items = {
        item: {"counts": None if n is None else {"0": 5, **{str(level): k for level, k in enumerate(n, start=1)}}}
        for item, n in counts.items()
    }
    return {"target": code, "items": items, **more}


def answers(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(1.0, 6.0), counts)


def subject(code: str, counts: list[int]) -> Subject:
    """A target whose ballots have one item, in levels in place of points."""
    x = answers(counts)
    figures = {"score": x.mean(), "score_se": x.std(ddof=1) / np.sqrt(len(x)), "score_ci_class": None}
    return subject_of({"target": code, "valid": len(x), "verdict": "met", **figures}, classes=None)


def test_items_agree_with_r() -> None:
    one = record("A", {name: pair[0] for name, pair in COUNTS.items()})
    two = record("B", {name: pair[1] for name, pair in COUNTS.items()})
    found = {row["item"]: row for row in compare_items([one, two], list(COUNTS), satisfied=[4, 5])}
    for name, wanted in reference().items():
        assert found[name]["p"] == pytest.approx(wanted["p"], rel=1e-9)
        assert found[name]["probability"] == pytest.approx(wanted["above"], rel=1e-12)
        assert found[name]["delta"] == pytest.approx(2 * wanted["above"] - 1, abs=1e-12)
        assert found[name]["rate"] == pytest.approx(wanted["rate"], abs=1e-12)
        assert found[name]["p_adjusted"] == pytest.approx(wanted["p_bh"], rel=1e-9)
    assert found["small"]["test"] == "exact"
    assert found["plain"]["test"] == "mann_whitney"


def test_rates_agree_with_r_before_adjustment() -> None:
    for name, (a, b) in COUNTS.items():
        (row,) = compare_items([record("A", {"i": a}), record("B", {"i": b})], ["i"], satisfied=[4, 5])
        assert row["rate_p"] == pytest.approx(reference()[name]["rate_p"], rel=1e-7), name


def test_scores_agree_with_r_and_scipy() -> None:
    for name, (a, b) in COUNTS.items():
        (pair,) = compare_scores([subject("A", a), subject("B", b)])
        wanted, scipy = reference()[name], stats.ttest_ind(answers(a), answers(b), equal_var=False)
        assert pair["t"] == pytest.approx(wanted["t"], rel=1e-9)
        assert pair["df"] == pytest.approx(wanted["df"], rel=1e-9)
        assert pair["p"] == pytest.approx(wanted["t_p"], rel=1e-8)
        assert pair["p"] == pytest.approx(scipy.pvalue, rel=1e-8)
        assert pair["ci"] == pytest.approx([wanted["low"], wanted["high"]], rel=1e-9)


def test_errors_by_class_take_the_place_of_those_by_ballot() -> None:
    shown = {"target": "A", "valid": 90, "score": 80.0, "score_se": 1.0, "verdict": "met"}
    reach = stats.t.ppf(0.975, 5) * 2.0
    found = subject_of({**shown, "score_ci_class": [80.0 - reach, 80.0 + reach]}, classes=6)
    assert (found.spread, found.df) == ("class", 5.0)
    assert found.se == pytest.approx(2.0)
    assert found.sd == pytest.approx(np.sqrt(90.0))


def test_all_chosen_are_compared_with_each_other_once() -> None:
    pairs = compare_scores([subject(name, counts[0]) for name, counts in COUNTS.items()])
    assert len(pairs) == 6
    assert len({frozenset((pair["a"], pair["b"])) for pair in pairs}) == 6


@pytest.mark.parametrize("counts", [[0, 0, 0, 0, 30], [0, 0, 0, 0, 1]])
def test_nothing_varies_gives_no_p(counts: list[int]) -> None:
    n = sum(counts)
    one = Subject(code="A", n=n, score=5.0, se=0.0, df=n - 1.0, sd=0.0, spread="ballot", improvement_only=False)
    (pair,) = compare_scores([one, one])
    assert pair["p"] is None
    assert pair["ci"] is None
    assert pair["difference"] == 0.0
    (row,) = compare_items([record("A", {"i": counts}), record("B", {"i": counts})], ["i"], satisfied=[4, 5])
    assert row["p"] is None
    assert row["p_adjusted"] is None


def test_items_without_counts_take_no_part() -> None:
    hidden = record("A", {"i": None})
    assert compare_items([hidden, record("B", {"i": [1, 2, 3, 4, 5]})], ["i", "gone"], satisfied=[4, 5]) == []


def test_holm_over_the_chosen_agrees_with_r() -> None:
    rows = reference().values()
    found = adjust_chosen([row["t_p"] for row in rows], possible=4)
    assert found.chosen == pytest.approx([row["t_holm"] for row in rows], rel=1e-12)


def test_choosing_after_looking_costs_all_possible_pairs() -> None:
    p = [0.001, 0.02, None]
    alone = adjust_chosen(p, possible=780)
    assert alone.possible[:2] == pytest.approx([0.78, 1.0])
    assert np.isnan(alone.possible[2])
    known = adjust_chosen([0.001, 0.02], possible=4, family=[0.02, 0.001, 0.9, None])
    assert known.possible == pytest.approx([0.003, 0.04])
    assert (known.possible >= known.chosen).all()


def test_picking_the_largest_difference_is_false_in_five_percent_only_over_all_possible_pairs() -> None:
    chance = np.random.default_rng(4)
    wrong = np.zeros(2)
    for _run in range(400):
        scores = chance.normal(size=12)
        first, second = int(scores.argmax()), int(scores.argmin())
        p = 2 * stats.norm.sf((scores[first] - scores[second]) / np.sqrt(2))
        found = adjust_chosen([p], possible=66)
        wrong += [found.chosen[0] < 0.05, found.possible[0] < 0.05]
    assert wrong[0] / 400 > 0.3
    assert wrong[1] / 400 < 0.07


@pytest.mark.parametrize(
    ("p", "in_points", "few", "wanted"),
    [
        (0.01, 9.0, False, "higher"),
        (0.01, 2.0, False, "small"),
        (0.2, 9.0, False, "unclear"),
        (None, 9.0, False, "untested"),
        (0.01, 9.0, True, "improvement_only"),
    ],
)
def test_a_finding_needs_p_and_the_margin(p: float | None, in_points: float, few: bool, wanted: str) -> None:
    pair = {"difference": in_points}
    assert finding(pair, p=p, in_points=in_points, margin=2.5, improvement_only=few) == wanted
    turned = finding({"difference": -1.0}, p=p, in_points=-in_points, margin=2.5, improvement_only=few)
    assert turned == ("lower" if wanted == "higher" else wanted)


def test_where_points_turn_a_difference_of_levels_round_neither_is_higher() -> None:
    pair = {"difference": -0.12}
    assert finding(pair, p=0.001, in_points=8.0, margin=2.5, improvement_only=False) == "turned"
    assert finding(pair, p=0.001, in_points=1.0, margin=2.5, improvement_only=False) == "turned"
    assert finding(pair, p=0.001, in_points=0.02, margin=2.5, improvement_only=False) == "small"
    assert finding(pair, p=0.001, in_points=-1.0, margin=2.5, improvement_only=False) == "small"


def test_the_effect_of_matched_targets_is_their_mean_change_in_its_own_spread() -> None:
    x = np.array([1.0, 4.0, 2.0, 5.0])
    ends = stats.t.interval(0.95, 3, loc=x.mean(), scale=stats.sem(x))
    assert paired_effect(x.mean(), ends, n=4) == pytest.approx(x.mean() / x.std(ddof=1))
    assert paired_effect(1.0, None, n=4) is None
