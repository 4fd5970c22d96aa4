"""How much of the spread of ballots lies between targets: one-way REML, ICC(1) and the ballots a reliability needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.analysis.arrays import Floats
from survey.analysis.moments import Moments, moments_of, pooled

LEVELS = (0.7, 0.8, 0.9)
_GRID = np.concatenate([[0.0], np.logspace(-7, 7, 57)])


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Variance between targets (tau2) and within (sigma2), squared level units; mu: mean of a typical target.

    deviance: the REML criterion at the optimum, as lme4 reports it. None where the data cannot tell.
    """

    icc: float | None = None
    tau2: float | None = None
    sigma2: float | None = None
    mu: float | None = None
    deviance: float | None = None

    def ballots_for(self, level: float) -> float | None:
        """Return the (unrounded) ballots per target that a reliability in (0, 1) needs, None without spread."""
        if self.tau2 is None or self.sigma2 is None or self.tau2 == 0.0:
            return None
        return level / (1.0 - level) * self.sigma2 / self.tau2

    def record(self) -> dict[str, Any]:
        """Return the `reliability` part of the result schema."""
        needed = {str(level): self.ballots_for(level) for level in LEVELS}
        return {"icc": self.icc, "tau2": self.tau2, "sigma2": self.sigma2, "mu": self.mu, "ballots_for": needed}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sizes:
    """Targets gathered by their number of ballots: sizes (n_sizes,), the moments of their means, pooled ssw."""

    size: Floats
    means: Moments
    within: float
    ballots: int

    def weights(self, ratio: float) -> Floats:
        return np.asarray(self.size / (1.0 + ratio * self.size), dtype=np.float64)

    def mu(self, ratio: float) -> float:
        weight = self.weights(ratio) * self.means.n
        return float((weight * self.means.mean).sum() / weight.sum())

    def squares(self, ratio: float) -> Floats:
        """Return the sum over targets of one size of (mean - mu)^2."""
        return np.asarray(self.means.ss + self.means.n * (self.means.mean - self.mu(ratio)) ** 2)

    def sigma2(self, ratio: float) -> float:
        spread = float((self.weights(ratio) * self.squares(ratio)).sum())
        return (self.within + spread) / (self.ballots - 1)

    def deviance(self, ratio: float) -> float:
        """Return -2 log restricted likelihood, profiled over mu and sigma2, at ratio = tau2 / sigma2."""
        freedom = self.ballots - 1
        logs = float((self.means.n * np.log1p(ratio * self.size)).sum())
        information = float((self.means.n * self.weights(ratio)).sum())
        return freedom * (1.0 + float(np.log(2.0 * np.pi * self.sigma2(ratio)))) + logs + float(np.log(information))

    def slope(self, ratio: float) -> float:
        """Return the derivative of the deviance by the ratio."""
        weight = self.weights(ratio)
        first, second = float((self.means.n * weight).sum()), float((self.means.n * weight**2).sum())
        return first - second / first - float((weight**2 * self.squares(ratio)).sum()) / self.sigma2(ratio)


def fit_reliability(targets: Moments) -> Reliability:
    """Fit ballot = mu + target + rest by REML to the moments of ballot means per target (n_targets,).

    Targets without a ballot are passed over. One target, one ballot each, or no ballot at all: only mu is known.
    Equal ballots within every target give icc 1; if nothing varies at all icc is None.
    Checked against lme4 `lmer(y ~ 1 + (1 | target))`.
    """
    rated = targets.take(targets.n > 0)
    if not len(rated.n):
        return Reliability()
    total = pooled(rated)
    if len(rated.n) < 2 or int(total.n[0]) == len(rated.n):
        return Reliability(mu=float(total.mean[0]))
    if float(rated.ss.sum()) == 0.0:
        return _without_inner_spread(rated.mean)
    size, place = np.unique(rated.n, return_inverse=True)
    sizes = _Sizes(
        size=size.astype(np.float64),
        means=moments_of(rated.mean, place, size=len(size)),
        within=float(rated.ss.sum()),
        ballots=int(total.n[0]),
    )
    ratio = _best_ratio(sizes)
    sigma2 = sizes.sigma2(ratio)
    return Reliability(
        icc=ratio / (1.0 + ratio),
        tau2=ratio * sigma2,
        sigma2=sigma2,
        mu=sizes.mu(ratio),
        deviance=sizes.deviance(ratio),
    )


def _without_inner_spread(means: Floats) -> Reliability:
    """Within targets all ballots agree: the spread of the targets themselves is all there is."""
    between = moments_of(means, np.zeros(len(means), dtype=np.int64), size=1)
    tau2 = float(between.variance()[0])
    return Reliability(icc=1.0 if tau2 > 0.0 else None, tau2=tau2, sigma2=0.0, mu=float(between.mean[0]))


def _best_ratio(sizes: _Sizes) -> float:
    """Minimise the deviance: a coarse grid against several minima, then the root of the slope beside the best point."""
    from scipy.optimize import brentq, minimize_scalar

    best = int(np.argmin([sizes.deviance(float(ratio)) for ratio in _GRID]))
    low, high = float(_GRID[max(best - 1, 0)]), float(_GRID[min(best + 1, len(_GRID) - 1)])
    if best == 0 and sizes.slope(0.0) >= 0.0:
        return 0.0
    if sizes.slope(low) < 0.0 < sizes.slope(high):
        return float(brentq(sizes.slope, low, high, xtol=1e-15, rtol=1e-13))
    found = minimize_scalar(sizes.deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return float(found.x)
