"""Deleting a campaign, or only what respondents left in it (删除), for good: after its time, by two persons.

`ballots` deletes everything a respondent left or that was counted below the floors of the release: slips, marks,
ballots, comments as they were written, receipts, tokens, tallies. The released figures, the counters and the campaign
stay. `campaign` deletes every row that belongs to the campaign. What always stays: the audit log, and one row with
name, year, day and the last balance.

Which rows belong to a campaign is read from the schema: foreign keys up to `campaign`; where there are none, by the
columns `group_id`, `evaluation_id` or `campaign_id`. So a new table is deleted from without a word here; a test names
the tables that stay.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Table, delete, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from survey.database import is_sqlite, touched, transaction
from survey.errors import BadInput, Conflict, NotFound, SurveyError
from survey.extensions import Base, db
from survey.models.ballots import cast_mark, comment, slip
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.comments import CommentReview, comment_mark, comment_member
from survey.models.deletions import Deletion
from survey.queries.deletions import BALLOTS, CAMPAIGN
from survey.services import approvals, audit, mixing
from survey.services.balance import balance_of
from survey.services.ballots import today

# What may be deleted in which state: nothing between the opening and the archive, where a vote or a result would go.
ALLOWED = {"draft": (CAMPAIGN,), "ready": (CAMPAIGN,), "archived": (BALLOTS, CAMPAIGN)}
MOST_REASON = 200
OF_RESPONDENTS = (
    *("cast_mark", "comment_member", "slip", "inbox", "ballot", "comment", "receipt", "voided_page"),
    *("token_issue", "token_key", "voided_token_key", "tally", "tally_scale", "tally_paired"),
    "school_item_count",
)
# Tables with a column of these names that are about a campaign, but no part of it.
_STAYING = ("deletion",)


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What was deleted: rows by table, without tables that held none."""

    name: str
    rows: dict[str, int]


def delete_campaign(campaign_id: int, *, what: str, name: str, reason: str, actor: str) -> Deleted:
    """Delete a campaign (`what` "campaign"), or its ballots and counts ("ballots"); it cannot be undone.

    name: the campaign's, typed in full. Raises NotFound, BadInput (name or reason), Conflict (state, an inexact
    balance, deleted before), NeedsSecond where no second person confirmed `asked_for`. All or nothing.
    """
    check_request(campaign_id, what=what, name=name, reason=reason)
    with transaction() as session:
        campaign = _find(session, campaign_id, what, lock=True)
        approvals.spend(session, campaign_id, "delete", actor=actor, detail=asked_for(what, reason))
        left = _remains(campaign, what, actor)
        rows = _delete(session, campaign_id, what)
        session.add(left)
        detail = {"what": what, "name": left.name, "reason": reason.strip(), "rows": sum(rows.values())}
        audit.record(session, actor=actor, action="campaign.delete", subject=f"campaign {campaign_id}", detail=detail)
        done = Deleted(name=left.name, rows=rows)
    _cover(sorted(done.rows))
    return done


def asked_for(what: str, reason: str) -> dict[str, str]:
    """Return what a second person confirms, word for word."""
    return {"what": what, "reason": reason.strip()}


def check_request(campaign_id: int, *, what: str, name: str, reason: str) -> None:
    """Raise what stands in the way of a deletion: NotFound, Conflict, BadInput."""
    campaign = _find(db.session(), campaign_id, what)
    if " ".join(name.split()) != " ".join(campaign.name.split()):
        raise BadInput(_("The name does not match. Type the campaign's name exactly: %(name)s", name=campaign.name))
    if not 0 < len(reason.strip()) <= MOST_REASON:
        raise BadInput(_("A deletion needs a reason of at most %(most)s characters.", most=MOST_REASON))


def deletable(state: str) -> tuple[str, ...]:
    """Return what may be deleted of a campaign in a state."""
    return ALLOWED.get(state, ())


def _find(session: Session, campaign_id: int, what: str, *, lock: bool = False) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=lock, populate_existing=lock)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if what not in (BALLOTS, CAMPAIGN):
        raise BadInput(_("There is nothing called %(what)s to delete.", what=what))
    if what not in deletable(campaign.state):
        raise Conflict(
            _(
                "A campaign is deleted before its opening or once it is archived, its ballots once it is archived; "
                "this one is: %(state)s.",
                state=campaign.state,
            )
        )
    gone = select(Deletion.id).where(Deletion.campaign_id == campaign_id, Deletion.what == BALLOTS)
    if what == BALLOTS and session.scalar(gone.limit(1)) is not None:
        raise Conflict(_("The ballots of this campaign were deleted before."))
    return campaign


def _remains(campaign: Campaign, what: str, actor: str) -> Deletion:
    """Return the row that stays; raise Conflict while the balance is not exact, for afterwards nobody can look."""
    balance = balance_of(campaign.id)
    if balance.faults:
        raise Conflict(_("The balance of this campaign is not exact: %(faults)s", faults="; ".join(balance.faults)))
    return Deletion(
        campaign_id=campaign.id,
        name=campaign.name,
        year=campaign.year,
        what=what,
        day=today(),
        actor=actor,
        balance={**asdict(balance), "faults": []},
    )


def _delete(session: Session, campaign_id: int, what: str) -> dict[str, int]:
    """Delete the rows, those that point at others first; return how many by table."""
    rows = {}
    for table in _in_order():
        belongs = _belongs(table, campaign_id)
        if belongs is not None and what == BALLOTS:
            belongs = _of_respondents(table, belongs)
        if belongs is None:
            continue
        number = touched(session, delete(table).where(belongs))
        if number:
            rows[table.name] = number
    session.expire_all()
    return rows


def _of_respondents(table: Table, belongs: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """Narrow to rows of respondents; None for other tables. Of comments stays what two persons cleared for reading."""
    if table.name in OF_RESPONDENTS:
        return belongs
    kept = (CommentReview.state == "settled") & CommentReview.audience.not_in(("", "none"))
    if table is CommentReview.__table__:
        return belongs & ~kept
    if table is comment_mark:
        return belongs & table.c.review_id.in_(select(CommentReview.id).where(~kept))
    return None


def _in_order() -> list[Table]:
    """Return all tables, each before those by which its own rows are found."""
    tables = list(reversed(Base.metadata.sorted_tables))
    untied = [table for table in tables if not table.foreign_keys and table.name != "campaign"]
    first = [cast_mark, comment_member]
    return first + [table for table in untied if table not in first] + [t for t in tables if t not in untied]


def _belongs(table: Table, campaign_id: int) -> ColumnElement[bool] | None:
    """Return the condition for the rows of a campaign; None for a table that holds nothing of any."""
    if table.name in _STAYING:
        return None
    if table.name == "campaign":
        return table.c.id == campaign_id
    for key in sorted(table.foreign_keys, key=lambda key: str(key.parent.name)):
        parent = _belongs(key.column.table, campaign_id)
        if parent is not None:
            return key.parent.in_(select(key.column).where(parent))
    return _without_key(table, campaign_id)


def _without_key(table: Table, campaign_id: int) -> ColumnElement[bool] | None:
    evaluations = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id)
    groups = select(RaterGroup.id).where(RaterGroup.evaluation_id.in_(evaluations))
    if table is cast_mark:
        return table.c.hmac.in_(select(slip.c.hmac).where(slip.c.group_id.in_(groups)))
    if table is comment_member:
        return table.c.comment_id.in_(select(comment.c.id).where(comment.c.evaluation_id.in_(evaluations)))
    if "group_id" in table.c:
        return table.c.group_id.in_(groups)
    if "evaluation_id" in table.c:
        return table.c.evaluation_id.in_(evaluations)
    return table.c.campaign_id == campaign_id if "campaign_id" in table.c else None


def _cover(tables: Sequence[str]) -> None:
    """Leave no bytes of the rows in the database's own files, if it can be done now; else the next close does it.

    SQLite overwrites what it deletes and the file is rebuilt. PostgreSQL writes the tables anew; its log, and what the
    file system freed, is beyond this program, as are backups.
    """
    try:
        mixing.cover_tracks()
        if not is_sqlite():
            _rewrite(tables)
    except (SurveyError, SQLAlchemyError) as error:
        current_app.logger.warning("a deletion is covered later: %s", type(error).__name__)


def _rewrite(tables: Sequence[str]) -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        for table in tables:
            connection.execute(text(f'VACUUM FULL "{table}"'))
        connection.execute(text("RESET lock_timeout"))
