"""For whom released figures leave the desk's pages: the bureau exactly, a school its own and coarser."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from survey.queries.outside import outside
from survey.queries.results import EvaluationHead, Record, Row

BUREAU, SCHOOL = "bureau", "school"
# What with n and the rest would narrow the counts down.
_HIDDEN = frozenset(
    ("sd", "score_se", "shrunken_sd", "flagged", "mean_se", "pooled_mean", "pooled_mean_se_cluster", "counts")
)


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who reads: the bureau, or with `school` the school of that code, which sees nothing of others."""

    school: str | None = None

    @property
    def kind(self) -> str:
        """`bureau` or `school`."""
        return BUREAU if self.school is None else SCHOOL

    @property
    def exact(self) -> bool:
        """Whether figures are read as they were computed, and what a release says as a whole too."""
        return self.school is None


def seen_target(row: Row, audience: Audience) -> Row:
    """Return a target as the audience sees it; a school's items say in `withheld` why they have no figure."""
    if audience.exact:
        return row
    record = outside(row).record
    items = {code: _coarse(item) for code, item in record["items"].items()}
    return replace(row, record={**_coarse(record), "items": items})


def seen_units(rows: Sequence[Row], head: EvaluationHead, audience: Audience) -> list[Row]:
    """Return units as the audience sees them; a school sees itself only, as the unit of its teachers."""
    if audience.exact:
        return list(rows)
    mine = [row for row in rows if head.relation == "student_teacher" and row.code == audience.school]
    return [replace(row, record=_coarse(outside(row).record)) for row in mine]


def _coarse(record: Record) -> dict[str, Any]:
    return {key: None if key in _HIDDEN else value for key, value in record.items()}
