"""The presentation standard for rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from survey.analysis.publication import presentation


def judged(k, n, **design):
    return presentation(np.array([k]), np.array([n]), **{name: np.array([value]) for name, value in design.items()})


@pytest.mark.parametrize(
    ("k", "n", "decision", "reason"),
    [
        (15, 29, "withhold", "effective_size"),
        (15, 30, "withhold", "absolute_width"),
        (3, 100, "withhold", "relative_width"),
        (97, 100, "present", "complement_width"),
        (50, 100, "present", "precise"),
        (10, 1000, "present", "precise"),
        (0, 100, "review", "no_events"),
        (100, 100, "review", "no_events"),
        (0, 0, "withhold", "effective_size"),
    ],
)
def test_every_rule_of_parker_et_al_2017(k, n, decision, reason):
    found = judged(k, n)
    assert (found.decision.tolist(), found.reason.tolist()) == ([decision], [reason])


def test_independent_ballots_are_judged_by_the_exact_interval():
    found, expected = judged(50, 100), binomtest(50, 100).proportion_ci()
    assert (found.interval.low[0], found.interval.high[0]) == pytest.approx((expected.low, expected.high))


def test_clustered_ballots_are_judged_by_the_korn_graubard_interval(rates_expected):
    deff, df = rates_expected["kg_deff"][1.0,], rates_expected["kg_df"][1.0,]
    found = judged(64, 84, deff=deff, df=df)
    assert found.interval.low[0] == pytest.approx(rates_expected["kg_low"][1.0,], rel=1e-10)
    assert found.interval.high[0] == pytest.approx(rates_expected["kg_high"][1.0,], rel=1e-10)
    assert found.n_effective[0] == pytest.approx(84 / deff)
    assert found.reason[0] == "absolute_width"


def test_clustering_withholds_what_the_number_of_ballots_would_show():
    assert judged(250, 500).decision[0] == "present"
    assert judged(250, 500, deff=20.0).reason[0] == "effective_size"
    assert judged(2500, 5000, deff=2.0, df=7.0).reason[0] == "few_clusters"
    assert judged(2500, 5000, deff=2.0, df=0.0).decision[0] == "withhold"


def test_a_design_effect_below_one_earns_nothing():
    assert judged(40, 90, deff=0.5).n_effective[0] == 90.0
    assert judged(40, 90, deff=0.0).reason[0] == judged(40, 90).reason[0]


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(1.0, 20.0))
@settings(max_examples=60, deadline=None)
def test_a_larger_design_effect_never_opens_a_figure(pair, deff):
    order = ["present", "review", "withhold"]
    plain, clustered = judged(*pair).decision[0], judged(*pair, deff=deff).decision[0]
    assert order.index(clustered) >= order.index(plain)


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="design effects"):
        judged(5, 4)
    with pytest.raises(ValueError, match="design effects"):
        judged(3, 4, deff=-1.0)
    nothing = np.zeros(0, dtype=np.int64)
    assert presentation(nothing, nothing).decision.shape == (0,)
