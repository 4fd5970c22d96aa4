"""Change between two campaigns."""

import numpy as np
import pytest
from scipy import stats

from survey.analysis.trends import Sample, change, samples


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
