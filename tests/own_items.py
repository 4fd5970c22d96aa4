"""Own items of schools for tests: proposed, approved, answered."""

from sqlalchemy import select

from survey.extensions import db
from survey.instruments.questionnaires import Questionnaire
from survey.models.campaigns import Evaluation, RaterGroup
from survey.queries.school_items import list_items
from survey.services import school_items
from survey.services.ballots import Electorate, find_electorate
from survey.services.instruments import find_questionnaire

WORDING = "您对学校的课后服务是否满意"
SECOND = "您对学校的校车安排是否满意"
GROUP = "P-101-三年级1班"


def propose(campaign: int, *, school: str = "101", zh: str = WORDING, en: str = "") -> int:
    return school_items.propose(campaign, school, zh=zh, en=en, actor="school")


def approve_all(campaign: int, *, only: int = 0) -> None:
    for row in list_items(campaign):
        if row.state == "proposed" and only in (0, row.id):
            school_items.decide(campaign, row.id, approve=True, reason="", seen=row.zh, actor="officer")


def _parents(campaign: int) -> Evaluation:
    query = select(Evaluation).where(Evaluation.campaign_id == campaign, Evaluation.relation == "parent_school")
    return db.session.scalars(query).one()


def questionnaire(campaign: int) -> Questionnaire:
    return find_questionnaire(_parents(campaign).questionnaire_id)


def electorate_of(campaign: int, group: str = GROUP) -> Electorate:
    query = select(RaterGroup.id).where(RaterGroup.evaluation_id == _parents(campaign).id, RaterGroup.code == group)
    number = db.session.scalars(query).one()
    db.session.rollback()
    return find_electorate(number)
