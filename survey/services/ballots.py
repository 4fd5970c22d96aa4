"""Casting (投票): from a code to a page, from a page to the inbox, in one durable transaction.

The unit is one page: one target, or all departments at once. A pupil's pages are never tied together, and an
unfinished slip still counts what it gave.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Connection, or_, select

from survey.database import Driver, Rows, Statement, Taken, Values, fetch, writing
from survey.errors import N_, BallotRefused, Unavailable
from survey.extensions import db
from survey.keys import purpose_key
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.sealed_boxes import SealedBox
from survey.queries import school_items
from survey.queries.school_items import OwnItem
from survey.services import ballot_statements as sql
from survey.services import open_counts
from survey.services.sealed_boxes import find_envelope
from survey.services.sealed_pages import Envelope
from survey.services.slips import ALPHABET, code_hmac

ALL_TARGETS = 0
PAGE_OF_ALL = "*"
BLANK = 255
# At least this many answers, all the same level: reported as flagged, never dropped (STATISTICS, careless answers).
CARELESS_RUN = 6
RECEIPT_LENGTH = 10
TIME_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a group: `code` is the target's, or `*` for all targets at once."""

    target_id: int
    code: str
    name: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Electorate:
    """What a group may rate; it never changes once the campaign is open, so each process keeps it.

    own_items: what the group's school asks beside the questionnaire; their answers stand behind all others.
    envelope: seals the pages of a sealed campaign before they are stored; None in all others.
    """

    group_id: int
    kind: str
    evaluation_id: int
    campaign_id: int
    relation: str
    questionnaire_id: int
    variant: str
    pages: tuple[Page, ...]
    targets: tuple[tuple[str, str], ...]
    own_items: tuple[OwnItem, ...] = ()
    envelope: Envelope | None = None


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who comes with a form: a slip's code, or a random token of the open link; neither is stored.

    group_id: the slip's group, 0 while it is not known yet.
    """

    code: str
    group_id: int = 0
    is_open: bool = False

    @cached_property
    def key(self) -> bytes:
        """Return the HMAC under which marks of this holder stand."""
        return code_hmac(self.code)

    @property
    def receipt(self) -> str:
        """Return the ten letters that the holder can see again with the code; the database cannot derive them."""
        digest = hmac.digest(purpose_key("receipt"), self.code.encode(), hashlib.sha256)
        return "".join(ALPHABET[byte % 32] for byte in digest[:RECEIPT_LENGTH])


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a holder stands: the electorate, which pages are cast, and the next one (None when finished)."""

    electorate: Electorate
    cast: frozenset[int]
    first_day: date
    last_day: date
    is_open: bool

    @property
    def next_page(self) -> Page | None:
        """Return the first page not cast yet."""
        return next((page for page in self.electorate.pages if page.target_id not in self.cast), None)


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What one page says: packed answers (uint8, one an item), a flag, and the comment."""

    answers: bytes
    flag: int
    chips: tuple[str, ...] = ()
    text: str = ""


def pack_payload(answers: bytes, *, own: bytes = b"", chips: Sequence[str] = (), text: str = "") -> bytes:
    """Return flag, number of answers (two bytes), answers and, if there is one, the comment as JSON.

    own: answers to the school's own items, which follow the others and have no part in the flag.
    """
    levels = [level for level in answers if 0 < level < BLANK]
    flag = int(len(levels) >= CARELESS_RUN and len(set(levels)) == 1)
    remark = json.dumps([list(chips), text], ensure_ascii=False).encode() if chips or text else b""
    return bytes([flag]) + len(answers + own).to_bytes(2) + answers + own + remark


def unpack_payload(payload: bytes) -> Payload:
    """Undo `pack_payload`."""
    end = 3 + int.from_bytes(payload[1:3])
    chips, remark = json.loads(payload[end:]) if len(payload) > end else ((), "")
    # A letter that the database cannot hold must never stop the mix.
    return Payload(flag=payload[0], answers=payload[3:end], chips=tuple(chips), text=remark.replace("\0", ""))


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """What the database knows of a holder: group, campaign, marks (target id -> digest of the form number)."""

    group_id: int
    state: str
    first_day: date
    last_day: date
    voided: bool
    marks: Mapping[int, bytes]


def today() -> date:
    """Return the day in the bureau's time zone; the only clock that voting looks at."""
    return datetime.now(TIME_ZONE).date()


def find_progress(holder: Holder) -> Progress:
    """Return where the holder stands; one statement. Raises BallotRefused: unknown, voided, not_open, closed.

    A finished holder is never refused: the receipt can be seen again, also after close.
    """
    return _progress(_standing(fetch, holder))


def note_second_use(holder: Holder) -> None:
    """Count that a used slip of this group came again, without a time: more than elsewhere is a sign of misuse."""
    with writing() as driver:
        driver.run(sql.REFUSED, {"group": holder.group_id})


def check_page(holder: Holder, *, target_code: str, form: str) -> bool | None:
    """Tell what became of a page before its answers are read: None where it may be cast now, else whether the holder
    has finished, if this very form was cast. Raises BallotRefused like `cast`.
    """
    standing = _standing(fetch, holder)
    electorate = find_electorate(standing.group_id)
    page = next((page for page in electorate.pages if page.code == target_code), None)
    if page is None:
        raise BallotRefused("unknown")
    if page.target_id not in standing.marks:
        _refuse_unless_open(standing)
        return None
    if standing.marks[page.target_id] != hashlib.sha256(form.encode()).digest():
        raise BallotRefused("used")
    return len(standing.marks) == len(electorate.pages)


def cast(holder: Holder, *, target_code: str, form: str, payload: bytes) -> bool:
    """Put one page into the inbox, durably, exactly once; return whether it was the holder's last page.

    form: the random form number of the page; the same number again changes nothing (the first answers stand).
    Raises BallotRefused: unknown, voided, used (another form was cast for this page), not_open, closed.
    """
    # Known before the transaction: inside it, a second connection might have to wait for those that wait for this one.
    find_electorate(holder.group_id or _standing(fetch, holder).group_id)
    try:
        with writing() as driver:
            return _cast(driver, holder, target_code=target_code, form=form, payload=payload)
    except Taken:
        # Two forms of one page at the same moment (PostgreSQL): the other one won, look again.
        with writing() as driver:
            return _cast(driver, holder, target_code=target_code, form=form, payload=payload)


def cast_slips(slips: Iterable[tuple[Holder, Callable[[Electorate, Page], bytes]]]) -> int:
    """Cast every page of many slips in one transaction (paper entry, demonstration); return the number of pages.

    Each slip brings a function from electorate and page to payload. The rules are those of `cast`; one refusal undoes
    all.
    """
    pages = 0
    with writing() as driver:
        for holder, fill in slips:
            progress = _progress(_standing(driver.fetch, holder))
            for page in progress.electorate.pages:
                payload, form = fill(progress.electorate, page), secrets.token_hex(16)
                _cast(driver, holder, target_code=page.code, form=form, payload=payload)
                pages += 1
    return pages


def _cast(driver: Driver, holder: Holder, *, target_code: str, form: str, payload: bytes) -> bool:
    if not driver.is_sqlite:
        lock = sql.LOCK_OPEN if holder.is_open else sql.LOCK_SLIP
        driver.run(lock, {"group": holder.group_id} if holder.is_open else {"key": holder.key})
    standing = _standing(driver.fetch, holder)
    electorate, marks = find_electorate(standing.group_id), standing.marks
    page = next((page for page in electorate.pages if page.code == target_code), None)
    if page is None:
        raise BallotRefused("unknown")
    digest = hashlib.sha256(form.encode()).digest()
    if page.target_id in marks:
        if marks[page.target_id] != digest:
            raise BallotRefused("used")
        return len(marks) == len(electorate.pages)
    _refuse_unless_open(standing)
    _write(driver, holder, electorate, page=page, form=digest, payload=payload, before=len(marks))
    return len(marks) + 1 == len(electorate.pages)


def _write(
    driver: Driver, holder: Holder, electorate: Electorate, *, page: Page, form: bytes, payload: bytes, before: int
) -> None:
    group, about = electorate.group_id, page.target_id
    key = secrets.token_bytes(16)
    if electorate.envelope is not None:
        payload = electorate.envelope.seal(payload, target_id=about, answers=int.from_bytes(payload[1:3]))
    mark = {"hmac": holder.key, "target_id": about, "form": form}
    row = {"id": key, "group_id": group, "target_id": about, "payload": payload}
    if driver.is_sqlite:
        driver.run(sql.MARK, mark)
        driver.run(sql.INBOX, row)
    else:
        driver.run(sql.MARK_AND_INBOX, mark | row)
    if driver.run(sql.COUNT, {"group": group, "about": about, "first": int(before == 0)}) != 1:
        raise Unavailable(N_("The database is busy or cannot be written. Try again in a moment."))
    if holder.is_open:
        driver.run(open_counts.COUNT, open_counts.count_values(group, datetime.now(TIME_ZONE)))
    if before + 1 == len(electorate.pages):
        driver.run(sql.RECEIPT, {"text": holder.receipt, "campaign": electorate.campaign_id})


def _standing(find: Callable[[Statement, Values], Rows], holder: Holder) -> _Standing:
    if holder.is_open:
        rows = find(sql.FIND_OPEN, {"key": holder.key, "group": holder.group_id})
    elif holder.group_id:
        # The group was sealed with the code; a form that was read by another group's questionnaire finds nothing.
        campaign = find_electorate(holder.group_id).campaign_id
        rows = find(sql.FIND_HELD, {"key": holder.key, "group": holder.group_id, "campaign": campaign})
    else:
        rows = find(sql.FIND_SLIP, {"key": holder.key})
    if not rows:
        raise BallotRefused("unknown")
    group_id, state, first_day, last_day, _target, _form, voided = rows[0]
    return _Standing(
        group_id=group_id,
        state=state,
        first_day=_day(first_day),
        last_day=_day(last_day),
        voided=bool(voided),
        marks={row[4]: bytes(row[5]) for row in rows if row[5] is not None},
    )


def _day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _progress(standing: _Standing) -> Progress:
    if standing.state == "draft":
        # Nothing of a draft is remembered: it may still be made anew.
        raise BallotRefused("not_open")
    progress = Progress(
        electorate=find_electorate(standing.group_id),
        cast=frozenset(standing.marks),
        first_day=standing.first_day,
        last_day=standing.last_day,
        is_open=standing.state == "open" and today() <= standing.last_day,
    )
    if progress.next_page is not None:
        _refuse_unless_open(standing)
    return progress


def _refuse_unless_open(standing: _Standing) -> None:
    if standing.voided:
        raise BallotRefused("voided")
    day = today()
    if standing.state in ("draft", "ready") or (standing.state == "open" and day < standing.first_day):
        raise BallotRefused("not_open")
    if standing.state != "open" or day > standing.last_day:
        raise BallotRefused("closed")


def find_electorate(group_id: int) -> Electorate:
    """Return the group's electorate, from this process's memory once the campaign is open: until then it may change."""
    known: dict[int, Electorate] = current_app.extensions.setdefault("wuping.electorates", {})
    if group_id in known:
        return known[group_id]
    with db.engine.connect() as connection:
        electorate, state = _load_electorate(connection, group_id)
    if state not in school_items.OPEN_STATES:
        known[group_id] = electorate
    return electorate


def _load_electorate(connection: Connection, group_id: int) -> tuple[Electorate, str]:
    """Return the electorate and the state in which its campaign was when this was read."""
    row = connection.execute(
        select(
            *(RaterGroup.kind, RaterGroup.variant, RaterGroup.school_code, Campaign.state, Evaluation),
            or_(Campaign.sealed, SealedBox.held > 0).label("sealed"),
        )
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .outerjoin(SealedBox, SealedBox.campaign_id == Campaign.id)
        .where(RaterGroup.id == group_id)
    ).one_or_none()
    if row is None:
        raise BallotRefused("unknown")
    pages = connection.execute(
        select(GroupCount.target_id, GroupCount.detail, Target.code, Target.name)
        .outerjoin(Target, Target.id == GroupCount.target_id)
        .where(GroupCount.group_id == group_id)
        .order_by(GroupCount.position)
    ).all()
    targets: Mapping[str, str] = {}
    if any(page.target_id == ALL_TARGETS for page in pages):
        targets = _all_targets(connection, row.id)
    electorate = Electorate(
        group_id=group_id,
        kind=row.kind,
        evaluation_id=row.id,
        campaign_id=row.campaign_id,
        relation=row.relation,
        questionnaire_id=row.questionnaire_id,
        variant=row.variant,
        pages=tuple(
            Page(target_id=p.target_id, code=p.code or PAGE_OF_ALL, name=p.name or "", detail=p.detail) for p in pages
        ),
        targets=tuple(targets.items()),
        own_items=school_items.approved_items(connection, row.campaign_id, row.school_code)
        if row.relation == school_items.RELATION
        else (),
        envelope=find_envelope(connection, group_id) if row.sealed else None,
    )
    return electorate, row.state


def _all_targets(connection: Connection, evaluation_id: int) -> dict[str, str]:
    """Return codes and names in the order in which a page of all targets packs its answers."""
    rows = connection.execute(
        select(Target.code, Target.name)
        .where(Target.evaluation_id == evaluation_id, Target.left_out.is_(None))
        .order_by(Target.id)
    )
    return {row.code: row.name for row in rows}
