"""Other values of withheld means with which every published figure would be the same: the proof that they are open."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats
from survey.analysis.bounds import ENOUGH, row_basis

_STEPS = 24
_LONGEST = 0.25
_CORRECTIONS = 4
# Published sums are doubles: what agrees with them so closely cannot be told from the truth.
_EXACT = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class Equations:
    """Published functions of k hidden means: rows (r, k) of linear ones; sums of weight * (mean - centre)^2.

    weights (q, k), centres (q,): of the squares.
    """

    rows: Floats
    weights: Floats
    centres: Floats

    def values(self, means: Floats) -> Floats:
        """Return the sums of squares (..., q) at means (..., k)."""
        return np.asarray((self.weights * (means[..., None, :] - self.centres[:, None]) ** 2).sum(axis=-1))

    def gradients(self, means: Floats) -> Floats:
        """Return the gradients (..., q, k) of the sums of squares."""
        return np.asarray(2.0 * self.weights * (means[..., None, :] - self.centres[:, None]))


def stuck(equations: Equations, means: Floats, *, reach: Floats, lowest: float, highest: float) -> Bools:
    """Tell which hidden means (k,) cannot be moved by `reach` (k,) in all while every published function stays.

    From the true means one walks up and down along the surface of all equations, each time in the direction that moves
    this mean most, and corrects for the curvature (Newton); what is reached is an alternative that no reader can rule
    out. Where the walk finds none there may still be one far away: that counts as stuck.
    """
    free = _free_basis(equations.rows, len(means))
    scaled = _scaled(equations, means)
    up, down = (_walk(scaled, means, free, sign=sign, reach=reach, box=(lowest, highest)) for sign in (1.0, -1.0))
    return np.asarray(up + down < reach * ENOUGH, dtype=np.bool_)


def _free_basis(rows: Floats, size: int) -> Floats:
    """Return an orthonormal basis (k, d) of the directions that leave the linear functions as they are."""
    basis = row_basis(rows.reshape(-1, size))
    _left, _size, right = np.linalg.svd(np.vstack([basis, np.zeros((1, size))]), full_matrices=True)
    return np.asarray(right[len(basis) :].T)


def _scaled(equations: Equations, means: Floats) -> Equations:
    """Bring the sums of squares to one size, so that one tolerance fits all."""
    size = np.maximum(equations.weights.sum(axis=1), np.finfo(np.float64).tiny)
    return Equations(rows=equations.rows, weights=equations.weights / size[:, None], centres=equations.centres)


def _walk(
    equations: Equations, means: Floats, free: Floats, *, sign: float, reach: Floats, box: tuple[float, float]
) -> Floats:
    """Return how far (k,) each mean came in one direction; walker i moves all means for the sake of the i-th."""
    walkers = np.tile(means, (len(means), 1))
    moved = np.zeros(len(means))
    known = equations.values(means)
    for _step in range(_STEPS):
        trial = _corrected(equations, walkers + sign * _stride(equations, walkers, free, reach), free, known=known)
        sound = (np.abs(equations.values(trial) - known) < _EXACT).all(axis=1)
        sound &= ((trial >= box[0] - _EXACT) & (trial <= box[1] + _EXACT)).all(axis=1)
        further = sign * (np.diag(trial) - means) > moved
        walkers[sound & further] = trial[sound & further]
        moved = np.maximum(sign * (np.diag(walkers) - means), 0.0)
        if not (sound & further & (moved < reach)).any():
            break
    return moved


def _stride(equations: Equations, walkers: Floats, free: Floats, reach: Floats) -> Floats:
    """Return each walker's step (k, k): tangent to the sums of squares, steepest for its own mean, not too long."""
    slopes = equations.gradients(walkers) @ free
    wish = np.asarray(free)[:, :, None]
    along = wish - _transposed(slopes) @ (_gram_inverse(slopes) @ (slopes @ wish))
    step = along[:, :, 0] @ free.T
    length, own = np.linalg.norm(step, axis=1), np.diag(step)
    wanted = np.divide(reach * length, 2.0 * own, out=np.zeros(len(own)), where=own > _EXACT)
    size = np.divide(np.minimum(wanted, _LONGEST), length, out=np.zeros(len(own)), where=length > _EXACT)
    return np.asarray(step * size[:, None])


def _corrected(equations: Equations, walkers: Floats, free: Floats, *, known: Floats) -> Floats:
    """Return walkers brought back to the known sums of squares by Newton's steps of least length."""
    for _round in range(_CORRECTIONS):
        slopes = equations.gradients(walkers) @ free
        gap = (equations.values(walkers) - known)[:, :, None]
        back = _transposed(slopes) @ (_gram_inverse(slopes) @ gap)
        walkers = walkers - np.clip(back[:, :, 0], -_LONGEST, _LONGEST) @ free.T
    return walkers


def _gram_inverse(slopes: Floats) -> Floats:
    return np.asarray(np.linalg.pinv(slopes @ _transposed(slopes), rcond=1e-12, hermitian=True))


def _transposed(rows: Floats) -> Floats:
    return np.swapaxes(rows, -1, -2)
