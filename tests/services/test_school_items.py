"""Schools' own items: what may be proposed, when, and that the bureau's items stay out of reach."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from survey.config import Config
from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.campaigns import Evaluation
from survey.models.instruments import QuestionnaireVersion
from survey.queries.school_items import asked_campaigns, list_items
from survey.services import school_items
from survey.services.ballots import Electorate, find_electorate
from survey.services.campaigns import create_campaign, move_campaign, readiness, rebuild_campaign
from survey.services.pages import page_view, read_page
from survey.services.slips import issue_slips
from tests.own_items import SECOND, WORDING, approve_all, electorate_of, propose, questionnaire


@pytest.fixture
def config(config: Config) -> Config:
    """The usual settings, with refusals in English."""
    return replace(config, language="en")


@pytest.fixture
def draft(county: Flask) -> int:
    return create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test")[0]


def test_a_school_proposes_and_the_bureau_approves(draft: int) -> None:
    number = propose(draft)
    assert [(row.position, row.state) for row in list_items(draft, "101")] == [(1, "proposed")]
    approve_all(draft)
    assert [(row.id, row.state) for row in list_items(draft)] == [(number, "approved")]
    acts = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("school_item"))).all()
    assert acts == ["school_item.propose", "school_item.approve"]


@pytest.mark.parametrize(
    ("zh", "en", "refusal"),
    [
        ("太短了", "", "6 to 60"),
        ("  短 \n 短  ", "", "6 to 60"),
        ("长" * 61, "", "6 to 60"),
        (WORDING, "x" * 201, "at most 200"),
        ("您对教师100的课后服务满意吗", "", "教师100"),
        ("您对校长2的工作是否感到满意", "", "校长2"),
        (WORDING, "Are you satisfied with 教师100?", "教师100"),
        ("请打13800000001说说您的看法", "", "telephone"),
    ],
)
def test_what_a_ballot_may_not_ask_is_refused(draft: int, zh: str, en: str, refusal: str) -> None:
    with pytest.raises(BadInput, match=refusal):
        propose(draft, zh=zh, en=en)
    assert list_items(draft) == []


def test_what_the_bureau_asks_is_not_asked_again(draft: int) -> None:
    asked = questionnaire(draft).items[0].text.zh
    with pytest.raises(BadInput, match="bureau asks this"):
        propose(draft, zh=f"{asked} ?")
    propose(draft)
    with pytest.raises(BadInput, match="already"):
        propose(draft, zh=f"{WORDING}。")


def test_two_items_at_most_and_a_withdrawn_one_makes_room(draft: int) -> None:
    first = propose(draft)
    propose(draft, zh=SECOND)
    with pytest.raises(Conflict, match="at most 2"):
        propose(draft, zh="您对学校的图书馆是否满意")
    school_items.withdraw(draft, first, "101", actor="school")
    propose(draft, zh="您对学校的图书馆是否满意")
    assert [row.position for row in list_items(draft, "101")] == [1, 2]


def test_a_change_asks_the_bureau_again_and_a_return_needs_a_reason(draft: int) -> None:
    number = propose(draft)
    approve_all(draft)
    school_items.change(draft, number, "101", zh=SECOND, en="", actor="school")
    assert [row.state for row in list_items(draft)] == ["proposed"]
    with pytest.raises(BadInput, match="reason"):
        school_items.decide(draft, number, approve=False, reason=" ", seen=SECOND, actor="officer")
    with pytest.raises(Conflict, match="meanwhile"):
        school_items.decide(draft, number, approve=True, reason="", seen=WORDING, actor="officer")
    school_items.decide(draft, number, approve=False, reason="已有类似题目", seen=SECOND, actor="officer")
    assert [(row.state, row.reason) for row in list_items(draft)] == [("returned", "已有类似题目")]


def test_a_school_reaches_neither_other_schools_nor_campaigns_without_it(draft: int) -> None:
    number = propose(draft)
    for attempt in (
        lambda: school_items.change(draft, number, "102", zh=SECOND, en="", actor="school"),
        lambda: school_items.withdraw(draft, number, "102", actor="school"),
        lambda: propose(draft, school="103"),
        lambda: propose(draft + 1),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [campaign.id for campaign in asked_campaigns("101")] == [draft]
    assert asked_campaigns("103") == []


def test_everything_is_frozen_at_the_opening_and_what_waits_is_left_out(draft: int) -> None:
    first = propose(draft)
    approve_all(draft)
    second = propose(draft, zh=SECOND)
    move_campaign(draft, "ready", actor="test")
    # A page that is looked at before the opening must not be remembered.
    assert [item.text.zh for item in electorate_of(draft).own_items] == [WORDING]
    school_items.change(draft, first, "101", zh="您对学校的操场是否满意", en="", actor="school")
    approve_all(draft, only=first)
    assert any("1 own items" in note for note in readiness(draft).notes)
    move_campaign(draft, "open", actor="test")
    for attempt in (
        lambda: propose(draft, school="102"),
        lambda: school_items.change(draft, first, "101", zh=SECOND, en="", actor="school"),
        lambda: school_items.withdraw(draft, first, "101", actor="school"),
        lambda: school_items.decide(draft, second, approve=True, reason="", seen=SECOND, actor="officer"),
    ):
        with pytest.raises(Conflict, match="opened"):
            attempt()
    assert [(item.code, item.text.zh) for item in electorate_of(draft).own_items] == [
        ("OWN1", "您对学校的操场是否满意")
    ]
    assert electorate_of(draft) is electorate_of(draft)


def test_a_draft_made_anew_keeps_them(draft: int) -> None:
    propose(draft)
    rebuild_campaign(draft, actor="test")
    approve_all(draft)
    assert len(electorate_of(draft).own_items) == 1


def test_only_parents_of_that_school_are_asked(draft: int) -> None:
    propose(draft)
    approve_all(draft)
    for state in ("ready", "open"):
        move_campaign(draft, state, actor="test")
    groups = issue_slips(draft, actor="test")
    asked = {group.group for group in groups if find_electorate(group.group_id).own_items}
    assert asked == {group.group for group in groups if group.group.startswith("P-101-")}


def test_the_bureaus_items_stay_as_they_are(draft: int) -> None:
    before = db.session.execute(select(QuestionnaireVersion.id, QuestionnaireVersion.document)).all()
    versions = db.session.scalars(select(Evaluation.questionnaire_id).order_by(Evaluation.id)).all()
    plain = page_of(draft, electorate_of(draft))
    propose(draft)
    approve_all(draft)
    db.session.expire_all()
    assert db.session.execute(select(QuestionnaireVersion.id, QuestionnaireVersion.document)).all() == before
    assert db.session.scalars(select(Evaluation.questionnaire_id).order_by(Evaluation.id)).all() == versions
    own = page_of(draft, electorate_of(draft))
    assert own.pop("own_items") == [{"code": "OWN1", "text": WORDING}]
    assert plain.pop("own_items") == []
    assert own == plain


def page_of(campaign: int, electorate: Electorate) -> dict[str, object]:
    return page_view(questionnaire(campaign), electorate, "zh_Hans_CN", "ltr")


def test_a_page_packs_own_answers_last_and_wants_all_of_them(draft: int) -> None:
    propose(draft)
    propose(draft, zh=SECOND)
    approve_all(draft)
    asked, who = questionnaire(draft), electorate_of(draft)
    fields = {f"a.{code}": "5" for code in asked.item_codes} | {"a.OWN1": "0"}
    reading = read_page(asked, who, fields, chips=(), language="en")
    assert [missing.field for missing in reading.missing] == ["a.OWN2"]
    for wrong in ("6", "", "255", "x"):
        assert read_page(asked, who, fields | {"a.OWN2": wrong}, chips=(), language="en").missing
    whole = read_page(asked, who, fields | {"a.OWN2": "1"}, chips=(), language="en").payload
    number = len(asked.item_codes)
    assert whole[:3] == bytes([1]) + (number + 2).to_bytes(2)
    assert whole[3:] == bytes([5] * number + [0, 1])


def test_without_an_english_wording_the_chinese_stands(draft: int) -> None:
    propose(draft)
    propose(draft, zh=SECOND, en="Is the library open long enough?")
    approve_all(draft)
    texts = [item.text.in_("en") for item in electorate_of(draft).own_items]
    assert texts == [WORDING, "Is the library open long enough?"]
