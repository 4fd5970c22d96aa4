"""Slips (测评凭证): making codes, voiding and replacing unused ones. A code exists in the clear only once, at issue.

A code is 15 random letters of a 32-letter alphabet and one check letter: 75 bits. The database holds only
HMAC-SHA256(code) under a key that is not in the database; no row names a person, a seat or an order.
"""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from survey.database import touched, transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.keys import purpose_key
from survey.models.ballots import cast_mark, slip
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.tokens import TokenKey, token_issue
from survey.queries.tokens import PAPER_MADE, PAPER_WANTED
from survey.services import audit

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 16
SLIP_STATES = ("ready", "open")
MOST_EXTRA = 500
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}


@dataclass(frozen=True, kw_only=True)
class IssuedGroup:
    """A group and its new codes, in random order; the only place where codes stand in the clear.

    staff: who of a group that votes by token is given paper, by staff code; nothing ties one to a code.
    """

    relation: str
    group_id: int
    group: str
    name: str
    school_code: str
    kind: str
    codes: tuple[str, ...]
    staff: tuple[str, ...] = field(default=(), repr=False)


# What writes new codes down for good; it raises if it cannot.
Keep = Callable[[Sequence[IssuedGroup]], object]


def check_letter(letters: str) -> str:
    """Return the check letter of `letters` (Luhn mod 32: finds every single wrong letter, most swaps)."""
    total = 0
    for place, letter in enumerate(reversed(letters)):
        value = _VALUE[letter] * (2 if place % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def new_code() -> str:
    """Return a fresh code from the system's random source."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH - 1))
    return letters + check_letter(letters)


def typed_letters(text: str) -> str:
    """Return the capitals and digits that a person typed: full-width ones, signs between them and a link before them
    are forgiven."""
    plain = unicodedata.normalize("NFKC", text).rpartition("#")[2]
    return "".join(letter for letter in plain if letter.isalnum()).upper()


def clean_code(text: str) -> str | None:
    """Return what a person typed as a code, or None if it cannot be one."""
    letters = typed_letters(text)
    return letters if code_fault(letters) is None else None


def code_fault(letters: str) -> str | None:
    """Tell why letters can be no code: "empty", "foreign" (not of the alphabet), "length", "check" (one is wrong)."""
    if not letters:
        return "empty"
    if any(letter not in _VALUE for letter in letters):
        return "foreign"
    if len(letters) != CODE_LENGTH:
        return "length"
    return None if check_letter(letters[:-1]) == letters[-1] else "check"


def code_hmac(code: str) -> bytes:
    """Return what the database knows of a code: HMAC-SHA256 under the instance's slip key, 32 bytes."""
    return hmac.digest(purpose_key("slip"), code.encode(), hashlib.sha256)


def issue_slips(campaign_id: int, *, actor: str) -> tuple[IssuedGroup, ...]:
    """Make one slip per expected respondent of every group; once per campaign, in `ready` or `open`.

    Raises NotFound, Conflict (wrong state, or made before: then reissue or add).
    """
    with transaction() as session:
        campaign = campaign_for_slips(session, campaign_id)
        if campaign.slips_made:
            raise Conflict(_("The slips of this campaign were made before. Reissue a group, or add slips to it."))
        campaign.slips_made = True
        issued = tuple(
            _issue(session, group, relation, group.enrolled if group.kind == "slip" else 0)
            for group, relation in _groups(session, campaign_id)
        )
        audit.record(session, actor=actor, action="slips.issue", subject=f"campaign {campaign_id}")
    return issued


def reissue_slips(campaign_id: int, group_code: str, *, actor: str, reason: str = "") -> IssuedGroup:
    """Void the group's not-begun slips and make as many new ones; begun slips are never replaced."""
    with transaction() as session:
        group, relation = _group(session, campaign_id, group_code)
        voided = void_unused(session, group.id)
        issued = _issue(session, group, relation, voided)
        detail = {"voided": voided, "reason": reason.strip()}
        audit.record(session, actor=actor, action="slips.reissue", subject=f"{campaign_id}/{group_code}", detail=detail)
    return issued


def add_slips(
    campaign_id: int, group_code: str, count: int, *, reason: str, actor: str, keep: Keep | None = None
) -> IssuedGroup:
    """Make `count` extra slips for a group (a pupil who came late), with a reason for the audit log.

    For a group that votes by token they are the paper of those who wait for it. Such slips can never be replaced, for
    nothing tells them from tokens that were handed in; so `keep` writes them down before they count, in the same
    transaction. Those of other groups are written down after it.
    """
    if not 1 <= count <= MOST_EXTRA:
        raise BadInput(_("The number of extra slips must lie between 1 and %(most)s.", most=MOST_EXTRA))
    if not reason.strip():
        raise BadInput(_("Extra slips need a reason: it is kept in the audit log."))
    with transaction() as session:
        group, relation = _group(session, campaign_id, group_code, kinds=("slip", "token"))
        staff = _claim_paper(session, group, count) if group.kind == "token" else ()
        issued = replace(_issue(session, group, relation, count), staff=staff)
        if keep and issued.kind == "token":
            keep([issued])
        detail = {"added": count, "reason": reason.strip()}
        audit.record(session, actor=actor, action="slips.add", subject=f"{campaign_id}/{group_code}", detail=detail)
    if keep and issued.kind != "token":
        keep([issued])
    return issued


def take_back_paper(session: Session, group_id: int, keys: Sequence[bytes], staff: Sequence[str]) -> bool:
    """Delete paper slips (their HMACs) that nobody can have seen, and let `staff` wait for paper again.

    Returns False, with nothing done, unless every one is there and unused. Deleted and not voided: the group's rights
    stay as many as were given, and no slip stands for one twice.
    """
    unused = and_(_unused(group_id), slip.c.hmac.in_(keys))
    if session.scalar(select(func.count()).select_from(slip).where(unused)) != len(keys):
        return False
    session.execute(delete(slip).where(unused))
    _set_paper(session, group_id, staff, PAPER_WANTED)
    return True


def campaign_for_slips(session: Session, campaign_id: int) -> Campaign:
    """Return a campaign, locked, whose slips may be made now; raises NotFound, Conflict."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state not in SLIP_STATES:
        raise Conflict(
            _("Slips are made while a campaign is ready or open; this one is: %(state)s.", state=campaign.state)
        )
    return campaign


def _groups(session: Session, campaign_id: int) -> Iterable[tuple[RaterGroup, str]]:
    rows = session.execute(
        select(RaterGroup, Evaluation.relation)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .where(Evaluation.campaign_id == campaign_id)
        .order_by(RaterGroup.id)
    )
    return [(group, relation) for group, relation in rows]


def _claim_paper(session: Session, group: RaterGroup, count: int) -> tuple[str, ...]:
    """Note that everybody of a token group who waits for a paper slip gets one; return their staff codes.

    Raises Conflict for another number. Only where a restore erased the key there may be more: who has a right there is
    no longer known, and the officer answers for the rest.
    """
    waiting = (token_issue.c.group_id == group.id) & (token_issue.c.paper == PAPER_WANTED)
    waiting &= token_issue.c.voided == 0
    staff = list(session.scalars(select(token_issue.c.staff_code).where(waiting)))
    if count > len(staff) and session.scalar(select(TokenKey.private_key).where(TokenKey.group_id == group.id)) == b"":
        staff += _give_without_name(session, group, count - len(staff))
    if len(staff) != count:
        number = len(staff)
        message = _("This group votes by token; %(number)s people wait for a paper slip: make as many.", number=number)
        raise Conflict(message)
    _set_paper(session, group.id, staff, PAPER_MADE)
    return tuple(sorted(staff))


def _give_without_name(session: Session, group: RaterGroup, count: int) -> list[str]:
    """Give rights to people whom the officer knows; each is a row like anybody's, so that the balance stays exact."""
    names = sorted(f"+{secrets.token_hex(8)}" for _number in range(count))
    same = {"evaluation_id": group.evaluation_id, "group_id": group.id, "paper": PAPER_WANTED}
    session.execute(insert(token_issue), [{**same, "staff_code": name} for name in names])
    session.execute(update(RaterGroup).where(RaterGroup.id == group.id).values(issued=RaterGroup.issued + count))
    return names


def _set_paper(session: Session, group_id: int, staff: Sequence[str], paper: int) -> None:
    theirs = (token_issue.c.group_id == group_id) & token_issue.c.staff_code.in_(staff) & (token_issue.c.voided == 0)
    session.execute(update(token_issue).where(theirs).values(paper=paper))


def _group(
    session: Session, campaign_id: int, group_code: str, *, kinds: Sequence[str] = ("slip",)
) -> tuple[RaterGroup, str]:
    campaign = campaign_for_slips(session, campaign_id)
    if not campaign.slips_made:
        raise Conflict(_("The slips of this campaign have not been made yet."))
    found = next(((g, r) for g, r in _groups(session, campaign_id) if g.code == group_code and g.kind in kinds), None)
    if found is None:
        raise NotFound(_("Campaign %(id)s has no group %(group)s.", id=campaign_id, group=group_code))
    return found


def make_slips(session: Session, group: RaterGroup, relation: str, count: int) -> IssuedGroup:
    """Make `count` new slips for a group inside the caller's transaction, which answers for the rules."""
    return _issue(session, group, relation, count)


def _issue(session: Session, group: RaterGroup, relation: str, count: int) -> IssuedGroup:
    codes = [] if group.kind == "open" else [new_code() for _number in range(count)]
    issue_codes(session, group, codes)
    return IssuedGroup(
        relation=relation,
        group_id=group.id,
        group=group.code,
        name=group.name,
        school_code=group.school_code,
        kind=group.kind,
        codes=tuple(codes),
    )


def void_unused(session: Session, group_id: int) -> int:
    """Void a group's slips that nobody has begun, inside the caller's transaction; return how many."""
    voided = touched(session, update(slip).where(_unused(group_id)).values(voided=True))
    session.execute(update(RaterGroup).where(RaterGroup.id == group_id).values(voided=RaterGroup.voided + voided))
    return voided


def count_unused(session: Session, group_id: int) -> int:
    """Return how many slips of a group are valid and not begun."""
    return session.scalar(select(func.count()).select_from(slip).where(_unused(group_id))) or 0


def _unused(group_id: int) -> ColumnElement[bool]:
    begun = exists().where(cast_mark.c.hmac == slip.c.hmac)
    return and_(slip.c.group_id == group_id, ~slip.c.voided, ~begun)


def issue_codes(session: Session, group: RaterGroup, codes: Sequence[str]) -> None:
    """Make slips of codes inside the caller's transaction; from its commit on they are worth a vote each."""
    if codes:
        # Sorted by their random key: neither the rows' order nor a page's offsets follow the printed order.
        rows = sorted(code_hmac(code) for code in codes)
        session.execute(insert(slip), [{"hmac": key, "group_id": group.id, "voided": False} for key in rows])
        # Whoever wants paper in place of a token was counted when asking for it.
        counted = len(codes) if group.kind == "slip" else 0
        session.execute(update(RaterGroup).where(RaterGroup.id == group.id).values(issued=RaterGroup.issued + counted))
