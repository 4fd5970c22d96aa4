"""How far published sums pin down the withheld means they hold: the width of what is left open."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints

ENOUGH = 1.0 - 1e-6
"""A mean is pinned down if less is open for the sum of its ballots than one answer's step from level to level."""

# Of more targets, those outside a part are held at their true values: that can only make bounds too narrow.
_TOGETHER = 12
_SCREENED = 100
_RANK = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale:
    """The levels and their points (n_levels,). coupled: a ballot's score weights its items as its mean does."""

    levels: Floats
    points: Floats
    coupled: bool = True

    @property
    def step(self) -> float:
        """The smallest distance of two levels."""
        return float(np.diff(np.sort(self.levels)).min()) if len(self.levels) > 1 else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """Hidden targets (k,) of which the sums of means and scores are known; pooled: that of n * mean is known too."""

    n: Ints
    mean: Floats
    score: Floats
    pooled: bool

    def rows(self) -> Floats:
        """Return the known linear functions of the means, (1 or 2, k)."""
        ones = np.ones((1, len(self.n)))
        return np.vstack([ones, self.n[None, :]]) if self.pooled else ones

    def take(self, rows: Ints) -> "Sums":
        """Return the chosen targets; their sums are known because the others' values are taken as known."""
        return Sums(n=self.n[rows], mean=self.mean[rows], score=self.score[rows], pooled=self.pooled)


def row_basis(rows: Floats) -> Floats:
    """Return an orthonormal basis (rank, k) of the rows (r, k); rows that repeat others count once."""
    lengths = np.linalg.norm(rows, axis=1)
    kept = rows[lengths > 0.0] / lengths[lengths > 0.0, None]
    if not len(kept):
        return np.zeros((0, rows.shape[1]))
    _left, size, right = np.linalg.svd(kept, full_matrices=False)
    return np.asarray(right[size > _RANK * size[0]])


def pinned_by_sums(sums: Sums, scale: Scale) -> Bools:
    """Tell which hidden means (k,) the sums pin down, given that every answer is one of the levels.

    (mean, score) of a target is a mixture of (level, points): unknown shares of levels are the variables of a linear
    program, whose least and largest mean are the bounds (SciPy HiGHS). Where a plain exchange between two targets
    already shows that enough is open, no program is solved.
    """
    pinned = np.zeros(len(sums.n), dtype=np.bool_)
    for part in _parts(len(sums.n), _SCREENED):
        chosen = sums.take(part)
        pinned[part] = _open_at_least(chosen, scale) * chosen.n < ENOUGH * scale.step
    for part in _parts(len(sums.n), _TOGETHER):
        if pinned[part].any():
            chosen = sums.take(part)
            pinned[part] &= _program_widths(chosen, scale, asked=pinned[part]) * chosen.n < ENOUGH * scale.step
    return pinned


def pinned_by_spread(values: Floats, rows: Floats, *, reach: Floats) -> Bools:
    """Tell which hidden values (k,) are pinned down by linear rows (r, k) and their sum of squares together.

    They lie on a sphere around the point of the rows' plane that is nearest to 0: its radius is known, so value i is
    within -+ radius * |its free direction|. reach (k,): the width below which a value counts as pinned down.
    """
    basis = row_basis(rows)
    radius = np.sqrt(max(float(values @ values) - float(((basis @ values) ** 2).sum()), 0.0))
    width = 2.0 * radius * np.sqrt(np.maximum(1.0 - (basis**2).sum(axis=0), 0.0))
    return np.asarray(width < reach * ENOUGH, dtype=np.bool_)


def _parts(size: int, most: int) -> list[Ints]:
    """Cut positions 0..size-1 into even parts of `most` at most."""
    return np.array_split(np.arange(size), max(-(-size // most), 1))


def _open_at_least(sums: Sums, scale: Scale) -> Floats:
    """Return a width (k,) that is certainly open for each mean: what straight moves reach inside the bounds."""
    widths = [_reach(sums, *_room(sums, scale, slope)) for slope in _slopes(scale)]
    return np.asarray(np.max(widths, axis=0))


def _reach(sums: Sums, up: Floats, down: Floats) -> Floats:
    if sums.pooled:
        return _reach_along(row_basis(sums.rows()), up, down)
    return np.asarray(np.minimum(up, _best_other(down)) + np.minimum(down, _best_other(up)))


def _best_other(room: Floats) -> Floats:
    """Return the largest room among the other targets (k,), 0 for a single one."""
    if len(room) < 2:
        return np.zeros(len(room))
    first = int(np.argmax(room))
    best = np.full(len(room), room[first])
    best[first] = np.delete(room, first).max()
    return best


def _reach_along(basis: Floats, up: Floats, down: Floats) -> Floats:
    """Move along each target's own direction that the rows leave free, until any target meets its bound."""
    direction = np.eye(len(up)) - basis.T @ basis
    size, moving = np.abs(direction), np.abs(direction) > _RANK
    forth, back = np.full(direction.shape, np.inf), np.full(direction.shape, np.inf)
    np.divide(np.where(direction > 0.0, up, down), size, out=forth, where=moving)
    np.divide(np.where(direction > 0.0, down, up), size, out=back, where=moving)
    own = np.diag(direction)
    steps = np.where(own > _RANK, forth.min(axis=1) + back.min(axis=1), 0.0)
    return np.asarray(np.where(own > _RANK, steps, 0.0) * own)


def _slopes(scale: Scale) -> list[float]:
    """Return the directions points per level that are tried: those of the lines that bound mean and score."""
    return sorted({slope for slope, _start, _upper in _lines(scale)}) if scale.coupled else [0.0]


def _lines(scale: Scale) -> list[tuple[float, float, bool]]:
    """Return the lines score = slope * mean + start that bound all mixtures of (level, points); upper or lower."""
    found = []
    for a in range(len(scale.levels)):
        for b in range(a + 1, len(scale.levels)):
            slope = float((scale.points[b] - scale.points[a]) / (scale.levels[b] - scale.levels[a]))
            start = float(scale.points[a] - slope * scale.levels[a])
            rest = scale.points - slope * scale.levels - start
            found += [(slope, start, True)] if (rest <= 1e-9).all() else []
            found += [(slope, start, False)] if (rest >= -1e-9).all() else []
    return found or [(0.0, 0.0, True)]


def _room(sums: Sums, scale: Scale, slope: float) -> tuple[Floats, Floats]:
    """Return how far each mean (k,) can rise and fall while its score moves with this slope."""
    up, down = scale.levels.max() - sums.mean, sums.mean - scale.levels.min()
    for line, start, upper in _lines(scale) if scale.coupled else []:
        gap = np.maximum((line * sums.mean + start - sums.score) * (1.0 if upper else -1.0), 0.0)
        closing = (slope - line) * (1.0 if upper else -1.0)
        if closing > 1e-9:
            up = np.minimum(up, gap / closing)
        elif closing < -1e-9:
            down = np.minimum(down, gap / -closing)
    return np.maximum(up, 0.0), np.maximum(down, 0.0)


def _program_widths(sums: Sums, scale: Scale, *, asked: Bools) -> Floats:
    """Return largest minus least mean (k,) by linear programs; infinite where not asked.

    The programs of one set of targets differ in their aim only, so that they stand in one sparse program side by side.
    """
    from scipy.optimize import linprog
    from scipy.sparse import block_diag

    places = np.flatnonzero(asked)
    matrix, known = _equalities(sums, scale)
    size = matrix.shape[1]
    aims = np.zeros((2 * len(places), size))
    for row, place in enumerate(places.tolist()):
        own = slice(place * len(scale.levels), (place + 1) * len(scale.levels))
        aims[2 * row, own], aims[2 * row + 1, own] = scale.levels, -scale.levels
    found = linprog(
        aims.ravel(),
        A_eq=block_diag([matrix] * len(aims), format="csr"),
        b_eq=np.tile(known, len(aims)),
        bounds=(0.0, 1.0),
        method="highs",
    )
    widths = np.full(len(sums.n), np.inf)
    # The truth satisfies the program; should rounding hide that, nothing is known to be open.
    ends = (aims * found.x.reshape(aims.shape)).sum(axis=1) if found.status == 0 else np.zeros(len(aims))
    widths[places] = -(ends[0::2] + ends[1::2])
    return widths


def _equalities(sums: Sums, scale: Scale) -> tuple[Floats, Floats]:
    """Return the equations on the shares of levels, (k * n_levels) variables: shares sum to 1, the published sums."""
    size, width = len(sums.n), len(scale.levels)
    shares = np.kron(np.eye(size), np.ones(width))
    by_mean = np.kron(sums.rows(), scale.levels)
    known = [np.ones(size), sums.rows() @ sums.mean]
    rows = [shares, by_mean]
    if scale.coupled:
        rows.append(np.kron(np.ones((1, size)), scale.points))
        known.append(np.array([sums.score.sum()]))
    return np.vstack(rows), np.concatenate(known)
