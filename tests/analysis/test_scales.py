"""Quality of a scale and agreement of raters: against R, and where nothing can be said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.moments import CrossProducts, Moments, cross_products, moments_of
from survey.analysis.results import evaluate
from survey.analysis.scales import (
    FEW_BALLOTS,
    FEW_ITEMS,
    IMPROPER,
    SINGULAR,
    SLIGHT_SKEW,
    agreement,
    alpha_interval,
    cronbach_alpha,
    fit_one_factor,
    group_reliability,
    null_variance,
    omega_total,
    scale_agreement,
    scale_quality,
    scale_record,
)
from tests.analysis.conftest import REFERENCE, rows_of

LEVELS = (1, 2, 3, 4, 5)
SCALE = [f"q{place:02}" for place in range(1, 12)]
SMALL = st.integers(0, 12).flatmap(lambda n: arrays(np.uint8, (n, 4), elements=st.integers(1, 5)))


@pytest.fixture(scope="module")
def expected():
    """Figures of scale_ballots.csv by R, keyed by (figure, key)."""
    rows = [row for row in rows_of(REFERENCE / "scales.csv") if row["data"] == "scale_ballots"]
    return {(row["figure"], row["key"]): float(row["value"]) for row in rows}


@pytest.fixture(scope="module")
def ballots():
    """Targets (n,) and answers (n, 11), 0 for a blank or 不了解, of scale_ballots.csv."""
    rows = rows_of(REFERENCE / "scale_ballots.csv")
    answers = np.array([[row[item] or "0" for item in SCALE] for row in rows], dtype=np.uint8)
    return [row["target"] for row in rows], answers


def level_counts(target, answers):
    names = sorted(set(target))
    rows = np.array([names.index(name) for name in target])
    counts = np.zeros((len(names), answers.shape[1], 5), dtype=np.int64)
    for item, column in enumerate(answers.T):
        np.add.at(counts, (rows[column > 0], item, column[column > 0].astype(np.int64) - 1), 1)
    return names, counts


def quality_of(rows):
    return scale_quality(cross_products(np.array(rows, dtype=np.uint8)))


def test_own_variances_of_one_factor_equal_factanal(ballots, expected):
    complete = ballots[1][(ballots[1] > 0).all(axis=1)]
    loadings, own = fit_one_factor(np.corrcoef(complete.T.astype(float)))
    assert own == pytest.approx([expected["own", item] for item in SCALE], abs=2e-5)
    assert loadings**2 + own == pytest.approx(np.ones(11), abs=1e-8)


def test_a_model_that_holds_exactly_is_found_exactly():
    loadings, sd = np.array([0.9, 0.7, 0.5, 0.3]), np.array([0.5, 1.0, 1.5, 2.0])
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1.0)
    omega, reason = omega_total(correlation * np.outer(sd, sd), n=100)
    common = float(sd @ loadings) ** 2
    assert reason is None
    assert omega == pytest.approx(common / (common + float(sd**2 @ (1 - loadings**2))), abs=1e-9)


def test_lord_and_novick_parallel_items_step_up_by_spearman_brown():
    covariance = np.full((5, 5), 0.4)
    np.fill_diagonal(covariance, 1.0)
    assert cronbach_alpha(covariance) == pytest.approx(5 * 0.4 / (1 + 4 * 0.4))
    assert omega_total(covariance, n=50)[0] == pytest.approx(5 * 0.4 / (1 + 4 * 0.4), abs=1e-9)


def test_an_item_that_nobody_answers_otherwise_is_left_out():
    rows = np.random.default_rng(2).integers(1, 6, (60, 4)).astype(np.uint8)
    with_constant = np.column_stack([rows[:, :2], np.full(60, 5, dtype=np.uint8), rows[:, 2:]])
    record = quality_of(with_constant).record(list("abcde"))
    assert record["alpha"] == quality_of(rows).alpha
    assert record["constant_items"] == ["c"]
    assert record["items"]["c"] == {"item_total": None, "alpha_without": None}


def test_opposed_items_have_a_negative_alpha_shown_as_it_is():
    rows = [[5, 1], [1, 5], [5, 2], [2, 4], [4, 1]]
    assert quality_of(rows).alpha < -1
    record = quality_of([[5, 1], [1, 5], [5, 1], [4, 2]]).record(["a", "b"])
    assert record is None


def test_equal_answers_are_perfectly_consistent_but_fit_no_model():
    found = quality_of([[level] * 4 for level in (1, 2, 3, 4, 5, 3, 2, 4)])
    assert (found.alpha, found.alpha_ci) == (pytest.approx(1.0), pytest.approx((1.0, 1.0)))
    assert (found.omega, found.omega_reason) == (None, SINGULAR)


@pytest.mark.parametrize(
    ("size", "n", "reason"), [(1, 100, FEW_ITEMS), (2, 100, FEW_ITEMS), (4, 5, FEW_BALLOTS), (4, 6, None)]
)
def test_omega_needs_three_items_and_two_ballots_more(size, n, reason):
    covariance = np.full((size, size), 0.5) + 0.5 * np.eye(size)
    assert omega_total(covariance, n=n)[1] == reason


def test_a_heywood_case_has_no_omega():
    correlation = np.array([[1.0, 0.8, 0.8], [0.8, 1.0, 0.5], [0.8, 0.5, 1.0]])
    assert omega_total(correlation, n=100) == (None, IMPROPER)


def test_nothing_is_said_of_one_ballot_one_item_or_no_variation():
    for rows in (np.zeros((0, 3)), [[5, 4, 3]], [[5], [4], [3]], [[4, 4, 4]] * 9, [[5, 4, 4], [3, 4, 4], [1, 4, 4]]):
        assert quality_of(rows).record(["a", "b", "c"][: np.shape(rows)[1]]) is None


def test_feldt_interval_is_undefined_below_two():
    assert alpha_interval(0.8, n=1, items=5) is None
    assert alpha_interval(0.8, n=50, items=1) is None


@given(SMALL, st.permutations(range(4)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_items_does_not_matter_and_alpha_is_at_most_one(rows, order):
    one, other = quality_of(rows), quality_of(rows[:, order])
    assert (one.alpha is None) == (other.alpha is None)
    if one.alpha is not None:
        assert other.alpha == pytest.approx(one.alpha, abs=1e-9)
        assert one.alpha <= 1 + 1e-12
    assert other.item_total == pytest.approx(one.item_total[list(order)], nan_ok=True, abs=1e-9)


def together(n, seed=1):
    return cross_products(np.random.default_rng(seed).integers(1, 6, (n, 4)).astype(np.uint8))


def test_without_flagged_is_kept_back_where_a_few_ballots_would_show():
    many, some, few = together(100), together(30, seed=2), together(3, seed=3)
    items = list("abcd")
    assert scale_record(few, few, items, least=20) is None
    assert scale_record(many + few, many, items, least=20)["without_flagged"] is None
    assert scale_record(few + some, few, items, least=20)["without_flagged"] is None
    assert scale_record(many + some, many, items, least=20)["without_flagged"]["n"] == 100
    assert scale_record(many, many, items, least=20)["without_flagged"]["n"] == 100


def test_a_scale_is_released_with_the_summary_and_from_the_item_floor_on(tally, population, scheme):
    chance = np.random.default_rng(6)
    rows = [("t", "g", [*chance.integers(1, 6, 3).tolist(), level]) for level in (1, 2, 3, 4, 5) * 4]
    for cells, found in ((tally(*rows), True), (tally(*rows[:19]), False), (tally(*rows[:9]), False)):
        assert (evaluate(cells, population(cells), scheme).scale_quality is not None) == found
    with_blank = tally(*rows[:19], ("t", "g", [0, 5, 5, 5]))
    assert evaluate(with_blank, population(with_blank), scheme).scale_quality is None


def test_agreement_equals_r(ballots, expected):
    target, answers = ballots
    names, counts = level_counts(target, answers)
    found = agreement(counts, LEVELS, null=null_variance(LEVELS))
    for row, name in enumerate(names):
        assert found[row, 0] == pytest.approx(expected["rwg", name], abs=1e-9)


def test_agreement_over_a_scale_equals_r(ballots, expected):
    target, answers = ballots
    complete = (answers > 0).all(axis=1)
    kept = [name for name, whole in zip(target, complete.tolist(), strict=True) if whole]
    names, counts = level_counts(kept, answers[complete])
    found = scale_agreement(counts, LEVELS, null=null_variance(LEVELS))
    for row, name in enumerate(names):
        assert found[row] == pytest.approx(expected["rwg_j", name], abs=1e-9)


def test_published_null_variances():
    # James, Demaree and Wolf (1984): (A² - 1) / 12, and 1.34 for a slight skew.
    assert null_variance(LEVELS) == pytest.approx(2.0)
    assert null_variance(range(1, 8)) == pytest.approx(4.0)
    assert null_variance(LEVELS, SLIGHT_SKEW) == pytest.approx(1.34)
    with pytest.raises(ValueError, match="share"):
        null_variance(LEVELS, (0.5, 0.5))


def test_agreement_lies_between_none_and_all():
    counts = np.array([[[0, 0, 0, 0, 7]], [[5, 0, 0, 0, 5]], [[0, 0, 0, 0, 1]], [[0, 0, 0, 0, 0]]])
    assert agreement(counts, LEVELS, null=2.0)[:, 0] == pytest.approx([1.0, 0.0, np.nan, np.nan], nan_ok=True)
    assert scale_agreement(counts, LEVELS, null=2.0) == pytest.approx([1.0, 0.0, np.nan, np.nan], nan_ok=True)


def test_group_reliability_equals_r(ballots, expected):
    target, answers = ballots
    complete = (answers > 0).all(axis=1)
    names = sorted(set(target))
    rows = np.array([names.index(name) for name in target])[complete]
    found = group_reliability(moments_of(answers[complete].mean(axis=1), rows, size=len(names)))
    assert found == pytest.approx((expected["icc1", ""], expected["icc2", ""]), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "mean", "ss"),
    [([], [], []), ([9], [3.0], [4.0]), ([1, 1], [3.0, 4.0], [0.0, 0.0]), ([2, 2], [3.0] * 2, [0.0] * 2)],
)
def test_group_reliability_needs_two_targets_a_second_ballot_and_variation(n, mean, ss):
    moments = Moments(n=np.array(n, dtype=np.int64), mean=np.array(mean), ss=np.array(ss))
    assert group_reliability(moments) == (None, None)


def test_fourteen_million_ballots_stay_exact():
    size = 14_000_000 // 5
    sums, products = np.array([15 * size] * 2), np.full((2, 2), 55 * size)
    covariance = CrossProducts(n=5 * size, sums=sums, products=products).covariance()
    assert covariance[0, 1] == pytest.approx(2.0 * 5 * size / (5 * size - 1), rel=1e-15)
