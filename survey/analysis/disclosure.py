"""The audit of a release: which withheld targets could be worked out from everything that is published.

What is published about hidden targets is a system of equations in their means: sums within a unit and over all, sums
of squares behind standard errors, and the two conditions that the reliability fit satisfies. The audit solves it as an
attacker would who knows all other figures at full precision and how they are computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from survey.analysis.alternatives import Equations, stuck
from survey.analysis.arrays import Bools, Floats, Ints
from survey.analysis.bounds import ENOUGH, Scale, Sums, pinned_by_spread, pinned_by_sums, row_basis
from survey.analysis.moments import Moments, combine
from survey.analysis.reliability import Reliability, fit_reliability
from survey.analysis.tallies import Tally

NOWHERE = -1
"""The unit of a target that no published sum of a unit holds."""

# The share (squared) of a mean's own direction that must stay free. Below, it could move by a hundredth of what the
# others move, so that the bounds of the levels hold it in its place.
_LEAST_FREE = 1e-4
# Up to so many hidden targets of a unit, or of a whole evaluation, each must have an alternative that can be written
# down; beyond, so many directions are free that the rank and the bounds decide.
_WALKED_UNIT = 12
_WALKED_ALL = 40
# Units are looked at first; figures over all targets must not take much from what barely passed there.
_LEAST_FREE_ACROSS = _LEAST_FREE / 4.0
_ROUNDING = 1e-9


class Extent(IntEnum):
    """How much of a sum over targets is published; each step adds to the one before.

    MEANS: mean and score. SPREADS: their standard errors and intervals. POOLED: the mean of all ballots.
    ALL: its clustered standard error.
    """

    NONE = 0
    MEANS = 1
    SPREADS = 2
    POOLED = 3
    ALL = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """The withheld targets with ballots (k,): valid ballots, true mean and score, unit (NOWHERE for none)."""

    n: Ints
    mean: Floats
    score: Floats
    unit: Ints

    def take(self, rows: Ints | Bools) -> "Hidden":
        """Return the chosen targets."""
        return Hidden(n=self.n[rows], mean=self.mean[rows], score=self.score[rows], unit=self.unit[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class Release:
    """What is published beside shown targets: Extent per unit (n_units,) and overall; centre: pooled mean per unit.

    fit: the reliability record's fit where hidden targets took part in it, None where it tells nothing about them.
    """

    units: Ints
    centre: Floats
    overall: Extent
    fit: Reliability | None


def derivable(hidden: Hidden, release: Release, scale: Scale) -> Bools:
    """Tell which hidden targets (k,) are derivable: from their own unit's figures, or from all figures together."""
    pinned = pinned_by_all(hidden, release, scale)
    for rows, extent, centre in _blocks(hidden, release):
        pinned[rows] |= pinned_in_unit(hidden.take(rows), extent, scale, centre=centre)
    return pinned


def pinned_in_unit(hidden: Hidden, extent: Extent, scale: Scale, *, centre: float) -> Bools:
    """Tell which hidden targets (k,) of one unit its own figures give away. centre: the mean of all its ballots.

    Rank: a published function, linear or not, is one equation; a mean is derivable if its direction lies in the span
    of the gradients at a point in general position, so that k equations need k + 1 unknowns and a finite number of
    solutions counts as derived. Bounds of the levels: linear programs. Sums of squares: a sphere so small that it hides
    nothing; and in a unit with few hidden targets, no other means nearby that fit all of its figures.
    """
    if extent == Extent.NONE or not len(hidden.n):
        return np.zeros(len(hidden.n), dtype=np.bool_)
    basis = row_basis(_gradients(extent, hidden.n, _anywhere(len(hidden.n), scale)))
    pinned = 1.0 - (basis**2).sum(axis=0) < _LEAST_FREE
    sums = Sums(n=hidden.n, mean=hidden.mean, score=hidden.score, pooled=extent >= Extent.POOLED)
    if not pinned.all():
        pinned |= pinned_by_sums(sums, scale) | _pinned_by_squares(sums, extent, scale, centre=centre)
    if extent >= Extent.SPREADS and len(hidden.n) <= _WALKED_UNIT and not pinned.any():
        pinned |= _stuck(unit_equations(extent, hidden.n, centre=centre), hidden, scale)
    return np.asarray(pinned, dtype=np.bool_)


def pinned_by_all(hidden: Hidden, release: Release, scale: Scale) -> Bools:
    """Tell which hidden targets (k,) the figures over all targets give away, taken together with those of units."""
    if not len(hidden.n):
        return np.zeros(0, dtype=np.bool_)
    free = np.ones(len(hidden.n))
    blocks = list(_blocks(hidden, release))
    anywhere = _anywhere(len(hidden.n), scale)
    for rows, _, _ in blocks:
        anywhere[rows] = _anywhere(len(rows), scale)
    across = _gradients_across(hidden, release, anywhere)
    for rows, extent, _centre in blocks:
        basis = row_basis(_gradients(extent, hidden.n[rows], anywhere[rows]))
        free[rows] -= (basis**2).sum(axis=0)
        across[:, rows] -= (across[:, rows] @ basis.T) @ basis
    # What the units' figures already tell is left as rounding.
    across = across[np.linalg.norm(across, axis=1) > _ROUNDING]
    free -= (row_basis(across) ** 2).sum(axis=0)
    pinned = np.asarray((free < _LEAST_FREE_ACROSS) | _bounded_across(hidden, release, scale), dtype=np.bool_)
    told = release.overall > Extent.NONE or release.fit is not None
    if told and len(hidden.n) <= _WALKED_ALL and not pinned.any():
        pinned |= _stuck(_all_equations(hidden, release), hidden, scale)
    return pinned


def unit_equations(extent: Extent, n: Ints, *, centre: float) -> Equations:
    """Return what a sum over targets with n (k,) ballots publishes about their means."""
    rows = np.array([np.ones(len(n)), n])[: 2 if extent >= Extent.POOLED else 1 if extent >= Extent.MEANS else 0]
    squares = int(extent >= Extent.SPREADS) + int(extent >= Extent.ALL)
    return Equations(
        rows=rows.astype(np.float64),
        weights=np.array([np.ones(len(n)), n**2], dtype=np.float64)[:squares],
        centres=np.array([0.0, centre])[:squares],
    )


def _all_equations(hidden: Hidden, release: Release) -> Equations:
    """Return the equations of all units, of the overall figures and of the fit, over all hidden targets."""
    parts = [unit_equations(release.overall if release.overall < Extent.ALL else Extent.POOLED, hidden.n, centre=0.0)]
    for rows, extent, centre in _blocks(hidden, release):
        own = unit_equations(extent, hidden.n[rows], centre=centre)
        parts.append(
            Equations(
                rows=_spread_out(own.rows, rows, hidden),
                weights=_spread_out(own.weights, rows, hidden),
                centres=own.centres,
            )
        )
    if release.fit is not None and release.fit.mu is not None:
        weight = fit_weights(hidden.n, release.fit)[None, :]
        parts.append(Equations(rows=weight, weights=weight**2, centres=np.array([release.fit.mu])))
    return Equations(
        rows=np.vstack([part.rows for part in parts]),
        weights=np.vstack([part.weights for part in parts]),
        centres=np.concatenate([part.centres for part in parts]),
    )


def _spread_out(values: Floats, rows: Ints, hidden: Hidden) -> Floats:
    """Place the columns of one unit's hidden targets among those of all."""
    wide = np.zeros((len(values), len(hidden.n)))
    wide[:, rows] = values
    return wide


def _stuck(equations: Equations, hidden: Hidden, scale: Scale) -> Bools:
    ends = float(scale.levels.min()), float(scale.levels.max())
    return stuck(equations, hidden.mean, reach=scale.step / hidden.n, lowest=ends[0], highest=ends[1])


def _blocks(hidden: Hidden, release: Release) -> Iterator[tuple[Ints, Extent, float]]:
    """Yield the positions of the hidden targets of each unit of which something is published."""
    order = np.argsort(hidden.unit, kind="stable")
    starts = np.flatnonzero(np.diff(hidden.unit[order], prepend=NOWHERE - 1))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        unit = int(hidden.unit[rows[0]])
        if unit != NOWHERE and release.units[unit] > Extent.NONE:
            yield rows, Extent(int(release.units[unit])), float(release.centre[unit])


def _anywhere(size: int, scale: Scale) -> Floats:
    """Return means (size,) in general position, the same ones each time a unit is looked at.

    Gradients at the true means may coincide by chance, as where all are equal.
    """
    return np.random.default_rng(size).uniform(scale.levels.min(), scale.levels.max(), size)


def _gradients(extent: Extent, n: Ints, mean: Floats) -> Floats:
    """Return the gradients (r, k) of a unit's published figures by the hidden means."""
    rows = [np.ones(len(n)), mean, n.astype(np.float64), n**2 * mean]
    return np.array(rows[: int(extent)], dtype=np.float64)


def _gradients_across(hidden: Hidden, release: Release, mean: Floats) -> Floats:
    """Return the gradients (r, k) of the overall figures and of the reliability fit.

    The fit solves mu = sum(w m) / sum(w) and sum(w^2 (m - mu)^2) = sigma2 * (something known), w = n / (1 + n ratio).
    Its third equation, for sigma2, holds the spread within hidden targets, one more unknown of its own.
    """
    rows = list(_gradients(release.overall, hidden.n, mean)[:3])
    if release.fit is not None and release.fit.mu is not None:
        weight = fit_weights(hidden.n, release.fit)
        rows += [weight, weight**2 * mean]
    return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float64).reshape(-1, len(hidden.n))


def fit_weights(n: Ints, fit: Reliability) -> Floats:
    """Return the weight of each target's mean in the fitted mu, up to a factor."""
    if fit.tau2 is None or fit.sigma2 is None:
        return n.astype(np.float64)
    if fit.sigma2 == 0.0:
        return np.ones(len(n))
    return np.asarray(n / (1.0 + n * (fit.tau2 / fit.sigma2)), dtype=np.float64)


def _pinned_by_squares(sums: Sums, extent: Extent, scale: Scale, *, centre: float) -> Bools:
    if extent < Extent.SPREADS:
        return np.zeros(len(sums.n), dtype=np.bool_)
    pinned = pinned_by_spread(sums.mean, sums.rows(), reach=scale.step / sums.n)
    points = np.diff(np.sort(scale.points))
    if len(points) and points.min() > 0.0:
        pinned |= pinned_by_spread(sums.score, np.ones((1, len(sums.n))), reach=points.min() / sums.n)
    if extent >= Extent.ALL:
        # The clustered error is a sphere in n * (mean - centre), where a mean's step is one level of one ballot.
        far = sums.n * (sums.mean - centre)
        pinned |= pinned_by_spread(far, sums.rows() / sums.n, reach=np.full(len(far), scale.step))
    return pinned


def _bounded_across(hidden: Hidden, release: Release, scale: Scale) -> Bools:
    """Apply the bounds to the sums over all targets: less what shown units tell, they are sums over the rest."""
    pinned = np.zeros(len(hidden.n), dtype=np.bool_)
    told = np.append(release.units, Extent.NONE)[hidden.unit]
    rest = np.flatnonzero(told == Extent.NONE)
    if release.overall >= Extent.MEANS and len(rest):
        part = hidden.take(rest)
        pinned[rest] |= pinned_by_sums(
            Sums(n=part.n, mean=part.mean, score=part.score, pooled=release.overall >= Extent.POOLED), scale
        )
    if release.fit is not None and release.fit.mu is not None:
        pinned |= _pinned_by_weighted_sum(hidden, fit_weights(hidden.n, release.fit), scale)
    if release.overall >= Extent.SPREADS or release.fit is not None:
        pinned |= _pinned_by_joint_spread(hidden, told, scale)
    return pinned


def _pinned_by_weighted_sum(hidden: Hidden, weight: Floats, scale: Scale) -> Bools:
    """Bound each mean by sum(w m): it can move as far as all others together can make up for."""
    up, down = scale.levels.max() - hidden.mean, hidden.mean - scale.levels.min()
    others_up, others_down = (weight @ up - weight * up) / weight, (weight @ down - weight * down) / weight
    width = np.minimum(up, others_down) + np.minimum(down, others_up)
    return np.asarray(width * hidden.n < ENOUGH * scale.step, dtype=np.bool_)


def _pinned_by_joint_spread(hidden: Hidden, told: Ints, scale: Scale) -> Bools:
    """Bound the means of units without published errors by the sum of squares that is left for them together."""
    open_ = told < Extent.SPREADS
    _units, place = np.unique(hidden.unit[open_], return_inverse=True)
    mean, size = hidden.mean[open_], np.bincount(place)
    centred = mean - (np.bincount(place, weights=mean) / size)[place]
    width = 2.0 * np.sqrt(float(centred @ centred) * (1.0 - 1.0 / size[place]))
    pinned = np.zeros(len(hidden.n), dtype=np.bool_)
    pinned[open_] = width * hidden.n[open_] < ENOUGH * scale.step
    return pinned


def exposed(records: "Published", tally: Tally, *, scale: Scale) -> tuple[str, ...]:
    """Audit finished records as a reader would, from nothing but which figures are null; return derivable targets.

    tally: what the records were made of, with the targets in their order. The fit over all targets counts as published
    if the reliability record repeats its mu.
    """
    size = len(tally.targets)
    mean = combine(tally.mean_moments(), tally.cell_target, size=size)
    score = combine(tally.score_moments(), tally.cell_target, size=size)
    places = {record["unit"]: place for place, record in enumerate(records.units)}
    unit = np.array([places.get(record["unit"], NOWHERE) for record in records.targets], dtype=np.int64)
    secret = np.array([record["mean"] is None for record in records.targets], dtype=np.bool_) & (mean.n > 0)
    hidden = Hidden(n=mean.n, mean=mean.mean, score=score.mean, unit=unit).take(secret)
    fit = fit_reliability(mean)
    release = Release(
        units=np.array([extent_of(record) for record in records.units], dtype=np.int64),
        centre=centres(mean, unit, size=len(places)),
        overall=extent_of(records.overall),
        fit=fit if records.reliability["mu"] == fit.mu else None,
    )
    found = derivable(hidden, release, scale)
    return tuple(records.targets[row]["target"] for row in np.flatnonzero(secret)[found].tolist())


@dataclass(frozen=True, kw_only=True)
class Published:
    """The records of one evaluation that an audit reads."""

    targets: Sequence[Mapping[str, Any]]
    units: Sequence[Mapping[str, Any]]
    overall: Mapping[str, Any]
    reliability: Mapping[str, Any]


def centres(mean: Moments, unit: Ints, *, size: int) -> Floats:
    """Return the mean of all ballots of each unit (size,), 0 without a ballot."""
    inside = unit >= 0
    n = np.bincount(unit[inside], weights=mean.n[inside], minlength=size)
    total = np.bincount(unit[inside], weights=(mean.n * mean.mean)[inside], minlength=size)
    return np.asarray(total / np.maximum(n, 1.0))


def extent_of(record: Mapping[str, Any]) -> Extent:
    """Return the largest extent that any published figure of a sum belongs to."""
    figures = {
        Extent.ALL: ("pooled_mean_se_cluster",),
        Extent.POOLED: ("pooled_mean", "counts"),
        Extent.SPREADS: ("mean_se", "score_se", "score_ci"),
        Extent.MEANS: ("mean", "score"),
    }
    found = (extent for extent, names in figures.items() if any(record.get(name) is not None for name in names))
    return next(found, Extent.NONE)
