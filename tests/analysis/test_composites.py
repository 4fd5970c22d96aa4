"""Composites: a hand example, R, bounds, and what a missing or known component does."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.composites import Component, audience_weight, composite, entered
from survey.analysis.scoring import Scheme, linear_scheme

REFERENCE = Path(__file__).parents[1] / "reference" / "composites.csv"
PHONE = [100, 80, 80, 60, 100, 30, 80, 100, 60, 80, 100, 80]
PAPER = [60, 80, 30, 0, 100, 60, 80, 60]
PUBLIC = [80, 60, 60, 100, 30, 80, 80]
KNOWN = np.array([np.inf])


def sample(code: str, weight: float, values: list[int]) -> Component:
    """A component from single ballots, as the first and only target."""
    n = len(values)
    se = np.std(values, ddof=1) / np.sqrt(n)
    return Component(
        code=code, weight=weight, score=np.array([np.mean(values)]), se=np.array([se]), df=np.array([n - 1.0])
    )


def known(code: str, weight: float, score: float, se: float = 0.0) -> Component:
    return entered(code, weight=weight, score=np.array([score]), se=np.array([se]))


def test_two_known_parts_are_added_by_hand() -> None:
    # 60 % of 90 and 40 % of 80 are 86; the errors 2 and 3 come to the root of 1.2² + 1.2².
    made = composite([known("phone", 60, 90, 2), known("paper", 40, 80, 3)])
    assert made.score[0] == pytest.approx(86)
    assert made.se[0] == pytest.approx(1.2 * np.sqrt(2))
    assert made.interval.low[0] == pytest.approx(86 - 1.959963985 * 1.2 * np.sqrt(2))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("two", [sample("phone", 60, PHONE), sample("paper", 40, PAPER)]),
        ("three", [sample("a", 50, PHONE), sample("b", 25, PAPER), sample("c", 25, PUBLIC)]),
    ],
)
def test_composites_agree_with_r(name: str, parts: list[Component]) -> None:
    with REFERENCE.open(encoding="utf-8") as file:
        expected = {row["figure"]: float(row["value"]) for row in csv.DictReader(file)}
    made = composite(parts)
    found = {"score": made.score, "se": made.se, "df": made.df, "low": made.interval.low, "high": made.interval.high}
    for figure, value in found.items():
        assert value[0] == pytest.approx(expected[f"{name}_{figure}"], rel=1e-12)


def test_one_component_of_the_whole_weight_is_itself() -> None:
    alone = sample("phone", 100, PHONE)
    made = composite([alone])
    assert (made.score[0], made.se[0], made.df[0]) == pytest.approx((alone.score[0], alone.se[0], 11))


def test_a_missing_component_is_named_and_never_weighted_away() -> None:
    survey = entered("survey", weight=60, score=np.array([90.0, 90.0]))
    made = composite([survey, entered("exam", weight=40, score=np.array([np.nan, 50.0]))])
    assert np.isnan([made.score[0], made.se[0], made.df[0], made.interval.low[0]]).all()
    assert made.lacking(0) == ("exam",)
    assert made.score[1] == pytest.approx(74)
    assert made.lacking(1) == ()


def test_an_entered_score_shrinks_the_error_and_leaves_the_degrees_of_freedom() -> None:
    made = composite([sample("survey", 60, PHONE), known("exam", 40, 80)])
    assert made.se[0] == pytest.approx(0.6 * sample("survey", 60, PHONE).se[0])
    assert made.df[0] == pytest.approx(11)


def test_where_all_is_known_the_interval_is_the_score() -> None:
    made = composite([known("survey", 60, 90), known("exam", 40, 80)])
    assert (made.interval.low[0], made.interval.high[0]) == (made.score[0], made.score[0])


def test_an_unknown_error_leaves_a_score_without_an_interval() -> None:
    one_ballot = Component(
        code="paper", weight=40, score=np.array([80.0]), se=np.array([np.nan]), df=np.array([np.nan])
    )
    made = composite([known("phone", 60, 90, 2), one_ballot])
    assert made.score[0] == pytest.approx(86)
    assert np.isnan([made.se[0], made.interval.low[0]]).all()


def test_a_design_effect_of_four_doubles_the_error() -> None:
    plain = sample("phone", 100, PHONE)
    clustered = Component(code="phone", weight=100, score=plain.score, se=plain.se, df=plain.df, deff=4.0)
    assert composite([clustered]).se[0] == pytest.approx(2 * plain.se[0])


def test_no_targets_make_an_empty_composite() -> None:
    none = np.zeros(0)
    assert composite([entered("exam", weight=100, score=none)]).score.shape == (0,)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "different codes"),
        ([("a", 60), ("a", 40)], "different codes"),
        ([("a", 60), ("b", 30)], "sum to 100, not 90"),
    ],
)
def test_unusable_weights_are_refused_with_their_sum(parts: list[tuple[str, float]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        composite([known(code, weight, 80) for code, weight in parts])


@pytest.mark.parametrize("change", [{"weight": 0.0}, {"deff": 0.0}, {"se": np.array([-1.0])}, {"df": np.zeros(1)}])
def test_unusable_components_are_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {"code": "x", "weight": 1.0, "score": np.ones(1), "se": np.ones(1), "df": np.ones(1)}
    with pytest.raises(ValueError, match="component x"):
        Component(**{**good, **change})


def test_components_of_different_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="same targets"):
        composite([entered("a", weight=50, score=np.ones(2)), entered("b", weight=50, score=np.ones(3))])


scores = st.floats(0, 100)
errors = st.floats(0.01, 20)


@given(parts=st.lists(st.tuples(scores, errors, st.floats(1, 500)), min_size=2, max_size=5))
def test_a_composite_lies_between_its_parts_and_is_no_less_certain_than_the_worst(
    parts: list[tuple[float, float, float]],
) -> None:
    made = composite(_equal(parts))
    values, ses, dfs = zip(*parts, strict=True)
    assert min(values) - 1e-9 <= made.score[0] <= max(values) + 1e-9
    assert made.se[0] <= max(ses) + 1e-9
    # Welch-Satterthwaite never leaves the range from the smallest df to the sum of all.
    assert min(dfs) - 1e-6 <= made.df[0] <= sum(dfs) + 1e-6


@given(parts=st.lists(st.tuples(scores, errors, st.floats(1, 500)), min_size=2, max_size=5))
def test_the_order_of_the_parts_does_not_matter(parts: list[tuple[float, float, float]]) -> None:
    made, turned = composite(_equal(parts)), composite(_equal(parts)[::-1])
    assert made.score[0] == pytest.approx(turned.score[0])
    assert made.df[0] == pytest.approx(turned.df[0])


def _equal(parts: list[tuple[float, float, float]]) -> list[Component]:
    weight = 100 / len(parts)
    return [
        Component(code=str(place), weight=weight, score=np.array([s]), se=np.array([e]), df=np.array([d]))
        for place, (s, e, d) in enumerate(parts)
    ]


def test_a_scheme_gives_audiences_their_weights() -> None:
    record = linear_scheme(1, 5).to_json() | {"audience_weights": {"parent": 50, "pupil": 25, "public": 25}}
    scheme = Scheme.from_json(record)
    assert audience_weight(scheme, "parent") == 50
    with pytest.raises(ValueError, match="no weight of the audience"):
        audience_weight(scheme, "principal")
