"""Questionnaires (测评表): loading the ready ones, and handing out the frozen value of a version."""

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from survey.errors import Conflict, NotFound
from survey.extensions import db
from survey.instruments.questionnaires import (
    Questionnaire,
    questionnaire_from_json,
    questionnaire_to_json,
    ready_questionnaires,
)
from survey.models.instruments import QuestionnaireVersion


def load_ready_questionnaires(session: Session) -> int:
    """Insert the shipped questionnaires that are not there yet; return how many. A version is never overwritten."""
    known = {
        (code, version)
        for code, version in session.execute(select(QuestionnaireVersion.code, QuestionnaireVersion.version))
    }
    new = [q for q in ready_questionnaires() if (q.code, q.version) not in known]
    session.add_all(new_version(questionnaire) for questionnaire in new)
    session.flush()
    return len(new)


@event.listens_for(QuestionnaireVersion, "before_update")
def _keep_wording(_mapper: object, _connection: object, version: QuestionnaireVersion) -> None:
    """Refuse to change what a campaign asks once it has opened: nobody words a question anew while others answer it."""
    state = inspect(version).attrs
    was_frozen = version.frozen if not state.frozen.history.deleted else bool(state.frozen.history.deleted[0])
    changed = any(state[name].history.has_changes() for name in ("code", "version", "document", "frozen"))
    if was_frozen and changed:
        raise Conflict(_("The questionnaire is in use: its wording cannot be changed. Make a new version."))


def new_version(questionnaire: Questionnaire) -> QuestionnaireVersion:
    """Return the row of a questionnaire, not yet added to a session."""
    return QuestionnaireVersion(
        code=questionnaire.code,
        version=questionnaire.version,
        relation=questionnaire.relation,
        document=questionnaire_to_json(questionnaire),
    )


def newest_version(session: Session, code: str) -> QuestionnaireVersion | None:
    """Return the newest loaded version of a questionnaire, None if none is loaded."""
    query = select(QuestionnaireVersion).where(QuestionnaireVersion.code == code)
    return session.scalars(query.order_by(QuestionnaireVersion.version.desc())).first()


def find_questionnaire(questionnaire_id: int) -> Questionnaire:
    """Return a questionnaire; frozen ones come from this process's memory after the first time."""
    known: dict[int, Questionnaire] = current_app.extensions.setdefault("wuping.questionnaires", {})
    if questionnaire_id in known:
        return known[questionnaire_id]
    row = db.session.get(QuestionnaireVersion, questionnaire_id)
    if row is None:
        raise NotFound(f"no questionnaire {questionnaire_id}")
    questionnaire = questionnaire_from_json(row.document)
    if row.frozen:
        known[questionnaire_id] = questionnaire
    return questionnaire
