"""Voiding and voting once more (作废重测): a class's ballots of an evaluation, or all of a school's, leave the count.

A unit is voided as a whole, never a single ballot, and nothing is read of what the ballots say. Its slips become
invalid with their marks; while the campaign is open as many new ones are made. Where a group votes by tokens (盲签票),
all its tokens become invalid, handed in or not, and while the campaign is open a new key signs new ones. Comments are
no votes: they are tied to no group and stay. Receipts are tied to nothing, so those of the unit stay in the list: the
page of receipts names the voided units.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Connection, bindparam, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from survey.database import is_sqlite, transaction
from survey.errors import BadInput, Conflict, NotFound, SurveyError
from survey.extensions import db
from survey.models.ballots import ballot, cast_mark, inbox, slip, voided_page
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup
from survey.models.organisations import School
from survey.models.voiding import Voiding
from survey.services import approvals, audit, mixing, tokens
from survey.services.ballots import pack_payload, today
from survey.services.slips import IssuedGroup, make_slips
from survey.services.tallies import forget_tallies

STATES = ("open", "closed", "tallied")
KINDS = ("slip", "token")
MOST_REASON = 200


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is voided: one group by its code, or (group "") every group of a school in a relation."""

    group: str = ""
    relation: str = ""
    school: str = ""

    def asked(self, reason: str) -> dict[str, str]:
        """Return what a second person confirms: the unit and the reason, word for word."""
        return {"group": self.group, "relation": self.relation, "school": self.school, "reason": reason.strip()}

    def __str__(self) -> str:
        """Return how the unit stands in the audit log."""
        return self.group or f"{self.relation} {self.school}"


@dataclass(frozen=True, kw_only=True)
class Voided:
    """What a voiding did: pages and slips out of the count, and the new slips (codes in the clear, here only)."""

    name: str
    pages: int
    slips: int
    issued: tuple[IssuedGroup, ...] = field(repr=False)


def void_unit(campaign_id: int, unit: Unit, *, reason: str, actor: str) -> Voided:
    """Void all pages and slips of a unit of a campaign that is not released; new slips are made while it is open.

    A campaign that was counted is closed again: its count no longer holds, and is to be made anew.

    In a campaign of two persons another account must have confirmed `unit.asked(reason)`. Raises BadInput (no reason),
    NotFound, Conflict (another state, slips not made, nobody confirmed). All or nothing.
    """
    check_reason(reason)
    with transaction() as session:
        campaign = _campaign(session, campaign_id, lock=True)
        approvals.spend(session, campaign_id, "void", actor=actor, detail=unit.asked(reason))
        done = void_groups(session, campaign, unit)
        issued = sum(len(group.codes) for group in done.issued)
        detail = {"reason": reason.strip(), "pages": done.pages, "slips": done.slips, "issued": issued}
        audit.record(session, actor=actor, action="unit.void", subject=f"{campaign_id}/{unit}"[:200], detail=detail)
    cover()
    return done


def cover() -> None:
    """Leave no trace of what moved, if it can be done now: the voiding stands, and its new codes exist only here.

    What fails is made good later. SQLite: the worker's next mix or check-point empties the log. PostgreSQL: a close
    rewrites these tables, as does the next voiding.
    """
    try:
        mixing.cover_voiding()
    except (SurveyError, SQLAlchemyError) as error:
        current_app.logger.warning("a voiding is covered later: %s", type(error).__name__)


def check_reason(reason: str) -> None:
    """Raise BadInput for a reason that is missing or too long."""
    if not 0 < len(reason.strip()) <= MOST_REASON:
        raise BadInput(_("A voiding needs a reason of at most %(most)s characters.", most=MOST_REASON))


def needs_paper(campaign_id: int, unit: Unit) -> bool:
    """Tell whether a unit that is voided now gets new slips: while the campaign is open, unless it votes by tokens."""
    state = db.session.scalar(select(Campaign.state).where(Campaign.id == campaign_id))
    groups = _groups(db.session(), campaign_id, unit) if state == "open" else []
    return any(group.kind == "slip" for group, _relation in groups)


def name_unit(campaign_id: int, unit: Unit, *, correcting: bool = False) -> str:
    """Return the name of a unit that may be voided now, or by a correction; raises NotFound, Conflict."""
    session = db.session()
    if not correcting:
        _campaign(session, campaign_id, lock=False)
    return _name(session, unit, _groups(session, campaign_id, unit))


def void_groups(session: Session, campaign: Campaign, unit: Unit) -> Voided:
    """Void a unit inside the caller's transaction, which answers for the state and the two persons."""
    groups = _groups(session, campaign.id, unit)
    connection = session.connection()
    if not is_sqlite():
        # A mix under way ends first: else its new ballots would be overlooked. Casts wait for the campaign's row.
        connection.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
    pages = _set_aside(connection, [group.id for group, _relation in groups])
    again = campaign.state == "open"
    voided = {group.id: _void_rights(session, group, again=again) for group, _relation in groups}
    if campaign.state == "tallied":
        forget_tallies(session, campaign.id)
        campaign.state = "closed"
    paper = [(group, relation) for group, relation in groups if again and group.kind == "slip"]
    issued = [make_slips(session, group, relation, voided[group.id]) for group, relation in paper]
    name, slips = _name(session, unit, groups), sum(voided.values())
    row = Voiding(
        campaign_id=campaign.id,
        relation=groups[0][1],
        school_code=groups[0][0].school_code,
        group_code=unit.group,
        name=name,
        day=today(),
        pages=pages,
        slips=slips,
        again=again,
    )
    session.add(row)
    return Voided(name=name, pages=pages, slips=slips, issued=tuple(issued))


def _campaign(session: Session, campaign_id: int, *, lock: bool) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=lock)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state not in STATES:
        raise Conflict(
            _(
                "Units are voided after the opening and before the release; this campaign is: %(state)s.",
                state=campaign.state,
            )
        )
    return campaign


def _groups(session: Session, campaign_id: int, unit: Unit) -> list[tuple[RaterGroup, str]]:
    query = (
        select(RaterGroup, Evaluation.relation)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id, RaterGroup.kind.in_(KINDS))
        .order_by(RaterGroup.id)
    )
    if unit.group:
        query = query.where(RaterGroup.code == unit.group)
    else:
        query = query.where(Evaluation.relation == unit.relation, RaterGroup.school_code == unit.school)
    found = [(group, relation) for group, relation in session.execute(query)]
    if not found or not (unit.group or unit.school):
        raise NotFound(_("Campaign %(id)s has no unit %(unit)s.", id=campaign_id, unit=unit))
    made = session.scalar(select(Campaign.slips_made).where(Campaign.id == campaign_id))
    if not made and any(group.kind == "slip" for group, _relation in found):
        raise Conflict(_("The slips of this campaign have not been made yet."))
    return found


def _name(session: Session, unit: Unit, groups: Sequence[tuple[RaterGroup, str]]) -> str:
    if unit.group:
        return groups[0][0].name
    return session.scalar(select(School.name).where(School.code == unit.school)) or unit.school


def _set_aside(connection: Connection, groups: list[int]) -> int:
    """Move every page of these groups out of the count, under new random keys in key order; return how many."""
    _mix_plain(connection, groups)
    mixed = connection.execute(
        select(ballot.c.group_id, ballot.c.target_id, ballot.c.answers).where(ballot.c.group_id.in_(groups))
    ).all()
    # What still waits lies in a sealed box: it is set aside as it is, and will never be opened.
    sealed = connection.execute(select(inbox).where(inbox.c.group_id.in_(groups))).all()
    rows = [_row(page.group_id, page.target_id, pack_payload(bytes(page.answers))) for page in mixed]
    rows += [_row(page.group_id, page.target_id, bytes(page.payload)) for page in sealed]
    if not rows:
        return 0
    connection.execute(insert(voided_page), sorted(rows, key=lambda row: row["id"]))
    connection.execute(delete(ballot).where(ballot.c.group_id.in_(groups)))
    connection.execute(delete(inbox).where(inbox.c.group_id.in_(groups)))
    _count(connection, mixed, sealed)
    return len(rows)


def _mix_plain(connection: Connection, groups: list[int]) -> None:
    """Turn what waits into ballots first, as a close does, so that comments part from answers."""
    waiting = (
        select(inbox, RaterGroup.evaluation_id)
        .join(RaterGroup, RaterGroup.id == inbox.c.group_id)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .where(inbox.c.group_id.in_(groups), ~Campaign.sealed)
    )
    mixing.move_pages(connection, connection.execute(waiting).all())


def _row(group_id: int, target_id: int, payload: bytes) -> dict[str, Any]:
    return {"id": secrets.token_bytes(16), "group_id": group_id, "target_id": target_id, "payload": payload}


def _count(connection: Connection, mixed: Sequence[Any], sealed: Sequence[Any]) -> None:
    change = (
        update(GroupCount)
        .where(GroupCount.group_id == bindparam("group"), GroupCount.target_id == bindparam("about"))
        .values(
            voided=GroupCount.voided + bindparam("number"),
            mixed=GroupCount.mixed - bindparam("taken"),
        )
    )
    taken = Counter((page.group_id, page.target_id) for page in mixed)
    number = taken + Counter((page.group_id, page.target_id) for page in sealed)
    connection.execute(
        change, [{"group": g, "about": t, "number": n, "taken": taken[(g, t)]} for (g, t), n in sorted(number.items())]
    )


def _void_rights(session: Session, group: RaterGroup, *, again: bool) -> int:
    """Make all rights to vote of a group invalid, begun ones too, and forget their marks; return how many."""
    voided = _void_slips(session.connection(), group.id)
    if group.kind == "token":
        # Handed-in tokens and paper in their place are slips too; counted are the rights that were taken.
        voided = tokens.void_rights(session, group.id, again=again)
    change = update(RaterGroup).where(RaterGroup.id == group.id)
    session.execute(change.values(voided=RaterGroup.voided + voided))
    session.execute(update(GroupCount).where(GroupCount.group_id == group.id).values(begun=0))
    return voided


def _void_slips(connection: Connection, group_id: int) -> int:
    valid = (slip.c.group_id == group_id) & ~slip.c.voided
    connection.execute(delete(cast_mark).where(cast_mark.c.hmac.in_(select(slip.c.hmac).where(valid))))
    return connection.execute(update(slip).where(valid).values(voided=True)).rowcount
