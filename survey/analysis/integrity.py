"""The integrity monitor (诚信监测): classes and schools whose ballots look dictated, with a calibrated alarm.

What it promises. A class without any dictation is alarmed with a chance of at most `LEVEL` (1 %): all its signals
share this one chance (weighted Bonferroni), so that one hundred clean classes give one false alarm or fewer. A school
has the same promise of its own. An alarm is `firm` if it stands after Benjamini and Hochberg (1995) over all classes
(or schools) judged in the evaluation: where nobody dictates, the chance of even one firm alarm is 1 %, and elsewhere
at most about 1 % of the firm alarms are false.

What it reads. Ballots counted by class, target and answer pattern, and counters of slips. There is no time, order or
address in it, and none is needed. Bursts, many slips of a class used at once, would need a counter of class × day in
the ballot's transaction. It is left out on purpose: on PostgreSQL its row would tell by `xmin` which cast was the last
of its day, a lone voter of a day would be known to have voted, and classes that vote together in the computer room,
the ordinary way, would look like bursts. `Classes.busiest_day` takes such bands should a safe source ever exist.

What it does not see: a county where most classes are dictated alike, since the others say what is ordinary; a class
told to be content but not what to tick; and it cannot tell unanimous love from unanimous order. It warns, no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints, divide, total
from survey.analysis.integrity_reference import (
    LEAST_CLASSES,
    band_score,
    cell_excess,
    class_excess,
    copy_tail,
    likely_angles,
    second_use_score,
    shares,
    tail,
    turnout_score,
)
from survey.analysis.integrity_signals import (
    Copies,
    Features,
    Marked,
    Patterns,
    describe,
    mark_ballots,
    merge,
    most_copied,
    restrict,
)
from survey.analysis.multiplicity import benjamini_hochberg

LEVEL = 0.01
"""Chance of a false alarm of a clean class, and of a clean school."""

FULL_MARKS, STRAIGHT, COPIES = "full_marks", "straight", "copies"
TURNOUT, SECOND_USES, BURST = "turnout", "second_uses", "burst"
JUDGED, FEW_BALLOTS, FEW_CLASSES = "judged", "few_ballots", "few_classes"

WEIGHTS: Mapping[str, float] = {FULL_MARKS: 0.7, STRAIGHT: 0.15, COPIES: 0.15}
"""How the chance is shared: full marks are what is dictated most and hardest to tell from content."""

_ALL_TARGETS = 2 / 3
_ALONE = 0.9
_SUPPORT = 0.5
_NOTABLE = 1.645


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """What is known of the classes (n_classes,) beside their ballots.

    school: position of each one's school, -1 without one. slips: not voided; begun: used, at least one page cast.
    second_uses: refused attempts to use a slip again, counted by class without a time. busiest_day: share of the
    slips used on the class's busiest day, in quarters 0..4, -1 unknown. None: not collected.
    """

    school: Ints
    slips: Ints
    begun: Ints
    second_uses: Ints | None = None
    busiest_day: Ints | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """One signal over rows (n,): p values (NaN: not testable), observed and expected shares in [0, 1].

    target: position of the one target meant, -1 for all. share: the part of the chance that the signal may use.
    ballots: pages that the shares are of.
    """

    signal: str
    p: Floats
    ballots: Ints
    observed: Floats
    expected: Floats
    target: Ints
    share: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """Classes or schools (n,): status (`JUDGED`, or why not), p (NaN: not judged), adjusted p, alarm, firm alarm.

    ballots: pages judged. evidence: the signals; support: standardised scores by name of what never alarms alone.
    """

    status: list[str]
    ballots: Ints
    p: Floats
    p_adjusted: Floats
    alarm: Bools
    firm: Bools
    evidence: list[Evidence] = field(default_factory=list)
    support: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a row is alarmed: the signal, the target's position (-1: all), shares in [0, 1] of `ballots` pages.

    Supporting signals have no shares.
    """

    signal: str
    target: int
    ballots: int
    observed: float | None
    expected: float | None


def judge_classes(patterns: Patterns, classes: Classes, *, top: int, floor: int) -> Judgement:
    """Judge the classes of one evaluation that were asked the same items: (n_classes,).

    top: the best level. floor: ballots that a class must have about one target; cells below it are left out, a class
    without any is only counted. Below `LEAST_CLASSES` of the others nobody is judged. What is likely about a target
    is also taken from its other classes. Calibrated by simulation in tests/analysis/test_integrity.py.
    """
    return _judge_groups(patterns, classes, top=top, floor=floor, siblings=True)


def judge_schools(patterns: Patterns, classes: Classes, *, top: int, floor: int) -> Judgement:
    """Judge schools (n_schools,) as `judge_classes` does classes: all ballots of a school's classes taken together.

    The school's other classes are no excuse here. A school needs two classes with enough ballots; with one, the class
    is judged itself.
    """
    size = int(classes.school.max(initial=-1)) + 1
    ballots = total(patterns.count, patterns.cell, size=len(patterns.group))
    enough = restrict(patterns, (ballots >= max(floor, 1)) & (classes.school[patterns.group] >= 0))
    pairs = np.unique(enough.group)
    several = np.bincount(classes.school[pairs], minlength=size) >= 2
    kept = restrict(enough, several[classes.school[enough.group]])
    inside = classes.school >= 0
    slips, begun = (
        total(counter[inside], classes.school[inside], size=size).astype(np.int64)
        for counter in (classes.slips, classes.begun)
    )
    whole = Classes(school=np.full(size, -1, dtype=np.int64), slips=slips, begun=begun)
    found = _judge_groups(merge(kept, classes.school), whole, top=top, floor=floor, siblings=False)
    status = [FEW_CLASSES if one == FEW_BALLOTS else one for one in found.status]
    return replace(found, status=status)


def _judge_groups(patterns: Patterns, classes: Classes, *, top: int, floor: int, siblings: bool) -> Judgement:
    size = len(classes.school)
    features = describe(patterns.answers, top=top)
    ballots = mark_ballots(patterns, features, features.top, top=top).ballots
    kept = restrict(patterns, ballots >= max(floor, 1))
    present = np.bincount(kept.group, minlength=size) > 0
    if present.sum() < LEAST_CLASSES:
        return _nobody([FEW_CLASSES if row else FEW_BALLOTS for row in present])
    # Only classes that are judged say what is ordinary.
    place = np.cumsum(present) - 1
    dense = restrict(kept, np.ones(len(kept.group), dtype=np.bool_), group=place[kept.group])
    return _spread(_judge(dense, features, classes=_only(classes, present), top=top, siblings=siblings), present)


def reasons(judgement: Judgement, row: int) -> list[Reason]:
    """Return the reasons of an alarmed row, strongest first, then what supports them."""
    found: list[tuple[float, Reason]] = []
    for one in judgement.evidence:
        weighted = float(one.p[row] / one.share[row]) if one.share[row] > 0 else np.nan
        if weighted <= 5 * LEVEL:
            found.append((weighted, _reason(one, row)))
    found.sort(key=lambda pair: pair[0])
    said: dict[str, Reason] = {}
    for _weighted, reason in found:
        said.setdefault(reason.signal, reason)
    notable = [name for name, score in judgement.support.items() if score[row] > _NOTABLE]
    return [
        *said.values(),
        *(Reason(signal=name, target=-1, ballots=0, observed=None, expected=None) for name in notable),
    ]


def _reason(one: Evidence, row: int) -> Reason:
    return Reason(
        signal=one.signal,
        target=int(one.target[row]),
        ballots=int(one.ballots[row]),
        observed=float(one.observed[row]),
        expected=float(one.expected[row]),
    )


def _judge(patterns: Patterns, features: Features, *, classes: Classes, top: int, siblings: bool) -> Judgement:
    size = len(classes.school)
    evidence: list[Evidence] = []
    for signal, marks in ((FULL_MARKS, features.top), (STRAIGHT, features.straight)):
        marked = mark_ballots(patterns, features, marks, top=top)
        evidence += _share_evidence(signal, marked, patterns, size=size, siblings=siblings)
    in_classes, in_cells = most_copied(patterns, features, classes=size)
    evidence += _copy_evidence(in_classes, in_cells, patterns, size=size)
    return _combine(evidence, _support(classes), ballots=in_classes.ballots)


def _share_evidence(signal: str, marked: Marked, patterns: Patterns, *, size: int, siblings: bool) -> list[Evidence]:
    group = patterns.group
    likely = likely_angles(marked, patterns.target, siblings=siblings)
    expected = shares(likely.angle)
    n = total(marked.ballots, group, size=size)
    whole = Evidence(
        signal=signal,
        p=tail(class_excess(marked, likely, group, classes=size), classes=size),
        ballots=n.astype(np.int64),
        observed=divide(total(marked.marked, group, size=size), n),
        expected=divide(total(marked.ballots * expected, group, size=size), n),
        target=np.full(size, -1, dtype=np.int64),
        share=_part(patterns, size=size, signal=signal),
    )
    cells = Evidence(
        signal=signal,
        p=tail(cell_excess(marked, likely), classes=size, heavy=True),
        ballots=marked.ballots,
        observed=divide(marked.marked, marked.ballots),
        expected=expected,
        target=patterns.target,
        share=np.ones(len(group)),
    )
    return [whole, _worst(cells, group, size=size)]


def _copy_evidence(in_classes: Copies, in_cells: Copies, patterns: Patterns, *, size: int) -> list[Evidence]:
    none = np.full(size, -1, dtype=np.int64)
    whole = _copied(in_classes, target=none, share=_part(patterns, size=size, signal=COPIES))
    cells = _copied(in_cells, target=patterns.target, share=np.ones(len(patterns.group)))
    return [whole, _worst(cells, patterns.group, size=size)]


def _copied(copies: Copies, *, target: Ints, share: Floats) -> Evidence:
    return Evidence(
        signal=COPIES,
        p=copy_tail(copies),
        ballots=copies.ballots,
        observed=divide(copies.copies, copies.ballots),
        expected=divide(copies.likely, copies.ballots),
        target=target,
        share=share,
    )


def _part(patterns: Patterns, *, size: int, signal: str) -> Floats:
    """Return the share of the chance (size,) for the class as a whole; all of the signal's with one target."""
    cells = np.bincount(patterns.group, minlength=size)
    return np.where(cells > 1, WEIGHTS[signal] * _ALL_TARGETS, WEIGHTS[signal])


def _worst(cells: Evidence, group: Ints, *, size: int) -> Evidence:
    """Return the evidence of each class's most conspicuous cell, paid for by the number of its targets.

    A class with one target has no such evidence beside its own: its share of the chance is 0.
    """
    order = np.lexsort((-cells.p, group))
    best = np.zeros(size, dtype=np.int64)
    # The last write of a class is its smallest p.
    best[group[order]] = order
    number = np.bincount(group, minlength=size)
    return Evidence(
        signal=cells.signal,
        p=np.minimum(cells.p[best] * number, 1.0),
        ballots=cells.ballots[best],
        observed=cells.observed[best],
        expected=cells.expected[best],
        target=cells.target[best],
        share=np.where(number > 1, WEIGHTS[cells.signal] * (1 - _ALL_TARGETS), 0.0),
    )


def _support(classes: Classes) -> dict[str, Floats]:
    found = {TURNOUT: turnout_score(classes.begun, classes.slips, classes.school)}
    if classes.second_uses is not None:
        found[SECOND_USES] = second_use_score(classes.second_uses, classes.begun)
    if classes.busiest_day is not None:
        found[BURST] = band_score(classes.busiest_day)
    return found


def _combine(evidence: list[Evidence], support: dict[str, Floats], *, ballots: Ints) -> Judgement:
    """Combine the signals into one p value: nine tenths of the chance for the ballots alone, the rest with support.

    Support is what has honest reasons of its own (turnout, second uses); weighted half and bounded, it brings
    conspicuous ballots over the line and never alarms alone (Stouffer's sum of normal scores, Stouffer 1949).
    """
    from scipy.stats import norm

    alone = _smallest(evidence, size=len(ballots))
    score = sum(support.values(), np.zeros(len(ballots))) / np.sqrt(max(len(support), 1))
    together = norm.sf((norm.isf(np.clip(alone, 1e-300, 1.0 - 1e-12)) + _SUPPORT * score) / np.hypot(1.0, _SUPPORT))
    p = np.minimum(np.minimum(alone / _ALONE, together / (1.0 - _ALONE)), 1.0)
    return _judgement(p, ballots=ballots, status=[JUDGED] * len(p), evidence=evidence, support=support)


def _smallest(evidence: list[Evidence], *, size: int) -> Floats:
    """Return the smallest p (size,) over its share of the chance; NaN where no signal can be tested."""
    best = np.full(size, np.nan)
    for one in evidence:
        best = np.fmin(best, np.minimum(divide(one.p, one.share), 1.0))
    return best


def _judgement(
    p: Floats, *, ballots: Ints, status: list[str], evidence: list[Evidence], support: dict[str, Floats]
) -> Judgement:
    adjusted = benjamini_hochberg(p)
    return Judgement(
        status=status,
        ballots=ballots,
        p=p,
        p_adjusted=adjusted,
        alarm=np.asarray(p <= LEVEL, dtype=np.bool_),
        firm=np.asarray(adjusted <= LEVEL, dtype=np.bool_),
        evidence=evidence,
        support=support,
    )


def _nobody(status: list[str]) -> Judgement:
    none = np.full(len(status), np.nan)
    nothing = np.zeros(len(status), dtype=np.int64)
    return _judgement(none, ballots=nothing, status=status, evidence=[], support={})


def _only(classes: Classes, present: Bools) -> Classes:
    def some(values: Ints | None) -> Ints | None:
        return None if values is None else values[present]

    return Classes(
        school=classes.school[present],
        slips=classes.slips[present],
        begun=classes.begun[present],
        second_uses=some(classes.second_uses),
        busiest_day=some(classes.busiest_day),
    )


def _spread(inside: Judgement, present: Bools) -> Judgement:
    """Put the judged classes back among all; the others are only counted."""

    def wide(values: Floats, fill: float = np.nan) -> Floats:
        full = np.full(len(present), fill)
        full[present] = values
        return full

    def whole(values: Ints, fill: int = 0) -> Ints:
        full = np.full(len(present), fill, dtype=np.int64)
        full[present] = values
        return full

    evidence = [
        Evidence(
            signal=one.signal,
            p=wide(one.p),
            ballots=whole(one.ballots),
            observed=wide(one.observed),
            expected=wide(one.expected),
            target=whole(one.target, -1),
            share=wide(one.share, 0.0),
        )
        for one in inside.evidence
    ]
    return _judgement(
        wide(inside.p),
        ballots=whole(inside.ballots),
        status=[JUDGED if row else FEW_BALLOTS for row in present],
        evidence=evidence,
        support={name: wide(score, 0.0) for name, score in inside.support.items()},
    )
