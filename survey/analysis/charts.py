"""Charts of released figures: small SVG that needs no script, and the same as figures for plotly.js.

Figures are plain dictionaries after the schema of plotly.js, built by hand: a web process must not import plotly (slow,
large). The tests hold each one against `plotly.graph_objects.Figure`. SVG is drawn with attributes only, since the
content security policy allows no inline style; horizontal places are percentages, so that letters keep their size on a
phone. No chart shows a figure that its table does not show too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin
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
    Interval,
    Svg,
    Words,
    add,
    at,
    axis_range,
    base_layout,
    beside,
    canvas,
    finish,
    grid,
    on_colour,
    palette,
    plain,
    row_names,
    segment,
    share_text,
    shortened,
    ticks,
    write,
)

__all__ = [
    "Dot",
    "Interval",
    "Stack",
    "Svg",
    "Words",
    "Zone",
    "axis_range",
    "dots",
    "dots_figure",
    "level_bars",
    "palette",
    "ring",
    "ruler",
    "shortened",
    "stacks",
    "stacks_figure",
    "strip",
]

BAND_TINTS = ("#dcefe9", "#eef5f2", "#fbf5e2", "#fae9e3")
_QUARTERS = [0, 25, 50, 75, 100]


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One row of a dot-and-interval chart, in points; `value`: score and n as written; `tier`: its group or None."""

    name: str
    score: float
    interval: Interval | None
    value: str
    tier: int | None = None


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One band on a ruler: its name and lowest score in points."""

    name: str
    floor: float


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One item's answers: the shares in [0, 1] of the levels from best to worst, and how many answers they are of."""

    name: str
    shares: Sequence[float]
    n: int


def ring(score: float | None, interval: Interval | None, *, value: str, label: str) -> Svg:
    """Draw a score as a circle: full up to the interval, lighter inside it, a mark at the score, the figure inside."""
    root = canvas(label, viewBox="0 0 132 132", width="132", height="132")
    add(root, "circle", cx=66, cy=66, r=54, fill="none", stroke=RULE, **{"stroke-width": 9})
    if score is not None:
        low, high = interval or (score, score)
        arc = {"fill": "none", "stroke-width": 9}
        add(root, "path", d=_arc(0.0, max(low, 0.0)), stroke=ACCENT, **arc)
        if interval is not None:
            add(root, "path", d=_arc(max(low, 0.0), min(high, 100.0)), stroke=ACCENT_LIGHT, **arc)
            add(root, "path", d=_arc(score - 0.35, score + 0.35), stroke=INK, fill="none", **{"stroke-width": 13})
    middle = {"text-anchor": "middle", "x": 66, "y": 77, "fill": INK if score is not None else FAINT}
    write(root, value, size=33 if score is not None else 17, weight="600", **middle)
    return finish(root)


def ruler(score: float, intervals: Sequence[tuple[str, Interval | None]], zones: Sequence[Zone], *, label: str) -> Svg:
    """Draw one score on the bands of its scheme with its named intervals below each other; bands from best to worst."""
    drawn = [(name, interval) for name, interval in intervals if interval is not None]
    ends = axis_range([score, *(end for _, interval in drawn for end in interval)])
    height = 58 + 24 * max(len(drawn), 1)
    root = canvas(label, width="100%", height=str(height))
    top = 100.0
    for place, zone in enumerate(zones):
        _zone(root, zone, top=top, ends=ends, height=height - 20, tint=BAND_TINTS[min(place, len(BAND_TINTS) - 1)])
        top = zone.floor
    for row, (name, interval) in enumerate(drawn):
        y = 44 + 24 * row
        segment(root, interval, y=y, ends=ends, strong=row == 0)
        beside(root, name, interval, ends=ends, y=y + 4)
    add(root, "circle", cx=at(score, ends), cy=44, r=6, fill=ACCENT, stroke=PAPER, **{"stroke-width": 2})
    ticks(root, ends, y=height - 4)
    return finish(root)


def dots(rows: Sequence[Dot], *, label: str, band: Interval | None = None) -> Svg:
    """Draw scores with their intervals, a row each in the given order, the name above its line.

    band: in points, where a difference from the middle would be smaller than the margin fixed beforehand.
    """
    ends = axis_range([end for row in rows for end in (row.score, *(row.interval or ()))])
    height = ROW * len(rows) + 26
    root = canvas(label, width="100%", height=str(height))
    if band is not None and rows:
        _margin(root, band, ends=ends, height=height - 18)
    grid(root, ends, height=height - 18)
    for place in _breaks(rows):
        add(root, "line", x1="0", x2="100%", y1=ROW * place + 1, y2=ROW * place + 1, stroke=FAINT)
    for place, row in enumerate(rows):
        y = ROW * place + 30
        write(root, shortened(row.name), size=13, x="0", y=y - 11, fill=INK)
        write(root, row.value, size=12, x="100%", y=y - 11, fill=FAINT, **{"text-anchor": "end"})
        if row.interval is not None:
            segment(root, row.interval, y=y, ends=ends, strong=True)
        add(root, "circle", cx=at(row.score, ends), cy=y, r=5, fill=ACCENT, stroke=PAPER, **{"stroke-width": 1.5})
    ticks(root, ends, y=height - 4)
    return finish(root)


def stacks(rows: Sequence[Stack], *, label: str) -> Svg:
    """Draw the answer distribution of items as bars of 100 %, the item above its bar, shares from 7 % written in."""
    root = canvas(label, width="100%", height=str(46 * len(rows) + 2))
    for place, row in enumerate(rows):
        y = 46 * place
        write(root, shortened(row.name), size=13, x="0", y=y + 13, fill=INK)
        write(root, f"n = {row.n}", size=12, x="100%", y=y + 13, fill=FAINT, **{"text-anchor": "end"})
        _bar(root, row.shares, y=y + 19)
    return finish(root)


def _margin(root: Element, band: Interval, *, ends: Interval, height: int) -> None:
    left, right = (at(min(max(end, ends[0]), ends[1]), ends) for end in band)
    add(
        root,
        "rect",
        x=left,
        y=0,
        width=f"{float(right[:-1]) - float(left[:-1]):.2f}%",
        height=height,
        fill=BAND_TINTS[0],
    )


def strip(shares: Sequence[float], *, label: str) -> Svg:
    """Draw the shares of the levels, given from best to worst, as one small bar for a row of a table, without letters.

    The worst stands left, as in `item_charts.diverging`.
    """
    root = canvas(label, width="100%", height="16")
    start = 0.0
    for part, colour in reversed(list(zip(shares, palette(len(shares)), strict=True))):
        if part > 0.0:
            box = {"x": f"{100.0 * start:.2f}%", "width": f"{100.0 * part:.2f}%"}
            add(root, "rect", y=0, height=16, fill=colour, stroke=PAPER, **box)
        start += part
    return finish(root)


def dots_figure(rows: Sequence[Dot], *, words: Words, band: Interval | None = None) -> dict[str, Any]:
    """Return the figure of `dots`: one trace of scores with their intervals as error bars."""
    ends = axis_range([end for row in rows for end in (row.score, *(row.interval or ()))])
    places = list(range(len(rows)))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [row.score for row in rows],
        "y": places,
        "text": [plain(f"{row.name}  {row.value}") for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 10, "color": ACCENT, "line": {"color": PAPER, "width": 1.5}},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [row.interval[1] - row.score if row.interval else 0.0 for row in rows],
            "arrayminus": [row.score - row.interval[0] if row.interval else 0.0 for row in rows],
            "color": ACCENT,
            "thickness": 2,
            "width": 4,
        },
    }
    layout = base_layout(words, rows=len(rows), pitch=ROW)
    layout["xaxis"] |= {"range": list(ends), "title": {"text": plain(words.axis), "font": {"size": 12}}}
    layout["annotations"] = row_names([f"{shortened(row.name)}  {row.value}" for row in rows], shift=13)
    layout["shapes"] = [*_band_shapes(band), *(_break_line(place - 0.72) for place in _breaks(rows))]
    return {"data": [trace], "layout": layout}


def stacks_figure(rows: Sequence[Stack], *, words: Words) -> dict[str, Any]:
    """Return the figure of `stacks`: one trace a level, from best to worst."""
    layout = base_layout(words, rows=len(rows), pitch=52)
    layout["xaxis"] |= {"range": [0, 100], "tickvals": _QUARTERS, "ticktext": [f"{tick}%" for tick in _QUARTERS]}
    layout["annotations"] = row_names([f"{shortened(row.name)}  (n = {row.n})" for row in rows], shift=20)
    # The legend stands in the page as HTML, which wraps on a phone and prints.
    layout |= {"barmode": "stack", "bargap": 0.55, "height": layout["height"] - 18}
    layout["margin"]["b"] = 28
    return {"data": level_bars(rows, words.levels), "layout": layout}


def level_bars(rows: Sequence[Stack], levels: Sequence[str]) -> list[dict[str, Any]]:
    """Return plotly's bars of the answers to items, one trace a level from best to worst, lengths in percent."""
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(name),
            "x": [100.0 * row.shares[level] for row in rows],
            "y": list(range(len(rows))),
            "text": [share_text(row.shares[level]) for row in rows],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "textfont": {"color": on_colour(colour), "size": 12},
            "customdata": [[plain(row.name), row.n] for row in rows],
            "hovertemplate": f"%{{customdata[0]}}<br>{plain(name)} %{{x:.1f}}%  n = %{{customdata[1]}}<extra></extra>",
            "marker": {"color": colour, "line": {"color": PAPER, "width": 1}},
        }
        for level, (name, colour) in enumerate(zip(levels, palette(len(levels)), strict=True))
    ]


def _breaks(rows: Sequence[Dot]) -> list[int]:
    """Return the rows that begin another group than the row before."""
    return [place for place in range(1, len(rows)) if rows[place].tier != rows[place - 1].tier]


def _band_shapes(band: Interval | None) -> list[dict[str, Any]]:
    if band is None:
        return []
    ends = {"xref": "x", "x0": band[0], "x1": band[1], "yref": "paper", "y0": 0, "y1": 1}
    return [{"type": "rect", "layer": "below", "fillcolor": BAND_TINTS[0], "line": {"width": 0}, **ends}]


def _break_line(height: float) -> dict[str, Any]:
    line = {"color": FAINT, "width": 1}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": height, "y1": height, "line": line}


def _zone(root: Element, zone: Zone, *, top: float, ends: Interval, height: int, tint: str) -> None:
    low, high = max(zone.floor, ends[0]), min(top, ends[1])
    if high <= low:
        return
    left, right = at(low, ends), at(high, ends)
    width = float(right[:-1]) - float(left[:-1])
    add(root, "rect", x=left, y=0, width=f"{width:.2f}%", height=height, fill=tint)
    if zone.floor > ends[0]:
        add(root, "line", x1=left, x2=left, y1=0, y2=height, stroke=FAINT, **{"stroke-dasharray": "3 3"})
    middle = f"{float(left[:-1]) + width / 2:.2f}%"
    if width >= 12:
        write(root, zone.name, size=12, x=middle, y=18, fill=FAINT, **{"text-anchor": "middle"})


def _bar(root: Element, shares: Sequence[float], *, y: int) -> None:
    start = 0.0
    for share, colour in zip(shares, palette(len(shares)), strict=True):
        if share > 0.0:
            left, width = f"{100.0 * start:.2f}%", f"{100.0 * share:.2f}%"
            add(root, "rect", x=left, y=y, width=width, height=20, fill=colour, stroke=PAPER)
            middle = f"{100.0 * (start + share / 2):.2f}%"
            if share >= 0.07:
                write(
                    root,
                    share_text(share),
                    size=12,
                    x=middle,
                    y=y + 14,
                    fill=on_colour(colour),
                    **{"text-anchor": "middle"},
                )
        start += share


def _arc(low: float, high: float) -> str:
    """Return the path of an arc from `low` to `high` points, clockwise from the top; 100 stops short of a full turn."""
    high = min(high, 99.99)
    (x1, y1), (x2, y2) = _on_circle(low), _on_circle(high)
    return f"M{x1:.2f} {y1:.2f}A54 54 0 {1 if high - low > 50.0 else 0} 1 {x2:.2f} {y2:.2f}"


def _on_circle(points: float) -> tuple[float, float]:
    angle = 2.0 * pi * points / 100.0
    return 66.0 + 54.0 * sin(angle), 66.0 - 54.0 * cos(angle)
