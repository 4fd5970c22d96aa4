"""Passwords: what each profile takes and refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from survey.config import Config, load_config
from survey.errors import BadInput
from survey.services import passwords
from survey.services.passwords import check_new_password, has_expired, matches, today

Choose = Callable[[str], None]
REFUSED = """kT9#vv20-Lm 123456789012 password1234 Password!2026 qwertyuiop[] abcabcabcabc aaaaaaaaaaaa zhang.san2026
ZHANG.SAN-12345 ｐａｓｓｗｏｒｄ１２３４ wuping-2026-admin 987654321098 1qaz2wsx3edc4rfv"""


@pytest.fixture
def choose(app: Flask, config: Config) -> Choose:
    return lambda name: app.config.update(WUPING=replace(config, login_profile=name))


def refused(password: str, account: str = "zhang.san") -> bool:
    try:
        check_new_password(password, account=account)
    except BadInput:
        return True
    return False


@pytest.mark.parametrize(
    "password", ["a long enough password", "四个不相干的词语拼成一句话", "kT9#vv20-Lmz", "correct horse battery"]
)
def test_asvs_takes_any_twelve_characters(choose: Choose, password: str) -> None:
    choose("asvs")
    assert not refused(password)


@pytest.mark.parametrize("password", [*REFUSED.split(), "x" * 201])
def test_asvs_refuses_what_is_short_or_tried_first(choose: Choose, password: str) -> None:
    choose("asvs")
    assert refused(password)


@pytest.mark.parametrize(
    ("password", "taken"),
    {
        **dict.fromkeys(("Teatime7", "teatime-7", "喝热茶去Tea7"), True),
        **dict.fromkeys(("teatime7", "TEATIME-", "Te-7", "Passw0rd", "a long enough password"), False),
    }.items(),
)
def test_djcp_wants_eight_characters_of_three_classes(choose: Choose, password: str, taken: bool) -> None:
    choose("djcp")
    assert refused(password) is not taken


def test_djcp_expires_after_ninety_days_and_asvs_never(choose: Choose) -> None:
    old, fresh = ((today() - timedelta(days=days)).isoformat() for days in (90, 89))
    choose("djcp")
    assert has_expired(old)
    assert not has_expired(fresh)
    assert not has_expired("")
    choose("asvs")
    assert not has_expired(old)


def test_without_an_account_a_hash_is_still_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Hasher:
        def verify(self, hashed: str, _password: str) -> bool:
            compared.append(hashed)
            return True

    monkeypatch.setattr(passwords, "_hasher", Hasher())
    assert not matches(None, "known")
    assert compared == [passwords._NOBODY]


def test_an_unknown_profile_is_refused_at_the_start(tmp_path: object) -> None:
    with pytest.raises(BadInput, match="login_profile"):
        load_config({"SURVEY_INSTANCE": str(tmp_path), "SURVEY_LOGIN_PROFILE": "none"})
