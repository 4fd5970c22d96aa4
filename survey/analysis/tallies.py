"""Tallies (计票): level counts and moments per target and rater group, the only thing the statistics read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.analysis.arrays import Bools, Bytes, Floats, Ints, divide
from survey.analysis.moments import CrossProducts, Moments, combine, cross_products, moments_of
from survey.analysis.scoring import BLANK, NO_OPINION, Scheme

_BLOCK = 16_384


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """Counts of one evaluation in coordinate form: one cell per (target, group) that has ballots.

    cell_target, cell_group (n_cells,): positions in `targets`, `groups`. counts (n_cells, n_items, 1 + n_levels):
    column 0 is 不了解, then the levels ascending. ballots, valid, flagged (n_cells,): ballots cast, with at least
    one answer on a level, flagged as careless. mean, mean_ss (level units) and score, score_ss (points): mean and
    centred sum of squares of the valid ballots' own means and scores; 0 where valid is 0. clean_*: the same over the
    ballots that are not flagged, so that results can be shown without them.

    together, clean_together: cross-products of the items over complete ballots, those with a level for every item
    (listwise, as lavaan and factanal do), of all cells; one sum serves the quality of the scale. A page of several
    targets adds one row for each.
    """

    targets: tuple[str, ...]
    groups: tuple[str, ...]
    items: tuple[str, ...]
    levels: tuple[int, ...]
    cell_target: Ints
    cell_group: Ints
    counts: Ints
    ballots: Ints
    valid: Ints
    flagged: Ints
    mean: Floats
    mean_ss: Floats
    score: Floats
    score_ss: Floats
    clean_valid: Ints
    clean_mean: Floats
    clean_mean_ss: Floats
    clean_score: Floats
    clean_score_ss: Floats
    together: CrossProducts
    clean_together: CrossProducts

    def mean_moments(self) -> Moments:
        """Return the cells' moments of ballot means, level units."""
        return Moments(n=self.valid, mean=self.mean, ss=self.mean_ss)

    def score_moments(self) -> Moments:
        """Return the cells' moments of ballot scores, points."""
        return Moments(n=self.valid, mean=self.score, ss=self.score_ss)

    def clean_mean_moments(self) -> Moments:
        """Return the cells' moments of the means of unflagged ballots, level units."""
        return Moments(n=self.clean_valid, mean=self.clean_mean, ss=self.clean_mean_ss)

    def clean_score_moments(self) -> Moments:
        """Return the cells' moments of the scores of unflagged ballots, points."""
        return Moments(n=self.clean_valid, mean=self.clean_score, ss=self.clean_score_ss)

    def merge(self, other: "Tally") -> "Tally":
        """Return the tally of both sets of ballots; cells are matched by target and by group name.

        Raises ValueError unless targets, items and levels are the same.
        """
        if (self.targets, self.items, self.levels) != (other.targets, other.items, other.levels):
            raise ValueError("only tallies of the same targets, items and levels can be merged")
        groups = tuple(dict.fromkeys(self.groups + other.groups))
        place = {group: row for row, group in enumerate(groups)}
        moved = np.array([place[group] for group in other.groups], dtype=np.int64)
        target = np.concatenate([self.cell_target, other.cell_target])
        group = np.concatenate([self.cell_group, moved[other.cell_group]])
        keys, cell = np.unique(target * len(groups) + group, return_inverse=True)
        size = len(keys)
        mine, theirs = cell[: len(self.cell_target)], cell[len(self.cell_target) :]
        return Tally(
            targets=self.targets,
            groups=groups,
            items=self.items,
            levels=self.levels,
            cell_target=keys // len(groups),
            cell_group=keys % len(groups),
            counts=_added(self.counts, other.counts, mine, theirs, size=size),
            ballots=_added(self.ballots, other.ballots, mine, theirs, size=size),
            flagged=_added(self.flagged, other.flagged, mine, theirs, size=size),
            together=self.together + other.together,
            clean_together=self.clean_together + other.clean_together,
            **_merged_moments(self, other, cell, size=size),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedTally:
    """What ballots that rate all k targets at once say about pairs of targets.

    n (k, k): ballots with a mean for both; difference (k, k): mean of row minus column, level units; ss (k, k):
    centred sum of squares of these differences; score_difference (k, k): the same in points. complete: ballots
    with a mean for every target; rank_sums (k,): their rank totals (1 = lowest mean, ties averaged);
    tie_term: sum of t^3 - t over groups of t equal means within a complete ballot.
    """

    targets: tuple[str, ...]
    n: Ints
    difference: Floats
    ss: Floats
    score_difference: Floats
    complete: int
    rank_sums: Floats
    tie_term: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _BallotValues:
    """Per ballot (n_ballots,): answered items, mean in level units, score in points; NaN where none is answered."""

    answered: Ints
    mean: Floats
    score: Floats


def tally_ballots(
    answers: Bytes,
    *,
    target: Ints,
    group: Ints,
    flagged: Bools,
    targets: Sequence[str],
    groups: Sequence[str],
    items: Sequence[str],
    scheme: Scheme,
) -> Tally:
    """Count ballots: answers (n_ballots, n_items), one byte an item; target, group, flagged (n_ballots,).

    Every row is a ballot cast; it is valid if an item is answered on a level. A ballot's mean is that of the levels of
    its answered items, its score that of their points, weighted if the scheme weights items. With no `groups` all rows
    count as one nameless group.
    Raises ValueError for a level the scheme does not know, a position outside, or arrays of unequal length.
    """
    names = tuple(groups) or ("",)
    _check_positions(answers, target=target, group=group, flagged=flagged, shape=(len(targets), len(names), len(items)))
    keys, cell = np.unique(target.astype(np.int64) * len(names) + group, return_inverse=True)
    values = _ballot_values(answers, items=items, scheme=scheme)
    suspect, rest = _complete_products(answers, values.answered, flagged)
    return Tally(
        targets=tuple(targets),
        groups=names,
        items=tuple(items),
        levels=scheme.levels,
        cell_target=keys // len(names),
        cell_group=keys % len(names),
        counts=_level_counts(answers, cell, size=len(keys), scheme=scheme),
        ballots=np.bincount(cell, minlength=len(keys)).astype(np.int64),
        flagged=np.bincount(cell[flagged], minlength=len(keys)).astype(np.int64),
        together=suspect + rest,
        clean_together=rest,
        **_moments(values, cell, flagged, size=len(keys)),
    )


def tally_pages(
    answers: Bytes,
    *,
    group: Ints,
    flagged: Bools,
    targets: Sequence[str],
    groups: Sequence[str],
    items: Sequence[str],
    scheme: Scheme,
) -> tuple[Tally, PairedTally]:
    """Count ballots that rate all targets on one page: answers (n_ballots, n_targets, n_items).

    Returns the tally, where a page counts as a ballot for each target of which an item is not blank, and the paired
    tally over the same pages. Raises ValueError as `tally_ballots` does.
    """
    n_ballots, n_targets, n_items = answers.shape
    flat = answers.reshape(n_ballots * n_targets, n_items)
    asked = (flat != BLANK).any(axis=1)
    tally = tally_ballots(
        flat[asked],
        target=np.tile(np.arange(n_targets), n_ballots)[asked],
        group=np.repeat(group, n_targets)[asked],
        flagged=np.repeat(flagged, n_targets)[asked],
        targets=targets,
        groups=groups,
        items=items,
        scheme=scheme,
    )
    values = _ballot_values(flat, items=items, scheme=scheme)
    means, scores = values.mean.reshape(n_ballots, n_targets), values.score.reshape(n_ballots, n_targets)
    return tally, _paired_tally(means, scores, targets=tuple(targets))


def _moments(values: _BallotValues, cell: Ints, flagged: Bools, *, size: int) -> dict[str, Any]:
    """Return the fields of a tally that hold moments, of all valid ballots and of the unflagged ones."""
    valid = values.answered > 0
    clean = valid & ~flagged
    return _fields(
        mean=moments_of(values.mean[valid], cell[valid], size=size),
        score=moments_of(values.score[valid], cell[valid], size=size),
        clean_mean=moments_of(values.mean[clean], cell[clean], size=size),
        clean_score=moments_of(values.score[clean], cell[clean], size=size),
    )


def _merged_moments(first: Tally, second: Tally, cell: Ints, *, size: int) -> dict[str, Any]:
    def merged(one: Moments, other: Moments) -> Moments:
        return combine(_joined(one, other), cell, size=size)

    return _fields(
        mean=merged(first.mean_moments(), second.mean_moments()),
        score=merged(first.score_moments(), second.score_moments()),
        clean_mean=merged(first.clean_mean_moments(), second.clean_mean_moments()),
        clean_score=merged(first.clean_score_moments(), second.clean_score_moments()),
    )


def _fields(*, mean: Moments, score: Moments, clean_mean: Moments, clean_score: Moments) -> dict[str, Any]:
    named = {"mean": mean, "score": score, "clean_mean": clean_mean, "clean_score": clean_score}
    means = {name: moments.mean for name, moments in named.items()}
    squares = {f"{name}_ss": moments.ss for name, moments in named.items()}
    return {"valid": mean.n, "clean_valid": clean_mean.n, **means, **squares}


def _complete_products(answers: Bytes, answered: Ints, flagged: Bools) -> tuple[CrossProducts, CrossProducts]:
    """Return the cross-products of complete ballots, flagged and unflagged."""
    complete = answered == answers.shape[1]
    return cross_products(answers[complete & flagged]), cross_products(answers[complete & ~flagged])


def _joined(first: Moments, second: Moments) -> Moments:
    return Moments(
        n=np.concatenate([first.n, second.n]),
        mean=np.concatenate([first.mean, second.mean]),
        ss=np.concatenate([first.ss, second.ss]),
    )


def _added(first: Ints, second: Ints, first_rows: Ints, second_rows: Ints, *, size: int) -> Ints:
    """Add both arrays into rows; a tally names a cell once, so that plain indexing (far faster) loses nothing.

    The sums are copied block by block: in one piece the copy takes as much memory as a city's tally.
    """
    sums = np.zeros((size, *first.shape[1:]), dtype=np.int64)
    sums[first_rows] = first
    for start in range(0, len(second), _BLOCK):
        block = slice(start, start + _BLOCK)
        sums[second_rows[block]] += second[block]
    return sums


def _check_positions(answers: Bytes, *, target: Ints, group: Ints, flagged: Bools, shape: tuple[int, int, int]) -> None:
    n_targets, n_groups, n_items = shape
    if answers.ndim != 2 or answers.shape[1] != n_items or answers.dtype != np.uint8:
        raise ValueError(f"answers must be bytes of shape (n_ballots, {n_items})")
    if not len(answers) == len(target) == len(group) == len(flagged):
        raise ValueError("answers, target, group and flagged must have one row per ballot")
    for name, rows, size in (("target", target, n_targets), ("group", group, n_groups)):
        if len(rows) and not 0 <= rows.min() <= rows.max() < size:
            raise ValueError(f"{name} positions must lie in 0..{size - 1}")


def _columns(scheme: Scheme) -> Ints:
    """Return the lookup byte -> column of the counts: 0 不了解, 1.. levels, after them blank; -1 unknown."""
    lookup = np.full(256, -1, dtype=np.int64)
    lookup[NO_OPINION] = 0
    lookup[list(scheme.levels)] = np.arange(1, len(scheme.levels) + 1)
    lookup[BLANK] = len(scheme.levels) + 1
    return lookup


def _level_counts(answers: Bytes, cell: Ints, *, size: int, scheme: Scheme) -> Ints:
    lookup, width = _columns(scheme), len(scheme.levels) + 2
    counts = np.empty((size, answers.shape[1], width - 1), dtype=np.int64)
    base = cell * width
    for item, column in enumerate(answers.T):
        place = lookup[column]
        if len(place) and place.min() < 0:
            raise ValueError(f"item {item}: level {int(column[place < 0][0])} is not in scheme {scheme.id}")
        counts[:, item] = np.bincount(base + place, minlength=size * width).reshape(size, width)[:, :-1]
    return counts


def _ballot_values(answers: Bytes, *, items: Sequence[str], scheme: Scheme) -> _BallotValues:
    """Return each ballot's mean level, always unweighted, and its score by the weights of its answered items."""
    is_level, level, points = np.zeros(256, dtype=np.int64), np.zeros(256, dtype=np.int64), np.zeros(256)
    for value in scheme.levels:
        is_level[value], level[value], points[value] = 1, value, scheme.points[value]
    answered, levels = np.zeros(len(answers), dtype=np.int64), np.zeros(len(answers), dtype=np.int64)
    for column in answers.T:
        answered += is_level[column]
        levels += level[column]
    weights = scheme.weights_of(items) or (1.0,) * len(items)
    return _BallotValues(
        answered=answered,
        mean=divide(levels, answered),
        score=_weighted_scores(answers, points, is_level, weights=weights),
    )


def _weighted_scores(answers: Bytes, points: Floats, is_level: Ints, *, weights: Sequence[float]) -> Floats:
    """Return the weighted mean of the points of answered items; their weights stand for all, NaN without an answer."""
    scores, weight = np.zeros(len(answers)), np.zeros(len(answers))
    for column, share in zip(answers.T, weights, strict=True):
        scores += share * points[column]
        weight += share * is_level[column]
    return divide(scores, weight)


def _paired_tally(means: Floats, scores: Floats, *, targets: tuple[str, ...]) -> PairedTally:
    size = means.shape[1]
    n = np.zeros((size, size), dtype=np.int64)
    difference, ss, in_points = np.zeros((3, size, size))
    for a in range(size):
        both = ~np.isnan(means[:, [a]] + means)
        row, column = np.nonzero(both)
        pairs = moments_of(means[row, a] - means[row, column], column.astype(np.int64), size=size)
        points = moments_of(scores[row, a] - scores[row, column], column.astype(np.int64), size=size)
        n[a], difference[a], ss[a], in_points[a] = pairs.n, pairs.mean, pairs.ss, points.mean
    complete = means[~np.isnan(means).any(axis=1)]
    ranks, ties = _ranks_within(complete)
    return PairedTally(
        targets=targets,
        n=n,
        difference=difference,
        ss=ss,
        score_difference=in_points,
        complete=len(complete),
        rank_sums=ranks.sum(axis=0),
        tie_term=ties,
    )


def _ranks_within(values: Floats) -> tuple[Floats, float]:
    """Rank each row (1 = lowest, ties averaged) and sum t^3 - t over its ties, without SciPy: k is about twelve."""
    below = (values[:, None, :] < values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2).astype(np.float64)
    # Each of t tied values adds t^2 - 1, so that the t of them add t^3 - t.
    return below + (equal + 1.0) / 2.0, float((equal * equal - 1.0).sum())
