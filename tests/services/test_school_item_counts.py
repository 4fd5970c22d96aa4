"""Own items from the ballot to the release: counted apart, in no score, floors as for all, never across schools."""

import random
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from survey.database import transaction
from survey.errors import Conflict
from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.results import CubeEvaluation, CubeTarget, Tally, TallyScale
from survey.models.school_items import CubeSchoolItem, SchoolItemCount
from survey.queries.cubes import released_results
from survey.queries.school_items import list_items, released_items
from survey.services import deletions, mixing
from survey.services.ballots import BLANK, Electorate, Holder, Page, cast_slips, pack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.corrections import Wanted, begin_correction
from survey.services.instruments import find_questionnaire
from survey.services.integrity import monitor_campaign
from survey.services.openings import open_box
from survey.services.sealed_boxes import make_shares
from survey.services.slips import issue_slips
from survey.services.tallies import count_campaign
from survey.services.voiding import Unit, void_unit
from tests.own_items import SECOND, approve_all, propose

Codes = dict[str, tuple[str, ...]]


def opened(*, own: bool = True, sealed: bool = False) -> tuple[int, Codes]:
    number, _made = create_campaign(
        name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test", sealed=sealed
    )
    if own:
        propose(number)
        propose(number, zh=SECOND, en="Are you satisfied with the school bus?")
        approve_all(number)
    return number, {}


def start(number: int) -> Codes:
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    return {group.group: group.codes for group in issue_slips(number, actor="test")}


def vote(codes: Mapping[str, tuple[str, ...]], *, share: float = 1.0, own: tuple[int, ...] = (5, 4, 3, 0)) -> None:
    """Let everybody vote, the same whatever stands behind the bureau's items."""
    chance, theirs = random.Random(3), random.Random(4)

    def fill(electorate: Electorate, page: Page) -> bytes:
        questionnaire = find_questionnaire(electorate.questionnaire_id)
        asked = questionnaire.variants[electorate.variant].items
        width = len(electorate.targets) or 1
        levels = bytes(chance.randint(1, 5) if code in asked else BLANK for code in questionnaire.item_codes * width)
        return pack_payload(levels, own=bytes(theirs.choice(own) for _item in electorate.own_items))

    chosen = {group: some[: round(share * len(some))] for group, some in codes.items() if group.startswith("P-")}
    cast_slips((Holder(code=code), fill) for group in sorted(chosen) for code in chosen[group])


def finish(number: int) -> dict[str, Any]:
    for state in ("closed", "tallied", "released"):
        move_campaign(number, state, actor="test")
    return {evaluation["relation"]: evaluation for evaluation in released_results(number)["evaluations"]}


@pytest.fixture
def asked(county: Flask) -> int:
    return opened()[0]


def own_counts() -> dict[tuple[int, int], int]:
    db.session.rollback()
    return {(row.item_id, row.level): row.n for row in db.session.scalars(select(SchoolItemCount))}


def test_own_answers_are_counted_and_released_to_the_school(asked: int) -> None:
    codes = start(asked)
    vote(codes)
    finish(asked)
    first, second = (row.id for row in list_items(asked))
    people = sum(len(some) for group, some in codes.items() if group.startswith("P-101"))
    counts = own_counts()
    assert people == 36
    for item in (first, second):
        assert sum(n for (number, _level), n in counts.items() if number == item) == people
    shown = released_items(asked, "101", outsider=False)
    assert [item.code for item in shown] == ["OWN1", "OWN2"]
    for item, number in zip(shown, (first, second), strict=True):
        assert item.withheld is None
        assert item.record["n"] == people
        assert item.record["counts"] == {str(level): counts.get((number, level), 0) for level in (5, 4, 3, 2, 1, 0)}
        low, high = item.record["satisfied_ci"]
        assert low < item.record["satisfied_rate"] < high
    assert released_items(asked, "102", outsider=False) == []


def test_the_school_reads_coarser_figures(asked: int) -> None:
    codes = start(asked)
    vote(codes, own=(5,))
    finish(asked)
    item = released_items(asked, "101", outsider=True)[0]
    assert item.record["n"] == 35
    assert item.record["counts"] is None
    assert item.record["shares"]["5"] == 1.0


def test_where_nearly_all_agree_and_few_answered_only_that_is_said(asked: int) -> None:
    codes = start(asked)
    vote(codes, share=0.7, own=(5,))
    finish(asked)
    item = released_items(asked, "101", outsider=True)[0]
    assert item.record == {
        **dict.fromkeys(("counts", "satisfied_rate", "satisfied_ci")),
        **{"n": 25, "satisfied_limit": "high", "withheld": "nearly_all_agree"},
    }


def test_no_figure_of_the_bureau_knows_of_own_items(county: Flask) -> None:
    """Twice the same answers, once with own items behind them: the same records, tallies, scale quality and flags."""
    found = []
    for own in (False, True):
        number = opened(own=own)[0]
        vote(start(number))
        results = finish(number)
        monitored = monitor_campaign(number)
        found.append((results, tallies(number), cubes(number), [one.document for one in monitored]))
        found[-1] += ([one.findings for one in monitored],)
        assert (len(own_counts()) > 0) is own
    assert found[0][0]["parent_school"]["scale_quality"]
    # Sums of floats in the random order of ballots differ in the last digit.
    assert rounded(found[0]) == rounded(found[1])


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, 9) if isinstance(value, float) else value


def tallies(campaign: int) -> list[object]:
    evaluations = select(CubeEvaluation.evaluation_id).where(CubeEvaluation.campaign_id == campaign)
    rows = db.session.scalars(
        select(Tally).where(Tally.evaluation_id.in_(evaluations)).order_by(Tally.target_id, Tally.group_id)
    )
    scales = select(TallyScale.document).where(TallyScale.evaluation_id.in_(evaluations))
    kept = [(row.counts, row.valid, row.flagged, row.mean, row.score, row.score_ss) for row in rows]
    return [kept, db.session.scalars(scales.order_by(TallyScale.evaluation_id)).all()]


def cubes(campaign: int) -> list[object]:
    rows = db.session.scalars(select(CubeEvaluation).where(CubeEvaluation.campaign_id == campaign)).all()
    targets = db.session.scalars(
        select(CubeTarget)
        .where(CubeTarget.evaluation_id.in_([row.evaluation_id for row in rows]))
        .order_by(CubeTarget.evaluation_id, CubeTarget.code)
    )
    return [
        {row.relation: {**row.document, "change": None, "course": None} for row in rows},
        [(row.code, row.document) for row in targets],
    ]


def test_few_answers_and_a_withheld_school_show_nothing(asked: int) -> None:
    codes = start(asked)
    # 18 of 36: enough for the school's score, too few for an item.
    vote(codes, share=0.5)
    finish(asked)
    assert db.session.scalars(select(CubeTarget.score).where(CubeTarget.code == "101")).one() is not None
    for item in released_items(asked, "101", outsider=False):
        assert item.withheld == "item_below_floor"
        assert item.record["n"] is not None
        assert item.record["counts"] is item.record["satisfied_rate"] is None


def test_a_withheld_school_says_nothing_of_its_own_items(asked: int) -> None:
    codes = start(asked)
    vote({group: some[: 1 if "101" in group else None] for group, some in codes.items()})
    finish(asked)
    assert db.session.scalars(select(CubeTarget.score).where(CubeTarget.code == "101")).one() is None
    found = released_items(asked, "101", outsider=False)
    assert {item.withheld for item in found} == {"target_withheld"}
    assert all(value is None for item in found for value in item.record.values())


def test_a_sealed_campaign_counts_them_after_its_opening(county: Flask) -> None:
    number = opened(sealed=True)[0]
    shares = make_shares(number, actor="test").shares
    codes = start(number)
    vote(codes)
    assert mixing.mix() == 0
    move_campaign(number, "closed", actor="test")
    open_box(number, shares[:2], actor="test")
    for state in ("tallied", "released"):
        move_campaign(number, state, actor="test")
    assert [item.record["n"] for item in released_items(number, "101", outsider=False)] == [36, 36]


def test_ballots_of_a_wrong_length_are_refused(asked: int) -> None:
    codes = start(asked)
    vote(codes)
    move_campaign(asked, "closed", actor="test")
    row = db.session.execute(select(ballot)).first()
    assert row is not None
    values = row._asdict() | {"id": secrets.token_bytes(16), "answers": bytes(row.answers) + b"\5"}
    with transaction() as session:
        session.execute(insert(ballot), [values])
    with pytest.raises(Conflict, match="number of answers"):
        count_campaign(asked)


def test_a_voided_class_leaves_the_count_with_its_own_answers(asked: int) -> None:
    codes = start(asked)
    vote(codes)
    for state in ("closed", "tallied"):
        move_campaign(asked, state, actor="test")
    assert own_counts()
    void_unit(asked, Unit(group="P-101-七年级1班"), reason="test", actor="test")
    assert own_counts() == {}
    move_campaign(asked, "tallied", actor="test")
    move_campaign(asked, "released", actor="test")
    assert [item.record["n"] for item in released_items(asked, "101", outsider=False)] == [23, 23]


def test_a_correction_shows_no_difference_of_few_ballots(asked: int) -> None:
    codes = start(asked)
    vote(codes)
    finish(asked)
    wanted = Wanted(note="一个班作废", reason="test", unit=Unit(group="P-101-七年级1班"))
    begin_correction(asked, wanted, actor="test")
    move_campaign(asked, "tallied", actor="test")
    move_campaign(asked, "released", actor="test")
    found = released_items(asked, "101", outsider=False)
    assert {item.withheld for item in found} <= {"versions", "target_withheld"}
    assert all(value is None for item in found for value in item.record.values())


def test_deleting_a_campaign_or_its_ballots_takes_them_along(asked: int) -> None:
    vote(start(asked))
    finish(asked)
    move_campaign(asked, "archived", actor="test")
    deletions.delete_campaign(asked, what="ballots", name="五评", reason="test", actor="test")
    assert own_counts() == {}
    assert len(released_items(asked, "101", outsider=False)) == 2
    deletions.delete_campaign(asked, what="campaign", name="五评", reason="test", actor="test")
    assert list_items(asked) == []
    assert db.session.scalars(select(CubeSchoolItem)).all() == []
