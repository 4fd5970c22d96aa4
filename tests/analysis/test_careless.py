"""Signs of careless answering, and figures without the flagged ballots."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.analysis.careless import careless_flags, longest_run, within_sd, without_flagged
from survey.analysis.scoring import BLANK

ANSWERS = arrays(np.uint8, (3, 9), elements=st.sampled_from([0, 1, 2, 5, BLANK]))


def one(*levels):
    return np.array([levels], dtype=np.uint8)


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
    assert careless_flags(one(*answers), scheme).tolist() == [flag]


def test_a_page_of_all_targets_is_flagged_as_a_whole(scheme):
    answers = np.full((2, 3, 2), 5, dtype=np.uint8)
    answers[1, 2, 1] = 4
    assert careless_flags(answers, scheme).tolist() == [True, False]
    assert longest_run(answers).tolist() == [6, 5]


@pytest.mark.parametrize(
    ("answers", "run"),
    [
        ((5, 5, 4, 4, 4, 5), 3),
        ((5, 0, 5, BLANK, 5), 3),
        ((1, 2, 1, 2), 1),
        ((0, 0, 0), 0),
        ((BLANK, BLANK), 0),
        ((BLANK, 3), 1),
    ],
)
def test_longest_run_passes_over_what_is_not_answered(answers, run):
    assert longest_run(one(*answers)).tolist() == [run]


@given(ANSWERS)
@settings(max_examples=60, deadline=None)
def test_signs_equal_a_plain_count(answers):
    for row, run, sd in zip(answers.tolist(), longest_run(answers), within_sd(answers), strict=True):
        levels = [level for level in row if level not in {0, BLANK}]
        assert run == max(lengths(levels), default=0)
        expected = np.std(levels, ddof=1) if len(levels) > 1 else np.nan
        assert sd == pytest.approx(expected, nan_ok=True, abs=1e-12)


def lengths(levels):
    last, length = None, 0
    for level in levels:
        length = length + 1 if level == last else 1
        last = level
        yield length


def test_equal_answers_have_exactly_no_spread():
    assert within_sd(one(*[3] * 50)).tolist() == [0.0]


def test_figures_without_flagged_ballots(tally, scheme):
    rows = [("t", "g", [4, 2]), ("t", "h", [2, 2]), ("t", "h", [5, 5], True), ("u", "g", [1, 1])]
    found = without_flagged(tally(*rows), scheme.without_floors())
    np.testing.assert_array_equal(found.score.n, [2, 1])
    np.testing.assert_array_equal(found.mean.mean, [2.5, 1.0])
    np.testing.assert_array_equal(found.flagged, [1, 0])
    assert found.score.mean[0] == (55 + 30) / 2
    assert found.overall.mean[0] == pytest.approx((42.5 + scheme.points[1]) / 2)
    assert found.shown.tolist() == [True, True]


def test_a_few_flagged_ballots_are_not_shown_by_difference(tally, scheme):
    plain = [("few", "g", [4])] * 20 + [("many", "g", [4])] * 20 + [("none", "g", [4])] * 20
    flagged = [("few", "g", [5], True)] * 3 + [("many", "g", [5], True)] * 12
    found = without_flagged(tally(*plain, *flagged), scheme)
    assert found.shown.tolist() == [False, True, True]
    assert not found.overall_shown
    assert without_flagged(tally(*plain, *flagged[3:]), scheme).overall_shown


def test_nothing_is_shown_where_all_ballots_are_flagged(tally, scheme):
    found = without_flagged(tally(*[("t", "g", [5], True)] * 12), scheme.without_floors())
    assert (found.shown.tolist(), found.overall_shown) == ([False], False)
