"""Corrections: the version that was out stays readable, the new one says so, and both together give nothing away."""

import secrets
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign
from survey.models.comparisons import StoredComparison
from survey.models.publications import Publication
from survey.models.results import CubeEvaluation, CubePair, CubeTarget
from survey.queries.corrections import superseded_relation, superseded_release, superseded_versions
from survey.queries.cubes import released_results
from survey.queries.results import evaluation_heads
from survey.services import approvals
from survey.services.accounts import add_account
from survey.services.approvals import NeedsSecond
from survey.services.balance import balance_of
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.corrections import Begun, Renamed, Wanted, begin_correction
from survey.services.release import UnsafeRelease
from survey.services.voiding import Unit
from tests.conftest import stage

CLASS, OTHER = "S-101-三年级1班", "S-101-七年级1班"
NOTE = "三年级1班的答卷已作废，相关结果重新计算。"
Codes = dict[str, tuple[str, ...]]


def vote(codes: Sequence[str], level: int) -> None:
    for code in codes:
        holder = Holder(code=code)
        while (page := find_progress(holder).next_page) is not None:
            payload = pack_payload(bytes([level] * 8))
            cast(holder, target_code=page.code, form=secrets.token_hex(16), payload=payload)


@pytest.fixture
def released(codes: Codes, campaign: int) -> int:
    """Two classes of the first school rate the same three teachers, one of the second its own."""
    return stage("corrections", lambda: _make_released(codes, campaign))


def _make_released(codes: Codes, campaign: int) -> int:
    for group, level in ((CLASS, 5), (OTHER, 3), ("S-102-三年级1班", 4), ("S-102-七年级1班", 3)):
        vote(codes[group], level)
    finish(campaign)
    return campaign


def finish(campaign: int, *states: str) -> None:
    for state in states or ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")


def correct(campaign: int, actor: str = "zhang", **changes: object) -> Begun:
    wanted = {"note": NOTE, "reason": "监察室查实有人统一填写", "unit": Unit(group=CLASS)} | changes
    return begin_correction(campaign, Wanted(**wanted), actor=actor)  # type: ignore[arg-type]


def pupils(campaign: int) -> dict[str, dict[str, object]]:
    document = released_results(campaign)
    found = next(e for e in document["evaluations"] if e["relation"] == "student_teacher")
    return {target["target"]: target for target in found["targets"]}


def test_a_class_is_voided_after_the_release_and_the_rest_is_released_as_version_two(released: int) -> None:
    before = pupils(released)
    assert before["T100"]["ballots"] == 25
    assert correct(released) == Begun(version=2, pages=36, state="closed")
    assert balance_of(released).faults == ()
    with pytest.raises(Conflict):
        released_results(released)
    finish(released, "tallied", "released")
    after = pupils(released)
    # A class of twelve is fewer than a figure may rest on: the difference of two means would be its own.
    assert (after["T100"]["ballots"], after["T100"]["mean"], after["T100"]["withheld"]) == (13, None, "derivable")
    assert [after["T200"][key] for key in ("valid", "mean", "score_ci", "items")] == [
        before["T200"][key] for key in ("valid", "mean", "score_ci", "items")
    ]
    head = released_results(released)["campaign"]
    assert (head["version"], head["correction"]) == (2, NOTE)
    assert {row.version for row in db.session.scalars(select(CubeEvaluation))} == {2}
    assert balance_of(released).faults == ()


def test_the_old_version_stays_as_it_was(released: int) -> None:
    before = pupils(released)
    overall = {head.relation: head.overall for head in evaluation_heads(released)}
    correct(released)
    finish(released, "tallied", "released")
    (old,) = superseded_versions(released)
    assert (old.version, old.note) == (1, "")
    _old, relations = superseded_release(released, 1)
    assert len(relations) == 5
    found = superseded_relation(released, 1, "student_teacher", most=100)
    assert {record["target"]: record for _name, record in found.targets} == before
    assert found.overall["score"] == overall["student_teacher"]["score"]
    assert len(superseded_relation(released, 1, "student_teacher", most=2).targets) == 2
    for version, relation in ((2, "student_teacher"), (1, "nothing")):
        with pytest.raises(NotFound):
            superseded_relation(released, version, relation, most=1)


def test_a_first_version_says_nothing_of_versions(released: int) -> None:
    assert set(released_results(released)["campaign"]) == {"id", "name", "year", "state"}
    assert superseded_versions(released) == []


def test_a_wrong_name_is_set_right_and_no_figure_changes(released: int) -> None:
    before = pupils(released)
    names = (
        Renamed(relation="student_teacher", code="T100", name="王老师"),
        Renamed(relation="student_teacher", code="101", name="第一小学", unit=True),
    )
    assert correct(released, unit=None, names=names) == Begun(version=2, pages=0, state="tallied")
    finish(released, "released")
    assert pupils(released) == before
    named = db.session.scalars(select(CubeTarget).where(CubeTarget.code == "T100", CubeTarget.unit == "101")).all()
    assert [row.name for row in named] == ["王老师"]
    assert superseded_relation(released, 1, "student_teacher", most=1).targets[0][0] == "教师100"


def test_a_second_correction_heeds_both_earlier_versions(released: int) -> None:
    for unit in (CLASS, OTHER):
        correct(released, unit=Unit(group=unit))
        finish(released, "tallied", "released")
    assert released_results(released)["campaign"]["version"] == 3
    assert [row.version for row in superseded_versions(released)] == [2, 1]
    assert pupils(released)["T100"]["ballots"] == 0


def test_a_handful_of_pages_is_no_correction(codes: Codes, campaign: int) -> None:
    vote(codes[CLASS][:3], 5)
    finish(campaign)
    before = balance_of(campaign)
    with pytest.raises(Conflict):
        correct(campaign)
    assert balance_of(campaign) == before
    assert db.session.get_one(Campaign, campaign).version == 1
    assert len(released_results(campaign)["evaluations"]) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"note": " "},
        {"note": "长" * 301},
        {"reason": ""},
        {"names": (Renamed(relation="student_teacher", code="T999", name="x"),)},
        {"names": (Renamed(relation="student_teacher", code="T100", name=""),)},
        {"unit": Unit(group="S-999")},
    ],
)
def test_a_bad_request_takes_nothing_back(released: int, change: dict[str, object]) -> None:
    with pytest.raises((BadInput, NotFound)):
        correct(released, **change)
    assert db.session.get_one(Campaign, released).state == "released"
    assert superseded_versions(released) == []


def test_only_what_is_released_is_corrected(campaign: int, codes: Codes) -> None:
    for state in ("closed", "tallied"):
        with pytest.raises(Conflict):
            correct(campaign)
        move_campaign(campaign, state, actor="test")
    finish(campaign, "released", "archived")
    for number, error in ((campaign, Conflict), (99, NotFound)):
        with pytest.raises(error):
            correct(number)


def test_two_persons_correct_exactly_what_was_confirmed(released: int) -> None:
    db.session.get_one(Campaign, released).two_person = True
    db.session.commit()
    for name in ("zhang", "li"):
        add_account(name, role="officer", actor="test")
    wanted = Wanted(note=NOTE, reason="监察室查实有人统一填写", unit=Unit(group=CLASS))
    with pytest.raises(NeedsSecond):
        begin_correction(released, wanted, actor="zhang")
    request = approvals.ask(released, "correct", "zhang", wanted.asked())
    with pytest.raises(Forbidden):
        approvals.confirm(request.id, "zhang")
    approvals.confirm(request.id, "li")
    with pytest.raises(NeedsSecond):
        correct(released, note="别的说明")
    assert begin_correction(released, wanted, actor="li").version == 2
    move_campaign(released, "tallied", actor="zhang")
    with pytest.raises(NeedsSecond):
        move_campaign(released, "released", actor="zhang")


def test_what_rests_on_the_old_version_goes_and_the_log_keeps_why(released: int) -> None:
    number = db.session.scalars(select(CubeEvaluation.evaluation_id)).first()
    db.session.add(StoredComparison(key="k", evaluation_id=number, choice={}, document={}, job_id=1))
    public = {"prepared": {"a": 1}, "published": {"a": 1}, "digest": "d"}
    db.session.add(Publication(campaign_id=released, **public))
    db.session.commit()
    correct(released)
    left = db.session.scalars(select(Publication)).one()
    assert (left.prepared, left.published, left.digest) == (None, None, "")
    for model in (StoredComparison, CubePair, CubeTarget):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "release.correct")).one()
    assert (entry.actor, entry.detail["reason"], entry.detail["pages"]) == ("zhang", "监察室查实有人统一填写", 36)


def test_a_fault_of_the_program_is_found_by_the_audit_over_both_versions(
    codes: Codes, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new version made as if nothing had been out before: it is not released."""
    vote(codes[CLASS][:6], 5)
    vote(codes[OTHER], 3)
    finish(campaign)
    correct(campaign)
    move_campaign(campaign, "tallied", actor="test")
    with monkeypatch.context() as fault:
        fault.setattr("survey.analysis.results.earlier_versions", lambda *_args: None)
        with pytest.raises(UnsafeRelease):
            move_campaign(campaign, "released", actor="test")
    move_campaign(campaign, "released", actor="test")
    assert pupils(campaign)["T100"]["mean"] is None
