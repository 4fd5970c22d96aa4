"""Sealing one cast page to the public key of its campaign, and opening it with the private one.

X25519 with a key pair of its own for each page, HKDF-SHA256, AES-256-GCM: an ECIES as in RFC 9180's base mode, without
its negotiation. The additional data names campaign, group and target, so that a page moved elsewhere does not open.
Layout: version (1) · public key of the page (32) · ciphertext · tag (16). A page is padded: its length tells which
page it is, which stands beside it anyway, and nothing of answers or comment.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from survey.errors import N_, BadInput
from survey.services.shares import letters_of

VERSION = 1
KEY_BYTES = 32
_PREFIX_BYTES = 4
_TAG_BYTES = 16
# A comment of 500 characters in UTF-8, or of 500 escaped ones in JSON.
LONGEST_TEXT_BYTES = 4 * 500
_STEP = 64


class NotOpened(Exception):
    """The page was damaged or moved, or it was sealed to another key."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a page was cast; it is part of the seal."""

    campaign_id: int
    group_id: int
    target_id: int

    @property
    def content(self) -> bytes:
        """The additional data of the encryption."""
        numbers = (self.campaign_id, self.group_id, self.target_id)
        return bytes([VERSION]) + b"".join(number.to_bytes(8) for number in numbers)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What seals the pages of one group. room: bytes that flag and comment of its page may need."""

    campaign_id: int
    group_id: int
    public_key: bytes
    room: int

    @cached_property
    def _key(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.public_key)

    def seal(self, payload: bytes, *, target_id: int, answers: int) -> bytes:
        """Return the page sealed; its length depends on the number of answers alone.

        Raises BadInput for a comment that the page does not offer: it would stick out.
        """
        place = Place(campaign_id=self.campaign_id, group_id=self.group_id, target_id=target_id)
        own = X25519PrivateKey.generate()
        head = own.public_key().public_bytes_raw()
        key, nonce = _derive(own.exchange(self._key), page=head, campaign=self.public_key)
        padded = _padded(payload, answers + self.room)
        return bytes([VERSION]) + head + AESGCM(key).encrypt(nonce, padded, place.content)


def open_page(sealed: bytes, *, key: X25519PrivateKey, public_key: bytes, place: Place) -> bytes:
    """Undo `Envelope.seal`; raises NotOpened. public_key: the campaign's, which belongs to `key`."""
    head = sealed[1 : 1 + KEY_BYTES]
    if len(head) != KEY_BYTES or sealed[0] != VERSION:
        raise NotOpened
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(head))
        secret, nonce = _derive(shared, page=head, campaign=public_key)
        padded = AESGCM(secret).decrypt(nonce, sealed[1 + KEY_BYTES :], place.content)
    except (InvalidTag, ValueError) as error:
        raise NotOpened from error
    length = int.from_bytes(padded[:_PREFIX_BYTES])
    return padded[_PREFIX_BYTES : _PREFIX_BYTES + length]


def page_key(sealed: bytes) -> bytes:
    """Return the public key that a sealed page carries: two pages with the same one are copies."""
    return sealed[1 : 1 + KEY_BYTES]


def room_for(chips: Sequence[str], *, comment: str) -> int:
    """Return how many bytes flag, length and comment of a page need at most. comment: `none`, `chips` or `text`."""
    if comment == "none":
        return 3
    chosen = len(json.dumps([list(chips), ""], ensure_ascii=False).encode())
    return 3 + chosen + (LONGEST_TEXT_BYTES if comment == "text" else 0)


def fingerprint_digest(public_key: bytes) -> bytes:
    """Return the 32 bytes from which fingerprints are cut."""
    return hashlib.sha256(b"wuping/sealed box/1" + public_key).digest()


def fingerprint_of(public_key: bytes) -> str:
    """Return the fingerprint that people compare: five groups of four letters, 100 bits."""
    return letters_of(fingerprint_digest(public_key), count=20)


def _padded(payload: bytes, size: int) -> bytes:
    full = -(-(_PREFIX_BYTES + size) // _STEP) * _STEP
    if _PREFIX_BYTES + len(payload) > full:
        raise BadInput(N_("The comment is longer than this page allows."))
    return (len(payload).to_bytes(_PREFIX_BYTES) + payload).ljust(full, b"\0")


def _derive(shared: bytes, *, page: bytes, campaign: bytes) -> tuple[bytes, bytes]:
    """Return key and nonce of one page; the key is used once, so the nonce may follow from it."""
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES + 12, salt=page + campaign, info=b"wuping/sealed page/1")
    derived = kdf.derive(shared)
    return derived[:KEY_BYTES], derived[KEY_BYTES:]
