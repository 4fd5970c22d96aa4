"""A unit against its peers with the same mix: what they would score if they had its grades and audiences."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide
from survey.analysis.comparison import rest_of
from survey.analysis.intervals import Interval, t_interval, two_sided_p
from survey.analysis.moments import Moments


@dataclass(frozen=True, kw_only=True, eq=False)
class Benchmark:
    """Units (n_units,) held against all others; the figures are in the units of the values, NaN where undefined.

    observed: the unit's mean over the cells that peers have too; expected: the peers' cell means, weighted by the
    unit's mix over these cells; difference = observed - expected with se, 95 % interval, df and p. covered: share of
    the unit's values that lie in such cells; without_peers (n_units, n_cells): cells that only this unit has, which
    the comparison leaves out and whoever prints it must name.
    """

    observed: Floats
    observed_se: Floats
    expected: Floats
    expected_se: Floats
    difference: Floats
    se: Floats
    interval: Interval
    df: Floats
    p: Floats
    covered: Floats
    without_peers: Bools


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """A weighted mean of cell means (n_units,), its variance, and the part of Satterthwaite's df that it adds."""

    mean: Floats
    variance: Floats
    doubt: Floats


def benchmark(cells: Moments) -> Benchmark:
    """Hold each unit against all others at its own mix: cells (n_units, n_cells), a cell being e.g. grade x audience.

    The values in a cell are one per rated target, as everywhere between units (never ballots); they count as
    independent, so a peer with many targets weighs more. Direct standardisation: E = sum w_c * mean of the peers in
    cell c, w_c = n_c / n the unit's own shares; Var = sum w_c^2 s_c^2 / n_c on both sides, t with Satterthwaite's df.
    A cell with one value takes the side's variance pooled over its cells. NaN where the variance is unknown or 0.
    Checked against R (cell by cell on the single values) and, with one cell, against Welch's t against the rest.
    """
    peers = rest_of(cells)
    shared = (cells.n > 0) & (peers.n > 0)
    inside = np.where(shared, cells.n, 0)
    total = inside.sum(axis=1)
    weight = divide(inside, total[:, None])
    own, others = _weighted(cells, weight), _weighted(peers, weight)
    difference = own.mean - others.mean
    variance = own.variance + others.variance
    se = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    df = divide(variance**2, own.doubt + others.doubt)
    return Benchmark(
        observed=own.mean,
        observed_se=np.sqrt(own.variance),
        expected=others.mean,
        expected_se=np.sqrt(others.variance),
        difference=difference,
        se=se,
        interval=t_interval(difference, se, df=df),
        df=df,
        p=two_sided_p(divide(difference, se), df=df),
        covered=divide(total, cells.n.sum(axis=1)),
        without_peers=(cells.n > 0) & (peers.n == 0),
    )


def _weighted(cells: Moments, weight: Floats) -> _Side:
    """weight (n_units, n_cells): NaN rows for units without a shared cell."""
    used = weight > 0.0
    freedom: Ints = np.where(used, np.maximum(cells.n - 1, 0), 0)
    pooled_df = freedom.sum(axis=1)[:, None]
    pooled = divide(np.where(used, cells.ss, 0.0).sum(axis=1)[:, None], pooled_df)
    several = cells.n > 1
    spread = np.where(several, np.nan_to_num(cells.variance()), pooled)
    parts = np.where(used, weight**2 * divide(spread, cells.n), 0.0)
    # Cells of one value share one estimate of the variance, so their parts are added before they are squared.
    lone = np.where(used & ~several, parts, 0.0).sum(axis=1)
    doubt = np.where(used & several, divide(parts**2, cells.n - 1), 0.0).sum(axis=1)
    doubt += np.where(lone > 0.0, divide(lone**2, pooled_df[:, 0]), 0.0)
    known = used.any(axis=1)
    mean = np.where(known, np.where(used, weight * cells.mean, 0.0).sum(axis=1), np.nan)
    return _Side(
        mean=mean,
        variance=np.where(known, parts.sum(axis=1), np.nan),
        doubt=np.where(known, doubt, np.nan),
    )
