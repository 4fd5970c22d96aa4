"""What pages of results may read: released campaigns, in pages, and less of it outside the bureau."""

import pytest
from flask import Flask

from survey.errors import NotFound
from survey.queries import results, target_lists
from survey.queries.outside import outside
from survey.queries.results import Row
from survey.queries.target_lists import TargetFilter
from tests.released import add_campaign, add_evaluation

TWO_SCHOOLS = [("T1", "101"), ("T2", "101"), ("T3", "102"), ("T4", "102")]


@pytest.fixture
def released(app: Flask) -> int:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TWO_SCHOOLS, means=[3, 4, 4.5, 3.5])
    add_evaluation(campaign, "parent_school", targets=[("101", "1学区"), ("102", "1学区")])
    return campaign.id


def head(campaign, relation="student_teacher"):
    return results.find_head(campaign, relation)


def codes(found):
    return [row.code for row in found.rows]


def test_a_campaign_is_listed_with_its_relations(released):
    (campaign,) = results.released_campaigns()
    assert campaign.relations == ("student_teacher", "parent_school")


def test_what_is_not_released_is_not_there(app):
    campaign = add_campaign(state="tallied")
    add_evaluation(campaign, "student_teacher", targets=TWO_SCHOOLS)
    assert results.released_campaigns() == []
    with pytest.raises(NotFound):
        results.evaluation_heads(campaign.id)
    with pytest.raises(NotFound):
        results.find_head(campaign.id, "student_teacher")


def test_an_archived_campaign_stays_readable(app):
    campaign = add_campaign(state="archived")
    add_evaluation(campaign, "student_teacher", targets=TWO_SCHOOLS)
    assert [found.id for found in results.released_campaigns()] == [campaign.id]


def test_a_school_is_shown_campaigns_that_say_something_about_it(released):
    assert len(results.released_campaigns("101")) == 1
    assert results.released_campaigns("999") == []


def test_a_head_counts_shown_and_withheld_targets(app):
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TWO_SCHOOLS, issued=100)
    found = head(campaign.id)
    assert (found.targets, found.shown, found.withheld) == (4, 0, 4)


def test_an_evaluation_of_one_target_carries_that_targets_interval(app):
    campaign = add_campaign()
    result = add_evaluation(campaign, "public_education", targets=[("BUREAU", "BUREAU")])
    target = result.targets[0]
    assert result.overall["score_ci"] is None
    assert head(campaign.id, "public_education").overall["score_ci"] == target["score_ci_roster"]


def test_targets_stand_by_code_unless_another_order_is_asked_for(released):
    assert codes(target_lists.list_targets(head(released), TargetFilter())) == ["T1", "T2", "T3", "T4"]
    by_score = target_lists.list_targets(head(released), TargetFilter(sort="score", descending=True))
    assert codes(by_score) == ["T3", "T2", "T4", "T1"]
    assert codes(target_lists.list_targets(head(released), TargetFilter(sort="document"))) == ["T1", "T2", "T3", "T4"]


def test_withheld_targets_stand_last_in_both_directions(released):
    row = results.db.session.get(results.CubeTarget, (head(released).id, "T3"))
    row.score = None
    for descending in (True, False):
        found = target_lists.list_targets(head(released), TargetFilter(sort="score", descending=descending))
        assert codes(found)[-1] == "T3"


def test_targets_are_found_by_unit_school_name_and_code(released):
    assert codes(target_lists.list_targets(head(released), TargetFilter(unit="102"))) == ["T3", "T4"]
    assert codes(target_lists.list_targets(head(released), TargetFilter(school="101"))) == ["T1", "T2"]
    assert codes(target_lists.list_targets(head(released), TargetFilter(search="t4"))) == ["T4"]
    assert codes(target_lists.list_targets(head(released), TargetFilter(search="象T2"))) == ["T2"]
    assert codes(target_lists.list_targets(head(released), TargetFilter(search="%"))) == []


def test_a_page_holds_a_hundred_targets_and_the_last_page_is_never_missed(app):
    campaign = add_campaign()
    add_evaluation(
        campaign, "student_teacher", targets=[(f"T{n:03}", "101") for n in range(205)], ballots=12, issued=12
    )
    first = target_lists.list_targets(head(campaign.id), TargetFilter())
    assert (len(first.rows), first.total, first.pages) == (100, 205, 3)
    last = target_lists.list_targets(head(campaign.id), TargetFilter(page=99))
    assert (last.page, len(last.rows)) == (3, 5)
    assert target_lists.list_targets(head(campaign.id), TargetFilter(page=-4)).page == 1


def test_the_same_target_is_found_in_the_year_before(app):
    for year in (2023, 2025, 2026):
        add_evaluation(add_campaign(year=year), "student_teacher", targets=TWO_SCHOOLS, seed=year)
    newest = results.released_campaigns()[0].id
    past = results.last_year(head(newest), "T1")
    assert past is not None
    assert past.year == 2025
    assert results.last_year(head(newest), "T9") is None


def test_a_school_finds_its_own_rows_only(released):
    found = results.school_rows(released, "101")
    assert [row.code for row in found["parent_school"]] == ["101"]
    assert [row.code for row in found["student_teacher"]] == ["101"]
    with pytest.raises(NotFound):
        results.school_rows(released, "999")


def row(item=None, **figures):
    record = {"ballots": 12, "valid": 12, "issued": 68, "flagged": 3, "response_rate": 12 / 17, **figures}
    record["items"] = {"A": item} if item else {}
    return Row(evaluation_id=1, code="x", name="x", unit="", school_code="", record=record)


def item(n, rate):
    counts = {"5": round(n * rate), "4": 0, "3": n - round(n * rate), "2": 0, "1": 0, "0": 0}
    figures = {"mean": 4.0, "sd": 1.0, "score": 80.0, "score_se": 1.0, "score_ci": [78.0, 82.0]}
    return {"n": n, "counts": counts, **figures, "satisfied_rate": rate, "satisfied_ci": [rate, rate]}


def test_outside_the_bureau_small_numbers_stand_in_fives():
    seen = outside(row()).record
    assert (seen["ballots"], seen["valid"], seen["issued"], seen["flagged"]) == (10, 10, 68, None)
    assert seen["response_rate"] == 0.7


def test_outside_the_bureau_levels_are_shares_and_only_from_thirty_answers():
    few = outside(row(item(29, 0.5))).record["items"]["A"]
    many = outside(row(item(47, 0.5))).record["items"]["A"]
    assert few["counts"] is None
    assert "shares" not in few
    assert many["counts"] is None
    assert (many["n"], many["answered"], many["shares"]["5"]) == (45, 45, 0.51)


@pytest.mark.parametrize(("rate", "limit"), [(1.0, "high"), (0.0, "low")])
def test_outside_the_bureau_near_unanimity_of_a_few_shows_its_limit_only(rate, limit):
    seen = outside(row(item(25, rate))).record["items"]["A"]
    assert {key for key, value in seen.items() if value is not None} == {"n", "satisfied_limit"}
    assert seen["satisfied_limit"] == limit


def test_outside_the_bureau_a_withheld_item_stays_withheld():
    empty = {**dict.fromkeys(item(9, 0.5)), "n": 9}
    assert outside(row(empty)).record["items"]["A"] == {**empty, "n": 10}
