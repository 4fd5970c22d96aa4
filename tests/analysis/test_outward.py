"""What leaves the bureau is rounded, names nobody, leaves out what is imprecise, and gives no difference away."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.outward import (
    complementary,
    outward_change,
    outward_items,
    outward_rate,
    outward_rates,
    outward_size,
    outward_sum,
    outward_target,
    outward_unit,
)


def target(**more: Any) -> dict[str, Any]:
    shown = {"ballots": 41, "valid": 41, "response_rate": 41 / 60, "withheld": None, "score": 81.2345}
    return {**shown, "score_se": 1.3, "score_ci": [78.6, 83.9], "score_ci_roster": [79.44, 83.05], **more}


def test_a_target_is_rounded_and_shows_the_interval_of_the_roster() -> None:
    seen = outward_target(target())
    assert (seen["n"], seen["rate"], seen["score"], seen["ci"]) == (40, 0.7, 81.2, [79.4, 83.0])


def test_a_withheld_target_keeps_the_reason_and_no_number() -> None:
    seen = outward_target(target(score=None, withheld="ballots_below_floor"))
    assert seen["withheld"] == "ballots_below_floor"
    assert [value for key, value in seen.items() if key != "withheld"] == [None] * 5


@pytest.mark.parametrize(("score", "limit"), [(97.0, "high"), (100.0, "high"), (3.0, "low"), (94.0, None)])
def test_few_ballots_near_an_end_say_only_so(score: float, limit: str | None) -> None:
    few = outward_target(target(score=score, valid=20, ballots=20))
    assert few["limit"] == limit
    assert (few["score"] is None) is (limit is not None)
    assert outward_target(target(score=score))["score"] == pytest.approx(score)


@pytest.mark.parametrize(("teachers", "shown"), [(4, False), (5, True)])
def test_a_mean_over_few_persons_is_none(teachers: int, shown: bool) -> None:
    record = {"targets": teachers, "ballots": 300, "withheld": None, "score": 80.0, "score_ci": [70.0, 90.0]}
    seen = outward_unit(record)
    assert (seen["score"] is not None) is shown
    assert (seen["withheld"] == "few_persons") is not shown


def test_targets_on_one_ballot_count_it_once() -> None:
    """Twelve principals about six departments are not seventy-two, which would tell that they are twelve."""
    counts = {"5": 100, "4": 80, "3": 20, "2": 10, "1": 6, "0": 0}
    record = {**target(ballots=72, valid=72, response_rate=12 / 13), "issued": 78, "targets": 6, "rated": 6}
    record |= {"satisfied_rate": 180 / 216, "counts": counts}
    seen = outward_sum(record, one_page=True)
    assert (seen["n"], seen["rate"]) == (10, 0.9)
    assert seen["satisfied"]["withheld"] == "imprecise"
    assert 78 not in seen.values()


def test_rates_follow_the_standard() -> None:
    fine, few, wide, everybody = outward_rates([(120, 200), (20, 25), (25, 50), (60, 60)], deff=1.0, df=float("nan"))
    assert (fine["rate"], fine["withheld"]) == (0.6, None)
    assert few["withheld"] == "imprecise"
    assert wide["rate"] == 0.5 or wide["withheld"] == "imprecise"
    assert (everybody["rate"], everybody["limit"], everybody["review"]) == (None, "high", "no_events")
    assert outward_rates([], deff=1.0, df=1.0) == []


def test_clustered_answers_are_worth_less() -> None:
    (alone,) = outward_rates([(70, 100)], deff=1.0, df=float("nan"))
    (clustered,) = outward_rates([(70, 100)], deff=4.0, df=20.0)
    (few,) = outward_rates([(700, 1000)], deff=2.0, df=5.0)
    assert alone["rate"] == 0.7
    assert clustered["withheld"] == "imprecise"
    assert few["review"] == "few_clusters"


def test_an_item_that_the_cube_does_not_show_is_left_out() -> None:
    items = {"A": {"counts": {"5": 100, "4": 50, "3": 20, "2": 10, "1": 5, "0": 9}}, "B": {"counts": None}}
    shown, hidden = outward_items(target(items=items, score_ci_class=None), ["A", "B"], satisfied=[5, 4], classes=None)
    assert (shown["rate"], shown["n"]) == (round(150 / 185, 2), 185)
    assert (hidden["rate"], hidden["n"], hidden["withheld"]) == (None, None, "imprecise")


@pytest.mark.parametrize("n", [*range(0, 60, 7), 49, 50, 1234])
def test_numbers_and_rates_tell_no_single_ballot(n: int) -> None:
    assert outward_size(n) == n if n >= 50 else outward_size(n) % 5 == 0
    rate = outward_rate(n / 60, ballots=n)
    assert rate is not None
    if n < 50:
        assert rate * 20 == pytest.approx(round(rate * 20))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=12))
def test_what_is_hidden_beside_a_sum_is_never_one_row_alone(rows: list[tuple[bool, int]]) -> None:
    shown = np.array([row[0] for row in rows], dtype=np.bool_)
    size = np.array([row[1] for row in rows], dtype=np.int64)
    left = complementary(shown, size)
    assert not (left & ~shown).any()
    if left.any() and not left.all():
        assert (~left).sum() >= 2
        assert size[~left].sum() >= 10
    if shown.all():
        assert left.all()


def test_a_change_goes_out_with_no_digit_from_which_ballots_could_be_solved() -> None:
    exact = {"difference": 1.0416666666666714, "ci": (-0.123456, 2.2), "p": 0.04971, "n": 43, "method": "welch_ballots"}
    seen = outward_change(exact)
    assert seen == {"difference": 1.0, "ci": [-0.1, 2.2], "p": 0.049, "n": 45, "method": "welch_ballots"}
    assert outward_change({**exact, "ci": None, "p": None})["p"] is None
