"""What stands beside a target in a report: its unit, all others, the tests against them, and the year before."""

from flask_babel import gettext as _

from survey.queries.reports import EvaluationCube, TargetCube
from survey.queries.results import EvaluationHead, Record, Row
from survey.services import result_words
from survey.services.figure_texts import interval, p_written, points, signed, signed_interval
from survey.services.report_charts import shown_interval

Line = tuple[str, Record]
BUREAU = "BUREAU"
ALPHA = 0.05
# What the findings of a target may say outside the bureau: the conclusion of the funnel, no figure of classes.
_BUREAU_ONLY = ("below_chance", "rank", "bounds", "weighted", "benchmark", "without_flagged", "agreement")


def compared_lines(cube: EvaluationCube, found: TargetCube) -> list[Line]:
    """Return what a shown target stands beside: itself a year ago, its unit, the mean of all."""
    if found.row.record["score"] is None:
        return []
    unit = found.unit
    between = [(unit.name, unit.record)] if unit and unit.code != BUREAU and unit.record["score"] is not None else []
    past = found.past
    before = []
    if past is not None and past.record["score"] is not None:
        before = [(_("%(name)s, %(year)s", name=found.row.name, year=past.year), past.record)]
    return [(found.row.name, found.row.record), *before, *between, *overall_line(cube.head)]


def overall_line(head: EvaluationHead) -> list[Line]:
    """Return the line of all targets, unless it is withheld or says of one target what stands above."""
    if head.overall["score"] is None or head.targets < 2:
        return []
    return [(_("Mean of all %(number)s", number=head.targets), head.overall)]


def score_row(name: str, record: Record) -> dict[str, str]:
    """Write one line of scores."""
    return {"name": name, "score": points(record["score"]), "interval": interval(shown_interval(record))}


def notes(cube: EvaluationCube, found: TargetCube) -> list[str]:
    """Say how the lines are to be read, and what tests say about the target."""
    if found.row.record["score"] is None:
        return []
    lines = [
        _("Side by side for orientation. A unit's figure is the mean of its targets; who is ahead is not said by it.")
    ]
    if found.findings is not None:
        lines += result_words.target_lines({**found.findings, **dict.fromkeys(_BUREAU_ONLY)})
    return lines + tested_pairs(cube, found.row, outside=found.handed_out)


def tested_pairs(cube: EvaluationCube, row: Row, *, outside: bool) -> list[str]:
    """Say what the planned comparisons found: outside the bureau how many, inside also which."""
    pairs = cube.pairs_of(row.code)
    if not pairs:
        return []
    higher = sum(_direction(pair, row.code) > 0 for pair in pairs)
    lower = sum(_direction(pair, row.code) < 0 for pair in pairs)
    text = _(
        "Held against %(number)s others one by one, p values adjusted together: established as higher than %(higher)s, "
        "as lower than %(lower)s; of the other %(rest)s the data do not suffice to tell.",
        number=len(pairs),
        higher=higher,
        lower=lower,
        rest=len(pairs) - higher - lower,
    )
    if outside:
        return [str(text)]
    return [str(text), *(result_words.pair_sentence(pair, cube.sides) for pair in pairs if pair["flag"])]


def _direction(pair: Record, code: str) -> int:
    if not pair["flag"]:
        return 0
    return 1 if (pair["difference"] > 0.0) == (pair["a"] == code) else -1


def changes(cube: EvaluationCube, found: TargetCube) -> list[str]:
    """Say what changed since the newest release of an earlier year, for the target and for all together."""
    head, past = cube.head, found.past
    if found.row.record["score"] is None or past is None:
        return []
    change = (found.findings or {}).get("change")
    if past.record["score"] is None:
        return [str(_("%(year)s: withheld.", year=past.year))]
    lines = [_change_sentence(change, past.year, head.scheme.margin)]
    if head.overall["score"] is not None and head.change is not None:
        whole = result_words.change_sentence(head.change, head.campaign.year)
        lines.append(str(_("All together: %(sentence)s", sentence=whole)))
    return lines


def _change_sentence(change: Record | None, year: int, margin: float) -> str:
    if change is None or change["p"] is None:
        return str(_("The change since %(year)s cannot be tested: the data do not suffice.", year=year))
    values = {
        "year": year,
        "size": signed(change["difference"]),
        "ends": signed_interval(change["ci"]),
        "p": p_written(change["p_adjusted"]),
        "margin": points(margin),
    }
    if change["flag"]:
        return str(_("%(size)s points since %(year)s (%(ends)s), an established change (adjusted p %(p)s).", **values))
    if change["p_adjusted"] < ALPHA:
        text = _(
            "%(size)s points since %(year)s (%(ends)s): significant (adjusted p %(p)s), but within the margin of "
            "%(margin)s points fixed beforehand, so not counted as a change.",
            **values,
        )
        return str(text)
    text = _(
        "%(size)s points since %(year)s (%(ends)s), not significant (adjusted p %(p)s): not enough evidence for a "
        "rise or a fall.",
        **values,
    )
    return str(text)
