"""Charts of targets and units: the funnel with its limits, and last year beside this one. SVG and plotly figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any
from xml.etree.ElementTree import Element

from survey.analysis.drawing import (
    ACCENT,
    ACCENT_LIGHT,
    FAINT,
    INK,
    PAPER,
    ROW,
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
    plain,
    row_names,
    segment,
    shortened,
    ticks,
    write,
)
from survey.analysis.item_charts import error_bars

HEIGHT = 340
STEPS = 48
MOST_NAMES = 12
# Normal quantiles of the two usual limits, 95 % and 99.8 %.
WARNING, ALARM = 1.959963984540054, 3.090232306167813


@dataclass(frozen=True, kw_only=True)
class Point:
    """One target in the funnel: valid ballots and score in points; outside: -2 to 2, as the release says."""

    name: str
    n: int
    score: float
    outside: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the limits of a funnel are made of, in points: centre, variance of ballots, variance between targets."""

    centre: float
    sigma2: float
    tau2: float

    def reach(self, n: float, quantile: float, *, adjusted: bool) -> float:
        """Return how far from the centre the limits at n ballots lie; adjusted: for overdispersion."""
        return quantile * sqrt(self.sigma2 / n + (self.tau2 if adjusted else 0.0))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One unit in two years: scores in points with intervals, `value` as written; direction: 1, -1 if flagged."""

    name: str
    last: float
    last_interval: Interval | None
    this: float
    this_interval: Interval | None
    value: str
    direction: int = 0


def funnel(points: Sequence[Point], limits: Limits, *, label: str, words: tuple[str, str]) -> Svg:
    """Draw scores over ballots inside their limits; outside the adjusted 99.8 % limits a diamond with its name.

    words: of the two axes, ballots first.
    """
    across, heights = _funnel_ends(points, limits)
    root = canvas(label, width="100%", height=str(HEIGHT + 44))
    for score in _score_ticks(heights):
        y = _height(score, heights)
        add(root, "line", x1="0", x2="100%", y1=y, y2=y, stroke=RULE)
        write(root, f"{score:g}", size=11, x="0", y=y - 3, fill=FAINT)
    for quantile, adjusted, look in _CURVES:
        _curves(root, limits, quantile, adjusted=adjusted, look=look, across=across, heights=heights)
    middle = _height(limits.centre, heights)
    add(root, "line", x1="0", x2="100%", y1=middle, y2=middle, stroke=INK)
    for point in points:
        _spot(root, point, x=_across(point.n, across), y=_height(point.score, heights))
    for point in [point for point in points if abs(point.outside) > 1][:MOST_NAMES]:
        _name(root, point, across=across, heights=heights)
    _across_ticks(root, across)
    write(root, words[0], size=12, x="100%", y=HEIGHT + 36, fill=FAINT, **{"text-anchor": "end"})
    write(root, words[1], size=12, x="0", y=HEIGHT + 36, fill=FAINT)
    return finish(root)


_CURVES: tuple[tuple[float, bool, dict[str, str]], ...] = (
    (ALARM, False, {"stroke": FAINT, "stroke-dasharray": "2 4"}),
    (WARNING, True, {"stroke": ACCENT_LIGHT, "stroke-width": "1.5"}),
    (ALARM, True, {"stroke": ACCENT, "stroke-width": "2"}),
)


def _funnel_ends(points: Sequence[Point], limits: Limits) -> tuple[Interval, Interval]:
    sizes = [point.n for point in points] or [10, 100]
    across = (max(1.0, 0.85 * min(sizes)), 1.08 * max(sizes))
    wide = limits.reach(across[0], ALARM, adjusted=True)
    known = [*(point.score for point in points), limits.centre - wide, limits.centre + wide]
    return across, axis_range([min(max(value, 0.0), 100.0) for value in known])


def _across(n: float, across: Interval) -> str:
    return f"{2.0 + 96.0 * (n - across[0]) / (across[1] - across[0]):.2f}%"


def _height(score: float, heights: Interval) -> float:
    share = (min(max(score, heights[0]), heights[1]) - heights[0]) / (heights[1] - heights[0])
    return round(HEIGHT - HEIGHT * share, 1)


def _score_ticks(heights: Interval) -> list[float]:
    step = 5 if heights[1] - heights[0] <= 40 else 10
    first = ceil(heights[0] / step) * step
    return [float(score) for score in range(first, int(heights[1]) + 1, step)]


def _sizes(across: Interval) -> list[float]:
    """Return numbers of ballots along the axis, closer together where the limits bend."""
    return [across[0] + (across[1] - across[0]) * (step / STEPS) ** 2 for step in range(STEPS + 1)]


def _curves(
    root: Element,
    limits: Limits,
    quantile: float,
    *,
    adjusted: bool,
    look: dict[str, str],
    across: Interval,
    heights: Interval,
) -> None:
    sizes = _sizes(across)
    for sign in (-1.0, 1.0):
        values = [limits.centre + sign * limits.reach(n, quantile, adjusted=adjusted) for n in sizes]
        for place in range(len(sizes) - 1):
            if not all(heights[0] <= value <= heights[1] for value in values[place : place + 2]):
                continue
            x = {"x1": _across(sizes[place], across), "x2": _across(sizes[place + 1], across)}
            y = {"y1": _height(values[place], heights), "y2": _height(values[place + 1], heights)}
            add(root, "line", **x, **y, **look)


def _spot(root: Element, point: Point, *, x: str, y: float) -> None:
    if abs(point.outside) > 1:
        add(root, "circle", cx=x, cy=y, r=6, fill=WORSE if point.outside < 0 else ACCENT, stroke=INK)
    else:
        add(root, "circle", cx=x, cy=y, r=4, fill=PAPER, stroke=FAINT, **{"stroke-width": 1.5})


def _name(root: Element, point: Point, *, across: Interval, heights: Interval) -> None:
    right = point.n > (across[0] + across[1]) / 2
    anchor: dict[str, Any] = {"text-anchor": "end" if right else "start", "dx": -10 if right else 10}
    y = _height(point.score, heights) + (14 if point.outside < 0 else -6)
    write(root, shortened(point.name), size=11, x=_across(point.n, across), y=y, fill=INK, **anchor)


def _across_ticks(root: Element, across: Interval) -> None:
    for part in range(5):
        n = round(across[0] + (across[1] - across[0]) * (0.05 + 0.225 * part))
        write(root, str(n), size=11, x=_across(n, across), y=HEIGHT + 16, fill=FAINT, **{"text-anchor": "middle"})


def funnel_figure(points: Sequence[Point], limits: Limits, *, words: Words, axis: str) -> dict[str, Any]:
    """Return the figure of `funnel`; words.axis names the ballots, `axis` the score, words.levels the three limits."""
    across, heights = _funnel_ends(points, limits)
    layout = base_layout(words, rows=1, pitch=HEIGHT)
    layout["xaxis"] |= {"range": list(across), "title": {"text": plain(words.axis), "font": {"size": 12}}}
    title = {"text": plain(axis), "font": {"size": 12}}
    layout["yaxis"] |= {"range": list(heights), "showticklabels": True, "title": title, "tickfont": {"size": 12}}
    layout["margin"]["l"] = 52
    centre = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limits.centre, "y1": limits.centre}
    layout["shapes"] = [centre | {"line": {"color": INK, "width": 1}}]
    return {"data": [*_limit_traces(limits, _sizes(across)), _point_trace(points)], "layout": layout}


def _limit_traces(limits: Limits, sizes: Sequence[float]) -> list[dict[str, Any]]:
    looks = ({"color": FAINT, "dash": "dot"}, {"color": ACCENT_LIGHT}, {"color": ACCENT})
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(sizes),
            "y": [limits.centre + sign * limits.reach(n, quantile, adjusted=adjusted) for n in sizes],
            "line": {"width": 1.5, **look},
            "hoverinfo": "skip",
        }
        for (quantile, adjusted, _look), look in zip(_CURVES, looks, strict=True)
        for sign in (-1.0, 1.0)
    ]


def _point_trace(points: Sequence[Point]) -> dict[str, Any]:
    far = [abs(point.outside) > 1 for point in points]
    tints = [(WORSE if p.outside < 0 else ACCENT) if out else FAINT for p, out in zip(points, far, strict=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [point.n for point in points],
        "y": [point.score for point in points],
        "text": [plain(f"{point.name}  {point.score:.1f}  (n = {point.n})") for point in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": [12 if out else 8 for out in far],
            "symbol": ["diamond" if out else "circle-open" for out in far],
            "color": tints,
        },
    }


def steps(rows: Sequence[Step], *, label: str) -> Svg:
    """Draw last year's score (hollow) and this year's (full) with their intervals, a row each, and the way between."""
    ends = _step_ends(rows)
    height = ROW * len(rows) + 26
    root = canvas(label, width="100%", height=str(height))
    grid(root, ends, height=height - 18)
    for number, row in enumerate(rows):
        y = ROW * number + 30
        write(root, shortened(row.name), size=13, x="0", y=y - 12, fill=INK)
        write(root, row.value, size=12, x="100%", y=y - 12, fill=FAINT, **{"text-anchor": "end"})
        colour = {1: ACCENT, -1: WORSE}.get(row.direction, FAINT)
        if row.last_interval:
            segment(root, row.last_interval, y=y - 4, ends=ends, strong=False)
        if row.this_interval:
            segment(root, row.this_interval, y=y + 4, ends=ends, strong=True)
        way = {"x1": at(row.last, ends), "x2": at(row.this, ends), "stroke": colour}
        add(root, "line", y1=y - 4, y2=y + 4, **way, **{"stroke-width": 2})
        add(root, "circle", cx=at(row.last, ends), cy=y - 4, r=4, fill=PAPER, stroke=FAINT, **{"stroke-width": 2})
        add(root, "circle", cx=at(row.this, ends), cy=y + 4, r=5, fill=colour, stroke=PAPER)
    ticks(root, ends, y=height - 4)
    return finish(root)


def _step_ends(rows: Sequence[Step]) -> Interval:
    known = [
        end for row in rows for end in (row.last, row.this, *(row.last_interval or ()), *(row.this_interval or ()))
    ]
    return axis_range([min(max(value, 0.0), 100.0) for value in known])


def steps_figure(rows: Sequence[Step], *, words: Words) -> dict[str, Any]:
    """Return the figure of `steps`; words.levels name last year and this one."""
    places = list(range(len(rows)))
    parts = (
        ([(row.last, row.last_interval) for row in rows], -0.1, "circle-open", FAINT),
        ([(row.this, row.this_interval) for row in rows], 0.1, "circle", ACCENT),
    )
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": plain(name),
            "x": [value for value, _ends in values],
            "y": [place + shift for place in places],
            "text": [plain(f"{row.name}  {row.value}") for row in rows],
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"size": 10, "symbol": symbol, "color": colour},
            "error_x": error_bars(values, colour=colour),
        }
        for name, (values, shift, symbol, colour) in zip(words.levels, parts, strict=True)
    ]
    layout = base_layout(words, rows=len(rows), pitch=ROW)
    title = {"text": plain(words.axis), "font": {"size": 12}}
    layout["xaxis"] |= {"range": list(_step_ends(rows)), "title": title}
    layout["annotations"] = row_names([f"{shortened(row.name)}  {row.value}" for row in rows], shift=15)
    return {"data": traces, "layout": layout}
