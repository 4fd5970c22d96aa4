"""The integrity monitor over stored ballots: it names the dictated class and keeps nothing that tells a ballot."""

import secrets

import numpy as np
import pytest
from sqlalchemy import insert, select

from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.instruments import QuestionnaireVersion
from survey.models.integrity import IntegrityEvaluation, IntegrityFinding
from survey.models.organisations import School
from survey.services.ballots import ALL_TARGETS
from survey.services.instruments import find_questionnaire
from survey.services.integrity import monitor_campaign, monitor_evaluation, store_findings
from tests.released import add_campaign

CLASSES, TARGETS, PUPILS = 24, 3, 30
DICTATED = 7


@pytest.fixture
def evaluation(county) -> Evaluation:
    """Pupils of 24 classes in three schools, a counted campaign's worth of groups and targets, no ballots yet."""
    campaign = add_campaign(state="closed")
    form = db.session.query(QuestionnaireVersion).filter_by(code="student_teacher").one()
    scheme = {**load(), "id": "five_step"}
    made = Evaluation(campaign_id=campaign.id, relation="student_teacher", questionnaire_id=form.id, scheme=scheme)
    db.session.add_all([made, School(code="103x", name="第三实验小学", district="1学区", stage="小学")])
    db.session.flush()
    for number in range(CLASSES):
        group = RaterGroup(
            evaluation_id=made.id, code=f"S-{number}", name=f"{number}班", kind="slip", grade="七年级", issued=PUPILS
        )
        group.school_code = ("101", "102", "103x")[number // 8]
        db.session.add(group)
        db.session.flush()
        db.session.add(GroupCount(group_id=group.id, target_id=0, position=0, begun=PUPILS - number % 3))
    for number in range(TARGETS):
        target = Target(evaluation_id=made.id, code=f"T{number}", name=f"教师{number}", unit="101", unit_name="")
        db.session.add(target)
    db.session.commit()
    return made


def load() -> dict:
    from survey.analysis.scoring import load_scheme

    return load_scheme("five_step").to_json()


def vote(evaluation: Evaluation, *, dictated: float = 0.0, pupils: int = PUPILS, seed: int = 3) -> None:
    """Let every class answer; `dictated` of class 7 tick the best level everywhere."""
    chance = np.random.default_rng(seed)
    groups = db.session.scalars(select(RaterGroup.id).where(RaterGroup.evaluation_id == evaluation.id)).all()
    targets = db.session.scalars(select(Target.id).where(Target.evaluation_id == evaluation.id)).all()
    items = len(find_questionnaire(evaluation.questionnaire_id).item_codes)
    rows = []
    for place, group in enumerate(groups):
        mood = chance.normal(0.0, 0.6, pupils)
        for target in targets:
            level = 3.6 + mood[:, None] + chance.normal(0, 0.3) + chance.normal(0, 0.8, (pupils, items))
            answers = np.clip(np.rint(level), 1, 5).astype(np.uint8)
            if place == DICTATED:
                answers[: int(dictated * pupils)] = 5
            rows += [
                {"id": secrets.token_bytes(16), "evaluation_id": evaluation.id, "group_id": group}
                | {"target_id": target, "answers": row.tobytes(), "flag": 0}
                for row in answers
            ]
    db.session.execute(insert(ballot), rows)
    db.session.commit()


def test_a_dictated_class_is_named_with_its_reason(evaluation) -> None:
    vote(evaluation, dictated=0.6)
    found = monitor_evaluation(evaluation)
    first = found.findings[0]
    assert (first["kind"], first["code"], first["school_code"]) == ("group", f"S-{DICTATED}", "101")
    reason = first["document"]["reasons"][0]
    assert reason["signal"] == "full_marks"
    assert reason["observed"] >= 0.55 > 0.3 >= reason["expected"]
    assert found.document["group"] | {"alarms": 0, "firm": 0} == {
        "judged": CLASSES, "few_ballots": 0, "few_classes": 0, "alarms": 0, "firm": 0
    }  # fmt: skip


def test_calm_classes_leave_no_row(evaluation) -> None:
    vote(evaluation)
    found = monitor_evaluation(evaluation)
    assert not found.findings
    assert found.document["group"]["judged"] == CLASSES


def test_unanimity_is_kept_as_a_bound_and_in_steps(evaluation) -> None:
    vote(evaluation, dictated=1.0)
    shares = [
        reason[name]
        for row in monitor_evaluation(evaluation).findings
        for reason in row["document"]["reasons"]
        for name in ("observed", "expected")
        if reason[name] is not None
    ]
    assert max(shares) == 0.95
    assert min(shares) >= 0.05
    assert all(round(share * 20, 6) == round(share * 20) for share in shares)


def test_below_twenty_pages_neither_share_nor_target_is_kept(evaluation) -> None:
    vote(evaluation, dictated=1.0, pupils=12)
    for row in monitor_evaluation(evaluation).findings:
        for reason in row["document"]["reasons"]:
            assert not reason["one_target"] or (reason["target"], reason["observed"]) == (None, None)


def test_classes_below_the_floor_are_only_counted(evaluation) -> None:
    vote(evaluation, pupils=9, dictated=1.0)
    found = monitor_evaluation(evaluation)
    assert found.findings == []
    assert found.document["group"]["few_ballots"] == CLASSES


def test_an_evaluation_without_ballots_is_judged_without_a_word(evaluation) -> None:
    found = monitor_evaluation(evaluation)
    assert (found.findings, found.document["group"]["judged"]) == ([], 0)


def test_the_page_of_all_departments_is_left_out(evaluation) -> None:
    row = {"id": b"x" * 16, "evaluation_id": evaluation.id, "group_id": 1, "target_id": ALL_TARGETS}
    db.session.execute(insert(ballot), [{**row, "answers": b"\x05" * 18, "flag": 0}])
    assert monitor_evaluation(evaluation) is None


def test_storing_again_replaces_what_was_kept(evaluation) -> None:
    vote(evaluation, dictated=0.8)
    for _time in range(2):
        store_findings(db.session(), monitor_campaign(evaluation.campaign_id))
        db.session.commit()
    assert db.session.query(IntegrityEvaluation).count() == 1
    assert db.session.query(IntegrityFinding).filter_by(position=0).count() == 1


def test_a_count_of_a_small_campaign_stores_its_numbers(campaign, codes) -> None:
    from survey.services.campaigns import move_campaign

    for state in ("closed", "tallied"):
        move_campaign(campaign, state, actor="test")
    kept = {row.relation for row in db.session.query(IntegrityEvaluation)}
    assert {"student_teacher", "parent_school"} <= kept
    assert "public_education" not in kept
    assert db.session.get_one(Campaign, campaign).state == "tallied"
