"""One evaluation as the records of the result schema `wuping.results/1`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, plain, plain_pairs
from survey.analysis.bounds import Scale
from survey.analysis.comparison import (
    REST,
    Differences,
    kruskal,
    plan_pairs,
    rest_of,
    welch_anova,
    welch_pairs,
)
from survey.analysis.disclosure import Extent, Published
from survey.analysis.figures import TargetFigures, target_figures
from survey.analysis.intervals import Interval, cluster_variance, independent_interval
from survey.analysis.moments import Moments, combine, moments_of, pooled
from survey.analysis.multiplicity import benjamini_hochberg
from survey.analysis.paired import friedman, paired_differences
from survey.analysis.population import Population
from survey.analysis.publication import pooled_design, presentation
from survey.analysis.records import Record, level_counts, target_records
from survey.analysis.reliability import fit_reliability
from survey.analysis.scales import scale_record
from survey.analysis.scoring import Scheme
from survey.analysis.shrinkage import shrink
from survey.analysis.suppression import BALLOTS, DERIVABLE, Protection, Tree, protect
from survey.analysis.tallies import PairedTally, Tally
from survey.analysis.versions import Earlier, Present, earlier_versions

__all__ = ["ALL_OTHERS", "EvaluationResult", "Population", "evaluate"]

ALL_OTHERS = "*"
"""Side b of a pair that holds a unit against all the others."""

ALPHA = 0.05
"""A flag needs an adjusted p below it and a difference above the scheme's margin."""

UNIT_FIGURES = ("mean", "mean_se", "score", "score_se", "score_ci", "pooled_mean", "pooled_mean_se_cluster")
OVERALL_FIGURES = (
    "score",
    "score_se",
    "score_ci",
    "mean",
    "mean_se",
    "satisfied_rate",
    "satisfied_ci",
    "pooled_mean",
    "counts",
)
# How much of a sum must be open for a figure of it to be published.
_EXTENT = {
    **dict.fromkeys(("mean", "score", "satisfied_rate", "satisfied_ci"), Extent.MEANS),
    **dict.fromkeys(("mean_se", "score_se", "score_ci"), Extent.SPREADS),
    **dict.fromkeys(("pooled_mean", "counts"), Extent.POOLED),
    "pooled_mean_se_cluster": Extent.ALL,
}


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """Records with the keys of the result schema: plain Python values, None for what is withheld or undefined.

    `overall` is the summary over all targets; it stands in no schema and serves the bureau's overview. `figures` are
    the same figures as complete arrays, for further computing only.
    """

    targets: list[Record]
    units: list[Record]
    comparison: Record | None
    paired: Record | None
    reliability: Record
    scale_quality: Record | None
    overall: Record
    figures: TargetFigures


@dataclass(frozen=True, kw_only=True, eq=False)
class _Units:
    """Units, the unit of each target (n_targets,), -1 for none, and what is withheld above targets."""

    codes: tuple[str, ...]
    of_target: Ints
    protection: Protection

    @property
    def withheld(self) -> Bools:
        """Units (n_units,) of which no figure is published."""
        return np.asarray(self.protection.units == Extent.NONE)


def evaluate(
    tally: Tally,
    population: Population,
    scheme: Scheme,
    paired: PairedTally | None = None,
    *,
    earlier: Sequence[Published] = (),
) -> EvaluationResult:
    """Compute all records of one evaluation from its tally.

    population: sequences in the order of the tally's targets, `enrolled` by the position of its groups. paired: for
    a ballot that holds all targets. earlier: records of the versions that this one corrects.
    Raises ValueError if the lengths differ.
    """
    if not len(tally.targets) == len(population.unit) == len(population.issued) == len(population.eligible_slips):
        raise ValueError("population and tally must have the same targets")
    figures = target_figures(tally, population, scheme)
    before = earlier_versions(earlier, _present(figures, tally, population), scheme.floors)
    units = _units(figures, population, scheme, one_page=paired is not None, earlier=before)
    figures = _protected(figures, units.protection)
    overall = _overall(figures, units, population=population, scheme=scheme, one_page=paired is not None)
    return EvaluationResult(
        targets=target_records(figures, targets=tally.targets, items=tally.items, population=population, scheme=scheme),
        units=_unit_records(figures, units, level=population.unit_level),
        comparison=_comparison(figures, units, population=population, scheme=scheme),
        paired=None if paired is None else _paired_record(paired, figures.shown, scheme=scheme),
        reliability=figures.fit.record(),
        scale_quality=None if overall["withheld"] else _scale_quality(tally, scheme),
        overall=overall,
        figures=figures,
    )


def _scale_quality(tally: Tally, scheme: Scheme) -> Record | None:
    return scale_record(tally.together, tally.clean_together, tally.items, least=scheme.floors.item)


def _present(figures: TargetFigures, tally: Tally, population: Population) -> Present:
    return Present(
        targets=tally.targets,
        units=population.units(),
        items=tally.items,
        ballots=figures.ballots,
        valid=figures.valid,
        flagged=figures.flagged,
        counts=figures.counts,
    )


def _units(
    figures: TargetFigures, population: Population, scheme: Scheme, *, one_page: bool, earlier: Earlier | None = None
) -> _Units:
    """one_page: the same raters rate all targets, so that a sum over targets holds no more people than one target."""
    codes, of_target = population.units(), population.unit_positions()
    tree = Tree(
        mean=figures.mean,
        score=figures.score,
        withheld=figures.withheld if earlier is None else earlier.withhold(figures.withheld),
        part_of=of_target,
        size=len(codes),
        few_raters=one_page and not figures.shown.any(),
    )
    closed = None if earlier is None else earlier.closed(tree)
    counts, scale = figures.counts, scale_of(scheme)
    protection = protect(tree, counts=counts, floors=scheme.floors, scale=scale, fit=figures.fit, closed=closed)
    if earlier is not None:
        protection = earlier.narrow(
            protection, part_of=of_target, valid=figures.valid, counts=counts, floors=scheme.floors
        )
    return _Units(codes=codes, of_target=of_target, protection=protection)


def scale_of(scheme: Scheme) -> Scale:
    """Return the levels and points of a scheme, which bound what a reader can work out."""
    return Scale(
        levels=np.array(scheme.levels, dtype=np.float64),
        points=np.array([scheme.points[level] for level in scheme.levels], dtype=np.float64),
        coupled=not scheme.item_weights,
    )


def _protected(figures: TargetFigures, protection: Protection) -> TargetFigures:
    """Return the figures with the complementary reasons, and fitted to shown targets where the fit could tell."""
    figures = replace(figures, withheld=protection.withheld)
    if not protection.fit_shown:
        return figures
    fit = fit_reliability(figures.mean.take(figures.shown))
    return replace(figures, fit=fit, shrunken=shrink(figures.mean, fit))


def _unit_records(figures: TargetFigures, units: _Units, *, level: str) -> list[Record]:
    """Return the records of units: means over all their targets with a valid ballot, withheld ones too."""
    size, inside = len(units.codes), units.of_target >= 0
    rated = inside & (figures.valid > 0)
    place = units.of_target[rated]
    mean = moments_of(figures.mean.mean[rated], place, size=size)
    score = moments_of(figures.score.mean[rated], place, size=size)
    ballots = np.bincount(units.of_target[inside], weights=figures.ballots[inside], minlength=size)
    columns = (
        plain(mean.known_mean()),
        plain(mean.se()),
        plain(score.known_mean()),
        plain(score.se()),
        _pairs(independent_interval(score)),
        *_pooled_columns(figures, rated, place, size=size),
    )
    heads = zip(units.codes, mean.n.tolist(), ballots.astype(np.int64).tolist(), units.withheld.tolist(), strict=True)
    return [
        {
            "unit": code,
            "level": level,
            "targets": targets,
            "ballots": cast,
            "withheld": BALLOTS if targets == 0 else DERIVABLE if hidden else None,
            **_within(dict(zip(UNIT_FIGURES, row, strict=True)), extent if targets else Extent.NONE),
        }
        for (code, targets, cast, hidden), extent, row in zip(
            heads, units.protection.units.tolist(), zip(*columns, strict=True), strict=True
        )
    ]


def _within(figures: Record, extent: int, **hidden: bool) -> Record:
    """Blank the figures of a sum beyond its extent, and those named `hidden`.

    Where only some are blank the record says so by one key more, `partly_withheld`.
    """
    blank = {name for name in figures if _EXTENT[name] > extent or hidden.get(name, False)}
    partly = {"partly_withheld": DERIVABLE} if blank and extent > Extent.NONE else {}
    return {**{name: None if name in blank else figure for name, figure in figures.items()}, **partly}


def _pooled_columns(
    figures: TargetFigures, rated: Bools, place: Ints, *, size: int
) -> tuple[list[float | None], list[float | None]]:
    """Return the mean of a unit's ballots and its standard error, clustered by target over the whole evaluation."""
    targets = figures.mean.take(rated)
    whole = combine(targets, place, size=size)
    clusters = np.full(size, (figures.valid > 0).sum(), dtype=np.int64)
    variance = cluster_variance(whole, targets, cell_target=place, clusters=clusters)
    return plain(whole.known_mean()), plain(np.sqrt(variance))


def _comparison(figures: TargetFigures, units: _Units, *, population: Population, scheme: Scheme) -> Record | None:
    """Compare the units that are shown and have two shown targets at least, on one mean per shown target."""
    shown = figures.shown & (units.of_target >= 0)
    seen = np.bincount(units.of_target[shown], minlength=len(units.codes))
    chosen = np.flatnonzero((seen >= 2) & ~units.withheld)
    if len(chosen) < 2:
        return None
    shown &= np.isin(units.of_target, chosen)
    place = np.searchsorted(chosen, units.of_target[shown])
    codes = [units.codes[row] for row in chosen.tolist()]
    means = figures.mean.mean[shown]
    levels = moments_of(means, place, size=len(codes))
    points = moments_of(figures.score.mean[shown], place, size=len(codes))
    return {
        "unit_of_analysis": "target",
        "margin": scheme.margin,
        "welch_anova": dict(vars(welch_anova(levels))),
        "kruskal": dict(vars(kruskal(means, place, size=len(codes)))),
        "pairs": _unit_pairs(codes, levels, points, population=population, scheme=scheme),
    }


def _unit_pairs(
    codes: list[str], levels: Moments, points: Moments, *, population: Population, scheme: Scheme
) -> list[Record]:
    first, second = plan_pairs(codes, population.district)
    other_levels, other_points = levels.take(second), points.take(second)
    against_rest = second == REST
    if against_rest.any():
        other_levels = _with_rest(other_levels, levels, against_rest)
        other_points = _with_rest(other_points, points, against_rest)
    tests = welch_pairs(levels.take(first), other_levels)
    in_points = points.mean[first] - other_points.mean
    return _pair_records(codes, first, second, tests=tests, in_points=in_points, scheme=scheme)


def _with_rest(chosen: Moments, units: Moments, rows: Bools) -> Moments:
    """Replace the last rows, which stand for all other units, by the moments of these."""
    rest = rest_of(units)
    n, mean, ss = chosen.n.copy(), chosen.mean.copy(), chosen.ss.copy()
    n[rows], mean[rows], ss[rows] = rest.n, rest.mean, rest.ss
    return Moments(n=n, mean=mean, ss=ss)


def _flags(p: Floats, difference: Floats, in_points: Floats, scheme: Scheme) -> tuple[Floats, list[bool]]:
    """Return adjusted p values and flags: significant in levels, and in points the same way and beyond the margin.

    Points that do not rise evenly can turn a difference of levels round: then nothing is established.
    """
    adjusted = benjamini_hochberg(p)
    toward = np.nan_to_num(in_points * np.sign(difference))
    return adjusted, ((np.nan_to_num(adjusted, nan=1.0) < ALPHA) & (toward > scheme.margin)).tolist()


def _pair_records(
    codes: list[str], first: Ints, second: Ints, *, tests: Differences, in_points: Floats, scheme: Scheme
) -> list[Record]:
    names = [*codes, ALL_OTHERS]
    adjusted, flags = _flags(tests.p, tests.difference, in_points, scheme)
    columns = {
        "a": [names[row] for row in first.tolist()],
        "b": [names[row] for row in second.tolist()],
        "difference": plain(tests.difference),
        "difference_points": plain(in_points),
        "ci": _pairs(tests.interval),
        "t": plain(tests.t),
        "df": plain(tests.df),
        "p": plain(tests.p),
        "p_adjusted": plain(adjusted),
        "hedges_g": plain(tests.hedges_g),
        "flag": flags,
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _paired_record(pages: PairedTally, shown: Bools, *, scheme: Scheme) -> Record | None:
    """Compare the shown targets within ballots; pairs that too few ballots share keep their n only."""
    chosen = np.flatnonzero(shown)
    if len(chosen) < 2:
        return None
    tests = paired_differences(pages, chosen)
    few = tests.n < scheme.floors.ballots
    p = np.where(few, np.nan, tests.p)
    adjusted, flags = _flags(p, tests.difference, tests.in_points, scheme)
    interval = replace(tests.interval, low=np.where(few, np.nan, tests.interval.low))
    columns = {
        "a": [pages.targets[row] for row in tests.first.tolist()],
        "b": [pages.targets[row] for row in tests.second.tolist()],
        "n": tests.n.tolist(),
        "difference": plain(np.where(few, np.nan, tests.difference)),
        "difference_points": plain(np.where(few, np.nan, tests.in_points)),
        "ci": _pairs(interval),
        "p": plain(p),
        "p_adjusted": plain(adjusted),
        "flag": flags,
    }
    whole = friedman(pages if pages.complete >= scheme.floors.ballots else replace(pages, complete=0))
    pairs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {"friedman": dict(vars(whole)), "pairs": pairs}


def _overall(
    figures: TargetFigures, units: _Units, *, population: Population, scheme: Scheme, one_page: bool
) -> Record:
    """Summarise all targets. issued and ballots count pages: a slip that rates ten teachers counts ten times."""
    issued = sum(int(slips) for slips in population.issued)
    eligible = sum(int(slips) for slips in population.eligible_slips)
    reason = _overall_reason(figures, units, scheme)
    # Targets without a roster would distort a rate over all of them.
    complete = all(slips > 0 for slips in population.eligible_slips)
    return {
        "targets": len(figures.valid),
        "rated": int((figures.valid > 0).sum()),
        "ballots": int(figures.ballots.sum()),
        "valid": int(figures.valid.sum()),
        "flagged": int(figures.flagged.sum()),
        "issued": issued,
        "response_rate": int(figures.ballots.sum()) / eligible if complete and eligible else None,
        "withheld": reason,
        **(dict.fromkeys(OVERALL_FIGURES) if reason else _overall_shown(figures, units, scheme, one_page=one_page)),
    }


def _overall_shown(figures: TargetFigures, units: _Units, scheme: Scheme, *, one_page: bool) -> Record:
    whole, extent = _overall_figures(figures, scheme, one_page=one_page), units.protection.overall
    tell = not units.protection.rates
    return _within(whole, extent, counts=tell, satisfied_rate=tell, satisfied_ci=tell)


def _overall_reason(figures: TargetFigures, units: _Units, scheme: Scheme) -> str | None:
    """Withhold the summary where too few people rated, or where it would give a withheld target away."""
    if units.protection.few_raters or int(figures.valid.sum()) < scheme.floors.ballots:
        return BALLOTS
    return DERIVABLE if units.protection.overall == Extent.NONE else None


def _overall_figures(figures: TargetFigures, scheme: Scheme, *, one_page: bool) -> Record:
    """Summarise all rated targets. The rate pools the answers to all items: those of one ballot count as one."""
    rated = figures.valid > 0
    one = np.zeros(int(rated.sum()), dtype=np.int64)
    score = moments_of(figures.score.mean[rated], one, size=1)
    mean = moments_of(figures.mean.mean[rated], one, size=1)
    counts = figures.counts.sum(axis=(0, 1))[None, :]
    answered = counts[:, 1:].sum(axis=1)
    satisfied = counts[:, [1 + scheme.levels.index(level) for level in scheme.satisfied]].sum(axis=1)
    ballots = int(figures.valid.sum()) / (max(len(one), 1) if one_page else 1)
    deff, df = (np.array([value]) for value in pooled_design(int(answered[0]), ballots, targets=len(one)))
    return {
        "score": plain(score.known_mean())[0],
        "score_se": plain(score.se())[0],
        "score_ci": _pairs(independent_interval(score))[0],
        "mean": plain(mean.known_mean())[0],
        "mean_se": plain(mean.se())[0],
        "satisfied_rate": plain(divide(satisfied, answered))[0],
        "satisfied_ci": _pairs(presentation(satisfied, answered, deff=deff, df=df).interval)[0],
        "pooled_mean": plain(pooled(figures.mean).known_mean())[0],
        "counts": level_counts(counts, scheme.levels)[0],
    }


def _pairs(interval: Interval) -> list[list[float] | None]:
    return plain_pairs(interval.low, interval.high)
