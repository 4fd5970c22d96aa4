"""Charts of released figures: small SVG that needs no script, and the same as figures for plotly.js.

Figures are plain dictionaries after the schema of plotly.js, built by hand: a web process must not import plotly (slow,
large). The tests hold each one against `plotly.graph_objects.Figure`. SVG is drawn with attributes only, since the
content security policy allows no inline style; horizontal places are percentages, so that letters keep their size on a
phone. No chart shows a figure that its table does not show too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, cos, floor, pi, sin
from typing import Any
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element, SubElement, tostring

Interval = tuple[float, float]

INK, FAINT, RULE, PAPER = "#24302d", "#56625e", "#d9d6cc", "#ffffff"
ACCENT, ACCENT_LIGHT = "#0d665a", "#74b2a5"
BAND_TINTS = ("#dcefe9", "#eef5f2", "#fbf5e2", "#fae9e3")
# Best to worst; told apart in grey print and by colour-blind readers, and every share stands in words too.
_ANCHORS = ((13, 102, 90), (116, 178, 165), (224, 221, 209), (233, 181, 110), (176, 78, 40))
ROW = 40
FEWEST_POINTS = 20
WIDEST_NAME = 36
_QUARTERS = [0, 25, 50, 75, 100]
FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif'


@dataclass(frozen=True, kw_only=True)
class Svg:
    """A finished drawing; templates print it as it is, for every text in it has been escaped here."""

    markup: str

    def __html__(self) -> str:
        """Return the markup, as Jinja asks of a value that is already HTML."""
        return self.markup


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


@dataclass(frozen=True, kw_only=True)
class Words:
    """The written parts of an interactive figure, in the reader's language."""

    label: str
    axis: str = ""
    levels: Sequence[str] = field(default_factory=tuple)


def palette(levels: int) -> list[str]:
    """Return one colour a level, from best to worst, for any number of levels."""
    return [_colour(place / max(levels - 1, 1)) for place in range(levels)]


def axis_range(values: Iterable[float | None]) -> Interval:
    """Return the ends of an axis in points around the values: multiples of 5, 20 wide at least, within 0–100."""
    known = [value for value in values if value is not None]
    if not known:
        return (0.0, 100.0)
    low = max(0.0, min(100.0 - FEWEST_POINTS, 5.0 * floor((min(known) - 1.0) / 5.0)))
    high = min(100.0, max(low + FEWEST_POINTS, 5.0 * ceil((max(known) + 1.0) / 5.0)))
    return (low, high)


def ring(score: float | None, interval: Interval | None, *, value: str, label: str) -> Svg:
    """Draw a score as a circle: full up to the interval, lighter inside it, a mark at the score, the figure inside."""
    root = _root(label, viewBox="0 0 132 132", width="132", height="132")
    _add(root, "circle", cx=66, cy=66, r=54, fill="none", stroke=RULE, **{"stroke-width": 9})
    if score is not None:
        low, high = interval or (score, score)
        arc = {"fill": "none", "stroke-width": 9}
        _add(root, "path", d=_arc(0.0, max(low, 0.0)), stroke=ACCENT, **arc)
        if interval is not None:
            _add(root, "path", d=_arc(max(low, 0.0), min(high, 100.0)), stroke=ACCENT_LIGHT, **arc)
            _add(root, "path", d=_arc(score - 0.35, score + 0.35), stroke=INK, fill="none", **{"stroke-width": 13})
    middle = {"text-anchor": "middle", "x": 66, "y": 77, "fill": INK if score is not None else FAINT}
    _text(root, value, size=33 if score is not None else 17, weight="600", **middle)
    return _finish(root)


def ruler(score: float, intervals: Sequence[tuple[str, Interval | None]], zones: Sequence[Zone], *, label: str) -> Svg:
    """Draw one score on the bands of its scheme with its named intervals below each other; bands from best to worst."""
    drawn = [(name, interval) for name, interval in intervals if interval is not None]
    ends = axis_range([score, *(end for _, interval in drawn for end in interval)])
    height = 58 + 24 * max(len(drawn), 1)
    root = _root(label, width="100%", height=str(height))
    top = 100.0
    for place, zone in enumerate(zones):
        _zone(root, zone, top=top, ends=ends, height=height - 20, tint=BAND_TINTS[min(place, len(BAND_TINTS) - 1)])
        top = zone.floor
    for row, (name, interval) in enumerate(drawn):
        y = 44 + 24 * row
        _segment(root, interval, y=y, ends=ends, strong=row == 0)
        _beside(root, name, interval, ends=ends, y=y + 4)
    _add(root, "circle", cx=_at(score, ends), cy=44, r=6, fill=ACCENT, stroke=PAPER, **{"stroke-width": 2})
    _ticks(root, ends, y=height - 4)
    return _finish(root)


def dots(rows: Sequence[Dot], *, label: str) -> Svg:
    """Draw scores with their intervals, a row each in the given order, the name above its line."""
    ends = axis_range([end for row in rows for end in (row.score, *(row.interval or ()))])
    height = ROW * len(rows) + 26
    root = _root(label, width="100%", height=str(height))
    _grid(root, ends, height=height - 18)
    for place in _breaks(rows):
        _add(root, "line", x1="0", x2="100%", y1=ROW * place + 1, y2=ROW * place + 1, stroke=FAINT)
    for place, row in enumerate(rows):
        y = ROW * place + 30
        _text(root, shortened(row.name), size=13, x="0", y=y - 11, fill=INK)
        _text(root, row.value, size=12, x="100%", y=y - 11, fill=FAINT, **{"text-anchor": "end"})
        if row.interval is not None:
            _segment(root, row.interval, y=y, ends=ends, strong=True)
        _add(root, "circle", cx=_at(row.score, ends), cy=y, r=5, fill=ACCENT, stroke=PAPER, **{"stroke-width": 1.5})
    _ticks(root, ends, y=height - 4)
    return _finish(root)


def stacks(rows: Sequence[Stack], *, label: str) -> Svg:
    """Draw the answer distribution of items as bars of 100 %, the item above its bar, shares from 7 % written in."""
    root = _root(label, width="100%", height=str(46 * len(rows) + 2))
    for place, row in enumerate(rows):
        y = 46 * place
        _text(root, shortened(row.name), size=13, x="0", y=y + 13, fill=INK)
        _text(root, f"n = {row.n}", size=12, x="100%", y=y + 13, fill=FAINT, **{"text-anchor": "end"})
        _bar(root, row.shares, y=y + 19)
    return _finish(root)


def dots_figure(rows: Sequence[Dot], *, words: Words) -> dict[str, Any]:
    """Return the figure of `dots`: one trace of scores with their intervals as error bars."""
    ends = axis_range([end for row in rows for end in (row.score, *(row.interval or ()))])
    places = list(range(len(rows)))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [row.score for row in rows],
        "y": places,
        "text": [_plain(f"{row.name}  {row.value}") for row in rows],
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
    layout = _layout(words, rows=len(rows), pitch=ROW)
    layout["xaxis"] |= {"range": list(ends), "title": {"text": _plain(words.axis), "font": {"size": 12}}}
    layout["annotations"] = _row_names([f"{shortened(row.name)}  {row.value}" for row in rows], shift=13)
    layout["shapes"] = [_break_line(place - 0.72) for place in _breaks(rows)]
    return {"data": [trace], "layout": layout}


def stacks_figure(rows: Sequence[Stack], *, words: Words) -> dict[str, Any]:
    """Return the figure of `stacks`: one trace a level, from best to worst."""
    places = list(range(len(rows)))
    colours = palette(len(words.levels))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": _plain(name),
            "x": [100.0 * row.shares[level] for row in rows],
            "y": places,
            "text": [_share(row.shares[level]) for row in rows],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "textfont": {"color": _on(colours[level]), "size": 12},
            "customdata": [[_plain(row.name), row.n] for row in rows],
            "hovertemplate": f"%{{customdata[0]}}<br>{_plain(name)} %{{x:.1f}}%  n = %{{customdata[1]}}<extra></extra>",
            "marker": {"color": colours[level], "line": {"color": PAPER, "width": 1}},
        }
        for level, name in enumerate(words.levels)
    ]
    layout = _layout(words, rows=len(rows), pitch=52)
    layout["xaxis"] |= {"range": [0, 100], "tickvals": _QUARTERS, "ticktext": [f"{tick}%" for tick in _QUARTERS]}
    layout["annotations"] = _row_names([f"{shortened(row.name)}  (n = {row.n})" for row in rows], shift=20)
    # The legend stands in the page as HTML, which wraps on a phone and prints.
    layout |= {"barmode": "stack", "bargap": 0.55, "height": layout["height"] - 18}
    layout["margin"]["b"] = 28
    return {"data": traces, "layout": layout}


def shortened(name: str) -> str:
    """Return a name of 18 Chinese or 36 Latin letters at most; the whole name stands in the table beside the chart."""
    widths = accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
    kept = sum(width <= WIDEST_NAME for width in widths)
    return name if kept == len(name) else name[: kept - 1] + "…"


def _layout(words: Words, *, rows: int, pitch: int) -> dict[str, Any]:
    return {
        "height": pitch * rows + 62,
        "margin": {"l": 14, "r": 22, "t": 16, "b": 46},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": {"family": FONT, "size": 13, "color": INK},
        "hoverlabel": {"bgcolor": INK, "bordercolor": INK, "font": {"family": FONT, "size": 13, "color": PAPER}},
        "meta": {"label": words.label},
        "xaxis": {"gridcolor": RULE, "zeroline": False, "fixedrange": True, "tickfont": {"color": FAINT, "size": 12}},
        "yaxis": {
            "range": [rows - 0.45, -0.8],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
        },
    }


def _row_names(names: Iterable[str], *, shift: int) -> list[dict[str, Any]]:
    """Write names above their rows, where a phone has room for them, not beside them."""
    place: dict[str, Any] = {
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "align": "left",
        "showarrow": False,
        "yshift": shift,
    }
    place |= {"bgcolor": PAPER, "borderpad": 1, "font": {"size": 12}}
    return [{**place, "y": row, "text": _plain(name)} for row, name in enumerate(names)]


def _breaks(rows: Sequence[Dot]) -> list[int]:
    """Return the rows that begin another group than the row before."""
    return [place for place in range(1, len(rows)) if rows[place].tier != rows[place - 1].tier]


def _break_line(height: float) -> dict[str, Any]:
    line = {"color": FAINT, "width": 1}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": height, "y1": height, "line": line}


def _plain(text: str) -> str:
    """Take the meaning from letters that plotly.js would read as markup: names come out of somebody's file."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _share(value: float) -> str:
    return f"{100.0 * value:.0f}%" if value >= 0.07 else ""


def _root(label: str, **attributes: str) -> Element:
    settings = {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": label, "font-family": FONT}
    return Element("svg", settings | attributes)


def _add(parent: Element, tag: str, **attributes: object) -> Element:
    return SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})


def _text(parent: Element, text: str, *, size: int, weight: str = "400", **attributes: object) -> None:
    _add(parent, "text", **{"font-size": size, "font-weight": weight}, **attributes).text = text


def _finish(root: Element) -> Svg:
    return Svg(markup=tostring(root, encoding="unicode"))


def _at(value: float, ends: Interval, *, shift: float = 0.0) -> str:
    """Return a place on the axis as a percentage of the drawing, moved by `shift` percent, never outside."""
    place = 100.0 * (value - ends[0]) / (ends[1] - ends[0])
    return f"{min(max(1.5 + 0.97 * place + shift, 0.0), 100.0):.2f}%"


def _segment(root: Element, interval: Interval, *, y: int, ends: Interval, strong: bool) -> None:
    line = {"stroke": ACCENT if strong else FAINT, "stroke-width": 3 if strong else 2, "stroke-linecap": "round"}
    _add(root, "line", x1=_at(interval[0], ends), x2=_at(interval[1], ends), y1=y, y2=y, **line)


def _beside(root: Element, name: str, interval: Interval, *, ends: Interval, y: int) -> None:
    """Write a name after its interval, or before it where the drawing ends."""
    if interval[1] < ends[0] + 0.6 * (ends[1] - ends[0]):
        _text(root, name, size=12, x=_at(interval[1], ends, shift=1.6), y=y, fill=INK)
    else:
        before = {"text-anchor": "end"}
        _text(root, name, size=12, x=_at(interval[0], ends, shift=-1.6), y=y, fill=INK, **before)


def _zone(root: Element, zone: Zone, *, top: float, ends: Interval, height: int, tint: str) -> None:
    low, high = max(zone.floor, ends[0]), min(top, ends[1])
    if high <= low:
        return
    left, right = _at(low, ends), _at(high, ends)
    width = float(right[:-1]) - float(left[:-1])
    _add(root, "rect", x=left, y=0, width=f"{width:.2f}%", height=height, fill=tint)
    if zone.floor > ends[0]:
        _add(root, "line", x1=left, x2=left, y1=0, y2=height, stroke=FAINT, **{"stroke-dasharray": "3 3"})
    middle = f"{float(left[:-1]) + width / 2:.2f}%"
    if width >= 12:
        _text(root, zone.name, size=12, x=middle, y=18, fill=FAINT, **{"text-anchor": "middle"})


def _tick_values(ends: Interval) -> list[float]:
    step = 20.0 if ends[1] - ends[0] > 50 else 10.0 if ends[1] - ends[0] > 25 else 5.0
    first = ceil(ends[0] / step) * step
    return [first + step * place for place in range(int((ends[1] - first) / step + 1e-9) + 1)]


def _ticks(root: Element, ends: Interval, *, y: int) -> None:
    for value in _tick_values(ends):
        anchor = "start" if value == ends[0] else "end" if value == ends[1] else "middle"
        _text(root, f"{value:g}", size=11, x=_at(value, ends), y=y, fill=FAINT, **{"text-anchor": anchor})


def _grid(root: Element, ends: Interval, *, height: int) -> None:
    for value in _tick_values(ends):
        _add(root, "line", x1=_at(value, ends), x2=_at(value, ends), y1=0, y2=height, stroke=RULE)


def _bar(root: Element, shares: Sequence[float], *, y: int) -> None:
    start = 0.0
    for share, colour in zip(shares, palette(len(shares)), strict=True):
        if share > 0.0:
            left, width = f"{100.0 * start:.2f}%", f"{100.0 * share:.2f}%"
            _add(root, "rect", x=left, y=y, width=width, height=20, fill=colour, stroke=PAPER)
            middle = f"{100.0 * (start + share / 2):.2f}%"
            if share >= 0.07:
                _text(root, _share(share), size=12, x=middle, y=y + 14, fill=_on(colour), **{"text-anchor": "middle"})
        start += share


def _arc(low: float, high: float) -> str:
    """Return the path of an arc from `low` to `high` points, clockwise from the top; 100 stops short of a full turn."""
    high = min(high, 99.99)
    (x1, y1), (x2, y2) = _on_circle(low), _on_circle(high)
    return f"M{x1:.2f} {y1:.2f}A54 54 0 {1 if high - low > 50.0 else 0} 1 {x2:.2f} {y2:.2f}"


def _on_circle(points: float) -> tuple[float, float]:
    angle = 2.0 * pi * points / 100.0
    return 66.0 + 54.0 * sin(angle), 66.0 - 54.0 * cos(angle)


def _colour(place: float) -> str:
    """Return the colour at `place` in [0, 1] between the anchors."""
    position = place * (len(_ANCHORS) - 1)
    left = min(int(position), len(_ANCHORS) - 2)
    part = position - left
    mixed = (round(a + part * (b - a)) for a, b in zip(_ANCHORS[left], _ANCHORS[left + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _on(colour: str) -> str:
    """Return the letters' colour on a ground: white on the dark ends, ink elsewhere."""
    channels = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return PAPER if 0.3 * channels[0] + 0.59 * channels[1] + 0.11 * channels[2] < 125 else INK
