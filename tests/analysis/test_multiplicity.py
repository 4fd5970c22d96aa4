"""Benjamini-Hochberg and Holm against R, statsmodels and a printed example; families with gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.comparison import welch_pairs
from survey.analysis.moments import moments_of
from survey.analysis.multiplicity import BENJAMINI_HOCHBERG, HOLM, adjust, benjamini_hochberg, holm

FAMILIES = st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=30).map(np.array)


def test_published_example_of_fifteen_p_values():
    # Benjamini and Hochberg (1995), section 3.2: four rejections at 0.05.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    adjusted = benjamini_hochberg(np.array([*p, 0.7590, 1.0]))
    assert (adjusted < 0.05).sum() == 4
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)


def test_equals_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(3).random(40) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), multitest.multipletests(p, method="fdr_bh")[1])


def test_untested_pairs_stay_untested_and_do_not_enlarge_the_family():
    adjusted = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2]], [0.02, 0.04])


def test_nothing_to_adjust():
    assert benjamini_hochberg(np.array([])).shape == (0,)
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()


def test_holm_of_the_published_example():
    # The same p values in Benjamini and Hochberg (1995): Bonferroni-type procedures reject three.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    adjusted = holm(np.array([*p, 0.7590, 1.0]))
    assert (adjusted < 0.05).sum() == 3
    assert adjusted[3] == pytest.approx(0.0095 * 12)


def test_both_equal_r_with_and_without_a_gap(unit_means, comparisons):
    means, unit, codes = unit_means
    units = moments_of(means, unit, size=len(codes))
    a, b = np.triu_indices(len(codes), 1)
    p = welch_pairs(units.take(a), units.take(b)).p
    gap = p.copy()
    gap[1] = np.nan
    for figure, found in (("holm", holm(p)), ("holm_gap", holm(gap)), ("bh_gap", benjamini_hochberg(gap))):
        np.testing.assert_allclose(found, [comparisons[figure, str(row + 1)] for row in range(len(p))], rtol=1e-9)


def test_holm_equals_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(3).random(40) ** 3
    np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1])


@given(FAMILIES)
@settings(deadline=None)
def test_adjusting_keeps_order_and_bounds(p):
    tested = ~np.isnan(p)
    screened, strict = benjamini_hochberg(p), holm(p)
    for adjusted in (screened, strict):
        np.testing.assert_array_equal(np.isnan(adjusted), ~tested)
        assert ((adjusted[tested] >= p[tested]) & (adjusted[tested] <= 1)).all()
        assert (np.diff(adjusted[tested][np.argsort(p[tested])]) >= -1e-15).all()
    assert (screened[tested] <= strict[tested] + 1e-15).all()


@given(FAMILIES, st.randoms())
@settings(deadline=None)
def test_the_order_of_a_family_does_not_matter(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for method in (holm, benjamini_hochberg):
        np.testing.assert_array_equal(method(p)[order], method(p[order]))


def test_a_family_carries_its_name_and_size():
    found = adjust(np.array([0.01, np.nan, 0.04]), family="schools of one district", method=HOLM)
    assert (found.name, found.method, found.planned, found.size) == ("schools of one district", HOLM, 3, 2)
    np.testing.assert_allclose(found.p_adjusted, [0.02, np.nan, 0.04])
    assert adjust(np.array([]), family="none").method == BENJAMINI_HOCHBERG
    with pytest.raises(ValueError, match="bonferroni"):
        adjust(np.array([0.1]), family="x", method="bonferroni")
