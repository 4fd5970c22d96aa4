"""What two people, or a person and a stop of the machine, do at the same moment."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from survey import database
from survey.database import is_sqlite, transaction
from survey.errors import BallotRefused, Unavailable
from survey.extensions import db
from survey.models.ballots import receipt, slip
from survey.models.campaigns import RaterGroup
from survey.services import accounts, audit, balance, ballots, campaigns, jobs, logins, mixing, printing, slips, voiding
from survey.services.ballots import Holder, pack_payload
from survey.services.login_throttles import MOST_OF_PAIR

PUPILS, PARENTS = "S-101-三年级1班", "P-101-三年级1班"
Codes = dict[str, tuple[str, ...]]


def cast(code: str, target: str, text: str = "") -> bool:
    payload = pack_payload(bytes([5] * 10), text=text)
    return ballots.cast(Holder(code=code), target_code=target, form=secrets.token_hex(16), payload=payload)


def at_once(app: Flask, works: Sequence[Callable[[], object]]) -> None:
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                work()
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()


def test_pages_of_one_slip_at_once_begin_it_once(county: Flask, campaign: int, codes: Codes) -> None:
    for code in codes[PUPILS]:
        at_once(county, [lambda code=code, page=page: cast(code, page) for page in ("T100", "T101", "T102")])
    assert balance.balance_of(campaign).faults == ()
    assert db.session.scalar(select(func.count()).select_from(receipt)) == len(codes[PUPILS])


def test_a_slip_being_replaced_takes_no_vote(
    county: Flask, campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_sqlite():
        pytest.skip("SQLite's writers queue")
    outcome: list[object] = []
    issue = slips._issue

    def late() -> None:
        with county.app_context():
            try:
                outcome.append(cast(codes[PARENTS][0], "101"))
            except BallotRefused as refused:
                outcome.append(refused.kind)
            finally:
                db.session.remove()

    thread = threading.Thread(target=late)

    def slow(*args: Any) -> slips.IssuedGroup:
        thread.start()
        thread.join(1)  # the cast now waits for the campaign
        return issue(*args)

    monkeypatch.setattr(slips, "_issue", slow)
    slips.reissue_slips(campaign, PARENTS, actor="test")
    thread.join()
    assert outcome == ["voided"]


def test_a_unit_voided_while_it_votes_and_mixes_stays_exact(county: Flask, campaign: int, codes: Codes) -> None:
    def late(code: str) -> None:
        with contextlib.suppress(BallotRefused):
            cast(code, "T100")

    for code in codes[PUPILS][:6]:
        cast(code, "T100")
    voters = [lambda code=code: late(code) for code in codes[PUPILS][6:]]
    unit = voiding.Unit(group=PUPILS)
    at_once(
        county,
        [*voters, mixing.mix, lambda: voiding.void_unit(campaign, unit, reason="x", actor="console"), mixing.mix],
    )
    counted = balance.balance_of(campaign)
    assert counted.faults == ()
    assert (counted.mixed, counted.waiting, counted.begun) == (0, 0, 0)
    assert counted.cast == counted.voided_pages >= 6


def test_audit_entries_written_at_once_stay_one_chain(county: Flask) -> None:
    def act() -> None:
        with transaction() as session:
            audit.record(session, actor="a", action="x")

    act()
    at_once(county, [act] * 8)
    assert audit.first_broken_entry(db.session()) is None


def test_a_nul_in_a_comment_stops_neither_mix_nor_close(county: Flask, campaign: int, codes: Codes) -> None:
    for code in codes[PARENTS][:5]:
        cast(code, "101", "a\0b")
    assert mixing.mix() == 5
    campaigns.move_campaign(campaign, "closed", actor="test")


def test_after_the_close_no_transaction_ties_a_receipt_or_comment(county: Flask, campaign: int, codes: Codes) -> None:
    if is_sqlite():
        pytest.skip("xmin is PostgreSQL's")
    for group in (PARENTS, "P-101-七年级1班"):
        for code in codes[group][:5]:
            cast(code, "101", group)
        mixing.mix()
    campaigns.move_campaign(campaign, "closed", actor="test")
    db.session.rollback()
    tables = ("ballot", "comment", "receipt", "cast_mark")
    batches = [db.session.scalar(text(f"SELECT count(DISTINCT xmin::text) FROM {table}")) for table in tables]
    assert batches == [1, 1, 1, 1]


def test_no_password_is_hashed_under_the_write_lock(county: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_sqlite():
        pytest.skip("SQLite's one writer")
    held: list[bool] = []
    matches = logins.matches

    def probe(*args: str | None) -> bool:
        def ask() -> None:
            free = database._sqlite_writer.acquire(blocking=False)
            held.append(not free)
            if free:
                database._sqlite_writer.release()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return matches(*args)

    monkeypatch.setattr(logins, "matches", probe)
    accounts.add_account("boss", role="officer", actor="test")
    logins.log_in("boss", "x", address="")
    logins.log_in("nobody", "x", address="")
    assert held == [False, False]


def test_wrong_passwords_at_once_are_all_counted(county: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "WAIT_SECONDS", 60)
    made = accounts.add_account("boss", role="officer", actor="test")
    at_once(county, [lambda: logins.log_in("boss", "wrong", address="10.0.0.1")] * MOST_OF_PAIR)
    assert logins.log_in("boss", made.first_password, address="10.0.0.1") is None


def test_covering_that_failed_is_done_later(
    county: Flask, campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise Unavailable("disk full")

    done: list[int] = []
    monkeypatch.setattr(mixing, "cover_tracks", fail)
    with pytest.raises(Unavailable):
        campaigns.move_campaign(campaign, "closed", actor="test")
    monkeypatch.setattr(mixing, "cover_tracks", lambda: done.append(1))
    campaigns.move_campaign(campaign, "tallied", actor="test")
    assert done


def test_extra_slips_of_a_killed_job_are_not_made_twice(
    county: Flask, campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: object, **_more: object) -> None:
        raise SystemExit

    arguments = {"campaign": campaign, "group": PARENTS, "add": 3, "reason": "late"}
    jobs.queue_job("print_slips", arguments, actor="test")
    with monkeypatch.context() as patch:
        patch.setattr(printing, "write_slips", killed)
        with pytest.raises(SystemExit):
            jobs.run_next_job()
    jobs.resume_jobs()
    assert not jobs.run_next_job()
    db.session.rollback()
    row = db.session.execute(select(RaterGroup.enrolled, RaterGroup.issued).where(RaterGroup.code == PARENTS)).one()
    assert row.issued == row.enrolled + 3


def test_a_balance_taken_while_people_vote_finds_no_fault(county: Flask, campaign: int, codes: Codes) -> None:
    faults: list[str] = []
    many = [lambda code=code: cast(code, "T100") for code in codes[PUPILS][:6]]
    at_once(county, [*many, *[lambda: faults.extend(balance.balance_of(campaign).faults)] * 3])
    assert faults == []


def test_a_look_at_one_moment_never_finds_a_table_empty_that_is_written_anew(
    campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_sqlite():
        pytest.skip("TRUNCATE is PostgreSQL's")
    monkeypatch.setattr(mixing, "PATIENCE", 1)
    number = select(func.count()).select_from(slip)
    with db.engine.connect() as connection:
        view = database.one_moment(connection)
        with pytest.raises(Unavailable):
            mixing.cover_tracks()
        assert view.scalar(number) == sum(len(group) for group in codes.values())
    mixing.cover_tracks()


def test_a_form_of_another_group_is_not_cast(campaign: int, codes: Codes) -> None:
    code = codes[PARENTS][0]
    group = ballots.find_progress(Holder(code=code)).electorate.group_id
    elsewhere = Holder(code=code, group_id=group + 1)
    with pytest.raises(BallotRefused) as refused:
        ballots.cast(elsewhere, target_code="101", form=secrets.token_hex(16), payload=pack_payload(bytes(9)))
    assert refused.value.kind == "unknown"


@pytest.mark.parametrize("writing", [transaction, database.write_connection, database.writing])
def test_whoever_waits_to_write_keeps_no_check_point_waiting(
    county: Flask, writing: Callable[[], contextlib.AbstractContextManager[object]]
) -> None:
    """Else each would wait for the other until both give up: two openings of one box did."""
    if not is_sqlite():
        pytest.skip("check-points are SQLite's")
    reading, held, done = threading.Event(), threading.Event(), threading.Event()

    def writer() -> None:
        with county.app_context():
            try:
                db.session.scalar(select(func.count()).select_from(slip))
                reading.set()
                held.wait(20)
                with writing():
                    done.set()
            finally:
                db.session.remove()

    thread = threading.Thread(target=writer, daemon=True)
    thread.start()
    assert reading.wait(20)
    with transaction() as session:
        audit.record(session, actor="test", action="login", subject="test")
    with database._turn():
        held.set()
        database.checkpoint(must=True)
    thread.join(20)
    assert done.is_set()
