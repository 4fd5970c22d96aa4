"""Charts of items: answers on both sides of the middle, and importance against score. SVG and plotly figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from survey.analysis.charts import Stack, level_bars
from survey.analysis.drawing import (
    ACCENT,
    FAINT,
    INK,
    PAPER,
    RULE,
    WORSE,
    Interval,
    Svg,
    Words,
    add,
    at,
    axis_range,
    base_layout,
    canvas,
    finish,
    grid,
    on_colour,
    palette,
    plain,
    row_names,
    share_text,
    shortened,
    ticks,
    write,
)

PITCH = 46
MATRIX_HEIGHT = 320


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One item in the matrix: its number in the table, score in points, importance in [-1, 1], both with intervals.

    weak: it stands below the others and matters; such spots are drawn as squares.
    """

    number: int
    name: str
    score: float
    score_interval: Interval | None
    importance: float
    importance_interval: Interval | None
    weak: bool = False


def diverging(rows: Sequence[Stack], *, label: str) -> Svg:
    """Draw answers as bars about the middle level: better ones to the right, worse to the left, the middle astride."""
    left, right = _reach(rows)
    root = canvas(label, width="100%", height=str(PITCH * len(rows) + 2))
    zero = f"{100.0 * left / (left + right):.2f}%"
    for number, row in enumerate(rows):
        y = PITCH * number
        write(root, shortened(row.name), size=13, x="0", y=y + 13, fill=INK)
        write(root, f"n = {row.n}", size=12, x="100%", y=y + 13, fill=FAINT, **{"text-anchor": "end"})
        _astride(root, row.shares, y=y + 19, left=left, width=left + right)
    if rows:
        add(root, "line", x1=zero, x2=zero, y1=15, y2=PITCH * len(rows), stroke=INK, **{"stroke-dasharray": "2 3"})
    return finish(root)


def _astride(root: Element, shares: Sequence[float], *, y: int, left: float, width: float) -> None:
    colours = palette(len(shares))
    start = left - _worse(shares)
    for level in reversed(range(len(shares))):
        part = shares[level]
        if part > 0.0:
            box = {"x": f"{100.0 * start / width:.2f}%", "width": f"{100.0 * part / width:.2f}%"}
            add(root, "rect", y=y, height=20, fill=colours[level], stroke=PAPER, **box)
            if part >= 0.07:
                middle = {"x": f"{100.0 * (start + part / 2) / width:.2f}%", "text-anchor": "middle"}
                write(root, share_text(part), size=12, y=y + 14, fill=on_colour(colours[level]), **middle)
        start += part


def _worse(shares: Sequence[float]) -> float:
    """Return the share left of the middle: the worse levels and half of the middle one."""
    half = len(shares) // 2
    middle = shares[half] / 2 if len(shares) % 2 else 0.0
    return sum(shares[len(shares) - half :]) + middle


def _reach(rows: Sequence[Stack]) -> tuple[float, float]:
    left = max((_worse(row.shares) for row in rows), default=0.5)
    right = max((sum(row.shares) - _worse(row.shares) for row in rows), default=0.5)
    return max(left, 0.05), max(right, 0.05)


def diverging_figure(rows: Sequence[Stack], *, words: Words) -> dict[str, Any]:
    """Return the figure of `diverging`: one trace a level, each bar from where the one before ends."""
    traces = level_bars(rows, words.levels)
    for level, trace in enumerate(traces):
        trace["base"] = [100.0 * (sum(row.shares[level + 1 :]) - _worse(row.shares)) for row in rows]
    left, right = _reach(rows)
    layout = base_layout(words, rows=len(rows), pitch=52)
    layout["xaxis"] |= {"range": [-101.0 * left, 101.0 * right], "showticklabels": False, "zeroline": True}
    layout["xaxis"] |= {"zerolinecolor": INK, "showgrid": False}
    layout["annotations"] = row_names([f"{shortened(row.name)}  (n = {row.n})" for row in rows], shift=20)
    layout |= {"barmode": "overlay", "bargap": 0.55, "height": layout["height"] - 30}
    layout["margin"]["b"] = 16
    return {"data": traces, "layout": layout}


def matrix(spots: Sequence[Spot], *, label: str, words: tuple[str, str], centre: tuple[float, float]) -> Svg:
    """Draw importance (upwards) against score (to the right) with both intervals; spots carry their numbers.

    words: of the two axes, score first. centre: where the lines between the four fields stand, score first.
    """
    ends, heights = _matrix_ends(spots)
    root = canvas(label, width="100%", height=str(MATRIX_HEIGHT + 44))
    grid(root, ends, height=MATRIX_HEIGHT)
    middle = _height(centre[1], heights)
    add(root, "line", x1="0", x2="100%", y1=middle, y2=middle, stroke=FAINT, **{"stroke-dasharray": "4 4"})
    across = at(centre[0], ends)
    add(root, "line", x1=across, x2=across, y1=0, y2=MATRIX_HEIGHT, stroke=FAINT, **{"stroke-dasharray": "4 4"})
    for spot in spots:
        _whiskers(root, spot, ends=ends, heights=heights)
    for spot in spots:
        _mark(root, spot, x=at(spot.score, ends), y=_height(spot.importance, heights))
    ticks(root, ends, y=MATRIX_HEIGHT + 16)
    write(root, words[0], size=12, x="100%", y=MATRIX_HEIGHT + 36, fill=FAINT, **{"text-anchor": "end"})
    write(root, words[1], size=12, x="0", y=MATRIX_HEIGHT + 36, fill=FAINT)
    return finish(root)


def _matrix_ends(spots: Sequence[Spot]) -> tuple[Interval, Interval]:
    ends = axis_range([end for spot in spots for end in (spot.score, *(spot.score_interval or ()))])
    known = [end for spot in spots for end in (spot.importance, *(spot.importance_interval or ()))]
    return ends, (max(-1.0, min(known, default=0.0) - 0.05), min(1.0, max(known, default=1.0) + 0.05))


def _height(value: float, heights: Interval) -> float:
    return round(MATRIX_HEIGHT - (MATRIX_HEIGHT - 16) * (value - heights[0]) / (heights[1] - heights[0]) - 8, 1)


def _whiskers(root: Element, spot: Spot, *, ends: Interval, heights: Interval) -> None:
    y, x = _height(spot.importance, heights), at(spot.score, ends)
    if spot.score_interval:
        low, high = (at(end, ends) for end in spot.score_interval)
        add(root, "line", x1=low, x2=high, y1=y, y2=y, stroke=RULE, **{"stroke-width": 2})
    if spot.importance_interval:
        low_y, high_y = (_height(end, heights) for end in spot.importance_interval)
        add(root, "line", x1=x, x2=x, y1=low_y, y2=high_y, stroke=RULE, **{"stroke-width": 2})


def _mark(root: Element, spot: Spot, *, x: str, y: float) -> None:
    colour = WORSE if spot.weak else ACCENT
    # A square has no place in percent by its middle: a thick short line is one.
    if spot.weak:
        add(root, "line", x1=x, x2=x, y1=y - 10, y2=y + 10, stroke=colour, **{"stroke-width": 20})
    else:
        add(root, "circle", cx=x, cy=y, r=10, fill=colour, stroke=PAPER)
    write(root, str(spot.number), size=11, weight="600", x=x, y=y + 4, fill=PAPER, **{"text-anchor": "middle"})


def matrix_figure(spots: Sequence[Spot], *, words: Words, axis: str, centre: tuple[float, float]) -> dict[str, Any]:
    """Return the figure of `matrix`; words.axis names the score, `axis` the importance."""
    ends, heights = _matrix_ends(spots)
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [spot.score for spot in spots],
        "y": [spot.importance for spot in spots],
        "text": [str(spot.number) for spot in spots],
        "textfont": {"color": PAPER, "size": 11},
        "customdata": [[plain(f"{spot.number} {spot.name}")] for spot in spots],
        "hovertemplate": "%{customdata[0]}<br>%{x:.1f} · %{y:.2f}<extra></extra>",
        "marker": {
            "size": 20,
            "color": [WORSE if spot.weak else ACCENT for spot in spots],
            "symbol": ["square" if spot.weak else "circle" for spot in spots],
            "line": {"color": PAPER, "width": 1},
        },
        "error_x": error_bars([(spot.score, spot.score_interval) for spot in spots]),
        "error_y": error_bars([(spot.importance, spot.importance_interval) for spot in spots]),
    }
    layout = base_layout(words, rows=1, pitch=MATRIX_HEIGHT)
    layout["xaxis"] |= {"range": list(ends), "title": {"text": plain(words.axis), "font": {"size": 12}}}
    title = {"text": plain(axis), "font": {"size": 12}}
    layout["yaxis"] |= {"range": list(heights), "showticklabels": True, "title": title, "tickfont": {"size": 12}}
    layout["margin"]["l"] = 56
    dashed = {"color": FAINT, "width": 1, "dash": "dash"}
    layout["shapes"] = [
        {"type": "line", "xref": "x", "x0": centre[0], "x1": centre[0], "yref": "paper", "y0": 0, "y1": 1},
        {"type": "line", "yref": "y", "y0": centre[1], "y1": centre[1], "xref": "paper", "x0": 0, "x1": 1},
    ]
    layout["shapes"] = [shape | {"line": dashed} for shape in layout["shapes"]]
    return {"data": [trace], "layout": layout}


def error_bars(values: Sequence[tuple[float, Interval | None]], *, colour: str = FAINT) -> dict[str, Any]:
    """Return plotly's error bars of values with their intervals, 0 long where there is none."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [ends[1] - value if ends else 0.0 for value, ends in values],
        "arrayminus": [value - ends[0] if ends else 0.0 for value, ends in values],
        "color": colour,
        "thickness": 1,
        "width": 0,
    }
