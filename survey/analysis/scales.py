"""How well the items of a questionnaire measure one thing, and how well raters agree.

Everything reads counts and cross-products. α, ω and item-total correlations take the levels as they were answered
(not points, no item weights), over the complete ballots of a whole evaluation, all targets together: what R's
`psych::alpha` and `lavaan::cfa` give for the table of all ballots. Rows are taken as independent, as these do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide, plain
from survey.analysis.intervals import CONFIDENCE
from survey.analysis.moments import CrossProducts, Moments, moments_of_counts
from survey.analysis.records import Record

FEW_ITEMS = "items"
FEW_BALLOTS = "ballots"
SINGULAR = "singular"
IMPROPER = "improper"
"""Why there is no ω: under three items vary, too few complete ballots, answers depend on each other exactly, or the
model fits best with an item without error of its own (a Heywood case)."""

# The least share of an item's variance that is its own; an optimum there is a Heywood case (as in R's factanal).
_LEAST_OWN = 0.005
_SINGULAR = 1e-10
SLIGHT_SKEW = (0.05, 0.15, 0.20, 0.35, 0.25)
"""Shares of levels 1-5 when raters who do not agree lean upwards slightly (James, Demaree and Wolf 1984, table 4)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaleQuality:
    """n: complete ballots. alpha, its 95 % interval (low, high) and omega: None where undefined.

    kept: positions of the items that vary; item_total, alpha_without (n_items,): corrected correlation of an item with
    the sum of the others, and alpha without it; NaN for an item left out. omega_reason: why omega is None.
    """

    n: int
    alpha: float | None
    alpha_ci: tuple[float, float] | None
    omega: float | None
    omega_reason: str | None
    kept: Ints
    item_total: Floats
    alpha_without: Floats

    def record(self, items: Sequence[str]) -> Record | None:
        """Return the figures under the names of the result schema by the items' codes, None without an alpha."""
        if self.alpha is None:
            return None
        kept = set(self.kept.tolist())
        columns = zip(items, plain(self.item_total), plain(self.alpha_without), strict=True)
        return {
            "alpha": self.alpha,
            "alpha_ci": None if self.alpha_ci is None else list(self.alpha_ci),
            "omega": self.omega,
            "omega_reason": self.omega_reason,
            "n": self.n,
            "items": {item: {"item_total": total, "alpha_without": rest} for item, total, rest in columns},
            "constant_items": [item for place, item in enumerate(items) if place not in kept],
        }


def scale_quality(together: CrossProducts) -> ScaleQuality:
    """Return alpha, omega and item-total figures of a scale from the cross-products of its items.

    An item that everybody answered alike says nothing of consistency and is left out, as `psych::alpha` does; with
    fewer than two items or ballots left nothing is defined. Checked against psych, lavaan and base R.
    """
    covariance = together.covariance()
    kept = np.flatnonzero(np.nan_to_num(np.diagonal(covariance)) > 0)
    inner = covariance[np.ix_(kept, kept)]
    alpha = cronbach_alpha(inner)
    item_total, alpha_without = np.full((2, len(covariance)), np.nan)
    item_total[kept], alpha_without[kept] = item_total_correlations(inner), _alpha_without(inner)
    omega, reason = omega_total(inner, n=together.n)
    return ScaleQuality(
        n=together.n,
        alpha=alpha,
        alpha_ci=None if alpha is None else alpha_interval(alpha, n=together.n, items=len(kept)),
        omega=omega,
        omega_reason=reason,
        kept=kept,
        item_total=item_total,
        alpha_without=alpha_without,
    )


def scale_record(together: CrossProducts, clean: CrossProducts, items: Sequence[str], *, least: int) -> Record | None:
    """Return the `scale_quality` part of the result schema, None below `least` complete ballots or without an alpha.

    clean: the complete ballots that are not flagged; `without_flagged` is None where fewer than `least` of them are
    left, or fewer were left out (but some): the difference would tell what these said.
    """
    found = None if together.n < least else scale_quality(together).record(items)
    if found is None:
        return None
    left_out = together.n - clean.n
    if clean.n < least or 0 < left_out < least:
        return {**found, "without_flagged": None}
    rest = scale_quality(clean)
    return {**found, "without_flagged": {"n": rest.n, "alpha": rest.alpha, "omega": rest.omega}}


def cronbach_alpha(covariance: Floats) -> float | None:
    """Return Cronbach's (1951) alpha of a covariance matrix (k, k), k/(k-1) (1 - Σ variances / variance of the sum).

    It is negative where items oppose each other, and shown so. None below two items or if the sum does not vary.
    Checked against `psych::alpha` (raw_alpha).
    """
    size, whole = len(covariance), float(covariance.sum())
    if size < 2 or not whole > _SINGULAR * float(np.trace(covariance)):
        return None
    return size / (size - 1) * (1.0 - float(np.trace(covariance)) / whole)


def alpha_interval(alpha: float, *, n: int, items: int) -> tuple[float, float] | None:
    """Return the 95 % interval of alpha over n ballots and items (Feldt 1965), None below two ballots or items.

    (1 - α) / (1 - α̂) follows F with n - 1 and (n - 1)(k - 1) degrees of freedom. Checked against `psych::alpha.ci`.
    """
    from scipy.stats import f

    if n < 2 or items < 2:
        return None
    tail, df1 = (1.0 - CONFIDENCE) / 2.0, n - 1
    low, high = (float(f.ppf(share, df1, df1 * (items - 1))) for share in (1.0 - tail, tail))
    return 1.0 - (1.0 - alpha) * low, 1.0 - (1.0 - alpha) * high


def item_total_correlations(covariance: Floats) -> Floats:
    """Return each item's correlation with the sum of the others (k,), NaN where that does not vary.

    The corrected item-total correlation, r.drop of `psych::alpha`.
    """
    own = np.diagonal(covariance)
    with_rest = covariance.sum(axis=1) - own
    rest = covariance.sum() - 2.0 * with_rest - own
    rest = np.where(rest > _SINGULAR * own.sum(), rest, 0.0)
    return divide(with_rest, np.sqrt(own * rest))


def _alpha_without(covariance: Floats) -> Floats:
    size = len(covariance)
    rest = (np.delete(np.arange(size), place) for place in range(size))
    found = [cronbach_alpha(covariance[np.ix_(rows, rows)]) for rows in rest]
    return np.array([np.nan if alpha is None else alpha for alpha in found], dtype=np.float64)


def omega_total(covariance: Floats, *, n: int) -> tuple[float | None, str | None]:
    """Return McDonald's (1999) omega of the sum of items, (Σλ)² / ((Σλ)² + Σψ), or None and the reason.

    λ, ψ: loadings and own variances of the one-factor model fitted by maximum likelihood, in the metric of the
    covariance (k, k), that of the unstandardised sum, like alpha. Needs three varying items (two do not identify the
    model) and k + 2 ballots. Checked against `lavaan::cfa` and, standardised back, `factanal`.
    """
    size = len(covariance)
    if size < 3:
        return None, FEW_ITEMS
    if n < size + 2:
        return None, FEW_BALLOTS
    sd = np.sqrt(np.diagonal(covariance))
    correlation = covariance / np.outer(sd, sd)
    if np.linalg.eigvalsh(correlation)[0] < _SINGULAR:
        return None, SINGULAR
    loadings, own = fit_one_factor(correlation)
    if own.min() < _LEAST_OWN * (1 + 1e-6):
        return None, IMPROPER
    common, rest = float(sd @ loadings) ** 2, float((sd * sd) @ own)
    return common / (common + rest), None


def fit_one_factor(correlation: Floats) -> tuple[Floats, Floats]:
    """Return loadings and own variances (k,) of one factor by maximum likelihood on a correlation matrix (k, k).

    Minimises the likelihood over the own variances with the loadings profiled out (Lawley and Maxwell 1971, ch. 4);
    own variances stay above 0.005. Fitting the covariance gives the same in its own units. The matrix must be regular.
    Checked against `factanal`.
    """
    from scipy.optimize import minimize

    # Start from half the residual variance of each item on the others (Jöreskog 1963).
    start = np.clip(0.5 / np.diagonal(np.linalg.inv(correlation)), _LEAST_OWN, 1.0)
    found = minimize(
        _misfit,
        np.log(start),
        args=(correlation,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(np.log(_LEAST_OWN), np.log(2.0))] * len(start),
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20},
    )
    own = np.exp(found.x)
    return _loadings(own, correlation), own


def _misfit(log_own: Floats, correlation: Floats) -> tuple[float, Floats]:
    """Return the profiled discrepancy and its gradient by the logarithm of the own variances."""
    own = np.exp(log_own)
    values = np.linalg.eigvalsh(correlation / np.sqrt(np.outer(own, own)))[:-1]
    loadings = _loadings(own, correlation)
    residual = loadings * loadings + own - np.diagonal(correlation)
    return float((values - np.log(values) - 1.0).sum()), residual / own


def _loadings(own: Floats, correlation: Floats) -> Floats:
    values, vectors = np.linalg.eigh(correlation / np.sqrt(np.outer(own, own)))
    strength = np.sqrt(max(float(values[-1]) - 1.0, 0.0))
    return np.asarray(np.sqrt(own) * vectors[:, -1] * strength, dtype=np.float64)


def null_variance(levels: Sequence[int], shares: Sequence[float] | None = None) -> float:
    """Return the variance of one answer if raters do not agree at all: all levels alike, or by `shares` summing to 1.

    Five levels: 2 if all are alike, 1.34 with `SLIGHT_SKEW`. Raises ValueError if the lengths differ.
    """
    values = np.array(levels, dtype=np.float64)
    weights = np.full(len(values), 1.0 / len(values)) if shares is None else np.array(shares, dtype=np.float64)
    if len(values) != len(weights):
        raise ValueError("each level needs a share")
    mean = float(values @ weights)
    return float(weights @ (values - mean) ** 2)


def agreement(counts: Ints, levels: Sequence[int], *, null: float) -> Floats:
    """Return r_wg of each target and item (n_targets, n_items): 1 - s² / null, NaN below two answers.

    counts (n_targets, n_items, n_levels) without 不了解. More spread than the null counts as no agreement, 0.
    James, Demaree and Wolf (1984). Checked against `multilevel::rwg`.
    """
    spread = moments_of_counts(counts, np.array(levels, dtype=np.float64)).variance()
    return np.asarray(1.0 - np.minimum(spread / null, 1.0), dtype=np.float64)


def scale_agreement(counts: Ints, levels: Sequence[int], *, null: float) -> Floats:
    """Return r_wg(j) of each target (n_targets,) over all its items, NaN if one has fewer than two answers.

    counts, null and limits as for `agreement`; the items' variances enter by their mean. James, Demaree and Wolf
    (1984). Checked against `multilevel::rwg.j`, which counts complete ballots only.
    """
    items = counts.shape[1]
    spread = moments_of_counts(counts, np.array(levels, dtype=np.float64)).variance().mean(axis=1)
    ratio = np.minimum(spread / null, 1.0)
    return divide(items * (1.0 - ratio), items * (1.0 - ratio) + ratio)


def group_reliability(targets: Moments) -> tuple[float | None, float | None]:
    """Return ICC(1) and ICC(2) by analysis of variance from the targets' moments (n_targets,).

    ICC(2) = (MSB - MSW) / MSB, the reliability of the targets' means; ICC(1) that of one ballot, with the mean number
    of ballots where it varies (Bliese 2000). Negative values are shown. None with one target, without a second ballot
    or if nothing varies. Checked against `multilevel::ICC1` and `ICC2`.
    """
    used = targets.take(targets.n > 0)
    k, n = len(used.n), int(used.n.sum())
    if k < 2 or n <= k:
        return None, None
    grand = float((used.n * used.mean).sum() / n)
    between = float((used.n * (used.mean - grand) ** 2).sum()) / (k - 1)
    within = float(used.ss.sum()) / (n - k)
    whole = np.array([between + (n / k - 1.0) * within, between])
    one, two = plain(divide(np.full(2, between - within), whole))
    return one, two
