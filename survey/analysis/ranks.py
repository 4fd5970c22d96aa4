"""Ranks as bands, only where the ballots can carry them, and the chance to be below a threshold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, total
from survey.analysis.intervals import CONFIDENCE
from survey.analysis.shrinkage import Shrunken

LEAST_RELIABILITY = 0.8
"""Targets below it get no rank: with few ballots a rank is noise."""

_NODES_PER_SD = 2.5
_REACH = 8.0
_MOST_NODES = 20_000
_MOST_CELLS = 400_000_000
_CHUNK = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedRanks:
    """Expected ranks (n_targets,), 1 for the highest, with sd and a 95 % band within [1, of].

    of: how many targets stand in the ranking. NaN for targets below the reliability that a rank needs, and for
    those without a ballot.
    """

    expected: Floats
    sd: Floats
    low: Floats
    high: Floats
    of: int


def expected_ranks(targets: Shrunken, *, least: float = LEAST_RELIABILITY) -> ExpectedRanks:
    """Return the expected rank 1 + sum over j of Phi((theta_j - theta_i) / sqrt(v_i + v_j)) among all known targets.

    theta, v: shrunken mean and squared sd, taken as independent normal posteriors (Laird and Louis 1989). The sd is
    that of the rank itself under these posteriors: Var(R_i) = E[sum q (1 - q)] + Var(sum q) over theta_i, with
    q_j = P(theta_j > theta_i), the shared theta_i included; the band is expected -+ 1.96 sd. All targets with a known
    mean are ranked against each other; those of reliability below `least` are not shown.
    One pass over a grid of theta instead of all pairs: 108,000 targets take seconds, not minutes. Exact to 1e-9, but
    where a target is known far better than the finest grid can show (3,700 nodes for 108,000 targets, 20,000 for few)
    it counts as known as well as the grid allows. Checked against R (all pairs) and simulation.
    """
    nothing = np.full(len(targets.mean), np.nan)
    known = np.flatnonzero(~np.isnan(targets.mean) & ~np.isnan(targets.sd))
    shown = known[targets.reliability[known] >= least]
    if not len(shown):
        return ExpectedRanks(expected=nothing, sd=nothing, low=nothing, high=nothing, of=len(known))
    mean, sd = targets.mean[known], _usable_sd(targets.mean[known], targets.sd[known])
    expected, spread = nothing.copy(), nothing.copy()
    rows = np.searchsorted(known, shown)
    expected[shown], spread[shown] = _moments_of_ranks(mean, sd, rows)
    reach = _two_sided_z() * spread
    return ExpectedRanks(
        expected=expected,
        sd=spread,
        low=np.maximum(expected - reach, 1.0),
        high=np.minimum(expected + reach, float(len(known))),
        of=len(known),
    )


def chance_below(targets: Shrunken, threshold: float) -> Floats:
    """Return P(theta < threshold) (n_targets,) of the normal posterior, NaN where theta is unknown.

    threshold: in level units, like the shrunken mean. An sd of 0 gives 0 or 1, and 1/2 on the threshold itself.
    """
    from scipy.special import ndtr

    distance = threshold - targets.mean
    certain = np.where(distance == 0.0, 0.5, (distance > 0.0).astype(np.float64))
    return np.where(
        np.isnan(distance) | np.isnan(targets.sd),
        np.nan,
        np.where(targets.sd == 0.0, certain, ndtr(divide(distance, targets.sd))),
    )


def _two_sided_z() -> float:
    from scipy.special import ndtri

    return float(ndtri((1.0 + CONFIDENCE) / 2.0))


def _usable_sd(mean: Floats, sd: Floats) -> Floats:
    """Return the sd, raised where they would ask for more nodes than can be afforded; never 0."""
    width = float(np.ptp(mean)) + 2.0 * _REACH * float(sd.max())
    nodes = min(_MOST_NODES, _MOST_CELLS // len(mean))
    return np.maximum(sd, width * _NODES_PER_SD / nodes) if width > 0.0 else np.ones_like(sd)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grid:
    """Steps of theta, and at each of them the sums over all targets of q = P(theta_j > t) and of q (1 - q)."""

    nodes: Floats
    above: Floats
    doubt: Floats


def _moments_of_ranks(mean: Floats, sd: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Return expectation and sd of the ranks of `rows` by a trapezoid sum over theta_i.

    With nodes closer than sd / 2 the sum over a product of normal curves is exact to rounding.
    """
    grid = _grid(mean, sd)
    expected, spread = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    for some, near in _windows(grid.nodes, mean, sd, rows):
        expected[some], spread[some] = _rank_rows(grid, near, mean[some], sd[some])
    return expected[rows], spread[rows]


def _grid(mean: Floats, sd: Floats) -> _Grid:
    from scipy.special import ndtr

    step, reach = float(sd.min()) / _NODES_PER_SD, _REACH * float(sd.max())
    nodes = np.arange(float(mean.min()) - reach, float(mean.max()) + reach + 2.0 * step, step)
    size = len(nodes)
    above, doubt = np.zeros(size), np.zeros(size)
    for some, near in _windows(nodes, mean, sd, np.arange(len(mean))):
        q = ndtr((mean[some, None] - nodes[near]) / sd[some, None])
        above += total(q.ravel(), near.ravel(), size=size)
        doubt += total((q * (1.0 - q)).ravel(), near.ravel(), size=size)
        # To the left of its window a target lies above the node for certain.
        above += len(some) - np.cumsum(np.bincount(near[:, 0], minlength=size))
    return _Grid(nodes=nodes, above=above, doubt=doubt)


def _rank_rows(grid: _Grid, near: Ints, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtr

    z = (grid.nodes[near] - mean[:, None]) / sd[:, None]
    weight = np.exp(-0.5 * z * z)
    weight /= weight.sum(axis=1, keepdims=True)
    own = ndtr(-z)
    others = grid.above[near] - own
    expected = (weight * others).sum(axis=1)
    shared = (weight * (others - expected[:, None]) ** 2).sum(axis=1)
    single = (weight * (grid.doubt[near] - own * (1.0 - own))).sum(axis=1)
    return 1.0 + expected, np.sqrt(shared + np.maximum(single, 0.0))


def _windows(nodes: Floats, mean: Floats, sd: Floats, rows: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows of like sd with the positions (n_rows, width) of the nodes within 8 sd, a few tens of MB at a time."""
    step = float(nodes[1] - nodes[0])
    queue = rows[np.argsort(sd[rows], kind="stable")[::-1]]
    while len(queue):
        half = _REACH * float(sd[queue[0]])
        width = min(int(2.0 * half / step) + 3, len(nodes))
        some, queue = np.split(queue, [max(_CHUNK // width, 1)])
        start = np.floor((mean[some] - half - nodes[0]) / step).astype(np.int64)
        yield some, np.clip(start, 0, len(nodes) - width)[:, None] + np.arange(width)
