"""What has changed since last year, target by target, unit by unit and item by item, from published figures alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, plain, plain_pairs
from survey.analysis.intervals import Interval, t_interval, t_quantile, two_sided_p
from survey.analysis.item_summaries import ALPHA
from survey.analysis.moments import Moments, moments_of
from survey.analysis.multiplicity import benjamini_hochberg
from survey.analysis.records import Record


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """The targets of one campaign that show a score (n_targets,): points, standard error and its degrees of freedom.

    Where targets are rated by classes both come from the class interval, so that the class is the unit of analysis;
    else ballots are. NaN where they are unknown.
    """

    codes: tuple[str, ...]
    score: Floats
    se: Floats
    df: Floats

    def take(self, codes: Sequence[str]) -> "Standing":
        """Return the targets of these codes, in their order."""
        place = {code: row for row, code in enumerate(self.codes)}
        rows = np.array([place[code] for code in codes], dtype=np.int64)
        return Standing(codes=tuple(codes), score=self.score[rows], se=self.se[rows], df=self.df[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes:
    """Differences this less last (n_rows,) in points with interval, p, adjusted p (Benjamini-Hochberg over the rows).

    n: targets behind a row. flag: adjusted p below 0.05 and beyond the margin. NaN: not tested.
    """

    n: Ints
    difference: Floats
    interval: Interval
    p: Floats
    p_adjusted: Floats
    flag: Bools

    def records(self) -> list[Record]:
        """Return the rows as plain values, None for NaN."""
        columns = {
            "n": self.n.tolist(),
            "difference": plain(self.difference),
            "ci": plain_pairs(self.interval.low, self.interval.high),
            "p": plain(self.p),
            "p_adjusted": plain(self.p_adjusted),
            "flag": self.flag.tolist(),
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def standing(records: Sequence[Mapping[str, object]], classes: Sequence[int | None]) -> Standing:
    """Read the shown targets of a campaign; classes: how many rated each target, None where there are no classes."""
    rows = [(row, number) for row, number in zip(records, classes, strict=True) if row["score"] is not None]
    ends = [_ends(row, number) for row, number in rows]
    width = np.array([end[0] for end in ends], dtype=np.float64)
    df = np.array([end[1] for end in ends], dtype=np.float64)
    df = np.where(np.isfinite(width) & (df > 0), df, np.nan)
    return Standing(
        codes=tuple(str(row["target"]) for row, _number in rows),
        score=np.array([row["score"] for row, _number in rows], dtype=np.float64),
        se=width / t_quantile(df),
        df=df,
    )


def _ends(record: Mapping[str, object], classes: int | None) -> tuple[float, int]:
    """Return half the width of a target's interval and its degrees of freedom."""
    name, size = ("score_ci", record["valid"]) if classes is None else ("score_ci_class", classes)
    ends = cast("Sequence[float] | None", record[name])
    return (np.nan, 0) if ends is None else ((ends[1] - ends[0]) / 2.0, int(str(size)) - 1)


def target_changes(this: Standing, last: Standing, *, margin: float) -> dict[str, Record]:
    """Compare every target that both campaigns show, by code: Welch's (1947) t on the two standard errors.

    Raters are not matched between two secret ballots, so both years count as independent. Not tested where one error
    is unknown or both are 0. Checked against SciPy `ttest_ind_from_stats(equal_var=False)`.
    """
    known = set(last.codes)
    codes = [code for code in this.codes if code in known]
    now, past = this.take(codes), last.take(codes)
    variance = now.se**2 + past.se**2
    spread = divide(now.se**4, now.df) + divide(past.se**4, past.df)
    df = divide(variance**2, np.where(spread > 0.0, spread, 0.0))
    found = _changes(np.ones(len(codes), dtype=np.int64), now.score - past.score, np.sqrt(variance), df, margin)
    return dict(zip(codes, found.records(), strict=True))


def paired_changes(this: Floats, last: Floats, place: Ints, *, size: int, margin: float) -> Changes:
    """Compare rows 0..size-1 on matched values (n_values,) in points, each value one target: paired t within a row.

    place: the row of each value. NaN on either side: left out. Not tested below two values or where nothing varies.
    Checked against SciPy `ttest_rel`.
    """
    both = np.isfinite(this) & np.isfinite(last)
    moments: Moments = moments_of((this - last)[both], place[both], size=size)
    df = np.maximum(moments.n - 1, 0).astype(np.float64)
    return _changes(moments.n, moments.known_mean(), moments.se(), df, margin)


def _changes(n: Ints, difference: Floats, se: Floats, df: Floats, margin: float) -> Changes:
    tested = (np.nan_to_num(se) > 0.0) & (np.nan_to_num(df) > 0.0)
    error, freedom = np.where(tested, se, np.nan), np.where(tested, df, np.nan)
    p = two_sided_p(difference / error, df=freedom)
    adjusted = benjamini_hochberg(p)
    flag = (np.nan_to_num(adjusted, nan=1.0) < ALPHA) & (np.nan_to_num(np.abs(difference)) > margin)
    return Changes(
        n=n,
        difference=difference,
        interval=t_interval(difference, error, df=freedom),
        p=p,
        p_adjusted=adjusted,
        flag=np.asarray(flag),
    )
