"""Change between two released campaigns, which is a difference with its interval; a trend needs three or more."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey.analysis.arrays import Bools, Floats, Ints, divide
from survey.analysis.intervals import CONFIDENCE, Interval, t_interval, two_sided_p
from survey.analysis.moments import moments_of

PAIRED_TARGETS = "paired_targets"
WELCH_BALLOTS = "welch_ballots"

LEAST_CAMPAIGNS = 3
"""Two campaigns show a difference, not a trend."""

TOO_FEW = "fewer_than_three_campaigns"


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Items that stand unchanged in both campaigns, each with its share (sum 1) of the score over them.

    complete: no campaign has any other item or weight, so that the scores of the whole questionnaires compare.
    """

    shares: Mapping[str, float]
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One target in one campaign: valid ballots n, mean score in points and its standard error (None below two)."""

    n: int
    mean: float
    se: float | None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Sample | None":
        """Read a target record of the result schema; None where its figures are withheld or missing."""
        if record["score"] is None:
            return None
        return cls(n=record["valid"], mean=record["score"], se=record["score_se"])

    @classmethod
    def from_items(cls, record: Mapping[str, Any], shares: Mapping[str, float]) -> "Sample | None":
        """Read the mean score over some items, by their shares; None where the figures of one are not shown.

        The record does not tell how items vary together, so se is the weighted mean of their standard errors: the most
        that it can be (Cauchy-Schwarz), which makes intervals too wide rather than too narrow.
        """
        figures = {item: record["items"].get(item) for item in shares}
        shown = {item: part for item, part in figures.items() if part is not None and part["score"] is not None}
        if not shown or len(shown) < len(shares):
            return None
        errors = {item: part["score_se"] for item, part in shown.items()}
        return cls(
            n=record["valid"],
            mean=fsum(shares[item] * part["score"] for item, part in shown.items()),
            se=None if None in errors.values() else fsum(shares[item] * se for item, se in errors.items()),
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """This minus last in points; ci and p are None where the data cannot tell.

    n: matched targets for method `paired_targets`, ballots of both campaigns for `welch_ballots`.
    """

    difference: float
    ci: tuple[float, float] | None
    p: float | None
    n: int
    method: str


@dataclass(frozen=True, kw_only=True)
class Course:
    """How scores went over three or more campaigns: points a year; n: matched targets; ci, p None where unknown."""

    slope: float
    ci: tuple[float, float] | None
    p: float | None
    n: int
    years: tuple[int, ...]
    method: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Trends:
    """Weighted linear trends of targets or units (n_rows,); NaN where `reason` is not "".

    slope, se: points per year, interval 95 %, p two-sided. campaigns: those with an estimate and its error. q, df,
    heterogeneity_p: what the straight line leaves; a small heterogeneity_p says that the years scatter more than their
    standard errors explain, so that the slope's own interval is too narrow. reason: `fewer_than_three_campaigns`.
    """

    slope: Floats
    se: Floats
    interval: Interval
    p: Floats
    campaigns: Ints
    q: Floats
    df: Ints
    heterogeneity_p: Floats
    reason: NDArray[np.str_]


def matched_items(
    this: Mapping[str, Hashable],
    last: Mapping[str, Hashable],
    *,
    weights: Mapping[str, float] | None = None,
    last_weights: Mapping[str, float] | None = None,
) -> Matching:
    """Return the items of `this` that `last` has with the same code and the same version.

    this, last: item code -> whatever marks its version: its number, or its wording with the points of its levels.
    weights, last_weights: item code -> weight in the score of that campaign, above 0; None or empty for equal ones. On
    both sides the matched items count by the weights of `this`.
    """
    same = [code for code, version in this.items() if code in last and last[code] == version]
    parts = {code: weights[code] if weights else 1.0 for code in same}
    whole = fsum(parts.values())
    alike = len(same) == len(this) == len(last) and (weights or None) == (last_weights or None)
    return Matching(shares={code: part / whole for code, part in parts.items()}, complete=alike)


def samples(records: Iterable[Mapping[str, Any]], matching: Matching | None = None) -> dict[str, Sample]:
    """Return the samples of all target records that show their figures, by target.

    matching: the items that both campaigns share. None, or a complete one, takes the score of the whole
    questionnaire; otherwise only these items count, and a target needs the figures of all of them.
    """
    whole = matching is None or matching.complete
    shares = {} if matching is None else matching.shares
    found = {row["target"]: Sample.from_record(row) if whole else Sample.from_items(row, shares) for row in records}
    return {target: sample for target, sample in found.items() if sample is not None}


def change(this: Mapping[str, Sample], last: Mapping[str, Sample]) -> Change | None:
    """Compare two campaigns on the targets that both rated, None if there is none.

    Two or more matched targets: paired t across targets, each counting once. One target: Welch's t on its ballots,
    taken as independent, since nobody can be matched between two secret ballots. A p value is None where nothing
    varies. Both sides must come from `samples` with one and the same `matching`.
    Checked against SciPy `ttest_rel` and `ttest_ind(equal_var=False)`.
    """
    matched = sorted(this.keys() & last.keys())
    if not matched:
        return None
    if len(matched) == 1:
        return _one_target(this[matched[0]], last[matched[0]])
    rows = np.array([this[target].mean - last[target].mean for target in matched])
    moments = moments_of(rows, np.zeros(len(rows), dtype=np.int64), size=1)
    ci, p = _test(float(moments.mean[0]), float(moments.se()[0]), df=len(rows) - 1.0)
    return Change(difference=float(moments.mean[0]), ci=ci, p=p, n=len(rows), method=PAIRED_TARGETS)


def course(years: Sequence[int], campaigns: Sequence[Mapping[str, Sample]]) -> Course | None:
    """Return the straight course of three or more campaigns on the targets that all of them rated, None without any.

    Two or more matched targets: one least-squares slope per target, then t across targets, as `change` does for two
    campaigns; one target: `trend` on its own standard errors. Every side must come from `samples` with one `matching`.
    Raises ValueError below three campaigns: two show a difference, not a trend.
    """
    if len(years) < LEAST_CAMPAIGNS or len(years) != len(campaigns):
        raise ValueError(TOO_FEW)
    matched = sorted(set.intersection(*(set(campaign) for campaign in campaigns)))
    if not matched:
        return None
    scores = np.array([[campaign[target].mean for campaign in campaigns] for target in matched])
    at = np.array(years, dtype=np.float64)
    if len(matched) == 1:
        return _course_of_one(at, scores, [campaign[matched[0]].se for campaign in campaigns])
    away = at - at.mean()
    slopes = moments_of(scores @ away / (away**2).sum(), np.zeros(len(matched), dtype=np.int64), size=1)
    ci, p = _test(float(slopes.mean[0]), float(slopes.se()[0]), df=len(matched) - 1.0)
    return Course(slope=float(slopes.mean[0]), ci=ci, p=p, n=len(matched), years=tuple(years), method=PAIRED_TARGETS)


def _course_of_one(years: Floats, scores: Floats, errors: Sequence[float | None]) -> Course | None:
    found = trend(years, scores, np.array([[np.nan if se is None else se for se in errors]]))
    if found.reason[0]:
        return None
    ends = (float(found.interval.low[0]), float(found.interval.high[0]))
    known = tuple(int(year) for year in years)
    return Course(slope=float(found.slope[0]), ci=ends, p=float(found.p[0]), n=1, years=known, method=WELCH_BALLOTS)


def trend(years: Floats, estimate: Floats, se: Floats) -> Trends:
    """Fit a straight line through the yearly estimates of each target or unit, weighted by 1 / se^2.

    years (n_years,): distinct, in any order; estimate, se (n_rows, n_years): points, NaN where a year has none. A year
    whose se is 0 or unknown cannot be weighted and does not count. Below three years there is no trend but `reason`.
    The errors are taken as known (normal interval); heterogeneity is Cochran's Q around the line with years - 2 df
    (Hedges and Olkin 1985, chapter 8). Raises ValueError if years are unknown or repeated or shapes do not fit.
    Checked against R `lm(weights = 1 / se^2)` and `pchisq` (`tests/reference/rates.R`).
    """
    from scipy.special import chdtrc, ndtr, ndtri

    _check_years(years, estimate, se)
    used: Bools = np.isfinite(estimate) & np.isfinite(se) & (se > 0.0)
    campaigns = used.sum(axis=1)
    used &= (campaigns >= LEAST_CAMPAIGNS)[:, None]
    weight = np.where(used, divide(np.ones(se.shape), np.where(used, se, 0.0)) ** 2, 0.0)
    y = np.where(used, estimate, 0.0)
    away = years - _weighted(np.broadcast_to(years, y.shape), weight)
    level = _weighted(y, weight)
    spread = (weight * away**2).sum(axis=1)
    slope = divide((weight * away * (y - level)).sum(axis=1), spread)
    slope_se = np.sqrt(divide(np.ones(spread.shape), spread))
    reach = float(ndtri((1.0 + CONFIDENCE) / 2.0)) * slope_se
    q = np.where(used, weight * (y - level - slope[:, None] * away) ** 2, 0.0).sum(axis=1)
    told = campaigns >= LEAST_CAMPAIGNS
    return Trends(
        slope=slope,
        se=slope_se,
        interval=Interval(low=slope - reach, high=slope + reach),
        p=2.0 * ndtr(-np.abs(slope / slope_se)),
        campaigns=campaigns,
        q=np.where(told, q, np.nan),
        df=np.maximum(campaigns - 2, 0),
        heterogeneity_p=np.where(told, chdtrc(np.maximum(campaigns - 2, 1), q), np.nan),
        reason=np.where(told, "", TOO_FEW),
    )


def _check_years(years: Floats, estimate: Floats, se: Floats) -> None:
    if estimate.ndim != 2 or estimate.shape != se.shape or estimate.shape[1:] != years.shape:
        raise ValueError("estimates and errors must be (rows, years), with one column per year")
    if not np.isfinite(years).all() or len(np.unique(years)) < len(years):
        raise ValueError("every campaign needs a year of its own")


def _weighted(values: Floats, weight: Floats) -> Floats:
    return divide((weight * values).sum(axis=1), weight.sum(axis=1))[:, None]


def _one_target(this: Sample, last: Sample) -> Change:
    difference, n = this.mean - last.mean, this.n + last.n
    if this.se is None or last.se is None or this.n < 2 or last.n < 2:
        return Change(difference=difference, ci=None, p=None, n=n, method=WELCH_BALLOTS)
    squares = this.se**2, last.se**2
    spread = squares[0] ** 2 / (this.n - 1) + squares[1] ** 2 / (last.n - 1)
    df = sum(squares) ** 2 / spread if spread > 0.0 else 0.0
    ci, p = _test(difference, sqrt(sum(squares)), df=df)
    return Change(difference=difference, ci=ci, p=p, n=n, method=WELCH_BALLOTS)


def _test(difference: float, se: float, *, df: float) -> tuple[tuple[float, float] | None, float | None]:
    if not se > 0.0 or not df > 0.0:
        return None, None
    interval = t_interval(_row(difference), _row(se), df=_row(df))
    p = float(two_sided_p(_row(difference / se), df=_row(df))[0])
    low, high = float(interval.low[0]), float(interval.high[0])
    return ((low, high) if isfinite(low) and isfinite(high) else None), p


def _row(value: float) -> Floats:
    return np.array([value], dtype=np.float64)
