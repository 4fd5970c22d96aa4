"""Making results public (公示): prepare what outsiders may see, publish it, take it back, say what follows.

What goes out is made from the released cube (`analysis/outward.py`), audited once more as outsiders see it, and stored,
so that the pages of strangers compute nothing and what is published is what the officer (and in a campaign of two
persons somebody else too) looked at. Preparing is a job; publishing and taking back are acts of a moment.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.instruments.questionnaires import Text
from survey.models.campaigns import Campaign, Evaluation
from survey.models.publications import Publication
from survey.queries import comparisons, results
from survey.queries.cubes import RELEASED
from survey.queries.results import EvaluationHead, Row
from survey.services import approvals, audit
from survey.services.instruments import find_questionnaire

SCHEMA = "wuping.public/1"
LONGEST_FEEDBACK = 5000
# Relation -> what stands in the rows of its table. Principals are persons, so there are none.
BY_TARGET = {"parent_school": "school", "principal_department": "department"}
ONE_PAGE = "principal_department"
BY_UNIT = {"student_teacher": "school"}
# Each stage publishes less; the first that the audit passes goes out.
ALL, NO_UNIT_SPREADS, NO_UNITS, NO_SUM_SPREADS, NO_SUM = range(5)


class UnsafePublication(AssertionError):
    """A fault of this program: even the barest view gives a withheld target away. Nothing is prepared."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What outsiders see of an evaluation: its sum and rows (rounded), rows by code of target or unit."""

    overall: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, Any]]
    by_unit: bool


def prepare_publication(campaign_id: int, *, actor: str) -> str:
    """Make and store what would be published; return its digest. Runs in jobs and on the console only.

    What is out stays as it is. Raises NotFound, Conflict (not released yet).
    """
    _check_released(campaign_id)
    heads = results.evaluation_heads(campaign_id)
    document = {
        "schema": SCHEMA,
        "campaign": _campaign(heads[0]),
        "evaluations": [_evaluation(head) for head in heads],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    with transaction() as session:
        row = _row(session, campaign_id)
        row.prepared, row.digest = document, digest
        _record(session, "publication.prepare", campaign_id, actor, digest=digest)
    return digest


def publish(campaign_id: int, *, actor: str) -> None:
    """Make public what is prepared. Raises NotFound, Conflict (nothing prepared), NeedsSecond."""
    with transaction() as session:
        row = _row(session, campaign_id, lock=True)
        if row.prepared is None:
            raise Conflict(_("Prepare what is to be published first, and look at it."))
        approvals.spend(session, campaign_id, "publish", actor=actor, detail={"digest": row.digest})
        row.published, row.published_by = row.prepared, actor
        row.published_at = datetime.now(UTC).isoformat(timespec="seconds")
        _record(session, "publication.publish", campaign_id, actor, digest=row.digest)


def unpublish(campaign_id: int, *, actor: str) -> None:
    """Take back what is public. Raises NotFound, Conflict (nothing is out), NeedsSecond."""
    with transaction() as session:
        row = _row(session, campaign_id, lock=True)
        if row.published is None:
            raise Conflict(_("The results of this campaign are not public."))
        approvals.spend(session, campaign_id, "unpublish", actor=actor)
        row.published, row.published_at, row.published_by = None, "", ""
        _record(session, "publication.unpublish", campaign_id, actor)


def write_feedback(campaign_id: int, text: str, *, actor: str) -> None:
    """Keep what the bureau says to the results, plain text; it stands on the public page at once. Raises BadInput."""
    cleaned = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
    if len(cleaned) > LONGEST_FEEDBACK:
        raise BadInput(_("At most %(most)s characters.", most=LONGEST_FEEDBACK))
    with transaction() as session:
        _row(session, campaign_id).feedback = cleaned
        digest = hashlib.sha256(cleaned.encode()).hexdigest()
        _record(session, "publication.feedback", campaign_id, actor, digest=digest)


def _check_released(campaign_id: int) -> Campaign:
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state not in RELEASED:
        raise Conflict(_("The results of campaign %(id)s have not been released.", id=campaign_id))
    return campaign


def _row(session: Session, campaign_id: int, *, lock: bool = False) -> Publication:
    _check_released(campaign_id)
    row = session.get(Publication, campaign_id, with_for_update=lock)
    if row is None:
        row = Publication(campaign_id=campaign_id)
        session.add(row)
    return row


def _record(session: Session, action: str, campaign_id: int, actor: str, **detail: str) -> None:
    audit.record(session, actor=actor, action=action, subject=f"campaign {campaign_id}", detail=detail)


def _campaign(head: EvaluationHead) -> dict[str, Any]:
    campaign = head.campaign
    days = {"first_day": campaign.first_day.isoformat(), "last_day": campaign.last_day.isoformat()}
    return {"id": campaign.id, "name": campaign.name, "year": campaign.year, **days}


def _evaluation(head: EvaluationHead) -> dict[str, Any]:
    targets = comparisons.targets_of(head.id)
    units = results.units(head)
    view = safe_view(head, targets, units)
    names = {row.code: row.name for row in (units if view.by_unit else targets)}
    items = comparisons.item_codes(head)
    # Texts go with the document: what is out does not change when anything else does.
    wording = find_questionnaire(head.questionnaire_id)
    return {
        "relation": head.relation,
        "questionnaire": {"id": head.questionnaire["id"], "version": head.questionnaire["version"]},
        "scheme": {"id": head.scheme.id, "version": head.scheme.version, "satisfied": list(head.scheme.satisfied)},
        "floors": {"ballots": head.scheme.floors.ballots},
        "overall": dict(view.overall),
        "change": _change(head, view),
        "items": [{"code": item.code, "text": _both(item.text)} for item in wording.items if item.code in items],
        "satisfied": [_both(level.text) for level in wording.levels if level.value in head.scheme.satisfied],
        "rows_are": BY_TARGET.get(head.relation) or BY_UNIT.get(head.relation),
        "rows": [{"code": code, "name": names[code], **row} for code, row in sorted(view.rows.items())],
    }


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _change(head: EvaluationHead, view: View) -> dict[str, Any] | None:
    """Return the change against the year before, as coarse as the scores it lies between."""
    from survey.analysis.outward import outward_change

    if head.change is None or view.overall["score"] is None:
        return None
    return outward_change(head.change)


def safe_view(head: EvaluationHead, targets: list[Row], units: list[Row]) -> View:
    """Return the fullest view that gives no withheld target away, by the audit of the release held against it.

    The audit takes the rounded figures as exact, so that it errs on the side of withholding. For teachers and
    principals every single person counts as withheld. Raises UnsafePublication if no view passes.
    """
    from survey.analysis.disclosure import exposed
    from survey.analysis.results import scale_of
    from survey.services.tallies import load_tally

    counts = load_tally(db.session.get_one(Evaluation, head.id)).counts
    full = _view(head, targets, units)
    for stage in (ALL, NO_UNIT_SPREADS, NO_UNITS, NO_SUM_SPREADS, NO_SUM):
        view = _at(full, stage)
        if not exposed(as_records(view, targets, units), counts, scale=scale_of(head.scheme)):
            return view
    raise UnsafePublication(f"{head.relation}: withheld targets could be derived from what outsiders see")


def _view(head: EvaluationHead, targets: list[Row], units: list[Row]) -> View:
    from survey.analysis.outward import outward_items, outward_sum, outward_target

    overall = outward_sum(head.overall, one_page=head.relation == ONE_PAGE)
    if head.relation in BY_UNIT:
        return View(overall=overall, rows=_unit_rows(units), by_unit=True)
    if head.relation not in BY_TARGET:
        return View(overall=overall, rows={}, by_unit=False)
    classes = comparisons.class_numbers(head, [row.code for row in targets])
    items = comparisons.item_codes(head)
    rows = {}
    for row in targets:
        rows[row.code] = outward_target(row.record)
        if rows[row.code]["score"] is not None:
            known = classes.get(row.code)
            found = outward_items(row.record, items, satisfied=head.scheme.satisfied, classes=known)
            rows[row.code]["rates"] = found
    return View(overall=overall, rows=rows, by_unit=False)


def _unit_rows(units: list[Row]) -> dict[str, Mapping[str, Any]]:
    import numpy as np

    from survey.analysis.outward import SIBLING, complementary, hidden, outward_unit

    rows = {row.code: outward_unit(row.record) for row in units}
    shown = np.array([row["withheld"] is None for row in rows.values()], dtype=np.bool_)
    size = np.array([row.record["targets"] for row in units], dtype=np.int64)
    left = complementary(shown, size).tolist()
    return {
        code: hidden(row, SIBLING) if was and not stays else row
        for (code, row), was, stays in zip(rows.items(), shown.tolist(), left, strict=True)
    }


def _at(view: View, stage: int) -> View:
    """Return a view without what its stage leaves out."""
    from survey.analysis.outward import PROTECTED, hidden

    rows, overall = view.rows, view.overall
    if view.by_unit and stage >= NO_UNITS:
        rows = {code: hidden(row, PROTECTED) for code, row in rows.items()}
    elif view.by_unit and stage >= NO_UNIT_SPREADS:
        rows = {code: {**row, "ci": None} for code, row in rows.items()}
    if stage >= NO_SUM:
        overall = {**hidden(overall, PROTECTED), "satisfied": None}
    elif stage >= NO_SUM_SPREADS:
        overall = {**overall, "ci": None}
    return replace(view, rows=rows, overall=overall)


def as_records(view: View, targets: list[Row], units: list[Row]) -> Any:
    """Return a view as the records that the audit reads: a figure that outsiders do not see is None."""
    from survey.analysis.disclosure import Published

    by_target = {} if view.by_unit else view.rows
    by_unit = view.rows if view.by_unit else {}
    shown = {code for code, row in by_target.items() if row["withheld"] is None}
    return Published(
        targets=[
            {**row.record, "mean": row.record["mean"] if row.code in shown or _is_sum(targets) else None}
            for row in targets
        ],
        units=[{"unit": row.code, **_as_sum(by_unit.get(row.code))} for row in units],
        overall=_as_sum(view.overall),
        reliability={"mu": None},
    )


def _is_sum(targets: list[Row]) -> bool:
    """Tell whether the one target is the evaluation itself, as the bureau is for the public."""
    return len(targets) == 1


def _as_sum(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"score": row["score"] if row else None, "score_ci": row["ci"] if row else None}
