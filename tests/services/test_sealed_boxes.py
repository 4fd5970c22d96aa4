"""The sealed box: nothing can be read before the opening, nothing is lost by it, nothing half-done."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

from survey.config import Config
from survey.database import is_sqlite
from survey.errors import BallotRefused, Conflict, Unavailable
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import ballot, cast_mark, comment, inbox, receipt
from survey.models.campaigns import Campaign, RaterGroup
from survey.models.sealed_boxes import SealedBox
from survey.queries.campaigns import find_campaign
from survey.queries.cubes import released_results
from survey.services import ballots, mixing, openings
from survey.services.balance import balance_of
from survey.services.ballots import Holder, find_progress, pack_payload, unpack_payload
from survey.services.campaigns import create_campaign, move_campaign, readiness, rebuild_campaign
from survey.services.guidance import guide, take_step
from survey.services.instances import run_checks
from survey.services.openings import open_box
from survey.services.sealed_boxes import make_shares
from survey.services.shares import PRIME, Share
from survey.services.slips import issue_slips

PUPILS, PARENTS = "S-101-七年级1班", "P-101-三年级1班"
CANARY = "金丝雀canary2026"
# Levels that stand next to each other nowhere else.
KNOWN = bytes([1, 5, 2, 4, 3, 1, 4, 2, 5, 3])
Codes = dict[str, tuple[str, ...]]


@pytest.fixture
def config(config: Config) -> Config:
    """The usual settings, with refusals in English."""
    return replace(config, language="en")


def draft(name: str = "密封") -> int:
    return create_campaign(
        name=name, year=2026, template="five", first_day=None, last_day=None, actor="test", sealed=True
    )[0]


def opened_for_votes(number: int) -> Codes:
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    return {group.group: group.codes for group in issue_slips(number, actor="test")}


@pytest.fixture
def sealed(county: Flask) -> int:
    return draft()


@pytest.fixture
def shares(sealed: int) -> tuple[Share, ...]:
    return make_shares(sealed, actor="test").shares


@pytest.fixture
def slips(sealed: int, shares: tuple[Share, ...]) -> Codes:
    return opened_for_votes(sealed)


def cast(code: str, target: str, answers: bytes = KNOWN, remark: str = "") -> bool:
    return cast_by(Holder(code=code), target, answers, remark)


def cast_by(holder: Holder, target: str, answers: bytes, remark: str) -> bool:
    payload = pack_payload(answers, text=remark)
    return ballots.cast(holder, target_code=target, form=secrets.token_hex(16), payload=payload)


def vote(codes: Sequence[str], answers: bytes = KNOWN, remark: str = "") -> None:
    for code in codes:
        while (page := find_progress(Holder(code=code)).next_page) is not None:
            cast(code, page.code, answers, remark)


def count(table: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def contents() -> list[tuple[object, ...]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(inbox).order_by(inbox.c.id))]


def close(number: int) -> None:
    move_campaign(number, "closed", actor="test")


def test_a_box_is_filled_opened_counted_and_released(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PUPILS], bytes([5, 4, 3, 2, 1, 5, 4, 3]))
    vote(slips[PARENTS], KNOWN, CANARY)
    close(sealed)
    assert count(inbox) == 3 * len(slips[PUPILS]) + len(slips[PARENTS])
    assert open_box(sealed, shares[1:], actor="test") == 3 * len(slips[PUPILS]) + len(slips[PARENTS])
    assert (count(inbox), count(comment)) == (0, len(slips[PARENTS]))
    assert Counter(db.session.scalars(select(ballot.c.answers))) == {
        KNOWN: len(slips[PARENTS]),
        bytes([5, 4, 3, 2, 1, 5, 4, 3]): 3 * len(slips[PUPILS]),
    }
    for state in ("tallied", "released"):
        move_campaign(sealed, state, actor="test")
    shown = {e["relation"]: e for e in released_results(sealed)["evaluations"]}
    assert {t["ballots"] for t in shown["student_teacher"]["targets"] if t["unit"] == "101"} == {len(slips[PUPILS])}


def test_pages_of_every_relation_are_sealed_and_open(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    for group in (PUPILS, PARENTS, "T-101", "H-BUREAU", "S-101-三年级1班"):
        vote(slips[group][:1], bytes([5, 4, 3, 2, 1, 5, 4, 3, 2]))
    public = db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == "open")).one()
    stranger = Holder(code=secrets.token_hex(16), group_id=public, is_open=True)
    cast_by(stranger, "BUREAU", KNOWN, "好")
    waiting = contents()
    assert {row[3][0] for row in waiting} == {1}
    close(sealed)
    assert open_box(sealed, shares[:2], actor="test") == len(waiting) == 3 + 1 + 1 + 1 + 3 + 1
    assert balance_of(sealed).faults == ()


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_any_two_shares_open(sealed: int, slips: Codes, shares: tuple[Share, ...], pair: tuple[int, ...]) -> None:
    vote(slips[PARENTS][:1])
    close(sealed)
    assert open_box(sealed, [shares[place] for place in pair], actor="test") == 1


def test_an_empty_box_opens(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    close(sealed)
    assert open_box(sealed, shares[:2], actor="test") == 0
    move_campaign(sealed, "tallied", actor="test")


def test_the_mix_passes_a_sealed_box_by_and_takes_a_plain_one(sealed: int, slips: Codes) -> None:
    plain, _made = create_campaign(name="明", year=2026, template="five", first_day=None, last_day=None, actor="test")
    vote(slips[PARENTS])
    assert mixing.mix() == 0
    codes = opened_for_votes(plain)
    vote(codes[PARENTS])
    assert mixing.mix() == len(codes[PARENTS])
    assert count(inbox) == len(slips[PARENTS])


def test_the_balance_holds_in_every_state(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PUPILS][:6])
    waits = balance_of(sealed)
    close(sealed)
    closed = balance_of(sealed)
    open_box(sealed, shares[:2], actor="test")
    done = balance_of(sealed)
    assert [b.faults for b in (waits, closed, done)] == [(), (), ()]
    assert [(b.waiting, b.mixed) for b in (waits, closed, done)] == [(18, 0), (18, 0), (0, 18)]
    assert {check.name: check.ok for check in run_checks()}["sealed boxes"]


def test_new_keys_in_sorted_order(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PUPILS])
    before = set(db.session.scalars(select(inbox.c.id)))
    close(sealed)
    open_box(sealed, shares[:2], actor="test")
    after = list(db.session.scalars(select(ballot.c.id)))
    assert not before & set(after)
    assert after == sorted(after)


def test_known_answers_are_nowhere_in_the_instance_while_sealed(
    config: Config, sealed: int, slips: Codes, shares: tuple[Share, ...]
) -> None:
    if not is_sqlite():
        pytest.skip("the files are PostgreSQL's own")
    db_file = config.instance / "wuping.sqlite3"
    probe = pack_payload(KNOWN, text=CANARY)
    vote(slips[PARENTS], KNOWN, CANARY)
    mixing.mix()
    close(sealed)
    db.session.remove()
    everything = b"".join(path.read_bytes() for path in config.instance.rglob("*") if path.is_file())
    assert db_file.exists()
    secrets_of_it = [KNOWN, CANARY.encode(), probe[:13], *(share.value.to_bytes(32) for share in shares)]
    secrets_of_it += [line.encode() for share in shares for line in share.lines]
    secrets_of_it += [share.letters.encode() for share in shares]
    assert [part for part in secrets_of_it if part in everything] == []
    # The search can fail: once the box is open, the answers are there.
    open_box(sealed, shares[:2], actor="test")
    assert KNOWN in b"".join(path.read_bytes() for path in config.instance.rglob("*.sqlite3*"))


def test_nothing_in_any_table_is_a_share_or_the_key(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:2])
    close(sealed)
    with pytest.raises(Conflict):
        open_box(sealed, shares[:1], actor="test")
    open_box(sealed, shares[:2], actor="test")
    everything = "\n".join(map(str, dump().values()))
    for share in shares:
        assert str(share.value) not in everything
        assert repr(share.value.to_bytes(32))[2:-1] not in everything
        assert share.lines[4] not in everything


def dump() -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, as a backup would hold it."""
    db.session.rollback()
    tables = SealedBox.metadata.sorted_tables
    return {t.name: sorted((tuple(row) for row in db.session.execute(select(t))), key=repr) for t in tables}


def test_two_backups_one_vote_apart_differ_only_in_marks_ciphertext_and_counters(slips: Codes) -> None:
    def difference(code: str, answers: bytes, remark: str) -> dict[str, tuple[int, int, list[int]]]:
        before, _ = dump(), cast(code, "T100", answers, remark)
        after = dump()
        changed = {}
        for table, rows in after.items():
            new = [row for row in rows if row not in before[table]]
            gone = [row for row in before[table] if row not in rows]
            if new or gone:
                lengths = sorted(len(cell) for row in new for cell in row if isinstance(cell, bytes))
                changed[table] = (len(new), len(gone), lengths)
        return changed

    one = difference(slips[PUPILS][0], bytes([5] * 8), "")
    two = difference(slips[PUPILS][1], bytes([1] * 8), "")
    assert set(one) == {"cast_mark", "inbox", "group_count"}
    assert one == two


def test_ciphertexts_have_one_length_for_all_answers_and_comments(slips: Codes) -> None:
    remarks = ["", "好", "很" * 500, "😀" * 500, '"\\\n' * 166]
    for code, remark in zip(slips[PARENTS], remarks * 3, strict=False):
        vote([code], bytes([secrets.randbelow(6) for _item in range(10)]), remark)
    for place, code in enumerate(slips[PUPILS]):
        vote([code], bytes([place % 6] * 8))
    lengths: dict[int, set[int]] = {}
    for _key, _group, target, payload in contents():
        lengths.setdefault(target, set()).add(len(payload))
    assert {len(found) for found in lengths.values()} == {1}


def refused(number: int, some: Sequence[Share], match: str) -> None:
    before = contents()
    with pytest.raises(Conflict, match=match):
        open_box(number, some, actor="test")
    assert contents() == before
    assert count(ballot) == count(comment) == 0
    assert balance_of(number).mixed == 0
    row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert row is not None
    assert row.action == "box.refused"


def test_one_share_of_three_is_refused(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:2])
    close(sealed)
    for some in ([], [shares[0]], [shares[0], shares[0]]):
        refused(sealed, some, "Two different")


def test_a_wrong_share_is_refused(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:2])
    close(sealed)
    one, two, three = shares
    wrong = Share(campaign_id=sealed, number=2, fingerprint=two.fingerprint, value=(two.value + 1) % PRIME)
    refused(sealed, [one, wrong], "do not rebuild")
    refused(sealed, [one, wrong, three], "do not rebuild")
    assert open_box(sealed, [one, three], actor="test") == 2


def test_shares_of_another_campaign_or_an_earlier_key_are_refused(county: Flask) -> None:
    other, number = draft("甲"), draft("乙")
    foreign = make_shares(other, actor="test").shares
    old = make_shares(number, actor="test").shares
    new = make_shares(number, actor="test").shares
    vote(opened_for_votes(number)[PARENTS][:1])
    close(number)
    refused(number, foreign[:2], str(other))
    refused(number, [foreign[0], new[1]], str(other))
    refused(number, old[:2], "fingerprint")
    disguised = [
        Share(campaign_id=number, number=s.number, fingerprint=new[0].fingerprint, value=s.value) for s in foreign
    ]
    refused(number, disguised[:2], "do not rebuild")
    assert open_box(number, new[:2], actor="test") == 1


def spoil(change: Callable[[list[tuple[object, ...]]], object]) -> None:
    rows = contents()
    db.session.rollback()
    statement = change(rows)
    db.session.execute(statement)
    db.session.commit()


def where(row: tuple[object, ...]) -> object:
    return inbox.c.id == row[0]


def test_a_damaged_page_is_counted_and_nothing_changes(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:4])
    close(sealed)
    rows = contents()
    for place in (0, 5, 40, -1):
        whole = rows[1][3]
        assert isinstance(whole, bytes)
        broken = bytearray(whole)
        broken[place] ^= 1
        spoil(lambda _rows, broken=broken: update(inbox).where(inbox.c.id == rows[1][0]).values(payload=bytes(broken)))
        refused(sealed, shares[:2], "^1 of 4 ")
        spoil(lambda _rows, whole=whole: update(inbox).where(inbox.c.id == rows[1][0]).values(payload=whole))
    assert open_box(sealed, shares[:2], actor="test") == 4


def test_pages_moved_between_targets_or_groups_are_found(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PUPILS][:2])
    vote(slips[PARENTS][:2])
    close(sealed)
    rows = contents()
    by_target = {row[2]: row for row in rows}
    one, two = list(by_target.values())[:2]
    # Exchanged, so that the counters still fit.
    for row, other in ((one, two), (two, one)):
        spoil(
            lambda _rows, row=row, other=other: (
                update(inbox).where(inbox.c.id == row[0]).values(group_id=other[1], target_id=other[2])
            )
        )
    refused(sealed, shares[:2], "^2 of ")


def test_a_copied_a_lost_and_a_stuffed_page_are_found(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:3])
    close(sealed)
    rows = contents()
    spoil(lambda rows: update(inbox).where(inbox.c.id == rows[0][0]).values(payload=rows[1][3]))
    refused(sealed, shares[:2], "copies")
    spoil(lambda _rows: delete(inbox).where(inbox.c.id == rows[0][0]))
    refused(sealed, shares[:2], ": 1 are missing")
    box = db.session.get_one(SealedBox, sealed)
    group, target = rows[0][1], rows[0][2]
    assert isinstance(group, int)
    assert isinstance(target, int)
    envelope = ballots.Envelope(campaign_id=sealed, group_id=group, public_key=box.public_key, room=2500)
    stuffed = [
        {
            "id": secrets.token_bytes(16),
            "group_id": group,
            "target_id": target,
            "payload": envelope.seal(pack_payload(KNOWN), target_id=target, answers=10),
        }
        for _page in range(2)
    ]
    db.session.execute(inbox.insert(), stuffed)
    db.session.commit()
    refused(sealed, shares[:2], "1 too many")


def test_an_opening_that_fails_at_the_end_leaves_everything(
    sealed: int, slips: Codes, shares: tuple[Share, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    vote(slips[PARENTS][:3], KNOWN, "好")
    close(sealed)
    before = contents()
    with monkeypatch.context() as patch:
        patch.setattr(openings.audit, "record", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_box(sealed, shares[:2], actor="test")
    assert contents() == before
    assert count(ballot) == 0
    assert open_box(sealed, shares[:2], actor="test") == 3


def test_a_box_opens_once_and_only_after_the_close(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PARENTS][:2])
    refused(sealed, shares[:2], "open")
    close(sealed)
    open_box(sealed, shares[:2], actor="test")
    with pytest.raises(Conflict, match="opened before"):
        open_box(sealed, shares[:2], actor="test")
    assert count(ballot) == 2


def test_nobody_counts_before_the_opening(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    close(sealed)
    for attempt in (move_campaign, take_step):
        with pytest.raises(Conflict, match="not been opened"):
            attempt(sealed, "tallied", actor="test")
    assert guide(find_campaign(sealed)).action == "unseal"
    open_box(sealed, shares[:2], actor="test")
    assert guide(find_campaign(sealed)).action == "tallied"


def test_without_a_key_a_campaign_does_not_become_ready(sealed: int) -> None:
    assert any("key" in line for line in readiness(sealed).missing)
    assert guide(find_campaign(sealed)).action == "key"
    with pytest.raises(Conflict):
        move_campaign(sealed, "ready", actor="test")
    make_shares(sealed, actor="test")
    move_campaign(sealed, "ready", actor="test")


def test_the_key_can_never_be_replaced_after_the_draft(sealed: int, shares: tuple[Share, ...]) -> None:
    move_campaign(sealed, "ready", actor="test")
    with pytest.raises(Conflict):
        make_shares(sealed, actor="test")


def test_a_plain_campaign_has_no_box_and_gets_none(campaign: int) -> None:
    with pytest.raises(Conflict):
        make_shares(campaign, actor="test")
    with pytest.raises(Conflict):
        open_box(campaign, [], actor="test")
    assert count(SealedBox) == 0


def test_a_rebuilt_draft_stays_sealed_with_its_key(sealed: int, shares: tuple[Share, ...]) -> None:
    rebuild_campaign(sealed, actor="test")
    vote(opened_for_votes(sealed)[PARENTS][:1])
    close(sealed)
    assert open_box(sealed, shares[:2], actor="test") == 1


def test_receipts_and_marks_are_as_in_a_plain_campaign(sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    code = slips[PUPILS][0]
    vote([code])
    assert db.session.scalars(select(receipt.c.text)).all() == [Holder(code=code).receipt]
    with pytest.raises(BallotRefused, match="used"):
        cast(code, "T100")
    assert count(cast_mark) == 3
    close(sealed)
    assert find_progress(Holder(code=code)).next_page is None


@pytest.mark.parametrize("attack", ["exchanged key", "flag taken away", "key taken away"])
def test_a_box_changed_in_the_database_takes_nothing_in(sealed: int, slips: Codes, attack: str, county: Flask) -> None:
    db.session.execute(
        {
            "exchanged key": update(SealedBox).values(public_key=secrets.token_bytes(32)),
            "flag taken away": update(Campaign).values(sealed=False),
            "key taken away": delete(SealedBox),
        }[attack]
    )
    db.session.commit()
    county.extensions["wuping.electorates"] = {}
    with pytest.raises(Unavailable):
        cast(slips[PUPILS][0], "T100")
    assert count(inbox) == 0
    assert not {check.name: check.ok for check in run_checks()}["sealed boxes"]


def test_casts_that_race_with_the_close_are_in_the_box_or_refused(
    county: Flask, sealed: int, slips: Codes, shares: tuple[Share, ...]
) -> None:
    accepted: list[bool] = []
    start = threading.Barrier(5)

    def voter(codes: Sequence[str]) -> None:
        with county.app_context():
            start.wait()
            for code in codes:
                for target in ("T100", "T101", "T102"):
                    try:
                        cast(code, target)
                    except BallotRefused:
                        continue
                    accepted.append(True)
            db.session.remove()

    def closer() -> None:
        with county.app_context():
            start.wait()
            close(sealed)
            db.session.remove()

    works = [threading.Thread(target=voter, args=(slips[PUPILS][place::4],)) for place in range(4)]
    works.append(threading.Thread(target=closer))
    for thread in works:
        thread.start()
    for thread in works:
        thread.join()
    assert balance_of(sealed).faults == ()
    assert open_box(sealed, shares[:2], actor="test") == len(accepted)


def test_two_openings_at_once_mix_once(county: Flask, sealed: int, slips: Codes, shares: tuple[Share, ...]) -> None:
    vote(slips[PUPILS])
    close(sealed)
    done: list[int] = []
    start = threading.Barrier(2)

    def opener() -> None:
        with county.app_context():
            start.wait()
            try:
                done.append(open_box(sealed, shares[:2], actor="test"))
            except Conflict:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=opener) for _place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [3 * len(slips[PUPILS])]
    assert count(ballot) == done[0]


def test_after_the_close_and_the_opening_no_transaction_tells_an_order(
    sealed: int, slips: Codes, shares: tuple[Share, ...]
) -> None:
    if is_sqlite():
        pytest.skip("xmin is PostgreSQL's")
    vote(slips[PUPILS][:6])

    def batches(table: str) -> int:
        db.session.rollback()
        return db.session.scalar(text(f"SELECT count(DISTINCT xmin::text) FROM {table}")) or 0

    close(sealed)
    assert (batches("inbox"), batches("cast_mark"), batches("receipt")) == (1, 1, 1)
    open_box(sealed, shares[:2], actor="test")
    assert batches("ballot") == 1


def test_a_plain_cast_runs_as_many_statements_as_before(
    campaign: int, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast(codes[PUPILS][0], "T100", bytes(8))
    seen: list[object] = []
    run = ballots.Driver.run
    monkeypatch.setattr(ballots.Driver, "run", lambda self, *args: (seen.append(args[0]), run(self, *args))[1])
    cast(codes[PUPILS][0], "T101", bytes(8))
    assert len(seen) == 3
    assert all(len(unpack_payload(row[3]).answers) == 8 for row in contents())
