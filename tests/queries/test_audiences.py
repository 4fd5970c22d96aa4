"""What leaves the bureau's pages: exact for the bureau, coarse and only its own for a school."""

import pytest
from flask import Flask

from survey.queries.audiences import Audience, seen_target
from survey.queries.exports import Part, find_part, page_of_targets, released_parts
from survey.queries.results import Row
from tests.released import add_campaign, add_evaluation

SCHOOL = Audience(school="101")


@pytest.fixture
def part(county: Flask) -> Part:
    campaign = add_campaign()
    targets = [(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(6)]
    add_evaluation(campaign, "student_teacher", targets=targets, ballots=33)
    add_evaluation(campaign, "teacher_principal", targets=[("H3", "103"), ("H4", "104")])
    return find_part(campaign.id, "student_teacher", SCHOOL)


def test_a_school_reads_its_own_rows_and_nothing_as_a_whole(part: Part) -> None:
    assert {row.school_code for row in part.targets()} == {"101"}
    assert [row.code for row in part.units()] == ["101"]
    assert part.overall is None
    assert set(part.summary.values()) == {None}
    assert list(part.pairs("comparison")) == []
    assert part.count_pairs("comparison") == 0
    relations = {found.head.relation for found in released_parts(part.head.campaign.id, SCHOOL)}
    assert relations == {"student_teacher"}


def test_figures_of_a_school_are_coarse(part: Part) -> None:
    whole = Part(**{**vars(part), "audience": Audience()})
    exact = {row.code: row.record for row in whole.targets()}
    for row in part.targets():
        seen, raw = row.record, exact[row.code]
        assert (seen["ballots"], seen["flagged"], seen["score_se"]) == (35, None, None)
        assert seen["score"] == round(raw["score"], 1) != raw["score"]
        for item in seen["items"].values():
            assert item["counts"] is item["sd"] is item["score_se"] is None
            assert item["n"] % 5 == 0


def test_searching_and_units_never_lead_to_another_school(part: Part) -> None:
    assert page_of_targets(part, unit="102").total == 0
    assert page_of_targets(part, search="T2").total == 0
    assert page_of_targets(part, search="对象").total == 6
    assert page_of_targets(part, page=99).rows == ()


def test_rounding_never_turns_a_withheld_item_into_one_that_nobody_answered(part: Part) -> None:
    row = next(part.targets())
    item = dict.fromkeys(("counts", "mean", "sd", "score", "score_se", "score_ci", "satisfied_rate", "satisfied_ci"))
    # 18 becomes 20 outside, which is the floor.
    record = {**row.record, "items": {"A1": {**item, "n": 18}}}
    exact = Row(evaluation_id=1, code="T", name="", unit="", school_code="101", record=record)
    assert seen_target(exact, SCHOOL).record["items"]["A1"]["withheld"] == "item_below_floor"
