"""What the charts of results are drawn from: records of the cube with the words that stand in the drawings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from survey.analysis import charts
from survey.queries.results import EvaluationHead, Record, Row
from survey.views import filters, result_words


@dataclass(frozen=True, kw_only=True)
class Line:
    """A unit, or a target where all stand on one ballot, in its group of those not told apart (None: not compared)."""

    row: Row
    tier: int | None
    interval: Sequence[float] | None


@dataclass(frozen=True, kw_only=True)
class ItemLine:
    """An item of a target with its wording and its dimension's."""

    code: str
    text: str
    dimension: str
    record: Record


def shown_interval(record: Record) -> Sequence[float] | None:
    """Return the interval of lists and circles: of this roster, else by class, else of independent ballots."""
    ends = record.get("score_ci_roster") or record.get("score_ci_class") or record["score_ci"]
    return list(ends) if ends else None


def ring(record: Record, name: str) -> charts.Svg:
    """Draw the circle of an evaluation, a unit or a target."""
    score, ends = record["score"], shown_interval(record)
    if score is None:
        value = _("Not shown")
        return charts.ring(None, None, value=value, label=f"{name}: {value}")
    value = filters.points(score)
    label = _("%(name)s: %(score)s points, interval %(ends)s", name=name, score=value, ends=filters.interval(ends))
    return charts.ring(score, pair(ends), value=value, label=label)


def ruler(head: EvaluationHead, record: Record) -> charts.Svg:
    """Draw a target's score with its intervals A and B on the bands; the naive one only where there is neither."""
    roster, classes = record["score_ci_roster"], record["score_ci_class"]
    intervals = [(_("A this roster"), pair(roster)), (_("B performance"), pair(classes))]
    if not roster and not classes:
        intervals = [(_("ballots as independent"), pair(record["score_ci"]))]
    zones = [charts.Zone(name=result_words.score_band(band.code), floor=band.floor) for band in head.scheme.bands]
    return charts.ruler(record["score"], intervals, zones, label=_("Score and intervals on the bands of the scheme"))


def dots(lines: Sequence[Line]) -> list[charts.Dot]:
    """Return the rows of the chart of units; withheld ones have none."""
    return [
        charts.Dot(
            name=line.row.name,
            score=line.row.record["score"],
            interval=pair(line.interval),
            value=f"{filters.points(line.row.record['score'])} (n = {line.row.record['ballots']})",
            tier=line.tier,
        )
        for line in lines
        if line.row.record["score"] is not None
    ]


def drawn_dots(lines: Sequence[Line], band: charts.Interval | None = None) -> charts.Svg | None:
    """Draw scores with their intervals; None where all are withheld, for an empty axis says nothing."""
    shown = dots(lines)
    return charts.dots(shown, label=_("Scores with their intervals"), band=band) if shown else None


def margin_band(head: EvaluationHead) -> charts.Interval | None:
    """Return where a score is within the margin of the evaluation's own; None where that is withheld."""
    score, margin = head.overall["score"], head.scheme.margin
    return None if score is None else (score - margin, score + margin)


def drawn_items(items: Sequence[ItemLine]) -> list[ItemLine]:
    """Return the items whose answers may be shown level by level and that somebody answered on a level."""
    return [item for item in items if item.record["score"] is not None and _has_levels(item.record)]


def _has_levels(record: Record) -> bool:
    return bool(record["counts"] or record.get("shares"))


def stacks(items: Sequence[ItemLine], levels: Mapping[int, str]) -> list[charts.Stack]:
    """Return the bars of items: shares of those who chose a level."""
    return [_stack(item, levels) for item in drawn_items(items)]


def _stack(item: ItemLine, levels: Mapping[int, str]) -> charts.Stack:
    record: Mapping[str, Any] = item.record
    if record["counts"] is None:
        shares = [record["shares"][str(level)] for level in levels]
        return charts.Stack(name=item.text, shares=shares, n=record["answered"])
    answers = [record["counts"][str(level)] for level in levels]
    return charts.Stack(name=item.text, shares=[n / sum(answers) for n in answers], n=sum(answers))


def pair(ends: Sequence[float] | None) -> tuple[float, float] | None:
    """Return an interval as charts take it."""
    return (ends[0], ends[1]) if ends else None
