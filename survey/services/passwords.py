"""Passwords: the two profiles of the settings, what they refuse, and the argon2 hash that alone is kept.

djcp (等级保护): at least 8 characters of three classes, a new one every 90 days. asvs (OWASP ASVS 5.0, 6.2): at least
12 characters, no rule of composition and no expiry. Both refuse what an attacker tries first.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_babel import gettext as _

from survey.errors import BadInput

MOST_LETTERS = 200
# Letters that cannot be mistaken on paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CLASSES: tuple[Callable[[str], bool], ...] = (
    str.islower,
    str.isupper,
    str.isdigit,
    lambda letter: not letter.isalnum(),
    # Chinese, which has neither capitals nor small letters.
    lambda letter: letter.isalpha() and letter.lower() == letter.upper(),
)
# What people take first, here and elsewhere; compared without digits and signs around it.
_COMMON = frozenset(
    {"password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "pass", "admin", "administrator", "root", "user"}
    | {"guest", "test", "demo", "welcome", "login", "letmein", "changeme", "default", "secret", "master", "dragon"}
    | {"monkey", "sunshine", "princess", "football", "iloveyou", "woaini", "wodemima", "mima", "nihao", "hello"}
    | {"qwerty", "qwertyuiop", "qwertyuiopasdfghjkl", "qazwsx", "qazwsxedc", "asdf", "asdfgh", "asdfghjkl", "zxcvbnm"}
    | {"abc", "abcd", "abcdef", "abcdefgh", "aa", "zhongguo", "china", "beijing", "jiaoyu", "jiaoyuju", "school"}
    | {"xuexiao", "teacher", "laoshi", "xuesheng", "student", "wuping", "survey", "manyidu", "officer", "the", "my"}
    | {"qq", "weixin", "wechat", "huawei", "taobao", "google", "密码", "教育局", "五评"}
)
_ROWS = (
    "1234567890",
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)
_BETWEEN = re.compile(r"[\W\d_]+")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The rule of a profile. days: a password lasts so long, 0 for ever. classes: of lower, upper, digits, signs."""

    name: str
    shortest: int
    classes: int = 0
    days: int = 0


PROFILES = {
    "djcp": Profile(name="djcp", shortest=8, classes=3, days=90),
    "asvs": Profile(name="asvs", shortest=12),
}
_hasher = PasswordHasher()
# Checked when no such account exists, so that both answers take the same time.
_NOBODY = _hasher.hash(secrets.token_hex(16))


def profile() -> Profile:
    """Return the profile that the settings choose."""
    return PROFILES[current_app.config["WUPING"].login_profile]


def first_password() -> str:
    """Return a random first password: three groups of five letters, 74 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


def hash_password(text: str) -> str:
    """Return the argon2id hash. Takes a tenth of a second: always before a transaction, never inside."""
    return str(_hasher.hash(text))


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether the password fits; without a hash it takes as long and never fits."""
    try:
        return bool(_hasher.verify(password_hash or _NOBODY, password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def check_new_password(password: str, *, account: str) -> None:
    """Raise BadInput when the profile refuses a new password, or anybody would guess it."""
    rule = profile()
    if not rule.shortest <= len(password) <= MOST_LETTERS:
        raise BadInput(_("The new password needs at least %(length)s characters.", length=rule.shortest))
    if sum(any(map(belongs, password)) for belongs in _CLASSES) < rule.classes:
        raise BadInput(_("The new password needs three of these: small letters, capitals, digits, signs."))
    if _is_guessable(password, account):
        raise BadInput(_("This password is one of the first that anybody would try. Take several unrelated words."))


def _is_guessable(password: str, account: str) -> bool:
    """Tell whether a password is nothing but common words, the account's name, a repeated piece or a row of keys."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    words = set(_BETWEEN.split(plain)) - {""} or {plain}
    known = _COMMON | set(_BETWEEN.split(account.casefold())) | {account.casefold()}
    return words <= known or _AROUND.sub("", plain) in known or _period(plain) <= 4 or _is_row(plain)


def _period(text: str) -> int:
    """Return the length of the shortest piece of which the whole text is repetitions, the text's own if none."""
    return (text + text).find(text, 1)


def _is_row(text: str) -> bool:
    """Tell whether a text runs along the alphabet, the digits or the keyboard, forwards or backwards."""
    return any(text in line * 2 or text[::-1] in line * 2 for line in _ROWS)


def has_expired(password_set: str) -> bool:
    """Tell whether an own password, set on that day (ISO, UTC), is older than the profile lets it be."""
    days = profile().days
    return bool(days and password_set and today() - date.fromisoformat(password_set) >= timedelta(days=days))


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()
