"""Results go out only as prepared, by the right hands, and what outsiders see gives nothing withheld away."""

import json
import random
import re
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from survey.analysis.disclosure import exposed
from survey.analysis.results import scale_of
from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign, Evaluation
from survey.models.publications import Publication
from survey.models.results import CubeTarget, CubeUnit
from survey.queries import comparisons, results
from survey.queries.publications import find_draft, public_campaigns, published_results
from survey.services import approvals
from survey.services.ballots import Electorate, Holder, Page, cast_slips, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.publications import (
    View,
    as_records,
    prepare_publication,
    publish,
    safe_view,
    unpublish,
    write_feedback,
)
from survey.services.tallies import load_tally


@pytest.fixture
def released(codes: dict[str, tuple[str, ...]], campaign: int) -> int:
    """A campaign in which one class hardly voted, so that some targets are withheld."""
    chance = random.Random(7)

    def fill(electorate: Electorate, page: Page) -> bytes:
        items = len(find_questionnaire(electorate.questionnaire_id).item_codes)
        return pack_payload(
            bytes(chance.choice((2, 3, 4, 4, 5)) for _ in range(items * (len(electorate.targets) or 1)))
        )

    few = next(group for group in codes if group.startswith("S-102"))
    chosen = {group: some[: 2 if group == few else None] for group, some in codes.items()}
    cast_slips((Holder(code=code), fill) for some in chosen.values() for code in some)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    return campaign


def published(campaign: int) -> dict[str, Any]:
    prepare_publication(campaign, actor="test")
    publish(campaign, actor="test")
    return dict(published_results(campaign).document)


def acts() -> list[str]:
    return [entry.action for entry in db.session.scalars(select(AuditEntry)) if entry.action.startswith("publication")]


def test_nothing_is_out_before_the_act(released: int) -> None:
    with pytest.raises(NotFound):
        published_results(released)
    prepare_publication(released, actor="test")
    with pytest.raises(NotFound):
        published_results(released)
    assert public_campaigns() == []
    publish(released, actor="test")
    assert [row.id for row in public_campaigns()] == [released]
    unpublish(released, actor="test")
    assert public_campaigns() == []
    assert acts() == ["publication.prepare", "publication.publish", "publication.unpublish"]


def test_there_must_be_something_to_publish_or_take_back(released: int) -> None:
    with pytest.raises(Conflict):
        publish(released, actor="test")
    with pytest.raises(Conflict):
        unpublish(released, actor="test")


def test_nothing_goes_out_before_the_release(campaign: int) -> None:
    for act in (prepare_publication, publish, unpublish):
        with pytest.raises(Conflict):
            act(campaign, actor="test")
        with pytest.raises(NotFound):
            act(99, actor="test")
    with pytest.raises(NotFound):
        find_draft(campaign)


def test_two_persons_confirm_the_very_document(released: int) -> None:
    db.session.get_one(Campaign, released).two_person = True
    for name in ("one", "two"):
        db.session.add(Account(name=name, role="officer", password_hash="", must_change=False))
    db.session.commit()
    digest = prepare_publication(released, actor="one")
    with pytest.raises(approvals.NeedsSecond):
        publish(released, actor="one")
    asked = approvals.ask(released, "publish", "one", {"digest": digest})
    approvals.confirm(asked.id, "two")
    db.session.get_one(Publication, released).digest = "another"
    db.session.commit()
    with pytest.raises(approvals.NeedsSecond):
        publish(released, actor="one")
    prepare_publication(released, actor="one")
    publish(released, actor="one")
    with pytest.raises(approvals.NeedsSecond):
        unpublish(released, actor="one")


def test_no_teacher_and_no_principal_is_named(released: int) -> None:
    text = json.dumps(published(released), ensure_ascii=False)
    persons = [row for row in db.session.scalars(select(CubeTarget)) if re.fullmatch(r"[TH]\d+", row.code)]
    assert persons
    assert [row.name for row in persons if row.name in text or f'"{row.code}"' in text] == []


def test_what_outsiders_see_is_never_finer_than_the_cube(released: int) -> None:
    document = published(released)
    targets = {(row.evaluation_id, row.code): row.document for row in db.session.scalars(select(CubeTarget))}
    units = {(row.evaluation_id, row.code): row.document for row in db.session.scalars(select(CubeUnit))}
    for head, evaluation in zip(results.evaluation_heads(released), document["evaluations"], strict=True):
        source = units if evaluation["relation"] == "student_teacher" else targets
        for row in evaluation["rows"]:
            record = source[head.id, row["code"]]
            if record["score"] is None:
                assert row["score"] is row["n"] is row["rate"] is None
            if row["score"] is not None:
                assert row["score"] == round(record["score"], 1)
        shown, whole = evaluation["overall"]["score"], head.overall["score"]
        assert shown is None or shown == round(whole, 1)


def test_no_withheld_target_is_derivable_from_what_outsiders_see(released: int) -> None:
    """The audit of the release, held against the outsiders' view: of every relation, with persons as secrets."""
    prepare_publication(released, actor="test")
    audited = 0
    for head in results.evaluation_heads(released):
        targets, units = comparisons.targets_of(head.id), results.units(head)
        counts = load_tally(db.session.get_one(Evaluation, head.id)).counts
        view = safe_view(head, targets, units)
        records = as_records(view, targets, units)
        audited += sum(row["mean"] is None for row in records.targets)
        assert exposed(records, counts, scale=scale_of(head.scheme)) == ()
    assert audited > 5


def test_the_audit_would_see_a_view_that_gives_a_target_away(released: int) -> None:
    """One school alone left out beside the sum of all: the difference tells it."""
    head = results.find_head(released, "principal_department")
    targets, units = comparisons.targets_of(head.id), results.units(head)
    counts = load_tally(db.session.get_one(Evaluation, head.id)).counts
    whole = {"score": 70.0, "ci": None, "withheld": None}
    rows = {row.code: whole for row in targets[1:]} | {targets[0].code: {**whole, "score": None, "withheld": "x"}}
    view = View(overall=whole, rows=rows, by_unit=False)
    found = exposed(as_records(view, targets, units), counts, scale=scale_of(head.scheme))
    assert found == (targets[0].code,)


def test_numbers_of_ballots_are_in_fives_below_fifty(released: int) -> None:
    document = published(released)
    numbers = [row["n"] for part in document["evaluations"] for row in (part["overall"], *part["rows"])]
    small = np.array([n for n in numbers if n is not None and n < 50])
    assert len(small)
    assert (small % 5 == 0).all()


def test_words_are_kept_as_plain_text_and_audited(released: int) -> None:
    write_feedback(released, "  一、食堂\r\n二、<b>家校</b>  ", actor="test")
    assert find_draft(released).feedback == "一、食堂\n二、<b>家校</b>"
    with pytest.raises(BadInput):
        write_feedback(released, "x" * 5001, actor="test")
    assert acts() == ["publication.feedback"]
