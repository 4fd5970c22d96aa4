"""Question B by simulation: how often `score_ci_class` holds the score of all classes that the school could have.

Claimed, 94-96 %: ballots as mixed as the published ratings, ICC 0.05-0.15, and 5, 6, 10 or 20 classes of one size or
10 or 20 whose sizes have a coefficient of variation (CV) up to 0.25.
Only measured, below the claim: 5 and 6 classes with a CV of 0.23, a CV of 0.5, one class over half of the school, and
few classes of people nearly all satisfied, whose classes are skewed too. C/(C-1) and C-1 degrees of freedom are right
for classes of one size; unequal ones leave fewer.
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
"""Sizes of classes with a CV of 0.20 to 0.24."""

WIDELY = {
    5: (12, 20, 30, 40, 60),
    6: (10, 20, 30, 40, 50, 60),
    10: (10, 12, 15, 20, 25, 30, 35, 40, 50, 60),
    20: tuple(range(10, 70, 3)),
}
"""The same, 0.45 to 0.53."""

OVER_HALF = (8, 10, 12, 14, 60)

MEASURED = {
    (SLIGHTLY[5], 0.05): 0.944,
    (SLIGHTLY[5], 0.15): 0.941,
    (SLIGHTLY[6], 0.05): 0.944,
    (SLIGHTLY[6], 0.15): 0.941,
    (WIDELY[5], 0.05): 0.926,
    (WIDELY[5], 0.15): 0.919,
    (WIDELY[6], 0.05): 0.929,
    (WIDELY[6], 0.15): 0.925,
    (WIDELY[10], 0.05): 0.932,
    (WIDELY[10], 0.15): 0.926,
    (WIDELY[20], 0.15): 0.941,
    (OVER_HALF, 0.10): 0.871,
}
"""Coverage by sizes and ICC in 60,000 schools: what a reader of the interval must be told, not what it should be."""


def covered(sizes, *, icc, shares=MIXED, figure="class_ci"):
    chance, classes, truth = np.random.default_rng(2), class_of(sizes), expected_score(shares)
    found = []
    for _ in range(TIMES // BLOCK):
        opinions = draw_opinions(chance, rosters=BLOCK, classes=classes, icc=icc, shares=shares)
        answered = everyone_by_chance(chance, rosters=BLOCK, classes=classes, rate=0.7)
        found.append(coverage(getattr(figures_of(opinions, answered, classes)[1], figure), truth))
    return float(np.mean(found))


def coefficient_of_variation(sizes):
    return float(np.std(sizes) / np.mean(sizes))


@pytest.mark.parametrize("icc", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("classes", [5, 6, 10, 20])
def test_classes_of_one_size_are_covered(classes, icc):
    assert 0.94 <= covered((30,) * classes, icc=icc) <= 0.96


@pytest.mark.parametrize("icc", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("classes", [10, 20])
def test_ten_or_more_classes_with_a_cv_up_to_a_quarter_are_covered(classes, icc):
    assert 0.94 <= covered(SLIGHTLY[classes], icc=icc) <= 0.96


@pytest.mark.parametrize(("sizes", "icc"), MEASURED, ids=str)
def test_classes_of_unequal_sizes_are_covered_as_often_as_measured_no_claim(sizes, icc):
    """Better or worse is a failure: either way the claims above, and what readers are told, have to be rewritten.

    The band follows from TIMES, three standard errors either way: there is nothing to widen but the table.
    """
    measured = MEASURED[sizes, icc]
    assert covered(sizes, icc=icc) == pytest.approx(measured, abs=3.0 * (measured * (1.0 - measured) / TIMES) ** 0.5)


def test_what_was_measured_is_no_better_than_the_claims():
    """Sizes whose coverage holds belong to the claims, and only sizes that differ widely may fall far short."""
    assert max(MEASURED.values()) < 0.945
    assert all(coefficient_of_variation(sizes) > 0.4 for (sizes, _), share in MEASURED.items() if share < 0.935)
    claimed = [SLIGHTLY[classes] for classes in (10, 20)]
    assert all(coefficient_of_variation(sizes) <= 0.25 for sizes in claimed)


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
