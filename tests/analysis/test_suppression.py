"""Floors, complementary suppression over random trees, and what it costs on a county's roster."""

import math
from collections import Counter
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from survey.analysis.bounds import Scale
from survey.analysis.disclosure import Extent, Release, centres, derivable
from survey.analysis.moments import Moments
from survey.analysis.reliability import fit_reliability
from survey.analysis.scoring import Floors
from survey.analysis.suppression import BALLOTS, DERIVABLE, LEAST_LEFT, RESPONSE, Tree, derivable_sums, protect

ROSTER = Path(__file__).parents[3] / "shared" / "data" / "county_roster.xlsx"
FLOORS = Floors()
FIVE = Scale(levels=np.arange(1.0, 6.0), points=np.array([0.0, 30.0, 60.0, 80.0, 100.0]))
CELLS = st.lists(st.tuples(st.integers(-1, 2), st.booleans(), st.integers(0, 12)), max_size=15)


@given(CELLS)
@settings(max_examples=100, deadline=None)
def test_a_shown_sum_hides_none_or_two_targets_with_the_floor_together(cells):
    part_of = np.array([cell[0] for cell in cells], dtype=np.int64)
    hidden = np.array([cell[1] for cell in cells], dtype=np.bool_)
    valid = np.array([cell[2] for cell in cells], dtype=np.int64)
    unsafe = derivable_sums(hidden=hidden, valid=valid, part_of=part_of, size=3, floors=Floors())
    for place in range(3):
        inside = valid[hidden & (part_of == place) & (valid > 0)]
        assert unsafe[place] != (len(inside) == 0 or (len(inside) >= 2 and inside.sum() >= 10))


def tree_of(heads, rates, unit, *, floor=0.5, level=4.2, seed=1):
    """A tree of targets with so many raters each; answers spread around `level`, as whole levels of ten items."""
    chance = np.random.default_rng(seed)
    n = chance.binomial(heads, rates)
    few, low = n < FLOORS.ballots, n < floor * np.asarray(heads)
    reasons = tuple(BALLOTS if a else RESPONSE if b else None for a, b in zip(few, low, strict=True))
    mean = np.clip(np.round(chance.normal(level, 0.3, len(n)) * np.maximum(10 * n, 1)) / np.maximum(10 * n, 1), 1, 5)
    score = np.where(mean > 3, 60 + 20 * (mean - 3), 30 * (mean - 1)) - (5 - mean) * chance.uniform(0, 0.5, len(n))
    nothing = n == 0
    moments = [Moments(n=n, mean=np.where(nothing, 0.0, m), ss=0.6 * n * k) for m, k in ((mean, 1), (score, 500))]
    unit = np.asarray(unit, dtype=np.int64)
    return Tree(mean=moments[0], score=moments[1], withheld=reasons, part_of=unit, size=int(unit.max(initial=-1)) + 1)


def protected(tree, *, counts=None):
    fit = fit_reliability(tree.mean)
    full = np.tile(tree.mean.n[:, None, None] // 6, (1, 10, 6)) if counts is None else counts
    found = protect(tree, counts=full, floors=FLOORS, scale=FIVE, fit=fit)
    hidden = (tree.mean.n > 0) & np.array([reason is not None for reason in found.withheld], dtype=bool)
    release = Release(
        units=found.units,
        centre=centres(tree.mean, tree.part_of, size=tree.size),
        overall=found.overall,
        fit=None if found.fit_shown else fit,
    )
    return found, hidden, derivable(tree.chosen(hidden), release, FIVE)


@given(
    st.lists(st.tuples(st.integers(-1, 4), st.integers(1, 60)), min_size=1, max_size=45),
    st.sampled_from([0.3, 0.55, 0.75, 0.95]),
    st.sampled_from([1.0, 3.0, 4.2, 5.0]),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_derivable_in_any_tree(targets, rate, level, seed):
    unit, heads = [part for part, _heads in targets], [size for _part, size in targets]
    tree = tree_of(heads, np.full(len(heads), rate), unit, level=level, seed=seed)
    found, hidden, given_away = protected(tree)
    assert not given_away.any()
    for place in np.flatnonzero(found.units > Extent.NONE):
        inside = tree.mean.n[hidden & (tree.part_of == place)]
        assert len(inside) == 0 or (len(inside) >= 2 and inside.sum() >= FLOORS.ballots)
    floors_only = [(new, old) for new, old in zip(found.withheld, tree.withheld, strict=True) if new != old]
    assert floors_only == [(DERIVABLE, None)] * found.complementary


@pytest.mark.parametrize(("shown", "sibling"), [(LEAST_LEFT, False), (LEAST_LEFT + 1, True)])
def test_a_sibling_goes_where_enough_are_left_and_the_unit_elsewhere(shown, sibling):
    sizes = [9, *range(20, 20 + shown)]
    tree = tree_of(sizes, np.ones(len(sizes)), [0] * len(sizes))
    found, _hidden, _given = protected(tree)
    assert found.withheld[1] == (DERIVABLE if sibling else None)
    assert (found.units[0] > Extent.NONE) == sibling
    assert found.complementary == sibling


def test_the_overall_figures_cost_a_small_unit_rather_than_themselves():
    sizes = [9, 20, 20, *[5, 6, 30, 30, 30] * 2, *[40] * 20]
    unit = [0] * 3 + [1] * 5 + [2] * 5 + [3] * 5 + [4] * 5 + [5] * 10
    tree = tree_of(sizes, np.ones(len(sizes)), unit)
    found, _hidden, given_away = protected(tree)
    assert (found.units == Extent.NONE).tolist() == [True, True, False, False, False, False]
    assert found.overall > Extent.NONE
    assert not given_away.any()


def test_nothing_hidden_loses_nothing():
    tree = tree_of([20, 30, 40], np.ones(3), [0, 0, 1])
    found, _hidden, _given = protected(tree)
    assert (found.units == Extent.ALL).all()
    assert (found.overall, found.fit_shown, found.rates) == (Extent.ALL, False, True)


def key_of(row):
    return tuple(normalize("NFKC", str(part)).strip() for part in row[:3])


def county(turnout, seed):
    """Trees of a county's roster: pupils rate teachers, parents schools, staff principals, with uneven turnout."""
    with closing(load_workbook(ROSTER, read_only=True)) as book:
        sheets = [list(book[name].iter_rows(min_row=2, values_only=True)) for name in ("学校", "班级", "教师", "任课")]
    schools, classes, teachers, teaching = sheets
    classes = [(*key_of(row), row[3]) for row in classes]
    chance = np.random.default_rng(seed)
    district = {name: place for place, name in enumerate(dict.fromkeys(row[2] for row in schools))}
    place = {row[0]: number for number, row in enumerate(schools)}
    effect = chance.normal(0.0, 0.8, len(schools))
    size = {row[:3]: row[3] for row in classes}
    rated, staff = Counter(), Counter(row[3] for row in teachers)
    for row in {(*key_of(row), row[4]) for row in teaching}:
        rated[row[3]] += size[row[:3]]
    school_of = {row[0]: place[row[3]] for row in teachers}

    def rates(of_school, share):
        logit = math.log(share / (1.0 - share)) + effect[of_school] + chance.normal(0.0, 0.5, len(of_school))
        return 1.0 / (1.0 + np.exp(-logit))

    at = np.array([school_of[code] for code in rated])
    yield tree_of(list(rated.values()), rates(at, turnout), at, seed=seed)
    every = np.arange(len(schools))
    part_of = np.array([district[row[2]] for row in schools])
    pupils = [sum(row[3] for row in classes if row[0] == school[0]) for school in schools]
    yield tree_of(pupils, rates(every, 0.6 * turnout), part_of, floor=0.2, seed=seed)
    large = np.array([number for number, row in enumerate(schools) if staff[row[0]] > FLOORS.ballots])
    yield tree_of([staff[schools[row][0]] - 1 for row in large], rates(large, turnout), part_of[large], seed=seed)


@pytest.mark.skipif(not ROSTER.exists(), reason="shared/data/county_roster.xlsx is not beside the repository")
@pytest.mark.parametrize("turnout", [0.6, 0.75, 0.9])
def test_a_county_loses_few_cells_beyond_the_floors(turnout):
    cells, lost = 0, 0
    for seed in range(3):
        for tree in county(turnout, seed):
            found, _hidden, given_away = protected(tree)
            assert not given_away.any()
            empty = tree.ballots() == 0
            cells += len(found.withheld) + tree.size + 1
            lost += found.complementary + int(((found.units == Extent.NONE) & ~empty).sum())
            lost += found.overall == Extent.NONE
    assert lost <= 0.08 * cells


@pytest.mark.parametrize(("answered", "told"), [(25, True), (19, False)])
def test_overall_counts_do_not_tell_the_one_withheld_item(answered, told):
    counts = np.zeros((1, 3, 6), dtype=np.int64)
    counts[0, :, 4] = 12
    counts[0, :, 5] = [13, 13, answered - 12]
    found, _hidden, _given = protected(tree_of([25], np.ones(1), [0]), counts=counts)
    assert found.rates == told
