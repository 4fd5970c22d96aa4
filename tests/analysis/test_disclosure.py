"""The audit, and attacks on finished releases by a solver that shares nothing with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.bounds import Scale
from survey.analysis.disclosure import Extent, Hidden, Published, Release, derivable, exposed
from survey.analysis.reliability import Reliability
from survey.analysis.results import evaluate, scale_of
from tests.analysis.attacker import Attacker

FIVE = Scale(levels=np.arange(1.0, 6.0), points=np.array([0.0, 30.0, 60.0, 80.0, 100.0]))
ITEMS = 4


def rows_of(sizes, chance):
    """Ballots of targets named by their place: sizes (n_targets,) of valid ballots, four items each."""
    effect = chance.normal(0.0, 0.5, len(sizes))
    for place, size in enumerate(sizes):
        for _ballot in range(size):
            level = np.clip(np.round(3.9 + effect[place] + chance.normal(0.0, 0.9, ITEMS)), 1, 5)
            yield (f"t{place}", "g", level.astype(int).tolist())


@pytest.fixture
def held(tally, population, scheme):
    """Release an evaluation of targets with so many ballots, in these units; without floors where asked."""

    def build(sizes, units, *, seed=1, floors=True):
        rows = list(rows_of(sizes, np.random.default_rng(seed)))
        cells = tally(*rows, targets=tuple(f"t{place}" for place in range(len(sizes))))
        surroundings = population(cells, unit=units)
        return cells, evaluate(cells, surroundings, scheme if floors else scheme.without_floors())

    return build


def naive(result, open_result):
    """Return a release that withholds targets but publishes every sum: what floors alone would do."""
    return replace(result, units=open_result.units, overall=open_result.overall, reliability=open_result.reliability)


RELEASES = {
    "one": ([9, 20, 25, 30, 35, 40], "uuuuuu"),
    "two": ([9, 8, 25, 30, 35, 40], "uuuuuu"),
    "three": ([9, 8, 7, 30, 35, 40], "uuuuuu"),
    "four": ([9, 8, 7, 5, 35, 40, 30], "uuuuuuu"),
    "five": ([9, 8, 7, 5, 4, 40, 30, 25], "uuuuuuuu"),
    "one in each of two": ([9, 20, 25, 30, 8, 33, 21, 40], "uuuuvvvv"),
    "one in a small one": ([9, 20, 25, 30, 22, 33, 21, 40], "uuvvvvvv"),
    "two and none": ([9, 6, 25, 30, 22, 33, 21, 40], "uuuuvvvv"),
    "without a unit": ([9, 20, 25, 30, 22, 33, 21], ["", *"uuuuuu"]),
}


@pytest.mark.parametrize("name", RELEASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_attacker_finds_no_withheld_mean(held, name, seed):
    sizes, units = RELEASES[name]
    _cells, result = held(sizes, list(units), seed=seed)
    assert Attacker(result).found() == {}


@pytest.mark.parametrize("name", ["one", "two", "three", "one in each of two", "two and none"])
def test_the_same_attacker_breaks_a_release_with_floors_only(held, name):
    sizes, units = RELEASES[name]
    _cells, result = held(sizes, list(units))
    _cells, everything = held(sizes, list(units), floors=False)
    below = [place for place, size in enumerate(sizes) if size < 10]
    only_floors = [
        record if place in below else everything.targets[place] for place, record in enumerate(result.targets)
    ]
    found = Attacker(naive(replace(result, targets=only_floors), everything)).found()
    assert set(found) == {f"t{place}" for place in below}
    for target, mean in found.items():
        truth = everything.targets[int(target[1:])]["mean"]
        assert mean == pytest.approx(truth, abs=1e-3)


def audit(cells, result, scheme):
    records = Published(
        targets=result.targets, units=result.units, overall=result.overall, reliability=result.reliability
    )
    return exposed(records, cells, scale=scale_of(scheme))


@pytest.mark.parametrize("name", RELEASES)
def test_the_audit_passes_a_release_and_sees_each_figure_put_back(held, scheme, name):
    sizes, units = RELEASES[name]
    cells, result = held(sizes, list(units))
    _cells, everything = held(sizes, list(units), floors=False)
    assert audit(cells, result, scheme) == ()
    if name != "five":
        assert audit(cells, naive(result, everything), scheme)


def test_the_audit_sees_a_fit_that_tells(held, scheme):
    cells, result = held([9, 20, 25, 30, 35, 40, 31], list("uuuuuuu"))
    _cells, everything = held([9, 20, 25, 30, 35, 40, 31], list("uuuuuuu"), floors=False)
    assert result.reliability != everything.reliability
    assert audit(cells, replace(result, reliability=everything.reliability), scheme) == ("t0", "t1")


def test_the_fit_is_over_all_targets_where_enough_are_hidden(held):
    sizes = [*range(3, 10), *range(4, 10), 30, 40, 35] * 2
    units = [*"u" * 16, *"v" * 16]
    _cells, result = held(sizes, units)
    _cells, everything = held(sizes, units, floors=False)
    assert result.reliability == everything.reliability


def hidden_in(units, chance, *, size=9):
    k = len(units)
    mean = chance.uniform(2.0, 4.5, k)
    return Hidden(
        n=chance.integers(2, size, k), mean=mean, score=25.0 * (mean - 1.0) + 1.0, unit=np.array(units, dtype=np.int64)
    )


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=14), st.data(), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_block_by_block_the_audit_finds_what_one_large_system_gives(units, data, seed):
    extents = [data.draw(st.sampled_from(list(Extent))) for _unit in range(4)]
    overall = data.draw(st.sampled_from([Extent.NONE, Extent.MEANS, Extent.SPREADS, Extent.POOLED]))
    fit = data.draw(st.sampled_from([None, Reliability(mu=3.6, tau2=0.2, sigma2=0.5)]))
    hidden = hidden_in(units, np.random.default_rng(seed))
    release = Release(units=np.array(extents), centre=np.full(4, 3.3), overall=overall, fit=fit)
    found = derivable(hidden, release, FIVE)
    certain = fixed_in_one_system(hidden, extents, overall, fit, np.random.default_rng(seed + 1))
    assert not (certain & ~found).any()


def fixed_in_one_system(hidden, extents, overall, fit, chance):
    """Return the targets whose direction lies in the span of all gradients, dense and at one random point."""
    m, n, rows = chance.uniform(1, 5, len(hidden.n)), hidden.n.astype(float), []
    for unit, extent in enumerate(extents):
        inside = (hidden.unit == unit).astype(float)
        rows += [inside * row for row in (np.ones(len(n)), m, n, n**2 * (m - 3.3))][:extent]
    rows += [np.ones(len(n)), m, n][:overall]
    if fit is not None:
        weight = n / (1 + n * fit.tau2 / fit.sigma2)
        rows += [weight, weight**2 * (m - fit.mu)]
    if not rows:
        return np.zeros(len(n), dtype=bool)
    matrix = np.array(rows)
    identity = np.eye(len(n))
    solved, *_ = np.linalg.lstsq(matrix.T, identity, rcond=1e-10)
    return np.abs(matrix.T @ solved - identity).max(axis=0) < 1e-8


def test_nothing_hidden_nothing_derivable():
    empty = Hidden(n=np.zeros(0, dtype=np.int64), mean=np.zeros(0), score=np.zeros(0), unit=np.zeros(0, dtype=np.int64))
    release = Release(units=np.array([4]), centre=np.array([3.0]), overall=Extent.ALL, fit=None)
    assert not len(derivable(empty, release, FIVE))


@pytest.mark.parametrize(("k", "most"), [(1, 0), (2, 1), (3, 2), (4, 3), (8, 4)])
def test_a_unit_publishes_as_many_equations_as_it_hides_targets_less_one(k, most):
    mean = np.array([2.2, 4.1, 3.0, 1.7, 4.6, 3.4, 2.8, 3.9])[:k]
    hidden = Hidden(
        n=np.array([9, 4, 7, 2, 8, 5, 6, 3])[:k], mean=mean, score=25.0 * (mean - 1) + 1, unit=np.zeros(k, dtype=int)
    )
    safe = [
        not derivable(
            hidden, Release(units=np.array([e]), centre=np.array([3.0]), overall=Extent.NONE, fit=None), FIVE
        ).any()
        for e in list(Extent)[1:]
    ]
    assert safe == [extent <= most for extent in range(1, 5)]
