"""Records of targets and items as the result schema spells them: plain Python values, None for what is not shown."""

from collections.abc import Iterator, Sequence
from typing import Any

from survey.analysis.arrays import Ints, plain, plain_pairs
from survey.analysis.figures import ItemFigures, TargetFigures, item_figures
from survey.analysis.intervals import Interval
from survey.analysis.population import Population
from survey.analysis.scoring import Scheme

Record = dict[str, Any]

ITEM_FIGURES = ("counts", "mean", "sd", "score", "score_se", "score_ci", "satisfied_rate", "satisfied_ci")
TARGET_FIGURES = (
    "mean",
    "score",
    "score_se",
    "score_ci",
    "score_ci_roster",
    "score_ci_class",
    "reliability",
    "shrunken_mean",
    "shrunken_sd",
    "band",
    "verdict",
)
_EDGE = 1e-9
FEWEST_EQUAL = 20
"""So many ballots that all say the same may decide a verdict."""


def target_records(
    figures: TargetFigures, *, targets: Sequence[str], items: Sequence[str], population: Population, scheme: Scheme
) -> list[Record]:
    """Return one record per target; a withheld one keeps its counts of slips and ballots and shows nothing else."""
    whole = _whole_figures(figures, population, scheme)
    by_item = _item_records(figures.counts, items=items, scheme=scheme)
    records = []
    for head, body, parts in zip(_heads(figures, targets, population), whole, by_item, strict=True):
        if head["withheld"] is None:
            records.append({**head, "items": parts, **body})
        else:
            records.append({**head, "items": {}, **dict.fromkeys(TARGET_FIGURES)})
    return records


def verdict(interval: list[float] | None, threshold: float) -> str:
    """Compare an interval in points with a threshold: met (达到), not_met (未达到) or undecided (不足以判断)."""
    if interval is None:
        return "undecided"
    if interval[0] >= threshold - _EDGE:
        return "met"
    return "not_met" if interval[1] < threshold - _EDGE else "undecided"


def level_counts(counts: Ints, levels: Sequence[int]) -> list[dict[str, int]]:
    """Return {"5": n, ..., "1": n, "0": n} per row of counts (n_rows, 1 + n_levels)."""
    names = [str(level) for level in (*reversed(levels), 0)]
    return [dict(zip(names, row, strict=True)) for row in counts[:, ::-1].tolist()]


def _heads(figures: TargetFigures, targets: Sequence[str], population: Population) -> Iterator[Record]:
    columns = {
        "target": targets,
        "unit": [unit or None for unit in population.unit],
        "issued": [int(issued) for issued in population.issued],
        "ballots": figures.ballots.tolist(),
        "valid": figures.valid.tolist(),
        "response_rate": plain(figures.rate),
        "flagged": figures.flagged.tolist(),
        "withheld": figures.withheld,
    }
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _whole_figures(figures: TargetFigures, population: Population, scheme: Scheme) -> Iterator[Record]:
    score = plain(figures.score.known_mean())
    roster, classes = _pairs(figures.roster_ci), _pairs(figures.class_ci)
    columns: dict[str, Sequence[Any]] = {
        "mean": plain(figures.mean.known_mean()),
        "score": score,
        "score_se": plain(figures.score.se()),
        "score_ci": _pairs(figures.score_ci),
        "score_ci_roster": roster,
        "score_ci_class": classes,
        "reliability": plain(figures.shrunken.reliability),
        "shrunken_mean": plain(figures.shrunken.mean),
        "shrunken_sd": plain(figures.shrunken.sd),
        "band": [None if points is None else scheme.band(points) for points in score],
        "verdict": _verdicts(figures, population, scheme),
    }
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _verdicts(figures: TargetFigures, population: Population, scheme: Scheme) -> list[str | None]:
    floors = scheme.floors
    few = (figures.valid < floors.verdict_ballots) | (figures.groups < floors.verdict_classes)
    improvement_only = few & population.classes
    columns = zip(figures.valid.tolist(), improvement_only.tolist(), _pairs(figures.verdict_ci), strict=True)
    return [_verdict(valid, only, interval, scheme.threshold) for valid, only, interval in columns]


def _verdict(valid: int, improvement_only: bool, interval: list[float] | None, threshold: float) -> str | None:
    if valid == 0:
        return None
    if improvement_only:
        return "improvement_only"
    # A few equal ballots are no certainty, though their interval has no width.
    certain = interval is not None and interval[0] == interval[1]
    return "undecided" if certain and valid < FEWEST_EQUAL else verdict(interval, threshold)


def _item_records(counts: Ints, *, items: Sequence[str], scheme: Scheme) -> Iterator[Record]:
    if not items:
        return ({} for _ in range(len(counts)))
    figures = item_figures(counts, scheme)
    columns = [_one_item(figures, counts, place, scheme) for place in range(len(items))]
    return (dict(zip(items, row, strict=True)) for row in zip(*columns, strict=True))


def _one_item(figures: ItemFigures, counts: Ints, place: int, scheme: Scheme) -> list[Record]:
    """Return the records of one item for all targets: below the floor n only, for the rest give the counts away."""
    n = figures.n[:, place]
    columns = (
        level_counts(counts[:, place], scheme.levels),
        plain(figures.mean.known_mean()[:, place]),
        plain(figures.mean.sd()[:, place]),
        plain(figures.score.known_mean()[:, place]),
        plain(figures.score.se()[:, place]),
        plain_pairs(figures.score_ci.low[:, place], figures.score_ci.high[:, place]),
        plain(figures.satisfied_rate[:, place]),
        plain_pairs(figures.satisfied_ci.low[:, place], figures.satisfied_ci.high[:, place]),
    )
    shown = (n >= scheme.floors.item).tolist()
    nothing = dict.fromkeys(ITEM_FIGURES)
    return [
        {"n": answers, **(dict(zip(ITEM_FIGURES, row, strict=True)) if show else nothing)}
        for answers, show, row in zip(n.tolist(), shown, zip(*columns, strict=True), strict=True)
    ]


def _pairs(interval: Interval) -> list[list[float] | None]:
    return plain_pairs(interval.low, interval.high)
