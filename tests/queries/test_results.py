"""What pages of results may read: released campaigns, in pages, and less of it outside the bureau."""

import numpy as np
import pytest
from flask import Flask

from survey.analysis.outward import outward_sum
from survey.errors import NotFound
from survey.extensions import db
from survey.models.results import CubeTarget
from survey.queries import results, target_lists
from survey.queries.outside import item_reason, outside
from survey.queries.results import Row
from survey.queries.target_lists import TargetFilter
from survey.services.result_words import band_told
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


def test_a_school_sorts_by_what_it_is_shown(released):
    """Shown as 15 both, the second of them must not stand higher because it has 18."""
    for code, ballots in (("T1", 18), ("T2", 16)):
        row = db.session.get(CubeTarget, (head(released).id, code))
        row.ballots, row.document = ballots, {**row.document, "withheld": "ballots_below_floor"}
    db.session.commit()
    for descending in (True, False):
        wanted = TargetFilter(school="101", sort="ballots", descending=descending)
        assert codes(target_lists.list_targets(head(released), wanted)) == ["T1", "T2"]


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


def test_a_school_and_a_person_find_no_earlier_year_of_somebody_else(app):
    """Who moved brings no figures of the old school along; a code given anew brings none of who had it before."""
    add_evaluation(add_campaign(year=2025), "student_teacher", targets=[("T1", "102"), ("T2", "101")], names=["A", "B"])
    add_evaluation(add_campaign(), "student_teacher", targets=TWO_SCHOOLS)
    newest = head(results.released_campaigns()[0].id)
    assert results.last_year(newest, "T1", school="101") is None
    assert results.last_year(newest, "T2", school="101") is not None
    assert results.last_year(newest, "T2", name="C") is None
    assert results.last_year(newest, "T2", name="B") is not None


@pytest.mark.parametrize("descending", [False, True])
def test_the_order_of_a_school_s_list_tells_nothing_finer_than_its_figures(app, descending):
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}", "101") for n in range(4)], ballots=41)
    for code, score, ballots in (("T0", 80.04, 41), ("T1", 79.96, 39), ("T2", 90.0, 20), ("T3", None, 8)):
        db.session.get_one(CubeTarget, (head(campaign.id).id, code)).score = score
        db.session.get_one(CubeTarget, (head(campaign.id).id, code)).ballots = ballots
    db.session.commit()

    def listed(key, school):
        wanted = TargetFilter(sort=key, school=school, descending=descending)
        return codes(target_lists.list_targets(head(campaign.id), wanted))

    by_score, by_ballots = ["T0", "T1", "T2", "T3"], ["T3", "T2", "T0", "T1"]
    assert listed("score", "101") == (["T2", "T0", "T1", "T3"] if descending else by_score)
    assert listed("ballots", "101") == (["T0", "T1", "T2", "T3"] if descending else by_ballots)
    assert listed("score", None).index("T0") > listed("score", None).index("T1") or descending


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


@pytest.mark.parametrize(("valid", "shown"), [(2, 0), (7, 5), (9, 5), (12, 10), (18, 15)])
def test_a_number_outside_the_bureau_does_not_contradict_why_it_is_withheld(valid, shown):
    record = outside(row(ballots=valid, valid=valid, withheld="ballots_below_floor")).record
    assert (record["ballots"], record["valid"]) == (shown, shown)


@pytest.mark.parametrize(
    ("ballots", "rate", "shown"), [(30, 0.49, 0.45), (30, 0.5, 0.5), (60, 0.496, 0.49), (60, 0.29, 0.29)]
)
def test_a_rate_outside_the_bureau_does_not_reach_the_floor_it_missed(ballots, rate, shown):
    exact = row(ballots=ballots, valid=ballots, response_rate=rate, withheld="response_below_floor")
    assert outside(exact).record["response_rate"] == shown


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
    assert {key for key, value in seen.items() if value is not None} == {"n", "satisfied_limit", "withheld"}
    assert (seen["satisfied_limit"], seen["withheld"]) == (limit, "nearly_all_agree")


def test_outside_the_bureau_a_withheld_item_stays_withheld():
    empty = {**dict.fromkeys(item(9, 0.5)), "n": 9}
    assert outside(row(empty)).record["items"]["A"] == {**empty, "n": 5, "withheld": "item_below_floor"}


@pytest.mark.parametrize(
    ("n", "reason"), [(0, "not_asked"), (2, "item_below_floor"), (18, "item_below_floor"), (19, "item_below_floor")]
)
def test_rounding_n_never_changes_why_an_item_has_no_figure(n, reason):
    """2 becomes 0, which is not asked."""
    floor = 20
    exact = {**dict.fromkeys(item(9, 0.5)), "n": n}
    seen = outside(row(exact)).record["items"]["A"]
    assert item_reason(exact) == item_reason(seen) == reason
    assert seen["n"] < floor


def test_an_item_of_which_all_had_no_opinion_is_not_withheld():
    nobody = {**dict.fromkeys(item(9, 0.5)), "n": 25, "counts": {**dict.fromkeys("54321", 0), "0": 25}}
    assert item_reason(nobody) == item_reason(outside(row(nobody)).record["items"]["A"]) == "no_levels"
    assert item_reason(item(25, 0.5)) is item_reason(outside(row(item(25, 0.5))).record["items"]["A"]) is None


def test_outside_the_bureau_a_drawing_is_made_of_rounded_figures_too():
    """A score to three decimals, read off a drawing, has one possible number of ballots out of five."""
    exact = {"score": 79.2391, "score_ci": [70.123, 88.888], "mean": 4.169564, "reliability": 0.8349}
    seen = outside(row(item(47, 0.512), **exact)).record
    assert [seen[key] for key in exact] == [79.2, [70.1, 88.9], 4.17, 0.8]
    assert seen["items"]["A"]["satisfied_ci"] == [0.51, 0.51]
    assert outside(row(**exact, valid=60)).record["reliability"] == 0.83


def levels_of(n: int) -> np.ndarray:
    """Return all ways in which n answers spread over five levels."""
    grid = np.stack(np.meshgrid(*[np.arange(n + 1)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    grid = grid[grid.sum(axis=1) <= n]
    return np.column_stack([grid, n - grid.sum(axis=1)])


@pytest.mark.parametrize("counts", [(10, 4, 3, 1, 1), (8, 9, 4, 2, 1), (5, 10, 6, 3, 2), (14, 8, 4, 1, 1)])
def test_below_thirty_answers_what_a_school_sees_fits_many_distributions(counts):
    """With both intervals and the mean, one single distribution did."""
    points, n = np.array([100.0, 80.0, 60.0, 30.0, 0.0]), sum(counts)
    rate = (counts[0] + counts[1]) / n
    exact = {**item(n, rate), "counts": dict(zip("54321", counts, strict=True)), "score": float(points @ counts) / n}
    seen = outside(row(exact)).record["items"]["A"]
    assert [seen[key] for key in ("mean", "score_ci", "satisfied_ci", "counts")] == [None] * 4
    fitting = 0
    for size in range(seen["n"] - 2, seen["n"] + 3):
        ways = levels_of(size)
        same_score = np.abs(ways @ points / size - seen["score"]) <= 0.05 + 1e-9
        rates = np.round(20 * (ways[:, 0] + ways[:, 1]) / size) / 20
        fitting += int((same_score & (rates == seen["satisfied_rate"])).sum())
    assert fitting >= 10


def test_the_satisfaction_rate_of_an_evaluation_has_one_interval_for_the_head_and_the_public(app):
    """Ten answers of one ballot are not ten persons' answers."""
    campaign = add_campaign()
    add_evaluation(campaign, "parent_school", targets=[(f"{100 + n}", "1学区") for n in range(20)], ballots=60)
    overall = head(campaign.id, "parent_school").overall
    public = outward_sum(overall)["satisfied"]
    assert [round(end, 2) for end in overall["satisfied_ci"]] == public["ci"]
    answers = sum(n for level, n in overall["counts"].items() if level != "0")
    rate = overall["satisfied_rate"]
    assert overall["satisfied_ci"][1] - overall["satisfied_ci"][0] > 1.5 * 3.92 * (rate * (1 - rate) / answers) ** 0.5


def test_outside_the_bureau_few_slips_are_not_named():
    """Slips, ballots and rate, each rounded for itself, contradicted each other."""
    assert outside(row(issued=15)).record["issued"] is None
    assert outside(row(issued=50)).record["issued"] == 50


def test_for_improvement_only_names_no_band(app):
    with app.test_request_context():
        told = [band_told({"verdict": verdict, "band": "good"}) for verdict in ("improvement_only", "met")]
    assert told[0] == "–"
    assert told[1] != "–"
