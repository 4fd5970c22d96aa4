"""Figures are what plotly takes, drawings are sound and harmless, and neither shows what it was not given."""

import subprocess
import sys
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from survey.analysis import charts
from survey.analysis.charts import Dot, Stack, Words, Zone

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script>"&<a href="javascript:alert(1)">'
WORDS = Words(label="chart", axis="score", levels=["a", "b", "c"])
DOTS = [
    Dot(name="one", score=86.4, interval=(84.1, 88.7), value="86.4 (n = 31)", tier=0),
    Dot(name=HOSTILE, score=70.0, interval=None, value="70.0 (n = 2)", tier=1),
]
STACKS = [Stack(name="item", shares=[0.5, 0.45, 0.05], n=40), Stack(name=HOSTILE, shares=[0.0, 0.0, 0.0], n=0)]


def root_of(drawing):
    return ElementTree.fromstring(drawing.__html__())


def texts_of(drawing):
    return [element.text for element in root_of(drawing).iter(f"{SVG}text")]


DRAWINGS = {
    "ring": charts.ring(86.4, (84.1, 88.7), value="86.4", label=HOSTILE),
    "full ring": charts.ring(100.0, (97.0, 103.0), value="100.0", label="x"),
    "empty ring": charts.ring(None, None, value="withheld", label="x"),
    "ruler": charts.ruler(82.0, [("A", (80.0, 84.0)), ("B", None)], [Zone(name=HOSTILE, floor=60)], label="x"),
    "dots": charts.dots(DOTS, label="x"),
    "no dots": charts.dots([], label="x"),
    "stacks": charts.stacks(STACKS, label="x"),
}


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_a_labelled_picture_without_style_script_or_link(drawing):
    root = root_of(drawing)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "path", "circle", "line", "rect", "text"}
        assert not {"style", "href", "onload"} & set(element.keys())


@pytest.mark.parametrize("figure", [charts.dots_figure(DOTS, words=WORDS), charts.stacks_figure(STACKS, words=WORDS)])
def test_a_figure_is_valid_for_plotly(figure):
    assert go.Figure(figure).to_plotly_json()["data"]


def test_figures_of_nothing_are_valid_too():
    for figure in (charts.dots_figure([], words=WORDS), charts.stacks_figure([], words=WORDS)):
        go.Figure(figure)


def test_names_cannot_bring_markup_into_a_figure():
    for figure in (charts.dots_figure(DOTS, words=WORDS), charts.stacks_figure(STACKS, words=WORDS)):
        assert "<script" not in repr(figure)
        assert "<a " not in repr(figure)


def test_a_dot_stands_at_its_score_with_its_interval():
    (trace,) = charts.dots_figure(DOTS, words=WORDS)["data"]
    assert trace["x"] == [86.4, 70.0]
    assert trace["error_x"]["array"] == pytest.approx([2.3, 0.0])
    assert trace["error_x"]["arrayminus"] == pytest.approx([2.3, 0.0])


def test_bars_are_percentages_of_the_levels():
    traces = charts.stacks_figure(STACKS, words=WORDS)["data"]
    assert [trace["x"][0] for trace in traces] == pytest.approx([50.0, 45.0, 5.0])
    assert [trace["name"] for trace in traces] == ["a", "b", "c"]


def test_a_line_parts_rows_of_different_groups():
    assert len(charts.dots_figure(DOTS, words=WORDS)["layout"]["shapes"]) == 1


def test_shares_too_narrow_for_letters_stand_in_the_table_only():
    assert "5%" not in texts_of(DRAWINGS["stacks"])
    assert "50%" in texts_of(DRAWINGS["stacks"])


def test_a_row_says_n():
    assert "86.4 (n = 31)" in texts_of(DRAWINGS["dots"])
    assert "n = 40" in texts_of(DRAWINGS["stacks"])


@pytest.mark.parametrize(
    ("values", "ends"),
    [([84.1, 88.7], (80, 100)), ([99.5], (80, 100)), ([0.0], (0, 20)), ([30.0, 91.0], (25, 95)), ([None], (0, 100))],
)
def test_an_axis_holds_its_values_and_is_wide_enough(values, ends):
    assert charts.axis_range(values) == ends


@pytest.mark.parametrize("levels", [1, 2, 3, 5, 7, 10])
def test_every_level_has_a_colour_of_its_own(levels):
    assert len(set(charts.palette(levels))) == levels


def test_long_names_are_cut_by_width():
    assert charts.shortened("城北区实验小学") == "城北区实验小学"
    assert charts.shortened("城" * 30) == "城" * 17 + "…"
    assert charts.shortened("a" * 37) == "a" * 35 + "…"


def test_no_plotly_is_needed_to_draw():
    code = "import sys, survey.analysis.charts; print('plotly' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
