"""The statistics of a release over somebody else's table: nothing is stored, all floors are off."""

from pathlib import Path
from typing import Any

from survey.errors import N_, BadInput
from survey.queries.cubes import SCHEMA, SCHEME_KEYS


def analyse_table(
    file: Path, *, target: str, items: str, levels: str, unit: str | None = None, group: str | None = None
) -> dict[str, Any]:
    """Return the `wuping.results/1` document of a CSV or XLSX with one ballot a row; raise BadInput naming the place.

    target, unit, group: column names; items: column names joined by commas; levels: LOW-HIGH.
    """
    from survey.analysis.results import Population, evaluate
    from survey.analysis.scoring import linear_scheme, load_scheme
    from survey.analysis.tables import Columns, parse_levels, read_foreign_ballots
    from survey.analysis.tallies import careless_flags, tally_ballots

    names = tuple(dict.fromkeys(name.strip() for name in items.split(",") if name.strip()))
    if not names:
        raise BadInput(N_("--items needs at least one column."))
    bounds = parse_levels(levels)
    columns = Columns(target=target, items=names, unit=unit, group=group)
    foreign = read_foreign_ballots(file, columns, levels=bounds)
    scheme = (load_scheme("five_step") if bounds == (1, 5) else linear_scheme(*bounds)).without_floors()
    tally = tally_ballots(
        foreign.answers,
        target=foreign.target,
        group=foreign.group,
        flagged=careless_flags(foreign.answers, scheme),
        targets=foreign.targets,
        groups=foreign.groups,
        items=names,
        scheme=scheme,
    )
    nobody = [0] * len(foreign.targets)
    population = Population(
        unit=foreign.units,
        unit_level="school",
        issued=nobody,
        eligible_slips=nobody,
        enrolled={},
        classes=group is not None,
    )
    result = evaluate(tally, population, scheme)
    evaluation = {
        "relation": None,
        "questionnaire": {"id": file.name, "version": 1},
        "scheme": {key: scheme.to_json()[key] for key in SCHEME_KEYS},
        "items": list(names),
        "targets": result.targets,
        "units": result.units,
        "comparison": result.comparison,
        "paired": None,
        "reliability": result.reliability,
        "scale_quality": result.scale_quality,
    }
    return {"schema": SCHEMA, "campaign": None, "evaluations": [evaluation]}
