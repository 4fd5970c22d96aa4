"""Shares (份额) of a key: splitting it so that two of three rebuild it, and the letters in which a trustee keeps one.

Shamir's scheme (A. Shamir, "How to share a secret", 1979) over a prime field: the secret is where a straight line
meets zero, a share is one of its points. One point says nothing of the line's height; two fix it. It is ten lines of
whole-number arithmetic and easier to review than any package that would have to be trusted with the key.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _

from survey.errors import BadInput
from survey.services.slips import ALPHABET, CODE_LENGTH, check_letter

# The largest prime below 2**256.
PRIME = 2**256 - 189
SHARES, NEEDED = 3, 2
VERSION = 1
LINES = 5
FINGERPRINT_BYTES = 5
_CHECK_BYTES = 4
# version and number, campaign, fingerprint, value
_CONTENT_BYTES = 1 + 4 + FINGERPRINT_BYTES + 32
_SPARE_BITS = LINES * (CODE_LENGTH - 1) * 5 - (_CONTENT_BYTES + _CHECK_BYTES) * 8
# Four groups and no more: a fingerprint, which stands on the sheet too, has five.
_GROUP = rf"[{ALPHABET}]{{4}}"
_LINE = re.compile(rf"(?<!{_GROUP} )(?:{_GROUP} ){{3}}{_GROUP}(?! {_GROUP})")
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}


@dataclass(frozen=True, kw_only=True)
class Share:
    """One trustee's share; `number` is 1 to 3, `fingerprint` the first bytes of the campaign key's."""

    campaign_id: int
    number: int
    fingerprint: bytes
    value: int = field(repr=False)

    @property
    def lines(self) -> tuple[str, ...]:
        """The share as five lines of four groups of four letters; the last letter of each line is a check letter."""
        letters = _letters(self._content() + _checksum(self._content()))
        return tuple(_grouped(line + check_letter(line)) for line in _pieces(letters, CODE_LENGTH - 1))

    @property
    def letters(self) -> str:
        """The same eighty letters in one piece, for the QR code."""
        return "".join(self.lines).replace(" ", "")

    def _content(self) -> bytes:
        head = bytes([VERSION << 4 | self.number]) + self.campaign_id.to_bytes(4) + self.fingerprint
        return head + self.value.to_bytes(32)


def split(secret: int) -> tuple[int, ...]:
    """Return the values of the three shares of `secret`, a whole number below `PRIME`."""
    slope = secrets.randbelow(PRIME)
    return tuple((secret + slope * number) % PRIME for number in range(1, SHARES + 1))


def combine(values: Mapping[int, int]) -> int | None:
    """Return the secret of two or three shares (number -> value); None when three do not lie on one line.

    Two shares always give some number: whether it is the key, only the public key tells.
    """
    (first, low), (second, high), *more = sorted(values.items())
    slope = (high - low) * pow(second - first, -1, PRIME)
    secret = (low - slope * first) % PRIME
    return secret if all((secret + slope * number - value) % PRIME == 0 for number, value in more) else None


def read_share(text: str) -> Share:
    """Return the share that a person typed or pasted; case, blanks, hyphens and full-width letters are forgiven.

    Raises BadInput, naming the line that was mistyped.
    """
    letters = plain_letters(text)
    if len(letters) != LINES * CODE_LENGTH:
        raise BadInput(
            _(
                "A share has %(all)s letters in five lines; here are %(here)s.",
                all=LINES * CODE_LENGTH,
                here=len(letters),
            )
        )
    lines = list(_pieces(letters, CODE_LENGTH))
    for number, line in enumerate(lines, start=1):
        if any(letter not in _VALUE for letter in line) or check_letter(line[:-1]) != line[-1]:
            raise BadInput(_("Line %(number)s of the share is mistyped: compare it letter by letter.", number=number))
    return _from_bits("".join(line[:-1] for line in lines))


def plain_letters(text: str) -> str:
    """Return what a person typed in upper case, half width, without blanks and hyphens."""
    return re.sub(r"[\s\-–—.·]", "", unicodedata.normalize("NFKC", text).upper())


def share_in_file(text: str) -> Share:
    """Return the share in a printed sheet or a plain text; raises BadInput when there is none."""
    lines = _LINE.findall(text)
    return read_share("".join(lines) if len(lines) == LINES else text)


def _from_bits(letters: str) -> Share:
    bits = 0
    for letter in letters:
        bits = bits << 5 | _VALUE[letter]
    content = (bits >> _SPARE_BITS).to_bytes(_CONTENT_BYTES + _CHECK_BYTES)
    body, check = content[:_CONTENT_BYTES], content[_CONTENT_BYTES:]
    version, number = body[0] >> 4, body[0] & 15
    sound = bits & ((1 << _SPARE_BITS) - 1) == 0 and check == _checksum(body)
    if not sound or version != VERSION or not 1 <= number <= SHARES:
        raise BadInput(_("These letters are no share: lines were swapped, left out, or belong to another sheet."))
    value = int.from_bytes(body[5 + FINGERPRINT_BYTES :])
    if value >= PRIME:
        raise BadInput(_("These letters are no share: lines were swapped, left out, or belong to another sheet."))
    return Share(
        campaign_id=int.from_bytes(body[1:5]),
        number=number,
        fingerprint=body[5 : 5 + FINGERPRINT_BYTES],
        value=value,
    )


def letters_of(digest: bytes, *, count: int) -> str:
    """Return the first `count` letters (5 bits each) of a digest, in groups of four."""
    bits = int.from_bytes(digest)
    room = len(digest) * 8
    return _grouped("".join(ALPHABET[bits >> (room - 5 * place) & 31] for place in range(1, count + 1)))


def _letters(content: bytes) -> str:
    bits = int.from_bytes(content) << _SPARE_BITS
    places = range((len(content) * 8 + _SPARE_BITS) // 5 - 1, -1, -1)
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in places)


def _pieces(letters: str, size: int) -> Iterator[str]:
    return (letters[start : start + size] for start in range(0, len(letters), size))


def _grouped(letters: str) -> str:
    return " ".join(_pieces(letters, 4))


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(b"wuping/share/1" + content).digest()[:_CHECK_BYTES]
