"""Charts of reports: the drawings of the pages at the width of a sheet, and as PNG for Word, made without a browser."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from flask_babel import gettext as _

from survey.analysis import charts
from survey.analysis.drawing import FONT, INK
from survey.queries.results import EvaluationHead, Record
from survey.services import result_words
from survey.services.figure_texts import points

# The text area of an A4 sheet after GB/T 9704 is 156 mm wide; letters of 13 units become 9 points.
WIDTH = 620
WIDTH_MM = 156
LEGEND = 24
AIR = 6
SVG = "http://www.w3.org/2000/svg"
BAR = 46
_PIXELS_PER_INCH = 160
_FULL_WIDTH = re.compile(r'width="100%"')
_HEIGHT = re.compile(r'height="(\d+)"')
_SHEET = """#set page(width: auto, height: auto, margin: 0pt, fill: white)
#set text(font: "Wuping Sans")
#for drawing in json(bytes(sys.inputs.drawings)) { page(image(bytes(drawing), format: "svg", width: WIDTHmm)) }
"""


def ruler(head: EvaluationHead, record: Record) -> str:
    """Draw a target's score with its intervals on the bands; "" where it is withheld."""
    if record["score"] is None:
        return ""
    roster, classes = record["score_ci_roster"], record["score_ci_class"]
    intervals = [(_("A this roster"), _ends(roster)), (_("B performance"), _ends(classes))]
    if not roster and not classes:
        intervals = [(_("ballots as independent"), _ends(record["score_ci"]))]
    zones = [charts.Zone(name=result_words.score_band(band.code), floor=band.floor) for band in head.scheme.bands]
    return _sized(
        charts.ruler(record["score"], intervals, zones, label=_("Score and intervals on the bands of the scheme"))
    )


def scores(lines: Sequence[tuple[str, Record]]) -> str:
    """Draw named scores with their intervals in the given order; "" where there are fewer than two."""
    if len(lines) < 2:
        return ""
    rows = [
        charts.Dot(
            name=name, score=record["score"], interval=_ends(shown_interval(record)), value=points(record["score"])
        )
        for name, record in lines
    ]
    return _sized(charts.dots(rows, label=_("Scores with their intervals")))


def item_bars(items: Sequence[tuple[str, Record]], levels: Mapping[int, str]) -> str:
    """Draw how the answers to each item fall on the levels, with a legend; "" where no item may show it."""
    rows = [row for row in (_stack(name, record, levels) for name, record in items) if row is not None]
    if not rows:
        return ""
    bars = _sized(charts.stacks(rows, label=_("Answers to each item"))).replace("<svg ", f'<svg y="{LEGEND}" ', 1)
    size = {"width": str(WIDTH), "height": str(LEGEND + BAR * len(rows))}
    root = Element("svg", {"xmlns": SVG, **size, "font-family": FONT})
    _draw_legend(root, list(levels.values()))
    return tostring(root, encoding="unicode").removesuffix("</svg>") + bars + "</svg>"


def _draw_legend(root: Element, names: Sequence[str]) -> None:
    """Draw the levels from best to worst, each in its share of the width."""
    step = WIDTH / max(len(names), 1)
    for place, (name, colour) in enumerate(zip(names, charts.palette(len(names)), strict=True)):
        left = f"{place * step:g}"
        SubElement(root, "rect", x=left, y="2", width="13", height="13", fill=colour)
        text = SubElement(root, "text", {"x": f"{place * step + 18:g}", "y": "13", "font-size": "12", "fill": INK})
        text.text = charts.shortened(name)


def shown_interval(record: Record) -> Sequence[float] | None:
    """Return the headline interval: of this roster, else by class, else of independent ballots."""
    ends: Sequence[float] | None = record.get("score_ci_roster") or record.get("score_ci_class") or record["score_ci"]
    return ends


def _stack(name: str, record: Record, levels: Mapping[int, str]) -> charts.Stack | None:
    if record["score"] is None:
        return None
    if record["counts"] is not None:
        answers = [record["counts"][str(level)] for level in levels]
        return charts.Stack(name=name, shares=[n / sum(answers) for n in answers], n=sum(answers))
    if record.get("shares"):
        return charts.Stack(name=name, shares=[record["shares"][str(level)] for level in levels], n=record["answered"])
    return None


def pictures(drawings: Sequence[str]) -> list[bytes]:
    """Return SVG drawings as PNG, in order; all letters in the font that is shipped."""
    import typst

    if not drawings:
        return []
    made = typst.compile(
        _SHEET.replace("WIDTH", str(WIDTH_MM)).encode(),
        font_paths=_fonts(),
        sys_inputs={"drawings": json.dumps(list(drawings))},
        format="png",
        ppi=_PIXELS_PER_INCH,
    )
    pages = made if isinstance(made, list) else [made]
    return [bytes(page) for page in pages]


@cache
def _fonts() -> Any:
    """Return the fonts that are shipped; reading them anew would cost more than the drawings."""
    import typst

    from survey.services.typesetting import FONTS

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def _sized(drawing: charts.Svg) -> str:
    """Return a drawing with a width and a little air: its places are percentages, and a sheet tells not of what."""
    inner = _FULL_WIDTH.sub(f'x="{AIR}" width="{WIDTH - 2 * AIR}"', drawing.markup, count=1)
    height = _HEIGHT.search(drawing.markup)
    return f'<svg xmlns="{SVG}" width="{WIDTH}" height="{height[1] if height else 0}">{inner}</svg>'


def _ends(ends: Sequence[float] | None) -> tuple[float, float] | None:
    return (ends[0], ends[1]) if ends else None
