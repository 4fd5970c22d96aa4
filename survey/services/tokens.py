"""Blind-signed tokens (盲签票): a key for each electorate, one signature for each person, redemption without a name.

The browser makes a random number and blinds it; the server signs it once for each person and learns nothing of it.
Later the person comes without a login and hands in number and signature: what then stands in the database is the HMAC
of a code derived from the number, as if it were a paper slip. Linking the two would take the blinding factor, which
never leaves the browser (RFC 9474; `services/blind_signatures.py`).

RSA-2048, not 3072: a key lives for one campaign, and only forging votes would take breaking it; secrecy does not rest
on it. Its tokens fit a QR code that a phone reads from a screen, and 1,600 keys are made in two minutes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from flask_babel import gettext as _
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from survey.database import is_sqlite, touched, transaction
from survey.errors import N_, BallotRefused, Conflict, NotFound, Unavailable
from survey.extensions import db
from survey.keys import purpose_key
from survey.models.ballots import slip
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.tokens import TokenKey, VoidedTokenKey, token_issue
from survey.queries.tokens import PAPER_WANTED, TOKEN, Right, rights_of
from survey.services.ballots import Holder, today
from survey.services.blind_signatures import PREFIX_BYTES, blind_sign, verify
from survey.services.electorates import PRINCIPAL
from survey.services.shares import letters_of
from survey.services.slips import ALPHABET, CODE_LENGTH, check_letter

KEY_BITS = 2048
SERIAL_BYTES = 32
SIGNATURE_BYTES = KEY_BITS // 8
GROUP_BYTES = 4
TOKEN_BYTES = GROUP_BYTES + PREFIX_BYTES + SERIAL_BYTES + SIGNATURE_BYTES
TOKEN_LETTERS = -(-TOKEN_BYTES * 8 // 5)
_SPARE_BITS = TOKEN_LETTERS * 5 - TOKEN_BYTES * 8
_NONCE_BYTES = 12
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
_RELATION_OF = {True: "principal_department", False: "teacher_principal"}


@dataclass(frozen=True, kw_only=True)
class Token:
    """A right to vote as its holder has it: the electorate, the signed message and its signature."""

    group_id: int
    prepared: bytes
    signature: bytes

    @property
    def code(self) -> str:
        """The short code under which the vote goes on once the token was handed in: 75 bits of the serial's SHA-256."""
        digest = hashlib.sha256(self.prepared[PREFIX_BYTES:]).digest()
        letters = letters_of(digest, count=CODE_LENGTH - 1).replace(" ", "")
        return letters + check_letter(letters)


def write_token(token: Token) -> str:
    """Return a token as letters of the slips' alphabet."""
    bits = int.from_bytes(token.group_id.to_bytes(GROUP_BYTES) + token.prepared + token.signature) << _SPARE_BITS
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(TOKEN_LETTERS - 1, -1, -1))


def read_token(letters: str) -> Token | None:
    """Return a token from what was scanned or pasted (case and blanks forgiven), None if it cannot be one."""
    plain = "".join(letters.split()).replace("-", "").upper()
    if len(plain) != TOKEN_LETTERS or any(letter not in _VALUE for letter in plain):
        return None
    bits = 0
    for letter in plain:
        bits = bits << 5 | _VALUE[letter]
    if bits & (1 << _SPARE_BITS) - 1:
        return None
    content = (bits >> _SPARE_BITS).to_bytes(TOKEN_BYTES)
    signed = GROUP_BYTES + PREFIX_BYTES + SERIAL_BYTES
    return Token(
        group_id=int.from_bytes(content[:GROUP_BYTES]),
        prepared=content[GROUP_BYTES:signed],
        signature=content[signed:],
    )


def fingerprint_of(public_key: bytes) -> str:
    """Return what people compare of a public key (DER): five groups of four letters, 100 bits."""
    return letters_of(hashlib.sha256(b"wuping/token key/1" + public_key).digest(), count=20)


def make_keys(campaign_id: int) -> list[dict[str, Any]]:
    """Return rows of `token_key` for every electorate of a campaign that has none; 70 ms each, so without a lock."""
    return [_new_key(group_id) for group_id in _groups_without(db.session(), campaign_id)]


def _new_key(group_id: int) -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    content = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + _cipher().encrypt(nonce, content, _place(group_id, public))
    return {"group_id": group_id, "public_key": public, "private_key": sealed, "fingerprint": fingerprint_of(public)}


def store_keys(session: Session, campaign_id: int, made: Sequence[dict[str, Any]]) -> None:
    """Store new keys inside the caller's transaction; raises Conflict when the groups changed meanwhile."""
    wanted = _groups_without(session, campaign_id)
    if {row["group_id"] for row in made} != set(wanted):
        raise Conflict(_("The groups of this campaign have just changed. Repeat the step."))
    if made:
        session.execute(insert(TokenKey), list(made))


def forget_keys(session: Session, campaign_id: int) -> None:
    """Forget the private keys of a campaign and who took a right: after the close nothing is signed.

    How many rights were taken stays, for the balance; each row gets a random number in place of the staff code. Else
    the list would name the ballots of an electorate where everybody who voted is known, first of all a single voter's.
    """
    groups = select(RaterGroup.id).join(Evaluation).where(Evaluation.campaign_id == campaign_id)
    session.execute(update(TokenKey).where(TokenKey.group_id.in_(groups)).values(private_key=b""))
    taken = token_issue.c.group_id.in_(groups)
    rows = session.execute(select(token_issue).where(taken)).mappings().all()
    session.execute(delete(token_issue).where(taken))
    if rows:
        nameless = [{**row, "staff_code": secrets.token_hex(16), "retry": None, "fresh": False} for row in rows]
        session.execute(insert(token_issue), sorted(nameless, key=_order))


def void_rights(session: Session, group_id: int, *, again: bool) -> int:
    """Void every right that was taken in a group, inside the caller's transaction; return how many.

    again: a new key takes the old one's place, so that everybody may fetch a new token and no old one counts; who waits
    for paper goes on waiting, for nothing was voted with it. Otherwise no key does. Slips are the caller's.
    """
    key = session.get_one(TokenKey, group_id, with_for_update=True, populate_existing=True)
    if not key.voided:
        old = VoidedTokenKey(fingerprint=key.fingerprint, group_id=group_id, public_key=key.public_key)
        session.add(old)
        session.flush()
    number = session.scalar(select(func.count()).where(VoidedTokenKey.group_id == group_id)) or 0
    valid = (token_issue.c.group_id == group_id) & (token_issue.c.voided == 0)
    if again:
        valid &= token_issue.c.paper != PAPER_WANTED
    # Written anew in the order of staff codes by the worker, as rows that have just come.
    changed = update(token_issue).where(valid).values(voided=number, retry=None, fresh=True)
    taken = touched(session, changed)
    values = _new_key(group_id) if again else {"private_key": b"", "voided": True}
    session.execute(update(TokenKey).where(TokenKey.group_id == group_id).values(**values))
    return taken


def _groups_without(session: Session, campaign_id: int) -> list[int]:
    query = (
        select(RaterGroup.id)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .outerjoin(TokenKey, TokenKey.group_id == RaterGroup.id)
        .where(Evaluation.campaign_id == campaign_id, RaterGroup.kind == "token", TokenKey.group_id.is_(None))
    )
    return list(session.scalars(query.order_by(RaterGroup.id)))


def _cipher() -> AESGCM:
    return AESGCM(purpose_key("token key"))


def _place(group_id: int, public_key: bytes) -> bytes:
    """Return what ties a private key to its row: it opens nowhere else."""
    return group_id.to_bytes(8) + public_key


def rights(staff_code: str | None) -> list[Right]:
    """Return what the person behind a staff code (工号) may vote on by token now."""
    found = rights_of(staff_code, principal=PRINCIPAL, relations=_RELATION_OF)
    return [right for right in found if right.last_day >= today()]


def find_right(staff_code: str | None, group_id: int) -> Right:
    """Return one right of a person; raises NotFound, also for electorates of others."""
    right = next((right for right in rights(staff_code) if right.group_id == group_id), None)
    if right is None:
        raise NotFound(_("This page does not exist."))
    return right


def sign(staff_code: str, group_id: int, blinded: bytes, *, fingerprint: str | None = None) -> bytes:
    """Return the signature of a person's blinded message, once; only the very same message gets it again.

    Neither is stored. Until `confirm`, the HMAC of the blinded message is, so that an answer lost on the way is not a
    lost vote. fingerprint: of the key under which the browser blinded; None for the present one. No log or audit entry
    is written. Raises NotFound, BadInput, Conflict when the right was taken before or the key has just changed.
    """
    find_right(staff_code, group_id)
    used, private = _private_key(group_id)
    _refuse_other_key(used, fingerprint or used)
    # Outside the transaction: it takes ten milliseconds, and others wait to write.
    signature = blind_sign(private, blinded)
    retry = hmac.digest(purpose_key("token retry"), blinded, hashlib.sha256)
    with transaction() as session:
        # A voiding that came in between made a new key: this signature would open nothing, and cost the right.
        _refuse_other_key(_hold_key(session, group_id), used)
        right = find_right(staff_code, group_id)
        if _take(session, right, staff_code, paper=TOKEN, retry=retry):
            return signature
        known = session.execute(
            select(token_issue.c.paper, token_issue.c.retry).where(*_own(right.evaluation_id, staff_code))
        ).one()
    if known.paper != TOKEN or known.retry is None or not hmac.compare_digest(bytes(known.retry), retry):
        raise Conflict(_("You have taken your right to vote here already; it is given once."))
    return signature


def _hold_key(session: Session, group_id: int) -> str | None:
    """Keep an electorate as it stands until the transaction ends; return the fingerprint of its key.

    A close or voiding comes before or after: what is read now is still true when the right is written.
    """
    return session.scalar(select(TokenKey.fingerprint).where(TokenKey.group_id == group_id).with_for_update(read=True))


def _refuse_other_key(present: str | None, used: str) -> None:
    if present != used:
        raise Conflict(_("The key of your electorate has just changed. Load the page again; your right is not lost."))


def want_paper(staff_code: str, group_id: int) -> None:
    """Take a person's right as a paper slip, for who has no fitting browser; raises NotFound, Conflict."""
    with transaction() as session:
        _hold_key(session, group_id)
        right = find_right(staff_code, group_id)
        _refuse_if_erased(session.scalar(select(TokenKey.private_key).where(TokenKey.group_id == group_id)))
        if not _take(session, right, staff_code, paper=PAPER_WANTED, retry=None):
            raise Conflict(_("You have taken your right to vote here already; it is given once."))


def confirm(staff_code: str, group_id: int) -> None:
    """Forget what a retry would be known by: the browser has the signature. May be repeated."""
    right = find_right(staff_code, group_id)
    with transaction() as session:
        session.execute(update(token_issue).where(*_own(right.evaluation_id, staff_code)).values(retry=None))


def _own(evaluation_id: int, staff_code: str) -> tuple[Any, Any, Any]:
    mine = token_issue.c.staff_code == staff_code
    return token_issue.c.evaluation_id == evaluation_id, mine, token_issue.c.voided == 0


_ISSUE = text(
    "INSERT INTO token_issue (evaluation_id, staff_code, voided, group_id, paper, retry, fresh) "
    "VALUES (:evaluation_id, :staff_code, 0, :group_id, :paper, :retry, :fresh) ON CONFLICT DO NOTHING"
)


def _take(session: Session, right: Right, staff_code: str, *, paper: int, retry: bytes | None) -> bool:
    """Insert the person's row and count it; return False when there was one."""
    row = {
        "evaluation_id": right.evaluation_id,
        "staff_code": staff_code,
        "group_id": right.group_id,
        "paper": paper,
        "retry": retry,
        "fresh": True,
    }
    if not touched(session, _ISSUE, row):
        return False
    group = RaterGroup.id == right.group_id
    session.execute(update(RaterGroup).where(group).values(issued=RaterGroup.issued + 1))
    return True


def _refuse_if_erased(private_key: bytes | None) -> None:
    """Raise Conflict where a restore erased the key (`services/backups.py`): paper would be a second right as well."""
    if private_key == b"":
        raise Conflict(
            _(
                "This campaign was restored from a backup. Who has taken a right to vote since then is not known, so "
                "none is given here any more. If you have none, ask the evaluation office for a paper slip."
            )
        )


def _private_key(group_id: int) -> tuple[str, rsa.RSAPrivateKey]:
    """Return the fingerprint and the private half of a group's present key."""
    row = db.session.get_one(TokenKey, group_id, populate_existing=True)
    _refuse_if_erased(row.private_key)
    sealed = bytes(row.private_key)
    try:
        content = _cipher().decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(group_id, bytes(row.public_key))
        )
    except (InvalidTag, ValueError) as error:
        raise Unavailable(N_("The key that signs tokens is damaged; nothing is signed.")) from error
    key = load_der_private_key(content, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return row.fingerprint, key


def redeem(letters: str) -> Holder:
    """Return the holder of a token that was handed in; from now on its short code works like a slip's.

    Raises BallotRefused: unknown (no token, or the signature is not ours), not_open, closed, voided (signed by a key
    of which every token was voided).
    """
    token = read_token(letters)
    row = _standing(token.group_id) if token and token.group_id < 2**31 else None
    if token is None or row is None:
        raise BallotRefused("unknown")
    if not _is_genuine(bytes(row.public_key), token):
        raise BallotRefused("voided" if _was_genuine(token) else "unknown")
    holder = Holder(code=token.code, group_id=token.group_id)
    known = select(slip.c.group_id).where(slip.c.hmac == holder.key)
    group_id = db.session.scalar(known)
    if group_id is None:
        if row.voided:
            raise BallotRefused("voided")
        _refuse_unless_open(row.state, row.first_day, row.last_day)
        with transaction() as session:
            # A voiding that came in between has made this token worthless, and its slip must not count again.
            present = select(TokenKey.public_key).where(TokenKey.group_id == token.group_id)
            if session.scalar(present.with_for_update(read=True)) != row.public_key:
                raise BallotRefused("voided")
            session.execute(_SLIP, {"hmac": holder.key, "group": token.group_id, "voided": False})
            group_id = session.scalar(known)
    # One serial that was signed in two campaigns has one short code, and this belongs to whichever came first.
    if group_id != token.group_id:
        raise BallotRefused("unknown")
    return holder


_SLIP = text("INSERT INTO slip (hmac, group_id, voided) VALUES (:hmac, :group, :voided) ON CONFLICT DO NOTHING")


def _standing(group_id: int) -> Any:
    return db.session.execute(
        select(TokenKey.public_key, TokenKey.voided, Campaign.state, Campaign.first_day, Campaign.last_day)
        .join(RaterGroup, RaterGroup.id == TokenKey.group_id)
        .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
        .join(Campaign, Campaign.id == Evaluation.campaign_id)
        .where(TokenKey.group_id == group_id, RaterGroup.kind == "token")
    ).one_or_none()


def _was_genuine(token: Token) -> bool:
    old = select(VoidedTokenKey.public_key).where(VoidedTokenKey.group_id == token.group_id)
    return any(_is_genuine(bytes(key), token) for key in db.session.scalars(old))


def _is_genuine(public_key: bytes, token: Token) -> bool:
    key = load_der_public_key(public_key)
    assert isinstance(key, rsa.RSAPublicKey)
    return verify(key, token.prepared, token.signature)


def _refuse_unless_open(state: str, first_day: date, last_day: date) -> None:
    day = today()
    if state in ("draft", "ready") or (state == "open" and day < first_day):
        raise BallotRefused("not_open")
    if state != "open" or day > last_day:
        raise BallotRefused("closed")


def forget_order(connection: Connection) -> bool:
    """Write the issue rows anew in the order of staff codes, if any came since the last time; tell whether it did.

    A page of SQLite keeps the order of insertion in its cell offsets, PostgreSQL in xmin and ctid: whoever compared it
    with the order in which tokens are handed in could guess. The worker does this every minute, before its check-point
    or VACUUM.
    """
    if not connection.scalar(select(token_issue.c.staff_code).where(token_issue.c.fresh).limit(1)):
        return False
    if not is_sqlite():
        # A row that came between the reading and the deleting would be lost, and its person given a second right.
        connection.execute(text("LOCK TABLE token_issue IN SHARE ROW EXCLUSIVE MODE"))
    rows = connection.execute(select(token_issue)).mappings().all()
    again = sorted(({**row, "fresh": False} for row in rows), key=_order)
    connection.execute(delete(token_issue))
    connection.execute(insert(token_issue), again)
    return True


def _order(row: Mapping[str, Any]) -> tuple[int, str, int]:
    return row["evaluation_id"], row["staff_code"], row["voided"]
