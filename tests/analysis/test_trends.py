"""Change between two campaigns, trend from three."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.trends import TOO_FEW, Matching, Sample, change, course, matched_items, samples, trend


def sample(mean, n=20, se=1.0):
    return Sample(n=n, mean=mean, se=se)


def test_matched_targets_are_paired():
    this, last = [80.0, 75.0, 91.0, 60.0], [78.0, 76.0, 85.0, 55.0]
    found = change(
        {f"t{row}": sample(mean) for row, mean in enumerate(this)},
        {**{f"t{row}": sample(mean) for row, mean in enumerate(last)}, "gone": sample(10.0)},
    )
    reference = stats.ttest_rel(this, last)
    ci = reference.confidence_interval()
    assert (found.difference, found.p, *found.ci) == pytest.approx((3.0, reference.pvalue, ci.low, ci.high))
    assert (found.n, found.method) == (4, "paired_targets")


def test_one_target_is_compared_by_its_ballots():
    rng = np.random.default_rng(8)
    this, last = rng.normal(80, 9, 30), rng.normal(75, 15, 22)
    found = change(
        {"t": Sample(n=30, mean=this.mean(), se=stats.sem(this))},
        {"t": Sample(n=22, mean=last.mean(), se=stats.sem(last))},
    )
    reference = stats.ttest_ind(this, last, equal_var=False)
    ci = reference.confidence_interval()
    assert (found.p, *found.ci) == pytest.approx((reference.pvalue, ci.low, ci.high))
    assert (found.n, found.method) == (52, "welch_ballots")


def test_no_common_target_is_no_change():
    assert change({"a": sample(1.0)}, {"b": sample(1.0)}) is None


@pytest.mark.parametrize("se", [None, 0.0])
def test_one_target_without_spread_cannot_be_tested(se):
    found = change({"t": sample(80.0, se=se)}, {"t": sample(75.0, se=se)})
    assert (found.difference, found.ci, found.p) == (5.0, None, None)


def test_equal_shifts_cannot_be_tested():
    found = change({"a": sample(80.0), "b": sample(70.0)}, {"a": sample(75.0), "b": sample(65.0)})
    assert (found.difference, found.p) == (5.0, None)


def test_withheld_targets_are_no_samples():
    records = [
        {"target": "a", "score": None, "score_se": None, "valid": 4},
        {"target": "b", "score": 80.0, "score_se": 1.5, "valid": 24},
    ]
    assert samples(records) == {"b": Sample(n=24, mean=80.0, se=1.5)}


HALVES = Matching(shares={"a": 0.5, "b": 0.5}, complete=False)


def record(target, valid=24, score=80.0, **items):
    """A target record; items are code=(score, se), None for a figure below the floor."""
    figures = {
        code: dict(zip(("score", "score_se"), value or (None, None), strict=True)) for code, value in items.items()
    }
    return {"target": target, "score": score, "score_se": 1.5, "valid": valid, "items": figures}


def test_items_are_matched_by_code_and_version():
    this = {"a": 1, "b": 2, "c": 1, "d": 1}
    found = matched_items(this, {"a": 1, "b": 1, "c": 1, "e": 1})
    assert found == Matching(shares={"a": 0.5, "c": 0.5}, complete=False)
    assert matched_items(this, dict(reversed(this.items()))).complete
    assert not matched_items(this, {**this, "new": 1}).complete
    assert matched_items(this, {}) == Matching(shares={}, complete=False)


def test_items_count_by_the_weights_of_this_campaign():
    versions, weights = {"a": 1, "b": 1, "c": 1}, {"a": 60.0, "b": 20.0, "c": 20.0}
    found = matched_items(versions, {"a": 1, "b": 1}, weights=weights, last_weights={"a": 50.0, "b": 50.0})
    assert found == Matching(shares={"a": 0.75, "b": 0.25}, complete=False)
    assert samples([record("t", a=(80.0, 1.0), b=(60.0, 2.0))], found)["t"] == Sample(n=24, mean=75.0, se=1.25)
    assert matched_items(versions, versions, weights=weights, last_weights=weights).complete
    assert not matched_items(versions, versions, weights=weights).complete
    assert matched_items(versions, versions, weights={}, last_weights=None).complete


def test_only_matched_items_enter_a_comparison():
    found = samples([record("t", a=(90.0, 1.0), b=(70.0, 2.0), c=(10.0, 1.0))], HALVES)
    assert found == {"t": Sample(n=24, mean=80.0, se=1.5)}


def test_a_complete_matching_compares_the_whole_score():
    records = [record("t", score=77.0, a=(90.0, 1.0))]
    assert samples(records, Matching(shares={"a": 1.0}, complete=True))["t"].mean == 77.0


def test_a_target_needs_the_figures_of_every_matched_item():
    records = [record("few", a=(90.0, 1.0), b=None), record("other", a=(90.0, 1.0)), record("withheld")]
    assert samples(records, HALVES) == {}
    assert samples(records, Matching(shares={}, complete=False)) == {}


def test_an_item_without_error_leaves_the_sample_without():
    assert Sample.from_items(record("t", a=(90.0, None), b=(80.0, 1.0)), HALVES.shares).se is None


def test_the_error_over_items_is_never_too_small():
    rng = np.random.default_rng(2)
    answers = rng.normal(0, 10, (40, 1)) + rng.normal(70, 15, (40, 3))
    items = {f"i{place}": (column.mean(), stats.sem(column)) for place, column in enumerate(answers.T)}
    found = Sample.from_items(record("t", **items), dict.fromkeys(items, 1 / 3))
    assert found.mean == pytest.approx(answers.mean())
    assert found.se >= stats.sem(answers.mean(axis=1))


def test_a_dropped_item_is_no_change():
    last = [record(f"t{row}", score=60.0 + row, a=(80.0 + row, 1.0), bad=(40.0, 1.0)) for row in range(5)]
    this = [record(f"t{row}", score=80.0 + row % 2, a=(80.0 + row, 1.0)) for row in range(5)]
    matching = matched_items({"a": 1}, {"a": 1, "bad": 1})
    assert change(samples(this), samples(last)).p < 0.001
    assert change(samples(this, matching), samples(last, matching)).difference == 0.0


def rows(*values):
    return np.array(values, dtype=np.float64)


def test_trend_equals_r(rates_expected):
    year, estimate, se = np.array(list(rates_expected["campaign"])).T
    found, expected = trend(year, estimate[None], se[None]), rates_expected["campaigns"]
    for figure in ("slope", "se", "q", "p", "heterogeneity_p"):
        assert getattr(found, figure)[0] == pytest.approx(expected[figure], rel=1e-9)
    assert (found.df[0], found.campaigns[0], found.reason[0]) == (2, 4, "")
    reach = 1.959963984540054 * expected["se"]
    assert found.interval.low[0] == pytest.approx(expected["slope"] - reach)
    assert found.interval.high[0] == pytest.approx(expected["slope"] + reach)


def test_two_campaigns_are_no_trend():
    nan = np.nan
    estimate = rows([80, 82, nan], [80, 82, 85], [80, 82, 85], [80, 82, 85])
    se = rows([1, 1, 1], [1, 1, 0], [1, nan, 1], [1, 1, 1])
    found = trend(rows(2024, 2025, 2026), estimate, se)
    assert found.reason.tolist() == ["fewer_than_three_campaigns"] * 3 + [""]
    for figure in (found.slope, found.se, found.p, found.heterogeneity_p, found.interval.low, found.q):
        assert np.isnan(figure).tolist() == [True, True, True, False]


def test_a_gap_is_a_campaign_less():
    estimate, se = rows([80, np.nan, 82, 85]), rows([1, 1, 1, 1])
    found = trend(rows(2020, 2021, 2022, 2026), estimate, se)
    short = trend(rows(2020, 2022, 2026), estimate[:, [0, 2, 3]], se[:, [0, 2, 3]])
    assert (found.slope[0], found.q[0]) == pytest.approx((short.slope[0], short.q[0]))


def test_years_may_come_in_any_order_and_run_backwards():
    estimate, se = rows([80, 83, 82, 87]), rows([1, 2, 1, 0.5])
    years, order = rows(2020, 2021, 2022, 2026), [2, 0, 3, 1]
    found, shuffled = trend(years, estimate, se), trend(years[order], estimate[:, order], se[:, order])
    assert shuffled.slope[0] == pytest.approx(found.slope[0])
    assert trend(-years, estimate, se).slope[0] == pytest.approx(-found.slope[0])
    assert trend(years, -estimate, se).p[0] == pytest.approx(found.p[0])


def test_a_bend_shows_as_heterogeneity():
    found = trend(rows(2024, 2025, 2026), rows([80, 60, 80]), rows([1, 1, 1]))
    assert found.slope[0] == pytest.approx(0.0, abs=1e-12)
    assert found.heterogeneity_p[0] < 1e-10


def test_trend_of_a_steady_line_holds_its_level():
    rng = np.random.default_rng(6)
    se = rng.uniform(0.5, 3.0, (4000, 5))
    found = trend(np.arange(2022.0, 2027.0), 80 + rng.normal(0, se), se)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)
    assert (found.heterogeneity_p < 0.05).mean() == pytest.approx(0.05, abs=0.012)


def test_unusable_years_are_refused():
    two = rows([80, 82])
    with pytest.raises(ValueError, match="year of its own"):
        trend(rows(2025, 2025), two, two)
    with pytest.raises(ValueError, match="year of its own"):
        trend(rows(2025, np.nan), two, two)
    with pytest.raises(ValueError, match="one column per year"):
        trend(rows(2025, 2026, 2027), two, two)


def test_no_campaign_and_no_target():
    assert trend(rows(), np.zeros((2, 0)), np.zeros((2, 0))).reason.tolist() == ["fewer_than_three_campaigns"] * 2
    assert trend(rows(1, 2, 3), np.zeros((0, 3)), np.zeros((0, 3))).slope.shape == (0,)


def campaigns(*rows: list[float]) -> list[dict[str, Sample]]:
    """One dict of samples per year; a row holds a target's scores over the years."""
    return [{str(n): Sample(n=30, mean=row[year], se=1.0) for n, row in enumerate(rows)} for year in range(3)]


def test_a_course_is_the_mean_of_the_targets_own_slopes() -> None:
    found = course([2026, 2025, 2024], campaigns([80.0, 78.0, 76.0], [90.0, 89.0, 88.0], [70.0, 66.0, 64.0]))
    assert found is not None
    slopes = np.array([2.0, 1.0, 3.0])
    expected = stats.ttest_1samp(slopes, 0.0)
    assert found.slope == pytest.approx(2.0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.ci == pytest.approx(tuple(expected.confidence_interval()))
    assert found.n == 3


def test_there_is_no_course_of_two_campaigns() -> None:
    with pytest.raises(ValueError, match=TOO_FEW):
        course([2026, 2025], campaigns([80.0, 78.0, 0.0])[:2])


def test_a_course_of_one_target_rests_on_its_own_errors() -> None:
    found = course([2026, 2025, 2024], campaigns([80.0, 78.0, 76.0]))
    assert found is not None
    assert found.slope == pytest.approx(2.0)
    assert found.ci == pytest.approx((2.0 - 1.959963984540054 / np.sqrt(2.0), 2.0 + 1.959963984540054 / np.sqrt(2.0)))


def test_targets_that_missed_a_year_do_not_count_in_a_course() -> None:
    years = campaigns([80.0, 78.0, 76.0], [90.0, 10.0, 88.0])
    del years[1]["1"]
    found = course([2026, 2025, 2024], years)
    assert found is not None
    assert found.n == 1
