"""All departments on one page: Friedman and paired t against SciPy and R."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey.analysis.paired import friedman, paired_differences
from survey.analysis.scoring import load_scheme
from survey.analysis.tallies import tally_pages

SCHEME = load_scheme("five_step")


def pages(levels):
    levels = np.array(levels, dtype=np.uint8)
    return tally_pages(
        levels[:, :, None],
        group=np.zeros(len(levels), dtype=np.int64),
        flagged=np.zeros(len(levels), dtype=bool),
        targets=[f"d{row}" for row in range(levels.shape[1])],
        groups=["p"],
        items=["q"],
        scheme=SCHEME,
    )[1]


def test_friedman_equals_r(reference_pages, expected):
    found = friedman(reference_pages[1])
    assert found.q == pytest.approx(expected["friedman", "q"])
    assert found.p == pytest.approx(expected["friedman", "p"])
    assert found.kendall_w == pytest.approx(expected["friedman", "w"])


def test_friedman_equals_scipy_with_ties():
    levels = np.random.default_rng(2).integers(1, 6, (15, 4))
    found, reference = friedman(pages(levels)), stats.friedmanchisquare(*levels.T)
    assert (found.q, found.p) == pytest.approx((reference.statistic, reference.pvalue))


def test_one_common_order_is_full_agreement():
    assert friedman(pages([[1, 2, 3]] * 5)).kendall_w == pytest.approx(1.0)


def test_incomplete_pages_are_left_out_of_the_ranks_but_not_of_the_pairs():
    found = pages([[1, 2, 3], [5, 4, 0]])
    assert found.complete == 1
    assert found.n[0, 1] == 2


def test_equal_answers_everywhere_are_not_testable():
    found = friedman(pages([[4, 4, 4]] * 6))
    assert (found.q, found.p, found.kendall_w) == (None, None, None)
    assert friedman(replace(pages([[1, 2, 3]]), complete=0)).q is None


def test_paired_t_equals_r(reference_pages, expected):
    found = paired_differences(reference_pages[1], np.arange(6))
    for row, (a, b) in enumerate(zip(found.first, found.second, strict=True)):
        key = f"d{a} d{b}"
        assert found.difference[row] == pytest.approx(expected["paired_difference", key])
        assert found.p[row] == pytest.approx(expected["paired_p", key])
        assert found.interval.low[row] == pytest.approx(expected["paired_low", key])
        assert found.interval.high[row] == pytest.approx(expected["paired_high", key])


def test_a_constant_difference_is_not_testable():
    found = paired_differences(pages([[1, 3], [2, 4], [3, 5]]), np.arange(2))
    assert found.difference[0] == -2
    assert np.isnan([found.p[0], found.interval.low[0]]).all()


def test_targets_that_share_no_page_have_no_difference():
    found = paired_differences(pages([[1, 0], [0, 4]]), np.arange(2))
    assert found.n[0] == 0
    assert np.isnan(found.difference[0])


def test_printed_example_of_rounding_first_base():
    # Hollander and Wolfe (1973), p. 140: 22 players, three ways to run, hundredths of a second.
    times = [
        [540, 550, 555], [585, 570, 575], [520, 560, 550], [555, 550, 540], [590, 585, 570], [545, 555, 560],
        [540, 540, 535], [545, 550, 535], [525, 515, 500], [585, 580, 570], [525, 520, 510], [565, 555, 545],
        [560, 535, 545], [505, 500, 495], [550, 550, 540], [545, 555, 550], [555, 555, 535], [545, 550, 555],
        [550, 545, 525], [565, 560, 540], [570, 565, 555], [630, 630, 625],
    ]  # fmt: skip
    levels = np.array([stats.rankdata(row, method="dense") for row in times], dtype=int)
    found = friedman(pages(levels))
    assert found.q == pytest.approx(11.1429, abs=1e-4)
    assert found.p == pytest.approx(0.003805, abs=1e-6)


@given(st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=1, max_size=12))
@settings(deadline=None)
def test_only_the_order_within_a_ballot_counts(rows):
    levels = np.array(rows)
    found = friedman(pages(levels))
    dense = friedman(pages(np.array([stats.rankdata(row, method="dense") for row in rows], dtype=int)))
    assert found == dense
    turned = friedman(pages(6 - levels))
    if found.q is not None:
        assert (turned.q, turned.kendall_w) == pytest.approx((found.q, found.kendall_w), abs=1e-12)
        assert -1e-12 <= found.kendall_w <= 1 + 1e-12
