"""Which rates are precise enough to be published outward: the presentation standard of the NCHS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import Interval, t_quantile
from survey.analysis.proportions import clopper_pearson

PRESENT = "present"
REVIEW = "review"
WITHHOLD = "withhold"

PRECISE = "precise"
EFFECTIVE_SIZE = "effective_size"
ABSOLUTE_WIDTH = "absolute_width"
RELATIVE_WIDTH = "relative_width"
NO_EVENTS = "no_events"
FEW_CLUSTERS = "few_clusters"
COMPLEMENT_WIDTH = "complement_width"

LEAST_EFFECTIVE = 30.0
WIDEST = 0.30
NARROW = 0.05
WIDEST_RELATIVE = 1.30
LEAST_DF = 8.0

# Widths are differences of quantiles: an exact limit may come out one bit beside itself.
_EDGE = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Presentation:
    """Decisions on rates, arrays of one shape.

    decision: `present`, `review` (a statistician must look) or `withhold`. reason: `precise`; `effective_size`,
    `absolute_width`, `relative_width` (withheld); `no_events`, `few_clusters` (review); `complement_width` (presented,
    but the rate of the others would be withheld: note it). interval: the Korn-Graubard interval that was judged, and
    n_effective the size that it rests on; NaN where n is 0.
    """

    decision: NDArray[np.str_]
    reason: NDArray[np.str_]
    interval: Interval
    n_effective: Floats


def pooled_design(answers: int, ballots: float, *, targets: int) -> tuple[float, float]:
    """Return design effect and degrees of freedom of a rate that pools all answers of an evaluation.

    Answers of one ballot count as one, and targets are the clusters; NaN degrees of freedom below two of them.
    """
    return max(answers / ballots, 1.0) if ballots else float("nan"), targets - 1.0 if targets > 1 else float("nan")


def presentation(successes: Ints, n: Ints, *, deff: Floats | None = None, df: Floats | None = None) -> Presentation:
    """Judge rates successes / n, arrays of one shape, by the NCHS standard for proportions (Parker et al. 2017).

    deff: design effect of each rate; None, NaN or 0 (nothing varies) for 1, as of independent ballots; df: its degrees
    of freedom (clusters minus strata), None or NaN where ballots are independent. Withheld below 30 effective answers,
    with an interval of .30 or wider, and, unless it is .05 or narrower, with a relative width above 130 %. The
    interval is Clopper and Pearson's on n / deff, adjusted for df and never above n (Korn and Graubard 1998).
    Raises ValueError if somewhere successes lie outside 0..n or a design effect is negative.
    Checked against R survey `svyciprop(method = "beta")` and R `binom.test`.
    """
    design = np.ones(n.shape) if deff is None else np.where(np.isnan(deff) | (deff == 0.0), 1.0, deff)
    freedom = np.full(n.shape, np.nan) if df is None else np.asarray(df, dtype=np.float64)
    if ((successes < 0) | (successes > n)).any() or (design < 0.0).any():
        raise ValueError("successes must lie between 0 and n, and design effects must not be negative")
    rate, size = divide(successes, n), np.minimum(n, n / design)
    adjusted = np.minimum(n, n / design * _df_adjustment(n, freedom))
    interval = clopper_pearson(np.nan_to_num(rate) * adjusted, adjusted)
    reason = _reasons(rate, interval.high - interval.low, size=size, df=freedom)
    withheld = np.isin(reason, (EFFECTIVE_SIZE, ABSOLUTE_WIDTH, RELATIVE_WIDTH))
    reviewed = np.isin(reason, (NO_EVENTS, FEW_CLUSTERS))
    return Presentation(
        decision=np.select([withheld, reviewed], [WITHHOLD, REVIEW], PRESENT),
        reason=reason,
        interval=interval,
        n_effective=np.where(n > 0, size, np.nan),
    )


def _reasons(rate: Floats, width: Floats, *, size: Floats, df: Floats) -> NDArray[np.str_]:
    unanimous = (rate == 0.0) | (rate == 1.0)
    wide = width > NARROW + _EDGE
    rules = [
        (~(size >= LEAST_EFFECTIVE), EFFECTIVE_SIZE),
        # Written so that an unknown width, of a rate without degrees of freedom, is withheld too.
        (~(width < WIDEST - _EDGE), ABSOLUTE_WIDTH),
        # The relative width of a rate of 0 is undefined; that case goes to review.
        (wide & (width > WIDEST_RELATIVE * rate + _EDGE) & ~unanimous, RELATIVE_WIDTH),
        (unanimous, NO_EVENTS),
        (df < LEAST_DF, FEW_CLUSTERS),
        (wide & (width > WIDEST_RELATIVE * (1.0 - rate) + _EDGE), COMPLEMENT_WIDTH),
    ]
    return np.select([rule for rule, _ in rules], [code for _, code in rules], PRECISE)


def _df_adjustment(n: Ints, df: Floats) -> Floats:
    """Return (t(n - 1) / t(df))^2 of the 97.5 % quantiles, 1 where df is NaN, 0 where it is not positive."""
    ratio = divide(t_quantile(n - 1), t_quantile(df)) ** 2
    return np.where(np.isnan(df) | (n < 2), 1.0, np.where(df > 0.0, np.nan_to_num(ratio), 0.0))
