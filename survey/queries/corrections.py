"""Reads of superseded versions (旧版): their list, one of them as it was, and their records for the next release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from survey.analysis.disclosure import Published
from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Evaluation
from survey.models.corrections import SupersededEvaluation, SupersededRelease, SupersededTarget, SupersededUnit

Named = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SupersededVersion:
    """A version that was taken back on `day`; note: its own public note, "" for the first version."""

    version: int
    note: str
    day: date


@dataclass(frozen=True, kw_only=True)
class SupersededRelation:
    """The figures of one evaluation in a superseded version; units and targets are (name, record)."""

    relation: str
    overall: Mapping[str, Any]
    units: Sequence[Named]
    targets: Sequence[Named]


def superseded_versions(campaign_id: int) -> list[SupersededVersion]:
    """Return the versions of a campaign's release that were taken back, newest first."""
    columns = (SupersededRelease.version, SupersededRelease.note, SupersededRelease.day)
    query = select(*columns).where(SupersededRelease.campaign_id == campaign_id)
    rows = db.session.execute(query.order_by(SupersededRelease.version.desc()))
    return [SupersededVersion(**row._mapping) for row in rows]


def superseded_release(campaign_id: int, version: int) -> tuple[SupersededVersion, list[str]]:
    """Return a superseded version and its relations; raises NotFound."""
    found = next((row for row in superseded_versions(campaign_id) if row.version == version), None)
    if found is None:
        raise NotFound(_("There are no released results here."))
    query = (
        select(SupersededEvaluation.relation)
        .join(Evaluation, Evaluation.id == SupersededEvaluation.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id, SupersededEvaluation.version == version)
        .order_by(SupersededEvaluation.evaluation_id)
    )
    return found, list(db.session.scalars(query))


def superseded_relation(campaign_id: int, version: int, relation: str, *, most: int) -> SupersededRelation:
    """Return the figures of one evaluation, of its first `most` targets; raises NotFound."""
    row = db.session.scalar(
        select(SupersededEvaluation)
        .join(Evaluation, Evaluation.id == SupersededEvaluation.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id, SupersededEvaluation.version == version)
        .where(SupersededEvaluation.relation == relation)
    )
    if row is None:
        raise NotFound(_("There are no released results here."))
    return SupersededRelation(
        relation=relation,
        overall=row.document["overall"],
        units=_records(SupersededUnit, row.evaluation_id, version),
        targets=_records(SupersededTarget, row.evaluation_id, version, most=most),
    )


def _records(
    model: type[SupersededUnit] | type[SupersededTarget], evaluation_id: int, version: int, *, most: int | None = None
) -> list[Named]:
    query = select(model.name, model.document).where(model.evaluation_id == evaluation_id, model.version == version)
    return [(row.name, row.document) for row in db.session.execute(query.order_by(model.position).limit(most))]


def published_versions(evaluation_id: int) -> list[Published]:
    """Return the records of every superseded version of an evaluation, oldest first, as an audit reads them."""
    rows = db.session.execute(
        select(SupersededEvaluation.version, SupersededEvaluation.document)
        .where(SupersededEvaluation.evaluation_id == evaluation_id)
        .order_by(SupersededEvaluation.version)
    ).all()
    return [
        Published(
            targets=[record for _name, record in _records(SupersededTarget, evaluation_id, row.version)],
            units=[record for _name, record in _records(SupersededUnit, evaluation_id, row.version)],
            overall=row.document["overall"],
            reliability=row.document["reliability"],
        )
        for row in rows
    ]
