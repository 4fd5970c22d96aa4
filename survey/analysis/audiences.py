"""What a reader outside the bureau sees of a target's record: rounded sizes, coarse rates, no unanimity.

The bureau reads the cube as it is. The floors decide what there is to see at all; this only makes it coarser.
"""

from collections.abc import Mapping
from typing import Any

Record = dict[str, Any]

UNANIMOUS = 0.95
"""At least this share at one pole of a small group is told as a bound: each member's answer would be known."""

SMALL = 30
"""Below so many answers a unanimous share is a bound, and shares by level are not told to outsiders."""

ROUNDED_BELOW = 50
STEP = 5
_RATE_STEP = 0.05

AT_LEAST = "at_least"
AT_MOST = "at_most"


def outside_n(n: int) -> int:
    """Return n rounded to the nearest 5 below 50, as it stands otherwise; a half cannot occur."""
    return n if n >= ROUNDED_BELOW else STEP * ((n + STEP // 2) // STEP)


def coded_share(share: float, n: int) -> tuple[float, str | None]:
    """Return a share in [0, 1] of n answers as it may be told, with `at_least` or `at_most` where it is a bound.

    95 % of fewer than 30 or more at one pole is told as "at least 95 %", 5 % or less as "at most 5 %": a unanimous
    group would give away each member (top and bottom coding).
    """
    if n >= SMALL or 1.0 - UNANIMOUS < share < UNANIMOUS:
        return share, None
    return (UNANIMOUS, AT_LEAST) if share >= UNANIMOUS else (1.0 - UNANIMOUS, AT_MOST)


def outside_target(record: Mapping[str, Any]) -> Record:
    """Return a target record of the result schema for readers outside the bureau, under keys of its own.

    Sizes are rounded, scores have one decimal, and errors, intervals and level counts, from which exact sizes follow,
    are left out; shares by level need 30 answers. `score_bound` and `satisfied_bound` say where a figure of a small
    group that is all but unanimous is told as a bound. A withheld target keeps its reason.
    """
    n, rate = record["ballots"], record["response_rate"]
    score, bound = _coded_score(record["score"], record["valid"])
    return {
        "target": record["target"],
        "unit": record["unit"],
        "withheld": record["withheld"],
        "ballots": outside_n(n),
        "response_rate": None if rate is None else _rounded_rate(rate, n),
        "score": score,
        "score_bound": bound,
        "items": {code: _outside_item(item) for code, item in record["items"].items()},
    }


def _outside_item(item: Mapping[str, Any]) -> Record:
    n, counts, rate = item["n"], item["counts"], item["satisfied_rate"]
    share, share_bound = (None, None) if rate is None else coded_share(rate, n)
    score, bound = _coded_score(item["score"], n)
    levels = None
    if counts is not None and n >= SMALL:
        levels = {level: round(count / n, 2) for level, count in counts.items()}
    return {
        "n": outside_n(n),
        "score": score,
        "score_bound": bound,
        "satisfied_rate": None if share is None else round(share, 2),
        "satisfied_bound": share_bound,
        "levels": levels,
    }


def _rounded_rate(rate: float, n: int) -> float:
    """Return the rate as coarse as n is: from an exact one and the slips issued n would follow."""
    return round(rate, 2) if n >= ROUNDED_BELOW else round(_RATE_STEP * round(rate / _RATE_STEP), 2)


def _coded_score(score: float | None, n: int) -> tuple[float | None, str | None]:
    """Code a score in points as a share: 100.0 of a small group says how everybody answered."""
    if score is None:
        return None, None
    share, bound = coded_share(score / 100.0, n)
    return round(100.0 * share, 1), bound
