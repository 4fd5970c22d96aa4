"""Blind RSA signatures: RSABSSA-SHA384-PSS-Randomized of RFC 9474 (Denis, Jacobs, Wood 2023).

The signer sees only a blinded message, which is uniformly distributed whatever the message is: not even unlimited
computing power links it to the signature that comes out. The scheme's other promise, that nobody can make a signature
without the signer, rests on RSA. Checked against the vector of RFC 9474, appendix A.1.
"""

import hashlib
import math
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA384

from survey.errors import N_, BadInput

HASH_BYTES = 48
SALT_BYTES = 48
PREFIX_BYTES = 32
# Against reading the exponent from many timings: each signature uses another, equal one.
_EXPONENT_BLIND_BITS = 64


@dataclass(frozen=True, kw_only=True)
class Blinded:
    """What the holder of a message keeps and sends: `message` goes to the signer, `inverse` unblinds the answer."""

    message: bytes
    inverse: int


def prepare(message: bytes, *, prefix: bytes | None = None) -> bytes:
    """Return the message behind 32 random bytes (Prepare, PrepareRandomize of RFC 9474, section 4.1).

    prefix: the random bytes, only for test vectors.
    """
    return (secrets.token_bytes(PREFIX_BYTES) if prefix is None else prefix) + message


def blind(key: RSAPublicKey, prepared: bytes, *, salt: bytes | None = None, factor: int | None = None) -> Blinded:
    """Return the prepared message, encoded by EMSA-PSS and blinded by a random factor (Blind, section 4.2).

    salt (48 bytes) and factor (invertible mod n) are given only for test vectors. Raises ValueError when the encoded
    message has no inverse, which happens only to who could factor n.
    """
    numbers = key.public_numbers()
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    encoded = int.from_bytes(encode_pss(prepared, bits=key.key_size - 1, salt=salt))
    factor = _random_unit(numbers.n) if factor is None else factor
    if math.gcd(encoded, numbers.n) != 1:
        raise ValueError("invalid input")
    blinded = encoded * pow(factor, numbers.e, numbers.n) % numbers.n
    return Blinded(message=blinded.to_bytes(_size(key)), inverse=pow(factor, -1, numbers.n))


def blind_sign(key: RSAPrivateKey, blinded: bytes) -> bytes:
    """Return the signature of a blinded message (BlindSign, section 4.3).

    Raises BadInput for a message of the wrong length or not below n. Python's whole numbers do not compute in constant
    time. So the base is blinded by a factor of our own and the exponents by random multiples of p-1 and q-1: what the
    timing depends on is random each time. The result is checked before it leaves, for one wrong half of the Chinese
    remainder would give the factors away.
    """
    private = key.private_numbers()
    n, e = private.public_numbers.n, private.public_numbers.e
    message = int.from_bytes(blinded)
    if len(blinded) != _size(key.public_key()) or not 0 < message < n:
        raise BadInput(N_("The blinded message does not fit the key."))
    factor = _random_unit(n)
    base = message * pow(factor, e, n) % n
    of_p = pow(base, private.dmp1 + secrets.randbits(_EXPONENT_BLIND_BITS) * (private.p - 1), private.p)
    of_q = pow(base, private.dmq1 + secrets.randbits(_EXPONENT_BLIND_BITS) * (private.q - 1), private.q)
    root = of_q + private.q * (private.iqmp * (of_p - of_q) % private.p)
    signature = root * pow(factor, -1, n) % n
    if pow(signature, e, n) != message:
        raise RuntimeError("signing failure")
    return signature.to_bytes(len(blinded))


def finalize(key: RSAPublicKey, prepared: bytes, *, blind_signature: bytes, inverse: int) -> bytes:
    """Return the signature of the prepared message, unblinded and verified (Finalize, section 4.4).

    Raises ValueError when the signer's answer is wrong.
    """
    n = key.public_numbers().n
    if len(blind_signature) != _size(key):
        raise ValueError("unexpected input size")
    signature = (int.from_bytes(blind_signature) * inverse % n).to_bytes(_size(key))
    if not verify(key, prepared, signature):
        raise ValueError("invalid signature")
    return signature


def verify(key: RSAPublicKey, prepared: bytes, signature: bytes) -> bool:
    """Tell whether the signature is the key's over the prepared message: RSASSA-PSS, SHA-384, salt of 48 bytes."""
    try:
        key.verify(signature, prepared, PSS(mgf=MGF1(SHA384()), salt_length=SALT_BYTES), SHA384())
    except InvalidSignature:
        return False
    return True


def encode_pss(message: bytes, *, bits: int, salt: bytes) -> bytes:
    """Return EMSA-PSS-ENCODE of a message (RFC 8017, section 9.1.1) with SHA-384, `bits` wide."""
    size = -(-bits // 8)
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = (b"\1" + salt).rjust(size - HASH_BYTES - 1, b"\0")
    masked = bytearray(a ^ b for a, b in zip(block, _mask(digest, len(block)), strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + digest + b"\xbc"


def _mask(seed: bytes, length: int) -> bytes:
    """Return MGF1 with SHA-384 (RFC 8017, appendix B.2.1)."""
    blocks = (hashlib.sha384(seed + count.to_bytes(4)).digest() for count in range(-(-length // HASH_BYTES)))
    return b"".join(blocks)[:length]


def _size(key: RSAPublicKey) -> int:
    return -(-key.key_size // 8)


def _random_unit(n: int) -> int:
    """Return a random invertible number below n."""
    while math.gcd(number := secrets.randbelow(n - 1) + 1, n) != 1:
        pass
    return number
