"""Targets drawn towards the mean by what their ballots do not tell."""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, divide
from survey.analysis.moments import Moments
from survey.analysis.reliability import Reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class Shrunken:
    """Per target (n_targets,): reliability in [0, 1], shrunken mean and its sd in level units; NaN where unknown."""

    reliability: Floats
    mean: Floats
    sd: Floats


def shrink(targets: Moments, fit: Reliability) -> Shrunken:
    """Return lambda = tau2 / (tau2 + sigma2 / n), mu + lambda (mean - mu) and tau sqrt(1 - lambda) per target.

    The best linear predictor of Henderson (1975) with its conditional sd; equals lme4 `ranef(condVar = TRUE)`.
    Everything is NaN where the fit knows no variances, and for targets without a ballot.
    """
    if fit.tau2 is None or fit.sigma2 is None or fit.mu is None:
        nothing = np.full(len(targets.n), np.nan)
        return Shrunken(reliability=nothing, mean=nothing, sd=nothing)
    signal: Floats = targets.n * np.float64(fit.tau2)
    share = divide(signal, (signal + fit.sigma2) * (targets.n > 0))
    mean = fit.mu + share * (targets.mean - fit.mu)
    sd = np.sqrt(fit.tau2 * (1.0 - share))
    return Shrunken(reliability=share, mean=mean, sd=np.asarray(sd))
