"""The statistics of a release over somebody else's table: nothing is stored, all floors are off."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey.queries.cubes import SCHEMA, SCHEME_KEYS

if TYPE_CHECKING:
    from survey.analysis.results import EvaluationResult
    from survey.analysis.scoring import Scheme
    from survey.analysis.tables import ForeignBallots


def analyse_table(
    file: Path, *, target: str, items: str, levels: str, unit: str | None = None, group: str | None = None
) -> dict[str, Any]:
    """Return the `wuping.results/1` document of a CSV or XLSX with one ballot a row; raise BadInput naming the place.

    target, unit, group: column names; items: column names joined by commas; levels: LOW-HIGH.
    """
    from survey.analysis.tables import Columns, foreign_scheme, parse_items, parse_levels, read_foreign_ballots

    bounds = parse_levels(levels)
    columns = Columns(target=target, items=parse_items(items), unit=unit, group=group)
    foreign = read_foreign_ballots(file, columns, levels=bounds)
    scheme = foreign_scheme(bounds).without_floors()
    result = _evaluate(foreign, scheme, classes=group is not None)
    evaluation = {
        "relation": None,
        "questionnaire": {"id": file.name, "version": 1},
        "scheme": {key: scheme.to_json()[key] for key in SCHEME_KEYS},
        "items": list(columns.items),
        "targets": result.targets,
        "units": result.units,
        "comparison": result.comparison,
        "paired": None,
        "reliability": result.reliability,
        "scale_quality": result.scale_quality,
    }
    return {"schema": SCHEMA, "campaign": None, "evaluations": [evaluation]}


def _evaluate(foreign: "ForeignBallots", scheme: "Scheme", *, classes: bool) -> "EvaluationResult":
    from survey.analysis.careless import careless_flags
    from survey.analysis.results import Population, evaluate
    from survey.analysis.tallies import tally_ballots

    tally = tally_ballots(
        foreign.answers,
        target=foreign.target,
        group=foreign.group,
        flagged=careless_flags(foreign.answers, scheme),
        targets=foreign.targets,
        groups=foreign.groups,
        items=foreign.items,
        scheme=scheme,
    )
    nobody = [0] * len(foreign.targets)
    population = Population(
        unit=foreign.units, unit_level="school", issued=nobody, eligible_slips=nobody, enrolled={}, classes=classes
    )
    return evaluate(tally, population, scheme)
