"""Released figures as they leave the bureau: coarser, so that a school cannot work out single ballots."""

from collections.abc import Mapping
from dataclasses import replace
from math import floor
from typing import Any

from survey.queries.results import PastTarget, Record, Row

# SECRECY §4.5, STATISTICS §5: n in fives below 50, no level shares below 30 answers, nothing finer where all agree.
ROUNDED_BELOW, SHARES_FROM, UNANIMOUS = 50, 30, 0.95
# Why a figure is withheld -> what lies below the floor: rounded downwards, for 18 as 20 beside "fewer than 20" would be
# a contradiction, and tell more than fives do.
_BELOW = {"ballots_below_floor": ("ballots", "valid"), "response_below_floor": ("response_rate",)}
_ITEM = "item_below_floor"
# Decimals; two in level units and shares are coarser than one in points.
_DECIMALS = {
    **dict.fromkeys(("score", "score_ci", "score_ci_roster", "score_ci_class"), 1),
    **dict.fromkeys(("mean", "shrunken_mean", "reliability", "satisfied_rate", "satisfied_ci"), 2),
}


def outside(row: Row) -> Row:
    """Return a row as a school sees it: n in fives below 50, shares in whole percent, no flags, fewer item figures.

    Every figure is rounded here and nowhere else, for a drawing or an order made of exact ones tells them.
    Items carry `shares` of the levels instead of counts, and only from 30 answers on. Below that they have no
    intervals, no mean and a rate in steps of 5 %, for these give the levels away; where 95 % or more agree, they keep
    only `satisfied_limit`, "high" or "low": the score too would tell that nobody disagreed.
    `withheld` says why an item has no figure (`item_reason`), which its rounded n does not tell.
    """
    return replace(row, record=outside_record(row.record))


def outside_record(exact: Record) -> dict[str, Any]:
    """Return what `outside` leaves of a record."""
    below = _BELOW.get(exact.get("withheld") or "", ())
    counted = [key for key in ("ballots", "valid") if key in exact]
    seen = _rounded(exact) | {key: _fives(exact[key], down=key in below) for key in counted}
    if "issued" in exact and (exact["issued"] or 0) < ROUNDED_BELOW:
        # Slips, ballots and rate, each rounded for itself, would contradict each other: 15, 10 and 90 %.
        seen["issued"] = None
    if seen.get("reliability") is not None:
        seen["reliability"] = _reliability(exact)
    if "flagged" in seen:
        seen["flagged"] = None
    if seen.get("response_rate") is not None:
        seen["response_rate"] = _rate(exact, down="response_rate" in below)
    if "items" in seen:
        seen["items"] = {code: outside_item(item) for code, item in exact["items"].items()}
    return seen


def item_reason(item: Record) -> str | None:
    """Return why an item has no score: `not_asked`, `item_below_floor`, `no_levels`, `nearly_all_agree`, or None."""
    if "withheld" in item:
        return str(item["withheld"]) if item["withheld"] else None
    if item["score"] is not None:
        return None
    if not item["n"]:
        return "not_asked"
    return "no_levels" if item["counts"] else "item_below_floor"


def outside_past(past: PastTarget | None) -> PastTarget | None:
    """Return an earlier year's figures as coarse as `outside` makes them."""
    return None if past is None else replace(past, record=outside_record(past.record))


def _rounded(record: Record) -> dict[str, Any]:
    return {key: _cut(value, _DECIMALS.get(key)) for key, value in record.items()}


def _cut(value: Any, digits: int | None) -> Any:
    if digits is None or value is None:
        return value
    return [round(end, digits) for end in value] if isinstance(value, list | tuple) else round(value, digits)


def _reliability(record: Record) -> float:
    """Return the reliability; below 50 ballots cut to steps of 0.05, or with the ICC it would tell their number."""
    exact = float(record["reliability"])
    return round(exact, 2) if record["valid"] >= ROUNDED_BELOW else floor(20 * exact + 1e-9) / 20


def _rate(record: Record, *, down: bool) -> float:
    """Return the rate in whole percent; below 50 ballots in steps of 5 %, or it would tell their exact number."""
    steps = 100 if record["ballots"] >= ROUNDED_BELOW else 20
    rate = steps * float(record["response_rate"])
    return (floor(rate + 1e-9) if down else round(rate)) / steps


def _fives(n: int, *, down: bool = False) -> int:
    if n >= ROUNDED_BELOW:
        return n
    return 5 * (n // 5 if down else round(n / 5))


def outside_item(item: Record) -> dict[str, Any]:
    """Return the record of one item as a school sees it; the rules are those of `outside`."""
    n, rate = item["n"], item["satisfied_rate"]
    if rate is None:
        reason = item_reason(item)
        return {**_rounded(item), "n": _fives(n, down=reason == _ITEM), "counts": None, "withheld": reason}
    if n < SHARES_FROM and max(rate, 1.0 - rate) >= UNANIMOUS:
        limit = "high" if rate > 0.5 else "low"
        return {**dict.fromkeys(item), "n": _fives(n), "satisfied_limit": limit, "withheld": "nearly_all_agree"}
    seen = {**_rounded(item), "n": _fives(n), "counts": None, "withheld": None}
    if n >= SHARES_FROM:
        return {**seen, **_shares(item["counts"])}
    # Few answers make few distributions: with both intervals and the mean, all but one of them could be ruled out.
    hidden = dict.fromkeys(("mean", "sd", "score_se", "score_ci", "satisfied_ci"))
    return {**seen, **hidden, "satisfied_rate": round(20 * rate) / 20}


def _shares(counts: Mapping[str, int]) -> dict[str, Any]:
    answered = {level: n for level, n in counts.items() if level != "0"}
    total = sum(answered.values())
    shares = {level: round(n / total, 2) for level, n in answered.items()}
    return {"shares": shares, "answered": _fives(total)}
