"""Reads of questionnaires (测评表): the list of loaded versions."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.instruments import QuestionnaireVersion


@dataclass(frozen=True, kw_only=True)
class QuestionnaireRow:
    """A version of a questionnaire; `title` holds both languages, `relation` may be ""."""

    id: int
    code: str
    version: int
    relation: str
    frozen: bool
    title: Mapping[str, str]
    items: int
    variants: int


def list_questionnaires() -> list[QuestionnaireRow]:
    """Return every loaded version, those of the five relations first."""
    query = select(QuestionnaireVersion).order_by(
        QuestionnaireVersion.relation == "", QuestionnaireVersion.code, QuestionnaireVersion.version.desc()
    )
    return [_row(version) for version in db.session.scalars(query)]


def find_row(questionnaire_id: int) -> QuestionnaireRow:
    """Return one version; raises NotFound."""
    version = db.session.get(QuestionnaireVersion, questionnaire_id)
    if version is None:
        raise NotFound(_("There is no such questionnaire."))
    return _row(version)


def _row(version: QuestionnaireVersion) -> QuestionnaireRow:
    document = version.document["questionnaire"]
    return QuestionnaireRow(
        id=version.id,
        code=version.code,
        version=version.version,
        relation=version.relation,
        frozen=version.frozen,
        title=document["title"],
        items=len(document["items"]),
        variants=len(document["variants"]),
    )
