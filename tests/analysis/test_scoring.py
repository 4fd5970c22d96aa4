"""Schemes: ready files, linear ranges, weights, rounding, bands, floors."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.scoring import (
    Band,
    Floors,
    Rounding,
    Scheme,
    linear_scheme,
    load_scheme,
    parse_scheme,
    ready_schemes,
)

DIMENSIONS = {"Q1": "ethics", "Q2": "ethics", "Q3": "care"}
FILE = (files("survey") / "data" / "schemes" / "five_step.toml").read_text(encoding="utf-8")


def weighted(**weights: object) -> Scheme:
    return Scheme.from_json(load_scheme("five_step").to_json() | weights)


@pytest.mark.parametrize("scheme", ready_schemes(), ids=lambda scheme: scheme.id)
def test_ready_schemes_survive_json_and_lower_no_floor(scheme):
    assert Scheme.from_json(json.loads(json.dumps(scheme.to_json()))) == scheme
    assert scheme.floors.lowered(Floors()) == ()


def test_the_points_seen_in_practice_are_ready():
    points = {tuple(scheme.points[level] for level in reversed(scheme.levels)) for scheme in ready_schemes()}
    assert {(100, 80, 60, 30, 0), (100, 70, 30), (100, 75, 55), (100, 80, 60, 40)} <= points
    assert {tuple(band.floor for band in scheme.bands) for scheme in ready_schemes()} == {
        (90, 80, 60, 0),
        (85, 75, 60, 0),
    }


@pytest.mark.parametrize(
    ("scheme_id", "name"),
    [("five_step", "top_two"), ("five_step_top1", "top_level"), ("five_step_top3", "top_three")],
)
def test_the_definition_of_the_satisfaction_rate_has_a_name(scheme_id, name):
    assert load_scheme(scheme_id).definition == name


def test_levels_with_a_gap_are_a_definition_of_its_own():
    assert weighted(satisfied=[5, 3], definition="own").definition == "own"
    with pytest.raises(ValueError, match="satisfied levels are own"):
        weighted(satisfied=[5, 3], definition="top_two")


def test_item_weights_come_in_the_order_of_the_questionnaire():
    scheme = weighted(item_weights={"Q1": 20, "Q2": 30, "Q3": 50})
    assert scheme.weights_of(("Q3", "Q1", "Q2")) == (50, 20, 30)
    assert load_scheme("five_step").weights_of(("Q1", "Q2")) is None
    assert weighted(item_weights={"Q1": 50, "Q2": 50}).weights_of(("Q1", "Q2")) is None


@pytest.mark.parametrize("items", [("Q1",), ("Q1", "Q2", "Q3"), ("Q1", "Q1", "Q2"), ()])
def test_weights_of_other_items_are_refused(items):
    with pytest.raises(ValueError, match="do not fit the questionnaire"):
        weighted(item_weights={"Q1": 40, "Q2": 60}).weights_of(items)


@pytest.mark.parametrize("kind", ["item", "dimension", "audience"])
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"a": 60, "b": 30}, "{} weights must sum to 100, not 90"),
        ({"a": 100, "b": 0}, "{} weight must be above 0"),
        ({"a": 120, "b": -20}, "{} weight must be above 0"),
        ({"a": float("nan"), "b": 50}, "{} weight must be above 0"),
    ],
)
def test_weights_must_sum_to_100(kind, weights, words):
    with pytest.raises(ValueError, match=words.format(kind)):
        weighted(**{f"{kind}_weights": weights})


def test_a_dimension_weight_is_spread_over_its_items():
    fitted = weighted(dimension_weights={"ethics": 30, "care": 70}).fitted(DIMENSIONS)
    assert fitted.weights_of(tuple(DIMENSIONS)) == (15, 15, 70)
    assert Scheme.from_json(fitted.to_json()).fitted(DIMENSIONS) == fitted


def test_thirds_of_a_dimension_still_sum_to_100():
    dimensions = {f"Q{n}": "a" if n < 3 else "b" for n in range(10)}
    fitted = weighted(dimension_weights={"a": 40, "b": 60}).fitted(dimensions)
    assert sum(fitted.item_weights.values()) == pytest.approx(100)


@pytest.mark.parametrize(
    "weights",
    [
        {"dimension_weights": {"ethics": 100}},
        {"dimension_weights": {"ethics": 50, "care": 30, "skill": 20}},
        {"dimension_weights": {"ethics": 30, "care": 70}, "item_weights": {"Q1": 20, "Q2": 10, "Q3": 70}},
        {"item_weights": {"Q1": 50, "Q2": 50}},
    ],
)
def test_weights_that_do_not_fit_are_refused_when_frozen(weights):
    with pytest.raises(ValueError, match="weights"):
        weighted(**weights).fitted(DIMENSIONS)


@pytest.mark.parametrize(
    ("rule", "value", "text"),
    [
        ("half_even", 86.25, "86.2"),
        ("half_up", 86.25, "86.3"),
        ("half_even", 86.35, "86.4"),
        ("half_up", 86.35, "86.4"),
        ("half_even", 86.349999999, "86.3"),
        ("half_up", -0.25, "-0.3"),
        ("half_even", 100, "100.0"),
    ],
)
def test_a_half_goes_the_way_the_rule_says(rule, value, text):
    assert Rounding(rule=rule).write(value) == text


@given(value=st.floats(0, 100), digits=st.integers(0, 4))
def test_rounding_never_moves_a_figure_by_more_than_half_a_step(value, digits):
    for rule in ("half_even", "half_up"):
        assert abs(float(Rounding(digits=digits, rule=rule).write(value)) - value) <= 0.5 * 10**-digits + 1e-12


@pytest.mark.parametrize("wrong", [{"rule": "down"}, {"digits": -1}, {"digits": 9}])
def test_unknown_roundings_are_refused(wrong):
    with pytest.raises(ValueError, match="rounding needs"):
        Rounding(**wrong)


@pytest.mark.parametrize(
    ("floor", "usual", "holds"), [(0.5, 0.2, 0.2), (0.5, 0.5, 0.5), (0.6, 0.2, 0.6), (0.6, 0.5, 0.6), (0.0, 0.5, 0.0)]
)
def test_a_raised_response_floor_holds_for_parents_too(floor, usual, holds):
    assert Floors(response=floor).response_for(usual) == holds


def test_lowered_floors_are_named():
    assert Floors(ballots=9, item=30).lowered(Floors()) == ("ballots",)
    assert Floors(ballots=30).lowered(Floors()) == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "five_step"', 'id = "other"', "must be named after it"),
        ('id = "five_step"\n', "", "'id' is missing"),
        ("margin = 2.5", "magin = 2.5", "no field magin"),
        ("5 = 100", '5 = "many"', "could not convert"),
        ("[points]", "[points", "scheme file five_step"),
        ("ballots = 10", "balots = 10", "balots"),
        ('denominator = "answered_levels"', 'denominator = "all"', "no denominator rule"),
    ],
)
def test_a_scheme_file_with_a_mistake_says_which(old, new, words):
    assert old in FILE
    with pytest.raises(ValueError, match=words):
        parse_scheme(FILE.replace(old, new, 1), name="five_step")


def test_five_step_is_the_bureaus_default():
    scheme = load_scheme("five_step")
    assert scheme.points == {5: 100, 4: 80, 3: 60, 2: 30, 1: 0}
    assert scheme.satisfied == (5, 4)
    assert [band.floor for band in scheme.bands[:3]] == [90, 80, 60]
    assert (scheme.margin, scheme.threshold, scheme.careless_run) == (2.5, 60, 6)


@pytest.mark.parametrize("scheme_id", ["none_such", "../schemes/five_step", "", "five_step.toml"])
def test_unknown_scheme_is_refused(scheme_id):
    with pytest.raises(ValueError, match="unknown scheme"):
        load_scheme(scheme_id)


def test_seven_step_file_equals_the_linear_scheme():
    assert load_scheme("seven_step").points == linear_scheme(1, 7).points


def test_linear_scheme_spans_0_to_100_and_satisfies_the_two_top_levels():
    scheme = linear_scheme(1, 4)
    assert scheme.points == {1: 0, 2: pytest.approx(100 / 3), 3: pytest.approx(200 / 3), 4: 100}
    assert scheme.satisfied == (4, 3)


def test_level_0_stays_no_opinion_in_a_linear_scheme():
    scheme = linear_scheme(0, 10)
    assert scheme.levels == tuple(range(1, 11))
    assert scheme.points[1] == 10


@pytest.mark.parametrize(("low", "high"), [(3, 3), (5, 1), (-1, 4), (1, 255)])
def test_impossible_level_ranges_are_refused(low, high):
    with pytest.raises(ValueError, match="levels must be"):
        linear_scheme(low, high)


@pytest.mark.parametrize(
    ("score", "code"),
    [(100, "excellent"), (90, "excellent"), (89.9999999999, "excellent"), (89.99, "good"), (60, "pass"), (0, "fail")],
)
def test_bands_take_their_floor_in(scheme, score, code):
    assert scheme.band(score) == code


def test_edge_distance_and_crossing(scheme):
    assert scheme.edge_distance(88.5) == pytest.approx(1.5)
    assert scheme.edge_distance(10) == 50
    assert scheme.crosses_edge(88, 91)
    assert not scheme.crosses_edge(91, 97)


def test_floors_off_keeps_only_what_the_clustered_interval_needs(scheme):
    floors = scheme.without_floors().floors
    assert (floors.ballots, floors.response, floors.item, floors.verdict_ballots, floors.verdict_classes) == (0,) * 5
    assert floors.classes == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"points": {}},
        {"points": {0: 0.0}},
        {"points": {255: 0.0}},
        {"points": {1: 0.0, 2: 101.0}},
        {"denominator": "everything"},
        {"satisfied": (6,)},
        {"bands": (Band(code="low", floor=0), Band(code="high", floor=50))},
    ],
)
def test_unusable_schemes_are_refused(changes):
    good = {"id": "x", "version": 1, "points": {1: 0.0, 2: 100.0}, "satisfied": (2,), "bands": ()}
    with pytest.raises(ValueError, match="scheme x"):
        Scheme(**{**good, **changes})
