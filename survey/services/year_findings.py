"""Changes since last year by target, unit and item, kept with a release. Runs in jobs only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Evaluation
from survey.models.results import CubeTarget
from survey.services.trends import Earlier, earlier_releases, matching

if TYPE_CHECKING:
    from survey.analysis.scoring import Scheme
    from survey.analysis.year_changes import Standing

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class YearFindings:
    """Changes against the newest release of an earlier year, empty without one.

    targets, units: by code. items: one record per item that stands unchanged. summary: the year and what was tested;
    None without an earlier release.
    """

    summary: dict[str, Any] | None
    targets: dict[str, dict[str, Any]]
    units: dict[str, dict[str, Any]]
    items: list[dict[str, Any]]


NOTHING = YearFindings(summary=None, targets={}, units={}, items=[])


def year_findings(
    evaluation: Evaluation, scheme: "Scheme", records: Sequence[Record], findings: Sequence[Record | None]
) -> YearFindings:
    """Compare the shown targets of a release with those of the newest release of an earlier year.

    Targets and units are compared on the score of the whole questionnaire, so only where it is the same in both years;
    items wherever their wording and points are.
    """
    before = earlier_releases(evaluation)
    if not before:
        return NOTHING
    newest = before[0]
    past, past_findings = _kept(newest)
    same = matching(evaluation, scheme, [newest])
    targets: dict[str, dict[str, Any]] = {}
    units: dict[str, dict[str, Any]] = {}
    if same.complete:
        targets = _of_targets(_standing(records, findings), _standing(past, past_findings), scheme)
        units = _of_units(records, past, scheme)
    items = _of_items(records, past, list(same.shares), scheme)
    summary = {
        "year": newest.campaign.year,
        "campaign": newest.campaign.id,
        "whole": same.complete,
        **{name: _counts(rows) for name, rows in (("targets", targets.values()), ("units", units.values()))},
    }
    return YearFindings(summary=summary, targets=targets, units=units, items=items)


def _counts(rows: Any) -> dict[str, int]:
    known = list(rows)
    return {
        "compared": len(known),
        "tested": sum(row["p"] is not None for row in known),
        "risen": sum(direction(row) > 0 for row in known),
        "fallen": sum(direction(row) < 0 for row in known),
    }


def direction(change: Mapping[str, Any] | None) -> int:
    """Return 1 for a flagged rise, -1 for a flagged fall, else 0."""
    if change is None or not change["flag"]:
        return 0
    return 1 if change["difference"] > 0 else -1


def _kept(earlier: Earlier) -> tuple[list[Record], list[Record | None]]:
    query = select(CubeTarget.document, CubeTarget.findings).where(
        CubeTarget.evaluation_id == earlier.cube.evaluation_id
    )
    rows = db.session.execute(query).all()
    return [row[0] for row in rows], [row[1] for row in rows]


def _standing(records: Sequence[Record], findings: Sequence[Record | None]) -> "Standing":
    from survey.analysis.year_changes import standing

    return standing(records, [None if found is None else found["classes"] for found in findings])


def _of_targets(this: "Standing", last: "Standing", scheme: "Scheme") -> dict[str, dict[str, Any]]:
    from survey.analysis.year_changes import target_changes

    return target_changes(this, last, margin=scheme.margin)


def _of_units(this: Sequence[Record], last: Sequence[Record], scheme: "Scheme") -> dict[str, dict[str, Any]]:
    import numpy as np

    from survey.analysis.year_changes import paired_changes

    past = {row["target"]: row["score"] for row in last if row["score"] is not None}
    rows = [row for row in this if row["score"] is not None and row["target"] in past and row["unit"]]
    codes = sorted({row["unit"] for row in rows})
    place = {code: at for at, code in enumerate(codes)}
    found = paired_changes(
        np.array([row["score"] for row in rows], dtype=np.float64),
        np.array([past[row["target"]] for row in rows], dtype=np.float64),
        np.array([place[row["unit"]] for row in rows], dtype=np.int64),
        size=len(codes),
        margin=scheme.margin,
    )
    return dict(zip(codes, found.records(), strict=True))


def _of_items(
    this: Sequence[Record], last: Sequence[Record], items: Sequence[str], scheme: "Scheme"
) -> list[dict[str, Any]]:
    import numpy as np

    from survey.analysis.item_summaries import item_scores
    from survey.analysis.year_changes import paired_changes

    past = {row["target"]: row for row in last}
    matched = [row for row in this if row["target"] in past]
    now = item_scores(matched, items, scheme.levels).score
    then = item_scores([past[row["target"]] for row in matched], items, scheme.levels).score
    place = np.broadcast_to(np.arange(len(items), dtype=np.int64), now.shape)
    found = paired_changes(now.ravel(), then.ravel(), place.ravel(), size=len(items), margin=scheme.margin)
    return [{"item": item, **row} for item, row in zip(items, found.records(), strict=True)]
