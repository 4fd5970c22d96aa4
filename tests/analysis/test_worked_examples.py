"""The worked example: its steps follow from each other by hand, under every ready scheme."""

import json
from math import sqrt

import pytest

from survey.analysis.scoring import Scheme, linear_scheme, load_scheme, ready_schemes
from survey.analysis.worked_examples import worked_example

SCHEMES = (*ready_schemes(), linear_scheme(1, 2), linear_scheme(0, 10))


@pytest.fixture
def example() -> dict:
    return worked_example(load_scheme("five_step"))


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.id)
def test_the_score_follows_from_the_table_by_hand(scheme: Scheme) -> None:
    score = worked_example(scheme)["score"]
    rows = score["levels"]
    assert [row["level"] for row in rows] == sorted(scheme.levels, reverse=True)
    assert sum(row["n"] for row in rows) == score["n"] == score["ballots"] - score["no_opinion"] - score["blank"]
    assert sum(row["product"] for row in rows) == pytest.approx(score["sum"])
    assert score["mean"] == pytest.approx(score["sum"] / score["n"])
    assert score["variance"] == pytest.approx(sum(row["square"] for row in rows) / (score["n"] - 1))
    assert score["se_roster"] == pytest.approx(sqrt(score["variance"] / score["n"] * (1 - score["n"] / 40)))
    assert score["high"] - score["mean"] == pytest.approx(score["t"] * score["se_roster"])


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.id)
def test_the_example_is_plain_json_and_has_no_gap(scheme: Scheme) -> None:
    assert json.loads(json.dumps(worked_example(scheme), allow_nan=False)) == worked_example(scheme)


def test_five_steps_give_the_numbers_of_a_calculator(example: dict) -> None:
    assert example["score"]["sum"] == 2050
    assert example["score"]["mean"] == pytest.approx(85.4167, abs=5e-5)
    # Table values: t(23) = 2.0687, t(4) = 2.7764.
    assert example["score"]["t"] == pytest.approx(2.0687, abs=5e-5)
    assert example["classes"]["t"] == pytest.approx(2.7764, abs=5e-5)
    assert (example["rate"]["low"], example["rate"]["high"]) == pytest.approx((0.6415, 0.9332), abs=5e-5)


def test_the_rate_follows_wilsons_formula(example: dict) -> None:
    k, n, z = example["rate"]["satisfied"], example["rate"]["n"], example["rate"]["z"]
    p = k / n
    assert example["rate"]["centre"] == pytest.approx((k + z * z / 2) / (n + z * z))
    assert example["rate"]["reach"] == pytest.approx(z * sqrt(n * p * (1 - p) + z * z / 4) / (n + z * z))


def test_the_interval_of_question_b_rests_on_the_classes(example: dict) -> None:
    classes = example["classes"]
    squares = sum((row["n"] * (row["mean"] - classes["mean"])) ** 2 for row in classes["rows"])
    count = len(classes["rows"])
    assert classes["variance"] == pytest.approx(count / (count - 1) * squares / classes["n"] ** 2)
    assert classes["df"] == count - 1
    assert classes["high"] == pytest.approx(classes["mean"] + classes["t"] * classes["se"])


def test_the_teacher_is_drawn_two_thirds_of_the_way(example: dict) -> None:
    assert example["shrinkage"]["reliability"] == pytest.approx(2 / 3)
    assert example["shrinkage"]["shrunken"] == pytest.approx(4.4)
    assert example["shrinkage"]["ballots_for"]["0.8"] == pytest.approx(48)


def test_schools_are_compared_on_one_value_per_teacher(example: dict) -> None:
    schools = example["schools"]
    counts = [len(scores) for scores in schools["scores"]]
    se = sqrt(sum(v / k for v, k in zip(schools["variances"], counts, strict=True)))
    assert schools["se"] == pytest.approx(se)
    assert schools["t_statistic"] == pytest.approx(schools["difference"] / se)
    assert schools["low"] == pytest.approx(schools["difference"] - schools["t"] * se)


def test_the_family_is_adjusted_as_the_page_explains(example: dict) -> None:
    p, adjusted = example["family"]["p"], example["family"]["adjusted"]
    by_hand = [value * len(p) / place for place, value in enumerate(p, start=1)]
    expected = [min(by_hand[place:]) for place in range(len(p))]
    assert adjusted == pytest.approx(expected)
