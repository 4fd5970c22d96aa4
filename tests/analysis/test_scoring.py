"""Schemes: ready files, linear ranges, bands, floors."""

import json

import pytest

from survey.analysis.scoring import Band, Scheme, linear_scheme, load_scheme

READY = ("five_step", "five_step_85", "four_step", "three_step_70_30", "three_step_75_55", "seven_step")


@pytest.mark.parametrize("scheme_id", READY)
def test_ready_schemes_load_and_survive_json(scheme_id):
    scheme = load_scheme(scheme_id)
    assert scheme.id == scheme_id
    assert Scheme.from_json(json.loads(json.dumps(scheme.to_json()))) == scheme


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
        {"satisfied": (6,)},
        {"bands": (Band(code="low", floor=0), Band(code="high", floor=50))},
    ],
)
def test_unusable_schemes_are_refused(changes):
    good = {"id": "x", "version": 1, "points": {1: 0.0, 2: 100.0}, "satisfied": (2,), "bands": ()}
    with pytest.raises(ValueError, match="scheme x"):
        Scheme(**{**good, **changes})
