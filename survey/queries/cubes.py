"""The released view as one document of the schema `wuping.results/1`."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import Conflict, NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit

SCHEMA = "wuping.results/1"
RELEASED = ("released", "archived")
SCHEME_KEYS = ("id", "points", "satisfied")
_SUMMARY_KEYS = ("reliability", "scale_quality")
_COMPARED = ("comparison", "paired")


def released_results(campaign_id: int) -> dict[str, Any]:
    """Return the whole released cube of a campaign; raise NotFound, or Conflict before the release."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state not in RELEASED:
        raise Conflict(_("The results of campaign %(id)s have not been released.", id=campaign_id))
    evaluations = db.session.scalars(
        select(CubeEvaluation).where(CubeEvaluation.campaign_id == campaign_id).order_by(CubeEvaluation.evaluation_id)
    )
    return {
        "schema": SCHEMA,
        "campaign": _named(campaign),
        "evaluations": [_evaluation(row) for row in evaluations],
    }


def _named(campaign: Campaign) -> dict[str, Any]:
    """Return what the document says of its campaign; the version only of a corrected release."""
    named = {"id": campaign.id, "name": campaign.name, "year": campaign.year, "state": campaign.state}
    return named if campaign.version == 1 else {**named, "version": campaign.version, "correction": campaign.correction}


def _evaluation(row: CubeEvaluation) -> dict[str, Any]:
    targets = select(CubeTarget.document).where(CubeTarget.evaluation_id == row.evaluation_id)
    units = select(CubeUnit.document).where(CubeUnit.evaluation_id == row.evaluation_id)
    return {
        "relation": row.relation,
        "questionnaire": row.document["questionnaire"],
        "scheme": {key: row.document["scheme"][key] for key in SCHEME_KEYS},
        "items": row.document["items"],
        "targets": list(db.session.scalars(targets.order_by(CubeTarget.position))),
        "units": list(db.session.scalars(units.order_by(CubeUnit.position))),
        **{kind: _with_pairs(row, kind) for kind in _COMPARED},
        **{key: row.document[key] for key in _SUMMARY_KEYS},
    }


def _with_pairs(row: CubeEvaluation, kind: str) -> dict[str, Any] | None:
    if row.document[kind] is None:
        return None
    pairs = select(CubePair.document).where(CubePair.evaluation_id == row.evaluation_id, CubePair.kind == kind)
    return {**row.document[kind], "pairs": list(db.session.scalars(pairs.order_by(CubePair.position)))}
