"""Sealing who comes with a form: a code leaves the server only encrypted, in a hidden field or a bridging cookie."""

import base64
import hashlib
import hmac
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from survey.errors import BallotRefused
from survey.keys import purpose_key
from survey.services.ballots import Holder


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def seal(holder: Holder) -> str:
    """Return the holder encrypted (AES-256-GCM, fresh nonce) as URL-safe text; it names nothing by itself."""
    nonce = secrets.token_bytes(12)
    content = f"{'o' if holder.is_open else 's'}{holder.group_id}:{holder.code}".encode()
    return base64.urlsafe_b64encode(nonce + _cipher(purpose_key("seal")).encrypt(nonce, content, None)).decode()


def unseal(sealed: str) -> Holder:
    """Undo `seal`; raise BallotRefused("unknown") for anything else."""
    try:
        content = base64.b64decode(sealed, altchars=b"-_", validate=True)
        text = _cipher(purpose_key("seal")).decrypt(content[:12], content[12:], None).decode()
    except (InvalidTag, ValueError) as error:
        raise BallotRefused("unknown") from error
    group, _, code = text[1:].partition(":")
    return Holder(code=code, group_id=int(group), is_open=text[0] == "o")


def draft_key(holder: Holder, page_code: str) -> str:
    """Return the name under which a phone keeps the draft of one page; it tells nothing of the code."""
    return hmac.digest(purpose_key("draft"), f"{holder.code}/{page_code}".encode(), hashlib.sha256)[:9].hex()
