"""Review of comments by two persons: one masks and decides who may read, another confirms; then the original goes.

Who takes a comment is the only one to see it as it was written, until it is given on; the second person sees it once
more beside the wording. With the confirmation the written words are overwritten (SECRECY §4.7): what names a person is
kept nowhere but in earlier backups. The audit log holds the decision and the random key, never a text.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from survey.analysis.comment_pools import NOWHERE
from survey.database import transaction
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.ballots import comment
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.comments import CommentReview, CommentTheme, comment_mark, comment_member
from survey.services import audit
from survey.services.comment_masks import Piece, apply_masks, forbidden_parts, pieces, suggest_masks
from survey.services.comment_preparation import school_names

WAITING, TAKEN, REVIEWED, CHECKING, SETTLED = "waiting", "taken", "reviewed", "checking", "settled"
# From the smallest circle to the largest; each includes the ones before it.
BUREAU, SCHOOL, PERSON, PUBLIC = "bureau", "school", "person", "public"
AUDIENCES = (BUREAU, SCHOOL, PERSON, PUBLIC)
REJECTED = "none"
REASONS = ("nothing", "offensive", "identifies", "unrelated", "passed_on")
OPEN_STATES = ("tallied", "released")
MOST_TEXT = 1000
# Relations with a school behind the target, and those in which a person is rated.
OF_SCHOOLS = frozenset({"student_teacher", "teacher_principal", "parent_school"})
OF_PERSONS = frozenset({"student_teacher", "teacher_principal"})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the first person decides; audience "none" rejects for `reason`. themes: ids of labels."""

    text: str
    audience: str
    reason: str = ""
    themes: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """Words of a group as they were written, `times` times, cut at what might name somebody; key finds them again."""

    key: str
    pieces: tuple[Piece, ...]
    times: int


def audiences_for(relation: str) -> tuple[str, ...]:
    """Return who could ever read comments of a relation."""
    left_out = {SCHOOL} - ({SCHOOL} if relation in OF_SCHOOLS else set())
    left_out |= set() if relation in OF_PERSONS else {PERSON}
    return tuple(audience for audience in AUDIENCES if audience not in left_out)


def take_next(campaign_id: int, actor: str, *, checking: bool) -> bytes | None:
    """Take a comment to review, or one to confirm; what one holds already comes first. None when none is left.

    Raises NotFound, Conflict (not counted yet, or archived).
    """
    with transaction() as session:
        campaign = _campaign(session, campaign_id)
        held = _mine(session, campaign_id, actor, checking=checking)
        if held is not None:
            return bytes(held.id)
        query = select(CommentReview).where(CommentReview.campaign_id == campaign_id, CommentReview.place != "none")
        query = query.where(CommentReview.state == (REVIEWED if checking else WAITING))
        if checking and campaign.two_person:
            query = query.where(CommentReview.reviewer != actor)
        found = session.scalars(query.order_by(CommentReview.id).limit(1).with_for_update(skip_locked=True)).first()
        if found is None:
            return None
        _take(found, actor)
        return bytes(found.id)


def take(campaign_id: int, key: bytes, actor: str) -> None:
    """Take one comment of the list. Raises NotFound, Conflict (somebody has it, or it is settled), Forbidden."""
    with transaction() as session:
        campaign = _campaign(session, campaign_id)
        found = _review(session, campaign_id, key)
        if found.state not in (WAITING, REVIEWED):
            raise Conflict(_("Somebody else has this comment, or it is settled."))
        if found.state == REVIEWED and campaign.two_person and found.reviewer == actor:
            raise Forbidden(_("You reviewed this comment yourself: another account must confirm it."))
        _take(found, actor)


def _take(found: CommentReview, actor: str) -> None:
    if found.state == WAITING:
        found.state, found.reviewer = TAKEN, actor
    else:
        found.state, found.checker = CHECKING, actor


def _mine(session: Session, campaign_id: int, actor: str, *, checking: bool) -> CommentReview | None:
    holder = CommentReview.checker if checking else CommentReview.reviewer
    mine = (CommentReview.state == (CHECKING if checking else TAKEN)) & (holder == actor)
    query = select(CommentReview).where(CommentReview.campaign_id == campaign_id, mine).order_by(CommentReview.id)
    return session.scalars(query.limit(1)).first()


def give_back(campaign_id: int, key: bytes, actor: str) -> None:
    """Leave a comment to others as it was; also one that somebody else has taken and forgot."""
    with transaction() as session:
        _campaign(session, campaign_id)
        found = _review(session, campaign_id, key)
        if found.state not in (TAKEN, CHECKING):
            raise Conflict(_("Nobody has taken this comment."))
        if found.state == TAKEN:
            found.state, found.reviewer = WAITING, ""
        else:
            found.state, found.checker = REVIEWED, ""
        _record(session, found, "given_back", actor)


def decide(campaign_id: int, key: bytes, decision: Decision, actor: str) -> None:
    """Keep the first person's decision. Raises BadInput, Forbidden (not taken by this account), NotFound, Conflict."""
    with transaction() as session:
        _campaign(session, campaign_id)
        found = _held(session, campaign_id, key, actor, TAKEN)
        relation = session.get_one(Evaluation, found.evaluation_id).relation
        _check(decision, relation)
        found.text, found.audience = decision.text.strip(), decision.audience
        found.reason = decision.reason if decision.audience == REJECTED else ""
        found.state = REVIEWED
        _label(session, found, decision.themes)
        _record(session, found, "reviewed", actor)


def _check(decision: Decision, relation: str) -> None:
    if decision.audience == REJECTED:
        if decision.reason not in REASONS:
            raise BadInput(_("Choose why the comment is rejected."))
    elif decision.audience not in audiences_for(relation):
        raise BadInput(_("Choose who may read the comment."))
    if not 0 < len(decision.text.strip()) <= MOST_TEXT:
        raise BadInput(_("The wording must have between 1 and %(most)s characters.", most=MOST_TEXT))
    left = forbidden_parts(decision.text)
    if left:
        raise BadInput(_("A telephone, identity or account number still stands in the wording: mask it."))


def _label(session: Session, found: CommentReview, themes: Sequence[int]) -> None:
    known = list(session.scalars(select(CommentTheme.id).where(CommentTheme.id.in_(list(themes)))))
    session.execute(delete(comment_mark).where(comment_mark.c.review_id == found.id))
    if known:
        session.execute(insert(comment_mark), [{"review_id": found.id, "theme_id": number} for number in known])


def confirm(campaign_id: int, key: bytes, actor: str) -> None:
    """Settle a comment as its first reviewer decided, and forget how it was written.

    Raises Forbidden (not taken by this account; in a campaign of two persons also the first reviewer), NotFound,
    Conflict.
    """
    with transaction() as session:
        campaign = _campaign(session, campaign_id)
        found = _held(session, campaign_id, key, actor, CHECKING)
        if campaign.two_person and found.reviewer == actor:
            raise Forbidden(_("You reviewed this comment yourself: another account must confirm it."))
        found.state = SETTLED
        _forget_written(session, found.id)
        _record(session, found, "confirmed", actor)


def send_back(campaign_id: int, key: bytes, actor: str) -> None:
    """Refuse the first person's decision: the comment waits for a review again, its wording as it is now."""
    with transaction() as session:
        _campaign(session, campaign_id)
        found = _held(session, campaign_id, key, actor, CHECKING)
        found.state, found.reviewer, found.checker = WAITING, "", ""
        found.audience, found.reason = "", ""
        _record(session, found, "sent_back", actor)


def keep_inside(campaign_id: int, key: bytes, actor: str) -> None:
    """Take a settled comment back into the bureau at once; nobody else reads it any more. One person suffices."""
    with transaction() as session:
        _campaign(session, campaign_id)
        found = _review(session, campaign_id, key)
        if found.state != SETTLED or found.audience not in (SCHOOL, PERSON, PUBLIC):
            raise Conflict(_("This comment is not shown outside the bureau."))
        found.audience = BUREAU
        _record(session, found, "kept_inside", actor)


def split(campaign_id: int, key: bytes, written: str, actor: str) -> None:
    """Take words out of their group, as often as they were written: they say something else, and wait for a review."""
    with transaction() as session:
        _campaign(session, campaign_id)
        found = _held(session, campaign_id, key, actor, TAKEN)
        mine = (comment_member.c.review_id == found.id) & (comment_member.c.comment_id == _key(written))
        text = session.scalar(
            select(comment.c.text).join(comment_member, comment_member.c.comment_id == comment.c.id).where(mine)
        )
        keys = _same_words(session, found, text or "")
        if not 0 < len(keys) < found.count:
            raise NotFound(_("This page does not exist."))
        alone = _copy(
            found, apply_masks(text or "", suggest_masks(text or "", _names_about(session, found))), len(keys)
        )
        session.add(alone)
        session.flush()
        moved = update(comment_member).where(comment_member.c.comment_id.in_(keys))
        session.execute(moved.values(review_id=alone.id))
        found.count -= len(keys)
        _record(session, found, "split", actor)


def _same_words(session: Session, found: CommentReview, text: str) -> list[bytes]:
    query = select(comment.c.id).join(comment_member, comment_member.c.comment_id == comment.c.id)
    return list(session.scalars(query.where(comment_member.c.review_id == found.id, comment.c.text == text)))


def _copy(found: CommentReview, text: str, count: int) -> CommentReview:
    return CommentReview(
        id=secrets.token_bytes(16),
        campaign_id=found.campaign_id,
        evaluation_id=found.evaluation_id,
        target_id=found.target_id,
        place=found.place,
        outside=found.outside,
        text=text,
        count=count,
    )


def written_words(campaign_id: int, key: bytes, actor: str) -> list[Written]:
    """Return the comments of a group as they were written, for who has taken it; for others and afterwards none."""
    session = db.session()
    found = _review(session, campaign_id, key, lock=False)
    if not _holds(found, actor):
        return []
    names = _names_about(session, found)
    times: Counter[str] = Counter()
    keys: dict[str, str] = {}
    rows = session.execute(
        select(comment.c.id, comment.c.text)
        .join(comment_member, comment_member.c.comment_id == comment.c.id)
        .where(comment_member.c.review_id == found.id)
        .order_by(comment.c.id)
    )
    for number, text in rows:
        times[text] += 1
        keys[text] = bytes(number).hex()
    return [
        Written(key=keys[text], pieces=tuple(pieces(text, suggest_masks(text, names))), times=number)
        for text, number in sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _names_about(session: Session, found: CommentReview) -> Any:
    school = session.scalar(select(Target.school_code).where(Target.id == found.target_id))
    return school_names(school or "")


def _holds(found: CommentReview, actor: str) -> bool:
    return (found.state, found.reviewer) == (TAKEN, actor) or (found.state, found.checker) == (CHECKING, actor)


def _forget_written(session: Session, review_id: bytes) -> None:
    """Overwrite what was written; a row that also counts phrases keeps these."""
    keys = select(comment_member.c.comment_id).where(comment_member.c.review_id == review_id)
    session.execute(delete(comment).where(comment.c.id.in_(keys), comment.c.chips == ""))
    session.execute(update(comment).where(comment.c.id.in_(keys)).values(text=""))
    session.execute(delete(comment_member).where(comment_member.c.review_id == review_id))


def forget_unsettled(session: Session, campaign_id: int) -> None:
    """Forget what nobody may read any more: originals, and wordings that were not settled.

    For the archive, after which no comment is reviewed; one about a circle too small to be read never was.
    """
    mine = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id)
    left = select(CommentReview.id).where(CommentReview.campaign_id == campaign_id)
    left = left.where((CommentReview.state != SETTLED) | (CommentReview.place == NOWHERE))
    session.execute(delete(comment).where(comment.c.evaluation_id.in_(mine), comment.c.chips == ""))
    session.execute(update(comment).where(comment.c.evaluation_id.in_(mine)).values(text=""))
    session.execute(delete(comment_member).where(comment_member.c.review_id.in_(left)))
    session.execute(delete(comment_mark).where(comment_mark.c.review_id.in_(left)))
    session.execute(delete(CommentReview).where(CommentReview.id.in_(left)))


def _campaign(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state not in OPEN_STATES:
        raise Conflict(_("Comments are reviewed between the count and the archive."))
    return campaign


def _review(session: Session, campaign_id: int, key: bytes, *, lock: bool = True) -> CommentReview:
    found = session.get(CommentReview, key, with_for_update=lock or None)
    if found is None or found.campaign_id != campaign_id or found.place == "none":
        raise NotFound(_("This page does not exist."))
    return found


def _held(session: Session, campaign_id: int, key: bytes, actor: str, state: str) -> CommentReview:
    found = _review(session, campaign_id, key)
    if found.state != state or not _holds(found, actor):
        raise Conflict(_("This comment is not in your hands: take it first."))
    return found


def _key(written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError:
        return b""


def _record(session: Session, found: CommentReview, what: str, actor: str) -> None:
    detail: Mapping[str, Any] = {
        "comment": bytes(found.id).hex(),
        "comments": found.count,
        "audience": found.audience,
        "reason": found.reason,
    }
    subject = f"campaign {found.campaign_id}"
    audit.record(session, actor=actor, action=f"comment.{what}", subject=subject, detail=detail)
