"""Blind signatures: the vector of RFC 9474 to the byte, and every way of getting one that is not due fails."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from survey.errors import BadInput
from survey.services.blind_signatures import blind, blind_sign, encode_pss, finalize, prepare, verify
from tests.services import rfc9474


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The RFC's key, from its two primes."""
    p, q, e = int(rfc9474.P, 16), int(rfc9474.Q, 16), 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, p * q),
    )
    return numbers.private_key()


@pytest.fixture(scope="module")
def small() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_the_vector_of_the_rfc_comes_out_to_the_byte(key: rsa.RSAPrivateKey) -> None:
    public = key.public_key()
    inverse = int(rfc9474.INV, 16)
    factor = pow(inverse, -1, public.public_numbers().n)
    prepared = prepare(bytes.fromhex(rfc9474.MSG), prefix=bytes.fromhex(rfc9474.MSG_PREFIX))
    blinded = blind(public, prepared, salt=bytes.fromhex(rfc9474.SALT), factor=factor)
    assert blinded.message.hex() == rfc9474.BLINDED_MSG
    assert blinded.inverse == inverse
    answer = blind_sign(key, blinded.message)
    assert answer.hex() == rfc9474.BLIND_SIG
    assert finalize(public, prepared, blind_signature=answer, inverse=inverse).hex() == rfc9474.SIG


@pytest.mark.parametrize("bits", [1024, 1025, 1026, 1031, 2048])
def test_the_encoding_verifies_for_every_width(bits: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    prepared = prepare(b"serial")
    blinded = blind(key.public_key(), prepared)
    answer = blind_sign(key, blinded.message)
    assert verify(
        key.public_key(),
        prepared,
        finalize(key.public_key(), prepared, blind_signature=answer, inverse=blinded.inverse),
    )


def test_one_message_is_blinded_differently_each_time_and_any_answer_fits_any_message(small: rsa.RSAPrivateKey) -> None:
    public, n = small.public_key(), small.public_key().public_numbers().n
    first, second = prepare(b"first"), prepare(b"second")
    salt = bytes(48)
    blinded = blind(public, first, salt=salt)
    assert blinded.message != blind(public, first, salt=salt).message
    # For the other message there is a factor that gives exactly what the signer saw: the signer cannot tell them apart.
    ratio = int.from_bytes(blinded.message) * pow(int.from_bytes(encode_pss(second, bits=2047, salt=salt)), -1, n) % n
    factor = pow(ratio, small.private_numbers().d, n)
    other = blind(public, second, salt=salt, factor=factor)
    assert other.message == blinded.message
    answer = blind_sign(small, blinded.message)
    for prepared, inverse in ((first, blinded.inverse), (second, other.inverse)):
        assert verify(public, prepared, finalize(public, prepared, blind_signature=answer, inverse=inverse))


@pytest.mark.parametrize("spoil", ["short", "long", "zero", "above"])
def test_a_message_that_does_not_fit_the_key_is_refused(small: rsa.RSAPrivateKey, spoil: str) -> None:
    n = small.public_key().public_numbers().n
    messages = {"short": bytes(255), "long": b"\1" * 257, "zero": bytes(256), "above": n.to_bytes(256)}
    with pytest.raises(BadInput):
        blind_sign(small, messages[spoil])


def test_a_wrong_answer_of_the_signer_is_found_at_once(small: rsa.RSAPrivateKey) -> None:
    prepared = prepare(b"serial")
    blinded = blind(small.public_key(), prepared)
    for answer in (secrets.token_bytes(255) + b"\1", bytes(10)):
        with pytest.raises(ValueError, match=r"invalid signature|unexpected"):
            finalize(small.public_key(), prepared, blind_signature=answer[:256], inverse=blinded.inverse)


def test_a_signature_serves_one_message_and_one_key(small: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey) -> None:
    public, prepared = small.public_key(), prepare(b"serial")
    blinded = blind(public, prepared)
    signature = finalize(public, prepared, blind_signature=blind_sign(small, blinded.message), inverse=blinded.inverse)
    assert verify(public, prepared, signature)
    assert not verify(public, prepare(b"serial"), signature)
    assert not verify(key.public_key(), prepared, signature)
    assert not verify(public, prepared, bytes([signature[0] ^ 1]) + signature[1:])
    assert not verify(public, prepared, b"")
