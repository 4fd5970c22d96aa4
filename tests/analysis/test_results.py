"""Whole evaluations: the published figures, the floors, and data at the edge."""

import json
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.results import evaluate
from survey.analysis.scoring import linear_scheme, load_scheme
from survey.analysis.tallies import tally_pages

HEAD = {"target", "unit", "issued", "ballots", "valid", "response_rate", "flagged", "withheld", "items"}
FIGURES = {"mean", "score", "score_se", "score_ci", "score_ci_roster", "score_ci_class", "reliability"}
FIGURES |= {"shrunken_mean", "shrunken_sd", "band", "verdict"}


def ballots(target, levels, group="g"):
    return [(target, group, [level, level]) for level in levels]


def spread(n):
    return [3 + row % 3 for row in range(n)]


@pytest.fixture
def run(tally, population, scheme):
    """Evaluate rows with the scheme's floors; keywords go to the population."""

    def build(*rows, scheme=scheme, targets=(), **changes):
        cells = tally(*rows, targets=targets, scheme=scheme)
        return evaluate(cells, population(cells, **changes), scheme)

    return build


@pytest.fixture
def open_scheme(scheme):
    return scheme.without_floors()


def by(records, key):
    return {record[key]: record for record in records}


def test_a_record_has_the_keys_of_the_schema(run):
    (record,) = run(*ballots("t", spread(25))).targets
    assert set(record) == HEAD | FIGURES
    item = {"n", "counts", "mean", "sd", "score", "score_se", "score_ci", "satisfied_rate", "satisfied_ci"}
    assert set(record["items"]["q0"]) == item
    assert list(record["items"]["q0"]["counts"]) == ["5", "4", "3", "2", "1", "0"]


def test_figures_of_one_target_by_hand(run):
    levels = [5, 5, 4, 3, 0] * 5
    (record,) = run(*ballots("t", levels)).targets
    given = [{5: 100, 4: 80, 3: 60}[level] for level in levels if level]
    assert (record["ballots"], record["valid"], record["items"]["q1"]["n"]) == (25, 20, 25)
    assert record["score"] == pytest.approx(fmean(given))
    assert record["score_se"] == pytest.approx(stdev(given) / 20**0.5)
    assert record["items"]["q1"]["counts"] == {"5": 10, "4": 5, "3": 5, "2": 0, "1": 0, "0": 5}
    assert record["items"]["q1"]["satisfied_rate"] == 0.75
    assert record["items"]["q1"]["sd"] == pytest.approx(stdev([5, 5, 4, 3] * 5))
    assert record["band"] == "good"


@pytest.mark.parametrize(
    ("n", "slips", "reason"),
    [(9, 9, "ballots_below_floor"), (10, 20, None), (10, 21, "response_below_floor"), (10, 0, None)],
)
def test_floors_of_a_target(run, n, slips, reason):
    (record,) = run(*ballots("t", spread(n)), issued=[slips], eligible_slips=[slips]).targets
    assert record["withheld"] == reason
    assert record["response_rate"] == (n / slips if slips else None)
    assert (record["score"] is None) == (reason is not None)


def test_a_withheld_target_shows_nothing_but_its_ballots(run):
    (record,) = run(*ballots("t", spread(9)), issued=[40], eligible_slips=[30]).targets
    assert (record["issued"], record["ballots"], record["valid"], record["flagged"]) == (40, 9, 9, 0)
    assert record["items"] == {}
    assert {record[figure] for figure in FIGURES} == {None}


def test_parents_have_their_own_response_floor(run):
    found = run(*ballots("t", spread(10)), eligible_slips=[50], response_floor=0.2)
    assert found.targets[0]["withheld"] is None


def test_ballots_without_a_level_do_not_reach_the_floor(run):
    assert run(*ballots("t", [4] * 9 + [0] * 5)).targets[0]["withheld"] == "ballots_below_floor"


def test_an_item_below_twenty_answers_shows_only_n(run):
    rows = [("t", "g", [4, 255 if row < 6 else 0]) for row in range(25)]
    items = run(*rows).targets[0]["items"]
    assert items["q0"]["counts"]["4"] == 25
    assert items["q1"] == {"n": 19, **dict.fromkeys(set(items["q1"]) - {"n"})}


def test_a_sum_over_one_withheld_target_is_withheld(run):
    rows = [*ballots("a", spread(9)), *ballots("b", spread(20)), *ballots("c", spread(20))]
    found = run(*rows)
    assert found.units[0]["withheld"] == found.overall["withheld"] == "derivable"
    assert (found.units[0]["targets"], found.units[0]["ballots"]) == (3, 49)
    for record, figures in (
        (found.units[0], ("mean", "pooled_mean", "score_ci")),
        (found.overall, ("score", "counts")),
    ):
        assert {record[figure] for figure in figures} == {None}


def test_a_sum_over_two_withheld_targets_needs_the_floor_together(run):
    shown = [*ballots("c", spread(20)), *ballots("d", spread(20))]
    few = run(*ballots("a", spread(4)), *ballots("b", spread(5)), *shown)
    enough = run(*ballots("a", spread(5)), *ballots("b", spread(6)), *shown)
    assert few.units[0]["withheld"] == "derivable"
    assert enough.units[0]["withheld"] is None
    assert enough.units[0]["mean"] is not None


def test_a_units_mean_covers_its_withheld_targets(run):
    hidden = {code: [2 + place % 3, 4, 3, 2, 4][: place % 3 + 3] for place, code in enumerate("abdefghijk")}
    rows = [row for code, levels in hidden.items() for row in ballots(code, levels)]
    found = run(*rows, *ballots("c", [2] * 20))
    assert [record["withheld"] is None for record in found.targets] == [False] * 10 + [True]
    assert found.units[0]["mean"] == pytest.approx((sum(fmean(levels) for levels in hidden.values()) + 2) / 11)
    assert found.units[0]["pooled_mean"] == pytest.approx((sum(map(sum, hidden.values())) + 20 * 2) / 59)


def test_a_withheld_target_without_ballots_hides_nothing_else(run):
    found = run(*ballots("a", spread(20)), *ballots("b", spread(20)), targets=("a", "b", "empty"))
    assert found.targets[2]["withheld"] == "ballots_below_floor"
    assert found.units[0]["withheld"] is None
    assert found.units[0]["targets"] == 2


def test_summary_is_shown_when_withheld_units_protect_each_other(run):
    rows = [row for code in "abcd" for row in ballots(code, spread(20))]
    rows += [*ballots("e", spread(9)), *ballots("f", spread(8))]
    found = run(*rows, unit=["u", "u", "v", "v", "u", "v"])
    assert [unit["withheld"] for unit in found.units] == ["derivable", "derivable"]
    assert found.overall["withheld"] is None


def test_units_with_one_shown_target_are_not_compared(run):
    rows = [row for code in "abcde" for row in ballots(code, spread(20 + ord(code) % 3))]
    found = run(*rows, unit=["u", "u", "v", "v", "w"])
    assert [(pair["a"], pair["b"]) for pair in found.comparison["pairs"]] == [("u", "v")]
    assert found.units[2]["mean_se"] is None


def test_withheld_units_stand_in_no_pair(run):
    rows = [row for code in "abcdef" for row in ballots(code, spread(20 + ord(code) % 3))]
    rows += ballots("g", spread(5))
    found = run(*rows, unit=["u", "u", "v", "v", "w", "w", "w"])
    assert {code for pair in found.comparison["pairs"] for code in (pair["a"], pair["b"])} == {"u", "v"}


def test_a_flag_needs_significance_and_the_margin(run, open_scheme):
    def two_units(gap):
        rows = []
        for row in range(40):
            levels = [3] * 50
            levels[: 10 + row % 3 + gap * (row % 2)] = [4] * (10 + row % 3 + gap * (row % 2))
            rows += ballots(f"t{row}", levels)
        unit = ["u", "v"] * 20
        return run(*rows, unit=unit, scheme=open_scheme).comparison["pairs"][0]

    small, large = two_units(4), two_units(12)
    assert small["p_adjusted"] < 0.05
    assert not small["flag"]
    assert large["flag"]
    assert large["difference"] == pytest.approx(-12 / 50, abs=0.002)


def test_a_difference_in_points_is_that_of_the_scores(run, open_scheme):
    rows = [row for t in range(8) for row in ballots(f"t{t}", [3 + t % 2] * 20 + [5] * t)]
    found = run(*rows, unit=["u", "v"] * 4, scheme=open_scheme)
    (pair,), scores = found.comparison["pairs"], {unit["unit"]: unit["score"] for unit in found.units}
    assert pair["difference_points"] == pytest.approx(scores[pair["a"]] - scores[pair["b"]])


def test_a_difference_that_points_turn_round_is_not_flagged(run, open_scheme):
    """Divided opinions, a little above the middle in levels, are below it in points: bad levels cost more."""
    rows = []
    for t in range(40):
        levels = [5] * (28 + t % 3) + [1] * (22 - t % 3) if t % 2 else [3] * (48 - t % 3) + [4] * (2 + t % 3)
        rows += ballots(f"t{t}", levels)
    (pair,) = run(*rows, unit=["u", "v"] * 20, scheme=open_scheme).comparison["pairs"]
    assert pair["p_adjusted"] < 0.05
    assert pair["difference"] < 0
    assert pair["difference_points"] > 2.5
    assert not pair["flag"]


def test_where_nothing_varies_p_is_null_and_nothing_is_flagged(run):
    rows = [row for code in "abcd" for row in ballots(code, [4] * 20)]
    found = run(*rows, unit=["u", "u", "v", "v"])
    (pair,) = found.comparison["pairs"]
    assert (pair["p"], pair["p_adjusted"], pair["flag"], pair["difference"]) == (None, None, False, 0.0)
    assert found.comparison["kruskal"]["p"] is None
    assert found.reliability["icc"] is None


def test_more_than_sixty_units(run, open_scheme):
    rng = np.random.default_rng(4)
    rows = [row for code in range(130) for row in ballots(f"t{code}", rng.integers(1, 6, 3).tolist())]
    units = [f"u{code % 65}" for code in range(130)]
    found = run(*rows, unit=units, district={"u0": "d", "u1": "d", "u2": "d"}, scheme=open_scheme)
    pairs = found.comparison["pairs"]
    assert [(pair["a"], pair["b"]) for pair in pairs[:3]] == [("u0", "u1"), ("u0", "u2"), ("u1", "u2")]
    assert len(pairs) == 3 + 65
    means = [record["mean"] for record in found.targets]
    inside = [mean for mean, unit in zip(means, units, strict=True) if unit == "u7"]
    outside = [mean for mean, unit in zip(means, units, strict=True) if unit != "u7"]
    pair = next(pair for pair in pairs if (pair["a"], pair["b"]) == ("u7", "*"))
    assert pair["p"] == pytest.approx(stats.ttest_ind(inside, outside, equal_var=False).pvalue)


def classes(n_classes, n, level=4):
    return [("t", f"c{room}", [level, 3 + row % 3]) for room in range(n_classes) for row in range(n)]


def test_verdict_rests_on_classes_where_there_are_five(run):
    found = run(*classes(5, 8), classes=True, enrolled=dict.fromkeys(range(5), 10)).targets[0]
    assert found["verdict"] == "met"
    assert found["score_ci_class"] is not None
    assert found["score_ci_roster"] is not None


@pytest.mark.parametrize(("n_classes", "n"), [(1, 30), (2, 9)])
def test_few_ballots_or_one_class_serve_improvement_only(run, n_classes, n):
    assert run(*classes(n_classes, n), classes=True).targets[0]["verdict"] == "improvement_only"


def test_few_classes_make_no_bold_verdict(run):
    # The classes disagree: taken ballot by ballot the score would lie surely above 60.
    rooms = enumerate((5, 5, 4, 2))
    rows = [("t", f"c{room}", [max(base - (row % 3 == 0), 1)]) for room, base in rooms for row in range(30)]
    found = run(*rows, classes=True).targets[0]
    assert found["score_ci"][0] > 60.0
    assert (found["score_ci_class"], found["verdict"]) == (None, "undecided")


def test_few_classes_that_agree_still_decide(run):
    assert run(*classes(2, 30, level=5), classes=True).targets[0]["verdict"] == "met"


@pytest.mark.parametrize(("n", "verdict"), [(2, "undecided"), (19, "undecided"), (20, "met")])
def test_a_few_equal_ballots_are_no_certainty(run, open_scheme, n, verdict):
    assert run(*ballots("t", [5] * n), scheme=open_scheme).targets[0]["verdict"] == verdict


def test_one_class_says_nothing_of_others(run, open_scheme):
    found = run(*classes(1, 40, level=5), classes=True, scheme=open_scheme).targets[0]
    assert found["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("levels", "verdict"), [([5, 4] * 10, "met"), ([2, 1] * 10, "not_met"), ([4, 2] * 10, "undecided")]
)
def test_three_valued_verdict(run, levels, verdict):
    assert run(*ballots("t", levels)).targets[0]["verdict"] == verdict


def test_groups_that_are_no_classes_make_one_stratum(run):
    found = run(*ballots("t", spread(20)), enrolled={0: 20}).targets[0]
    assert found["score_ci_roster"] == pytest.approx([found["score"]] * 2)
    assert found["score_ci_class"] is None


def test_floors_off_withholds_nothing(run, open_scheme):
    found = run(("a", "g", [5, 4]), ("b", "g", [0, 0]), scheme=open_scheme, unit=["", ""])
    assert [record["withheld"] for record in found.targets] == [None, None]
    assert found.targets[0]["items"]["q0"]["counts"]["5"] == 1
    assert (found.targets[1]["ballots"], found.targets[1]["valid"], found.targets[1]["mean"]) == (1, 0, None)
    assert found.targets[1]["verdict"] is None
    assert (found.units, found.comparison) == ([], None)


def records(found):
    return {name: value for name, value in vars(found).items() if name != "figures"}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", "g", [5, 5])],
        [("a", "g", [0, 255])],
        [("a", "g", [3, 3]), ("b", "h", [3, 3])],
        [("a", "g", [1, 2])] * 30,
        [(code, "g", [5, 5]) for code in "abcd"],
    ],
)
@pytest.mark.parametrize("floors", [True, False])
def test_edges_give_json_without_nan(run, scheme, rows, floors):
    chosen = scheme if floors else scheme.without_floors()
    found = run(*rows, scheme=chosen, classes=True, enrolled={0: 3}, targets=() if rows else ("a", "b"))
    json.dumps(records(found), allow_nan=False)


def test_no_targets_at_all(tally, population, scheme):
    cells = tally()
    found = evaluate(cells, population(cells), scheme)
    assert (found.targets, found.units, found.comparison) == ([], [], None)
    json.dumps(records(found), allow_nan=False)


def test_population_of_other_targets_is_refused(tally, population, scheme):
    cells = tally(*ballots("t", [4]))
    with pytest.raises(ValueError, match="same targets"):
        evaluate(cells, population(cells, unit=["u", "u"]), scheme)


def test_relabelled_targets_give_the_same_figures(run):
    rows = [row for code in "abcd" for row in ballots(code, spread(20 + ord(code) % 5))]
    renamed = [({"a": "z", "b": "y", "c": "x", "d": "w"}[row[0]], *row[1:]) for row in rows]
    plain, other = run(*rows, unit=["u", "u", "v", "v"]), run(*renamed, unit=["u", "u", "v", "v"])
    assert [record["score"] for record in plain.targets] == [record["score"] for record in other.targets]
    assert plain.comparison == other.comparison


def test_other_levels_use_their_own_points(run):
    found = run(*ballots("t", [1, 7] * 10), scheme=linear_scheme(1, 7).without_floors()).targets[0]
    assert (found["mean"], found["score"]) == (4.0, pytest.approx(50.0))
    assert list(found["items"]["q0"]["counts"]) == ["7", "6", "5", "4", "3", "2", "1", "0"]


def departments(n, answers):
    cells, pages = tally_pages(
        np.array([answers(page) for page in range(n)], dtype=np.uint8)[:, :, None],
        group=np.zeros(n, dtype=np.int64),
        flagged=np.zeros(n, dtype=bool),
        targets=("a", "b", "c"),
        groups=("principals",),
        items=("q",),
        scheme=load_scheme("five_step"),
    )
    return cells, pages


def test_departments_on_one_page(population, scheme):
    cells, pages = departments(12, lambda page: [5, 4 - page % 2, 1 + page % 3])
    found = evaluate(cells, population(cells), scheme, paired=pages).paired
    assert set(found["friedman"]) == {"q", "df", "p", "kendall_w"}
    assert [(pair["a"], pair["b"], pair["n"]) for pair in found["pairs"]] == [
        ("a", "b", 12),
        ("a", "c", 12),
        ("b", "c", 12),
    ]
    assert found["pairs"][0]["difference"] == pytest.approx(1.5)
    assert all(pair["flag"] for pair in found["pairs"])


def test_a_withheld_department_stands_in_no_pair(population, scheme):
    cells, pages = departments(12, lambda page: [5, 4 - page % 2, 3 if page < 5 else 0])
    found = evaluate(cells, population(cells), scheme, paired=pages).paired
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [("a", "b")]
    assert found["friedman"]["q"] is None


def test_a_pair_that_few_pages_share_keeps_its_n_only(population, scheme):
    cells, pages = departments(18, lambda page: [5 if page < 12 else 0, 4 if page >= 6 else 0, 3])
    pair = evaluate(cells, population(cells), scheme, paired=pages).paired["pairs"][0]
    assert (pair["n"], pair["difference"], pair["ci"], pair["p"], pair["flag"]) == (6, None, None, None, False)


def test_too_few_departments_for_pairs(population, scheme):
    cells, pages = departments(5, lambda page: [5, 4, 3])
    assert evaluate(cells, population(cells), scheme, paired=pages).paired is None


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from("gh"),
        st.lists(st.sampled_from([0, 1, 3, 4, 5, 255]), min_size=2, max_size=2),
        st.booleans(),
    ),
    max_size=80,
)


@given(ROWS, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_ballots_give_json_without_nan(run, scheme, rows, floors, with_classes):
    found = run(
        *rows,
        scheme=scheme if floors else scheme.without_floors(),
        targets=tuple("abcdef"),
        unit=["u", "u", "v", "v", "v", ""],
        enrolled={0: 7, 1: 30},
        classes=with_classes,
    )
    json.dumps(records(found), allow_nan=False)
    assert found.overall["ballots"] == sum(record["ballots"] for record in found.targets) == len(rows)
    assert all(record["withheld"] is None or record["items"] == {} for record in found.targets)
    if floors:
        assert all(record["score"] is None for record in found.targets if record["valid"] < 10)
