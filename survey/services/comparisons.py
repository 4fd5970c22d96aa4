"""Comparisons on request: a few units, targets or years that a reader chose from what is released.

Only figures that the reader could read anyway enter: shown records of the released cube for the bureau, and for a
school those of its own, rounded as its pages write them. A comparison is a function of these figures alone; no tally
and no ballot is read. So whoever holds the cube could compute it, and a stored one tells nothing that could be
combined into a withheld figure: the audit of the release covers it. What is withheld cannot be chosen, and targets that
are withheld inside a unit or a year stay out, as they do in the release's own comparisons.

Pairs that the release holds (units up to sixty; departments on one page) are read at once. All else is a job of
seconds, for web processes load no statistics library; its document is stored, so that the address can be sent around.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from flask_babel import gettext as _

from survey.database import transaction
from survey.errors import BadInput, NotFound, TooMany
from survey.models.comparisons import StoredComparison
from survey.queries import comparisons as query
from survey.queries import results
from survey.queries.comparisons import Edition, Stored
from survey.queries.jobs import count_unfinished
from survey.queries.outside import outside
from survey.queries.results import EvaluationHead, Row
from survey.services.jobs import add_job

UNITS, TARGETS, YEARS = "units", "targets", "years"
WHOLE, UNIT, TARGET = "whole", "unit", "target"
FEWEST, MOST = 2, 6
UNFINISHED = ("waiting", "running")
MOST_WAITING = 10  # Of one account: releases and prints wait in the same queue.


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be compared: codes of units or targets, or ids of campaigns where `of` is years.

    about, subject: for years, of what: the whole relation, one unit or one target. planned: the choice was fixed
    before anybody saw a result. school: set for a school's account, which sees its own coarser figures only.
    """

    campaign_id: int
    relation: str
    of: str
    codes: tuple[str, ...]
    about: str = WHOLE
    subject: str = ""
    planned: bool = False
    school: str | None = None

    @property
    def key(self) -> str:
        """SHA-256 of the choice, 64 hex digits; the order of the codes does not matter."""
        content = {**vars(self), "codes": sorted(self.codes)}
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def address(self) -> dict[str, Any]:
        """The choice as arguments of the page's address; whose figures it shows follows from who reads it."""
        years = {"about": self.about, "subject": self.subject or None} if self.of == YEARS else {}
        part = {"campaign_id": self.campaign_id, "relation": self.relation, "of": self.of}
        return {**part, "c": sorted(self.codes), **years, "planned": "1" if self.planned else None}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a page of a comparison needs: the subjects by code, and the document if it is there.

    state, message: of the job where there is no document: "" if nobody asked for it yet.
    """

    head: EvaluationHead
    choice: Choice
    names: Mapping[str, str]
    document: Mapping[str, Any] | None
    state: str = ""
    message: str = ""


def find_comparison(choice: Choice) -> Compared:
    """Return a comparison: from the release's own pairs, or as it is stored, or without a document yet.

    Raises NotFound (no such thing, or another school's), BadInput (too few or many, or a withheld one is chosen).
    """
    head = results.find_head(choice.campaign_id, choice.relation)
    names = _check(head, choice)
    document = _released(head, choice)
    if document is None:
        known = query.stored(choice.key)
        if known is not None:
            return _stored(head, choice, names, known)
    return Compared(head=head, choice=choice, names=names, document=document)


def _stored(head: EvaluationHead, choice: Choice, names: Mapping[str, str], known: Stored) -> Compared:
    if known.document is None:
        return Compared(head=head, choice=choice, names=names, document=None, state=known.state, message=known.message)
    # A release of another year that was corrected since makes a comparison old; of this one, the correction drops it.
    current = choice.of != YEARS or known.document["versions"] == _versions(head, choice)
    return Compared(head=head, choice=choice, names=names, document=known.document if current else None)


def _versions(head: EvaluationHead, choice: Choice) -> dict[str, int]:
    chosen = (edition for edition in query.editions(head) if str(edition.campaign_id) in choice.codes)
    return {str(edition.campaign_id): edition.version for edition in chosen}


def request_comparison(choice: Choice, *, actor: str) -> None:
    """Have a comparison computed, unless it is there or under way. Raises as `find_comparison`, and TooMany."""
    known = find_comparison(choice)
    if known.document is not None or known.state in UNFINISHED:
        return
    if count_unfinished("compare", actor) >= MOST_WAITING:
        raise TooMany(_("Wait until the comparisons that you asked for are there."))
    arguments = {"campaign": choice.campaign_id, "choice": vars(choice)}
    with transaction() as session:
        job = add_job(session, "compare", arguments, actor=actor)
        asked = {"evaluation_id": known.head.id, "choice": dict(vars(choice)), "job_id": job, "document": None}
        session.merge(StoredComparison(key=choice.key, **asked))


def compute_comparison(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Compute what a job was asked for and store it; return the address. Runs in the worker only."""
    stored = arguments["choice"]
    choice = Choice(**{**stored, "codes": tuple(stored["codes"])})
    head = results.find_head(choice.campaign_id, choice.relation)
    _check(head, choice)
    document = _COMPUTE[choice.of](head, choice)
    with transaction() as session:
        session.get_one(StoredComparison, choice.key).document = document
    return {"campaign": choice.campaign_id, "comparison": choice.address}


def _check(head: EvaluationHead, choice: Choice) -> dict[str, str]:
    """Return the names of the subjects by code; refuse what may not be chosen."""
    if not FEWEST <= len(set(choice.codes)) <= MOST:
        raise BadInput(_("Choose two to six to compare."))
    if choice.of == YEARS:
        return _check_years(head, choice)
    rows = _rows(head, choice)
    hidden = [row.name for row in rows if row.record["score"] is None]
    if hidden:
        raise BadInput(_("Withheld figures cannot be compared: %(names)s.", names=_("; ").join(hidden)))
    if choice.of == UNITS and len(query.comparable_units(head, choice.codes)) < len(rows):
        raise BadInput(_("A unit with fewer than two shown targets cannot be compared."))
    return {row.code: row.name for row in rows}


def _rows(head: EvaluationHead, choice: Choice) -> list[Row]:
    if choice.of == TARGETS:
        return query.chosen_targets(head, choice.codes, school=choice.school)
    if choice.of != UNITS or choice.school is not None:
        raise NotFound(_("This page does not exist."))
    return query.chosen_units(head, choice.codes)


def _check_years(head: EvaluationHead, choice: Choice) -> dict[str, str]:
    own = choice.school is None or choice.about == TARGET or (choice.about, choice.subject) == (UNIT, choice.school)
    known = {str(edition.campaign_id): edition for edition in query.editions(head)}
    if not own or choice.about not in (WHOLE, UNIT, TARGET) or not known.keys() >= set(choice.codes):
        raise NotFound(_("This page does not exist."))
    if _subject_record(head, choice)["score"] is None:
        raise BadInput(_("Withheld figures cannot be compared: %(names)s.", names=choice.subject or head.campaign.name))
    return {code: known[code].name for code in choice.codes}


def _subject_record(head: EvaluationHead, choice: Choice) -> Mapping[str, Any]:
    if choice.about == TARGET:
        return results.find_target(head, choice.subject, school=choice.school).record
    return results.find_unit(head, choice.subject).record if choice.about == UNIT else head.overall


def subjects(head: EvaluationHead, choice: Choice) -> list[Row]:
    """Return the chosen units or targets as the account sees them, none for years."""
    if choice.of == YEARS:
        return []
    rows = _rows(head, choice)
    return rows if choice.school is None else [outside(row) for row in rows]


def subject_name(head: EvaluationHead, choice: Choice) -> str:
    """Return the name of what years are compared of, "" for the whole relation."""
    if choice.about == TARGET:
        return results.find_target(head, choice.subject, school=choice.school).name
    return results.find_unit(head, choice.subject).name if choice.about == UNIT else ""


def _released(head: EvaluationHead, choice: Choice) -> dict[str, Any] | None:
    """Return the document made of the release's own pairs, None where a chosen pair is not among them."""
    if choice.of == YEARS or choice.school is not None:
        return None
    kind = "paired" if choice.of == TARGETS else "comparison"
    found = query.released_pairs(head, kind, choice.codes)
    if len(found.pairs) < comb(len(choice.codes), 2):
        return None
    points = {row.code: row.record["score"] for row in _rows(head, choice)}
    shown = [{**pair, "effect": pair.get("hedges_g"), "released_p": pair["p_adjusted"]} for pair in found.pairs]
    method = "paired" if choice.of == TARGETS else "targets_of_units"
    possible = len(found.family) or comb(query.shown_units(head), 2)
    return _document(head, choice, shown, points=points, method=method, possible=possible, family=found.family)


def _units(head: EvaluationHead, choice: Choice) -> dict[str, Any]:
    """Compare units on one mean per shown target, where the release does not hold the pair (districts, many units)."""
    import numpy as np

    from survey.analysis.arrays import plain, plain_pairs
    from survey.analysis.chosen import all_pairs
    from survey.analysis.comparison import welch_pairs
    from survey.analysis.moments import moments_of

    codes = sorted(choice.codes)
    means, scores = (_shown_of(head, codes, figure) for figure in ("mean", "score"))
    place = np.repeat(np.arange(len(codes)), [len(values) for values in means])
    moments = moments_of(np.concatenate(means), place, size=len(codes))
    in_points = moments_of(np.concatenate(scores), place, size=len(codes)).mean
    first, second = all_pairs(len(codes))
    found = welch_pairs(moments.take(first), moments.take(second))
    columns = {
        "a": [codes[row] for row in first.tolist()],
        "b": [codes[row] for row in second.tolist()],
        "difference": plain(found.difference),
        "difference_points": plain(in_points[first] - in_points[second]),
        "ci": plain_pairs(found.interval.low, found.interval.high),
        "t": plain(found.t),
        "df": plain(found.df),
        "p": plain(found.p),
        "effect": plain(found.hedges_g),
    }
    pairs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    points = {row.code: row.record["score"] for row in _rows(head, choice)}
    possible = comb(query.shown_units(head), 2)
    return _document(head, choice, pairs, points=points, method="targets_of_units", possible=possible)


def _shown_of(head: EvaluationHead, codes: Sequence[str], figure: str) -> list[list[float]]:
    """Return one figure, "mean" or "score", of the shown targets of each unit."""
    rows = ([row.record for row in query.targets_of(head.id, unit=code)] for code in codes)
    return [[record[figure] for record in records if record["mean"] is not None] for records in rows]


def _targets(head: EvaluationHead, choice: Choice) -> dict[str, Any]:
    """Compare targets: scores by Welch on their own errors, and the answers item by item."""
    from survey.analysis.chosen import compare_items, compare_scores, subject_of

    rows = query.chosen_targets(head, choice.codes, school=choice.school)
    records = [_seen(row, choice) for row in rows]
    classes = query.class_numbers(head, choice.codes)
    subjects = [subject_of(record, classes=classes[record["target"]]) for record in records]
    items = query.item_codes(head) if choice.school is None else []
    document = _document(
        head,
        choice,
        compare_scores(subjects),
        points={subject.code: subject.score for subject in subjects},
        method="scores_of_targets",
        possible=comb(query.shown_targets(head, school=choice.school), 2),
        improvement_only=frozenset(subject.code for subject in subjects if subject.improvement_only),
    )
    document["spread"] = {subject.code: subject.spread for subject in subjects}
    document["items"] = compare_items(records, items, satisfied=head.scheme.satisfied)
    return document


def _seen(row: Row, choice: Choice) -> Mapping[str, Any]:
    """Return the record as the account sees it: a school's rounded as its pages write it, its errors with them."""
    if choice.school is None:
        return row.record
    record = dict(outside(row).record)
    if record["score"] is None:
        return record
    ends = None if record["score_ci"] is None else [round(end, 1) for end in record["score_ci"]]
    classes = None if record["score_ci_class"] is None else [round(end, 1) for end in record["score_ci_class"]]
    # Two standard errors are near enough for an error that rests on rounded ends.
    se = None if ends is None else (ends[1] - ends[0]) / 4.0
    return record | {"score": round(record["score"], 1), "score_se": se, "score_ci": ends, "score_ci_class": classes}


def _years(head: EvaluationHead, choice: Choice) -> dict[str, Any]:
    """Compare years in all pairs, on the items that are the same in all of them and on the targets that both rated."""
    from survey.analysis.chosen import BY_BALLOT, paired_effect
    from survey.analysis.trends import PAIRED_TARGETS, change, samples
    from survey.services.trends import match_campaigns

    chosen = [edition for edition in query.editions(head) if str(edition.campaign_id) in choice.codes]
    same = match_campaigns([edition.evaluation_id for edition in chosen])
    if not same.shares:
        raise BadInput(_("These years have no item in common, so that nothing can be compared."))
    sides = {edition.campaign_id: samples(_records(edition, choice), same) for edition in chosen}
    pairs = []
    for at, this in enumerate(chosen):
        for last in chosen[at + 1 :]:
            found = change(sides[this.campaign_id], sides[last.campaign_id])
            if found is None:
                raise BadInput(_("These years have no shown target in common, so that nothing can be compared."))
            effect = paired_effect(found.difference, found.ci, n=found.n) if found.method == PAIRED_TARGETS else None
            pair = {"a": str(this.campaign_id), "b": str(last.campaign_id), "effect": effect, "matched": found.n}
            pairs.append({**vars(found), **pair})
    possible = comb(len(query.editions(head)), 2) * _subjects(head, choice)
    document = _document(head, choice, pairs, points=_yearly(sides), method=pairs[0]["method"], possible=possible)
    document["matched_items"] = {"items": len(same.shares), "all": same.complete}
    document["spread"] = dict.fromkeys(choice.codes, BY_BALLOT)
    document["course"] = _course(chosen, sides)
    document["versions"] = _versions(head, choice)
    return document


def _records(edition: Edition, choice: Choice) -> list[Mapping[str, Any]]:
    unit = choice.subject if choice.about == UNIT else ""
    code = choice.subject if choice.about == TARGET else ""
    rows = query.targets_of(edition.evaluation_id, unit=unit, code=code, school=choice.school)
    return [_seen(row, choice) for row in rows]


def _subjects(head: EvaluationHead, choice: Choice) -> int:
    """Return of how many subjects the years could have been compared."""
    if choice.about == TARGET:
        return query.shown_targets(head, school=choice.school)
    return 1 if choice.about == WHOLE or choice.school is not None else query.shown_units(head)


def _yearly(sides: Mapping[int, Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean score of each year over the targets that all years show."""
    common = set.intersection(*(set(side) for side in sides.values()))
    if not common:
        return {}
    return {str(number): sum(side[code].mean for code in common) / len(common) for number, side in sides.items()}


def _course(chosen: Sequence[Edition], sides: Mapping[int, Mapping[str, Any]]) -> dict[str, Any] | None:
    from survey.analysis.trends import LEAST_CAMPAIGNS, course

    years = [edition.year for edition in chosen]
    if len(set(years)) < max(LEAST_CAMPAIGNS, len(years)):
        return None
    found = course(years, [sides[edition.campaign_id] for edition in chosen])
    return None if found is None else dict(vars(found))


def _document(
    head: EvaluationHead,
    choice: Choice,
    pairs: Sequence[Mapping[str, Any]],
    *,
    points: Mapping[str, float],
    method: str,
    possible: int,
    family: Sequence[float | None] = (),
    improvement_only: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Put pairs, both adjustments, findings and groups together; p_adjusted is the one that the choice calls for."""
    from survey.analysis.arrays import plain
    from survey.analysis.chosen import adjust_chosen, finding
    from survey.analysis.groups import indistinguishable_groups

    adjusted = adjust_chosen([pair["p"] for pair in pairs], possible=possible, family=family)
    lines = []
    for pair, near, wide in zip(pairs, plain(adjusted.chosen), plain(adjusted.possible), strict=True):
        p = near if choice.planned else wide
        found = finding(
            pair,
            p=p,
            in_points=_in_points(pair),
            margin=head.scheme.margin,
            improvement_only=bool(improvement_only & {pair["a"], pair["b"]}),
        )
        flag = found in ("higher", "lower")
        line = {"p_chosen": near, "p_possible": wide, "p_adjusted": p, "finding": found, "flag": flag}
        lines.append({**pair, **line})
    scores = [{"unit": code, "score": score} for code, score in points.items()]
    return {
        "of": choice.of,
        "method": method,
        "levels": choice.of == UNITS or method == "paired",
        "pairs": lines,
        "points": dict(points),
        "margin": head.scheme.margin,
        "planned": choice.planned,
        "chosen": len(lines),
        "possible": max(possible, len(lines)),
        "groups": [list(group) for group in indistinguishable_groups(scores, lines)],
        "items": [],
        "course": None,
    }


def _in_points(pair: Mapping[str, Any]) -> float:
    """Return the difference in points, of the very targets or ballots compared; `difference` itself where not told."""
    return float(pair.get("difference_points", pair["difference"]) or 0.0)


_COMPUTE = {UNITS: _units, TARGETS: _targets, YEARS: _years}
