"""Benjamini-Hochberg."""

import numpy as np
import pytest

from survey.analysis.multiplicity import benjamini_hochberg


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
