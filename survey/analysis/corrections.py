"""Two versions of one release side by side: what a reader of both could subtract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]

FEW_BALLOTS = "few_ballots_changed"
NO_LONGER_WITHHELD = "no_longer_withheld"

# Sums of binary fractions may differ in their last bits when they are computed anew.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A target or unit that a corrected release must not change like this, with the reason."""

    level: str
    code: str
    reason: str


def conflicts(
    before: tuple[Sequence[Record], Sequence[Record]],
    after: tuple[Sequence[Record], Sequence[Record]],
    *,
    least: int,
) -> list[Conflict]:
    """Return what forbids to publish `after` beside `before`: each the target and the unit records of one evaluation.

    A published mean that changes tells the mean of the ballots that came or went; it may change only if at least
    `least` ballots did (a correction is a new version and needs the floor's changed ballots). A target withheld in one
    version only, its ballots unchanged, is one unknown less in the sums of the other version. Targets that stand in
    one version only (a voided unit) are no conflict of their own; their unit's is found at the unit.
    """
    found = []
    for level, old, new in (("target", before[0], after[0]), ("unit", before[1], after[1])):
        known = {record[level]: record for record in old}
        pairs = [(known[record[level]], record) for record in new if record[level] in known]
        found += [Conflict(level=level, code=b[level], reason=r) for a, b in pairs if (r := _reason(a, b, least))]
    return found


def _reason(before: Record, after: Record, least: int) -> str:
    changed = abs(after["ballots"] - before["ballots"])
    if (before["mean"] is None) != (after["mean"] is None):
        return NO_LONGER_WITHHELD if changed < least else ""
    if before["mean"] is None:
        return ""
    moved = abs(after["mean"] - before["mean"]) > _ROUNDING or abs(after["score"] - before["score"]) > _ROUNDING
    return FEW_BALLOTS if (moved or changed) and changed < least else ""
