"""Reads of a rated person's own results (本人结果), of her replies, and of what she may be compared with."""

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.organisations import Teacher
from survey.models.results import CubeEvaluation, CubeTarget, CubeUnit
from survey.models.target_replies import TargetReply
from survey.queries import results
from survey.queries.cubes import RELEASED
from survey.queries.paging import find_place
from survey.queries.results import EvaluationHead, Record, Row

PERSONAL = ("student_teacher", "teacher_principal")
FEWEST_COLLEAGUES = 6
"""Rated persons of a unit from which its mean is shown to one of them; with fewer it would tell of colleagues."""
ROWS = 50


@dataclass(frozen=True, kw_only=True)
class OwnResult:
    """One evaluation of a person in a released campaign; shown: whether its figures are above the floor."""

    campaign_id: int
    campaign: str
    year: int
    relation: str
    shown: bool
    replied: bool


@dataclass(frozen=True, kw_only=True)
class Own:
    """What a person reads about herself; unit is None where its mean would tell of single colleagues."""

    head: EvaluationHead
    row: Row
    unit_name: str
    unit: Record | None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A version of a person's reply to her results; day is of Asia/Shanghai."""

    version: int
    text: str
    day: date


@dataclass(frozen=True, kw_only=True)
class RepliedTarget:
    """A target with the newest version of its reply, for the bureau."""

    relation: str
    code: str
    name: str
    unit: str
    reply: Reply


def _own(staff_code: str) -> Select[CubeTarget, CubeEvaluation, Campaign]:
    """Select what the cube says about the person who has this staff code in the roster, and had it then.

    A code that was given to somebody else since bears another name in the cube; then nothing is found.
    """
    return (
        select(CubeTarget, CubeEvaluation, Campaign)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == CubeTarget.evaluation_id)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .join(Teacher, (Teacher.code == CubeTarget.code) & (Teacher.name == CubeTarget.name))
        .where(CubeTarget.code == staff_code, CubeTarget.code != "", CubeEvaluation.relation.in_(PERSONAL))
        .where(Campaign.state.in_(RELEASED))
    )


def own_results(staff_code: str) -> list[OwnResult]:
    """Return the released evaluations of a person, newest first."""
    rows = db.session.execute(_own(staff_code).order_by(Campaign.year.desc(), Campaign.id.desc())).all()
    return [
        OwnResult(
            campaign_id=campaign.id,
            campaign=campaign.name,
            year=campaign.year,
            relation=head.relation,
            shown=target.score is not None,
            replied=reply_of(campaign.id, head.evaluation_id, target.code) is not None,
        )
        for target, head, campaign in rows
    ]


def find_own(staff_code: str, campaign_id: int, relation: str) -> Own:
    """Return one evaluation of a person; raise NotFound for what is not hers, not released or not there."""
    query = _own(staff_code).where(Campaign.id == campaign_id, CubeEvaluation.relation == relation)
    if db.session.execute(query).first() is None:
        raise NotFound(_("This page does not exist."))
    head = results.find_head(campaign_id, relation)
    row = results.find_target(head, staff_code)
    unit = db.session.get(CubeUnit, (head.id, row.unit))
    enough = unit is not None and unit.score is not None and int(unit.document["targets"]) >= FEWEST_COLLEAGUES
    return Own(head=head, row=row, unit_name=unit.name if unit else "", unit=unit.document if unit and enough else None)


def reply_of(campaign_id: int, evaluation_id: int, target: str) -> Reply | None:
    """Return what a rated person says to her released results, for the bureau and her report; None without a reply."""
    query = (
        select(TargetReply)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == TargetReply.evaluation_id)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .where(CubeEvaluation.campaign_id == campaign_id, Campaign.state.in_(RELEASED))
        .where(TargetReply.evaluation_id == evaluation_id, TargetReply.target_code == target)
        .order_by(TargetReply.version.desc())
        .limit(1)
    )
    row = db.session.scalars(query).first()
    return _reply(row) if row is not None and row.text else None


def reply_versions(evaluation_id: int, target: str) -> list[Reply]:
    """Return all versions of a reply, newest first."""
    query = select(TargetReply).where(TargetReply.evaluation_id == evaluation_id, TargetReply.target_code == target)
    return [_reply(row) for row in db.session.scalars(query.order_by(TargetReply.version.desc()))]


def _reply(row: TargetReply) -> Reply:
    return Reply(version=row.version, text=row.text, day=row.day)


def list_replies(campaign_id: int, *, page: int = 1) -> tuple[list[RepliedTarget], int, int]:
    """Return one page of a released campaign's replies by code, its number and how many pages there are."""
    newest = (
        select(TargetReply.evaluation_id, TargetReply.target_code, func.max(TargetReply.version).label("version"))
        .group_by(TargetReply.evaluation_id, TargetReply.target_code)
        .subquery()
    )
    query = (
        select(TargetReply, CubeTarget.name, CubeEvaluation.relation, CubeUnit.name.label("unit"))
        .join(
            newest,
            (newest.c.evaluation_id == TargetReply.evaluation_id)
            & (newest.c.target_code == TargetReply.target_code)
            & (newest.c.version == TargetReply.version),
        )
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == TargetReply.evaluation_id)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .join(
            CubeTarget,
            (CubeTarget.evaluation_id == TargetReply.evaluation_id) & (CubeTarget.code == TargetReply.target_code),
        )
        .outerjoin(CubeUnit, (CubeUnit.evaluation_id == CubeTarget.evaluation_id) & (CubeUnit.code == CubeTarget.unit))
        .where(CubeEvaluation.campaign_id == campaign_id, Campaign.state.in_(RELEASED), TargetReply.text != "")
    )
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    place = find_place(total, page=page, size=ROWS)
    order = query.order_by(CubeEvaluation.evaluation_id, TargetReply.target_code)
    rows = db.session.execute(order.limit(ROWS).offset(place.start))
    found = [
        RepliedTarget(relation=relation, code=row.target_code, name=name, unit=unit or "", reply=_reply(row))
        for row, name, relation, unit in rows
    ]
    return found, place.page, place.pages
