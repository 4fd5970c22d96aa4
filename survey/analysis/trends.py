"""Change between two released campaigns; two points are a difference with its interval, not yet a trend."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np

from survey.analysis.arrays import Floats
from survey.analysis.intervals import t_interval, two_sided_p
from survey.analysis.moments import moments_of

PAIRED_TARGETS = "paired_targets"
WELCH_BALLOTS = "welch_ballots"


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


def samples(records: list[dict[str, Any]]) -> dict[str, Sample]:
    """Return the samples of all target records that show their figures, by target."""
    found = {record["target"]: Sample.from_record(record) for record in records}
    return {target: sample for target, sample in found.items() if sample is not None}


def change(this: Mapping[str, Sample], last: Mapping[str, Sample]) -> Change | None:
    """Compare two campaigns on the targets that both rated, None if there is none.

    Two or more matched targets: paired t across targets, each counting once. One target: Welch's t on its ballots,
    taken as independent, since nobody can be matched between two secret ballots. A p value is None where nothing
    varies.
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
