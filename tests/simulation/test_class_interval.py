"""Question B by simulation: how often `score_ci_class` holds the score of all classes that the school could have.

Held to 94-96 %: 5, 6, 10 and 20 classes with an ICC of 0.05-0.15, ballots as mixed as the published ratings.
Measured, not held: few classes of people nearly all satisfied, whose classes are skewed too.
"""

import numpy as np
import pytest

from survey.analysis.reliability import fit_reliability
from tests.simulation.opinions import (
    CONTENT,
    MIXED,
    class_of,
    coverage,
    draw_opinions,
    everyone_by_chance,
    expected_score,
    figures_of,
)

pytestmark = pytest.mark.slow

TIMES, BLOCK = 20_000, 5_000
SLIGHTLY = {
    5: (20, 25, 30, 35, 40),
    6: (20, 24, 28, 32, 36, 40),
    10: (20, 22, 24, 26, 28, 32, 34, 36, 38, 40),
    20: tuple(range(20, 40)),
}
"""Sizes of classes with a coefficient of variation of 0.20 to 0.24."""

WIDELY = {
    5: (12, 20, 30, 40, 60),
    6: (10, 20, 30, 40, 50, 60),
    10: (10, 12, 15, 20, 25, 30, 35, 40, 50, 60),
    20: tuple(range(10, 70, 3)),
}
"""The same, 0.45 to 0.53."""


def covered(sizes, *, icc, shares=MIXED, figure="class_ci"):
    chance, classes, truth = np.random.default_rng(2), class_of(sizes), expected_score(shares)
    found = []
    for _ in range(TIMES // BLOCK):
        opinions = draw_opinions(chance, rosters=BLOCK, classes=classes, icc=icc, shares=shares)
        answered = everyone_by_chance(chance, rosters=BLOCK, classes=classes, rate=0.7)
        found.append(coverage(getattr(figures_of(opinions, answered, classes)[1], figure), truth))
    return float(np.mean(found))


@pytest.mark.parametrize("icc", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("classes", [5, 6, 10, 20])
def test_classes_of_one_size_are_covered(classes, icc):
    assert 0.94 <= covered((30,) * classes, icc=icc) <= 0.96


@pytest.mark.parametrize("icc", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("classes", [10, 20])
def test_ten_classes_of_slightly_different_sizes_are_covered(classes, icc):
    assert 0.94 <= covered(SLIGHTLY[classes], icc=icc) <= 0.96


@pytest.mark.parametrize("classes", [5, 6])
def test_five_classes_of_slightly_different_sizes_are_covered_in_93_to_96_percent(classes):
    """On the edge of 94 %, on which side chance decides: not held."""
    assert 0.93 <= covered(SLIGHTLY[classes], icc=0.15) <= 0.96


UNEQUAL = "C/(C-1) and C-1 df are right for classes of one size; unequal ones leave fewer degrees of freedom"


@pytest.mark.xfail(strict=True, reason=UNEQUAL)
@pytest.mark.parametrize("icc", [0.05, 0.15])
@pytest.mark.parametrize("classes", [5, 6, 10])
def test_classes_of_very_different_sizes_are_covered(classes, icc):
    """92-93.5 % now."""
    assert 0.94 <= covered(WIDELY[classes], icc=icc) <= 0.96


@pytest.mark.xfail(strict=True, reason=UNEQUAL)
def test_one_class_of_half_the_school_is_covered_at_least():
    """87 % now."""
    assert covered((8, 10, 12, 14, 60), icc=0.1) >= 0.94


@pytest.mark.parametrize("classes", [5, 6, 10, 20])
def test_people_nearly_all_satisfied_are_covered_in_93_to_95_percent(classes):
    """Not held to 94-96 %: the means of classes are as skewed as the ballots, and no t interval follows that."""
    assert 0.93 <= covered((30,) * classes, icc=0.15, shares=CONTENT) <= 0.95


@pytest.mark.parametrize(("icc", "most"), [(0.05, 0.87), (0.1, 0.78), (0.15, 0.71)])
def test_the_wrong_interval_that_forgets_the_classes_is_far_too_narrow(icc, most):
    assert covered((30,) * 10, icc=icc, figure="score_ci") < most


@pytest.mark.parametrize("shares", [MIXED, CONTENT])
@pytest.mark.parametrize("icc", [0.05, 0.15])
def test_simulated_classes_differ_as_intended(icc, shares):
    chance, classes = np.random.default_rng(3), class_of((30,) * 20)
    opinions = draw_opinions(chance, rosters=200, classes=classes, icc=icc, shares=shares)
    tally, _ = figures_of(opinions, np.ones(opinions.shape[:2], dtype=np.bool_), classes)
    assert 0.7 * icc <= fit_reliability(tally.score_moments()).icc <= 1.05 * icc
