"""Non-response: what it could hide (bounds, R-indicator) and what weighting makes of it (classes, raking)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, total
from survey.analysis.intervals import Interval, t_interval, t_quantile
from survey.analysis.moments import Moments

TOLERANCE = 1e-12
"""Raking stops when no margin is missed by more than this share of the population."""

MOST_ROUNDS = 1000

# Head counts of two margins come from one roster; they must agree but for rounding.
_SAME_TOTAL = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """Lowest and highest value that the missing answers leave possible, arrays of one shape; NaN where unknown."""

    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedMeans:
    """Means weighted to the roster (n_targets,), in the unit of the values; NaN where unknown.

    se includes the finite population correction; interval: t with df = ballots minus classes, at least 1. weight
    (n_cells,): people that one ballot of the cell stands for, NaN in a cell without ballots. deff: Kish's design
    effect of the weights, 1 or more. empty: classes on the roster without a single ballot; where there is one
    everything else is NaN, for no weight can make up for it: merge it with a similar class first.
    """

    mean: Floats
    se: Floats
    df: Ints
    interval: Interval
    weight: Floats
    deff: Floats
    empty: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Raked:
    """Weights per ballot of each cell, shape of the counts, 0 in a cell without ballots; rounds that it took."""

    weights: Floats
    rounds: int


@dataclass(frozen=True, kw_only=True)
class RakedMean:
    """Mean weighted by raking, in the unit of the values; se with finite correction, None below two ballots.

    interval: t with df = ballots minus free categories of all axes; None where se is or df is below 1.
    """

    mean: float
    se: float | None
    df: int
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Representativeness:
    """How evenly the classes of a roster responded.

    r: R-indicator 1 - 2 S(response rate), 1 is even, None without a roster; r_adjusted: without the unevenness that
    chance alone brings, at most 1. response_rate in [0, 1]. max_bias: the most by which non-response can bias a mean
    as far as the classes explain it, in standard deviations of the answers, None where nobody responded.
    """

    r: float | None
    r_adjusted: float | None
    response_rate: float | None
    max_bias: float | None


def mean_bounds(mean: Floats, n: Ints, population: Floats, *, lowest: float = 0.0, highest: float = 100.0) -> Bounds:
    """Return the mean score if all who did not answer had given the lowest, or the highest, score (Manski 1989).

    Arrays of one shape; points. mean is not read where n is 0. No assumption and no sampling error: bounds, no
    confidence interval. NaN where the roster's N is unknown, 0 or below n. Checked by hand and by property.
    """
    known = np.where((population >= n) & (population > 0), population, np.nan)
    given, missing = n * np.where(n > 0, mean, 0.0), known - n
    return Bounds(low=divide(given + missing * lowest, known), high=divide(given + missing * highest, known))


def rate_bounds(successes: Ints, n: Ints, population: Floats) -> Bounds:
    """Return the rate in [0, 1] if nobody, or everybody, of those who did not answer agreed; see `mean_bounds`."""
    return mean_bounds(divide(successes, n), n, population, lowest=0.0, highest=1.0)


def weighting_class(cells: Moments, population: Floats, *, target: Ints, size: int) -> WeightedMeans:
    """Weight each class (n_cells,) of a target to its head count: mean = sum N_h y_h / N, with its standard error.

    cells: moments of the answers, for a rate of zeros and ones; population (n_cells,): heads N_h, never below n_h;
    target (n_cells,): the target of each class, of 0..size-1. Within a class, who answers is taken as random:
    V = sum (N_h / N)^2 (1 - n_h / N_h) s_h^2 / n_h (Oh and Scheuren 1983; Cochran 1977, eq. 5.6). A class with one
    ballot is centred on the weighted mean. se is NaN below two ballots.
    Raises ValueError if a head count is unknown, or below the ballots of its class.
    Checked against R survey `svymean` (strata, fpc) and `postStratify` (`tests/reference/rates.R`) and the weights
    of Lohr (2010, example 8.4).
    """
    if not (population >= cells.n).all():
        raise ValueError("every class needs its head count, which is at least its number of ballots")
    used = cells.n > 0
    empty = np.bincount(target[~used & (population > 0)], minlength=size).astype(np.int64)
    heads = total(population, target, size=size)
    mean = divide(total(population * cells.mean, target, size=size), np.where(empty > 0, 0.0, heads))
    share = divide(population, heads[target])
    spread = np.where(cells.n > 1, np.nan_to_num(cells.variance()), (cells.mean - mean[target]) ** 2)
    parts = np.where(used, share**2 * (1.0 - divide(cells.n, population)) * divide(spread, cells.n), 0.0)
    ballots = np.bincount(target, weights=cells.n, minlength=size).astype(np.int64)
    df = np.maximum(ballots - np.bincount(target[used], minlength=size), 1)
    known = ~np.isnan(mean) & (ballots > 1)
    se = np.where(known, np.sqrt(total(parts, target, size=size)), np.nan)
    weight = divide(population, cells.n)
    return WeightedMeans(
        mean=mean,
        se=se,
        df=df,
        interval=t_interval(mean, se, df=df),
        weight=weight,
        deff=np.where(np.isnan(mean), np.nan, _deff(np.nan_to_num(weight), cells.n, target, size=size)),
        empty=empty,
    )


def rake(counts: Ints, margins: Sequence[Floats]) -> Raked:
    """Return weights that fit the ballots `counts` (two axes or more) to the head counts of each axis.

    margins: per axis its head counts, shape (counts.shape[axis],), all of one total N. Iterative proportional
    fitting (Deming and Stephan 1940): cells without ballots stay empty, odds ratios stay what they are.
    Raises ValueError if margins and axes do not go together, totals differ, a category on the roster has no ballot
    (or the reverse), or the empty cells make the margins unreachable.
    Checked against R survey `rake` (`tests/reference/rates.R`) and Agresti (2002, section 8.7.2: Smith's table on
    schooling, raked to margins of 100).
    """
    goals = [np.asarray(margin, dtype=np.float64) for margin in margins]
    _check_margins(counts, goals)
    fitted = counts.astype(np.float64)
    heads = float(goals[0].sum())
    for done in range(1, MOST_ROUNDS + 1):
        for axis, goal in enumerate(goals):
            factor = np.nan_to_num(divide(goal, _margin(fitted, axis)))
            fitted = fitted * factor.reshape([-1 if place == axis else 1 for place in range(counts.ndim)])
        missed = max(float(np.abs(_margin(fitted, axis) - goal).max()) for axis, goal in enumerate(goals))
        if missed <= TOLERANCE * heads:
            return Raked(weights=np.nan_to_num(divide(fitted, counts)), rounds=done)
    raise ValueError("the margins cannot be reached: too many combinations of categories have no ballot")


def raked_mean(cells: Moments, raked: Raked) -> RakedMean:
    """Return the mean of the answers in cells (shape of the raked counts), with the weights of `rake`.

    cells: moments of the answers of each cell, n as in the raked counts. Linearised variance (Deville, Sarndal and
    Sautory 1993): spread of weight times residual from an additive model of the axes, times 1 - n / N.
    Raises ValueError if there is no ballot. Checked against R survey `rake` and `svymean` (`tests/reference/rates.R`).
    """
    n, weights = int(cells.n.sum()), raked.weights
    if n == 0:
        raise ValueError("a mean needs ballots")
    heads = float((weights * cells.n).sum())
    mean = float((weights * cells.n * cells.mean).sum()) / heads
    rest, rank = _additive_residuals(cells)
    # Per ballot weight * residual: within a cell it varies by ss, between the cells around its overall mean.
    pull = weights * rest
    centre = float((cells.n * pull).sum()) / n
    squares = float((weights**2 * cells.ss + cells.n * (pull - centre) ** 2).sum())
    df = n - rank
    if n < 2:
        return RakedMean(mean=mean, se=None, df=df, interval=None)
    se = float(np.sqrt(n / (n - 1) * max(1.0 - n / heads, 0.0) * squares)) / heads
    reach = float(t_quantile(np.array(float(df)))) * se
    return RakedMean(mean=mean, se=se, df=df, interval=None if df < 1 else (mean - reach, mean + reach))


def kish_deff(weights: Floats, counts: Ints | None = None) -> float | None:
    """Return n * sum w^2 / (sum w)^2 (Kish 1965, eq. 11.7.6): the factor by which weighting enlarges a variance.

    weights: one per ballot, or per cell with its ballots `counts` of the same shape; None without ballots or with all
    weights 0. Raises ValueError for a negative weight. n / deff is the effective size. Checked against 1 + cv^2.
    """
    ballots = np.ones(weights.shape, dtype=np.int64) if counts is None else counts
    if (weights < 0.0).any():
        raise ValueError("a weight must not be negative")
    one = np.zeros(weights.size, dtype=np.int64)
    deff = float(_deff(weights.ravel(), ballots.ravel(), one, size=1)[0])
    return None if np.isnan(deff) else deff


def r_indicator(responded: Ints, population: Ints) -> Representativeness:
    """Return how evenly the classes (n_classes,) of a roster responded (Schouten, Cobben and Bethlehem 2009, eq. 3).

    responded, population: n_h and N_h; all of the roster were asked. S^2 = sum N_h (n_h / N_h - rate)^2 / (N - 1).
    Adjusted for the chance in the n_h: S^2 - sum rate_h (1 - rate_h) / N, not below 0 (Shlomo, Skinner and Schouten
    2012, for a census and one class variable). max_bias = S / rate. Classes of nobody do not count.
    Raises ValueError unless 0 <= n_h <= N_h. Checked against R `glm` propensities (`tests/reference/rates.R`).
    """
    if ((responded < 0) | (responded > population)).any():
        raise ValueError("the number of answers must lie between 0 and the head count")
    heads = int(population.sum())
    if heads < 2:
        return Representativeness(r=None, r_adjusted=None, response_rate=None, max_bias=None)
    rate = float(responded.sum()) / heads
    rates = np.where(population > 0, divide(responded, population), rate)
    variance = float((population * (rates - rate) ** 2).sum()) / (heads - 1)
    chance = float((rates * (1.0 - rates))[population > 0].sum()) / heads
    s = float(np.sqrt(variance))
    return Representativeness(
        r=1.0 - 2.0 * s,
        r_adjusted=1.0 - 2.0 * float(np.sqrt(max(variance - chance, 0.0))),
        response_rate=rate,
        max_bias=s / rate if rate > 0.0 else None,
    )


def _additive_residuals(cells: Moments) -> tuple[Floats, int]:
    """Return cell means minus their least-squares fit by main effects (shape of the cells), and the fit's rank."""
    place = np.indices(cells.n.shape).reshape(cells.n.ndim, -1)
    effects = [index[:, None] == np.arange(length) for index, length in zip(place, cells.n.shape, strict=True)]
    design = np.concatenate(effects, axis=1).astype(np.float64)
    root, values = np.sqrt(cells.n.ravel().astype(np.float64)), cells.mean.ravel()
    fit, _, rank, _ = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)
    return np.where(cells.n > 0, (values - design @ fit).reshape(cells.n.shape), 0.0), int(rank)


def _deff(weight: Floats, n: Ints, target: Ints, *, size: int) -> Floats:
    ballots = np.bincount(target, weights=n, minlength=size)
    sums, squares = total(weight * n, target, size=size), total(weight * weight * n, target, size=size)
    # Rounding must not report a design effect below that of equal weights.
    return np.fmax(divide(ballots * squares, sums**2), np.where(sums > 0.0, 1.0, np.nan))


def _check_margins(counts: Ints, goals: Sequence[Floats]) -> None:
    if counts.ndim < 2 or [goal.shape for goal in goals] != [(length,) for length in counts.shape]:
        raise ValueError("raking needs two axes or more, and one head count per category of each axis")
    if (counts < 0).any() or not all((goal >= 0.0).all() and np.isfinite(goal).all() for goal in goals):
        raise ValueError("ballots and head counts must not be negative or unknown")
    totals = [float(goal.sum()) for goal in goals]
    if max(totals) - min(totals) > _SAME_TOTAL * max(totals):
        raise ValueError("the head counts of all axes must have the same total")
    for axis, goal in enumerate(goals):
        missing: Bools = (goal > 0.0) != (_margin(counts.astype(np.float64), axis) > 0.0)
        if missing.any():
            place = int(np.flatnonzero(missing)[0])
            raise ValueError(f"axis {axis}, category {place}: people without a ballot, or ballots without people")


def _margin(table: Floats, axis: int) -> Floats:
    others = tuple(place for place in range(table.ndim) if place != axis)
    return np.asarray(table.sum(axis=others), dtype=np.float64)
