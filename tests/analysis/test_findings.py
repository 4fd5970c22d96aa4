"""Findings: what stands beside the schema names shown targets only, and gives no class or grade away."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.careless import careless_flags
from survey.analysis.finding_sentences import evaluation_lines, target_lines
from survey.analysis.findings import Findings, find
from survey.analysis.population import Population
from survey.analysis.results import evaluate
from survey.analysis.scoring import load_scheme
from survey.analysis.tallies import Tally, tally_ballots

SCHEME = load_scheme("five_step")
TARGETS, GROUPS, ITEMS = 24, 12, 12


def county(*, liars: int = 0, gap: float = 0.0, classes: int = 6) -> tuple[Tally, Population]:
    """24 targets in three units, each rated by some of 12 classes of four grades; the last `liars` ballots are flat."""
    rng = np.random.default_rng(3)
    target = np.repeat(np.arange(TARGETS), 60)
    group = (target * 5 + np.tile(np.repeat(np.arange(classes), 60 // classes), TARGETS) * 2) % GROUPS
    true = 3.6 + 0.3 * rng.standard_normal(TARGETS) + gap * (np.arange(TARGETS) % 3 == 0)
    noise = rng.standard_normal((len(target), ITEMS)) * 0.7 + rng.standard_normal((len(target), 1)) * 0.5
    answers = np.clip(np.round(true[target][:, None] + noise), 1, 5).astype(np.uint8)
    if liars:
        answers[-liars:] = 1
    tally = tally_ballots(
        answers,
        target=target,
        group=group,
        flagged=careless_flags(answers, SCHEME),
        targets=[f"t{n}" for n in range(TARGETS)],
        groups=[f"g{n}" for n in range(GROUPS)],
        items=[f"q{n}" for n in range(ITEMS)],
        scheme=SCHEME,
    )
    population = Population(
        unit=[f"u{n % 3}" for n in range(TARGETS)],
        unit_level="school",
        issued=[72] * TARGETS,
        eligible_slips=[72] * TARGETS,
        enrolled=dict.fromkeys(range(GROUPS), 72 // classes),
        classes=True,
        grades=[n % 4 + 3 for n in range(GROUPS)],
        pages=[144] * GROUPS,
    )
    return tally, population


def found(tally: Tally, population: Population) -> Findings:
    return find(tally, population, SCHEME, evaluate(tally, population, SCHEME))


def test_every_shown_target_has_findings_and_no_other() -> None:
    tally, population = county()
    few = replace(population, eligible_slips=[1000, *population.eligible_slips[1:]])
    result = evaluate(tally, few, SCHEME)
    findings = find(tally, few, SCHEME, result)
    shown = [record["withheld"] is None for record in result.targets]
    assert not all(shown)
    assert [record is not None for record in findings.targets] == shown


def test_a_better_unit_is_found_by_all_pairs_at_once() -> None:
    units = found(*county(gap=0.8)).evaluation["units"]
    assert units["family"]["planned"] == 3
    assert sorted((pair["a"], pair["b"], pair["flag"]) for pair in units["pairs"]) == [
        ("u0", "u1", True),
        ("u0", "u2", True),
        ("u1", "u2", False),
    ]


def test_bounds_hold_the_score() -> None:
    tally, population = county()
    result = evaluate(tally, population, SCHEME)
    for record, finding in zip(result.targets, find(tally, population, SCHEME, result).targets, strict=True):
        assert finding is not None
        assert finding["bounds"][0] < record["score"] < finding["bounds"][1]
        # 60 of 72 answered.
        assert finding["bounds"][1] - finding["bounds"][0] == pytest.approx(100 * 12 / 72)


def test_two_classes_are_never_reweighted_for_each_could_be_solved_for() -> None:
    tally, population = county()
    assert any(row is not None and row["weighted"] for row in found(tally, population).targets)
    assert all(row is not None and row["weighted"] is None for row in found(*county(classes=2)).targets)
    two = replace(population, grades=[3 + n % 2 for n in range(GROUPS)])
    assert all(row is not None and row["benchmark"] is None for row in found(tally, two).targets)


def test_few_flagged_ballots_are_not_given_away_by_the_score_without_them() -> None:
    findings = found(*county(liars=4))
    assert findings.evaluation["flagged"]["ballots"] >= 4
    assert findings.evaluation["flagged"]["score_without"] is None
    assert all(row is None or row["without_flagged"] is None for row in findings.targets)


def test_many_flagged_ballots_are_shown_both_ways() -> None:
    tally, population = county(liars=20)
    result = evaluate(tally, population, SCHEME)
    last = find(tally, population, SCHEME, result).targets[-1]
    assert last is not None
    assert last["without_flagged"]["flagged"] == 20
    assert last["without_flagged"]["score"] > result.targets[-1]["score"]


def test_a_rank_needs_reliability() -> None:
    tally, population = county()
    result = evaluate(tally, population, SCHEME)
    for record, finding in zip(result.targets, find(tally, population, SCHEME, result).targets, strict=True):
        assert finding is not None
        assert (finding["rank"] is not None) == (record["reliability"] >= 0.8)


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_findings_are_said_in_sentences(language: str) -> None:
    tally, population = county(liars=20)
    result = evaluate(tally, population, SCHEME)
    findings = find(tally, population, SCHEME, result)
    lines = evaluation_lines(findings.evaluation, result.scale_quality, language=language)
    assert len(lines) >= 6
    spoken = [line for record in findings.targets if record for line in target_lines(record, language=language)]
    for line in [*lines, *spoken]:
        assert "{" not in line
        assert "nan" not in line
        assert "没有差异" not in line


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0, 1, 3, 5, 255])), max_size=80),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_any_ballots_give_findings_that_can_be_stored_and_said(
    rows: list[tuple[int, int, int]], classes: bool, floors: bool
) -> None:
    scheme = SCHEME if floors else SCHEME.without_floors()
    target, group, level = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    answers = np.stack([level, np.minimum(level, 5)], axis=1).astype(np.uint8)
    tally = tally_ballots(
        answers,
        target=target,
        group=group,
        flagged=careless_flags(answers, replace(scheme, careless_run=1)),
        targets=list("abcdef"),
        groups=list("ghijkl"),
        items=["q", "r"],
        scheme=scheme,
    )
    population = Population(
        unit=["u", "u", "v", "v", "w", ""],
        unit_level="school",
        issued=[9] * 6,
        eligible_slips=[9, 9, 9, 9, 0, 90],
        enrolled={0: 3, 1: 30},
        classes=classes,
        grades=[1, 2, 3, 4, 5, -1],
        pages=[1, 9, 90, 0, 3, 3],
    )
    result = evaluate(tally, population, scheme)
    findings = find(tally, population, scheme, result)
    json.dumps(vars(findings), allow_nan=False)
    evaluation_lines(findings.evaluation, result.scale_quality)
    for record in findings.targets:
        assert record is None or all(target_lines(record))


def test_nothing_shown_leaves_nothing_to_find() -> None:
    tally, population = county()
    nobody = replace(population, eligible_slips=[10_000] * TARGETS)
    findings = found(tally, nobody)
    assert findings.targets == [None] * TARGETS
    assert findings.evaluation["units"] is None
    assert findings.evaluation["below"]["size"] == 0
    assert "没有可供判断的对象" in "".join(evaluation_lines(findings.evaluation, None))


def test_one_target_with_equal_answers_has_no_test() -> None:
    tally = tally_ballots(
        np.full((30, 2), 5, dtype=np.uint8),
        target=np.zeros(30, dtype=np.int64),
        group=np.zeros(30, dtype=np.int64),
        flagged=np.zeros(30, dtype=np.bool_),
        targets=["a"],
        groups=["g"],
        items=["q", "r"],
        scheme=SCHEME,
    )
    population = Population(unit=["u"], unit_level="bureau", issued=[0], eligible_slips=[0], enrolled={})
    (only,) = found(tally, population).targets
    assert only is not None
    assert only["below_p"] is None
    assert only["rank"] is None
    assert target_lines(only)
