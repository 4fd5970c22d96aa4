"""What is ordinary: every class judged against the others of its questionnaire; p values of an excess, upper tail.

Uses SciPy: call it in jobs only.
"""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, total
from survey.analysis.integrity_signals import Copies, Marked

TAIL_DF = 20.0
"""Most degrees of freedom of the tail: heavier than the normal, as the simulations of clean classes ask for."""

HEAVY_DF = 10.0
"""The same for the figure of one class about one target."""

LEAST_CLASSES = 12
"""Classes below which there is no telling what is ordinary."""

_FULL_MODEL = 60
_TUNING = 4.685
_ABSOLUTE_ROUNDS, _BISQUARE_ROUNDS = 15, 50
_MOST_SUPPORT = 3.0
# Half of the spread of a class's figures is its pupils' own manner, the same towards every target.
_SHARED = 0.5
# Pages of a target elsewhere that weigh as much as what is ordinary for all.
_STEADY = 20.0


def angles(marked: Marked) -> Floats:
    """Return arcsin sqrt of the marked share (n,), whose variance hardly depends on it (Anscombe 1948)."""
    return np.asarray(np.arcsin(np.sqrt((marked.marked + 0.375) / (marked.ballots + 0.75))), dtype=np.float64)


def shares(angle: Floats) -> Floats:
    """Return the shares (n,) in [0, 1] of which `angles` are given."""
    return np.asarray(np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Likely:
    """The angle of the marked share that is likely in each cell (n_cells,), and the variance by chance around it."""

    angle: Floats
    variance: Floats


def likely_angles(marked: Marked, target: Ints, *, siblings: bool) -> Likely:
    """Return the angle of the marked share (n_cells,) that the level of the other ballots makes likely.

    Regression on the logarithm of the shortfall and its square, fitted so that odd cells have no weight. siblings:
    also on the share that the same target has in other classes, so that a loved teacher is not suspect. Fewer than 60
    cells are fitted without the square. The variance is that of chance, without siblings also that of the shortfall,
    which few ballots tell badly.
    """
    angle, log = angles(marked), np.log(np.maximum(marked.shortfall, 1e-3))
    # A class far less content than all others must not fix the line by itself; it is likely to mark as few as they.
    log = np.minimum(log, np.quantile(log, 0.95)) if len(log) else log
    sampling = _sampling(marked.ballots)
    noise = float(np.sqrt(np.median(sampling))) if len(log) else 0.0
    columns = [np.ones(len(angle)), log, *([log * log] if len(angle) >= _FULL_MODEL else [])]
    fit = bisquare_fit(angle, np.stack(columns, axis=1), noise=noise)
    told_badly = _level_error(log, fit, marked)
    if siblings:
        around, told_badly = _of_siblings(angle, marked.ballots, target), np.zeros(len(angle))
        wider = bisquare_fit(angle, np.stack([*columns, around], axis=1), noise=noise)
        # Leaving a cell out of the mean of its siblings makes an odd one the opposite of them: no reason to excuse it.
        fit = wider if _agrees(wider, columns, around) else fit
    return Likely(angle=fit, variance=sampling + told_badly)


def _agrees(fit: Floats, columns: list[Floats], around: Floats) -> bool:
    """Tell whether a fit gives more to cells whose siblings have more."""
    slopes, *_rest = np.linalg.lstsq(np.stack([*columns, around], axis=1), fit, rcond=None)
    return bool(slopes[-1] > 0.0)


def _level_error(log: Floats, fit: Floats, marked: Marked) -> Floats:
    """Return the variance (n_cells,) that the shortfall's own error adds to what is likely."""
    centred = log - log.mean() if len(log) else log
    slope = float((centred * fit).sum() / max(float((centred * centred).sum()), 1e-12))
    return np.asarray(slope * slope / (marked.ballots - marked.marked + 1.0), dtype=np.float64)


def _of_siblings(angle: Floats, ballots: Ints, target: Ints) -> Floats:
    """Return the mean angle (n_cells,) of the same target's other cells, drawn to that of all."""
    size = int(target.max(initial=-1)) + 1
    everywhere = float((ballots * angle).sum() / max(ballots.sum(), 1))
    sums, n = total(ballots * angle, target, size=size), total(ballots, target, size=size)
    return divide(sums[target] - ballots * angle + _STEADY * everywhere, n[target] - ballots + _STEADY)


def bisquare_fit(y: Floats, design: Floats, *, noise: float = 0.0) -> Floats:
    """Return fitted values (n,) of a robust regression of y (n,) on design (n, k); linearly dependent columns are well.

    Bisquare weights (Beaton and Tukey 1974) after a start by least absolute deviations, which no far point pulls to
    itself. noise: standard deviation that y has by chance alone; the scale is never taken to be smaller, so that
    many equal values do not make the others odd. Checked against statsmodels `RLM` with `TukeyBiweight`.
    """
    fit = np.full(len(y), np.median(y) if len(y) else 0.0)
    for rounds, absolute in ((_ABSOLUTE_ROUNDS, True), (_BISQUARE_ROUNDS, False)):
        for _round in range(rounds):
            residual = np.abs(y - fit)
            scale = max(1.4826 * float(np.median(residual)) if len(y) else 0.0, noise, 1e-9)
            if absolute:
                weight = 1.0 / np.maximum(residual, 0.1 * scale)
            else:
                weight = (1.0 - np.minimum(residual / (_TUNING * scale), 1.0) ** 2) ** 2
            before, fit = fit, _weighted_fit(y, design, weight)
            if np.abs(fit - before).max(initial=0.0) < 1e-9:
                break
    return fit


def _weighted_fit(y: Floats, design: Floats, weight: Floats) -> Floats:
    root = np.sqrt(weight)
    slopes, *_rest = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
    return np.asarray(design @ slopes, dtype=np.float64)


def extra_variance(residual: Floats, variance: Floats) -> Floats:
    """Return variance (n,) with a constant added, so that ordinary residuals (n,) are as large as it says.

    Ordinary: the median of their sizes and the upper quartile are those of a normal; odd classes hardly move these.
    """
    if not len(residual):
        return variance

    def ordinary(added: float) -> bool:
        size = residual / np.sqrt(variance + added)
        return max(float(np.median(np.abs(size))), float(np.quantile(size, 0.75))) <= 0.6745

    low, high = 0.0, 4.0 * float(np.square(residual).max()) + 1e-12
    if ordinary(low):
        return variance
    for _round in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if ordinary(middle) else (middle, high)
    return np.asarray(variance + high, dtype=np.float64)


def tail(score: Floats, *, classes: int, heavy: bool = False) -> Floats:
    """Return the p value (n,) of standardised excesses under Student's t; fewer classes, heavier tail.

    heavy: for single cells, whose figures stray more than the mean of several.
    """
    from scipy.stats import t

    # The fit has spent up to four of the classes and the scale one; the residuals are that much too small.
    honest = score * np.sqrt(max(classes - 5, 1) / max(classes, 1))
    df = min(HEAVY_DF if heavy else TAIL_DF, max(classes - 5, 1), 8.0 + classes / 25.0)
    return np.asarray(t.sf(honest, df), dtype=np.float64)


def cell_excess(marked: Marked, likely: Likely) -> Floats:
    """Return the standardised excess (n_cells,) of the marked share over what is likely; NaN if nothing varies."""
    residual = angles(marked) - likely.angle
    if _same(divide(marked.marked, marked.ballots)):
        return np.full(len(residual), np.nan)
    return np.asarray(residual / np.sqrt(extra_variance(residual, likely.variance)), dtype=np.float64)


def class_excess(marked: Marked, likely: Likely, group: Ints, *, classes: int) -> Floats:
    """Return the standardised mean excess of each class (classes,) over its cells; NaN if nothing varies."""
    if _same(divide(marked.marked, marked.ballots)):
        return np.full(classes, np.nan)
    n = total(marked.ballots, group, size=classes)
    cells = np.maximum(np.bincount(group, minlength=classes), 1)
    residual = divide(total(marked.ballots * (angles(marked) - likely.angle), group, size=classes), n)
    residual -= np.median(residual)
    variance = total(likely.variance, group, size=classes) / cells * (1.0 + _SHARED * (cells - 1)) / cells
    return np.asarray(residual / np.sqrt(extra_variance(residual, variance)), dtype=np.float64)


def copy_tail(copies: Copies) -> Floats:
    """Return the p value (n,) of the most copied pattern's excess; NaN if nothing is copied anywhere.

    Excesses of ordinary classes fall off faster than an exponential; one is laid through their median and their
    85th percentile, so that p is rather too large, and odd classes (below 15 %) do not move it.
    """
    size = copies.excess * np.sqrt(copies.ballots)
    if not len(size) or not (copies.copies > 0).any():
        return np.full(len(size), np.nan)
    middle, upper = np.quantile(size, [0.5, 0.85])
    # The difference of one ballot is the least that can be told.
    step = float(np.median(1.0 / np.sqrt(np.maximum(copies.ballots, 1))))
    scale = max((upper - middle) / np.log(0.5 / 0.15), step)
    return np.asarray(np.minimum(0.5 * np.exp(-(size - middle) / scale), 1.0), dtype=np.float64)


def turnout_score(begun: Ints, slips: Ints, school: Ints) -> Floats:
    """Return how far the turnout (n_classes,) lies above that of the school's other classes, standardised, 0 unknown.

    begun: slips used; slips: those that are not voided; school: positions, -1 without one.
    """
    known = slips > 0
    if known.sum() < LEAST_CLASSES:
        return np.zeros(len(begun))
    used = Marked(marked=np.minimum(begun, slips), ballots=slips, shortfall=np.ones(len(slips)))
    angle = angles(used)
    # Classes without a school stand together.
    places = np.where(school < 0, school.max(initial=-1) + 1, school)
    around = _of_siblings(np.where(known, angle, 0.0), slips, places)
    fit = bisquare_fit(angle[known], np.stack([np.ones(known.sum()), around[known]], axis=1), noise=0.05)
    residual = angle[known] - fit
    score = np.zeros(len(begun))
    score[known] = residual / np.sqrt(extra_variance(residual, _sampling(slips[known])))
    return np.clip(score, -_MOST_SUPPORT, _MOST_SUPPORT)


def second_use_score(second_uses: Ints, begun: Ints) -> Floats:
    """Return how surprising the refused second uses of slips (n_classes,) are, as a normal score within -3..3.

    Expected by the rate of all classes but the 5 % with the most; the count is taken to scatter as a geometric
    distribution does, since one person at a loss tries several times.
    """
    from scipy.stats import nbinom, norm

    if not len(begun) or not second_uses.sum():
        return np.zeros(len(begun))
    usual = second_uses <= np.quantile(second_uses, 0.95)
    expected = (second_uses[usual].sum() + 0.5) / max(begun[usual].sum(), 1) * np.maximum(begun, 1)
    at_least = nbinom.sf(second_uses - 1, 1.0, 1.0 / (1.0 + expected))
    beyond = nbinom.sf(second_uses, 1.0, 1.0 / (1.0 + expected))
    score = norm.isf((at_least + beyond) / 2)
    return np.asarray(np.clip(score, -_MOST_SUPPORT, _MOST_SUPPORT), dtype=np.float64)


def band_score(band: Ints) -> Floats:
    """Return how unusual a high band (n_classes,) is, by the share of classes as high or higher; -1 unknown: 0."""
    from scipy.stats import norm

    known = band >= 0
    score = np.zeros(len(band))
    if known.sum() < LEAST_CLASSES:
        return score
    values, count = np.unique(band[known], return_counts=True)
    higher = count[::-1].cumsum()[::-1]
    p = (higher - count / 2) / known.sum()
    score[known] = norm.isf(p[np.searchsorted(values, band[known])])
    return score


def _sampling(ballots: Floats | Ints) -> Floats:
    return np.asarray(1.0 / (4.0 * ballots + 2.0), dtype=np.float64)


def _same(values: Floats) -> bool:
    return bool(np.ptp(values[~np.isnan(values)]) == 0.0) if (~np.isnan(values)).any() else True
