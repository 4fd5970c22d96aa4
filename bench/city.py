"""A city's statistics (goal 5): the tally of 14 M ballots through the product's `evaluate`, and all other tests on it.

Runs in a process of its own (`python -m bench.city TEACHERS`), so that its peak of memory is nobody else's.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from survey.analysis.comparison import REST, plan_pairs
from survey.analysis.figures import TargetFigures, target_figures
from survey.analysis.funnel import funnel_of_means, funnel_of_rates
from survey.analysis.midranks import ranks_of_values
from survey.analysis.moments import CrossProducts, moments_of
from survey.analysis.multiplicity import benjamini_hochberg
from survey.analysis.ordinal import mann_whitney, superiority
from survey.analysis.population import Population
from survey.analysis.posthoc import dunn, games_howell
from survey.analysis.proportions import rates
from survey.analysis.ranks import chance_below, expected_ranks
from survey.analysis.results import EvaluationResult, evaluate
from survey.analysis.scoring import Scheme, load_scheme
from survey.analysis.tallies import Tally, tally_ballots
from survey.analysis.two_rates import clustered_differences, clustered_rates

TEACHERS = 108_000
SCHOOLS = 1_600
CLASSES_A_TEACHER = 3
TEACHERS_A_CLASS = 3
HEADS = (40, 66)
RESPONSE = 0.83
SCHOOLS_A_DISTRICT = 40
ITEMS = 10
SHARES = (0.007, 0.015, 0.077, 0.324, 0.577)
"""Of levels 1 to 5, as in a county's own table: 57.7 % at the top, 90.1 % in the top two."""
VARIANCES = {"teacher": 0.1, "class": 0.05, "pupil": 0.45, "item": 0.4}
COPIES = 10

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class CityAnalysis:
    """What was analysed; seconds (wall, CPU) of `evaluate`; peak bytes of the process before it and at the end.

    others: seconds (wall) of the tests that are in no result yet, all of them for all targets or pairs.
    """

    targets: int
    units: int
    ballots: int
    pairs: int
    seconds: float
    cpu: float
    others: float
    held: int
    peak: int


def analyse_city(teachers: int = TEACHERS) -> CityAnalysis:
    """Make the tally of so many teachers and evaluate it in a fresh process; raises if that one fails."""
    command = [sys.executable, "-m", "bench.city", str(teachers)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, timeout=1800, check=True)
    return CityAnalysis(**json.loads(done.stdout))


def main() -> None:
    """Analyse in this process and print what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.city")
    parser.add_argument("teachers", type=int)
    scheme = load_scheme("five_step")
    tally, population = draw_city(parser.parse_args().teachers, scheme)
    held, start, cpu = _peak(), time.perf_counter(), time.process_time()
    result = evaluate(tally, population, scheme)
    seconds, cpu, start = time.perf_counter() - start, time.process_time() - cpu, time.perf_counter()
    _run_other_tests(tally, population, scheme)
    others = time.perf_counter() - start
    measured = CityAnalysis(
        targets=len(result.targets),
        units=len(result.units),
        ballots=int(tally.ballots.sum()),
        pairs=_pairs(result),
        seconds=seconds,
        cpu=cpu,
        others=others,
        held=held,
        peak=_peak(),
    )
    print(json.dumps(asdict(measured)))


def _run_other_tests(tally: Tally, population: Population, scheme: Scheme) -> None:
    """Run what `evaluate` does not: every item of every target against all others, ranks, funnels, pairs of units."""
    figures = target_figures(tally, population, scheme)
    expected_ranks(figures.shrunken, least=0.0)
    chance_below(figures.shrunken, float(figures.fit.mu or 0.0))
    funnel_of_means(figures.mean)
    answers = figures.counts[..., 1:]
    rest = answers.sum(axis=0) - answers
    benjamini_hochberg(mann_whitney(answers, rest).p.ravel())
    superiority(answers, rest)
    satisfied, n = answers[..., -2:].sum(axis=-1), answers.sum(axis=-1)
    rates(satisfied, n, np.broadcast_to(np.array(population.eligible_slips, dtype=np.float64)[:, None], n.shape))
    funnel_of_rates(satisfied.sum(axis=1), n.sum(axis=1))
    _compare_units(figures, satisfied.sum(axis=1), n.sum(axis=1), population)


def _compare_units(figures: TargetFigures, satisfied: Array, n: Array, population: Population) -> None:
    codes, unit = population.units(), population.unit_positions()
    first, second = plan_pairs(codes, population.district)
    # More units than are tested pair by pair are also held against the rest, which `evaluate` does.
    first, second = first[second != REST], second[second != REST]
    units = moments_of(figures.mean.mean, unit, size=len(codes))
    games_howell(units.take(first), units.take(second), units=len(codes))
    dunn(ranks_of_values(figures.mean.mean, unit, size=len(codes)), first, second)
    clustered_differences(clustered_rates(satisfied, n, unit, size=len(codes)), first, second)


def draw_city(teachers: int, scheme: Scheme) -> tuple[Tally, Population]:
    """Return a city's tally, about 130 ballots from three classes for each teacher, and its population.

    A tenth is drawn ballot by ballot and stands for all ten: no analysis is faster for it, the drawing is.
    """
    chance = np.random.default_rng(1)
    teachers -= teachers % (COPIES * TEACHERS_A_CLASS)
    heads = chance.integers(*HEADS, size=teachers // TEACHERS_A_CLASS // COPIES)
    tally = _copied(_tenth(chance, teachers // COPIES, heads, scheme))
    return tally, _population(tally, np.tile(heads, COPIES))


def _tenth(chance: np.random.Generator, teachers: int, heads: Array, scheme: Scheme) -> Tally:
    cell_target = np.repeat(np.arange(teachers), CLASSES_A_TEACHER)
    # A teacher's classes follow one another, so that no class meets a teacher twice.
    cell_group = (cell_target + np.tile(np.arange(CLASSES_A_TEACHER), teachers)) % len(heads)
    cell = np.repeat(np.arange(len(cell_target)), chance.binomial(heads[cell_group], RESPONSE))
    return tally_ballots(
        _answers(chance, cell_target, cell),
        target=cell_target[cell],
        group=cell_group[cell],
        flagged=chance.random(len(cell)) < 0.1,
        targets=[""] * teachers,
        groups=[str(group) for group in range(len(heads))],
        items=[f"q{item}" for item in range(ITEMS)],
        scheme=scheme,
    )


def _answers(chance: np.random.Generator, cell_target: Array, cell: Array) -> Array:
    """Draw levels (n_ballots, ITEMS) by cutting normal opinions that teachers, classes and pupils share."""

    def share(kind: str, shape: Any) -> Array:
        return np.float32(VARIANCES[kind] ** 0.5) * chance.standard_normal(shape, dtype=np.float32)

    teacher = share("teacher", int(cell_target[-1]) + 1)[cell_target]
    ballot = (teacher + share("class", len(cell_target)))[cell] + share("pupil", len(cell))
    cuts = [NormalDist().inv_cdf(float(cut)) for cut in np.cumsum(SHARES)[:-1]]
    answers = np.empty((len(cell), ITEMS), dtype=np.uint8)
    for item in range(ITEMS):
        answers[:, item] = 1 + np.digitize(ballot + share("item", len(cell)), cuts)
    answers[chance.random(answers.shape, dtype=np.float32) < 0.02] = 0
    return answers


def _copied(tenth: Tally) -> Tally:
    """Return ten of them side by side: other teachers, other classes, the same ballots."""
    targets, groups = len(tenth.targets), len(tenth.groups)
    copy = np.repeat(np.arange(COPIES), len(tenth.cell_target))
    changed: dict[str, Any] = {}
    for name in (field.name for field in fields(tenth)):
        value = getattr(tenth, name)
        if isinstance(value, np.ndarray):
            changed[name] = np.tile(value, (COPIES,) + (1,) * (value.ndim - 1))
        elif isinstance(value, CrossProducts):
            changed[name] = sum([value] * (COPIES - 1), value)
    changed["cell_target"] += copy * targets
    changed["cell_group"] += copy * groups
    names = tuple(f"T{row:06}" for row in range(COPIES * targets))
    return replace(tenth, targets=names, groups=tuple(f"C{row:05}" for row in range(COPIES * groups)), **changed)


def _population(tally: Tally, heads: Array) -> Population:
    targets = len(tally.targets)
    schools = max(2, round(SCHOOLS * targets / TEACHERS))
    unit = [f"S{row * schools // targets:04}" for row in range(targets)]
    slips = np.bincount(tally.cell_target, weights=heads[tally.cell_group]).astype(np.int64).tolist()
    return Population(
        unit=unit,
        unit_level="school",
        issued=slips,
        eligible_slips=slips,
        district={f"S{school:04}": f"D{school // SCHOOLS_A_DISTRICT}" for school in range(schools)},
        enrolled=dict(enumerate(heads.tolist())),
        classes=True,
    )


def _pairs(result: EvaluationResult) -> int:
    """Return how many pairs were tested; raises AssertionError if next to nothing was analysed."""
    shown = sum(record["withheld"] is None for record in result.targets)
    if result.comparison is None or shown < 0.9 * len(result.targets):
        raise AssertionError(f"only {shown} of {len(result.targets)} targets were analysed")
    return len(result.comparison["pairs"])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
