"""Estimates, comparisons and verdicts: a figure with all that it must carry before anybody prints it.

Made from the released records, which stay flat; what a record leaves to its evaluation is put beside it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from survey.analysis.scoring import Scheme

Record = Mapping[str, Any]
Ends = tuple[float, float]

ROSTER, CLASSES, BALLOTS = "A", "B", "ballots"
"""Question of an interval: this roster, performance, or neither (ballots taken as independent)."""

LOW, MEDIUM, HIGH = "low", "medium", "high"
_MEDIUM_FROM, _HIGH_FROM = 0.7, 0.8


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a figure is of: campaign, relation, questionnaire and scheme with versions, roster, last day, software."""

    campaign: str
    year: int
    relation: str
    questionnaire: str
    questionnaire_version: int
    scheme: str
    scheme_version: int
    roster_version: int
    last_day: str
    software: str


@dataclass(frozen=True, kw_only=True)
class Response:
    """Who could and who did: slips made, ballots cast, valid, flagged; response_rate in [0, 1] or None; quorum: whether
    the floors of publication are met, withheld the reason where not.
    """

    issued: int
    ballots: int
    valid: int
    flagged: int | None
    response_rate: float | None
    withheld: str | None

    @property
    def quorum(self) -> bool:
        """Tell whether the figure may be published."""
        return self.withheld is None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One 95 % interval of a score in points: its question, method, degrees of freedom, unit of analysis, and whether
    the finite population correction was applied.
    """

    question: str
    interval: Ends
    method: str
    df: int
    unit_of_analysis: str
    fpc: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Three-valued, against a threshold in points: met, not_met, undecided; or improvement_only below its floors."""

    value: str
    threshold: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A target's score in points with its standard error; None where withheld. spreads: from the headline on.

    reliability in [0, 1] and its class: low below .7, medium, high from .8.
    """

    identity: Identity
    target: str
    response: Response
    score: float | None
    se: float | None
    spreads: tuple[Spread, ...]
    reliability: float | None
    verdict: Verdict | None

    @property
    def reliability_class(self) -> str | None:
        """Return low, medium or high, None where unknown."""
        if self.reliability is None:
            return None
        return LOW if self.reliability < _MEDIUM_FROM else MEDIUM if self.reliability < _HIGH_FROM else HIGH


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One pair of a family fixed beforehand: difference a - b in level units, interval, effect size g, raw and
    adjusted p.

    finding: higher, lower (significant and above the margin in points), else undecided; withheld without a difference.
    """

    identity: Identity
    a: str
    b: str
    difference: float | None
    interval: Ends | None
    effect: float | None
    p: float | None
    p_adjusted: float | None
    method: str
    unit_of_analysis: str
    family: str
    family_size: int
    margin: float
    finding: str


def estimate(record: Record, *, identity: Identity, scheme: Scheme, classes: int | None) -> Estimate:
    """Return the estimate of a target's record; classes: rater groups with valid ballots, None where not known."""
    value = record["verdict"]
    return Estimate(
        identity=identity,
        target=record["target"],
        response=Response(
            issued=record["issued"],
            ballots=record["ballots"],
            valid=record["valid"],
            flagged=record["flagged"],
            response_rate=record["response_rate"],
            withheld=record["withheld"],
        ),
        score=record["score"],
        se=record["score_se"],
        spreads=_spreads(record, classes),
        reliability=record["reliability"],
        verdict=None if value is None else Verdict(value=value, threshold=scheme.threshold),
    )


def comparisons(document: Record, *, identity: Identity, scheme: Scheme) -> list[Comparison]:
    """Return the comparisons of an evaluation's `comparison` or `paired` document, in its order."""
    paired = "friedman" in document
    pairs = document["pairs"]
    return [
        Comparison(
            identity=identity,
            a=pair["a"],
            b=pair["b"],
            difference=pair["difference"],
            interval=None if pair["ci"] is None else (pair["ci"][0], pair["ci"][1]),
            effect=pair.get("hedges_g"),
            p=pair["p"],
            p_adjusted=pair["p_adjusted"],
            method="paired_t" if paired else "welch",
            unit_of_analysis="ballot" if paired else "target",
            family="pairs_of_targets" if paired else "pairs_of_units",
            family_size=sum(other["p"] is not None for other in pairs),
            margin=scheme.margin,
            finding=_finding(pair),
        )
        for pair in pairs
    ]


def _finding(pair: Record) -> str:
    if pair["difference"] is None:
        return "withheld"
    if not pair["flag"]:
        return "undecided"
    return "higher" if pair["difference"] > 0.0 else "lower"


def _spreads(record: Record, classes: int | None) -> tuple[Spread, ...]:
    """Return the intervals that a record has, the headline first: A, then B, then that of independent ballots."""
    n, strata = record["valid"], classes or 1
    known = (
        (ROSTER, "score_ci_roster", "stratified_mean", max(n - strata, 1), "ballot", True),
        (CLASSES, "score_ci_class", "clustered_mean", max(strata - 1, 1), "class", False),
        (BALLOTS, "score_ci", "mean", max(n - 1, 1), "ballot", False),
    )
    return tuple(
        Spread(
            question=question,
            interval=(record[key][0], record[key][1]),
            method=method,
            df=df,
            unit_of_analysis=unit,
            fpc=fpc,
        )
        for question, key, method, df, unit, fpc in known
        if record.get(key)
    )
