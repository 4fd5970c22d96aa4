"""The open channel: one answer per browser, counts by quarter of a day, exact also when a form comes twice."""

import secrets
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import inspect, select

from survey.errors import BallotRefused
from survey.extensions import db
from survey.models.campaigns import RaterGroup
from survey.models.open_channel import OpenCount
from survey.queries.open_channel import open_days
from survey.services import open_channel, open_counts
from survey.services.ballots import Holder, cast, pack_payload, today
from survey.services.seals import seal


@pytest.fixture
def group(campaign: int) -> int:
    open_channel.BY_ADDRESS.forget()
    return db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == "open")).one()


def answer(holder: Holder, form: str) -> None:
    cast(holder, target_code="BUREAU", form=form, payload=pack_payload(bytes([4] * 10)))


def test_answers_are_counted_once_by_day_and_band(campaign: int, group: int) -> None:
    for _number in range(3):
        holder, form = Holder(code=secrets.token_hex(16), group_id=group, is_open=True), secrets.token_hex(16)
        answer(holder, form)
        answer(holder, form)
    db.session.rollback()
    days = open_days(campaign)
    assert [(day.day, day.total) for day in days] == [(today(), 3)]


def test_slips_are_not_counted_by_the_hour(campaign: int, codes: dict[str, tuple[str, ...]]) -> None:
    payload = pack_payload(bytes([4] * 8))
    cast(Holder(code=codes["T-101"][0]), target_code="H1", form=secrets.token_hex(16), payload=payload)
    assert open_days(campaign) == []


def test_nothing_finer_than_a_quarter_of_a_day_is_kept(app: Flask) -> None:
    assert {column["name"] for column in inspect(db.engine).get_columns(OpenCount.__tablename__)} == {
        "group_id",
        "day",
        "band",
        "cast",
    }
    bands = [open_counts.count_values(1, datetime(2026, 5, 1, hour, 59))["band"] for hour in (0, 5, 6, 12, 18, 23)]
    assert bands == [0, 0, 1, 2, 3, 3]


def test_a_device_is_known_by_its_own_sealed_token_only(county: Flask, group: int) -> None:
    holder = Holder(code=secrets.token_hex(16), group_id=group, is_open=True)
    sealed = seal(holder)
    assert open_channel.known_device(sealed, group) == sealed
    assert open_channel.known_device(sealed, group + 1) is None
    assert open_channel.known_device(seal(Holder(code="A" * 16, group_id=group)), group) is None
    for nonsense in (None, "", "x", sealed[:-4]):
        assert open_channel.known_device(nonsense, group) is None


def test_an_address_that_stuffs_the_box_is_stopped(monkeypatch: pytest.MonkeyPatch, group: int) -> None:
    monkeypatch.setattr(open_channel.BY_ADDRESS, "most", 2)
    for _number in range(2):
        open_channel.admit("10.0.0.1")
    with pytest.raises(BallotRefused) as refused:
        open_channel.admit("10.0.0.1")
    assert (refused.value.kind, refused.value.status) == ("crowded", 429)
    open_channel.admit("10.0.0.2")


def test_a_market_on_one_address_is_let_in() -> None:
    assert open_channel.BY_ADDRESS.most >= 1000
