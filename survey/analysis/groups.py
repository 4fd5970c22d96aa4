"""Units in tiers instead of a ranking: within a tier nothing shown by the data tells the members apart."""

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def indistinguishable_groups(units: Sequence[Record], pairs: Sequence[Record]) -> tuple[tuple[str, ...], ...]:
    """Return tiers of unit codes, best score first, in which no flagged difference separates two members.

    units, pairs: records of the result schema. Units stand in score order and join the current tier unless a flag
    separates them from one of its members. Units that are withheld, or stand in no pair, were not compared and are in
    no tier. Where units were held against all others ("*", many units) there are three tiers at most: flagged above
    the rest, unflagged, flagged below. Being in one tier means that a difference is not proven, not that there is none.
    """
    compared = {code for pair in pairs for code in (pair["a"], pair["b"])}
    scores = {unit["unit"]: unit["score"] for unit in units if unit["score"] is not None and unit["unit"] in compared}
    order = sorted(scores, key=lambda code: -scores[code])
    against_rest = {pair["a"]: pair for pair in pairs if pair["b"] == "*"}
    if against_rest:
        return _against_rest(order, against_rest)
    return _tiers(order, {frozenset((pair["a"], pair["b"])) for pair in pairs if pair["flag"]})


def _tiers(order: Sequence[str], separated: set[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    tiers: list[list[str]] = []
    for code in order:
        if tiers and not any(frozenset((code, member)) in separated for member in tiers[-1]):
            tiers[-1].append(code)
        else:
            tiers.append([code])
    return tuple(tuple(tier) for tier in tiers)


def _against_rest(order: Sequence[str], pairs: Mapping[str, Record]) -> tuple[tuple[str, ...], ...]:
    sides: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for code in order:
        sides[_side(pairs.get(code))].append(code)
    return tuple(tuple(side) for side in sides.values() if side)


def _side(pair: Record | None) -> int:
    if pair is None or not pair["flag"]:
        return 0
    return 1 if pair["difference"] > 0 else -1
