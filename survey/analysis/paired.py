"""Targets that share one ballot (all departments on a page), compared within ballots."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import Interval, t_interval, two_sided_p
from survey.analysis.tallies import PairedTally


@dataclass(frozen=True, kw_only=True)
class Friedman:
    """Friedman test with tie correction and Kendall's W; None where nothing varies or no ballot is complete."""

    q: float | None
    df: int
    p: float | None
    kendall_w: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedDifferences:
    """Paired t tests (n_pairs,) of row - column: ballots n, difference and interval in level units, p."""

    first: Ints
    second: Ints
    n: Ints
    difference: Floats
    in_points: Floats
    interval: Interval
    p: Floats


def friedman(pages: PairedTally) -> Friedman:
    """Test equal ranks of the k targets over complete ballots (Friedman 1937, tie-corrected; Kendall's W = Q/(n(k-1))).

    Checked against SciPy `friedmanchisquare`.
    """
    from scipy.special import chdtrc

    k, n = len(pages.targets), pages.complete
    full = n * (float(k) ** 3 - k)
    if k < 2 or n == 0 or pages.tie_term >= full:
        return Friedman(q=None, df=max(k - 1, 0), p=None, kendall_w=None)
    spread = float(((pages.rank_sums - n * (k + 1) / 2.0) ** 2).sum())
    q = 12.0 * spread / (n * k * (k + 1.0)) / (1.0 - pages.tie_term / full)
    return Friedman(q=q, df=k - 1, p=float(chdtrc(k - 1, q)), kendall_w=q / (n * (k - 1)))


def paired_differences(pages: PairedTally, targets: Ints) -> PairedDifferences:
    """Test all pairs among the chosen target positions (n,): t on the ballots' differences, n - 1 df.

    Figures are NaN where fewer than two ballots hold both targets; p and interval also where nothing varies.
    """
    a, b = np.triu_indices(len(targets), 1)
    first, second = targets[a], targets[b]
    n, ss = pages.n[first, second], pages.ss[first, second]
    difference = np.where(n > 0, pages.difference[first, second], np.nan)
    variance = divide(ss, np.where(n > 1, n - 1, 0))
    se = np.sqrt(np.where(variance > 0.0, divide(variance, n), np.nan))
    return PairedDifferences(
        first=first,
        second=second,
        n=n,
        difference=difference,
        in_points=np.where(n > 0, pages.score_difference[first, second], np.nan),
        interval=t_interval(difference, se, df=n - 1),
        p=two_sided_p(divide(difference, se), df=n - 1),
    )
