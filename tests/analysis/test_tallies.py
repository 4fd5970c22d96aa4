"""Tallies: counts, ballot means, merging, pages that hold all targets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.scoring import BLANK, load_scheme
from survey.analysis.tallies import careless_flags, tally_ballots, tally_pages

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
    for name in ("cell_target", "cell_group", "counts", "ballots", "valid", "flagged"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("mean", "mean_ss", "score", "score_ss"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9, err_msg=name)


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
    cut = len(first)
    merged = count(first, target[:cut], group[:cut]).merge(count(second, target[cut:], group[cut:]))
    assert_same(merged, count(both, target, group))


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


@pytest.mark.parametrize(
    ("answers", "flag"),
    [
        ([4] * 6, True),
        ([4] * 5 + [0], False),
        ([4] * 6 + [0, BLANK], True),
        ([4] * 7 + [5], False),
        ([0] * 8, False),
        ([BLANK] * 8, False),
    ],
)
def test_six_equal_answers_and_no_other_are_flagged(scheme, answers, flag):
    assert careless_flags(np.array([answers], dtype=np.uint8), scheme).tolist() == [flag]


def test_a_page_of_all_targets_is_flagged_as_a_whole(scheme):
    answers = np.full((2, 3, 2), 5, dtype=np.uint8)
    answers[1, 2, 1] = 4
    assert careless_flags(answers, scheme).tolist() == [True, False]


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
