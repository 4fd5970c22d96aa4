"""Units that do not differ: published lecturers dealt to departments at random, so that every finding is a false one.

Rejection is per pair at an unadjusted 5 %, as STATISTICS quotes it; a family of pairs is adjusted by BH.
"""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from survey.analysis.comparison import kruskal, welch_pairs
from survey.analysis.moments import combine, moments_of
from survey.analysis.ordinal import mann_whitney
from survey.analysis.population import Population
from survey.analysis.results import evaluate
from survey.analysis.tallies import tally_ballots
from survey.analysis.two_rates import clustered_differences, clustered_rates
from tests.simulation.opinions import SCHEME

pytestmark = pytest.mark.slow

DEALS = 500
ALPHA = 0.05


class Ratings:
    """The published ratings: lecturer (n_ratings,) and level of each; department, counts, moments of lecturers."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        names, self.lecturer = np.unique([row["d"] for row in rows], return_inverse=True)
        self.level = np.array([row["y"] for row in rows], dtype=np.float64)
        self.names = tuple(names.tolist())
        first = np.unique(self.lecturer, return_index=True)[1]
        department = [rows[row]["dept"] for row in first.tolist()]
        self.codes, self.department = np.unique(department, return_inverse=True)
        self.counts = np.zeros((len(self.names), 5), dtype=np.int64)
        np.add.at(self.counts, (self.lecturer, self.level.astype(np.int64) - 1), 1)
        self.means = moments_of(self.level, self.lecturer, size=len(self.names))
        self.pairs = np.triu_indices(len(self.codes), 1)

    def deals(self, times):
        """Deal the lecturers anew: as many to each department as it has."""
        chance = np.random.default_rng(5)
        return [chance.permutation(self.department) for _ in range(times)]


@pytest.fixture(scope="module")
def ratings():
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("SURVEY_REFERENCE_DATA", default)) / "insteval_ratings.csv"
    if not path.is_file():
        pytest.skip(f"no {path.name}: set SURVEY_REFERENCE_DATA to the folder that holds it")
    return Ratings(path)


@pytest.fixture(scope="module")
def comparisons(ratings):
    """The product's whole comparison for each deal."""
    tally = tally_ballots(
        ratings.level.astype(np.uint8)[:, None],
        target=ratings.lecturer,
        group=np.zeros(len(ratings.level), dtype=np.int64),
        flagged=np.zeros(len(ratings.level), dtype=np.bool_),
        targets=ratings.names,
        groups=(),
        items=("y",),
        scheme=SCHEME,
    )
    nothing = [0] * len(ratings.names)
    population = Population(unit=[], unit_level="bureau", issued=nothing, eligible_slips=nothing, enrolled={})
    dealt = (replace(population, unit=ratings.codes[deal].tolist()) for deal in ratings.deals(DEALS))
    return [evaluate(tally, here, SCHEME).comparison for here in dealt]


def test_pairs_of_units_are_rejected_in_4_to_6_percent(comparisons):
    p = np.array([[pair["p"] for pair in found["pairs"]] for found in comparisons])
    assert p.shape == (DEALS, 91)
    assert 0.04 <= np.mean(p < ALPHA) <= 0.06


@pytest.mark.parametrize("test", ["welch_anova", "kruskal"])
def test_all_units_at_once_are_rejected_about_as_often(comparisons, test):
    """500 deals leave a standard error of one percentage point."""
    assert 0.03 <= np.mean([found[test]["p"] < ALPHA for found in comparisons]) <= 0.07


def test_hardly_a_deal_has_an_adjusted_finding_or_a_flag(comparisons):
    least = [min(pair["p_adjusted"] for pair in found["pairs"]) for found in comparisons]
    assert np.mean(np.array(least) < ALPHA) <= 0.06
    assert np.mean([any(pair["flag"] for pair in found["pairs"]) for found in comparisons]) <= 0.06


def test_rates_with_errors_clustered_by_lecturer_are_rejected_in_4_to_7_percent(ratings):
    """Pooled rates weigh lecturers by their ballots, which leaves fewer degrees of freedom than lecturers."""
    n, satisfied = ratings.counts.sum(axis=1), ratings.counts[:, 3:].sum(axis=1)
    rejected = []
    for deal in ratings.deals(DEALS):
        units = clustered_rates(satisfied, n, deal, size=len(ratings.codes))
        rejected.append(clustered_differences(units, *ratings.pairs).p < ALPHA)
    assert 0.04 <= np.mean(rejected) <= 0.07


def test_the_wrong_unit_of_analysis_rejects_two_pairs_of_three(ratings):
    """Welch's test on ballots: right formula, wrong unit."""
    rejected = []
    for deal in ratings.deals(DEALS):
        whole = combine(ratings.means, deal, size=len(ratings.codes))
        first, second = (whole.take(side) for side in ratings.pairs)
        rejected.append(welch_pairs(first, second).p < ALPHA)
    assert 0.66 <= np.mean(rejected) <= 0.76


def test_ranks_of_ballots_are_as_wrong(ratings):
    """Mann-Whitney on ballots rejects 7 pairs of 10, Kruskal-Wallis every deal."""
    rejected = []
    for deal in ratings.deals(DEALS):
        counts = np.zeros((len(ratings.codes), 5), dtype=np.int64)
        np.add.at(counts, deal, ratings.counts)
        rejected.append(mann_whitney(*(counts[side] for side in ratings.pairs)).p < ALPHA)
    assert 0.66 <= np.mean(rejected) <= 0.76
    for deal in ratings.deals(5):
        assert kruskal(ratings.level, deal[ratings.lecturer], size=len(ratings.codes)).p < ALPHA
