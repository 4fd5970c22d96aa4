"""The figures of all targets and items of one evaluation as arrays."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, total
from survey.analysis.intervals import Interval, class_interval, independent_interval, roster_interval
from survey.analysis.moments import Moments, combine, moments_of_counts
from survey.analysis.population import Population
from survey.analysis.proportions import wilson
from survey.analysis.reliability import Reliability, fit_reliability
from survey.analysis.scoring import Scheme
from survey.analysis.shrinkage import Shrunken, shrink
from survey.analysis.suppression import withheld_targets
from survey.analysis.tallies import Tally


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetFigures:
    """Per target (n_targets,); counts (n_targets, n_items, 1 + n_levels); groups: rater groups with valid ballots.

    mean: moments of ballot means (level units); score: of ballot scores (points); verdict_ci: question B also where
    there are too few classes for `class_ci` to be shown; rate: response rate, NaN without a
    roster; withheld: reason or None. The figures themselves are complete: whoever prints them applies `withheld`.
    """

    ballots: Ints
    flagged: Ints
    counts: Ints
    groups: Ints
    rate: Floats
    mean: Moments
    score: Moments
    score_ci: Interval
    roster_ci: Interval
    class_ci: Interval
    verdict_ci: Interval
    fit: Reliability
    shrunken: Shrunken
    withheld: tuple[str | None, ...]

    @property
    def valid(self) -> Ints:
        """Ballots with at least one answer on a level."""
        return self.mean.n

    @property
    def shown(self) -> Bools:
        """Targets whose figures are published: not withheld, and there is something to show."""
        return (self.valid > 0) & np.array([reason is None for reason in self.withheld], dtype=np.bool_)


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemFigures:
    """Per target and item (n_targets, n_items): all answers n (不了解 included) and figures of those on a level."""

    n: Ints
    mean: Moments
    score: Moments
    score_ci: Interval
    satisfied_rate: Floats
    satisfied_ci: Interval


def target_figures(tally: Tally, population: Population, scheme: Scheme) -> TargetFigures:
    """Compute everything that is said about whole targets; the reliability is fitted on all of them, shown or not."""
    size, cells = len(tally.targets), tally.cell_target
    mean = combine(tally.mean_moments(), cells, size=size)
    score = combine(tally.score_moments(), cells, size=size)
    ballots = _sum_by(cells, tally.ballots, size=size)
    rate = population.response_rate(ballots)
    fit = fit_reliability(mean)
    class_ci = _class_ci(tally, score, population, least=scheme.floors.classes)
    return TargetFigures(
        ballots=ballots,
        flagged=_sum_by(cells, tally.flagged, size=size),
        counts=_sum_by(cells, tally.counts, size=size),
        groups=np.bincount(cells[tally.valid > 0], minlength=size).astype(np.int64),
        rate=rate,
        mean=mean,
        score=score,
        score_ci=independent_interval(score),
        roster_ci=_roster_ci(tally, score, population),
        class_ci=class_ci,
        verdict_ci=_verdict_ci(tally, score, population, shown=class_ci),
        fit=fit,
        shrunken=shrink(mean, fit),
        withheld=withheld_targets(valid=mean.n, rate=rate, floors=scheme.floors, population=population),
    )


def item_figures(counts: Ints, scheme: Scheme) -> ItemFigures:
    """Compute the figures of items from counts (n_targets, n_items, 1 + n_levels); blanks and 不了解 do not count."""
    answered = counts[..., 1:]
    levels = np.array(scheme.levels, dtype=np.float64)
    points = np.array([scheme.points[level] for level in scheme.levels], dtype=np.float64)
    satisfied = answered[..., [scheme.levels.index(level) for level in scheme.satisfied]].sum(axis=-1)
    mean, score = moments_of_counts(answered, levels), moments_of_counts(answered, points)
    return ItemFigures(
        n=counts.sum(axis=-1),
        mean=mean,
        score=score,
        score_ci=independent_interval(score),
        satisfied_rate=divide(satisfied, mean.n),
        satisfied_ci=wilson(satisfied, mean.n),
    )


def _sum_by(index: Ints, values: Ints, *, size: int) -> Ints:
    sums = np.zeros((size, *values.shape[1:]), dtype=np.int64)
    np.add.at(sums, index, values)
    return sums


def _roster_ci(tally: Tally, score: Moments, population: Population) -> Interval:
    enrolled = population.head_counts(tally.cell_group)
    if population.classes:
        return roster_interval(score, tally.score_moments(), cell_target=tally.cell_target, enrolled=enrolled)
    # Groups that are no classes are no strata: the target has one roster, that of all its groups.
    rows = np.arange(len(score.n))
    used = tally.valid > 0
    heads = total(enrolled[used], tally.cell_target[used], size=len(rows))
    return roster_interval(score, score, cell_target=rows, enrolled=heads)


def _class_ci(tally: Tally, score: Moments, population: Population, *, least: int) -> Interval:
    if not population.classes:
        nothing = np.full(len(score.n), np.nan)
        return Interval(low=nothing, high=nothing)
    return class_interval(score, tally.score_moments(), cell_target=tally.cell_target, least=least)


def _verdict_ci(tally: Tally, score: Moments, population: Population, *, shown: Interval) -> Interval:
    """Return the interval that a verdict rests on, always of question B.

    Raters in classes: by class from two classes on, where few happen to agree not narrower than independent ballots;
    NaN with one class, which says nothing of others. Without classes the ballots are the random units.
    """
    alone = independent_interval(score)
    if not population.classes:
        return alone
    few = _class_ci(tally, score, population, least=2)
    known = ~np.isnan(shown.low)
    low, high = np.minimum(few.low, alone.low), np.maximum(few.high, alone.high)
    return Interval(low=np.where(known, shown.low, low), high=np.where(known, shown.high, high))
