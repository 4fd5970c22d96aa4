"""Reads of campaigns: the list, one campaign, its evaluations, groups and the targets left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, Subquery, case, func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, RaterGroup, Target
from survey.models.instruments import QuestionnaireVersion
from survey.models.organisations import School


@dataclass(frozen=True, kw_only=True)
class CampaignRow:
    """A campaign as the desk lists it; days are of Asia/Shanghai."""

    id: int
    name: str
    year: int
    state: str
    first_day: date
    last_day: date
    slips_made: bool
    template: str
    sealed: bool
    two_person: bool
    anonymity: str


@dataclass(frozen=True, kw_only=True)
class EvaluationRow:
    """One relation of a campaign. expected: head-counts of its groups with slips or tokens; slips: of those
    with slips alone; issued: slips made and tokens signed, also voided ones.

    scheme: the frozen scheme as it is stored.
    """

    id: int
    relation: str
    questionnaire_id: int
    version: int
    title: Mapping[str, str]
    scheme: Mapping[str, Any]
    groups: int
    expected: int
    slips: int
    issued: int
    targets: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """A rater group with its slip counters; `kind` is slip, token or open."""

    id: int
    relation: str
    code: str
    name: str
    kind: str
    school_code: str
    enrolled: int
    issued: int
    voided: int


@dataclass(frozen=True, kw_only=True)
class LeftOutTarget:
    """A target that takes no part; `unit_name` is its school, if it has one."""

    relation: str
    code: str
    name: str
    unit_name: str


_COLUMNS = select(
    Campaign.id,
    Campaign.name,
    Campaign.year,
    Campaign.state,
    Campaign.first_day,
    Campaign.last_day,
    Campaign.slips_made,
    Campaign.template,
    Campaign.sealed,
    Campaign.two_person,
    Campaign.anonymity,
)


def list_campaigns() -> list[CampaignRow]:
    """Return every campaign, newest year first."""
    return _campaigns(_COLUMNS)


def current_campaigns() -> list[CampaignRow]:
    """Return the campaigns that still need somebody: all before the release."""
    return _campaigns(_COLUMNS.where(Campaign.state.not_in(("released", "archived"))))


def _campaigns(query: Select[int, str, int, str, date, date, bool, str, bool, bool, str]) -> list[CampaignRow]:
    rows = db.session.execute(query.order_by(Campaign.year.desc(), Campaign.id.desc()))
    return [CampaignRow(**row._mapping) for row in rows]


def find_campaign(campaign_id: int) -> CampaignRow:
    """Return a campaign; raises NotFound."""
    row = db.session.execute(_COLUMNS.where(Campaign.id == campaign_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    return CampaignRow(**row._mapping)


def evaluation_rows(campaign_id: int) -> list[EvaluationRow]:
    """Return the evaluations of a campaign with their totals, in one query."""
    groups = _group_totals()
    targets = _target_totals()
    rows = db.session.execute(
        select(
            Evaluation.id,
            Evaluation.relation,
            QuestionnaireVersion.id.label("questionnaire_id"),
            QuestionnaireVersion.version,
            QuestionnaireVersion.document,
            Evaluation.scheme,
            func.coalesce(groups.c.groups, 0).label("groups"),
            func.coalesce(groups.c.expected, 0).label("expected"),
            func.coalesce(groups.c.slips, 0).label("slips"),
            func.coalesce(groups.c.issued, 0).label("issued"),
            func.coalesce(targets.c.targets, 0).label("targets"),
            func.coalesce(targets.c.left_out, 0).label("left_out"),
        )
        .join(QuestionnaireVersion, QuestionnaireVersion.id == Evaluation.questionnaire_id)
        .outerjoin(groups, groups.c.evaluation_id == Evaluation.id)
        .outerjoin(targets, targets.c.evaluation_id == Evaluation.id)
        .where(Evaluation.campaign_id == campaign_id)
        .order_by(Evaluation.id)
    )
    return [_evaluation(dict(row._mapping)) for row in rows]


def _evaluation(values: dict[str, Any]) -> EvaluationRow:
    document = values.pop("document")
    return EvaluationRow(title=document["questionnaire"]["title"], **values)


def _group_totals() -> Subquery:
    return (
        select(
            RaterGroup.evaluation_id,
            func.count().label("groups"),
            func.sum(case((RaterGroup.kind.in_(("slip", "token")), RaterGroup.enrolled), else_=0)).label("expected"),
            func.sum(case((RaterGroup.kind == "slip", RaterGroup.enrolled), else_=0)).label("slips"),
            func.sum(RaterGroup.issued).label("issued"),
        )
        .group_by(RaterGroup.evaluation_id)
        .subquery()
    )


def _target_totals() -> Subquery:
    return (
        select(
            Target.evaluation_id,
            func.sum(case((Target.left_out.is_(None), 1), else_=0)).label("targets"),
            func.sum(case((Target.left_out.is_not(None), 1), else_=0)).label("left_out"),
        )
        .group_by(Target.evaluation_id)
        .subquery()
    )


def group_rows(campaign_id: int, *, school_code: str | None = None, group_id: int | None = None) -> list[GroupRow]:
    """Return the rater groups of a campaign by relation and code; `school_code` "" means those of no school."""
    query = (
        select(
            RaterGroup.id,
            Evaluation.relation,
            RaterGroup.code,
            RaterGroup.name,
            RaterGroup.kind,
            RaterGroup.school_code,
            RaterGroup.enrolled,
            RaterGroup.issued,
            RaterGroup.voided,
        )
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id)
        .order_by(Evaluation.id, RaterGroup.id)
    )
    if school_code is not None:
        query = query.where(RaterGroup.school_code == school_code)
    if group_id is not None:
        query = query.where(RaterGroup.id == group_id)
    return [GroupRow(**row._mapping) for row in db.session.execute(query)]


def group_schools(campaign_id: int) -> list[tuple[str, str]]:
    """Return code and name of every school that has a group in the campaign; ("", "") for groups of no school."""
    rows = db.session.execute(
        select(RaterGroup.school_code, func.coalesce(School.name, RaterGroup.school_code))
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .outerjoin(School, School.code == RaterGroup.school_code)
        .where(Evaluation.campaign_id == campaign_id)
        .distinct()
        .order_by(RaterGroup.school_code)
    )
    return [(code, name) for code, name in rows]


def left_out_targets(campaign_id: int) -> list[LeftOutTarget]:
    """Return the targets that too few can rate, by relation and code."""
    rows = db.session.execute(
        select(
            Evaluation.relation,
            Target.code,
            Target.name,
            func.coalesce(School.name, Target.unit_name).label("unit_name"),
        )
        .join(Evaluation, Evaluation.id == Target.evaluation_id)
        .outerjoin(School, School.code == Target.school_code)
        .where(Evaluation.campaign_id == campaign_id, Target.left_out.is_not(None))
        .order_by(Evaluation.id, Target.code)
    )
    return [LeftOutTarget(**row._mapping) for row in rows]


def find_group(campaign_id: int, group_id: int) -> GroupRow:
    """Return one slip group of a campaign; raises NotFound."""
    found = next((g for g in group_rows(campaign_id, group_id=group_id) if g.kind == "slip"), None)
    if found is None:
        raise NotFound(_("This page does not exist."))
    return found
