"""Charts of items, of funnels and of years: sound, labelled, true to their figures, valid for plotly."""

from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from survey.analysis import charts, item_charts, unit_charts
from survey.analysis.charts import Stack, Words
from survey.analysis.item_charts import Spot
from survey.analysis.unit_charts import Limits, Point, Step

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script>"&<a href="javascript:alert(1)">'
STACKS = [
    Stack(name="good", shares=[0.5, 0.3, 0.2, 0.0, 0.0], n=40),
    Stack(name=HOSTILE, shares=[0.1, 0.1, 0.2, 0.3, 0.3], n=20),
]
SPOTS = [
    Spot(number=1, name="a", score=80.0, score_interval=(78.0, 82.0), importance=0.8, importance_interval=(0.6, 0.9)),
    Spot(number=2, name=HOSTILE, score=70.0, score_interval=None, importance=0.2, importance_interval=None, weak=True),
]
LIMITS = Limits(centre=75.0, sigma2=200.0, tau2=9.0)
POINTS = [
    Point(name="in", n=40, score=76.0, outside=0),
    Point(name=HOSTILE, n=90, score=50.0, outside=-2),
    Point(name="high", n=20, score=99.0, outside=2),
]
STEPS = [
    Step(
        name="a", last=70.0, last_interval=(68.0, 72.0), this=75.0, this_interval=(73.0, 77.0), value="v", direction=1
    ),
    Step(name=HOSTILE, last=70.0, last_interval=None, this=69.0, this_interval=None, value="v"),
]
FIVE = Words(label="chart", axis="score", levels=["a", "b", "c", "d", "e"])
DRAWINGS = {
    "diverging": item_charts.diverging(STACKS, label=HOSTILE),
    "no bars": item_charts.diverging([], label="x"),
    "matrix": item_charts.matrix(SPOTS, label="x", words=("s", "i"), centre=(75.0, 0.5)),
    "empty matrix": item_charts.matrix([], label="x", words=("s", "i"), centre=(75.0, 0.5)),
    "funnel": unit_charts.funnel(POINTS, LIMITS, label="x", words=("n", "s")),
    "empty funnel": unit_charts.funnel([], LIMITS, label="x", words=("n", "s")),
    "one point": unit_charts.funnel(POINTS[:1], LIMITS, label="x", words=("n", "s")),
    "steps": unit_charts.steps(STEPS, label="x"),
    "no steps": unit_charts.steps([], label="x"),
    "strip": charts.strip([0.5, 0.5], label="x"),
    "banded dots": charts.dots(
        [charts.Dot(name="a", score=70.0, interval=(60.0, 80.0), value="v")], label="x", band=(72.5, 77.5)
    ),
}
FIGURES = {
    "diverging": item_charts.diverging_figure(STACKS, words=FIVE),
    "no bars": item_charts.diverging_figure([], words=FIVE),
    "matrix": item_charts.matrix_figure(SPOTS, words=FIVE, axis="i", centre=(75.0, 0.5)),
    "funnel": unit_charts.funnel_figure(POINTS, LIMITS, words=FIVE, axis="s"),
    "empty funnel": unit_charts.funnel_figure([], LIMITS, words=FIVE, axis="s"),
    "steps": unit_charts.steps_figure(STEPS, words=Words(label="x", levels=["2025", "2026"])),
}


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_a_labelled_picture_without_style_script_or_link(drawing):
    root = ElementTree.fromstring(drawing.__html__())
    assert root.get("role") == "img"
    assert root.get("aria-label")
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "path", "circle", "line", "rect", "text"}
        assert not {"style", "href", "onload"} & set(element.keys())
        assert "nan" not in " ".join(element.attrib.values())


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_valid_for_plotly_and_brings_no_markup(figure):
    go.Figure(figure)
    assert "<script" not in repr(figure)
    assert "<a " not in repr(figure)


def test_the_middle_level_stands_astride_zero():
    traces = item_charts.diverging_figure(STACKS, words=FIVE)["data"]
    middle = traces[2]
    assert [base + x / 2 for base, x in zip(middle["base"], middle["x"], strict=True)] == pytest.approx([0.0, 0.0])
    best, worst = traces[0], traces[4]
    assert best["base"][0] + best["x"][0] == pytest.approx(90.0)
    assert worst["base"][1] == pytest.approx(-70.0)


def test_an_even_number_of_levels_parts_at_zero():
    row = [Stack(name="x", shares=[0.6, 0.4], n=10)]
    traces = item_charts.diverging_figure(row, words=Words(label="x", levels=["a", "b"]))["data"]
    assert [trace["base"][0] for trace in traces] == pytest.approx([0.0, -40.0])


def test_limits_narrow_with_ballots_and_never_below_the_usual_spread():
    near, far = (LIMITS.reach(n, unit_charts.ALARM, adjusted=True) for n in (10, 1000))
    assert near > far > unit_charts.ALARM * 3.0
    assert LIMITS.reach(50, unit_charts.ALARM, adjusted=False) == pytest.approx(3.090232306167813 * 2.0)


def test_only_targets_outside_carry_their_names():
    texts = [element.text for element in ElementTree.fromstring(DRAWINGS["funnel"].markup).iter(f"{SVG}text")]
    assert "high" in texts
    assert "in" not in texts


def test_a_weak_item_has_another_shape():
    marker = item_charts.matrix_figure(SPOTS, words=FIVE, axis="i", centre=(75.0, 0.5))["data"][0]["marker"]
    assert marker["symbol"] == ["circle", "square"]
