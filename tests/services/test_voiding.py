"""Voiding a unit: out of the count as a whole, counted exactly, and telling nothing of how anybody voted."""

import secrets
from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import OperationalError

from survey.database import is_sqlite
from survey.errors import BadInput, BallotRefused, Conflict, Forbidden, NotFound, Unavailable
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import ballot, cast_mark, comment, inbox, receipt, voided_page
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup
from survey.models.results import Tally
from survey.models.voiding import Voiding
from survey.queries.cubes import released_results
from survey.queries.turnout import relation_turnout
from survey.services import approvals, mixing
from survey.services.accounts import add_account
from survey.services.approvals import NeedsSecond
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload, unpack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.openings import open_box
from survey.services.sealed_boxes import make_shares
from survey.services.slips import issue_slips
from survey.services.voiding import Unit, Voided, void_unit

CLASS = "S-101-三年级1班"
OTHER = "S-102-三年级1班"
PARENTS = "P-101-三年级1班"
Codes = dict[str, tuple[str, ...]]


def vote(codes: Sequence[str], level: int = 5, remark: str = "") -> None:
    for code in codes:
        holder = Holder(code=code)
        while (page := find_progress(holder).next_page) is not None:
            payload = pack_payload(bytes([level] * 8), text=remark)
            cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=payload)


def vote_parents(codes: Sequence[str], level: int = 5, remark: str = "") -> None:
    for code in codes:
        payload = pack_payload(bytes([level] * 10), text=remark)
        cast(Holder(code=code), target_code="101", form=secrets.token_hex(16), payload=payload)


def void(campaign: int, unit: Unit | None = None, **changes: str) -> Voided:
    return void_unit(
        campaign, unit or Unit(group=CLASS), **({"reason": "有人要求统一填写", "actor": "zhang"} | changes)
    )


def count(table: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


def test_a_voided_class_votes_once_more_and_everything_balances(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:7], 5)
    vote(codes[OTHER][:6], 3)
    mixing.mix()
    vote(codes[CLASS][7:9], 5)
    done = void(campaign)
    assert (done.pages, done.slips, len(done.issued[0].codes)) == (27, 12, 12)
    balance = balance_of(campaign)
    assert balance.faults == ()
    assert (balance.cast, balance.waiting, balance.mixed, balance.voided_pages) == (45, 0, 18, 27)
    assert balance.issued == balance.begun + balance.unused + balance.voided
    vote(done.issued[0].codes[:6], 2)
    move_campaign(campaign, "closed", actor="test")
    move_campaign(campaign, "tallied", actor="test")
    balance = balance_of(campaign)
    assert (balance.faults, balance.mixed, balance.counted) == ((), 36, 36)


def test_an_old_slip_is_voided_and_a_new_one_is_not(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:1])
    done = void(campaign)
    for code in codes[CLASS][:2]:
        with pytest.raises(BallotRefused) as refused:
            find_progress(Holder(code=code))
        assert refused.value.kind == "voided"
        with pytest.raises(BallotRefused):
            cast(Holder(code=code), target_code="T100", form=secrets.token_hex(16), payload=pack_payload(bytes(8)))
    assert find_progress(Holder(code=done.issued[0].codes[0])).next_page is not None
    assert find_progress(Holder(code=codes[OTHER][0])).next_page is not None


def test_a_form_that_was_cast_before_the_voiding_is_not_led_on(codes: Codes, campaign: int) -> None:
    form, holder = secrets.token_hex(16), Holder(code=codes[CLASS][0])
    again = {"target_code": "T100", "form": form, "payload": pack_payload(bytes([5] * 8))}
    cast(holder, **again)  # type: ignore[arg-type]
    void(campaign)
    with pytest.raises(BallotRefused) as refused:
        cast(holder, **again)  # type: ignore[arg-type]
    assert refused.value.kind == "voided"


def test_a_school_is_voided_in_one_evaluation_only(codes: Codes, campaign: int) -> None:
    for group in ("P-101-一年级1班", PARENTS):
        vote_parents(codes[group][:5])
    vote(codes[CLASS][:5])
    done = void(campaign, Unit(relation="parent_school", school="101"))
    assert (done.name, done.pages) == ("第1小学", 10)
    assert {group.relation for group in done.issued} == {"parent_school"}
    assert done.slips == sum(len(codes[group]) for group in codes if group.startswith("P-101"))
    assert balance_of(campaign).faults == ()
    begun = {row.relation: row.begun for row in relation_turnout(campaign)}
    assert (begun["parent_school"], begun["student_teacher"]) == (0, 5)


def test_after_the_close_no_new_slips_are_made_and_the_rest_is_counted(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:11], 5)
    vote(codes[OTHER][:11], 3)
    move_campaign(campaign, "closed", actor="test")
    done = void(campaign)
    assert (done.pages, done.issued) == (33, ())
    move_campaign(campaign, "tallied", actor="test")
    move_campaign(campaign, "released", actor="test")
    assert balance_of(campaign).faults == ()
    pupils = next(e for e in released_results(campaign)["evaluations"] if e["relation"] == "student_teacher")
    targets = {target["target"]: target for target in pupils["targets"]}
    # 13 slips of another class may still rate the teacher; the 12 voided ones count as made, not as expected.
    assert targets["T100"]["issued"] == 25
    assert (targets["T100"]["ballots"], targets["T100"]["response_rate"]) == (0, 0)
    assert targets["T200"]["ballots"] == 11


def test_the_one_page_of_all_departments_is_counted_as_a_page(codes: Codes, campaign: int) -> None:
    def vote_principals(principals: Sequence[str]) -> None:
        for code in principals:
            holder, payload = Holder(code=code), pack_payload(bytes([4] * items * 3))
            cast(holder, target_code="*", form=secrets.token_hex(16), payload=payload)

    relation = Evaluation.relation == "principal_department"
    items = len(find_questionnaire(db.session.scalars(select(Evaluation.questionnaire_id).where(relation)).one()).items)
    vote_principals(codes["H-BUREAU"][:10])
    done = void(campaign, Unit(group="H-BUREAU"))
    assert done.pages == 10
    vote_principals(done.issued[0].codes[:11])
    for state in ("closed", "tallied"):
        move_campaign(campaign, state, actor="test")
    balance = balance_of(campaign)
    assert (balance.faults, balance.mixed, balance.counted, balance.voided_pages) == ((), 11, 11, 10)


def test_issued_keeps_voided_slips_and_the_rate_leaves_them_out(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS], 5)
    new = void(campaign).issued[0].codes
    vote(new[:11], 4)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    pupils = next(e for e in released_results(campaign)["evaluations"] if e["relation"] == "student_teacher")
    target = next(t for t in pupils["targets"] if t["target"] == "T100")
    assert (target["issued"], target["ballots"]) == (12 + 12 + 13, 11)
    assert target["response_rate"] == pytest.approx(11 / 25)


def test_every_rater_voided_leaves_targets_without_a_rate(codes: Codes, campaign: int) -> None:
    vote_parents(codes[PARENTS])
    move_campaign(campaign, "closed", actor="test")
    void(campaign, Unit(relation="parent_school", school="101"))
    for state in ("tallied", "released"):
        move_campaign(campaign, state, actor="test")
    parents = next(e for e in released_results(campaign)["evaluations"] if e["relation"] == "parent_school")
    school = next(t for t in parents["targets"] if t["target"] == "101")
    assert (school["ballots"], school["mean"], school["withheld"] is not None) == (0, None, True)


def test_voided_pages_keep_answers_only_under_new_keys(codes: Codes, campaign: int) -> None:
    vote_parents(codes[PARENTS][:5], 2, "食堂")
    mixing.mix()
    vote_parents(codes[PARENTS][5:7], 4, "操场")
    before = set(db.session.scalars(select(ballot.c.id))) | set(db.session.scalars(select(inbox.c.id)))
    void(campaign, Unit(group=PARENTS))
    rows = db.session.execute(select(voided_page)).all()
    assert not before & {row.id for row in rows}
    pages = [unpack_payload(bytes(row.payload)) for row in rows]
    assert {page.text for page in pages} == {""}
    assert sorted(page.answers[0] for page in pages) == [2] * 5 + [4] * 2
    # Comments are no votes: none is lost, and none of them names a class.
    assert sorted(db.session.scalars(select(comment.c.text))) == sorted(["食堂"] * 5 + ["操场"] * 2)


def test_marks_go_with_the_slips_and_receipts_stay(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:3])
    vote(codes[OTHER][:2])
    void(campaign)
    assert count(cast_mark) == 6
    assert count(receipt) == 5


def test_what_is_kept_of_a_voiding_says_nothing_of_answers(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:5])
    void(campaign)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "unit.void")).one()
    expected = {"reason": "有人要求统一填写", "pages": 15, "slips": 12, "issued": 12}
    assert (entry.actor, entry.subject, entry.detail) == ("zhang", f"{campaign}/{CLASS}", expected)
    assert set(voided_page.c.keys()) == {"id", "group_id", "target_id", "payload"}
    row = db.session.scalars(select(Voiding)).one()
    assert (row.group_code, row.pages, row.again) == (CLASS, 15, True)


@pytest.mark.parametrize("reason", ["", "  ", "长" * 201])
def test_a_reason_is_needed(codes: Codes, campaign: int, reason: str) -> None:
    vote(codes[CLASS][:1])
    with pytest.raises(BadInput):
        void(campaign, reason=reason)
    assert count(voided_page) == 0


def test_in_a_campaign_of_two_persons_another_one_confirms_exactly_this(codes: Codes, campaign: int) -> None:
    db.session.get_one(Campaign, campaign).two_person = True
    db.session.commit()
    for name, role in (("zhang", "officer"), ("li", "supervisor")):
        add_account(name, role=role, actor="test")
    unit = Unit(group=CLASS)
    with pytest.raises(NeedsSecond):
        void(campaign, unit)
    request = approvals.ask(campaign, "void", "zhang", unit.asked("有人要求统一填写"))
    with pytest.raises(Forbidden):
        approvals.confirm(request.id, "zhang")
    approvals.confirm(request.id, "li")
    for wrong in ({"reason": "别的原因"}, {"actor": "wang"}):
        with pytest.raises(NeedsSecond):
            void(campaign, unit, **wrong)
    with pytest.raises(NeedsSecond):
        void(campaign, Unit(group=OTHER))
    assert void(campaign, unit).slips == 12
    with pytest.raises(NeedsSecond):
        void(campaign, unit)
    assert void(campaign, unit, actor="console").slips == 12


@pytest.mark.parametrize(
    "unit",
    [
        Unit(group="S-999"),
        Unit(group="O-BUREAU"),
        Unit(relation="parent_school", school="999"),
        Unit(relation="principal_department"),
        Unit(),
    ],
)
def test_only_units_with_slips_can_be_voided(codes: Codes, campaign: int, unit: Unit) -> None:
    with pytest.raises(NotFound):
        void(campaign, unit)


def test_other_states_refuse(county: Flask, codes: Codes, campaign: int) -> None:
    draft, _made = create_campaign(name="x", year=2026, template="five", first_day=None, last_day=None, actor="test")
    for number in (draft, 99):
        with pytest.raises((Conflict, NotFound)):
            void(number)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    with pytest.raises(Conflict):
        void(campaign)


def test_what_the_monitor_finds_at_the_count_can_still_be_voided(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS])
    vote(codes[OTHER])
    for state in ("closed", "tallied"):
        move_campaign(campaign, state, actor="test")
    assert void(campaign).issued == ()
    assert db.session.get_one(Campaign, campaign).state == "closed"
    assert count(Tally) == 0
    for state in ("tallied", "released"):
        move_campaign(campaign, state, actor="test")
    assert balance_of(campaign).faults == ()
    pupils = next(e for e in released_results(campaign)["evaluations"] if e["relation"] == "student_teacher")
    assert {t["ballots"] for t in pupils["targets"] if t["target"] == "T100"} == {0}


def test_a_unit_may_be_voided_twice(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:4])
    new = void(campaign).issued[0].codes
    vote(new[:5])
    assert void(campaign).pages == 15
    assert balance_of(campaign).faults == ()
    group = db.session.scalars(select(RaterGroup).where(RaterGroup.code == CLASS)).one()
    assert (group.issued, group.voided, group.begun) == (36, 24, 0)


def test_sealed_pages_are_set_aside_unopened(county: Flask) -> None:
    number, _made = create_campaign(
        name="密封", year=2026, template="five", first_day=None, last_day=None, actor="test", sealed=True
    )
    shares = make_shares(number, actor="test").shares
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    codes = {group.group: group.codes for group in issue_slips(number, actor="test")}
    vote(codes[CLASS][:6], 5)
    vote(codes[OTHER][:6], 3)
    sealed = set(db.session.scalars(select(inbox.c.payload)))
    assert void(number).pages == 18
    assert set(db.session.scalars(select(voided_page.c.payload))) < sealed
    move_campaign(number, "closed", actor="test")
    assert open_box(number, shares[:2], actor="test") == 18
    move_campaign(number, "tallied", actor="test")
    balance = balance_of(number)
    assert (balance.faults, balance.counted, balance.voided_pages) == ((), 18, 18)


def test_a_failure_half_way_changes_nothing(codes: Codes, campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from survey.services import voiding

    def fail(*_args: object) -> None:
        raise RuntimeError

    vote(codes[CLASS][:5])
    before = balance_of(campaign)
    monkeypatch.setattr(voiding, "make_slips", fail)
    with pytest.raises(RuntimeError):
        void(campaign)
    assert balance_of(campaign) == before
    assert count(voided_page) == 0


def test_on_postgresql_no_transaction_ties_a_comment_to_the_unit(codes: Codes, campaign: int) -> None:
    if is_sqlite():
        pytest.skip("xmin is PostgreSQL's")
    vote_parents(codes[PARENTS][:5], 2, "mixed")
    mixing.mix()
    vote_parents(codes[PARENTS][5:8], 2, "waiting")
    void(campaign, Unit(group=PARENTS))
    db.session.rollback()
    batches = [
        db.session.scalar(text(f"SELECT count(DISTINCT xmin::text) FROM {t}")) for t in ("comment", "voided_page")
    ]
    assert batches == [1, 1]


def test_a_wrong_counter_of_voided_pages_is_found(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:5])
    void(campaign)
    row = db.session.scalars(select(GroupCount).where(GroupCount.voided > 0)).first()
    assert row is not None
    db.session.execute(
        insert(voided_page), [{"id": b"x" * 16, "group_id": row.group_id, "target_id": row.target_id, "payload": b""}]
    )
    db.session.commit()
    assert "voided pages: 15 counted, 16 there" in balance_of(campaign).faults


def test_evaluations_of_others_are_untouched(codes: Codes, campaign: int) -> None:
    vote(codes[OTHER][:5], 3)
    mixing.mix()
    others = set(db.session.scalars(select(ballot.c.id)))
    void(campaign)
    assert set(db.session.scalars(select(ballot.c.id))) == others
    assert db.session.scalar(select(func.count()).select_from(Evaluation)) == 5


@pytest.mark.parametrize("error", [Unavailable("busy"), OperationalError("x", {}, Exception("lost"))])
def test_new_codes_are_not_lost_when_the_covering_fails(
    codes: Codes, campaign: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> None:
        raise error

    vote(codes[CLASS][:1])
    monkeypatch.setattr(mixing, "cover_voiding", fail)
    done = void(campaign)
    assert len(done.issued[0].codes) == done.slips == 12
    assert find_progress(Holder(code=done.issued[0].codes[0])).next_page is not None
    assert count(Voiding) == 1
