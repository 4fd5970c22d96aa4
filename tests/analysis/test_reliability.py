"""One-way REML against lme4, and data that cannot tell."""

import numpy as np
import pytest

from survey.analysis.figures import target_figures
from survey.analysis.moments import Moments, moments_of
from survey.analysis.reliability import fit_reliability
from survey.analysis.scoring import load_scheme
from survey.analysis.shrinkage import shrink


def fit(*groups):
    values = np.concatenate([np.array(group, dtype=float) for group in groups])
    index = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return fit_reliability(moments_of(values, index, size=len(groups)))


def test_equals_lme4(reference_ballots, expected):
    tally, population = reference_ballots
    figures = target_figures(tally, population, load_scheme("five_step"))
    found = figures.fit
    # lme4 stops near the optimum: its deviance cannot be lower than ours.
    assert found.deviance == pytest.approx(expected["reml", "deviance"], abs=1e-9)
    for name in ("tau2", "sigma2", "mu"):
        assert getattr(found, name) == pytest.approx(expected["reml", name], rel=1e-6)
    for row, target in enumerate(tally.targets):
        assert figures.shrunken.mean[row] == pytest.approx(expected["shrunken_mean", target], rel=1e-7)
        assert figures.shrunken.sd[row] == pytest.approx(expected["shrunken_sd", target], rel=1e-6)


def test_balanced_data_give_the_anova_estimates():
    groups = [[1.0, 2.0, 4.0], [3.0, 5.0, 5.0], [4.0, 4.0, 1.0], [5.0, 5.0, 4.0]]
    found = fit(*groups)
    within = np.mean([np.var(group, ddof=1) for group in groups])
    between = 3 * np.var([np.mean(group) for group in groups], ddof=1)
    assert found.sigma2 == pytest.approx(within)
    assert found.tau2 == pytest.approx((between - within) / 3)


def test_equal_target_means_leave_no_spread_between_targets():
    found = fit([1, 5], [1, 5], [2, 4])
    assert (found.icc, found.tau2) == (0.0, 0.0)
    assert found.ballots_for(0.8) is None


def test_equal_ballots_within_targets_are_perfectly_reliable():
    found = fit([1, 1], [5, 5, 5])
    assert (found.icc, found.sigma2, found.tau2, found.mu) == (1.0, 0.0, 8.0, 3.0)
    assert found.ballots_for(0.9) == 0.0


@pytest.mark.parametrize("groups", [[[3, 4, 5]], [[3], [4], [5]], [[4, 4], [4, 4]]])
def test_data_that_cannot_tell_give_the_mean_only(groups):
    found = fit(*groups)
    assert found.icc is None
    assert found.mu == pytest.approx(4.0)
    assert set(found.record()["ballots_for"].values()) == {None}


def test_no_ballots_at_all():
    assert fit_reliability(Moments(n=np.array([0]), mean=np.array([0.0]), ss=np.array([0.0]))).mu is None


def test_shrinkage_draws_small_targets_further():
    targets = Moments(n=np.array([2, 50, 0]), mean=np.array([5.0, 5.0, 0.0]), ss=np.array([2.0, 90.0, 0.0]))
    found = shrink(targets, fit([1, 5, 3], [2, 3, 3], [5, 5, 4], [4, 5, 5]))
    assert found.reliability[0] < found.reliability[1] < 1.0
    assert found.mean[0] < found.mean[1] < 5.0
    assert found.sd[0] > found.sd[1]
    assert np.isnan([found.reliability[2], found.mean[2], found.sd[2]]).all()


@pytest.mark.slow
def test_estimates_recover_the_truth():
    rng = np.random.default_rng(11)
    means = rng.normal(3.0, np.sqrt(0.2), 4000)
    found = fit(*[mean + rng.normal(size=rng.integers(1, 40)) for mean in means])
    assert found.icc == pytest.approx(0.2 / 1.2, abs=0.01)
