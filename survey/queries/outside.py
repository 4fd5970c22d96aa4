"""Released figures as they leave the bureau: coarser, so that a school cannot work out single ballots."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from survey.queries.results import Record, Row

# SECRECY §4.5, STATISTICS §5: n in fives below 50, no level shares below 30 answers, nothing finer where all agree.
ROUNDED_BELOW, SHARES_FROM, UNANIMOUS = 50, 30, 0.95


def outside(row: Row) -> Row:
    """Return a row as a school sees it: n in fives below 50, shares in whole percent, no flags, fewer item figures.

    Items carry `shares` of the levels instead of counts, and only from 30 answers on. Below that, where 95 % or more
    agree, they keep only `satisfied_limit`, "high" or "low": the score too would tell that nobody disagreed.
    """
    record: dict[str, Any] = dict(row.record)
    record |= {key: _fives(record[key]) for key in ("ballots", "valid", "issued") if key in record}
    if "flagged" in record:
        record["flagged"] = None
    if record.get("response_rate") is not None:
        record["response_rate"] = _rate(row.record)
    if "items" in record:
        record["items"] = {code: outside_item(item) for code, item in record["items"].items()}
    return replace(row, record=record)


def _rate(record: Record) -> float:
    """Return the rate in whole percent; below 50 ballots in steps of 5 %, or it would tell their exact number."""
    rate = float(record["response_rate"])
    return round(rate, 2) if record["ballots"] >= ROUNDED_BELOW else round(20 * rate) / 20


def _fives(n: int) -> int:
    return n if n >= ROUNDED_BELOW else 5 * round(n / 5)


def outside_item(item: Record) -> dict[str, Any]:
    """Return the record of one item as a school sees it; the rules are those of `outside`."""
    n, rate = item["n"], item["satisfied_rate"]
    if rate is None:
        return {**item, "n": _fives(n), "counts": None}
    if n < SHARES_FROM and max(rate, 1.0 - rate) >= UNANIMOUS:
        return {**dict.fromkeys(item), "n": _fives(n), "satisfied_limit": "high" if rate > 0.5 else "low"}
    seen = {**item, "n": _fives(n), "counts": None, "satisfied_rate": round(rate, 2)}
    seen["satisfied_ci"] = [round(end, 2) for end in item["satisfied_ci"]]
    return {**seen, **_shares(item["counts"])} if n >= SHARES_FROM else seen


def _shares(counts: Mapping[str, int]) -> dict[str, Any]:
    answered = {level: n for level, n in counts.items() if level != "0"}
    total = sum(answered.values())
    shares = {level: round(n / total, 2) for level, n in answered.items()}
    return {"shares": shares, "answered": _fives(total)}
