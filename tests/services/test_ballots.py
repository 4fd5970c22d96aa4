"""Casting: once, durably, untraceably, and only while the campaign is open."""

import secrets
import threading
from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select

from survey.errors import BallotRefused
from survey.extensions import db
from survey.models.ballots import ballot, cast_mark, inbox, receipt
from survey.models.campaigns import Campaign, GroupCount, RaterGroup
from survey.services import ballots, mixing
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload, unpack_payload
from survey.services.campaigns import move_campaign

CLASS = "S-101-三年级1班"
Codes = dict[str, tuple[str, ...]]


def answer(levels: bytes = bytes([5, 5, 4, 4, 3, 3, 2, 1])) -> bytes:
    return pack_payload(levels)


def form() -> str:
    return secrets.token_hex(16)


def vote(code: str, payload: bytes | None = None) -> None:
    holder = Holder(code=code)
    while (page := find_progress(holder).next_page) is not None:
        cast(holder, target_code=page.code, form=form(), payload=payload or answer())


def count(table: object) -> int:
    return db.session.scalar(select(func.count()).select_from(table))  # type: ignore[arg-type]


def refusal(holder: Holder, target: str = "T100") -> str:
    with pytest.raises(BallotRefused) as caught:
        cast(holder, target_code=target, form=form(), payload=answer())
    return caught.value.kind


def test_a_slip_leads_through_its_teachers_to_the_receipt(codes: Codes) -> None:
    holder = Holder(code=codes[CLASS][0])
    pages = []
    while (page := find_progress(holder).next_page) is not None:
        pages.append((page.code, page.detail))
        last = cast(holder, target_code=page.code, form=form(), payload=answer())
    assert pages == [("T100", "语文"), ("T101", "数学"), ("T102", "英语")]
    assert last
    assert db.session.scalars(select(receipt.c.text)).all() == [holder.receipt]


def test_the_same_form_again_changes_nothing_and_another_is_refused(codes: Codes) -> None:
    holder, number = Holder(code=codes[CLASS][0]), form()
    cast(holder, target_code="T100", form=number, payload=answer())
    cast(holder, target_code="T100", form=number, payload=answer(bytes(8)))
    assert refusal(holder) == "used"
    assert count(inbox) == count(cast_mark) == 1


def test_an_unknown_code_and_a_foreign_target_are_unknown(codes: Codes) -> None:
    assert refusal(Holder(code="2" * 16)) == "unknown"
    assert refusal(Holder(code=codes[CLASS][0]), "T200") == "unknown"


def test_before_the_first_day_and_after_the_last_nobody_votes(codes: Codes, campaign: int) -> None:
    row = db.session.get_one(Campaign, campaign)
    row.first_day += timedelta(days=1)
    db.session.commit()
    assert refusal(Holder(code=codes[CLASS][0])) == "not_open"
    row.first_day -= timedelta(days=9)
    row.last_day -= timedelta(days=30)
    db.session.commit()
    assert refusal(Holder(code=codes[CLASS][0])) == "closed"


def test_a_finished_slip_shows_its_receipt_after_close(codes: Codes, campaign: int) -> None:
    code = codes[CLASS][0]
    vote(code)
    move_campaign(campaign, "closed", actor="test")
    assert find_progress(Holder(code=code)).next_page is None
    with pytest.raises(BallotRefused, match="closed"):
        find_progress(Holder(code=codes[CLASS][1]))


def test_a_repeated_form_is_led_on_even_after_close(codes: Codes, campaign: int) -> None:
    holder, number = Holder(code=codes[CLASS][0]), form()
    cast(holder, target_code="T100", form=number, payload=answer())
    move_campaign(campaign, "closed", actor="test")
    assert not cast(holder, target_code="T100", form=number, payload=answer())


def test_the_mix_moves_only_batches_of_five(codes: Codes) -> None:
    for code in codes[CLASS][:4]:
        vote(code)
    assert mixing.mix() == 0
    vote(codes[CLASS][4])
    assert mixing.mix() == 15
    assert (count(inbox), count(ballot)) == (0, 15)


def test_a_mixed_ballot_keeps_neither_key_nor_order(codes: Codes) -> None:
    for code in codes[CLASS][:6]:
        vote(code)
    before = set(db.session.scalars(select(inbox.c.id)))
    mixing.mix()
    after = list(db.session.scalars(select(ballot.c.id)))
    assert not before & set(after)
    assert after == sorted(after)


def test_every_voter_balances_through_close(codes: Codes, campaign: int) -> None:
    for group in codes.values():
        for code in group[:7]:
            vote(code, answer())
    move_campaign(campaign, "closed", actor="test")
    balance = balance_of(campaign)
    assert balance.faults == ()
    assert balance.waiting == 0
    assert balance.cast == balance.mixed == count(ballot)


def test_ballot_tables_have_exactly_the_allowed_columns(app: Flask) -> None:
    tables = ("inbox", "ballot", "cast_mark", "slip", "voided_page")
    columns = {table: {c["name"] for c in inspect(db.engine).get_columns(table)} for table in tables}
    assert columns == {
        "inbox": {"id", "group_id", "target_id", "payload"},
        "ballot": {"id", "evaluation_id", "group_id", "target_id", "answers", "flag"},
        "cast_mark": {"hmac", "target_id", "form"},
        "slip": {"hmac", "group_id", "voided"},
        "voided_page": {"id", "group_id", "target_id", "payload"},
    }


def test_eight_writers_lose_no_vote(app: Flask, codes: Codes, campaign: int) -> None:
    mine = [codes[CLASS][place::8] for place in range(8)]

    def work(own: tuple[str, ...]) -> None:
        with app.app_context():
            for code in own:
                vote(code)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(own,)) for own in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cast_pages = db.session.scalar(select(func.sum(GroupCount.cast)))
    assert count(inbox) == cast_pages == 3 * len(codes[CLASS])
    assert db.session.scalar(select(func.sum(RaterGroup.begun))) == len(codes[CLASS])
    assert balance_of(campaign).faults == ()


def test_fifty_different_forms_of_one_page_at_once_count_once(app: Flask, codes: Codes) -> None:
    outcomes: Counter[str] = Counter()

    def work() -> None:
        with app.app_context():
            try:
                cast(Holder(code=codes[CLASS][0]), target_code="T100", form=form(), payload=answer())
                outcomes["cast"] += 1
            except BallotRefused as refused:
                outcomes[refused.kind] += 1
            db.session.remove()

    threads = [threading.Thread(target=work) for _number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"cast": 1, "used": 49}
    assert count(inbox) == 1


def test_a_payload_comes_back_as_it_was_packed() -> None:
    page = unpack_payload(pack_payload(bytes([5, 0, 255]), chips=["kind"], text="谢谢"))
    assert (page.answers, page.chips, page.text, page.flag) == (bytes([5, 0, 255]), ("kind",), "谢谢", 0)


def test_six_equal_answers_are_flagged() -> None:
    assert unpack_payload(pack_payload(bytes([5] * ballots.CARELESS_RUN))).flag == 1
    assert unpack_payload(pack_payload(bytes([5] * (ballots.CARELESS_RUN - 1) + [0, 255]))).flag == 0
