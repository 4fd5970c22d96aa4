"""Own items of schools (校本题目): a school proposes at most two for its parents, the bureau approves or returns them.

Nothing here writes to a questionnaire: the bureau's items, their codes and their order are out of a school's reach.
Until the opening everything may change; at the opening what is approved is frozen, and the rest is left out.
"""

import re

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.organisations import Teacher
from survey.models.school_items import SchoolItem
from survey.queries.school_items import APPROVED, OPEN_STATES, PROPOSED, RELATION, RETURNED
from survey.services import audit
from survey.services.comment_masks import forbidden_parts
from survey.services.instruments import find_questionnaire

MOST_ITEMS = 2
FEWEST_LETTERS, MOST_LETTERS = 6, 60
MOST_ENGLISH = 200
MOST_REASON = 200
# A name of two letters is often a word (高明, 和平): such names are looked for among the school's own teachers only.
LONG_NAME = 3
_SPACES = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NOT_LETTERS = re.compile(r"[\W_]+")


def propose(campaign_id: int, school_code: str, *, zh: str, en: str, actor: str) -> int:
    """Propose an own item; return its id. Raises NotFound, Conflict (opened, two already), BadInput (the wording)."""
    with transaction() as session:
        campaign = _open_campaign(session, campaign_id, school_code)
        known = _items(session, campaign_id, school_code)
        free = [number for number in range(1, MOST_ITEMS + 1) if number not in {item.position for item in known}]
        if not free:
            raise Conflict(_("A school may have at most %(most)s own items.", most=MOST_ITEMS))
        zh, en = _checked(session, campaign, school_code, zh=zh, en=en, others=known)
        item = SchoolItem(campaign_id=campaign_id, school_code=school_code, position=free[0], zh=zh, en=en)
        session.add(item)
        session.flush()
        _record(session, item, "propose", actor=actor)
        return item.id


def change(campaign_id: int, item_id: int, school_code: str, *, zh: str, en: str, actor: str) -> None:
    """Change the wording of an own item, which then waits for a decision again; raises like `propose`."""
    with transaction() as session:
        campaign = _open_campaign(session, campaign_id, school_code)
        item = _item(session, campaign_id, item_id, school_code)
        others = [one for one in _items(session, campaign_id, school_code) if one.id != item_id]
        item.zh, item.en = _checked(session, campaign, school_code, zh=zh, en=en, others=others)
        item.state, item.reason = PROPOSED, ""
        _record(session, item, "change", actor=actor)


def withdraw(campaign_id: int, item_id: int, school_code: str, *, actor: str) -> None:
    """Take an own item back, approved or not; raises NotFound, Conflict (opened)."""
    with transaction() as session:
        _open_campaign(session, campaign_id, school_code)
        item = _item(session, campaign_id, item_id, school_code)
        _record(session, item, "withdraw", actor=actor)
        session.delete(item)


def decide(campaign_id: int, item_id: int, *, approve: bool, reason: str, seen: str, actor: str) -> None:
    """Approve an own item or return it with a reason; may be decided anew until the opening.

    seen: the Chinese wording that was decided on. Raises NotFound, Conflict (opened, reworded meanwhile), BadInput (no
    reason).
    """
    reason = " ".join(reason.split())
    if len(reason) > MOST_REASON or not (approve or reason):
        raise BadInput(
            _("To return an item, give the school a reason of at most %(most)s characters.", most=MOST_REASON)
        )
    with transaction() as session:
        _open_campaign(session, campaign_id)
        item = _item(session, campaign_id, item_id)
        if item.zh != seen:
            raise Conflict(_("The school has changed this item meanwhile. Read it again."))
        item.state, item.reason = (APPROVED, "") if approve else (RETURNED, reason)
        _record(session, item, "approve" if approve else "return", actor=actor, reason=item.reason)


def undecided(session: Session, campaign_id: int) -> int:
    """Return how many own items of a campaign wait for the bureau."""
    query = select(func.count()).where(SchoolItem.campaign_id == campaign_id, SchoolItem.state == PROPOSED)
    return session.scalar(query) or 0


def _open_campaign(session: Session, campaign_id: int, school_code: str | None = None) -> Campaign:
    """Return the campaign, locked, while its own items may change; the opening waits for the same lock."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None or (school_code is not None and not _is_rated(session, campaign_id, school_code)):
        raise NotFound(_("This page does not exist."))
    if campaign.state not in OPEN_STATES:
        raise Conflict(_("This campaign has been opened: own items can no longer be changed."))
    return campaign


def _is_rated(session: Session, campaign_id: int, school_code: str) -> bool:
    query = (
        select(Target.id)
        .join(Evaluation, Evaluation.id == Target.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id, Evaluation.relation == RELATION)
        .where(Target.school_code == school_code, Target.left_out.is_(None))
    )
    return session.scalar(query.limit(1)) is not None


def _items(session: Session, campaign_id: int, school_code: str) -> list[SchoolItem]:
    query = select(SchoolItem).where(SchoolItem.campaign_id == campaign_id, SchoolItem.school_code == school_code)
    return list(session.scalars(query.order_by(SchoolItem.position)))


def _item(session: Session, campaign_id: int, item_id: int, school_code: str | None = None) -> SchoolItem:
    item = session.get(SchoolItem, item_id, populate_existing=True)
    if item is None or item.campaign_id != campaign_id or school_code not in (None, item.school_code):
        raise NotFound(_("This page does not exist."))
    return item


def _checked(
    session: Session, campaign: Campaign, school_code: str, *, zh: str, en: str, others: list[SchoolItem]
) -> tuple[str, str]:
    """Return both wordings in one line each; raise BadInput for what a ballot may not ask."""
    zh, en = (_SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip() for text in (zh, en))
    if not FEWEST_LETTERS <= len(zh) <= MOST_LETTERS:
        raise BadInput(
            _("The wording needs %(fewest)s to %(most)s characters.", fewest=FEWEST_LETTERS, most=MOST_LETTERS)
        )
    if len(en) > MOST_ENGLISH:
        raise BadInput(_("The English wording has at most %(most)s characters.", most=MOST_ENGLISH))
    name = _name_in(session, school_code, f"{zh}\n{en}")
    if name:
        raise BadInput(_("The item names a person, %(name)s. Own items must not ask about single persons.", name=name))
    if forbidden_parts(f"{zh}\n{en}"):
        raise BadInput(_("The item holds a telephone number or an account. Leave it out."))
    _refuse_repeated(session, campaign, zh, others)
    return zh, en


def _name_in(session: Session, school_code: str, text: str) -> str | None:
    """Return the name of a teacher of the roster that stands in the text."""
    own = Teacher.school_code == school_code
    stands = func.length(Teacher.name) >= 2, func.replace(text, Teacher.name, "") != text
    query = select(Teacher.name).where(~Teacher.left, *stands, own | (func.length(Teacher.name) >= LONG_NAME))
    return session.scalar(query.order_by(func.length(Teacher.name).desc()).limit(1))


def _refuse_repeated(session: Session, campaign: Campaign, zh: str, others: list[SchoolItem]) -> None:
    """Refuse what the bureau asks already, in any variant: two answers to one question would contradict each other."""
    number = session.scalar(
        select(Evaluation.questionnaire_id).where(
            Evaluation.campaign_id == campaign.id, Evaluation.relation == RELATION
        )
    )
    asked = find_questionnaire(number) if number is not None else None
    texts = [text for variant in asked.variants.values() for text in variant.items.values()] if asked else []
    if _bare(zh) in {_bare(text.zh) for text in texts}:
        raise BadInput(_("The bureau asks this already; its items stay as they are."))
    if _bare(zh) in {_bare(other.zh) for other in others}:
        raise BadInput(_("Your school has this item already."))


def _bare(text: str) -> str:
    return _NOT_LETTERS.sub("", text).casefold()


def _record(session: Session, item: SchoolItem, act: str, *, actor: str, reason: str = "") -> None:
    detail = {"school": item.school_code, "position": item.position, "zh": item.zh, "en": item.en}
    if reason:
        detail["reason"] = reason
    subject = f"campaign {item.campaign_id}"
    audit.record(session, actor=actor, action=f"school_item.{act}", subject=subject, detail=detail)
