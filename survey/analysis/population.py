"""Who is rated, by how many, and where the targets stand in the tree of units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Floats, Ints, divide


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """The targets' surroundings, in the order of the tally's targets.

    unit: the unit of each target, "" for none; unit_level: school, district or bureau; district: unit -> 学区, for
    the family of pairs. issued: slips made, voided ones included; eligible_slips: issued minus voided ones of the
    groups that may rate the target, 0 where there is no roster. enrolled: group position in the tally -> head-count
    N (missing, None or 0: unknown). response_floor: share in [0, 1]. classes: the groups are classes that may serve
    as strata and clusters. By group position in the tally, empty where unknown: grades, the number of the grade, -1
    for none; pages, how many ballots the group's slips could cast.
    """

    unit: Sequence[str]
    unit_level: str
    issued: Sequence[int]
    eligible_slips: Sequence[int]
    district: Mapping[str, str] | None = None
    enrolled: Mapping[int, int | None]
    response_floor: float = 0.5
    classes: bool = False
    grades: Sequence[int] = ()
    pages: Sequence[int] = ()

    def units(self) -> tuple[str, ...]:
        """Return the units in the order in which their targets first appear."""
        return tuple(dict.fromkeys(unit for unit in self.unit if unit))

    def unit_positions(self) -> Ints:
        """Return each target's position in `units()` (n_targets,), -1 for none."""
        place = {unit: row for row, unit in enumerate(self.units())}
        return np.array([place.get(unit, -1) for unit in self.unit], dtype=np.int64)

    def response_rate(self, ballots: Ints) -> Floats:
        """Return ballots / eligible slips per target, NaN without a roster."""
        return divide(ballots, np.asarray(self.eligible_slips, dtype=np.int64))

    def head_counts(self, groups: Ints) -> Floats:
        """Return N of each of the group positions, NaN where unknown."""
        return np.array([float(self.enrolled.get(group) or np.nan) for group in groups.tolist()], dtype=np.float64)
