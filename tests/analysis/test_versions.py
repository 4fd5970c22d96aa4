"""A corrected version beside the one before it: what both say together gives no withheld mean away."""

from collections.abc import Callable

import numpy as np
import pytest

from survey.analysis.disclosure import Extent, Published, exposed, extent_of
from survey.analysis.moments import combine
from survey.analysis.reliability import fit_reliability
from survey.analysis.results import EvaluationResult, evaluate, scale_of
from survey.analysis.suppression import DERIVABLE
from survey.analysis.versions import Version, told_apart

ITEMS = 4
Ballot = tuple[str, str, list[int]]
LEAST = 20


def ballots_of(sizes: dict[tuple[str, str], int], seed: int) -> list[Ballot]:
    """Ballots of (target, class) cells of these sizes."""
    chance = np.random.default_rng(seed)
    effect = {target: chance.normal(0.0, 0.5) for target in sorted({target for target, _group in sizes})}
    return [
        (
            target,
            group,
            np.clip(np.round(3.9 + effect[target] + chance.normal(0, 0.9, ITEMS)), 1, 5).astype(int).tolist(),
        )
        for (target, group), size in sizes.items()
        for _ballot in range(size)
    ]


def records(result: EvaluationResult) -> Published:
    return Published(targets=result.targets, units=result.units, overall=result.overall, reliability=result.reliability)


class Corrected:
    """One evaluation, and what becomes of it when classes are voided one after the other."""

    def __init__(self, ballots: list[Ballot], unit: dict[str, str], tally, population, scheme) -> None:
        self.ballots, self.unit, self.scheme = ballots, unit, scheme
        self.tally, self.population = tally, population
        self.targets = tuple(unit)
        self.versions: list[tuple[EvaluationResult, object]] = []

    def release(self, *voided: str, heed: bool = True) -> EvaluationResult:
        rows = [row for row in self.ballots if row[1] not in voided]
        cells = self.tally(*rows, targets=self.targets)
        surroundings = self.population(cells, unit=[self.unit[code] for code in self.targets])
        before = [records(result) for result, _cells in self.versions] if heed else []
        result = evaluate(cells, surroundings, self.scheme, earlier=before)
        self.versions.append((result, cells))
        return result

    def told(self) -> tuple[str, ...]:
        return told_apart([self._version(*version) for version in self.versions], least=LEAST)

    def _version(self, result: EvaluationResult, cells) -> Version:
        mean = combine(cells.mean_moments(), cells.cell_target, size=len(self.targets))
        fit = fit_reliability(mean)
        published = fit if result.reliability["mu"] == fit.mu else None
        return Version(records=records(result), valid=mean.n, mean=mean.mean, fit=published)

    def derived(self) -> set[str]:
        """What an attacker derives who shares nothing with the audit: all linear facts, solved exactly."""
        names: dict[tuple[str, int, float], int] = {}
        facts: list[dict[int, float]] = []
        for result, cells in self.versions:
            mean = combine(cells.mean_moments(), cells.cell_target, size=len(self.targets))
            mine = {}
            for place, code in enumerate(self.targets):
                if mean.n[place]:
                    key = (code, int(mean.n[place]), round(float(mean.mean[place]), 12))
                    mine[code] = names.setdefault(key, len(names))
            facts += [{mine[r["target"]]: 1.0} for r in result.targets if r["mean"] is not None]
            n = dict(zip(self.targets, mean.n.tolist(), strict=True))
            sums = [({c for c in mine if self.unit[c] == r["unit"]}, r) for r in result.units]
            for inside, record in [*sums, (set(mine), result.overall)]:
                if record["mean"] is not None:
                    facts.append({mine[code]: 1.0 for code in inside})
                if record["pooled_mean"] is not None:
                    facts.append({mine[code]: float(n[code]) for code in inside})
        matrix = np.zeros((len(facts), len(names)))
        for row, fact in enumerate(facts):
            for column, value in fact.items():
                matrix[row, column] = value
        _u, s, vt = np.linalg.svd(matrix)
        rank = int((s > 1e-9 * s[0]).sum())
        hidden = {
            names[key]
            for key in names
            if not any(
                r["target"] == key[0] and r["mean"] is not None and r["valid"] == key[1]
                for result, _cells in self.versions
                for r in result.targets
            )
        }
        free = np.abs(vt[rank:]).max(axis=0) if rank < len(names) else np.zeros(len(names))
        return {key[0] for key, place in names.items() if place in hidden and free[place] < 1e-9}


@pytest.fixture
def corrected(tally, population, scheme) -> Callable[..., Corrected]:
    def build(sizes: dict[tuple[str, str], int], *, seed: int = 1, unit: dict[str, str] | None = None) -> Corrected:
        units = unit or {target: "u" for target, _group in sizes}
        return Corrected(ballots_of(sizes, seed), units, tally, population, scheme)

    return build


def shown(result: EvaluationResult) -> set[str]:
    return {record["target"] for record in result.targets if record["mean"] is not None}


def test_without_a_change_the_new_version_says_what_the_old_one_said(corrected) -> None:
    sizes = {(f"t{k}", "a"): n for k, n in enumerate((9, 8, 25, 30, 35, 40, 33))}
    release = corrected(sizes)
    first, again = release.release(), release.release()
    assert again.targets == first.targets
    assert [(r["mean"], r["pooled_mean"]) for r in again.units] == [(r["mean"], r["pooled_mean"]) for r in first.units]
    assert release.told() == ()


def test_a_class_large_enough_leaves_the_figures_of_its_targets(corrected) -> None:
    sizes = {(f"t{k}", group): 25 for k in range(6) for group in "abc"}
    release = corrected(sizes)
    release.release()
    second = release.release("b")
    assert len(shown(second)) == 6
    assert second.units[0]["mean"] is not None
    assert second.overall["score"] is not None
    assert release.told() == ()


def test_a_class_too_small_would_be_the_difference_and_hides_its_targets(corrected) -> None:
    sizes = {(f"t{k}", "a"): 40 for k in range(6)} | {("t0", "b"): 6}
    naive = corrected(sizes)
    naive.release()
    naive.release("b", heed=False)
    assert naive.told() == ("t0",)
    release = corrected(sizes)
    release.release()
    second = release.release("b")
    # The unit says nothing any more, so no sibling is hidden for its sums.
    assert shown(second) == {f"t{k}" for k in range(1, 6)}
    assert second.targets[0]["withheld"] == DERIVABLE
    # Its mean would follow from the sums and the five others.
    assert second.units[0]["mean"] is second.overall["score"] is None
    assert release.told() == ()


def test_who_was_hidden_is_not_shown_later(corrected) -> None:
    """Shown in the second version, the sibling that hid another would give it away in the first."""
    sizes = {(f"t{k}", "a"): n for k, n in enumerate((9, 20, 25, 30, 35, 40))} | {("t0", "b"): 0}
    release = corrected({**sizes, ("t6", "b"): 30})
    first = release.release()
    second = release.release("b")
    assert shown(second) <= shown(first)
    assert release.told() == ()


def test_a_target_that_loses_all_ballots_tells_nothing_new(corrected) -> None:
    sizes = {(f"t{k}", "a"): 30 for k in range(6)} | {("t6", "b"): 12}
    release = corrected(sizes)
    release.release()
    second = release.release("b")
    assert second.targets[6]["valid"] == 0
    assert len(shown(second)) == 6
    assert second.units[0]["mean"] is not None
    assert release.told() == ()


def test_a_changed_sum_says_less_and_no_more_than_before(corrected) -> None:
    sizes = {(f"t{k}", "a"): n for k, n in enumerate((9, 8, 7, 6, 9, 5, 9, 40, 45, 50))}
    release = corrected(sizes | {("t9", "b"): 30})
    first, second = extent_of(release.release().units[0]), extent_of(release.release("b").units[0])
    assert (first, second) == (Extent.ALL, Extent.POOLED)
    assert release.told() == ()


@pytest.mark.parametrize("seed", range(60))
def test_random_trees_give_nothing_away_over_three_versions(corrected, seed: int) -> None:
    chance = np.random.default_rng(seed)
    sizes, unit = {}, {}
    for k in range(int(chance.integers(4, 24))):
        unit[f"t{k}"] = f"u{chance.integers(0, 3)}"
        for group in chance.choice(list("abcdef"), size=int(chance.integers(1, 4)), replace=False):
            sizes[f"t{k}", str(group)] = int(chance.choice([3, 6, 9, 12, 25, 40]))
    release = corrected(sizes, seed=seed, unit=unit)
    voided: list[str] = []
    for group in ["", *chance.choice(list("abcdef"), size=2, replace=False)]:
        voided.append(str(group))
        release.release(*voided)
    assert release.told() == ()
    assert release.derived() == set()
    for result, cells in release.versions:
        assert exposed(records(result), cells, scale=scale_of(release.scheme)) == ()


def test_the_attack_succeeds_on_versions_that_heed_nothing(corrected) -> None:
    """The tests above can fail: the same trees, released anew as if nothing had been out before."""
    found = 0
    for seed in range(30):
        chance = np.random.default_rng(seed)
        sizes = {(f"t{k}", g): int(chance.choice([6, 9, 25, 40])) for k in range(10) for g in "ab"}
        release = corrected(sizes, seed=seed)
        release.release()
        release.release("b", heed=False)
        found += bool(release.told())
    assert found > 10
