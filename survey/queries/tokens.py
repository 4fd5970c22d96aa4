"""Reads of blind-signed tokens (盲签票): what a person may fetch, the public keys, who waits for paper."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, exists, func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.organisations import Teacher
from survey.models.tokens import TokenKey, token_issue
from survey.queries.paging import find_place

# From `ready` on: whoever fetches before the first day has no vote near the time of fetching.
FETCHING = ("ready", "open")
TOKEN, PAPER_WANTED, PAPER_MADE = 0, 1, 2
PAGE = 200


@dataclass(frozen=True, kw_only=True)
class Right:
    """A person's right to vote in one evaluation; taken: None, or how it was taken (`TOKEN`, `PAPER_…`).

    again: an earlier right was voided, so that the person may fetch a new token.
    """

    evaluation_id: int
    group_id: int
    group: str
    campaign_id: int
    campaign: str
    relation: str
    last_day: date
    taken: int | None
    again: bool


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """The public half of an electorate's key; `key` is DER in base64, `fingerprint` what people compare."""

    group_id: int
    group: str
    key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class KeyList:
    """One page of a campaign's keys; `page` and `pages` count from 1."""

    campaign_id: int
    campaign: str
    keys: Sequence[PublicKey]
    page: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class TokenGroup:
    """An electorate at the desk: expected, rights taken, and who waits for a paper slip (staff code, name)."""

    id: int
    code: str
    name: str
    fingerprint: str
    enrolled: int
    issued: int
    waiting: tuple[tuple[str, str], ...]


def rights_of(staff_code: str | None, *, principal: str, relations: Mapping[bool, str]) -> list[Right]:
    """Return what a person of the roster may vote on by token now, in one query.

    principal: the position of a principal. relations: the relation of principals (True) and of other staff (False).
    """
    person = db.session.get(Teacher, staff_code) if staff_code else None
    if person is None or person.left:
        return []
    leads = person.position == principal
    query = _rights(person.code).where(Evaluation.relation == relations[leads])
    if not leads:
        query = query.where(RaterGroup.school_code == person.school_code)
    return [Right(**row._mapping) for row in db.session.execute(query)]


def _rights(staff_code: str) -> Select[Any]:
    mine = (token_issue.c.evaluation_id == Evaluation.id) & (token_issue.c.staff_code == staff_code)
    voided = exists().where(mine, token_issue.c.voided > 0).correlate(Evaluation)
    mine &= token_issue.c.voided == 0
    return (
        select(
            Evaluation.id.label("evaluation_id"),
            RaterGroup.id.label("group_id"),
            RaterGroup.name.label("group"),
            Campaign.id.label("campaign_id"),
            Campaign.name.label("campaign"),
            Evaluation.relation,
            Campaign.last_day,
            token_issue.c.paper.label("taken"),
            voided.label("again"),
        )
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .outerjoin(token_issue, mine)
        .where(RaterGroup.kind == "token", Campaign.state.in_(FETCHING))
        .order_by(Campaign.id, Evaluation.id, RaterGroup.id)
    )


_KEYS = (
    select(TokenKey.group_id, RaterGroup.name, TokenKey.public_key, TokenKey.fingerprint)
    .join(RaterGroup, RaterGroup.id == TokenKey.group_id)
    .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
)


def find_key(group_id: int) -> PublicKey:
    """Return an electorate's public key; raises NotFound."""
    row = db.session.execute(_KEYS.where(TokenKey.group_id == group_id)).one_or_none()
    if row is None:
        raise NotFound(_("This page does not exist."))
    return _key(row)


def key_list(campaign_id: int, *, page: int) -> KeyList:
    """Return a page of a campaign's public keys, by electorate; raises NotFound when it has none."""
    campaign = db.session.get(Campaign, campaign_id)
    query = _KEYS.where(Evaluation.campaign_id == campaign_id)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if campaign is None or not total:
        raise NotFound(_("This page does not exist."))
    place = find_place(total, page=page, size=PAGE)
    rows = db.session.execute(query.order_by(TokenKey.group_id).offset(place.start).limit(PAGE))
    keys = [_key(row) for row in rows]
    return KeyList(campaign_id=campaign_id, campaign=campaign.name, keys=keys, page=place.page, pages=place.pages)


def _key(row: Any) -> PublicKey:
    key = base64.b64encode(row.public_key).decode()
    return PublicKey(group_id=row.group_id, group=row.name, key=key, fingerprint=row.fingerprint)


def token_groups(campaign_id: int) -> list[TokenGroup]:
    """Return the electorates of a campaign that vote by token, with those who wait for paper, in two queries."""
    waiting: dict[int, list[tuple[str, str]]] = {}
    for group_id, code, name in db.session.execute(_waiting(campaign_id)):
        waiting.setdefault(group_id, []).append((code, name or ""))
    rows = db.session.execute(
        select(RaterGroup, func.coalesce(TokenKey.fingerprint, "").label("fingerprint"))
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .outerjoin(TokenKey, TokenKey.group_id == RaterGroup.id)
        .where(Evaluation.campaign_id == campaign_id, RaterGroup.kind == "token")
        .order_by(Evaluation.id, RaterGroup.id)
    )
    return [
        TokenGroup(
            id=group.id,
            code=group.code,
            name=group.name,
            fingerprint=fingerprint,
            enrolled=group.enrolled,
            issued=group.issued,
            waiting=tuple(waiting.get(group.id, ())),
        )
        for group, fingerprint in rows
    ]


def waiting_for_paper(campaign_id: int) -> int:
    """Return how many persons asked for a paper slip that is not printed yet."""
    return db.session.scalar(select(func.count()).select_from(_waiting(campaign_id).order_by(None).subquery())) or 0


def _waiting(campaign_id: int) -> Select[Any]:
    return (
        select(token_issue.c.group_id, token_issue.c.staff_code, Teacher.name)
        .join(Evaluation, Evaluation.id == token_issue.c.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .outerjoin(Teacher, Teacher.code == token_issue.c.staff_code)
        # From the close on nobody is printed for, and nobody knows any more who had asked.
        .where(Campaign.id == campaign_id, Campaign.state.in_(FETCHING))
        .where(token_issue.c.paper == PAPER_WANTED, token_issue.c.voided == 0)
        .order_by(token_issue.c.staff_code)
    )


def staff_code_of(account_id: int) -> str | None:
    """Return the staff code (工号) that an account is bound to."""
    return db.session.scalar(select(Account.staff_code).where(Account.id == account_id))
