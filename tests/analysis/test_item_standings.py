"""Which items stand out: sure only where chance does not explain it."""

import numpy as np
import pytest

from survey.analysis.item_standings import standings


def record(score: float | None, se: float | None = 1.0) -> dict[str, object]:
    ends = None if score is None else [score - 2.0, score + 2.0]
    return {"score": score, "score_se": se, "score_ci": ends}


def test_best_first_and_only_far_items_are_sure() -> None:
    found = standings({"A": record(70.0), "B": record(90.0), "C": record(80.0), "D": record(None)}, margin=2.5)
    assert [(one.item, one.side) for one in found] == [("B", 1), ("C", 0), ("A", -1)]


@pytest.mark.parametrize("items", [{}, {"A": record(70.0)}, {"A": record(70.0, None), "B": record(90.0)}])
def test_nothing_is_sure_without_others_or_errors(items: dict[str, dict[str, object]]) -> None:
    assert all(one.side == 0 for one in standings(items, margin=2.5))


def test_a_sure_but_small_difference_stays_within_the_margin() -> None:
    items = {"A": record(80.0, 0.1), "B": record(81.0, 0.1)}
    assert [one.side for one in standings(items, margin=2.5)] == [0, 0]


def test_without_variation_nothing_is_sure() -> None:
    items = {"A": record(100.0, 0.0), "B": record(60.0, 0.0)}
    assert [one.side for one in standings(items, margin=2.5)] == [0, 0]


@pytest.mark.parametrize("together", [0.0, 0.6])
def test_equal_items_are_hardly_ever_called_different(together: float) -> None:
    """8 items alike, 40 ballots, items on a ballot correlated or not: false claims in less than 5 % of targets."""
    chance = np.random.default_rng(5)
    wrong = 0
    for _target in range(600):
        person = chance.normal(0.0, 20.0, (40, 1))
        answers = 75.0 + together * person + (1.0 - together) * chance.normal(0.0, 20.0, (40, 8))
        errors = answers.std(axis=0, ddof=1) / np.sqrt(40)
        items = {
            str(n): record(float(m), float(e))
            for n, (m, e) in enumerate(zip(answers.mean(axis=0), errors, strict=True))
        }
        wrong += any(one.side for one in standings(items, margin=2.5))
    assert wrong / 600 < 0.05
