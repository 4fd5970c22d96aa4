"""The stored tally: counted in chunks, kept in the database, read back."""

import secrets
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select

from survey.database import transaction
from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.campaigns import Evaluation
from survey.services import tallies


def evaluation_of(campaign: int, relation: str) -> Evaluation:
    return db.session.scalars(select(Evaluation).filter_by(campaign_id=campaign, relation=relation)).one()


LEVELS = (0, 1, 2, 3, 4, 5, 255)
OFTEN = (0.01, *[0.196] * 5, 0.01)


def put_ballots(campaign: int, relation: str, *, n: int, width: int = 1) -> Evaluation:
    """Insert random ballots, a fifth of them flagged, as a mix would have left them; width 1: one target each."""
    evaluation, chance = evaluation_of(campaign, relation), np.random.default_rng(8)
    axes = tallies.load_axes(evaluation.id)
    size = width * len(tallies.find_questionnaire(evaluation.questionnaire_id).item_codes)
    rows = [
        {
            "id": secrets.token_bytes(16),
            "evaluation_id": evaluation.id,
            "group_id": int(chance.choice(axes.group_ids)),
            "target_id": int(chance.choice(axes.target_ids)) if width == 1 else tallies.ALL_TARGETS,
            "answers": chance.choice(LEVELS, size, p=OFTEN).astype(np.uint8).tobytes(),
            "flag": int(chance.random() < 0.2),
        }
        for _ballot in range(n)
    ]
    with transaction() as session:
        session.execute(insert(ballot), rows)
    return evaluation


def assert_same(found: Any, expected: Any, *, rel: float = 0.0) -> None:
    for field in fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name.endswith("together"):
            assert one.n == other.n > 0
            np.testing.assert_array_equal(one.sums, other.sums)
            np.testing.assert_array_equal(one.products, other.products)
        elif isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=rel, atol=rel, err_msg=field.name)
        else:
            assert one == other, field.name


def test_chunks_add_up_to_the_whole(campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = put_ballots(campaign, "student_teacher", n=500)
    whole = tallies.count_evaluation(evaluation).counts
    monkeypatch.setattr(tallies, "CHUNK", 64)
    monkeypatch.setattr(tallies, "_FETCH", 17)
    assert whole.ballots.sum() == 500
    assert_same(tallies.count_evaluation(evaluation).counts, whole, rel=1e-12)


def test_a_tally_comes_back_from_the_database_as_it_was(campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = put_ballots(campaign, "student_teacher", n=400)
    counted = tallies.count_evaluation(evaluation)
    monkeypatch.setattr(tallies, "_FETCH", 7)
    for _twice in range(2):
        with transaction() as session:
            tallies.store_tallies(session, [counted])
    assert counted.counts.clean_valid.sum() < counted.counts.valid.sum()
    assert_same(tallies.load_tally(evaluation).counts, counted.counts)


def test_pages_of_all_departments_come_back_with_their_pairs(campaign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "_FETCH", 5)
    evaluation = put_ballots(campaign, "principal_department", n=40, width=3)
    counted = tallies.count_evaluation(evaluation)
    with transaction() as session:
        tallies.store_tallies(session, [counted])
    again = tallies.load_tally(evaluation)
    assert counted.paired is not None
    assert again.paired is not None
    assert_same(again.paired, counted.paired)
    # Each page is a row for each department that it answers in full.
    assert 40 < again.counts.together.n <= 120


def test_without_ballots_there_is_an_empty_tally(campaign: int) -> None:
    evaluation = evaluation_of(campaign, "parent_school")
    counted = tallies.count_evaluation(evaluation)
    with transaction() as session:
        tallies.store_tallies(session, [counted])
    again = tallies.load_tally(evaluation).counts
    assert (len(again.valid), again.together.n, again.counts.shape) == (0, 0, counted.counts.counts.shape)


def test_a_ballot_about_somebody_who_takes_no_part_is_no_silent_loss(campaign: int) -> None:
    evaluation = put_ballots(campaign, "student_teacher", n=5)
    with transaction() as session:
        session.execute(ballot.update().values(target_id=10**6))
    with pytest.raises(LookupError, match="1000000"):
        tallies.count_evaluation(evaluation)
