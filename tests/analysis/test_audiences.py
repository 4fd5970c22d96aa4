"""What outsiders see: sizes, shares and decimals, and that nothing exact slips through."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.audiences import AT_LEAST, AT_MOST, coded_share, outside_n, outside_target
from survey.analysis.results import evaluate


@pytest.mark.parametrize(
    ("n", "told"), [(10, 10), (12, 10), (13, 15), (47, 45), (48, 50), (49, 50), (50, 50), (51, 51), (0, 0)]
)
def test_small_sizes_are_rounded_to_five(n, told):
    assert outside_n(n) == told


@given(st.integers(0, 10_000))
def test_a_size_is_never_off_by_more_than_two(n):
    assert abs(outside_n(n) - n) <= 2


@pytest.mark.parametrize(
    ("share", "n", "told"),
    [
        (1.0, 29, (0.95, AT_LEAST)),
        (0.95, 29, (0.95, AT_LEAST)),
        (0.0, 10, (pytest.approx(0.05), AT_MOST)),
        (0.94, 29, (0.94, None)),
        (1.0, 30, (1.0, None)),
    ],
)
def test_unanimity_of_a_small_group_is_a_bound(share, n, told):
    assert coded_share(share, n) == told


def record_of(tally, population, scheme, n, slips):
    cells = tally(*[("t", "g", [5, 5]) for _ballot in range(n)])
    return evaluate(cells, population(cells, issued=[slips], eligible_slips=[slips]), scheme).targets[0]


def test_a_unanimous_class_is_told_coarsely(tally, population, scheme):
    told = outside_target(record_of(tally, population, scheme, 23, 33))
    assert (told["ballots"], told["response_rate"], told["score"]) == (25, 0.7, 95.0)
    item = {
        "n": 25,
        "score": 95.0,
        "score_bound": AT_LEAST,
        "satisfied_rate": 0.95,
        "satisfied_bound": AT_LEAST,
        "levels": None,
    }
    assert told["items"]["q0"] == item


def test_shares_by_level_need_thirty_answers(tally, population, scheme):
    told = outside_target(record_of(tally, population, scheme, 30, 33))
    assert told["items"]["q0"]["levels"]["5"] == 1.0


@pytest.mark.parametrize("n", [0, 9])
def test_a_withheld_target_keeps_its_reason(tally, population, scheme, n):
    cells = tally(*[("t", "g", [5, 5]) for _ballot in range(n)], targets=("t",))
    told = outside_target(evaluate(cells, population(cells), scheme).targets[0])
    assert (told["withheld"], told["score"], told["response_rate"]) == ("ballots_below_floor", None, None)
    json.dumps(told, allow_nan=False)
