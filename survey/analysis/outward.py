"""Released records as the public may see them (公示): rounded, without single persons, imprecise rates left out.

Everything is made from records of the released cube and only coarser than they are, or left out. Rules: n in fives
below 50 and response in whole percent; scores and ends of intervals with one decimal; below 30 ballots a score within
five points of either end only says so (unanimity); rates by the NCHS standard (`analysis/publication.py`); a mean over
persons only from `LEAST_PERSONS` of them; and where one row would be the difference between the sum and the others,
its smallest sibling is left out with it (`complementary`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from survey.analysis.arrays import Bools, Ints
from survey.analysis.publication import FEW_CLUSTERS, NO_EVENTS, WITHHOLD, pooled_design, presentation

FIVES_BELOW = 50
UNANIMOUS_BELOW = 30
NEAR_END = 5.0
LEAST_PERSONS = 5
LEAST_TOGETHER = 10

FEW_PERSONS, SIBLING, IMPRECISE, PROTECTED = "few_persons", "sibling", "imprecise", "protected"
HIGH, LOW = "high", "low"
NOT_ASKED = "not_asked"

Record = Mapping[str, Any]


def outward_size(n: int) -> int:
    """Return a number of ballots in fives below 50."""
    return n if n >= FIVES_BELOW else 5 * round(n / 5)


def outward_rate(rate: float | None, *, ballots: int) -> float | None:
    """Return a response rate in whole percent, in steps of 5 % below 50 ballots, for it would tell their number."""
    if rate is None:
        return None
    return round(rate, 2) if ballots >= FIVES_BELOW else round(20 * rate) / 20


def outward_change(change: Record) -> dict[str, Any]:
    """Return a change against the year before for the public: points and ends with one decimal, p with three.

    A difference to the last digit is a fraction whose denominators are the numbers of ballots. Rounding never lifts p
    to 0.05, so that what is established stays so.
    """
    ends, p = change["ci"], change["p"]
    rounded = {
        "difference": round(change["difference"], 1),
        "ci": None if ends is None else [round(e, 1) for e in ends],
    }
    small = None if p is None else min(round(p, 3), 0.049) if p < 0.05 else round(p, 3)
    return {**change, **rounded, "p": small, "n": outward_size(change["n"])}


def outward_sum(record: Record, *, one_page: bool = False) -> dict[str, Any]:
    """Return an evaluation's summary for the public; its rate is judged like those of schools.

    one_page: all targets stand on one ballot, so that a ballot counts once and not for each target, or the sum would
    tell what the rounded numbers of the targets do not. The rate pools the answers to all items, so answers of one
    ballot count as one, and targets as clusters.
    """
    share = max(record["targets"], 1) if one_page else 1
    seen = _figures({**record, "ballots": record["ballots"] // share}, n=record["valid"] // share)
    seen |= {"targets": record["targets"], "satisfied": None}
    counts = record["counts"]
    if record["satisfied_rate"] is None or counts is None or not record["valid"]:
        return seen
    answers = sum(n for level, n in counts.items() if level != "0")
    agreed = round(record["satisfied_rate"] * answers)
    deff, df = pooled_design(answers, record["valid"] / share, targets=record["rated"])
    return {**seen, "satisfied": outward_rates([(agreed, answers)], deff=deff, df=df)[0]}


def outward_target(record: Record) -> dict[str, Any]:
    """Return a school's or department's record for the public; withheld ones keep the reason only."""
    return _figures(record, n=record["valid"])


def outward_unit(record: Record) -> dict[str, Any]:
    """Return the mean over the teachers of a school for the public, from `LEAST_PERSONS` of them on."""
    seen = _figures(record, n=record["ballots"])
    few = record["score"] is not None and record["targets"] < LEAST_PERSONS
    return hidden(seen, FEW_PERSONS) if few else seen


def hidden(seen: Record, reason: str) -> dict[str, Any]:
    """Return a row without its figures; how many answered goes with them."""
    return {**seen, "n": None, "rate": None, "score": None, "ci": None, "limit": None, "withheld": reason}


def _figures(record: Record, *, n: int) -> dict[str, Any]:
    seen: dict[str, Any] = {
        "n": outward_size(n),
        "rate": outward_rate(record.get("response_rate"), ballots=record["ballots"]),
        "score": None,
        "ci": None,
        "limit": None,
        "withheld": record["withheld"],
    }
    score = record["score"]
    if score is None:
        return hidden(seen, record["withheld"] or "empty")
    end = HIGH if score > 100.0 - NEAR_END else LOW if score < NEAR_END else None
    if end and n < UNANIMOUS_BELOW:
        return {**seen, "limit": end}
    ends = record.get("score_ci_roster") or record.get("score_ci_class") or record["score_ci"]
    return {**seen, "score": round(score, 1), "ci": _cut(ends)}


def _cut(ends: Sequence[float] | None) -> list[float] | None:
    """Return an interval with one decimal, cut to the scale."""
    return None if ends is None else [round(max(ends[0], 0.0), 1), round(min(ends[1], 100.0), 1)]


def outward_items(record: Record, items: Sequence[str], *, satisfied: Sequence[int], classes: int | None) -> list[Any]:
    """Return the satisfaction rates of a shown target's items, as `outward_rates`; None where the cube shows none.

    The design effect of the score, (se by class / se of independent ballots)^2, stands in for that of each rate.
    """
    counted = [(code, record["items"].get(code) or {"counts": None}) for code in items]
    shown = [(code, item["counts"]) for code, item in counted if item["counts"]]
    pairs = [_agreed(counts, satisfied) for _code, counts in shown]
    deff, df = _design(record, classes)
    rates = dict(zip([code for code, _counts in shown], outward_rates(pairs, deff=deff, df=df), strict=True))
    asked = {code: item.get("n") != 0 for code, item in counted}
    return [{"item": code, **(rates.get(code) or _no_rate(IMPRECISE if asked[code] else NOT_ASKED))} for code in items]


def _agreed(counts: Mapping[str, int], satisfied: Sequence[int]) -> tuple[int, int]:
    return sum(counts[str(level)] for level in satisfied), sum(n for level, n in counts.items() if level != "0")


def _design(record: Record, classes: int | None) -> tuple[float, float]:
    """Return design effect and degrees of freedom of a target's score, NaN where classes are not known."""
    from survey.analysis.intervals import t_quantile

    naive, ends = record["score_se"], record["score_ci_class"]
    if not naive or ends is None or classes is None or classes < 2:
        return float("nan"), float("nan")
    df = float(classes - 1)
    se = (ends[1] - ends[0]) / 2.0 / float(t_quantile(np.array([df]))[0])
    return (se / naive) ** 2, df


def outward_rates(pairs: Sequence[tuple[int, int]], *, deff: float, df: float) -> list[dict[str, Any]]:
    """Judge rates (successes, n) by the NCHS standard and write them in whole percent.

    rate, ci: shares in [0, 1]; limit: `high` or `low` where everybody agreed, in place of 100 or 0 %; withheld:
    `imprecise`; review: `few_clusters` or `no_events`, which somebody must look at before it goes out.
    """
    if not pairs:
        return []
    k, n = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    size = np.full(len(k), 1.0)
    judged = presentation(k, n, deff=size * deff, df=size * df)
    rows = zip(pairs, judged.decision, judged.reason, judged.interval.low, judged.interval.high, strict=True)
    return [_rate(*pair, str(decision), str(reason), (float(a), float(b))) for pair, decision, reason, a, b in rows]


def _rate(agreed: int, n: int, decision: str, reason: str, ends: tuple[float, float]) -> dict[str, Any]:
    if decision == WITHHOLD:
        return _no_rate(IMPRECISE)
    if reason == NO_EVENTS:
        return {**_no_rate(None), "n": outward_size(n), "limit": HIGH if agreed else LOW, "review": NO_EVENTS}
    review = FEW_CLUSTERS if reason == FEW_CLUSTERS else None
    ci = [round(end, 2) for end in ends]
    return {**_no_rate(None), "n": outward_size(n), "rate": round(agreed / n, 2), "ci": ci, "review": review}


def _no_rate(reason: str | None) -> dict[str, Any]:
    return {"n": None, "rate": None, "ci": None, "limit": None, "withheld": reason, "review": None}


def complementary(shown: Bools, size: Ints, *, least: int = LEAST_TOGETHER) -> Bools:
    """Return which rows (n_rows,) may be shown beside the mean over all of them.

    Hidden rows must be two at least and hold `least` together, else the sum and the shown rows give them away; the
    smallest shown row is hidden until that holds. size (n_rows,): persons or ballots behind each row. Nothing changes
    where nothing is hidden.
    """
    left = shown.copy()
    while left.any() and not left.all():
        gone = ~left
        if gone.sum() >= 2 and size[gone].sum() >= least:
            return left
        rows = np.flatnonzero(left)
        left[rows[np.argmin(size[rows])]] = False
    return left
