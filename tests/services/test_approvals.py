"""Two persons: who asks cannot confirm, what was confirmed is what is done, and it is done once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from survey.database import transaction
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign
from survey.queries.approvals import list_approvals
from survey.services import approvals
from survey.services.approvals import NeedsSecond, ask, confirm, withdraw
from survey.services.campaigns import create_campaign, move_campaign

Later = Callable[[timedelta], None]


def make(**more: Any) -> int:
    return create_campaign(
        name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test", **more
    )[0]


@pytest.fixture
def people(app: Flask) -> None:
    roles = {"li": "officer", "wang": "officer", "zhao": "supervisor", "qian": "auditor", "sun": "viewer"}
    db.session.add_all(Account(name=name, role=role, password_hash="") for name, role in roles.items())
    db.session.commit()


@pytest.fixture
def ready(county: Flask, people: None) -> int:
    number = make(two_person=True)
    move_campaign(number, "ready", actor="li")
    return number


@pytest.fixture
def later(clock_of: Callable[[ModuleType], Later]) -> Later:
    return clock_of(approvals)


def state(number: int) -> str:
    db.session.rollback()
    return db.session.get_one(Campaign, number).state


def test_a_step_without_a_second_person_is_refused_wherever_it_comes_from(ready: int) -> None:
    with pytest.raises(NeedsSecond):
        move_campaign(ready, "open", actor="li")
    asked = ask(ready, "open", "li", {})
    with pytest.raises(NeedsSecond):
        move_campaign(ready, "open", actor="li")
    confirm(asked.id, "wang")
    move_campaign(ready, "open", actor="li")
    assert state(ready) == "open"


def test_the_console_and_the_worker_need_nobody(ready: int) -> None:
    move_campaign(ready, "open", actor="console")
    move_campaign(ready, "closed", actor="worker")
    assert state(ready) == "closed"


def test_a_campaign_is_of_one_person_unless_made_otherwise(county: Flask, people: None) -> None:
    number = make()
    for wanted in ("ready", "open"):
        move_campaign(number, wanted, actor="li")
    with pytest.raises(BadInput):
        ask(number, "release", "li", {})


def test_nobody_confirms_what_they_asked_for(ready: int) -> None:
    asked = ask(ready, "open", "li", {})
    with pytest.raises(Forbidden):
        confirm(asked.id, "li")
    assert list_approvals()[0].state == "waiting"


@pytest.mark.parametrize("actor", ["zhao", "qian", "sun", "console", "nobody", ""])
def test_only_officers_open(ready: int, actor: str) -> None:
    asked = ask(ready, "open", "li", {})
    for act in (confirm, withdraw):
        with pytest.raises(Forbidden):
            act(asked.id, actor)
    with pytest.raises(Forbidden):
        ask(ready, "open", actor, {})


def test_an_officer_who_was_switched_off_confirms_nothing(ready: int) -> None:
    asked = ask(ready, "open", "li", {})
    db.session.execute(Account.__table__.update().where(Account.name == "wang").values(active=False))
    db.session.commit()
    with pytest.raises(Forbidden):
        confirm(asked.id, "wang")


def test_a_void_is_confirmed_by_the_supervisor_for_exactly_what_was_asked(ready: int) -> None:
    asked = ask(ready, "void", "li", {"group": "S-1", "reason": "抄答案"})
    confirm(asked.id, "zhao")
    for detail in ({"group": "S-2", "reason": "抄答案"}, {"group": "S-1"}, {}):
        with pytest.raises(NeedsSecond), transaction() as session:
            approvals.spend(session, ready, "void", actor="li", detail=detail)
    with transaction() as session:
        approvals.spend(session, ready, "void", actor="zhao", detail={"reason": "抄答案", "group": "S-1"})


def test_a_confirmation_serves_once_and_only_the_two(ready: int) -> None:
    db.session.add(Account(name="zhou", role="officer", password_hash=""))
    db.session.commit()
    confirm(ask(ready, "release", "li", {}).id, "wang")
    for actor, fits in (("zhou", False), ("wang", True), ("wang", False)):
        try:
            with transaction() as session:
                approvals.spend(session, ready, "release", actor=actor)
            assert fits
        except NeedsSecond:
            assert not fits


def test_a_step_that_fails_keeps_its_confirmation(ready: int) -> None:
    confirm(ask(ready, "open", "li", {}).id, "wang")
    db.session.get_one(Campaign, ready).last_day = datetime(2020, 1, 1).date()
    db.session.commit()
    with pytest.raises(Conflict):
        move_campaign(ready, "open", actor="wang")
    assert [request.state for request in list_approvals()] == ["confirmed"]


def test_asking_twice_is_one_request_and_other_details_are_another(ready: int) -> None:
    first = ask(ready, "void", "li", {"group": "a"})
    assert ask(ready, "void", "wang", {"group": "a"}).id == first.id
    assert ask(ready, "void", "li", {"group": "b"}).id != first.id


def test_what_was_decided_is_decided(ready: int) -> None:
    asked = ask(ready, "open", "li", {})
    withdraw(asked.id, "li")
    for act in (confirm, withdraw):
        with pytest.raises(Conflict):
            act(asked.id, "wang")
    with pytest.raises(NotFound):
        confirm(99, "wang")


def test_requests_lapse_after_a_week_and_confirmations_after_a_day(ready: int, later: Later) -> None:
    old = ask(ready, "open", "li", {})
    later(timedelta(days=8))
    with pytest.raises(Conflict):
        confirm(old.id, "wang")
    fresh = ask(ready, "open", "li", {})
    assert fresh.id != old.id
    confirm(fresh.id, "wang")
    later(timedelta(days=8, hours=25))
    with pytest.raises(NeedsSecond):
        move_campaign(ready, "open", actor="li")


@pytest.mark.parametrize(("action", "number"), [("fly", 1), ("", 1)])
def test_unknown_steps_and_campaigns_are_refused(ready: int, action: str, number: int) -> None:
    with pytest.raises(BadInput):
        ask(number, action, "li", {})
    with pytest.raises(NotFound):
        ask(99, "open", "li", {})


def test_every_decision_stands_in_the_audit_log(ready: int) -> None:
    confirm(ask(ready, "open", "li", {}).id, "wang")
    move_campaign(ready, "open", actor="wang")
    rows = db.session.execute(select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id)).all()
    assert [tuple(row) for row in rows[-4:]] == [
        ("approval.asked", "li"),
        ("approval.confirmed", "wang"),
        ("approval.used", "wang"),
        ("campaign.open", "wang"),
    ]


@pytest.mark.parametrize("name", ["console", "worker"])
def test_no_account_is_called_like_the_machine(app: Flask, name: str) -> None:
    from survey.services.accounts import add_account

    with pytest.raises(BadInput):
        add_account(name, role="officer", actor="test")
