"""Voiding an electorate that votes by token: no old token counts, everybody may fetch a new one, and all balances."""

import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from flask import Flask
from sqlalchemy import func, select

from survey.errors import BallotRefused, Conflict
from survey.extensions import db
from survey.models.ballots import cast_mark, slip, voided_page
from survey.models.campaigns import Evaluation, RaterGroup, Target
from survey.models.tokens import TokenKey, token_issue
from survey.queries.tokens import key_list, token_groups
from survey.queries.turnout import relation_turnout
from survey.services import mixing, tokens
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.blind_signatures import blind, finalize, prepare
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.populations import population_of
from survey.services.slips import add_slips, issue_slips
from survey.services.tallies import load_axes
from survey.services.tokens import Token
from survey.services.voiding import Unit, Voided, void_unit

STAFF, OTHER = "T-101", "T-102"
REASON: dict[str, Any] = {"reason": "校长要求统一填写", "actor": "zhang"}


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open campaign whose teachers and principals vote by token; its slips are made."""
    number, _made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    issue_slips(number, actor="test")
    return number


def group_id(code: str = STAFF) -> int:
    return db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == code)).one()


def counters() -> tuple[int, int, int]:
    """Rights that were taken, voided and begun in the staff of school 101."""
    db.session.rollback()
    found = db.session.scalars(select(RaterGroup).where(RaterGroup.code == STAFF)).one()
    marks = select(func.count(slip.c.hmac.distinct())).join(cast_mark, cast_mark.c.hmac == slip.c.hmac)
    return found.issued, found.voided, db.session.scalar(marks.where(slip.c.group_id == found.id)) or 0


def fetch(staff_code: str, code: str = STAFF) -> Token:
    number = group_id(code)
    key = load_der_public_key(bytes(db.session.get_one(TokenKey, number, populate_existing=True).public_key))
    assert isinstance(key, RSAPublicKey)
    prepared = prepare(secrets.token_bytes(32))
    blinded = blind(key, prepared)
    answer = tokens.sign(staff_code, number, blinded.message)
    tokens.confirm(staff_code, number)
    signature = finalize(key, prepared, blind_signature=answer, inverse=blinded.inverse)
    return Token(group_id=number, prepared=prepared, signature=signature)


def vote(holder: Holder, level: int = 5) -> None:
    while (page := find_progress(holder).next_page) is not None:
        cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=pack_payload(bytes([level] * 10)))


def hand_in(token: Token) -> Holder:
    return tokens.redeem(tokens.write_token(token))


def void(campaign: int, code: str = STAFF) -> Voided:
    return void_unit(campaign, Unit(group=code), **REASON)


def refused(token: Token) -> str:
    with pytest.raises(BallotRefused) as caught:
        find_progress(hand_in(token))
    return caught.value.kind


def test_no_old_token_counts_and_everybody_fetches_a_new_one(campaign: int) -> None:
    voted = [fetch(f"T1{place:02}") for place in range(6)]
    for token in voted:
        vote(hand_in(token))
    mixing.mix()
    handed_in, kept = fetch("T106"), fetch("T107")
    hand_in(handed_in)
    other = fetch("T200", OTHER)
    done = void(campaign)
    assert (done.pages, done.slips, done.issued) == (6, 8, ())
    balance = balance_of(campaign)
    assert (balance.faults, balance.voided_pages, balance.begun) == ((), 6, 0)
    assert {refused(token) for token in (voted[0], handed_in, kept)} == {"voided"}
    assert tokens.rights("T100")[0].again
    for place in range(7):
        vote(hand_in(fetch(f"T1{place:02}")), 4)
    vote(hand_in(other))
    assert counters() == (15, 8, 7)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    balance = balance_of(campaign)
    assert (balance.faults, balance.mixed, balance.counted, balance.voided_pages) == ((), 8, 8, 6)


def test_who_fetched_is_noted_once_more_and_in_the_order_of_staff_codes(campaign: int) -> None:
    for staff_code in ("T107", "T102"):
        fetch(staff_code)
    void(campaign)
    fetch("T107")
    with pytest.raises(Conflict):
        tokens.want_paper("T107", group_id())
    mixing.mix()
    rows = db.session.execute(select(token_issue.c.staff_code, token_issue.c.voided, token_issue.c.fresh)).all()
    assert sorted(map(tuple, rows)) == [("T102", 1, False), ("T107", 0, False), ("T107", 1, False)]


def test_a_message_blinded_for_the_old_key_is_refused_and_costs_no_right(campaign: int) -> None:
    number = group_id()
    old = db.session.get_one(TokenKey, number).fingerprint
    blinded = secrets.token_bytes(255).rjust(256, b"\0")
    void(campaign)
    with pytest.raises(Conflict):
        tokens.sign("T100", number, blinded, fingerprint=old)
    assert tokens.rights("T100")[0].taken is None
    assert old not in {key.fingerprint for key in key_list(campaign, page=1).keys}
    vote(hand_in(fetch("T100")))


def test_paper_in_place_of_a_token_is_voided_and_who_waits_goes_on_waiting(campaign: int) -> None:
    tokens.want_paper("T100", group_id())
    codes = add_slips(campaign, STAFF, 1, reason="paper", actor="test").codes
    vote(Holder(code=codes[0]))
    tokens.want_paper("T101", group_id())
    assert void(campaign).slips == 1
    with pytest.raises(BallotRefused):
        find_progress(Holder(code=codes[0]))
    assert [found.waiting for found in token_groups(campaign) if found.waiting] == [(("T101", "教师101"),)]
    tokens.want_paper("T100", group_id())
    for code in add_slips(campaign, STAFF, 2, reason="paper", actor="test").codes:
        vote(Holder(code=code))
    assert balance_of(campaign).faults == ()
    assert counters() == (3, 1, 2)


def test_after_the_close_the_electorate_stays_without_a_result(campaign: int) -> None:
    voted = [fetch(f"T1{place:02}") for place in range(11)]
    for token in voted[:10]:
        vote(hand_in(token))
    tokens.want_paper("T111", group_id())
    move_campaign(campaign, "closed", actor="test")
    assert void(campaign).slips == 12
    assert {refused(token) for token in (voted[0], voted[10])} == {"voided"}
    move_campaign(campaign, "tallied", actor="test")
    assert balance_of(campaign).faults == ()
    evaluation = db.session.scalars(select(Evaluation).where(Evaluation.relation == "teacher_principal")).one()
    axes = load_axes(evaluation.id)
    targets = [db.session.get_one(Target, number) for number in axes.target_ids]
    population = population_of(evaluation, axes, targets)
    assert dict(zip(axes.target_codes, population.eligible_slips, strict=True)) == {"H1": 0, "H2": 12}
    row = next(row for row in relation_turnout(campaign) if row.relation == "teacher_principal")
    assert row.rights == 12


def test_the_electorate_counts_whole_again_after_a_second_vote(campaign: int) -> None:
    for place in range(12):
        vote(hand_in(fetch(f"T1{place:02}")))
    void(campaign)
    for place in range(5):
        vote(hand_in(fetch(f"T1{place:02}")))
    row = next(row for row in relation_turnout(campaign) if row.relation == "teacher_principal")
    assert (row.issued, row.voided, row.begun, row.rights) == (17, 12, 5, 24)
    assert balance_of(campaign).faults == ()


def test_an_electorate_may_be_voided_twice(campaign: int) -> None:
    first = fetch("T100")
    vote(hand_in(first))
    void(campaign)
    second = fetch("T100")
    void(campaign)
    assert {refused(first), refused(second)} == {"voided"}
    vote(hand_in(fetch("T100")))
    assert balance_of(campaign).faults == ()
    assert counters() == (3, 2, 1)
    assert db.session.scalar(select(func.count()).select_from(voided_page)) == 1


def test_the_school_is_voided_with_its_tokens(campaign: int) -> None:
    vote(hand_in(fetch("T100")))
    done = void_unit(campaign, Unit(relation="teacher_principal", school="101"), **REASON)
    assert (done.name, done.pages, done.slips) == ("第1小学", 1, 1)


def test_more_tokens_than_rights_are_found_after_a_voiding_too(campaign: int) -> None:
    fetch("T100")
    void(campaign)
    number = group_id()
    db.session.execute(slip.insert(), {"hmac": secrets.token_bytes(32), "group_id": number, "voided": False})
    db.session.commit()
    assert balance_of(campaign).faults == ("T-101: more tokens handed in than signed",)
