"""Invented classes that answer, some of them as they were told: opinions correlated as pupils' are.

An answer cuts a normal opinion to which pupil, class, school, target, item, target × item, class × target and chance
add; 5 to 10 % of the pupils tick one level throughout, and 4 % of the answers are 不了解.
"""

from dataclasses import dataclass

import numpy as np

from survey.analysis.integrity import Classes, Judgement, judge_classes, judge_schools
from survey.analysis.integrity_signals import Patterns, count_patterns

ITEMS = 8
ORDINARY = (-2.6, -1.9, -1.0, 0.0)
CONTENT = (-3.2, -2.6, -2.0, -0.6)


@dataclass(frozen=True, kw_only=True)
class County:
    """How an evaluation is invented; cuts: of the five levels, spreads: standard deviations on the same scale."""

    schools: int = 30
    classes: int = 10
    targets: int = 8
    items: int = ITEMS
    sizes: tuple[int, int] = (28, 48)
    response: tuple[float, float] = (0.6, 0.97)
    cuts: tuple[float, ...] = ORDINARY
    pupil: float = 0.7
    teacher: float = 0.45

    @property
    def groups(self) -> int:
        return self.schools * self.classes


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a share of the pupils of some classes tick; slack: share of their answers that is their own all the same."""

    classes: tuple[int, ...] = ()
    share: float = 0.6
    answers: tuple[int, ...] = (5,) * ITEMS
    one_target: bool = False
    slack: float = 0.0


PARENTS = County(schools=40, classes=8, targets=1)
STAFF = County(schools=40, classes=1, targets=1, sizes=(20, 70))
ORDERS = {
    "full marks": (5, 5, 5, 5, 5, 5, 5, 5),
    "all but one": (5, 5, 5, 5, 4, 5, 5, 5),
    "a pattern": (5, 4, 5, 4, 5, 4, 5, 4),
    "fours": (4, 4, 4, 4, 4, 4, 4, 4),
    "lowest marks": (1, 1, 1, 1, 1, 1, 1, 1),
    "a low pattern": (1, 2, 1, 2, 1, 2, 1, 2),
}


def invent(chance, county: County, order: Order) -> tuple[Patterns, Classes]:
    """Invent the ballots of one evaluation."""
    size, pool = county.groups, 2 * county.targets if county.targets > 1 else 1
    enrolled = chance.integers(county.sizes[0], county.sizes[1] + 1, size)
    answered = np.maximum(1, chance.binomial(enrolled, chance.uniform(*county.response, size)))
    hard, school = chance.normal(0, 0.3, county.items), chance.normal(0, 0.2, county.schools)
    teacher = chance.normal(0, county.teacher, (county.schools, pool))
    profile = chance.normal(0, 0.25, (county.schools, pool, county.items))
    parts, cells = [], []
    for group, n in enumerate(answered):
        place = group // county.classes
        own, told = chance.normal(0, county.pupil, n), chance.permutation(n) < round(order.share * n)
        straight, level = chance.random(n) < _careless(chance), chance.choice([5, 4, 3], n, p=[0.7, 0.2, 0.1])
        mood = school[place] + chance.normal(0, 0.25)
        for number, target in enumerate(chance.permutation(pool)[: county.targets]):
            middle = mood + teacher[place, target] + profile[place, target] - hard + chance.normal(0, 0.2)
            opinion = own[:, None] + middle + chance.normal(0, 0.75, (n, county.items))
            answers = 1 + np.searchsorted(county.cuts, opinion).astype(np.uint8)
            answers[chance.random(answers.shape) < 0.04] = 0
            answers[straight] = level[straight, None]
            if group in order.classes and (number == 0 or not order.one_target):
                obeyed = told[:, None] & (chance.random(answers.shape) >= order.slack)
                answers = np.where(obeyed, np.array(order.answers[: county.items], dtype=np.uint8), answers)
            cells.append((group, place * pool + target, n))
            parts.append(answers)
    group_of, target_of, rows = np.array(cells).T
    patterns = count_patterns(
        np.concatenate(parts), np.repeat(np.arange(len(rows)), rows), group=group_of, target=target_of
    )
    return patterns, Classes(school=np.arange(size) // county.classes, slips=enrolled, begun=answered)


def _careless(chance) -> float:
    """The share of pupils of one class that tick one level throughout: 5 to 10 %, more or less by class."""
    mean = chance.uniform(0.05, 0.10)
    return chance.beta(25 * mean, 25 * (1 - mean))


def judged(chance, county: County, order: Order) -> tuple[Judgement, Judgement]:
    """Invent an evaluation and judge its classes and schools."""
    patterns, classes = invent(chance, county, order)
    return tuple(judge(patterns, classes, top=5, floor=10) for judge in (judge_classes, judge_schools))


def clean_rates(seed: int, county: County, *, evaluations: int) -> tuple[float, float, float]:
    """Return the share of clean classes alarmed, of clean schools, and of evaluations with any firm alarm."""
    chance = np.random.default_rng(seed)
    found = [judged(chance, county, Order()) for _evaluation in range(evaluations)]
    classes = np.concatenate([one.alarm[~np.isnan(one.p)] for one, _schools in found])
    schools = np.concatenate([one.alarm for _classes, one in found])
    return float(classes.mean()), float(schools.mean()), float(np.mean([one.firm.any() for one, _schools in found]))


def power(seed: int, county: County, *, evaluations: int, every: int = 30, **order) -> float:
    """Return the share of dictated classes, one in `every`, that is alarmed."""
    chance = np.random.default_rng(seed)
    dictated = tuple(range(every // 2, county.groups, every))
    found = [judged(chance, county, Order(classes=dictated, **order))[0] for _evaluation in range(evaluations)]
    return float(np.mean([one.alarm[list(dictated)].mean() for one in found]))
