"""Deleting a campaign or its ballots: everything of it goes, nothing of others, and what happened stays readable."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from survey.database import is_sqlite
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import Base, db
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign
from survey.models.deletions import Deletion
from survey.queries.balances import public_balance
from survey.queries.cubes import released_results
from survey.services import approvals, audit
from survey.services.accounts import add_account
from survey.services.approvals import NeedsSecond
from survey.services.balance import balance_of, balances
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.deletions import OF_RESPONDENTS, Deleted, asked_for, delete_campaign
from survey.services.slips import issue_slips

NAME = "2026 年五评"
# What belongs to no campaign, or outlives it; a new table must be deleted from or stand here.
STAYING = {
    *("account", "desk_session", "recovery_code", "login_throttle", "api_token", "audit", "job", "deletion"),
    *("pressure_report", "theme"),
    *("school", "department", "school_class", "teacher", "teaching", "roster_version", "questionnaire"),
}
Codes = dict[str, tuple[str, ...]]


def vote(codes: Sequence[str], remark: str = "") -> None:
    for code in codes:
        holder = Holder(code=code)
        while (page := find_progress(holder).next_page) is not None:
            payload = pack_payload(bytes([4] * 10), text=remark)
            cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=payload)


def finish(campaign: int) -> None:
    for state in ("closed", "tallied", "released", "archived"):
        move_campaign(campaign, state, actor="test")


@pytest.fixture
def archived(campaign: int, codes: Codes) -> int:
    vote(codes["P-101-三年级1班"], "食堂的饭菜很好吃")
    vote(codes["P-102-三年级1班"][:11])
    finish(campaign)
    return campaign


@pytest.fixture
def second(county: Flask) -> int:
    """Another campaign, archived too, that a deletion must not touch."""
    number, _made = create_campaign(
        name="另一次", year=2025, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    codes = {group.group: group.codes for group in issue_slips(number, actor="test")}
    vote(codes["P-101-三年级1班"][:11], "操场")
    finish(number)
    return number


def erase(campaign: int, **changes: Any) -> Deleted:
    wanted = {"what": "campaign", "name": NAME, "reason": "保存期满", "actor": "zhang"} | changes
    return delete_campaign(campaign, **wanted)


def rows() -> dict[str, int]:
    db.session.rollback()
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def test_the_whole_campaign_goes_and_nothing_of_another(archived: int, second: int) -> None:
    before = rows()
    done = erase(archived)
    after = rows()
    assert {name: before[name] - after[name] for name in done.rows} == done.rows
    assert {name for name, number in after.items() if number > before[name]} == {"audit", "deletion"}
    assert set(db.session.scalars(select(Campaign.id))) == {second}
    assert [balance.faults for balance in balances()] == [()]
    assert len(released_results(second)["evaluations"]) == 5
    with pytest.raises(NotFound):
        released_results(archived)
    # What is left is exactly what the other campaign alone would have.
    erase(second, name="另一次")
    left = {name for name, number in rows().items() if number} - STAYING
    assert left == set()


def test_what_stays_is_one_line_with_the_balance_and_an_unbroken_log(archived: int) -> None:
    last = balance_of(archived)
    erase(archived)
    row = db.session.scalars(select(Deletion)).one()
    assert (row.campaign_id, row.name, row.what, row.actor) == (archived, NAME, "campaign", "zhang")
    assert (row.balance["issued"], row.balance["cast"], row.balance["counted"]) == (last.issued, last.cast, last.mixed)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "campaign.delete")).one()
    assert (entry.subject, entry.detail["reason"]) == (f"campaign {archived}", "保存期满")
    assert audit.first_broken_entry(db.session()) is None


def test_its_number_is_never_given_again(archived: int) -> None:
    erase(archived)
    number, _made = create_campaign(name="x", year=2027, template="five", first_day=None, last_day=None, actor="test")
    assert number > archived


def test_without_its_ballots_a_campaign_keeps_its_results_and_its_balance(archived: int, second: int) -> None:
    results, last, shown = released_results(archived), balance_of(archived), public_balance(archived)
    before = rows()
    done = erase(archived, what="ballots")
    assert set(done.rows) <= set(OF_RESPONDENTS)
    assert {"ballot", "slip", "cast_mark", "receipt", "tally"} <= set(done.rows)
    assert {n for n, number in rows().items() if number < before[n]} == set(done.rows)
    assert (released_results(archived), balance_of(archived), public_balance(archived)) == (results, last, shown)
    assert all(balance.faults == () for balance in balances())
    with pytest.raises(Conflict):
        erase(archived, what="ballots")
    erase(archived)
    assert db.session.scalar(select(func.count()).select_from(Deletion)) == 2


def test_a_ballot_that_is_still_there_is_a_fault(archived: int) -> None:
    group = db.session.scalar(text("SELECT min(group_id) FROM ballot"))
    erase(archived, what="ballots")
    insert = text("INSERT INTO slip (hmac, group_id, voided) VALUES (:hmac, :group, :voided)")
    db.session.execute(insert, {"hmac": bytes(32), "group": group, "voided": False})
    db.session.commit()
    assert balance_of(archived).faults == ("deleted, but there: 1 issued",)


def test_nothing_goes_between_the_opening_and_the_archive(campaign: int, codes: Codes) -> None:
    for state in ("closed", "tallied", "released", ""):
        for what in ("campaign", "ballots"):
            with pytest.raises(Conflict):
                erase(campaign, what=what)
        if state:
            move_campaign(campaign, state, actor="test")


def test_a_draft_can_go_but_has_no_ballots(county: Flask) -> None:
    number, _made = create_campaign(
        name="草稿", year=2026, template="five", first_day=None, last_day=None, actor="test"
    )
    with pytest.raises(Conflict):
        erase(number, name="草稿", what="ballots")
    assert erase(number, name="草稿").rows["campaign"] == 1


@pytest.mark.parametrize(
    "change", [{"name": "2026年五评"}, {"name": ""}, {"reason": " "}, {"reason": "长" * 201}, {"what": "all"}]
)
def test_a_wrong_name_or_no_reason_deletes_nothing(archived: int, change: dict[str, str]) -> None:
    before = rows()
    with pytest.raises(BadInput):
        erase(archived, **change)
    assert rows() == before
    with pytest.raises(NotFound):
        erase(99)


def test_an_inexact_balance_is_looked_into_first(archived: int) -> None:
    db.session.execute(text("UPDATE rater_group SET issued = issued + 1 WHERE code = 'P-101-三年级1班'"))
    db.session.commit()
    with pytest.raises(Conflict):
        erase(archived)
    assert db.session.get(Campaign, archived) is not None


def test_two_persons_delete_exactly_what_was_confirmed(archived: int) -> None:
    db.session.get_one(Campaign, archived).two_person = True
    db.session.commit()
    for name in ("zhang", "li"):
        add_account(name, role="officer", actor="test")
    with pytest.raises(NeedsSecond):
        erase(archived)
    request = approvals.ask(archived, "delete", "zhang", asked_for("ballots", "保存期满"))
    with pytest.raises(Forbidden):
        approvals.confirm(request.id, "zhang")
    approvals.confirm(request.id, "li")
    with pytest.raises(NeedsSecond):
        erase(archived)
    erase(archived, what="ballots")
    erase(archived, actor="console")


def test_a_failure_half_way_deletes_nothing(archived: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError

    before = rows()
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(RuntimeError):
        erase(archived)
    assert rows() == before


def test_every_table_is_deleted_from_or_named_as_staying(app: Flask) -> None:
    from survey.services.deletions import _belongs

    reached = {table.name for table in Base.metadata.sorted_tables if _belongs(table, 1) is not None}
    assert {table.name for table in Base.metadata.sorted_tables} - reached == STAYING
    assert set(OF_RESPONDENTS) < reached


def test_the_file_holds_no_byte_of_a_deleted_ballot(archived: int) -> None:
    if not is_sqlite():
        pytest.skip("files of SQLite")
    file = Path(str(db.engine.url.database))
    keys = list(db.session.scalars(text("SELECT id FROM ballot"))) + list(
        db.session.scalars(text("SELECT hmac FROM slip"))
    )
    remark = "食堂的饭菜很好吃".encode()
    assert remark in file.read_bytes()
    db.session.rollback()
    erase(archived, what="ballots")
    content = b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))
    assert not [key for key in keys if bytes(key) in content]
    assert remark not in content
