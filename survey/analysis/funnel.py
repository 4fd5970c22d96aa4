"""Funnel plots: which targets lie outside what chance, and chance plus the usual spread, would explain."""

from dataclasses import dataclass, replace

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide
from survey.analysis.intervals import Interval
from survey.analysis.moments import Moments, pooled

WARNING, ALARM = 0.95, 0.998
"""The two usual limits: about two and three standard errors."""

WINSORISED = 0.10
"""Share of the z scores at each end that is drawn in before the overdispersion is estimated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """Where targets (n_targets,) lie: limits at 95 % and 99.8 %, and outside.

    outside: 0 within the 95 % limits, +-1 beyond them, +-2 beyond the 99.8 % limits; the sign tells the side.
    """

    warning: Interval
    alarm: Interval
    outside: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Overdispersion:
    """How much more than by chance the z scores spread.

    phi: mean square of the winsorised z, None below two targets; tau2: variance between targets, squared units of
    the values, 0 where phi does not exceed 1 - 1 / I.
    """

    phi: float | None
    tau2: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Funnel:
    """A funnel over targets (n_targets,), in the units of the values (rates in [0, 1], levels or points).

    centre: what all targets would share; z: (value - centre) / standard error under the centre; z_inflated: z over
    sqrt(phi); z_adjusted: with the additive tau2. naive: limits of chance alone, exact for rates; adjusted: with
    tau2, those to act upon. sigma2: variance between ballots within targets, None for rates. Everything is NaN,
    outside 0, where a target has no value.
    """

    centre: float | None
    value: Floats
    z: Floats
    z_inflated: Floats
    z_adjusted: Floats
    overdispersion: Overdispersion
    naive: Limits
    adjusted: Limits
    sigma2: float | None = None


def funnel_of_rates(successes: Ints, n: Ints, *, centre: float | None = None) -> Funnel:
    """Hold the rates successes / n (n_targets,) against the pooled rate, or against `centre` in [0, 1].

    Naive limits are exact binomial ones, interpolated as Spiegelhalter (2005, Statistics in Medicine 24:1185,
    appendix A.1.1); z uses sqrt(centre (1 - centre) / n). Checked against R `qbinom`, `pbinom`; example: mortality
    of 12 centres of child heart surgery, 1991-95 (Aylin and others 2001), where Bristol alone is beyond the alarm.
    """
    value, size = divide(successes, n), n.astype(np.float64)
    if centre is None:
        centre = float(divide(successes.sum(), n.sum()))
    se = np.sqrt(divide(np.full(n.shape, centre * (1.0 - centre)), size))
    exact = [binomial_limits(n, centre=centre, level=level) for level in (WARNING, ALARM)]
    return _funnel(value, centre, se, naive=_limits(value, exact[0], exact[1]))


def funnel_of_means(targets: Moments, *, centre: float | None = None) -> Funnel:
    """Hold the means (n_targets,) against the pooled mean of all ballots, or against `centre`.

    The standard error is sqrt(sigma2 / n) with one sigma2, pooled within targets: a target's own spread is too poorly
    known with few ballots. Checked against R.
    """
    value = targets.known_mean()
    whole = pooled(targets)
    middle = float(whole.known_mean()[0]) if centre is None else centre
    freedom = int(np.maximum(targets.n - 1, 0).sum())
    sigma2 = float(targets.ss.sum()) / freedom if freedom else np.nan
    se = np.sqrt(divide(np.full(value.shape, sigma2), targets.n))
    found = _funnel(value, middle, se, naive=_normal_limits(value, middle, se))
    return replace(found, sigma2=None if np.isnan(sigma2) else sigma2)


def binomial_limits(n: Ints, *, centre: float, level: float) -> Interval:
    """Return the exact binomial limits (n_targets,) of a rate around `centre`, NaN where n is 0.

    With r the smallest count whose P(X <= r) passes the tail p, the limit is (r - a) / n with
    a = (P(X <= r) - p) / P(X = r): a smooth curve through the steps (Spiegelhalter 2005, appendix A.1.1).
    """
    tail = (1.0 - level) / 2.0
    sizes, place = np.unique(n, return_inverse=True)
    low, high = (_binomial_edge(sizes, centre, share) for share in (tail, 1.0 - tail))
    return Interval(low=low[place], high=high[place])


def overdispersion(z: Floats, se: Floats) -> Overdispersion:
    """Estimate the overdispersion of z scores (n_targets,) with standard errors se; NaN: no value, left out.

    z beyond the 10 % and 90 % quantiles are set to these; phi is the mean of their squares. tau2 is DerSimonian and
    Laird's (1986) with that phi, 0 where I phi < I - 1 (Spiegelhalter 2005, Statistics in Medicine 24:1185, appendix
    A.3). Drawing in the ends leaves a phi of 0.68 to pure chance, so a phi above 1 tells of more than chance.
    """
    known = ~np.isnan(z)
    size = int(known.sum())
    if size < 2:
        return Overdispersion(phi=None, tau2=0.0)
    ends = np.quantile(z[known], [WINSORISED, 1.0 - WINSORISED])
    phi = float((np.clip(z[known], *ends) ** 2).mean())
    weight = se[known] ** -2.0
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2 = max(size * phi - (size - 1), 0.0) / scale
    return Overdispersion(phi=phi, tau2=tau2)


def _binomial_edge(n: Ints, centre: float, share: float) -> Floats:
    """Return the interpolated share-quantile of a binomial rate for each n, within [0, 1]."""
    from scipy.stats import binom

    if not 0.0 < centre < 1.0:
        return np.where(n > 0, centre, np.nan)
    count = np.maximum(n, 1)
    step = binom.ppf(share, count, centre)
    part = (binom.cdf(step, count, centre) - share) / binom.pmf(step, count, centre)
    return np.where(n > 0, np.clip((step - part) / count, 0.0, 1.0), np.nan)


def _funnel(value: Floats, centre: float, se: Floats, *, naive: Limits) -> Funnel:
    error = np.where(se > 0.0, se, np.nan)
    z = divide(value - centre, error)
    spread = overdispersion(z, error)
    wide = np.sqrt(error**2 + spread.tau2)
    # Winsorised z that spread less than by chance do not narrow the funnel.
    return Funnel(
        centre=None if np.isnan(centre) else centre,
        value=value,
        z=z,
        z_inflated=z / np.sqrt(max(spread.phi or 1.0, 1.0)),
        z_adjusted=divide(value - centre, wide),
        overdispersion=spread,
        naive=naive,
        adjusted=_normal_limits(value, centre, wide),
    )


def _normal_limits(value: Floats, centre: float, se: Floats) -> Limits:
    from scipy.special import ndtri

    reach = [float(ndtri((1.0 + level) / 2.0)) * se for level in (WARNING, ALARM)]
    ends = [Interval(low=centre - wide, high=centre + wide) for wide in reach]
    return _limits(value, ends[0], ends[1])


def _limits(value: Floats, warning: Interval, alarm: Interval) -> Limits:
    above = (value > warning.high).astype(np.int64) + (value > alarm.high)
    below = (value < warning.low).astype(np.int64) + (value < alarm.low)
    return Limits(warning=warning, alarm=alarm, outside=above - below)
