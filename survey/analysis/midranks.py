"""Ranks of all values together, summed by group: what Kruskal-Wallis and Dunn need, from values or level counts."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, total

# Equal means from different sums may differ in the last bit; ranks must see them as ties.
_DECIMALS = 11


@dataclass(frozen=True, kw_only=True, eq=False)
class Midranks:
    """Midranks (1 = lowest, ties averaged) of the pooled values by group (n_groups,).

    n: values of each group; mean: its mean rank, NaN without a value; ss: sum of squared deviations of all midranks
    from (N + 1) / 2. That is (N^3 - N - sum of t^3 - t over ties) / 12 without the cancellation, and without cubes
    that pass 2^63 at three million equal answers.
    """

    n: Ints
    mean: Floats
    ss: float

    @property
    def size(self) -> int:
        """All values together."""
        return int(self.n.sum())

    def spread(self) -> float:
        """Return the variance of one midrank, ss / (N - 1); 0 where nothing varies."""
        return self.ss / (self.size - 1) if self.size > 1 else 0.0


def ranks_of_values(values: Floats, group: Ints, *, size: int) -> Midranks:
    """Rank values (n,) of the groups `group` (n,) 0..size-1; values equal to eleven decimals are ties."""
    from scipy.stats import rankdata

    ranks = np.asarray(rankdata(np.round(values, _DECIMALS)), dtype=np.float64)
    count = np.bincount(group, minlength=size).astype(np.int64)
    ss = float(((ranks - (len(ranks) + 1) / 2.0) ** 2).sum())
    return Midranks(n=count, mean=divide(total(ranks, group, size=size), count), ss=ss)


def ranks_of_counts(counts: Ints) -> Midranks:
    """Rank answers given as level counts (n_groups, n_levels), levels ascending, without 不了解 and blanks.

    Equal to `ranks_of_values` on the answers one by one.
    """
    ties = counts.sum(axis=0).astype(np.float64)
    midrank = np.cumsum(ties) - ties + (ties + 1.0) / 2.0
    n = counts.sum(axis=1)
    ss = float((ties * (midrank - (float(ties.sum()) + 1.0) / 2.0) ** 2).sum())
    return Midranks(n=n, mean=divide((counts * midrank).sum(axis=1), n), ss=ss)
