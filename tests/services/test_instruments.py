"""The wording lock: what a campaign asks stays as it was when it opened, whoever tries to change it."""

from copy import deepcopy

import pytest
from sqlalchemy import select

from survey.errors import Conflict
from survey.extensions import db
from survey.instruments.questionnaires import ready_questionnaires
from survey.models.campaigns import Evaluation
from survey.models.instruments import QuestionnaireVersion
from survey.services.campaigns import rebuild_campaign
from survey.services.instruments import load_ready_questionnaires, new_version


@pytest.fixture
def used(campaign: int) -> QuestionnaireVersion:
    """The pupils' questionnaire of an open campaign."""
    query = select(Evaluation.questionnaire_id).where(Evaluation.relation == "student_teacher")
    return db.session.get_one(QuestionnaireVersion, db.session.scalars(query).one())


def test_the_wording_of_an_open_campaign_cannot_be_changed(used: QuestionnaireVersion) -> None:
    document = deepcopy(used.document)
    document["questionnaire"]["title"]["zh"] = "请给老师打满分"
    used.document = document
    with pytest.raises(Conflict):
        db.session.flush()
    db.session.rollback()
    assert "满分" not in str(used.document)


@pytest.mark.parametrize("change", [{"frozen": False}, {"code": "own"}, {"version": 99}])
def test_neither_can_the_lock_itself(used: QuestionnaireVersion, change: dict[str, object]) -> None:
    for name, value in change.items():
        setattr(used, name, value)
    with pytest.raises(Conflict):
        db.session.flush()


def test_a_questionnaire_nobody_uses_yet_may_be_frozen_by_an_opening(app: object) -> None:
    row = db.session.scalars(select(QuestionnaireVersion)).first()
    assert row is not None
    row.frozen = True
    db.session.flush()


def test_a_new_version_leaves_the_open_campaign_as_it_is(used: QuestionnaireVersion, campaign: int) -> None:
    before, code = deepcopy(used.document), used.code
    newer = new_version(next(q for q in ready_questionnaires() if q.code == code))
    newer.version += 1
    db.session.add(newer)
    assert load_ready_questionnaires(db.session()) == 0
    db.session.commit()
    assert db.session.get_one(QuestionnaireVersion, used.id).document == before
    query = select(Evaluation.questionnaire_id).where(Evaluation.relation == "student_teacher")
    assert db.session.scalars(query).one() == used.id
    with pytest.raises(Conflict):
        rebuild_campaign(campaign, actor="test")
