"""What a corrected release may change beside the first one."""

import pytest

from survey.analysis.corrections import FEW_BALLOTS, NO_LONGER_WITHHELD, Conflict, conflicts


def record(level, code, ballots, mean):
    return {level: code, "ballots": ballots, "mean": mean, "score": None if mean is None else 20 * mean}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ((40, 4.0), (40, 4.0), None),
        ((40, 4.0), (39, 4.1), FEW_BALLOTS),
        ((40, 4.0), (40, 4.1), FEW_BALLOTS),
        ((40, 4.0), (41, 4.0), FEW_BALLOTS),
        ((40, 4.0), (30, 4.1), None),
        ((9, None), (9, 4.0), NO_LONGER_WITHHELD),
        ((12, 4.0), (9, None), NO_LONGER_WITHHELD),
        ((9, None), (20, 4.0), None),
        ((9, None), (8, None), None),
    ],
)
def test_a_figure_changes_by_the_floor_or_not_at_all(before, after, reason):
    for level in ("target", "unit"):
        old, new = [record(level, "a", *before)], [record(level, "a", *after)]
        versions = (old, []) if level == "target" else ([], old), (new, []) if level == "target" else ([], new)
        expected = [] if reason is None else [Conflict(level=level, code="a", reason=reason)]
        assert conflicts(*versions, least=10) == expected


def test_a_voided_target_is_no_conflict_of_its_own_but_its_unit_may_be():
    before = [record("target", "a", 8, 4.0)], [record("unit", "u", 50, 4.0)]
    after: tuple[list, list] = [], [record("unit", "u", 42, 4.0)]
    assert [conflict.level for conflict in conflicts(before, after, least=10)] == ["unit"]
