"""What the bureau's circular (情况通报) and bulletin (简报) say of a campaign: no persons, no ranking by raw means."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from survey.queries.outside import outside
from survey.queries.reports import PARENTS, PUBLIC, EvaluationCube
from survey.queries.results import Record, Row
from survey.services import report_charts, result_words
from survey.services.figure_texts import NONE, day, interval, p_written, points, share, signed, signed_interval
from survey.services.punctuation import COLON
from survey.services.report_charts import shown_interval
from survey.services.report_words import withheld_reason
from survey.services.result_words import relation_name, response_told, worded

Part = dict[str, Any]
ALL_OTHERS = "*"
# Relations whose targets are bodies: they may be named; of persons only their units are.
_BODIES = (PARENTS, "principal_department")
_MOST_ITEMS = 3


def bulletin(cubes: Mapping[str, EvaluationCube]) -> Part:
    """Return the texts, tables and drawings of a campaign's bulletins; figures as coarse as they leave the bureau."""
    campaign = next(iter(cubes.values())).head.campaign
    regular = [evaluation(cube) for relation, cube in cubes.items() if relation != PUBLIC]
    return {
        "bureau": current_app.config["WUPING"].bureau,
        "campaign": campaign.name,
        "year": str(campaign.year),
        "first_day": day(campaign.first_day),
        "last_day": day(campaign.last_day),
        "made_on": day(date.today()),
        "made_year": str(date.today().year),
        "evaluations": regular,
        "reference": [evaluation(cube) for relation, cube in cubes.items() if relation == PUBLIC],
        "better": [line for part in regular for line in part["better"]],
        "worse": [line for part in regular for line in part["worse"]],
        "changes": [part["change"] for part in regular if part["change"]],
        "doubts": [line for part in regular for line in part["doubts"]],
        "method": _method(cubes.values()),
    }


def evaluation(cube: EvaluationCube) -> Part:
    """Return what is said of one evaluation."""
    head, overall = cube.head, cube.head.overall
    rows = [outside(row) for row in named_rows(cube)]
    found = cube.findings[0] or {}
    return {
        "name": relation_name(head.relation),
        "targets": str(head.targets),
        "shown": str(head.shown),
        "withheld": str(head.withheld),
        "issued": str(overall["issued"]) if overall["issued"] else NONE,
        "ballots": str(overall["ballots"]),
        "valid": str(overall["valid"]),
        "response": share(overall["response_rate"]),
        "score": points(overall["score"]),
        "interval": interval(overall["score_ci"]),
        "satisfied": share(overall["satisfied_rate"]),
        "definition": result_words.satisfied_definition(head, cube.wording),
        "summary": _summary(cube),
        "change": _change(cube),
        **_verdicts(cube),
        "strong_items": _item_lines(cube, found.get("items") or (), side=1),
        "weak_items": _item_lines(cube, found.get("items") or (), side=-1),
        "doubts": _doubts(cube),
        "tests": result_words.evaluation_lines(*cube.findings),
        "units": [_row(row) for row in rows],
        "chart": report_charts.scores([(row.name, row.record) for row in rows if row.record["score"] is not None]),
    }


def named_rows(cube: EvaluationCube) -> Sequence[Row]:
    """Return the rows of an evaluation's table in the order of codes: bodies themselves, of persons their units."""
    rows = cube.targets() if cube.head.relation in _BODIES else cube.units.values()
    return sorted(rows, key=lambda row: row.code)


def _row(row: Row) -> dict[str, str]:
    record = row.record
    shown = record["score"] is not None
    return {
        "name": row.name,
        "targets": str(record.get("targets", NONE)),
        "ballots": str(record["ballots"]),
        "score": points(record["score"]) if shown else _("Withheld"),
        "interval": interval(shown_interval(record)) if shown else NONE,
    }


def _summary(cube: EvaluationCube) -> str:
    head, overall = cube.head, cube.head.overall
    if overall["score"] is None:
        return f"{relation_name(head.relation)}{COLON}{withheld_reason(head, overall['withheld'])}"
    text = _(
        "%(name)s: %(score)s points on average over %(targets)s targets (95%% interval %(ends)s), %(valid)s valid "
        "ballots, %(response)s.",
        name=relation_name(head.relation),
        score=points(overall["score"]),
        targets=overall["rated"],
        ends=interval(overall["score_ci"]) if overall["score_ci"] else _("not given"),
        valid=overall["valid"],
        response=response_told(overall["response_rate"]),
    )
    return str(text)


def _change(cube: EvaluationCube) -> str:
    head = cube.head
    if head.overall["score"] is None or head.change is None:
        return ""
    sentence = result_words.change_sentence(head.change, head.campaign.year)
    return str(_("%(name)s: %(sentence)s", name=relation_name(head.relation), sentence=sentence))


def _verdicts(cube: EvaluationCube) -> Part:
    """Say which units are established as higher or lower than others, and of how many the data do not tell."""
    sides: dict[str, list[int]] = {}
    for pair in cube.flagged_pairs:
        for code, side in _sides(pair):
            sides.setdefault(code, []).append(side)
    lines = {code: _side_line(cube, code, found) for code, found in sorted(sides.items())}
    better = [lines[code] for code, found in sorted(sides.items()) if 1 in found and -1 not in found]
    worse = [lines[code] for code, found in sorted(sides.items()) if -1 in found and 1 not in found]
    between = [lines[code] for code, found in sorted(sides.items()) if 1 in found and -1 in found]
    return {"better": better, "worse": worse, "between": between, "undecided": _undecided(cube)}


def _sides(pair: Record) -> list[tuple[str, int]]:
    side = 0 if not pair["flag"] else 1 if pair["difference"] > 0.0 else -1
    return [(pair["a"], side), *([] if pair["b"] == ALL_OTHERS else [(pair["b"], -side)])]


def _side_line(cube: EvaluationCube, code: str, found: Sequence[int]) -> str:
    return str(
        _(
            "%(relation)s: %(name)s is established as higher than %(higher)s others and as lower than %(lower)s.",
            relation=relation_name(cube.head.relation),
            name=result_words.side_name(code, cube.sides),
            higher=found.count(1),
            lower=found.count(-1),
        )
    )


def _undecided(cube: EvaluationCube) -> str:
    total, flagged = cube.compared.total, cube.compared.flagged
    if not total:
        return str(_("%(relation)s: nothing is compared here.", relation=relation_name(cube.head.relation)))
    text = _(
        "%(relation)s: %(total)s comparisons, %(flagged)s established differences; of the other %(rest)s the data do "
        "not suffice to tell, which is no proof that there is none.",
        relation=relation_name(cube.head.relation),
        total=total,
        flagged=flagged,
        rest=total - flagged,
    )
    return str(text)


def _item_lines(cube: EvaluationCube, items: Iterable[Record], *, side: int) -> list[str]:
    """Say which items stand out over all targets: the three farthest from the others, established ones named so."""
    texts = {item.code: worded(item.text) for item in cube.wording.items} if cube.wording else {}
    known = [item for item in items if item["gap"] is not None and item["gap"] * side > 0.0]
    known.sort(key=lambda item: -item["gap"] * side)
    return [_item_line(texts, item) for item in known[:_MOST_ITEMS]]


def _item_line(texts: Mapping[str, str], item: Record) -> str:
    values = {
        "item": texts.get(item["item"], item["item"]),
        "score": points(item["score"]),
        "gap": signed(item["gap"]),
        "ends": signed_interval(item["gap_ci"]),
        "p": p_written(item["gap_p"]),
    }
    if item["gap_flag"]:
        text = _(
            "%(item)s: %(score)s points, %(gap)s against the other items (%(ends)s), established (adjusted p %(p)s).",
            **values,
        )
    else:
        text = _(
            "%(item)s: %(score)s points, %(gap)s against the other items (%(ends)s), not enough evidence.", **values
        )
    return str(text)


def _doubts(cube: EvaluationCube) -> list[str]:
    """Say where figures are withheld or rest on few; persons are counted, never named."""
    head = cube.head
    if not head.withheld:
        return []
    text = _(
        "%(relation)s: %(withheld)s of %(targets)s targets are withheld, since too few answered or a withheld figure "
        "could be worked out.",
        relation=relation_name(head.relation),
        withheld=head.withheld,
        targets=head.targets,
    )
    return [str(text)]


def _method(cubes: Iterable[EvaluationCube]) -> list[str]:
    """State margin, family and adjustment of each comparison, the schemes, and how intervals are to be read."""
    return [_method_line(cube) for cube in cubes] + [
        str(
            _(
                "Units are compared on one value for each target, by Welch's test, departments on a common ballot by "
                "paired differences; p values are adjusted over all comparisons of an evaluation (Benjamini–Hochberg). "
                "A difference is stated only where the adjusted p is below 0.05 and the difference exceeds the margin. "
                "Otherwise the data do not suffice."
            )
        ),
        str(_("Units stand in the order of their codes, not of their scores. Numbers below 50 are rounded to fives.")),
    ]


def _method_line(cube: EvaluationCube) -> str:
    scheme = cube.head.scheme
    text = _(
        "%(relation)s: family of %(family)s comparisons, margin %(margin)s points; scheme %(scheme)s.",
        relation=relation_name(cube.head.relation),
        family=cube.compared.total,
        margin=points(scheme.margin),
        scheme=result_words.scheme_line(scheme),
    )
    return str(text)
