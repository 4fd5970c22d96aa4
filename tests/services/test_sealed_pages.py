"""A sealed page opens only with its key and in its place, and its length tells nothing."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from survey.errors import BadInput
from survey.services.ballots import pack_payload
from survey.services.pages import LONGEST_COMMENT
from survey.services.sealed_pages import (
    LONGEST_TEXT_BYTES,
    Envelope,
    NotOpened,
    Place,
    fingerprint_of,
    open_page,
    page_key,
    room_for,
)

KEY = X25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
CHIPS = ("clear", "lively")
HERE = Place(campaign_id=1, group_id=2, target_id=3)
PAYLOAD = pack_payload(bytes([5, 4, 3]), chips=CHIPS[:1], text="好")


def envelope(comment: str = "text") -> Envelope:
    return Envelope(campaign_id=1, group_id=2, public_key=PUBLIC, room=room_for(CHIPS, comment=comment))


def sealed(payload: bytes = PAYLOAD) -> bytes:
    return envelope().seal(payload, target_id=3, answers=3)


def opened(page: bytes, place: Place = HERE, key: X25519PrivateKey = KEY) -> bytes:
    return open_page(page, key=key, public_key=key.public_key().public_bytes_raw(), place=place)


def test_a_page_opens_in_its_place() -> None:
    assert opened(sealed()) == PAYLOAD


@pytest.mark.parametrize("place", [(9, 2, 3), (1, 9, 3), (1, 2, 9), (2, 1, 3), (1, 3, 2)])
def test_a_page_moved_to_another_campaign_group_or_target_does_not_open(place: tuple[int, int, int]) -> None:
    moved = Place(campaign_id=place[0], group_id=place[1], target_id=place[2])
    with pytest.raises(NotOpened):
        opened(sealed(), moved)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(NotOpened):
        opened(sealed(), key=X25519PrivateKey.generate())


def test_every_changed_byte_is_found() -> None:
    page = envelope("none").seal(pack_payload(bytes([5, 4, 3])), target_id=3, answers=3)
    for place in range(len(page)):
        spoilt = bytearray(page)
        spoilt[place] ^= 1 << secrets.randbelow(8)
        # X25519 passes over the highest bit of a key (RFC 7748), but the derivation does not.
        with pytest.raises(NotOpened):
            opened(bytes(spoilt))


@pytest.mark.parametrize("end", [0, 1, 32, 33, 48, -1])
def test_a_page_cut_short_does_not_open(end: int) -> None:
    with pytest.raises(NotOpened):
        opened(sealed()[:end])


def test_an_all_zero_page_key_does_not_open() -> None:
    page = sealed()
    with pytest.raises(NotOpened):
        opened(page[:1] + bytes(32) + page[33:])


def test_the_same_page_twice_shares_no_byte_string() -> None:
    one, two = sealed(), sealed()
    assert page_key(one) != page_key(two)
    assert one[33:49] != two[33:49]


LONG = "".join(chr(0x1F600 + place % 60) for place in range(LONGEST_COMMENT))


@pytest.mark.parametrize("comment", ["none", "chips", "text"])
def test_all_answers_chips_and_comments_of_a_page_have_one_length(comment: str) -> None:
    chips = [(), CHIPS[:1], CHIPS] if comment != "none" else [()]
    texts = ["", "好", "x" * LONGEST_COMMENT, '"' * LONGEST_COMMENT, "\n" * LONGEST_COMMENT, LONG]
    payloads = [
        pack_payload(bytes(levels), chips=chosen, text=text)
        for levels in ([5] * 8, [0] * 8, [1, 2, 3, 4, 5, 0, 255, 255])
        for chosen in chips
        for text in (texts if comment == "text" else [""])
    ]
    lengths = {len(envelope(comment).seal(payload, target_id=3, answers=8)) for payload in payloads}
    assert len(lengths) == 1


def test_the_room_is_made_for_the_longest_comment() -> None:
    assert LONGEST_TEXT_BYTES == 4 * LONGEST_COMMENT


def test_a_comment_that_the_page_does_not_offer_is_refused() -> None:
    with pytest.raises(BadInput):
        envelope("none").seal(pack_payload(bytes(3), text="x" * 200), target_id=3, answers=3)


def test_fingerprints_are_of_the_whole_key() -> None:
    other = PUBLIC[:-1] + bytes([PUBLIC[-1] ^ 1])
    assert fingerprint_of(PUBLIC) != fingerprint_of(other)
    assert len(fingerprint_of(PUBLIC).split()) == 5
