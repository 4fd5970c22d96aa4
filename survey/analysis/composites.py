"""Composites (综合得分): declared weights over independent components, with the standard error carried through."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

import numpy as np

from survey.analysis.arrays import Bools, Floats, divide
from survey.analysis.intervals import Interval, t_interval
from survey.analysis.scoring import WHOLE, Scheme

MISSING = "component_missing"
"""The reason of a composite that is not given: the weights of the others are never stretched over a gap."""

_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """One part of a composite: its weight (of 100) and a score per target (n_targets,), NaN where it is missing.

    se: standard error in points, 0 for a figure taken as known, NaN where unknown (one ballot). df: its degrees of
    freedom, infinite where the standard error is known. deff: design effect by which `se` squared is still to be
    multiplied (Kish 1965); 1 where `se` already knows the design. Raises ValueError if unusable.
    """

    code: str
    weight: float
    score: Floats
    se: Floats
    df: Floats
    deff: float = 1.0

    def __post_init__(self) -> None:
        if len({self.score.shape, self.se.shape, self.df.shape}) != 1 or self.score.ndim != 1:
            raise ValueError(f"component {self.code}: score, se and df must be arrays of one length")
        if not self.weight > 0.0 or not 0.0 < self.deff < np.inf:
            raise ValueError(f"component {self.code}: the weight and the design effect must be above 0")
        if (self.se < 0.0).any() or (self.df <= 0.0).any():
            raise ValueError(f"component {self.code}: a standard error is below 0, or df is not above 0")

    def variance(self) -> Floats:
        """Return what the component adds to the variance of the composite, in squared points (n_targets,)."""
        return np.asarray(self.deff * (self.weight / WHOLE * self.se) ** 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Composite:
    """Per target (n_targets,): score and standard error in points, df, 95 % interval; NaN where there is none.

    missing: (n_components, n_targets), True where a component has no score; `codes` names the components.
    """

    score: Floats
    se: Floats
    df: Floats
    interval: Interval
    missing: Bools
    codes: tuple[str, ...] = field(default=())

    def lacking(self, target: int) -> tuple[str, ...]:
        """Return the components that one target lacks; then its score is withheld for the reason `MISSING`."""
        return tuple(code for code, gone in zip(self.codes, self.missing[:, target].tolist(), strict=True) if gone)


def entered(code: str, *, weight: float, score: Floats, se: Floats | None = None) -> Component:
    """Return a component of entered scores (n_targets,), such as examinations; without `se` they are taken as known."""
    known = np.zeros_like(score) if se is None else se
    return Component(code=code, weight=weight, score=score, se=known, df=np.full(score.shape, np.inf))


def composite(components: Sequence[Component]) -> Composite:
    """Combine independent components of the same targets: score = Σ w_i s_i, V = Σ w_i² deff_i se_i², w in shares.

    df = V² / Σ (V_i² / df_i) (Satterthwaite 1946, Welch 1947), the interval score ∓ t(df) √V, never clipped; with
    V = 0 the interval is the score itself. One missing component leaves the target without a score, an unknown
    standard error leaves it without an interval. Components answered by the same people are not independent: their
    covariance would have to be added, so combine them on the ballot instead.

    Raises ValueError unless the weights sum to 100, the codes differ and the lengths agree. Checked against R
    `t.test` on weighted samples and `survey::svycontrast` (tests/reference/composites.R).
    """
    _check(components)
    share = np.array([part.weight / WHOLE for part in components])[:, None]
    scores = np.stack([part.score for part in components])
    parts = np.stack([part.variance() for part in components])
    freedom = np.stack([part.df for part in components])
    missing = np.isnan(scores)
    score = (share * scores).sum(axis=0)
    variance = np.where(np.isnan(score), np.nan, parts.sum(axis=0))
    se = np.sqrt(variance)
    df = _satterthwaite(parts, freedom, variance)
    known = np.isnan(df) & (variance == 0.0)
    reach = t_interval(score, se, df=df)
    return Composite(
        score=score,
        se=se,
        df=df,
        interval=Interval(low=np.where(known, score, reach.low), high=np.where(known, score, reach.high)),
        missing=missing,
        codes=tuple(part.code for part in components),
    )


def _satterthwaite(parts: Floats, freedom: Floats, variance: Floats) -> Floats:
    """Return (Σ V_i)² / Σ V_i² / df_i per target; infinite where all that varies is known, NaN where nothing varies."""
    uncertain = divide(parts**2, freedom).sum(axis=0)
    return np.where((variance > 0.0) & (uncertain == 0.0), np.inf, divide(variance**2, uncertain))


def _check(components: Sequence[Component]) -> None:
    codes = [part.code for part in components]
    if not codes or len(set(codes)) != len(codes):
        raise ValueError(f"a composite needs components with different codes, not {codes}")
    total = fsum(part.weight for part in components)
    if abs(total - WHOLE) > _SUM_TOLERANCE:
        raise ValueError(f"the weights of the components must sum to 100, not {total:.6g}")
    if len({len(part.score) for part in components}) != 1:
        raise ValueError("the components must have the same targets")


def audience_weight(scheme: Scheme, audience: str) -> float:
    """Return the weight (of 100) that a scheme gives an audience (测评主体); raises ValueError if it gives none."""
    try:
        return scheme.audience_weights[audience]
    except KeyError:
        raise ValueError(f"scheme {scheme.id}: there is no weight of the audience {audience!r}") from None
