"""Invented opinions of whole rosters, who of them answers, and the product's figures of those who did.

Every row of a simulation is one target of one tally: ten thousand schools cost one call of the product.
"""

from statistics import NormalDist

import numpy as np

from survey.analysis.figures import TargetFigures, target_figures
from survey.analysis.intervals import Interval
from survey.analysis.population import Population
from survey.analysis.scoring import load_scheme
from survey.analysis.tallies import Tally, tally_ballots

SCHEME = load_scheme("five_step").without_floors()
ITEMS = 3
PUPIL = 0.5

MIXED = (0.139, 0.176, 0.240, 0.230, 0.215)
"""Shares of levels 1 to 5 in the published InstEval ratings; ballot scores have a skewness of -0.5."""

CONTENT = (0.007, 0.015, 0.077, 0.324, 0.577)
"""A county's own table: 57.7 % at the top level, 90.1 % in the top two; ballot scores have a skewness of -1.7."""


def class_of(sizes: tuple[int, ...]) -> np.ndarray:
    """Return the class (n_pupils,) of each pupil of a roster with classes of these sizes."""
    return np.repeat(np.arange(len(sizes)), sizes)


def draw_opinions(chance, *, rosters: int, classes, icc: float, shares) -> np.ndarray:
    """Draw the answers (rosters, n_pupils, ITEMS) that every pupil would give.

    Levels cut a normal opinion to which class, pupil and item add; icc: share of the variance of a ballot's mean
    opinion that lies between classes (a little more than that of its score, which is coarser).
    """
    between = icc * PUPIL * (1 + 1 / ITEMS) / (1 - icc * (1 - 1 / ITEMS))

    def normal(variance, *shape):
        return np.float32(variance**0.5) * chance.standard_normal((rosters, *shape), dtype=np.float32)

    opinion = normal(between, classes.max() + 1)[:, classes] + normal(PUPIL, len(classes))
    cuts = np.array([NormalDist().inv_cdf(float(cut)) for cut in np.cumsum(shares)[:-1]], dtype=np.float32)
    answers = np.ones((*opinion.shape, ITEMS), dtype=np.uint8)
    for item in range(ITEMS):
        said = opinion + normal(1 - between - PUPIL, len(classes))
        for cut in cuts:
            answers[..., item] += said > cut
    return answers


def expected_score(shares) -> float:
    """Return the mean score of all pupils of all schools."""
    return float(np.dot(shares, [SCHEME.points[level] for level in SCHEME.levels]))


def same_number_of_each(chance, *, rosters: int, classes, rate: float) -> np.ndarray:
    """Let the same share of each class answer: (rosters, n_pupils), a simple random sample within each class."""
    answered = np.zeros((rosters, len(classes)), dtype=np.bool_)
    for group in range(classes.max() + 1):
        pupils = np.flatnonzero(classes == group)
        order = chance.random((rosters, len(pupils))).argsort(axis=1).argsort(axis=1)
        answered[:, pupils] = order < max(1, round(rate * len(pupils)))
    return answered


def everyone_by_chance(chance, *, rosters: int, classes, rate: float) -> np.ndarray:
    """Let every pupil answer with the same chance: classes differ in their response by luck."""
    return chance.random((rosters, len(classes))) < rate


def classes_by_their_own_rate(chance, *, rosters: int, classes, low: float = 0.5, high: float = 0.9) -> np.ndarray:
    """Let classes differ in their response rate, whatever they think."""
    rate = chance.uniform(low, high, (rosters, classes.max() + 1))
    return chance.random((rosters, len(classes))) < rate[:, classes]


def figures_of(answers, answered, classes) -> tuple[Tally, TargetFigures]:
    """Return the tally and the product's figures of those who answered, one target for each roster."""
    roster, pupil = np.nonzero(answered)
    tally = tally_ballots(
        answers[answered],
        target=roster,
        group=classes[pupil],
        flagged=np.zeros(len(roster), dtype=np.bool_),
        targets=[str(row) for row in range(len(answers))],
        groups=[str(row) for row in range(classes.max() + 1)],
        items=[f"q{item}" for item in range(ITEMS)],
        scheme=SCHEME,
    )
    size = len(answers)
    population = Population(
        unit=[""] * size,
        unit_level="school",
        issued=[len(classes)] * size,
        eligible_slips=[len(classes)] * size,
        enrolled=dict(enumerate(np.bincount(classes).tolist())),
        classes=True,
    )
    return tally, target_figures(tally, population, SCHEME)


def coverage(interval: Interval, truth) -> float:
    """Return the share of intervals that hold the truth; raises AssertionError if any interval is missing."""
    assert not np.isnan(interval.low).any()
    return float(((interval.low <= truth) & (truth <= interval.high)).mean())
