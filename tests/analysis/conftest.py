"""Ballots, tallies and expected figures for the tests of the statistics."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from survey.analysis.moments import combine
from survey.analysis.results import Population
from survey.analysis.scoring import Scheme, load_scheme
from survey.analysis.tallies import PairedTally, Tally, tally_ballots, tally_pages

REFERENCE = Path(__file__).parents[1] / "reference"
ITEMS = ("q0", "q1", "q2", "q3")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures_of(name: str) -> dict[tuple[str, str], float]:
    return {(row["figure"], row["key"]): float(row["value"]) for row in rows_of(REFERENCE / name)}


@pytest.fixture
def scheme() -> Scheme:
    return load_scheme("five_step")


@pytest.fixture
def tally(scheme: Scheme) -> Callable[..., Tally]:
    """Tally rows of (target, group, answers); a flag may follow."""

    def build(*rows: tuple[Any, ...], targets: tuple[str, ...] = (), scheme: Scheme = scheme) -> Tally:
        targets = targets or tuple(dict.fromkeys(row[0] for row in rows))
        groups = tuple(dict.fromkeys(row[1] for row in rows))
        items = tuple(f"q{place}" for place in range(len(rows[0][2]))) if rows else ("q0",)
        return tally_ballots(
            np.array([row[2] for row in rows], dtype=np.uint8).reshape(-1, len(items)),
            target=np.array([targets.index(row[0]) for row in rows], dtype=np.int64),
            group=np.array([groups.index(row[1]) for row in rows], dtype=np.int64),
            flagged=np.array([len(row) > 3 and row[3] for row in rows], dtype=np.bool_),
            targets=targets,
            groups=groups,
            items=items,
            scheme=scheme,
        )

    return build


@pytest.fixture
def population() -> Callable[..., Population]:
    """A population whose targets all belong to unit u, without a roster; keywords change that."""

    def build(tally: Tally, **changes: Any) -> Population:
        size = len(tally.targets)
        plain: dict[str, Any] = {
            "unit": ["u"] * size,
            "unit_level": "school",
            "issued": [0] * size,
            "eligible_slips": [0] * size,
            "enrolled": {},
        }
        return Population(**{**plain, **changes})

    return build


@pytest.fixture(scope="session")
def expected() -> dict[tuple[str, str], float]:
    """Figures by R, keyed by (figure, key)."""
    return figures_of("expected.csv")


@pytest.fixture(scope="session")
def insteval_expected() -> dict[tuple[str, str], float]:
    """Figures of the published ratings by R, keyed by (figure, key)."""
    return figures_of("insteval.csv")


@pytest.fixture(scope="session")
def rates_expected() -> dict[str, dict[tuple[float, ...] | str, float]]:
    """Figures of rates.R by figure; a key of numbers, which holds the input, becomes a tuple."""
    found: dict[str, dict[tuple[float, ...] | str, float]] = {}
    for (figure, key), value in figures_of("rates.csv").items():
        words = key.split()
        numbers = tuple(map(float, words)) if words and words[0][0].isdigit() else key
        found.setdefault(figure, {})[numbers] = value
    return found


@pytest.fixture(scope="session")
def reference_ballots() -> tuple[Tally, Population]:
    """tests/reference/ballots.csv with its roster."""
    rows = rows_of(REFERENCE / "ballots.csv")
    unit = {row["target"]: row["unit"] for row in rows}
    heads = {row["class"]: int(row["heads"]) for row in rows}
    targets, groups = sorted(unit), sorted(heads)
    tally = tally_ballots(
        np.array([[row[item] for item in ITEMS] for row in rows], dtype=np.uint8),
        target=np.array([targets.index(row["target"]) for row in rows]),
        group=np.array([groups.index(row["class"]) for row in rows]),
        flagged=np.zeros(len(rows), dtype=np.bool_),
        targets=targets,
        groups=groups,
        items=ITEMS,
        scheme=load_scheme("five_step"),
    )
    population = Population(
        unit=[unit[target] for target in targets],
        unit_level="school",
        issued=[0] * len(targets),
        eligible_slips=[0] * len(targets),
        enrolled={row: heads[group] for row, group in enumerate(groups)},
        classes=True,
    )
    return tally, population


@pytest.fixture(scope="session")
def reference_pages() -> tuple[Tally, PairedTally]:
    """tests/reference/pages.csv: 24 pages, 6 departments."""
    rows = rows_of(REFERENCE / "pages.csv")
    answers = np.array([[row[item] for item in ITEMS] for row in rows], dtype=np.uint8).reshape(24, 6, 4)
    return tally_pages(
        answers,
        group=np.zeros(24, dtype=np.int64),
        flagged=np.zeros(24, dtype=np.bool_),
        targets=[f"d{place}" for place in range(6)],
        groups=["principals"],
        items=ITEMS,
        scheme=load_scheme("five_step"),
    )


@pytest.fixture(scope="session")
def insteval() -> tuple[Tally, Population]:
    """The published ratings of 1,128 lecturers; never copied into the repository."""
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("SURVEY_REFERENCE_DATA", default)) / "insteval_ratings.csv"
    if not path.is_file():
        pytest.skip(f"no {path.name}: set SURVEY_REFERENCE_DATA to the folder that holds it")
    rows = rows_of(path)
    unit = {row["d"]: row["dept"] for row in rows}
    targets = sorted(unit, key=int)
    place = {target: row for row, target in enumerate(targets)}
    tally = tally_ballots(
        np.array([[row["y"]] for row in rows], dtype=np.uint8),
        target=np.array([place[row["d"]] for row in rows]),
        group=np.zeros(len(rows), dtype=np.int64),
        flagged=np.zeros(len(rows), dtype=np.bool_),
        targets=targets,
        groups=(),
        items=("y",),
        scheme=load_scheme("five_step"),
    )
    nothing = [0] * len(targets)
    population = Population(
        unit=[unit[target] for target in targets],
        unit_level="bureau",
        issued=nothing,
        eligible_slips=nothing,
        enrolled={},
    )
    return tally, population


@pytest.fixture(scope="session")
def comparisons() -> dict[tuple[str, str], float]:
    """Figures of comparisons.R, keyed by (figure, key)."""
    return figures_of("comparisons.csv")


@pytest.fixture(scope="session")
def unit_means(reference_ballots: tuple[Tally, Population]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The mean of every target of ballots.csv with the position of its unit, and the units' codes in order."""
    tally, population = reference_ballots
    codes = tuple(sorted(set(population.unit)))
    targets = combine(tally.mean_moments(), tally.cell_target, size=len(tally.targets))
    return targets.mean, np.array([codes.index(unit) for unit in population.unit]), codes
