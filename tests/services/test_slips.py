"""Slips: random, shown once, kept only as HMAC; unused ones can be replaced, begun ones never."""

import secrets
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.ballots import slip
from survey.models.campaigns import RaterGroup
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.slip_files import write_slips
from survey.services.slips import (
    ALPHABET,
    add_slips,
    clean_code,
    code_hmac,
    issue_slips,
    new_code,
    reissue_slips,
)

GROUP = "T-101"
Codes = dict[str, tuple[str, ...]]


def test_one_slip_per_expected_respondent(codes: Codes) -> None:
    groups = db.session.scalars(select(RaterGroup)).all()
    assert {group.code: len(codes[group.code]) for group in groups} == {group.code: group.enrolled for group in groups}
    assert db.session.scalar(select(func.count()).select_from(slip)) == sum(map(len, codes.values()))


def test_the_database_knows_only_the_hmac(app: Flask, codes: Codes) -> None:
    keys = set(db.session.scalars(select(slip.c.hmac)))
    assert code_hmac(codes[GROUP][0]) in keys
    assert all(len(key) == 32 for key in keys)


def test_slips_are_made_once(codes: Codes, campaign: int) -> None:
    with pytest.raises(Conflict):
        issue_slips(campaign, actor="test")


def test_reissue_voids_unused_slips_and_keeps_begun_ones(codes: Codes, campaign: int) -> None:
    begun = Holder(code=codes[GROUP][0])
    cast(begun, target_code="H1", form=secrets.token_hex(16), payload=pack_payload(bytes([4] * 8)))
    new = reissue_slips(campaign, GROUP, actor="test")
    assert len(new.codes) == len(codes[GROUP]) - 1
    assert find_progress(begun).next_page is None
    balance = balance_of(campaign)
    assert (balance.voided, balance.begun, balance.faults) == (11, 1, ())


def test_extra_slips_need_a_reason_and_a_group(codes: Codes, campaign: int) -> None:
    assert len(add_slips(campaign, GROUP, 2, reason="转入", actor="test").codes) == 2
    with pytest.raises(BadInput):
        add_slips(campaign, GROUP, 2, reason=" ", actor="test")
    with pytest.raises(BadInput):
        add_slips(campaign, GROUP, 0, reason="转入", actor="test")
    with pytest.raises(NotFound):
        add_slips(campaign, "T-999", 1, reason="转入", actor="test")
    with pytest.raises(NotFound):
        add_slips(campaign, "O-BUREAU", 1, reason="转入", actor="test")


@given(st.integers(0, 15), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_always_noticed(place: int, letter: str) -> None:
    code = new_code()
    wrong = code[:place] + letter + code[place + 1 :]
    assert clean_code(wrong) == (code if wrong == code else None)


def test_files_of_an_earlier_call_are_set_aside_not_overwritten(campaign: int, tmp_path: Path) -> None:
    write_slips(issue_slips(campaign, actor="test"), campaign_id=campaign, directory=tmp_path)
    first = (tmp_path / "slips.csv").read_bytes()
    write_slips([reissue_slips(campaign, GROUP, actor="test")], campaign_id=campaign, directory=tmp_path)
    assert (tmp_path / "earlier-1" / "slips.csv").read_bytes() == first
    assert (tmp_path / "slips.csv").read_text(encoding="utf-8-sig").count("\n") == 13


def test_codes_use_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("01IO") & set(ALPHABET)
