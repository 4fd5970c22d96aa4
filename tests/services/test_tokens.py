"""Blind-signed tokens: once for each person, once for each token, and nothing ties the two."""

import secrets
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from flask import Flask
from sqlalchemy import func, inspect, select, text, update

from survey.database import is_sqlite
from survey.errors import BallotRefused, Conflict, NotFound, Unavailable
from survey.extensions import db
from survey.models.ballots import cast_mark, slip
from survey.models.campaigns import Campaign, Evaluation, RaterGroup, Target
from survey.models.organisations import Teacher
from survey.models.tokens import TokenKey, token_issue
from survey.queries.tokens import token_groups
from survey.services import mixing, tokens
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.blind_signatures import Blinded, blind, finalize, prepare
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.populations import population_of
from survey.services.slips import add_slips, issue_slips
from survey.services.tallies import load_axes
from survey.services.tokens import Token
from tests.conftest import stage

GROUP = "T-101"


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open campaign whose teachers and principals vote by token."""
    return stage("tokens", _make_campaign)


def _make_campaign() -> int:
    number, made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    slips = {evaluation.relation: evaluation.slips for evaluation in made}
    assert slips["teacher_principal"] == slips["principal_department"] == 0 < slips["parent_school"]
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    return number


def group_id(code: str = GROUP) -> int:
    return db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == code)).one()


def public_key(group: int) -> RSAPublicKey:
    key = load_der_public_key(bytes(db.session.get_one(TokenKey, group).public_key))
    assert isinstance(key, RSAPublicKey)
    return key


def make(group: int) -> tuple[bytes, Blinded]:
    """What a browser makes: a prepared message, and it blinded."""
    prepared = prepare(secrets.token_bytes(32))
    return prepared, blind(public_key(group), prepared)


def fetch(staff_code: str, code: str = GROUP) -> Token:
    """Fetch a token as a browser does."""
    group = group_id(code)
    prepared, blinded = make(group)
    answer = tokens.sign(staff_code, group, blinded.message)
    tokens.confirm(staff_code, group)
    signature = finalize(public_key(group), prepared, blind_signature=answer, inverse=blinded.inverse)
    return Token(group_id=group, prepared=prepared, signature=signature)


def vote(holder: Holder) -> None:
    while (page := find_progress(holder).next_page) is not None:
        payload = pack_payload(bytes([5] * 10))
        cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=payload)


def count(table: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def refused(letters: str) -> str:
    with pytest.raises(BallotRefused) as caught:
        tokens.redeem(letters)
    return caught.value.kind


def test_a_token_leads_to_a_ballot_and_to_nobody(campaign: int) -> None:
    token = fetch("T100")
    holder = tokens.redeem(tokens.write_token(token))
    assert find_progress(holder).electorate.relation == "teacher_principal"
    vote(holder)
    assert find_progress(Holder(code=token.code)).next_page is None
    assert balance_of(campaign).faults == ()
    assert (balance_of(campaign).issued, balance_of(campaign).begun, balance_of(campaign).unused) == (1, 1, 0)


def test_principals_rate_the_departments_by_token(campaign: int) -> None:
    holder = tokens.redeem(tokens.write_token(fetch("H1", "H-BUREAU")))
    assert find_progress(holder).electorate.relation == "principal_department"
    with pytest.raises(NotFound):
        tokens.sign("H1", group_id(), bytes(256))


def test_letters_come_back_as_the_token_whatever_is_between_them(campaign: int) -> None:
    token = fetch("T100")
    letters = tokens.write_token(token)
    assert len(letters) == tokens.TOKEN_LETTERS
    assert tokens.read_token(f" {letters[:9].lower()}\n{letters[9:300]} - {letters[300:]}") == token
    assert tokens.read_token(letters[:-1]) is None
    assert tokens.read_token(letters[:-1] + "Z") is None
    assert tokens.read_token("1" + letters[1:]) is None


def test_a_person_gets_one_signature_and_only_a_lost_reply_gets_it_again(campaign: int) -> None:
    group = group_id()
    (_first, blinded), (_second, other) = make(group), make(group)
    answer = tokens.sign("T100", group, blinded.message)
    assert tokens.sign("T100", group, blinded.message) == answer
    with pytest.raises(Conflict):
        tokens.sign("T100", group, other.message)
    tokens.confirm("T100", group)
    with pytest.raises(Conflict):
        tokens.sign("T100", group, blinded.message)
    with pytest.raises(Conflict):
        tokens.want_paper("T100", group)
    assert balance_of(campaign).issued == 1


def test_twenty_requests_of_one_person_at_once_give_one_right(app: Flask, campaign: int) -> None:
    group, outcomes = group_id(), Counter[str]()
    messages = [make(group)[1].message for _number in range(20)]

    def work(message: bytes) -> None:
        with app.app_context():
            try:
                tokens.sign("T100", group, message)
                outcomes["signed"] += 1
            except Conflict:
                outcomes["refused"] += 1
            db.session.remove()

    threads = [threading.Thread(target=work, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"signed": 1, "refused": 19}
    assert count(token_issue) == balance_of(campaign).issued == 1


def test_others_have_no_right_here(campaign: int) -> None:
    db.session.execute(update(Teacher).where(Teacher.code == "T101").values(left=True))
    db.session.commit()
    for staff_code in ("T200", "H1", "T101", "nobody", ""):
        with pytest.raises(NotFound):
            tokens.sign(staff_code, group_id(), bytes(256))
    assert count(token_issue) == 0


def test_a_token_is_handed_in_twice_and_counts_once(campaign: int) -> None:
    letters = tokens.write_token(fetch("T100"))
    first, again = tokens.redeem(letters), tokens.redeem(letters)
    assert first == again
    vote(first)
    assert find_progress(again).next_page is None
    assert (count(slip), balance_of(campaign).begun) == (1, 1)


def test_forged_and_spoiled_tokens_are_unknown(campaign: int) -> None:
    token, other = fetch("T100"), group_id("T-102")
    forged = [
        Token(group_id=token.group_id, prepared=prepare(secrets.token_bytes(32)), signature=token.signature),
        Token(group_id=token.group_id, prepared=token.prepared, signature=secrets.token_bytes(256)),
        Token(group_id=token.group_id, prepared=token.prepared, signature=bytes(256)),
        Token(group_id=other, prepared=token.prepared, signature=token.signature),
        Token(group_id=group_id("P-101-三年级1班"), prepared=token.prepared, signature=token.signature),
        Token(group_id=2**32 - 1, prepared=token.prepared, signature=token.signature),
    ]
    assert {refused(tokens.write_token(bad)) for bad in forged} == {"unknown"}
    assert refused("") == "unknown"
    assert count(slip) == 0


def test_before_the_first_day_and_after_the_close_no_token_is_taken(campaign: int) -> None:
    row = db.session.get_one(Campaign, campaign)
    letters, late = tokens.write_token(fetch("T100")), tokens.write_token(fetch("T101"))
    row.first_day += timedelta(days=1)
    db.session.commit()
    assert refused(letters) == "not_open"
    row.first_day -= timedelta(days=1)
    db.session.commit()
    vote(tokens.redeem(letters))
    move_campaign(campaign, "closed", actor="test")
    assert find_progress(tokens.redeem(letters)).next_page is None
    assert refused(late) == "closed"


def test_tokens_are_fetched_before_the_campaign_opens(county: Flask) -> None:
    number, _made = create_campaign(
        name="先领", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    move_campaign(number, "ready", actor="test")
    letters = tokens.write_token(fetch("T100"))
    assert refused(letters) == "not_open"
    move_campaign(number, "open", actor="test")
    assert tokens.redeem(letters).group_id == group_id()


def test_the_close_forgets_the_private_keys(campaign: int) -> None:
    fetch("T100")
    group = group_id()
    blinded = make(group)[1]
    tokens.sign("T101", group, blinded.message)
    move_campaign(campaign, "closed", actor="test")
    assert set(db.session.scalars(select(TokenKey.private_key))) == {b""}
    assert set(db.session.scalars(select(token_issue.c.retry))) == {None}
    with pytest.raises(NotFound):
        tokens.sign("T102", group, blinded.message)


def test_after_the_close_nobody_knows_who_took_a_right(campaign: int) -> None:
    vote(tokens.redeem(tokens.write_token(fetch("T100"))))
    tokens.want_paper("T101", group_id())
    before = balance_of(campaign)
    move_campaign(campaign, "closed", actor="test")
    assert {group.waiting for group in token_groups(campaign)} == {()}
    rows = db.session.execute(select(token_issue)).all()
    assert sorted((row.paper, row.voided, row.retry) for row in rows) == [(0, 0, None), (1, 0, None)]
    assert not {row.staff_code for row in rows} & set(db.session.scalars(select(Teacher.code)))
    assert [row.staff_code for row in rows] == sorted(row.staff_code for row in rows)
    after = balance_of(campaign)
    assert (after.faults, after.issued, after.begun) == ((), before.issued, before.begun) == ((), 2, 1)


@pytest.mark.parametrize("way", ["token", "paper"])
def test_a_right_that_meets_the_close_is_not_given_any_more(
    campaign: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = group_id()
    blinded = make(group)[1].message
    hold = tokens._hold_key

    def close_first(*given: Any) -> Any:
        # As if it had been committed while this person's request waited for the key.
        db.session.rollback()
        move_campaign(campaign, "closed", actor="test")
        db.session.connection(execution_options={"immediate": True})
        return hold(*given)

    monkeypatch.setattr(tokens, "_hold_key", close_first)
    with pytest.raises(NotFound):
        tokens.sign("T100", group, blinded) if way == "token" else tokens.want_paper("T100", group)
    assert count(token_issue) == 0


def test_a_key_that_was_moved_or_changed_signs_nothing(campaign: int) -> None:
    here, there = group_id(), group_id("T-102")
    foreign = db.session.get_one(TokenKey, there)
    values = {"private_key": foreign.private_key, "public_key": foreign.public_key}
    db.session.execute(update(TokenKey).where(TokenKey.group_id == here).values(**values))
    db.session.commit()
    with pytest.raises(Unavailable):
        tokens.sign("T100", here, bytes(255) + b"\2")
    assert count(token_issue) == 0


def test_private_keys_are_stored_encrypted_and_each_electorate_has_its_own(campaign: int) -> None:
    keys = db.session.scalars(select(TokenKey)).all()
    assert {key.group_id for key in keys} == {group_id(code) for code in (GROUP, "T-102", "H-BUREAU")}
    assert len({key.fingerprint for key in keys}) == 3
    for key in keys:
        modulus = load_der_public_key(bytes(key.public_key)).public_numbers().n.to_bytes(256)  # type: ignore[union-attr]
        assert modulus in bytes(key.public_key)
        assert modulus not in bytes(key.private_key)


def test_issue_rows_hold_neither_time_nor_order_nor_anything_of_a_token(campaign: int) -> None:
    columns = {column["name"] for column in inspect(db.engine).get_columns("token_issue")}
    assert columns == {"evaluation_id", "staff_code", "voided", "group_id", "paper", "retry", "fresh"}
    made = [fetch(f"T1{place:02}") for place in (7, 2, 9, 4)]
    for token in made:
        vote(tokens.redeem(tokens.write_token(token)))
    issued = {bytes(str(value), "utf-8") for row in db.session.execute(select(token_issue)) for value in row}
    stored = {bytes(value) for row in db.session.execute(select(slip.c.hmac)) for value in row}
    marks = {bytes(value) for row in db.session.execute(select(cast_mark.c.hmac)) for value in row}
    assert issued == {b"T102", b"T104", b"T107", b"T109", b"None", b"True", b"0", *_numbers(made)}
    assert stored == marks == {Holder(code=token.code).key for token in made}


def _numbers(made: list[Token]) -> set[bytes]:
    evaluation = db.session.scalars(select(RaterGroup.evaluation_id).where(RaterGroup.id == made[0].group_id)).one()
    return {str(evaluation).encode(), str(made[0].group_id).encode()}


def test_every_answer_of_the_server_fits_every_token_equally_well(campaign: int) -> None:
    """Whoever kept all that the server saw of two people still finds a factor for either pairing."""
    group = group_id()
    n = public_key(group).public_numbers().n
    seen, found = [], []
    for staff_code in ("T100", "T101"):
        prepared, blinded = make(group)
        answer = tokens.sign(staff_code, group, blinded.message)
        seen.append((int.from_bytes(blinded.message), int.from_bytes(answer)))
        signature = finalize(public_key(group), prepared, blind_signature=answer, inverse=blinded.inverse)
        found.append(int.from_bytes(signature))
    for blinded_number, answer_number in seen:
        for signature_number in found:
            factor = answer_number * pow(signature_number, -1, n) % n
            encoded = pow(signature_number, 65537, n)
            assert encoded * pow(factor, 65537, n) % n == blinded_number


@pytest.mark.skipif("os.environ.get('SURVEY_TEST_POSTGRESQL')", reason="reads SQLite's file")
def test_the_file_forgets_the_order_in_which_tokens_were_fetched(app: Flask, campaign: int) -> None:
    order = ["T107", "T102", "T109", "T104", "T110", "T101"]
    for staff_code in order:
        fetch(staff_code)
    file = app.config["WUPING"].instance / "wuping.sqlite3"
    assert is_sqlite()
    path = file if file.exists() else next(app.config["WUPING"].instance.glob("*.sqlite*"))
    mixing.checkpoint(must=True)
    assert _places(path.read_bytes(), order) != sorted(order, reverse=True)
    mixing.mix()
    assert _places(path.read_bytes(), order) == sorted(order, reverse=True)
    assert path.with_name(path.name + "-wal").stat().st_size == 0


@pytest.mark.skipif("os.environ.get('SURVEY_TEST_POSTGRESQL')", reason="reads SQLite's file")
def test_after_the_close_the_file_holds_no_staff_code_of_a_right(app: Flask, campaign: int) -> None:
    path = app.config["WUPING"].instance / "wuping.sqlite3"
    mixing.cover_tracks()
    before = path.read_bytes().count(b"T104")
    fetch("T104")
    mixing.mix()
    assert path.read_bytes().count(b"T104") > before
    move_campaign(campaign, "closed", actor="test")
    mixing.cover_tracks()
    assert path.read_bytes().count(b"T104") == before
    assert path.with_name(path.name + "-wal").stat().st_size == 0


def _places(content: bytes, codes: list[str]) -> list[str]:
    """Return the staff codes in the order in which the page of issue rows holds them (cells grow downwards)."""
    page = next(
        content[at : at + 4096]
        for at in range(0, len(content), 4096)
        if all(c.encode() in content[at : at + 4096] for c in codes) and content[at] == 10
    )
    return sorted(codes, key=lambda code: page.rindex(code.encode()))


def test_the_rewriting_loses_nothing_and_rests_when_nothing_came(campaign: int) -> None:
    for staff_code in ("T107", "T102"):
        fetch(staff_code)
    before = set(db.session.execute(select(token_issue.c.staff_code, token_issue.c.paper)).all())
    db.session.rollback()
    mixing.mix()
    assert set(db.session.execute(select(token_issue.c.staff_code, token_issue.c.paper)).all()) == before
    assert not db.session.scalar(select(token_issue.c.fresh).where(token_issue.c.fresh))
    assert balance_of(campaign).faults == ()


@pytest.mark.skipif("not os.environ.get('SURVEY_TEST_POSTGRESQL')", reason="asks PostgreSQL for its row numbers")
def test_no_transaction_number_tells_who_fetched_before_whom(campaign: int) -> None:
    for staff_code in ("T107", "T102", "T109"):
        fetch(staff_code)
    numbers = text("SELECT DISTINCT xmin::text FROM token_issue")
    assert len(db.session.scalars(numbers).all()) > 1
    db.session.rollback()
    mixing.mix()
    assert len(db.session.scalars(numbers).all()) == 1
    for place in range(10, 12):
        vote(tokens.redeem(tokens.write_token(fetch(f"T1{place}"))))
    move_campaign(campaign, "closed", actor="test")
    assert len(db.session.scalars(text("SELECT DISTINCT xmin::text FROM slip")).all()) == 1


def test_nothing_of_fetching_stands_in_the_audit_log(campaign: int) -> None:
    before = db.session.scalar(text("SELECT count(*) FROM audit"))
    fetch("T100")
    tokens.want_paper("T101", group_id())
    assert db.session.scalar(text("SELECT count(*) FROM audit")) == before


def test_more_tokens_than_rights_are_a_fault_of_the_balance(campaign: int) -> None:
    tokens.redeem(tokens.write_token(fetch("T100")))
    group = group_id()
    prepared = prepare(secrets.token_bytes(32))
    blinded = blind(public_key(group), prepared)
    # Somebody signs with a stolen key.
    answer = tokens.blind_sign(tokens._private_key(group)[1], blinded.message)
    signature = finalize(public_key(group), prepared, blind_signature=answer, inverse=blinded.inverse)
    tokens.redeem(tokens.write_token(Token(group_id=group, prepared=prepared, signature=signature)))
    assert balance_of(campaign).faults == ("T-101: more tokens handed in than signed",)


def test_who_wants_paper_gets_a_slip_that_counts_once(campaign: int) -> None:
    issued = {group.group: group.codes for group in issue_slips(campaign, actor="test")}
    assert issued[GROUP] == issued["H-BUREAU"] == ()
    printed = balance_of(campaign).issued
    group = group_id()
    tokens.want_paper("T100", group)
    tokens.want_paper("T103", group)
    with pytest.raises(Conflict):
        tokens.sign("T100", group, bytes(255) + b"\2")
    assert [group.waiting for group in token_groups(campaign) if group.waiting] == [
        (("T100", "教师100"), ("T103", "教师103"))
    ]
    with pytest.raises(Conflict):
        add_slips(campaign, GROUP, 3, reason="paper", actor="test")
    codes = add_slips(campaign, GROUP, 2, reason="paper", actor="test").codes
    for code in codes:
        vote(Holder(code=code))
    with pytest.raises(Conflict):
        add_slips(campaign, GROUP, 2, reason="paper", actor="test")
    vote(tokens.redeem(tokens.write_token(fetch("T105"))))
    balance = balance_of(campaign)
    assert balance.faults == ()
    assert (balance.issued - printed, balance.begun) == (3, 3)


def test_a_plain_campaign_has_neither_keys_nor_tokens(county: Flask) -> None:
    number, _made = create_campaign(
        name="普通", year=2026, template="five", first_day=None, last_day=None, actor="test"
    )
    move_campaign(number, "ready", actor="test")
    assert count(TokenKey) == 0
    assert tokens.rights("T100") == []
    assert {row.kind for row in db.session.scalars(select(RaterGroup))} == {"slip", "open"}


def test_the_whole_way_to_the_release_counts_the_electorate_not_the_fetched_tokens(campaign: int) -> None:
    for place in range(10):
        vote(tokens.redeem(tokens.write_token(fetch(f"T1{place:02}"))))
    for state in ("closed", "tallied"):
        move_campaign(campaign, state, actor="test")
    assert balance_of(campaign).faults == ()
    assert count(slip) == 10
    evaluation = db.session.scalars(select(Evaluation).where(Evaluation.relation == "teacher_principal")).one()
    axes = load_axes(evaluation.id)
    targets = [db.session.get_one(Target, number) for number in axes.target_ids]
    issued = dict(zip(axes.target_codes, population_of(evaluation, axes, targets).eligible_slips, strict=True))
    assert issued == {"H1": 12, "H2": 12}
