"""What a report (报告) says, as plain texts and lists: the same for Word and PDF, every figure out of the cube."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _

from survey.analysis.scoring import Scheme
from survey.analysis.suppression import BALLOTS, DERIVABLE, RESPONSE
from survey.queries.reports import PARENTS, PRINCIPALS, PUBLIC, TEACHERS, EvaluationCube, TargetCube
from survey.queries.results import EvaluationHead, Record, Row
from survey.services import report_charts, report_comments, report_comparisons, report_items, result_words
from survey.services.figure_texts import (
    NONE,
    day,
    interval,
    points,
    reliability,
    share,
    whole_share,
)
from survey.services.punctuation import in_a_row
from survey.services.result_words import relation_name

Part = dict[str, Any]
PARENT_RESPONSE, USUAL_RESPONSE = 0.2, 0.5


def whole_document(head: EvaluationHead, *, title: str, subject: str, sections: Sequence[Part], outside: bool) -> Part:
    """Return a report: its head, who it is about, its sections, and the notes that each report ends with."""
    campaign = head.campaign
    return {
        "language": str(get_locale() or "zh_Hans_CN").replace("_", "-"),
        "bureau": current_app.config["WUPING"].bureau,
        "title": title,
        "subject": subject,
        "campaign": campaign.name,
        "period": _("Voting: %(first)s to %(last)s", first=day(campaign.first_day), last=day(campaign.last_day)),
        "made_on": day(date.today()),
        "audience": _audience(outside=outside),
        "sections": list(sections),
        "labels": labels(),
        "notes": _closing_notes(),
    }


def labels() -> dict[str, str]:
    """Return the headings and column heads of reports."""
    return {
        "subject": _("Subject of the report"),
        "campaign": _("Campaign"),
        "figures": _("Main figures"),
        "strengths": _("What is strong"),
        "improvements": _("What to work on first"),
        "against": _("Beside others"),
        "changes": _("Against last year"),
        "dimensions": _("Dimensions and items"),
        "chips": _("Phrases that were ticked"),
        "chips_note": _("Share of all ballots; several could be ticked, or none."),
        "quotes": _("Comments and suggestions"),
        "quotes_note": _(
            "Two persons of the bureau have masked whoever could be recognised. In no order. "
            "Please do not try to find out who wrote one."
        ),
        "reply": _("What the rated side says to it"),
        "further": _("Further tests (for the bureau)"),
        "method": _("How these figures were made"),
        "notes": _("How to read this report"),
        "name": _("Name"),
        "item": _("Item"),
        "rate": _("Satisfaction rate"),
        "interval": _("Interval (95 %%)") % {},
        "score": _("Score"),
        "made": _("Made on"),
    }


def _audience(*, outside: bool) -> str:
    if outside:
        text = _(
            "For those it is about: numbers below 50 are rounded to fives, and items with few answers show less. "
            "It is meant to help them improve and is not to be passed on."
        )
        return str(text)
    return str(_("Internal: for the bureau only, not to be handed out."))


def _closing_notes() -> list[str]:
    return [
        _("An interval of 95 %% says how far the figure may be off; figures whose intervals overlap are not ranked.")
        % {},
        _("Not significant does not mean equal: the data do not suffice to tell."),
        _("A withheld figure protects those who answered. Please do not try to find out who gave which answer."),
    ]


def target_section(cube: EvaluationCube, found: TargetCube) -> Part:
    """Return the section about one target: figures, strengths, what to work on, comparison, items, method."""
    head, row = cube.head, found.row
    record = row.record
    items = report_items.item_rows(cube, record)
    lines = report_comparisons.compared_lines(cube, found)
    levels = result_words.level_names(head, cube.wording)
    shown = report_items.some_shown(items)
    return {
        "title": _("%(relation)s: %(name)s", relation=relation_name(head.relation), name=row.name),
        "lead": result_words.target_sentence(head, row),
        "warning": _warning(head, record),
        "withheld": withheld_reason(head, record["withheld"]) if record["score"] is None else "",
        "figures": _figures(cube, found),
        "reading": _reading(cube, found),
        **report_items.standing_parts(cube, record),
        "against": [report_comparisons.score_row(name, line) for name, line in lines],
        "against_notes": report_comparisons.notes(cube, found),
        "changes": report_comparisons.changes(cube, found),
        "dimensions": report_items.dimension_groups(items) if shown else [],
        "items_note": report_items.items_note(cube, items),
        **report_comments.comment_parts(cube, found),
        "reply": found.reply.text if found.reply else "",
        "further": [] if found.handed_out else result_words.target_lines(found.findings),
        "method": method_rows(cube),
        "charts": {
            "ruler": report_charts.ruler(head, record),
            "against": report_charts.scores(lines),
            "bars": report_charts.item_bars([(item["text"], item["record"]) for item in items], levels),
        },
    }


def unit_section(cube: EvaluationCube, row: Row, *, outside: bool) -> Part:
    """Return the section about a school's teachers as a whole: no single teacher stands in it."""
    record, head = row.record, cube.head
    figures = [
        (_("Teachers with ballots"), str(record["targets"])),
        (_("Ballots"), str(record["ballots"])),
        *_score_rows(record, _("Mean of the teachers")),
    ]
    lines = [(row.name, record), *report_comparisons.overall_line(head)] if record["score"] is not None else []
    return {
        **_nothing(),
        "title": _("%(relation)s: all teachers of the school", relation=relation_name(head.relation)),
        "lead": _unit_sentence(row),
        "withheld": withheld_reason(head, record["withheld"]) if record["score"] is None else "",
        "figures": _two_a_row(figures),
        "against": [report_comparisons.score_row(name, line) for name, line in lines],
        "against_notes": report_comparisons.tested_pairs(cube, row, outside=outside),
        "method": method_rows(cube),
        "charts": {"ruler": "", "against": report_charts.scores(lines), "bars": ""},
    }


def _nothing() -> Part:
    """Return the parts of a section that it may leave empty."""
    lists = ("reading", "strengths", "improvements", "changes", "dimensions", "chips", "quotes", "further")
    texts = ("warning", "items_note", "standing_note", "quotes_left", "reply")
    return {**{name: [] for name in lists}, **dict.fromkeys(texts, "")}


def _unit_sentence(row: Row) -> str:
    record = row.record
    if record["score"] is None:
        return str(_("%(name)s: the mean of its teachers is withheld.", name=row.name))
    text = _(
        "%(name)s: its %(targets)s teachers have a mean of %(score)s points (95%% interval %(ends)s).",
        name=row.name,
        targets=record["targets"],
        score=points(record["score"]),
        ends=interval(record["score_ci"]),
    )
    return str(text)


def _warning(head: EvaluationHead, record: Record) -> str:
    if head.relation == PUBLIC:
        return str(_("For reference only: not one person, one vote"))
    if record["verdict"] == "improvement_only":
        text = _(
            "For improvement only: fewer than %(ballots)s valid ballots or %(classes)s classes. No verdict is given, "
            "and these figures must not be used for assessment.",
            ballots=head.scheme.floors.verdict_ballots,
            classes=head.scheme.floors.verdict_classes,
        )
        return str(text)
    return ""


def withheld_reason(head: EvaluationHead, reason: str | None) -> str:
    """Say why a figure is not there, with the rule and its value."""
    floors = head.scheme.floors
    if reason == BALLOTS:
        return str(_("Withheld: fewer than %(floor)s valid ballots.", floor=floors.ballots))
    if reason == RESPONSE:
        floor = whole_share(response_floor(head))
        text = _("Withheld: too few of those asked have answered (at least %(floor)s are needed).", floor=floor)
        return str(text)
    if reason == DERIVABLE:
        return str(_("Withheld: a figure withheld elsewhere could be worked out from it."))
    return str(_("There are no valid ballots."))


def response_floor(head: EvaluationHead) -> float:
    """Return the response floor of an evaluation as a share."""
    return head.scheme.floors.response_for(PARENT_RESPONSE if head.relation == PARENTS else USUAL_RESPONSE)


def _figures(cube: EvaluationCube, found: TargetCube) -> list[dict[str, str]]:
    head, record = cube.head, found.row.record
    rate, written = record["response_rate"], whole_share if found.handed_out else share
    rows = [
        (_("Slips issued"), str(record["issued"]) if record["issued"] and rate is not None else NONE),
        (_("Ballots returned"), str(record["ballots"])),
        (_("Valid ballots"), str(record["valid"])),
        (_("Response rate"), _("no roster") if rate is None else written(rate)),
    ]
    if not found.handed_out:
        rows.append((_("Ballots flagged as careless (counted)"), str(record["flagged"])))
    if record["score"] is not None:
        rows += _score_figures(head, record)
    return _two_a_row(rows)


def _score_figures(head: EvaluationHead, record: Record) -> list[tuple[str, str]]:
    return [
        *_score_rows(record, _("Score")),
        (_("Band"), result_words.band_told(record)),
        (
            _("Verdict against %(threshold)s points", threshold=points(head.scheme.threshold)),
            result_words.verdict_name(record["verdict"]) if record["verdict"] else NONE,
        ),
        (_("Reliability"), _reliability(record)),
    ]


def _reliability(record: Record) -> str:
    share_of = record["reliability"]
    word = result_words.reliability_class(share_of)
    return word if share_of is None else f"{reliability(share_of)} ({word})"


def _score_rows(record: Record, name: str) -> list[tuple[str, str]]:
    if record["score"] is None:
        return []
    rows = [(name, points(record["score"]))]
    known = [
        (_("Interval A, this roster"), record.get("score_ci_roster")),
        (_("Interval B, performance"), record.get("score_ci_class")),
    ]
    shown = [(label, interval(ends)) for label, ends in known if ends]
    return rows + (shown or [(_("Interval (95 %%)") % {}, interval(record["score_ci"]))])


def _two_a_row(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Return labels with values, two pairs a row, the last one blank where the number is odd."""
    padded = [*rows, ("", "")] if len(rows) % 2 else list(rows)
    return [
        {"label": label, "value": value, "next_label": next_label, "next_value": next_value}
        for (label, value), (next_label, next_value) in zip(padded[::2], padded[1::2], strict=True)
    ]


def _pairs_of_texts(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for label, value in rows]


def _reading(cube: EvaluationCube, found: TargetCube) -> list[str]:
    """Say what the intervals mean, how the verdict came about, and how near the next band is."""
    head, record = cube.head, found.row.record
    if record["score"] is None:
        return []
    lines = [
        _("Interval A: what all on this roster would say, as far as those who answered tell.")
        if record["score_ci_roster"]
        else "",
        _("Interval B: other classes could have been asked; the verdict rests on it.")
        if record["score_ci_class"]
        else "",
        _no_class_interval(head, record),
        _verdict_rule(head.scheme),
        _edge(head.scheme, record),
    ]
    return [line for line in lines if line]


def _no_class_interval(head: EvaluationHead, record: Record) -> str:
    if record["score_ci_class"] or head.relation not in (TEACHERS, PARENTS):
        return ""
    classes = head.scheme.floors.classes
    return str(_("Interval B is not given, since it needs ballots of at least %(classes)s classes.", classes=classes))


def _verdict_rule(scheme: Scheme) -> str:
    text = _(
        "Rule of the verdict: met where the whole interval lies at or above %(threshold)s points, not met where it "
        "lies below, else not enough evidence.",
        threshold=points(scheme.threshold),
    )
    return str(text)


def _edge(scheme: Scheme, record: Record) -> str:
    edge = scheme.edge_distance(record["score"])
    ends = report_charts.shown_interval(record)
    if edge is None:
        return ""
    text = _("%(points)s points to the nearest edge of a band.", points=points(edge))
    if ends is None:
        return str(text)
    crossing = scheme.crosses_edge(ends[0], ends[1])
    more = (
        _("The interval crosses the edge: the band is not certain.")
        if crossing
        else _("The interval stays inside the band.")
    )
    return in_a_row((text, more))


def method_rows(cube: EvaluationCube) -> list[dict[str, str]]:
    """Return the box of the method: scheme, bands, floors, versions."""
    head, scheme = cube.head, cube.head.scheme
    rows = [
        (_("Scheme"), result_words.scheme_line(scheme)),
        (
            _("Bands"),
            " · ".join(f"{result_words.score_band(band.code)} ≥ {points(band.floor)}" for band in scheme.bands),
        ),
        (_("Floors"), _floors_line(head)),
        (_("Margin"), str(_("a difference counts only above %(points)s points", points=points(scheme.margin)))),
        (
            _("Questionnaire"),
            str(_("%(id)s, version %(version)s", id=head.questionnaire["id"], version=head.questionnaire["version"])),
        ),
        (_("Roster"), str(_("version %(version)s", version=head.campaign.roster_version))),
        (_("Software"), f"wuping {cube.software}" if cube.software else NONE),
    ]
    return _pairs_of_texts(rows)


def _floors_line(head: EvaluationHead) -> str:
    floors = head.scheme.floors
    text = _(
        "a score from %(ballots)s valid ballots and a response of %(response)s, an item from %(item)s answers, a "
        "verdict on a teacher from %(verdict)s ballots of %(classes)s classes; “no opinion” and blanks never count in "
        "the denominator",
        ballots=floors.ballots,
        response=whole_share(response_floor(head)),
        item=floors.item,
        verdict=floors.verdict_ballots,
        classes=floors.verdict_classes,
    )
    return str(text)


def report_title(relation: str) -> str:
    """Return the title of a report: of a school as a whole for "", else of a target of the relation."""
    kinds = {
        TEACHERS: _("Report on the evaluation of a teacher"),
        PRINCIPALS: _("Report on the evaluation of a principal"),
        "principal_department": _("Report on the evaluation of a department"),
        "": _("Report on the evaluation of a school"),
    }
    return str(kinds.get(relation, _("Report on an evaluation")))
