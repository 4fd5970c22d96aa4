"""Tallies: counts, ballot means, merging, pages that hold all targets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.scoring import BLANK, load_scheme
from survey.analysis.tallies import tally_ballots, tally_pages

SCHEME = load_scheme("five_step")
BYTES = st.sampled_from([0, 1, 2, 3, 4, 5, BLANK])
ANSWERS = st.integers(0, 25).flatmap(lambda n: arrays(np.uint8, (n, 3), elements=BYTES))


def count(answers, target, group, flagged=None, groups=("g0", "g1", "g2")):
    return tally_ballots(
        answers,
        target=target,
        group=group,
        flagged=np.zeros(len(answers), dtype=bool) if flagged is None else flagged,
        targets=("t0", "t1"),
        groups=groups,
        items=("a", "b", "c"),
        scheme=SCHEME,
    )


def places(n, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, n), rng.integers(0, 3, n)


def assert_same(one, other):
    for name in ("cell_target", "cell_group", "counts", "ballots", "valid", "flagged", "clean_valid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("mean", "mean_ss", "score", "score_ss"):
        for field in (name, f"clean_{name}"):
            np.testing.assert_allclose(getattr(one, field), getattr(other, field), rtol=1e-12, atol=1e-9, err_msg=field)
    for name in ("together", "clean_together"):
        assert getattr(one, name).n == getattr(other, name).n
        np.testing.assert_array_equal(getattr(one, name).products, getattr(other, name).products, err_msg=name)


def test_counts_levels_no_opinion_and_blanks(tally):
    cells = tally(("t", "g", [5, 4, 0]), ("t", "g", [5, BLANK, BLANK]), ("t", "h", [0, 0, BLANK]))
    assert cells.levels == (1, 2, 3, 4, 5)
    np.testing.assert_array_equal(cells.counts[0, 0], [0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(cells.counts[0, 2], [1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(cells.ballots, [2, 1])
    np.testing.assert_array_equal(cells.valid, [2, 0])


def test_a_ballots_mean_is_the_mean_of_its_answered_items(tally):
    cells = tally(("t", "g", [5, 4, 0]), ("t", "g", [1, BLANK, BLANK]))
    assert cells.mean[0] == pytest.approx((4.5 + 1) / 2)
    assert cells.score[0] == pytest.approx((90 + 0) / 2)
    assert cells.mean_ss[0] == pytest.approx(2 * 1.75**2)
    assert cells.score_ss[0] == pytest.approx(2 * 45**2)


def test_flagged_ballots_are_counted_and_stay_in_every_figure(tally):
    cells = tally(("t", "g", [5], True), ("t", "g", [1]))
    assert (cells.flagged[0], cells.valid[0], cells.mean[0]) == (1, 2, 3)


def test_unflagged_ballots_are_kept_apart_as_well(tally):
    cells = tally(("t", "g", [5, 5], True), ("t", "g", [1, 3]), ("t", "g", [0, 0]), ("u", "g", [5, 5], True))
    np.testing.assert_array_equal(cells.clean_valid, [1, 0])
    np.testing.assert_array_equal(cells.clean_mean, [2, 0])
    assert (cells.together.n, cells.clean_together.n) == (3, 1)


def test_cross_products_hold_ballots_that_answered_every_item(tally):
    cells = tally(("t", "g", [5, 4]), ("t", "h", [5, 0]), ("u", "g", [BLANK, 2]), ("u", "g", [1, 2]))
    assert cells.together.n == 2
    np.testing.assert_array_equal(cells.together.sums, [6, 6])
    np.testing.assert_array_equal(cells.together.products, [[26, 22], [22, 20]])


def test_a_score_weighs_the_answered_items(tally, scheme):
    weighted = replace(scheme, item_weights={"q0": 70.0, "q1": 20.0, "q2": 10.0})
    cells = tally(("t", "g", [5, 1, 1]), ("u", "g", [0, 5, 1]), ("v", "g", [0, BLANK, 0]), scheme=weighted)
    best, worst = scheme.points[5], scheme.points[1]
    assert cells.score == pytest.approx([0.7 * best + 0.3 * worst, (20 * best + 10 * worst) / 30, 0])
    assert cells.mean == pytest.approx([7 / 3, 3, 0])
    np.testing.assert_array_equal(cells.valid, [1, 1, 0])


def test_no_ballots_and_no_groups():
    cells = count(np.zeros((0, 3), dtype=np.uint8), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), groups=())
    assert cells.groups == ("",)
    assert len(cells.valid) == 0


def test_an_unknown_level_is_refused():
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(ValueError, match="level 6"):
        count(np.array([[6, 1, 1]], dtype=np.uint8), one, one)


@pytest.mark.parametrize(("target", "group"), [([2], [0]), ([-1], [0]), ([0], [3]), ([0, 0], [0])])
def test_positions_outside_and_unequal_lengths_are_refused(target, group):
    with pytest.raises(ValueError, match="must"):
        count(np.ones((1, 3), dtype=np.uint8), np.array(target), np.array(group))


@given(ANSWERS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_answer_is_in_one_count(answers, seed):
    cells = count(answers, *places(len(answers), seed))
    assert cells.ballots.sum() == len(answers)
    assert cells.counts.sum() == (answers != BLANK).sum()
    assert cells.valid.sum() == ((answers > 0) & (answers != BLANK)).any(axis=1).sum()
    assert np.isfinite([cells.mean, cells.mean_ss, cells.score, cells.score_ss]).all()


@given(ANSWERS, ANSWERS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_merged_tallies_equal_the_tally_of_all_ballots(first, second, seed):
    both = np.concatenate([first, second])
    target, group = places(len(both), seed)
    flagged = target + group > 2
    cut = len(first)
    merged = count(first, target[:cut], group[:cut], flagged[:cut]).merge(
        count(second, target[cut:], group[cut:], flagged[cut:])
    )
    assert_same(merged, count(both, target, group, flagged))


@given(ANSWERS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_order_of_ballots_does_not_matter(answers, seed):
    target, group = places(len(answers), seed)
    order = np.random.default_rng(seed).permutation(len(answers))
    assert_same(count(answers, target, group), count(answers[order], target[order], group[order]))


def test_merging_matches_groups_by_name(tally):
    merged = tally(("t", "g", [5])).merge(tally(("t", "h", [1]), ("t", "g", [3])))
    assert merged.groups == ("g", "h")
    assert dict(zip(merged.cell_group.tolist(), merged.mean.tolist(), strict=True)) == {0: 4.0, 1: 1.0}


def test_only_like_tallies_merge(tally):
    with pytest.raises(ValueError, match="same targets"):
        tally(("t", "g", [5])).merge(tally(("u", "g", [5])))


def test_pages_count_a_ballot_for_each_target_they_ask_about(scheme):
    answers = np.array([[[5, 4], [1, 0]], [[3, 3], [BLANK, BLANK]], [[2, 2], [0, 0]]], dtype=np.uint8)
    cells, pairs = tally_pages(
        answers,
        group=np.zeros(3, dtype=np.int64),
        flagged=np.zeros(3, dtype=bool),
        targets=("a", "b"),
        groups=("p",),
        items=("x", "y"),
        scheme=scheme,
    )
    np.testing.assert_array_equal(cells.ballots, [3, 2])
    np.testing.assert_array_equal(cells.valid, [3, 1])
    assert pairs.complete == 1
    assert pairs.difference[0, 1] == 3.5
    assert pairs.difference[1, 0] == -3.5
    np.testing.assert_array_equal(pairs.n, [[3, 1], [1, 1]])
