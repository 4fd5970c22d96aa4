"""What the ballots of a class say together: full marks, straight lines, copies; counted per class and target."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Bytes, Floats, Ints, divide, total
from survey.analysis.scoring import BLANK, NO_OPINION

LEAST_ANSWERS = 3
"""Answers on levels from which equal answers say anything: two equal ones are ordinary."""

_PRIOR = 4.0
"""Ballots of the ordinary kind by which the remaining ones are filled up, so that their mean exists and is steady."""

_LEFT_OUT = 0.1

_LARGEST = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True, eq=False)
class Patterns:
    """Ballots counted by cell and answer pattern: cell, pattern, count (n_rows,), each pair once, pattern a row of
    `answers` (n_patterns, n_items).

    group, target (n_cells,): class and target of each cell; a cell is the ballots of one class about one target.
    """

    group: Ints
    target: Ints
    cell: Ints
    pattern: Ints
    count: Ints
    answers: Bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Of each pattern (n_patterns,): mean level of its answers (NaN without one), and what kind it is.

    told: enough answers to be judged; top: all of them at the best level; straight: all at one level below it;
    total: number of the pattern's total, the same for patterns of the same unanswered items and the same sum.
    """

    mean: Floats
    told: Bools
    top: Bools
    straight: Bools
    total: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Marked:
    """Marked ballots within rows of cells or classes (n,): how many of `ballots`, and the others' shortfall.

    shortfall: mean distance of the unmarked ballots from the best level, in levels, drawn towards the ordinary.
    """

    marked: Ints
    ballots: Ints
    shortfall: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """The most copied pattern of each row (n,): ballots with it, as many as others with the same total make likely.

    Zero where no pattern occurs twice. excess = copies - likely, never below 0.
    """

    copies: Ints
    likely: Floats
    ballots: Ints

    @property
    def excess(self) -> Floats:
        """Return the share of the ballots that is copied beyond what is likely."""
        return np.maximum(divide(self.copies - self.likely, np.maximum(self.ballots, 1)), 0.0)


def count_patterns(answers: Bytes, cell: Ints, *, group: Ints, target: Ints) -> Patterns:
    """Count ballots: answers (n_ballots, n_items), one byte an item; cell (n_ballots,): positions in group and target.

    Raises ValueError for a position outside.
    """
    if len(cell) and not 0 <= cell.min() <= cell.max() < len(group):
        raise ValueError(f"cell positions must lie in 0..{len(group) - 1}")
    _codes, first, pattern = np.unique(_code(answers), return_index=True, return_inverse=True)
    size = max(len(first), 1)
    keys, count = np.unique(cell.astype(np.int64) * size + pattern, return_counts=True)
    return Patterns(
        group=group, target=target, cell=keys // size, pattern=keys % size, count=count, answers=answers[first]
    )


def restrict(patterns: Patterns, kept: Bools, *, group: Ints | None = None) -> Patterns:
    """Return the ballots of the cells `kept` (n_cells,) only, the cells numbered anew; group: their classes instead."""
    place, rows = np.cumsum(kept) - 1, kept[patterns.cell]
    return Patterns(
        group=(patterns.group if group is None else group)[kept],
        target=patterns.target[kept],
        cell=place[patterns.cell[rows]],
        pattern=patterns.pattern[rows],
        count=patterns.count[rows],
        answers=patterns.answers,
    )


def merge(patterns: Patterns, parent: Ints) -> Patterns:
    """Return the same ballots by the parents of their groups: parent (n_groups,), such as the school of a class."""
    wide = int(patterns.target.max(initial=0)) + 1
    cells, place = np.unique(parent[patterns.group] * wide + patterns.target, return_inverse=True)
    size = max(len(patterns.answers), 1)
    keys, row = np.unique(place[patterns.cell] * size + patterns.pattern, return_inverse=True)
    return Patterns(
        group=cells // wide,
        target=cells % wide,
        cell=keys // size,
        pattern=keys % size,
        count=total(patterns.count, row, size=len(keys)).astype(np.int64),
        answers=patterns.answers,
    )


def _code(answers: Bytes) -> Ints:
    """Return a number for each row (n_ballots,), equal for equal rows; made dense again before it overflows."""
    code, size = np.zeros(len(answers), dtype=np.int64), 1
    for column in answers.T:
        if size > _LARGEST // 256:
            known, code = np.unique(code, return_inverse=True)
            size = len(known)
        code, size = code * 256 + column, size * 256
    return code


def describe(answers: Bytes, *, top: int) -> Features:
    """Describe patterns (n_patterns, n_items); top: the best level. 不了解 and what was not asked say nothing."""
    asked, level = answers != BLANK, (answers != BLANK) & (answers != NO_OPINION)
    answered = level.sum(axis=1)
    low = np.where(level, answers, BLANK).min(axis=1, initial=BLANK)
    high = np.where(level, answers, 0).max(axis=1, initial=0)
    told = (answered >= LEAST_ANSWERS) & (2 * answered >= asked.sum(axis=1))
    sums = np.where(level, answers, 0).sum(axis=1, dtype=np.int64)
    # Within the items answered, the total is what a Rasch model lets satisfaction act on: patterns of one total
    # are then equally likely in a content class and in a discontented one.
    unanswered = _code(np.where(level, np.uint8(1), np.where(asked, np.uint8(0), np.uint8(2))))
    _known, place = np.unique(unanswered, return_inverse=True)
    _totals, number = np.unique(place * np.int64(answers.shape[1] * 256 + 1) + sums, return_inverse=True)
    return Features(
        mean=divide(sums, answered.astype(np.int64)),
        told=told,
        top=told & (low == high) & (low == top),
        straight=told & (low == high) & (low != top),
        total=number.astype(np.int64),
    )


def mark_ballots(patterns: Patterns, features: Features, marks: Bools, *, top: int) -> Marked:
    """Count the marked ballots of each cell (n_cells,); marks (n_patterns,): which patterns are marked.

    Those that are not marked tell how satisfied the class is without them; with few of them their shortfall is that
    of the ordinary ballot, so that a class of nothing but full marks does not prove itself content.
    """
    told, marked = features.told[patterns.pattern], marks[patterns.pattern]
    size, rest = len(patterns.group), told & ~marked
    missing = np.where(rest, (top - np.nan_to_num(features.mean[patterns.pattern])) * patterns.count, 0.0)
    n = total(np.where(told, patterns.count, 0), patterns.cell, size=size)
    k = total(np.where(marked, patterns.count, 0), patterns.cell, size=size)
    sums, others = total(missing, patterns.cell, size=size), n - k
    return Marked(
        marked=k.astype(np.int64),
        ballots=n.astype(np.int64),
        shortfall=(sums + _PRIOR * _elsewhere(sums, others, patterns.target)) / (others + _PRIOR),
    )


def _elsewhere(sums: Floats, ballots: Floats, target: Ints) -> Floats:
    """Return the mean shortfall (n_cells,) of the target's unmarked ballots in other classes, drawn to that of all."""
    everywhere = float(sums.sum() / max(ballots.sum(), 1.0))
    size = int(target.max(initial=-1)) + 1
    of_target, n = total(sums, target, size=size), total(ballots, target, size=size)
    return np.asarray(
        (of_target[target] - sums + _PRIOR * everywhere) / (n[target] - ballots + _PRIOR), dtype=np.float64
    )


def most_copied(patterns: Patterns, features: Features, *, classes: int) -> tuple[Copies, Copies]:
    """Return the pattern, not a straight line, that is repeated most: by class over all targets, and by cell.

    What is likely is taken from the other classes, among ballots with the same total: see `Copies`.
    """
    elsewhere = _Elsewhere(patterns, features)
    own, places = patterns.group[patterns.cell], np.arange(classes)
    return (
        _most_copied(patterns, features, own, class_of=places, elsewhere=elsewhere),
        _most_copied(patterns, features, patterns.cell, class_of=patterns.group, elsewhere=elsewhere),
    )


def _most_copied(
    patterns: Patterns, features: Features, row: Ints, *, class_of: Ints, elsewhere: "_Elsewhere"
) -> Copies:
    size = len(class_of)
    told = features.told[patterns.pattern]
    ballots = total(np.where(told, patterns.count, 0), row, size=size).astype(np.int64)
    wide = max(len(patterns.answers), 1)
    keys, place = np.unique((row * wide + patterns.pattern)[told], return_inverse=True)
    copies = np.bincount(place, weights=patterns.count[told], minlength=len(keys))
    # What is likely is taken from the other classes and from what is said here with the same total.
    kept = _Counted(patterns, features, row)
    totals = features.total[keys % wide]
    likely = kept.of_total(keys // wide, totals) * elsewhere.share(class_of[keys // wide], keys % wide, totals)
    straight = features.top[keys % wide] | features.straight[keys % wide]
    excess = np.where(straight | (copies < 2), -np.inf, copies - likely)
    best = _largest_of(excess, keys // wide, size=size)
    found = best >= 0
    return Copies(
        copies=np.where(found, copies[best] if len(keys) else 0, 0).astype(np.int64),
        likely=np.where(found, likely[best] if len(keys) else 0.0, 0.0),
        ballots=ballots,
    )


class _Counted:
    """Ballots counted by (row, pattern) and by (row, total), looked up by their keys."""

    def __init__(self, patterns: Patterns, features: Features, row: Ints) -> None:
        self._wide = max(len(patterns.answers), 1)
        kept = features.told[patterns.pattern]
        row, pattern, count = row[kept], patterns.pattern[kept], patterns.count[kept]
        self._patterns = self._sum(row * self._wide + pattern, count)
        self._totals = self._sum(row * self._wide + features.total[pattern], count)

    def rows(self) -> tuple[Ints, Ints, Floats]:
        known, count = self._patterns
        return known // self._wide, known % self._wide, count

    def place(self, row: Ints, pattern: Ints) -> Ints:
        return np.searchsorted(self._patterns[0], row * self._wide + pattern)

    def of_pattern(self, row: Ints, pattern: Ints) -> Floats:
        return self._find(self._patterns, row * self._wide + pattern)

    def of_total(self, row: Ints, number: Ints) -> Floats:
        return self._find(self._totals, row * self._wide + number)

    @staticmethod
    def _sum(keys: Ints, count: Ints) -> tuple[Ints, Floats]:
        known, place = np.unique(keys, return_inverse=True)
        return known, np.bincount(place, weights=count, minlength=len(known)).astype(np.float64)

    @staticmethod
    def _find(table: tuple[Ints, Floats], keys: Ints) -> Floats:
        known, sums = table
        return sums[np.searchsorted(known, keys)]


class _Elsewhere:
    """How often patterns occur in other classes among ballots with the same total.

    Of each pattern the tenth of the classes that has it most is left out: classes that were all told the same must not
    excuse each other.
    """

    def __init__(self, patterns: Patterns, features: Features) -> None:
        self._wide = max(len(patterns.answers), 1)
        self._own = _Counted(patterns, features, patterns.group[patterns.cell])
        group, pattern, count = self._own.rows()
        classes = len(np.unique(group))
        order = np.lexsort((-count, pattern))
        first = np.searchsorted(pattern[order], pattern[order], side="left")
        self._left_out = np.zeros(len(order), dtype=np.bool_)
        self._left_out[order] = np.arange(len(order)) - first < _LEFT_OUT * classes
        totals = self._own.of_total(group, features.total[pattern])
        self._same = self._kept(pattern, count)
        self._missing = total(np.where(self._left_out, totals, 0.0), pattern, size=self._wide)
        self._all = _Counted(patterns, features, np.zeros(len(patterns.cell), dtype=np.int64))

    def _kept(self, pattern: Ints, count: Floats) -> Floats:
        return total(np.where(self._left_out, 0.0, count), pattern, size=self._wide)

    def share(self, group: Ints, pattern: Ints, number: Ints) -> Floats:
        """Return the share (n,) of `pattern` among ballots with the total `number` outside `group`."""
        out = self._left_out[self._own.place(group, pattern)]
        own_same, own_alike = self._own.of_pattern(group, pattern), self._own.of_total(group, number)
        same = self._same[pattern] - np.where(out, 0.0, own_same)
        alike = self._all.of_total(np.zeros(len(pattern), dtype=np.int64), number) - self._missing[pattern]
        # Half a ballot more of it: what was never seen elsewhere is rare, not impossible.
        return np.asarray((same + 0.5) / (alike - np.where(out, 0.0, own_alike) + 1.0), dtype=np.float64)


def _largest_of(values: Floats, row: Ints, *, size: int) -> Ints:
    """Return the place (size,) of each row's largest value, -1 where there is none above minus infinity."""
    order = np.lexsort((values, row))
    best = np.full(size, -1, dtype=np.int64)
    # The last write of a row is its largest value.
    best[row[order]] = np.where(np.isneginf(values[order]), -1, order)
    return best
