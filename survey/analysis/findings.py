"""Findings (检验详情): what stands beside the result schema, on released figures only.

Whatever names a target or a unit is a function of figures of targets that are shown. Where classes or grades enter,
which are never released themselves, there must be so many of them that no single one can be solved for.
"""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, plain, plain_pairs, total
from survey.analysis.benchmark import benchmark
from survey.analysis.careless import without_flagged
from survey.analysis.comparison import kruskal, plan_pairs
from survey.analysis.figures import TargetFigures
from survey.analysis.funnel import Funnel, funnel_of_means
from survey.analysis.intervals import Interval, t_quantile
from survey.analysis.midranks import ranks_of_values
from survey.analysis.moments import Moments, combine, moments_of
from survey.analysis.multiplicity import HOLM, AdjustedFamily, adjust
from survey.analysis.nonresponse import mean_bounds, r_indicator, weighting_class
from survey.analysis.ordered import jonckheere_values
from survey.analysis.population import Population
from survey.analysis.posthoc import dunn, games_howell
from survey.analysis.ranks import chance_below, expected_ranks
from survey.analysis.records import Record
from survey.analysis.reliability import fit_reliability
from survey.analysis.results import EvaluationResult
from survey.analysis.scales import agreement, null_variance
from survey.analysis.scoring import Scheme
from survey.analysis.shrinkage import Shrunken, shrink
from survey.analysis.tallies import Tally

MOST_UNITS = 60
"""All pairs of so many units are compared after the fact; of more, `comparison` holds the planned pairs only."""

FEWEST_CLASSES = 10
FEWEST_GRADES = 3
"""With two cells, a target's mean and its re-weighted mean would give both away."""

BELOW = "targets_below_threshold"
UNITS = "pairs_of_units"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Of the evaluation, and of each target in the tally's order (None where the target is not shown)."""

    evaluation: Record
    targets: list[Record | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """The evaluation cut to its shown targets: rows in the tally, their moments, ballots asked for (0 unknown)."""

    rows: Ints
    mean: Moments
    score: Moments
    slips: Ints


def find(tally: Tally, population: Population, scheme: Scheme, result: EvaluationResult) -> Findings:
    """Compute all findings of one evaluation, beside the `result` of the same tally."""
    figures, overall = result.figures, result.overall
    # A sum over all ballots would be one more equation where the summary itself must leave something out.
    whole = not overall["withheld"] and "partly_withheld" not in overall
    pairs = result.comparison["pairs"] if result.comparison else []
    named = {pair[side] for pair in pairs for side in ("a", "b")}
    compared = [unit for unit in population.units() if unit in named]
    rows = np.flatnonzero(figures.shown)
    slips = np.asarray(population.eligible_slips, dtype=np.int64)[rows]
    shown = _Shown(rows=rows, mean=figures.mean.take(rows), score=figures.score.take(rows), slips=slips)
    funnel = funnel_of_means(shown.score)
    columns = {
        **_funnel_columns(funnel),
        **_below_columns(shown, figures, population, scheme),
        "rank": _rank_column(figures, rows),
        "bounds": _bounds_column(shown, scheme),
        "weighted": _weighted_column(tally, population, scheme, figures, shown),
        "benchmark": _benchmark_column(tally, population, shown),
        "without_flagged": _unflagged_column(tally, scheme, shown),
        "agreement": _agreement_column(figures, scheme, rows),
        "classes": figures.groups[rows].tolist() if population.classes else [None] * len(rows),
    }
    targets: list[Record | None] = [None] * len(figures.valid)
    for row, values in zip(rows.tolist(), zip(*columns.values(), strict=True), strict=True):
        targets[row] = dict(zip(columns, values, strict=True))
    evaluation = {
        "units": _units(figures, population, scheme, compared=compared),
        "funnel": _funnel_summary(funnel),
        "below": _below_summary(targets, scheme),
        "flagged": _flagged_summary(tally, figures, scheme) if whole else None,
        "nonresponse": _nonresponse(tally, population) if whole else None,
        "grades": _grades(tally, population) if whole else None,
    }
    return Findings(evaluation=evaluation, targets=targets)


def _units(figures: TargetFigures, population: Population, scheme: Scheme, *, compared: list[str]) -> Record | None:
    """Compare all pairs of units after the fact: Games-Howell on target scores, Dunn (Holm) on their ranks."""
    if not 2 <= len(compared) <= MOST_UNITS:
        return None
    place = {unit: row for row, unit in enumerate(compared)}
    of_target = np.array([place.get(unit, -1) for unit in population.unit], dtype=np.int64)
    inside = figures.shown & (of_target >= 0)
    scores, unit = figures.score.mean[inside], of_target[inside]
    first, second = plan_pairs(compared, None)
    moments, ranks = moments_of(scores, unit, size=len(compared)), ranks_of_values(scores, unit, size=len(compared))
    howell = games_howell(moments.take(first), moments.take(second), units=len(compared))
    by_rank = dunn(ranks, first, second)
    holm = adjust(by_rank.p, family=UNITS, method=HOLM)
    flagged = (np.nan_to_num(howell.p, nan=1.0) < 0.05) & (np.nan_to_num(np.abs(howell.difference)) > scheme.margin)
    columns = {
        "a": [compared[row] for row in first.tolist()],
        "b": [compared[row] for row in second.tolist()],
        "difference": plain(howell.difference),
        "ci": plain_pairs(howell.interval.low, howell.interval.high),
        "p": plain(howell.p),
        "dunn_z": plain(by_rank.z),
        "dunn_p": plain(holm.p_adjusted),
        "flag": flagged.tolist(),
    }
    test = kruskal(scores, unit, size=len(compared))
    return {
        "family": _family(holm),
        "targets": int(inside.sum()),
        "epsilon_squared": None if test.h is None or len(scores) < 2 else test.h / (len(scores) - 1.0),
        "pairs": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
    }


def _family(family: AdjustedFamily) -> Record:
    return {"name": family.name, "method": family.method, "planned": family.planned, "size": family.size}


def _funnel_columns(funnel: Funnel) -> dict[str, list[float | None] | list[int]]:
    return {
        "funnel_z": plain(funnel.z),
        "funnel_z_adjusted": plain(funnel.z_adjusted),
        "funnel_chance": funnel.naive.outside.tolist(),
        "funnel": funnel.adjusted.outside.tolist(),
    }


def _funnel_summary(funnel: Funnel) -> Record | None:
    if funnel.centre is None:
        return None
    known = ~np.isnan(funnel.z)
    return {
        "centre": funnel.centre,
        "phi": funnel.overdispersion.phi,
        "tau2": funnel.overdispersion.tau2,
        "sigma2": funnel.sigma2,
        "targets": int(known.sum()),
        "outside_chance": int((funnel.naive.outside[known] != 0).sum()),
        "outside": int((funnel.adjusted.outside[known] != 0).sum()),
    }


def _below_columns(
    shown: _Shown, figures: TargetFigures, population: Population, scheme: Scheme
) -> dict[str, list[float | None]]:
    """Give each target's chance to lie below the threshold, and the p value of the statement that it does (Holm)."""
    own = shrink(shown.score, fit_reliability(shown.score))
    p = _p_below(shown, figures, population, scheme)
    return {
        "below_chance": plain(chance_below(own, scheme.threshold)),
        "below_p": plain(p),
        "below_p_adjusted": plain(adjust(p, family=BELOW, method=HOLM).p_adjusted),
    }


def _p_below(shown: _Shown, figures: TargetFigures, population: Population, scheme: Scheme) -> Floats:
    """Return the one-sided p of a score at or above the threshold; classes are drawn at random where there are any."""
    from scipy.special import stdtr

    if population.classes:
        ends, df = _rows(figures.class_ci, shown.rows), figures.groups[shown.rows] - 1
        se = np.asarray((ends.high - ends.low) / 2.0 / t_quantile(df), dtype=np.float64)
    else:
        se, df = shown.score.se(), shown.score.n - 1
    gap = shown.score.known_mean() - scheme.threshold
    usable = np.nan_to_num(se) > 0.0
    t = np.where(usable, gap / np.where(usable, se, 1.0), np.nan)
    return np.asarray(stdtr(np.maximum(df, 1).astype(np.float64), t), dtype=np.float64)


def _rows(interval: Interval, rows: Ints) -> Interval:
    return Interval(low=interval.low[rows], high=interval.high[rows])


def _below_summary(targets: list[Record | None], scheme: Scheme) -> Record:
    shown = [row["below_p_adjusted"] for row in targets if row is not None]
    known = [p for p in shown if p is not None]
    return {
        "threshold": scheme.threshold,
        "method": HOLM,
        "family": BELOW,
        "size": len(known),
        "untested": len(shown) - len(known),
        "stated": sum(p < 0.05 for p in known),
    }


def _rank_column(figures: TargetFigures, rows: Ints) -> list[Record | None]:
    """Give the expected rank among the shown targets, where the reliability suffices."""
    own = figures.shrunken
    found = expected_ranks(Shrunken(reliability=own.reliability[rows], mean=own.mean[rows], sd=own.sd[rows]))
    columns = zip(plain(found.expected), plain(found.low), plain(found.high), strict=True)
    return [
        None if rank is None else {"expected": rank, "ci": [low, high], "of": found.of} for rank, low, high in columns
    ]


def _bounds_column(shown: _Shown, scheme: Scheme) -> list[list[float] | None]:
    heads = np.where(shown.slips > 0, shown.slips, np.nan)
    low, high = min(scheme.points.values()), max(scheme.points.values())
    found = mean_bounds(shown.score.known_mean(), shown.score.n, heads, lowest=low, highest=high)
    return plain_pairs(found.low, found.high)


def _weighted_column(
    tally: Tally, population: Population, scheme: Scheme, figures: TargetFigures, shown: _Shown
) -> list[Record | None]:
    """Weight each class of a target to its size, where there are classes enough and each has answered."""
    nothing: list[Record | None] = [None] * len(shown.rows)
    if not population.classes:
        return nothing
    heads = population.head_counts(tally.cell_group)
    usable = (tally.valid > 0) & (heads >= tally.valid)
    covered = total(np.where(usable, heads, 0.0), tally.cell_target, size=len(tally.targets))[shown.rows]
    enough = figures.groups[shown.rows] >= max(scheme.floors.classes, FEWEST_GRADES)
    complete = enough & (shown.slips > 0) & (covered >= shown.slips)
    place = _places(shown.rows[complete], size=len(tally.targets))[tally.cell_target]
    chosen = usable & (place >= 0)
    size = int(complete.sum())
    cells = tally.score_moments().take(np.flatnonzero(chosen))
    found = weighting_class(cells, heads[chosen], target=place[chosen], size=size)
    columns = zip(plain(found.mean), plain(found.deff), strict=True)
    values = iter([{"score": mean, "deff": deff} for mean, deff in columns])
    return [next(values) if is_complete else None for is_complete in complete.tolist()]


def _benchmark_column(tally: Tally, population: Population, shown: _Shown) -> list[Record | None]:
    """Hold each shown target against the other shown ones, re-weighted to the grades of its own raters."""
    grades = np.asarray(population.grades, dtype=np.int64)
    known = np.unique(grades[grades >= 0]) if len(grades) else grades
    if len(known) < FEWEST_GRADES or len(shown.rows) < 2:
        return [None] * len(shown.rows)
    place = _places(shown.rows, size=len(tally.targets))[tally.cell_target]
    grade = grades[tally.cell_group]
    inside = (place >= 0) & (grade >= 0) & (tally.valid > 0)
    cell = place[inside] * len(known) + np.searchsorted(known, grade[inside])
    cells = combine(tally.score_moments().take(np.flatnonzero(inside)), cell, size=len(shown.rows) * len(known))
    shape = (len(shown.rows), len(known))
    found = benchmark(Moments(n=cells.n.reshape(shape), mean=cells.mean.reshape(shape), ss=cells.ss.reshape(shape)))
    # A target with a grade of its own would tell that grade's mean by what the comparison leaves out.
    usable = (found.covered == 1.0) & ((cells.n.reshape(shape) > 0).sum(axis=1) >= FEWEST_GRADES)
    columns = {
        "expected": plain(found.expected),
        "difference": plain(found.difference),
        "ci": plain_pairs(found.interval.low, found.interval.high),
    }
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [record if use else None for record, use in zip(records, usable.tolist(), strict=True)]


def _unflagged_column(tally: Tally, scheme: Scheme, shown: _Shown) -> list[Record | None]:
    found = without_flagged(tally, scheme)
    rows = shown.rows
    scores, flagged, open_ = plain(found.score.known_mean()[rows]), found.flagged[rows].tolist(), found.shown[rows]
    columns = zip(scores, flagged, open_.tolist(), strict=True)
    return [{"score": score, "flagged": n} if is_open and n else None for score, n, is_open in columns]


def _agreement_column(figures: TargetFigures, scheme: Scheme, rows: Ints) -> list[float | None]:
    """Give r_wg: the mean over items of how much less the answers spread than even guessing would."""
    counts = figures.counts[rows]
    found = agreement(counts[..., 1:], scheme.levels, null=null_variance(scheme.levels))
    known = ~np.isnan(found) & (counts.sum(axis=-1) >= scheme.floors.item)
    sums = np.where(known, found, 0.0).sum(axis=1)
    return plain(np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan))


def _flagged_summary(tally: Tally, figures: TargetFigures, scheme: Scheme) -> Record:
    """Say the summary with and without flagged ballots; they are never dropped from the main figure."""
    found = without_flagged(tally, scheme)
    valid, flagged = int(figures.valid.sum()), int(figures.flagged.sum())
    rated = figures.score.take(figures.valid > 0)
    score = float(rated.mean.mean()) if len(rated.n) else None
    without = plain(found.overall.known_mean())[0] if found.overall_shown else None
    return {"ballots": flagged, "share": flagged / valid if valid else None, "score": score, "score_without": without}


def _nonresponse(tally: Tally, population: Population) -> Record | None:
    """Say how evenly the groups of the roster answered; one page of one slip is one answer."""
    asked = np.asarray(population.pages, dtype=np.int64)
    if not len(asked) or not asked.any():
        return None
    cast = np.bincount(tally.cell_group, weights=tally.ballots, minlength=len(asked)).astype(np.int64)
    found = r_indicator(np.minimum(cast, asked), asked)
    return {
        "groups": int((asked > 0).sum()),
        "response_rate": found.response_rate,
        "r": found.r,
        "r_adjusted": found.r_adjusted,
        "max_bias": found.max_bias,
    }


def _grades(tally: Tally, population: Population) -> Record | None:
    """Test whether scores rise or fall from grade to grade: Jonckheere on one mean score per class."""
    grades = np.asarray(population.grades, dtype=np.int64)
    if not len(grades):
        return None
    classes = combine(tally.score_moments(), tally.cell_group, size=len(grades))
    usable: Bools = (classes.n > 0) & (grades >= 0)
    known, grade = np.unique(grades[usable], return_inverse=True)
    if len(known) < 3 or int(usable.sum()) < FEWEST_CLASSES:
        return None
    found = jonckheere_values(classes.mean[usable], grade, size=len(known))
    z, p = plain(np.array([found.z, found.p], dtype=np.float64))
    return {"classes": int(usable.sum()), "grades": len(known), "z": z, "p": p}


def _places(rows: Ints, *, size: int) -> Ints:
    """Return the position of each target in `rows` (size,), -1 for the others."""
    place = np.full(size, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return place
