"""The integrity monitor: rare false alarms among clean classes, dictated ones found, odd inputs judged by nobody."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from survey.analysis.integrity import (
    COPIES,
    FEW_BALLOTS,
    FEW_CLASSES,
    FULL_MARKS,
    JUDGED,
    LEVEL,
    SECOND_USES,
    STRAIGHT,
    TURNOUT,
    Classes,
    judge_classes,
    judge_schools,
    reasons,
)
from survey.analysis.integrity_reference import band_score, bisquare_fit, second_use_score, turnout_score
from survey.analysis.integrity_signals import (
    count_patterns,
    describe,
    mark_ballots,
    merge,
    most_copied,
    restrict,
)
from tests.analysis.dictation import CONTENT, ORDERS, PARENTS, STAFF, County, Order, clean_rates, invent, judged, power

SMALL = County(schools=10, classes=10, targets=3)


def ints(*values) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def counted(rows, cell, *, group, target=None):
    target = np.zeros(len(group), dtype=np.int64) if target is None else ints(*target)
    return count_patterns(np.array(rows, dtype=np.uint8), ints(*cell), group=ints(*group), target=target)


def test_clean_classes_are_hardly_ever_alarmed() -> None:
    classes, schools, _firm = clean_rates(1, SMALL, evaluations=12)
    assert classes <= LEVEL
    assert schools <= 2 * LEVEL


@pytest.mark.parametrize("name", ORDERS)
def test_a_class_of_which_60_percent_was_dictated_is_found(name) -> None:
    assert power(2, SMALL, evaluations=3, answers=ORDERS[name]) >= 0.8


def test_parents_of_one_school_are_judged_about_their_one_target() -> None:
    assert clean_rates(3, PARENTS, evaluations=6)[0] <= LEVEL
    assert power(4, PARENTS, evaluations=3) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "county",
    [
        County(),
        County(items=5),
        County(cuts=CONTENT, pupil=0.9),
        County(sizes=(11, 20)),
        County(schools=5, classes=6),
        PARENTS,
        replace(PARENTS, items=10),
        replace(PARENTS, cuts=CONTENT, pupil=0.9, teacher=0.6),
        replace(PARENTS, schools=3, classes=7),
        STAFF,
    ],
    ids=lambda county: f"{county.groups}-{county.targets}-{county.items}-{county.sizes[0]}-{county.cuts[-1]}",
)
def test_the_promise_holds_whatever_the_county_is_like(county) -> None:
    evaluations = max(10, 4000 // county.groups)
    classes, schools, firm = clean_rates(5, county, evaluations=evaluations)
    number = evaluations * county.groups
    assert classes <= LEVEL + 2 * np.sqrt(LEVEL / number)
    assert schools <= LEVEL + 3 * np.sqrt(LEVEL / (evaluations * county.schools))
    assert firm <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("county", "evaluations"),
    [(County(), 6), (PARENTS, 6), (replace(STAFF, sizes=(40, 70)), 30)],
    ids=["pupils", "parents", "staff"],
)
@pytest.mark.parametrize("name", ORDERS)
def test_dictation_of_60_percent_is_found_in_every_relation(county, evaluations, name) -> None:
    every = min(county.groups, 40)
    assert power(6, county, evaluations=evaluations, every=every, answers=ORDERS[name]) >= 0.8


def test_the_reason_names_the_signal_and_both_shares() -> None:
    found, _schools = judged(np.random.default_rng(7), SMALL, Order(classes=(15,), share=0.7))
    first = reasons(found, 15)[0]
    assert first.signal == FULL_MARKS
    assert first.observed > 0.65
    assert first.observed - first.expected > 0.15


def test_each_order_is_explained_by_its_own_signal() -> None:
    for name, signal in (("a pattern", COPIES), ("fours", STRAIGHT), ("lowest marks", STRAIGHT)):
        order = Order(classes=(15,), answers=ORDERS[name])
        found, _schools = judged(np.random.default_rng(8), SMALL, order)
        assert reasons(found, 15)[0].signal == signal


def test_a_teacher_who_dictates_about_herself_is_the_one_named() -> None:
    chance = np.random.default_rng(9)
    patterns, classes = invent(chance, SMALL, Order(classes=(15,), share=0.9, one_target=True, answers=ORDERS["fours"]))
    first = reasons(judge_classes(patterns, classes, top=5, floor=10), 15)[0]
    assert first.target == patterns.target[patterns.group == 15][0]


def test_a_school_where_every_class_was_told_is_found_as_a_school() -> None:
    county = County(schools=30, classes=4, targets=2)
    _classes, schools = judged(np.random.default_rng(10), county, Order(classes=(20, 21, 22, 23)))
    assert schools.alarm[5]
    assert schools.alarm.sum() <= 2


def test_classes_told_the_same_low_pattern_do_not_excuse_each_other() -> None:
    order = Order(classes=(3, 15, 27, 39, 51, 63), answers=ORDERS["a low pattern"])
    found, _schools = judged(np.random.default_rng(11), SMALL, order)
    assert found.alarm[list(order.classes)].all()


def test_the_order_of_ballots_and_classes_changes_nothing() -> None:
    chance = np.random.default_rng(12)
    patterns, classes = invent(chance, SMALL, Order(classes=(15,)))
    turn = chance.permutation(len(patterns.count))
    shuffled = replace(patterns, cell=patterns.cell[turn], pattern=patterns.pattern[turn], count=patterns.count[turn])
    first, second = (judge_classes(one, classes, top=5, floor=10) for one in (patterns, shuffled))
    np.testing.assert_allclose(first.p, second.p)


def test_too_few_classes_or_ballots_are_only_counted() -> None:
    chance = np.random.default_rng(13)
    patterns, classes = invent(chance, County(schools=11, classes=1, targets=2), Order())
    assert set(judge_classes(patterns, classes, top=5, floor=10).status) == {FEW_CLASSES}
    patterns, classes = invent(
        chance, County(schools=20, classes=1, targets=2, sizes=(8, 60), response=(1, 1)), Order()
    )
    found = judge_classes(patterns, classes, top=5, floor=30)
    few = classes.begun < 25
    assert {found.status[row] for row in np.flatnonzero(few)} == {FEW_BALLOTS}
    assert np.isnan(found.p[few]).all()
    assert not found.alarm[few].any()
    assert JUDGED in found.status


def test_no_ballots_at_all() -> None:
    nothing = count_patterns(np.zeros((0, 3), dtype=np.uint8), ints(), group=ints(), target=ints())
    classes = Classes(school=ints(0, 0, -1), slips=ints(5, 0, 3), begun=ints(0, 0, 0))
    assert judge_classes(nothing, classes, top=5, floor=10).status == [FEW_BALLOTS] * 3
    assert judge_schools(nothing, classes, top=5, floor=10).status == [FEW_CLASSES]
    none = Classes(school=ints(), slips=ints(), begun=ints())
    assert len(judge_classes(nothing, none, top=5, floor=10).p) == 0
    assert len(judge_schools(nothing, none, top=5, floor=10).p) == 0


@pytest.mark.parametrize("answer", [0, 255, 3, 5])
def test_where_nothing_varies_nobody_is_alarmed(answer) -> None:
    group = np.repeat(np.arange(20), 15)
    patterns = counted(np.full((300, 4), answer), group, group=range(20))
    classes = Classes(school=np.arange(20) // 2, slips=np.full(20, 15), begun=np.full(20, 15))
    found = judge_classes(patterns, classes, top=5, floor=10)
    assert np.isnan(found.p).all()
    assert not found.alarm.any()


def test_turnout_and_second_uses_alone_never_alarm() -> None:
    patterns, classes = invent(np.random.default_rng(14), SMALL, Order())
    calm = judge_classes(patterns, classes, top=5, floor=10)
    odd = int(np.nanargmax(calm.p))
    uses = np.zeros(SMALL.groups, dtype=np.int64)
    uses[odd] = 500
    slips = classes.slips.copy()
    slips[odd] = classes.begun[odd]
    pressed = replace(classes, slips=slips, second_uses=uses, busiest_day=np.where(uses > 0, 4, 1))
    found = judge_classes(patterns, pressed, top=5, floor=10)
    assert not found.alarm[odd]
    assert found.support[SECOND_USES][odd] > 2.5


def test_support_strengthens_what_the_ballots_say() -> None:
    patterns, classes = invent(np.random.default_rng(15), SMALL, Order(classes=(15,), share=0.4))
    uses = np.zeros(SMALL.groups, dtype=np.int64)
    uses[15] = 60
    alone = judge_classes(patterns, classes, top=5, floor=10)
    together = judge_classes(patterns, replace(classes, second_uses=uses), top=5, floor=10)
    assert together.p[15] < alone.p[15]
    assert SECOND_USES in [reason.signal for reason in reasons(together, 15)]


def test_patterns_are_counted_once_each() -> None:
    patterns = counted([[5, 5], [5, 4], [5, 5], [5, 5]], [0, 0, 0, 1], group=[0, 1])
    rows = zip(patterns.cell.tolist(), patterns.pattern, patterns.count.tolist(), strict=True)
    seen = {(cell, tuple(patterns.answers[pattern])): count for cell, pattern, count in rows}
    assert seen == {(0, (5, 5)): 2, (0, (5, 4)): 1, (1, (5, 5)): 1}
    with pytest.raises(ValueError, match="cell"):
        counted([[5, 5]], [3], group=[0])


def test_long_questionnaires_do_not_overflow() -> None:
    rows = np.random.default_rng(16).integers(1, 6, (50, 40))
    patterns = counted(np.concatenate([rows, rows]), [0] * 100, group=[0])
    assert patterns.count.tolist() == [2] * 50


def test_full_marks_and_straight_lines_need_three_answers_and_half_of_those_asked() -> None:
    rows = [[5, 5, 5, 0, 0, 0], [5, 5, 5, 0, 0, 0], [5, 5, 0, 0, 255, 255], [4, 4, 4, 4, 4, 0], [5, 5, 5, 0, 0, 0]]
    features = describe(np.array([*rows, [5, 5, 5, 0, 0, 0, 0][:6], [5, 5, 5, 255, 255, 255]], dtype=np.uint8), top=5)
    assert features.top.tolist() == [True, True, False, False, True, True, True]
    assert features.straight.tolist() == [False, False, False, True, False, False, False]


def test_the_remaining_ballots_tell_the_level() -> None:
    rows = [[5, 5, 5]] * 6 + [[4, 4, 3]] * 3 + [[0, 0, 4]]
    patterns = counted(rows, [0] * 10, group=[0])
    features = describe(patterns.answers, top=5)
    marked = mark_ballots(patterns, features, features.top, top=5)
    assert (marked.marked.tolist(), marked.ballots.tolist()) == ([6], [9])
    assert marked.shortfall[0] == pytest.approx(4 / 3)


def test_copies_are_held_against_ballots_of_the_same_total_elsewhere() -> None:
    # Elsewhere one in two ballots with the total 12 is (5, 4, 3); here all eight are.
    rows = [[5, 4, 3]] * 8 + [[3, 4, 5], [5, 4, 3]] * 30
    cells = [0] * 8 + [1 + place // 2 for place in range(60)]
    patterns = counted(rows, cells, group=range(31))
    features = describe(patterns.answers, top=5)
    in_classes, copies = most_copied(patterns, features, classes=31)
    # Three classes of 31 with the most are left out: here itself and three more, which have one each of either.
    assert copies.copies[0] == 8
    assert 8 * 0.4 < copies.likely[0] < 8 * 0.55
    np.testing.assert_allclose(in_classes.excess, copies.excess)


def test_merged_schools_keep_every_ballot() -> None:
    patterns, classes = invent(np.random.default_rng(17), SMALL, Order())
    schools = merge(patterns, classes.school)
    assert schools.count.sum() == patterns.count.sum()
    pairs = set(zip(schools.group.tolist(), schools.target.tolist(), strict=True))
    assert len(pairs) == len(schools.group)
    half = restrict(patterns, patterns.group < 50)
    assert half.count.sum() == patterns.count[patterns.group[patterns.cell] < 50].sum()


def test_the_robust_fit_is_that_of_statsmodels() -> None:
    chance = np.random.default_rng(18)
    x = chance.normal(size=80)
    design = np.stack([np.ones(80), x, x * x], axis=1)
    y = design @ [0.3, -0.2, 0.1] + chance.normal(0, 0.1, 80)
    y[:6] += 2
    fit = sm.RLM(y, design, M=sm.robust.norms.TukeyBiweight()).fit(maxiter=200, tol=1e-12)
    # statsmodels centres the scale at zero and divides by .6745, we multiply by 1.4826.
    np.testing.assert_allclose(bisquare_fit(y, design), fit.fittedvalues, atol=2e-5)


def test_supporting_scores_of_odd_inputs() -> None:
    assert turnout_score(ints(1, 2), ints(2, 2), ints(0, 0)).tolist() == [0, 0]
    assert second_use_score(ints(), ints()).size == 0
    assert second_use_score(ints(0, 0), ints(9, 9)).tolist() == [0, 0]
    assert band_score(np.full(20, -1)).tolist() == [0] * 20
    every = turnout_score(np.full(20, 30), np.full(20, 30), np.arange(20) // 4)
    assert np.abs(every).max() < 1e-6
    one = turnout_score(np.r_[40, np.full(19, 20)], np.full(20, 40), np.arange(20) // 4)
    assert one[0] == 3.0
    assert TURNOUT == "turnout"
