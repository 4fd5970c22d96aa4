"""Careless answers: signs within a ballot, and every figure once more without the flagged ballots."""

from dataclasses import dataclass
from math import prod

import numpy as np

from survey.analysis.arrays import Bools, Bytes, Floats, Ints, divide
from survey.analysis.moments import Moments, combine, moments_of
from survey.analysis.scoring import BLANK, NO_OPINION, Scheme
from survey.analysis.tallies import Tally


@dataclass(frozen=True, kw_only=True, eq=False)
class WithoutFlagged:
    """Per target (n_targets,) without its flagged ballots: moments of ballot means (level units) and scores (points).

    flagged: ballots left out. shown: whether the figure may stand beside the one over all ballots, if that is shown
    itself. overall: moments of the rated targets' scores (1,), the mean over targets; overall_shown likewise.
    """

    mean: Moments
    score: Moments
    flagged: Ints
    shown: Bools
    overall: Moments
    overall_shown: bool


def careless_flags(answers: Bytes, scheme: Scheme) -> Bools:
    """Flag ballots (n_ballots,) whose answers on levels, `scheme.careless_run` at least, are all the same.

    answers (n_ballots, n_items), or (n_ballots, n_targets, n_items) for a page of all targets. 不了解 and blanks are
    passed over. A short form of equal answers is plausible, a long one less so; a flag is reported beside the
    figures and never removes a ballot.
    """
    flat = _flat(answers)
    answered = np.zeros(len(flat), dtype=np.int64)
    low = np.full(len(flat), BLANK, dtype=np.uint8)
    high = np.zeros(len(flat), dtype=np.uint8)
    for column in flat.T:
        level = _on_level(column)
        answered += level
        np.minimum(low, column, out=low, where=level)
        np.maximum(high, column, out=high, where=level)
    return np.asarray((answered >= max(scheme.careless_run, 1)) & (low == high), dtype=np.bool_)


def longest_run(answers: Bytes) -> Ints:
    """Return the longest run of equal answers on levels within each ballot (n_ballots,), 0 without an answer.

    answers as for `careless_flags`, in the order of the form. 不了解 and blanks are passed over: they neither end a run
    nor lengthen it. The index "longstring" of Johnson (2005).
    """
    flat = _flat(answers)
    run, longest = np.zeros((2, len(flat)), dtype=np.int64)
    last = np.full(len(flat), BLANK, dtype=np.uint8)
    for column in flat.T:
        level = _on_level(column)
        run = np.where(level, np.where(column == last, run + 1, 1), run)
        last = np.where(level, column, last)
        np.maximum(longest, run, out=longest)
    return longest


def within_sd(answers: Bytes) -> Floats:
    """Return the standard deviation (n - 1) of each ballot's answers on levels (n_ballots,), NaN below two answers.

    answers as for `careless_flags`; in level units. The intra-individual response variability of Dunn, Heggestad,
    Shanock and Theilgard (2018). The sums are whole, so equal answers give exactly 0.
    """
    flat = _flat(answers)
    n, sums, squares = np.zeros((3, len(flat)), dtype=np.int64)
    for column in flat.T:
        value = np.where(_on_level(column), column, 0).astype(np.int64)
        n += value > 0
        sums += value
        squares += value * value
    return np.asarray(np.sqrt(divide(n * squares - sums * sums, n * (n - 1))), dtype=np.float64)


def without_flagged(tally: Tally, scheme: Scheme) -> WithoutFlagged:
    """Return the figures of all targets without flagged ballots, to stand beside those with them.

    The difference between the two tells what the flagged ballots said, and each of these says one level throughout.
    So a figure is shown where nothing was flagged or as many ballots as the scheme's floor, and as many remain; the
    summary also tells of the targets that are not shown, so it asks the same of their flagged ballots together.
    """
    size, floor = len(tally.targets), scheme.floors.ballots
    score = combine(tally.clean_score_moments(), tally.cell_target, size=size)
    flagged = np.bincount(tally.cell_target, weights=tally.flagged, minlength=size).astype(np.int64)
    shown = (score.n >= max(floor, 1)) & ((flagged == 0) | (flagged >= floor))
    rated, in_hidden = score.n > 0, int(flagged[~shown].sum())
    return WithoutFlagged(
        mean=combine(tally.clean_mean_moments(), tally.cell_target, size=size),
        score=score,
        flagged=flagged,
        shown=shown,
        overall=moments_of(score.mean[rated], np.zeros(int(rated.sum()), dtype=np.int64), size=1),
        overall_shown=bool(rated.any()) and (in_hidden == 0 or in_hidden >= floor),
    )


def _flat(answers: Bytes) -> Bytes:
    """Return one row per ballot; also of no ballots, where numpy cannot work out the width."""
    return answers.reshape(len(answers), prod(answers.shape[1:]))


def _on_level(column: Bytes) -> Bools:
    return np.asarray((column != NO_OPINION) & (column != BLANK), dtype=np.bool_)
