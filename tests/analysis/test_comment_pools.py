"""Comments are addressed to circles that hide their writer, and no difference of totals names a smaller one."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.comment_pools import comment_places

FLOOR = 10
LEVELS = {"target": 0, "unit": 1, "evaluation": 2}


def test_targets_with_enough_ballots_stand_for_themselves() -> None:
    assert comment_places([10, 40], ["a", "a"], floor=FLOOR) == ["target", "target"]


def test_small_targets_of_a_unit_hide_each_other() -> None:
    assert comment_places([40, 6, 5], ["a", "a", "a"], floor=FLOOR) == ["target", "unit", "unit"]


def test_a_single_small_target_joins_those_of_other_units() -> None:
    assert comment_places([6, 5, 40], ["a", "b", "b"], floor=FLOOR) == ["evaluation", "evaluation", "target"]


def test_the_only_small_target_takes_the_smallest_other_one_with_it() -> None:
    # Else a comment without a name would be known to be about the only one that has none.
    assert comment_places([7, 90, 30], ["a", "a", "b"], floor=FLOOR) == ["evaluation", "target", "evaluation"]


def test_too_few_altogether_are_not_shown() -> None:
    assert comment_places([6, 3], ["a", "b"], floor=FLOOR) == ["none", "none"]
    assert comment_places([9], ["a"], floor=FLOOR) == ["none"]
    assert comment_places([], [], floor=FLOOR) == []


def test_without_ballots_there_is_nobody_to_hide_behind() -> None:
    # The second has no ballots: the first alone would be meant.
    assert comment_places([9, 0], ["a", "a"], floor=FLOOR) == ["none", "none"]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=14))
def test_whatever_remains_between_a_total_and_its_parts_hides_its_writers(targets: list[tuple[int, str]]) -> None:
    ballots, units = [n for n, _unit in targets], [unit for _n, unit in targets]
    places = comment_places(ballots, units, floor=FLOOR)
    rests: dict[str, list[int]] = defaultdict(list)
    for n, unit, place in zip(ballots, units, places, strict=True):
        assert place != "target" or n >= FLOOR
        if place in ("unit", "evaluation"):
            rests[unit if place == "unit" else "*"].append(n)
    for members in rests.values():
        assert len(members) >= 2
        assert sum(members) >= FLOOR


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab")), max_size=10))
def test_a_higher_floor_never_addresses_more_closely_what_is_below_it(targets: list[tuple[int, str]]) -> None:
    ballots, units = [n for n, _unit in targets], [unit for _n, unit in targets]
    for n, place in zip(ballots, comment_places(ballots, units, floor=20), strict=True):
        assert n >= 20 or place != "target"
