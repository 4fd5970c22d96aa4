"""The ground of every chart: colours, axes, letters and lines of small SVG, the layout of plotly figures.

SVG is drawn with attributes only, since the content security policy allows no inline style; horizontal places are
percentages, so that letters keep their size on a phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, floor
from typing import Any
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element, SubElement, tostring

Interval = tuple[float, float]

INK, FAINT, RULE, PAPER = "#24302d", "#56625e", "#d9d6cc", "#ffffff"
ACCENT, ACCENT_LIGHT = "#0d665a", "#74b2a5"
# What is worse than it should be; always with another shape or a word beside the colour.
WORSE = "#b04e28"
# Best to worst; told apart in grey print and by colour-blind readers, and every share stands in words too.
_ANCHORS = ((13, 102, 90), (116, 178, 165), (224, 221, 209), (233, 181, 110), (176, 78, 40))
ROW = 40
FEWEST_POINTS = 20
WIDEST_NAME = 36
FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif'


@dataclass(frozen=True, kw_only=True)
class Svg:
    """A finished drawing; templates print it as it is, for every text in it has been escaped here."""

    markup: str

    def __html__(self) -> str:
        """Return the markup, as Jinja asks of a value that is already HTML."""
        return self.markup


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


def shortened(name: str) -> str:
    """Return a name of 18 Chinese or 36 Latin letters at most; the whole name stands in the table beside the chart."""
    widths = accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
    kept = sum(width <= WIDEST_NAME for width in widths)
    return name if kept == len(name) else name[: kept - 1] + "…"


def base_layout(words: Words, *, rows: int, pitch: int) -> dict[str, Any]:
    """Return the layout of a plotly figure of `rows` rows, each `pitch` pixels high: quiet, fixed, named fonts."""
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


def row_names(names: Iterable[str], *, shift: int) -> list[dict[str, Any]]:
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
    return [{**place, "y": row, "text": plain(name)} for row, name in enumerate(names)]


def plain(text: str) -> str:
    """Take the meaning from letters that plotly.js would read as markup: names come out of somebody's file."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def share_text(value: float) -> str:
    """Write a share of [0, 1] for inside a bar, "" where it is too narrow for letters."""
    return f"{100.0 * value:.0f}%" if value >= 0.07 else ""


def canvas(label: str, **attributes: str) -> Element:
    """Begin a drawing with its name for readers that do not see it."""
    settings = {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": label, "font-family": FONT}
    return Element("svg", settings | attributes)


def add(parent: Element, tag: str, **attributes: object) -> Element:
    """Add an element."""
    return SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})


def write(parent: Element, text: str, *, size: int, weight: str = "400", **attributes: object) -> None:
    """Add letters."""
    add(parent, "text", **{"font-size": size, "font-weight": weight}, **attributes).text = text


def finish(root: Element) -> Svg:
    """Return the finished drawing."""
    return Svg(markup=tostring(root, encoding="unicode"))


def at(value: float, ends: Interval, *, shift: float = 0.0) -> str:
    """Return a place on the axis as a percentage of the drawing, moved by `shift` percent, never outside."""
    place = 100.0 * (value - ends[0]) / (ends[1] - ends[0])
    return f"{min(max(1.5 + 0.97 * place + shift, 0.0), 100.0):.2f}%"


def segment(root: Element, interval: Interval, *, y: int, ends: Interval, strong: bool) -> None:
    """Add an interval as a line on the axis `ends`."""
    line = {"stroke": ACCENT if strong else FAINT, "stroke-width": 3 if strong else 2, "stroke-linecap": "round"}
    add(root, "line", x1=at(interval[0], ends), x2=at(interval[1], ends), y1=y, y2=y, **line)


def beside(root: Element, name: str, interval: Interval, *, ends: Interval, y: int) -> None:
    """Write a name after its interval, or before it where the drawing ends."""
    if interval[1] < ends[0] + 0.6 * (ends[1] - ends[0]):
        write(root, name, size=12, x=at(interval[1], ends, shift=1.6), y=y, fill=INK)
    else:
        before = {"text-anchor": "end"}
        write(root, name, size=12, x=at(interval[0], ends, shift=-1.6), y=y, fill=INK, **before)


def _tick_values(ends: Interval) -> list[float]:
    step = 20.0 if ends[1] - ends[0] > 50 else 10.0 if ends[1] - ends[0] > 25 else 5.0
    first = ceil(ends[0] / step) * step
    return [first + step * place for place in range(int((ends[1] - first) / step + 1e-9) + 1)]


def ticks(root: Element, ends: Interval, *, y: int) -> None:
    """Write the values of the axis `ends`."""
    for value in _tick_values(ends):
        anchor = "start" if value == ends[0] else "end" if value == ends[1] else "middle"
        write(root, f"{value:g}", size=11, x=at(value, ends), y=y, fill=FAINT, **{"text-anchor": anchor})


def grid(root: Element, ends: Interval, *, height: int) -> None:
    """Add the lines of the axis `ends`."""
    for value in _tick_values(ends):
        add(root, "line", x1=at(value, ends), x2=at(value, ends), y1=0, y2=height, stroke=RULE)


def _colour(place: float) -> str:
    """Return the colour at `place` in [0, 1] between the anchors."""
    position = place * (len(_ANCHORS) - 1)
    left = min(int(position), len(_ANCHORS) - 2)
    part = position - left
    mixed = (round(a + part * (b - a)) for a, b in zip(_ANCHORS[left], _ANCHORS[left + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def on_colour(colour: str) -> str:
    """Return the letters' colour on a ground: white on the dark ends, ink elsewhere."""
    channels = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return PAPER if 0.3 * channels[0] + 0.59 * channels[1] + 0.11 * channels[2] < 125 else INK
