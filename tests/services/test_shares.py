"""Shares: two of three rebuild the key, one says nothing, and every slip of the pen is found."""

import itertools
import secrets

import pytest
from flask import Flask

from survey.errors import BadInput
from survey.services.shares import PRIME, Share, combine, read_share, share_in_file, split
from survey.services.slips import ALPHABET


def share(number: int = 2, value: int | None = None) -> Share:
    drawn = secrets.randbelow(PRIME) if value is None else value
    return Share(campaign_id=7, number=number, fingerprint=bytes(range(5)), value=drawn)


@pytest.mark.parametrize("secret", [0, 1, PRIME - 1, 2**255 + 12345])
def test_any_two_or_all_three_shares_rebuild_the_secret(secret: int) -> None:
    values = dict(enumerate(split(secret), start=1))
    for count in (2, 3):
        for some in itertools.combinations(values, count):
            assert combine({number: values[number] for number in some}) == secret


def test_one_share_fits_every_secret() -> None:
    value = split(secrets.randbelow(PRIME))[0]
    for secret in (0, 1, PRIME - 1):
        other = (secret + (value - secret) * 2) % PRIME
        assert combine({1: value, 2: other}) == secret


def test_splitting_twice_gives_other_shares() -> None:
    assert not set(split(5)) & set(split(5))


def test_a_third_share_that_lies_off_the_line_is_found() -> None:
    one, two, three = split(12345)
    assert combine({1: one, 2: two, 3: (three + 1) % PRIME}) is None


@pytest.mark.parametrize("value", [0, 1, PRIME - 1])
def test_the_prime_is_prime_and_the_largest_values_survive_print(app: Flask, value: int) -> None:
    assert all(pow(base, PRIME - 1, PRIME) == 1 for base in (2, 3, 5, 7, 11, 13))
    assert read_share("\n".join(share(value=value).lines)) == share(value=value)


def test_a_share_is_forgiven_case_blanks_hyphens_and_full_width_letters(app: Flask) -> None:
    mine = share()
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in mine.letters)
    for typed in (mine.letters.lower(), " - ".join(mine.lines), f"\n{wide}\n"):
        assert read_share(typed) == mine


def test_every_single_wrong_letter_is_found_and_its_line_is_named(app: Flask) -> None:
    letters = share().letters
    for place, letter in enumerate(letters):
        wrong = ALPHABET[(ALPHABET.index(letter) + 1) % 32]
        with pytest.raises(BadInput, match=str(place // 16 + 1)):
            read_share(letters[:place] + wrong + letters[place + 1 :])


@pytest.mark.parametrize("spoil", ["swapped lines", "a line of another share", "too short", "too long", "empty"])
def test_what_is_no_share_is_refused(app: Flask, spoil: str) -> None:
    lines = list(share().lines)
    spoilt = {
        "swapped lines": [lines[1], lines[0], *lines[2:]],
        "a line of another share": [*lines[:4], share().lines[4]],
        "too short": lines[:4],
        "too long": [*lines, lines[0]],
        "empty": [],
    }[spoil]
    with pytest.raises(BadInput):
        read_share("\n".join(spoilt))


def test_a_share_is_found_in_a_sheet_and_its_repr_keeps_it_secret(app: Flask) -> None:
    mine = share()
    sheet = "".join(f"<li>{line}</li>\n" for line in mine.lines)
    assert share_in_file(f"<html><p>PASS WORD</p>{sheet}</html>") == mine
    assert str(mine.value) not in repr(mine)
