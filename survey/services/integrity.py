"""The integrity monitor (诚信监测) over the ballots of a closed campaign; runs in jobs or on the console only.

It reads what the tally reads: group, target and answers of each ballot, and counters of slips. Nothing is added near a
ballot for it. Kept are alarms alone, with shares rounded to five points and never said of fewer than twenty pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, undefer

from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.campaigns import Evaluation, RaterGroup, Target
from survey.models.integrity import IntegrityEvaluation, IntegrityFinding
from survey.models.organisations import School
from survey.services.ballots import ALL_TARGETS
from survey.services.instruments import find_questionnaire
from survey.services.school_item_counts import own_answers

if TYPE_CHECKING:
    from survey.analysis.arrays import Bytes, Ints
    from survey.analysis.integrity import Classes, Judgement, Reason

GROUP, SCHOOL = "group", "school"
SHARE_FLOOR = 20
"""Pages below which a share is not said, as for every figure of an item."""

_FETCH = 10_000
_STEP = 0.05


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """What the monitor says of one evaluation, ready to be stored."""

    evaluation_id: int
    campaign_id: int
    relation: str
    document: dict[str, Any]
    findings: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ballots:
    """Ballots as arrays (n,): ids of group and target as stored; answers (n, n_items)."""

    group_id: "Ints"
    target_id: "Ints"
    answers: "Bytes"


def monitor_campaign(campaign_id: int) -> list[Monitored]:
    """Judge the classes and schools of every evaluation whose raters come in groups; reads only.

    Left out: the page of all departments, which one group of principals casts, and the open channel.
    """
    evaluations = db.session.scalars(
        select(Evaluation).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    ).all()
    found = (monitor_evaluation(evaluation) for evaluation in evaluations)
    return [one for one in found if one is not None]


def monitor_evaluation(evaluation: Evaluation) -> Monitored | None:
    """Judge one evaluation; None if its raters are one group or came by the open link, so that nothing compares.

    Who voted by token is judged like who voted by slip: the ballots are the same, and so are the questions asked of
    them. Of the counters the rights to vote take the place of the slips.
    """
    groups = list(
        db.session.scalars(
            select(RaterGroup)
            .options(undefer(RaterGroup.begun))
            .where(RaterGroup.evaluation_id == evaluation.id, RaterGroup.kind.in_(("slip", "token")))
            .order_by(RaterGroup.id)
        )
    )
    ballots = _read(evaluation)
    if len(groups) < 2 or (len(ballots.target_id) and (ballots.target_id == ALL_TARGETS).any()):
        return None
    questionnaire = find_questionnaire(evaluation.questionnaire_id)
    asked = {group.variant: frozenset(questionnaire.variants[group.variant].items) for group in groups}
    strata: dict[frozenset[str], list[RaterGroup]] = {}
    for group in groups:
        strata.setdefault(asked[group.variant], []).append(group)
    return _monitored(evaluation, [_judge(evaluation, members, ballots) for members in strata.values()])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stratum:
    """The groups that were asked the same items, and what was found of them and of their schools."""

    groups: list[RaterGroup]
    schools: list[str]
    target_ids: "Ints"
    classes: "Judgement"
    whole: "Judgement"


def _judge(evaluation: Evaluation, groups: list[RaterGroup], ballots: _Ballots) -> _Stratum:
    import numpy as np

    from survey.analysis.integrity import judge_classes, judge_schools
    from survey.analysis.integrity_signals import count_patterns
    from survey.analysis.scoring import Scheme

    scheme = Scheme.from_json(evaluation.scheme)
    rules = {"top": max(scheme.levels), "floor": scheme.floors.ballots}
    ids = np.array([group.id for group in groups], dtype=np.int64)
    inside = np.isin(ballots.group_id, ids)
    targets, target = np.unique(ballots.target_id[inside], return_inverse=True)
    group = np.searchsorted(ids, ballots.group_id[inside])
    cells, cell = np.unique(group * max(len(targets), 1) + target, return_inverse=True)
    counted = count_patterns(
        ballots.answers[inside], cell, group=cells // max(len(targets), 1), target=cells % max(len(targets), 1)
    )
    schools = sorted({group.school_code for group in groups if group.school_code})
    classes = _classes(groups, schools)
    return _Stratum(
        groups=groups,
        schools=schools,
        target_ids=targets,
        classes=judge_classes(counted, classes, **rules),
        whole=judge_schools(counted, classes, **rules),
    )


def _classes(groups: Sequence[RaterGroup], schools: Sequence[str]) -> "Classes":
    import numpy as np

    from survey.analysis.integrity import Classes

    place = {code: position for position, code in enumerate(schools)}
    return Classes(
        school=np.array([place.get(group.school_code, -1) for group in groups], dtype=np.int64),
        slips=np.array([_rights(group) for group in groups], dtype=np.int64),
        begun=np.array([group.begun for group in groups], dtype=np.int64),
        second_uses=np.array([group.refused for group in groups], dtype=np.int64),
    )


def _rights(group: RaterGroup) -> int:
    """Return how many could vote: valid slips; where tokens are fetched, also those who never fetched theirs."""
    valid = group.issued - group.voided
    return max(group.enrolled, valid) if group.kind == "token" else valid


def _read(evaluation: Evaluation) -> _Ballots:
    """Read an evaluation's ballots in parts, kept as a byte an answer: 14 million of them take 400 MB.

    Answers to schools' own items are left away: the monitor compares schools on the same questions.
    """
    import numpy as np

    query = select(ballot.c.group_id, ballot.c.target_id, ballot.c.answers).where(
        ballot.c.evaluation_id == evaluation.id
    )
    own = own_answers(evaluation)
    end = own.items if own.asked else None
    group_id, target_id = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    packed, rows_read = bytearray(), 0
    for rows in db.session.execute(query, execution_options={"yield_per": _FETCH}).partitions():
        groups, targets, answers = zip(*rows, strict=True)
        group_id.append(np.array(groups, dtype=np.int64))
        target_id.append(np.array(targets, dtype=np.int64))
        packed += b"".join(answers if end is None else (one[:end] for one in answers))
        rows_read += len(rows)
    return _Ballots(
        group_id=np.concatenate(group_id),
        target_id=np.concatenate(target_id),
        answers=np.frombuffer(packed, dtype=np.uint8).reshape(rows_read, -1 if rows_read else 0),
    )


def _monitored(evaluation: Evaluation, strata: list[_Stratum]) -> Monitored:
    from survey.analysis.integrity import LEVEL

    names, schools = _target_names(evaluation.id), dict(db.session.execute(select(School.code, School.name)).all())
    found: list[tuple[float, dict[str, Any]]] = []
    for stratum in strata:
        labels = [(group.code, group.name, group.school_code) for group in stratum.groups]
        found += _findings(GROUP, labels, stratum.classes, [names.get(int(n), "") for n in stratum.target_ids])
        whole = [(code, schools.get(code, code), code) for code in stratum.schools]
        found += _findings(SCHOOL, whole, stratum.whole, [names.get(int(n), "") for n in stratum.target_ids])
    found.sort(key=lambda pair: pair[0])
    return Monitored(
        evaluation_id=evaluation.id,
        campaign_id=evaluation.campaign_id,
        relation=evaluation.relation,
        document={
            "level": LEVEL,
            GROUP: _numbers([stratum.classes for stratum in strata]),
            SCHOOL: _numbers([stratum.whole for stratum in strata]),
        },
        findings=[{"position": position, **row} for position, (_p, row) in enumerate(found)],
    )


def _target_names(evaluation_id: int) -> dict[int, str]:
    rows = db.session.execute(select(Target.id, Target.name).where(Target.evaluation_id == evaluation_id))
    return {row.id: row.name for row in rows}


def _numbers(judgements: Iterable["Judgement"]) -> dict[str, int]:
    """Return how many were judged, were not and why, and were alarmed."""
    from survey.analysis.integrity import FEW_BALLOTS, FEW_CLASSES, JUDGED

    found = list(judgements)
    statuses = [status for one in found for status in one.status]
    return {
        **{name: statuses.count(name) for name in (JUDGED, FEW_BALLOTS, FEW_CLASSES)},
        "alarms": sum(int(one.alarm.sum()) for one in found),
        "firm": sum(int((one.alarm & one.firm).sum()) for one in found),
    }


def _findings(
    kind: str, labels: Sequence[tuple[str, str, str]], judgement: "Judgement", targets: Sequence[str]
) -> list[tuple[float, dict[str, Any]]]:
    from survey.analysis.integrity import reasons

    found = []
    for row, (code, name, school_code) in enumerate(labels):
        if not judgement.alarm[row]:
            continue
        document = {
            "pages": int(judgement.ballots[row]),
            "firm": bool(judgement.firm[row]),
            "p": float(judgement.p[row]),
            "p_adjusted": float(judgement.p_adjusted[row]),
            "reasons": [_reason(reason, targets) for reason in reasons(judgement, row)],
        }
        columns = {"kind": kind, "code": code, "name": name, "school_code": school_code, "document": document}
        found.append((float(judgement.p[row]), columns))
    return found


def _reason(reason: "Reason", targets: Sequence[str]) -> dict[str, Any]:
    """Return a reason as it is kept; below the floor it names neither a share nor the one target it is about."""
    told = reason.ballots >= SHARE_FLOOR
    return {
        "signal": reason.signal,
        "one_target": reason.target >= 0,
        "target": targets[reason.target] if reason.target >= 0 and told else None,
        "observed": _coarse(reason.observed) if told else None,
        "expected": _coarse(reason.expected) if told else None,
    }


def _coarse(share: float | None) -> float | None:
    """Return a share in steps of five points within 5 % to 95 %: unanimity would tell each ballot of the class."""
    if share is None:
        return None
    return round(min(max(round(share / _STEP) * _STEP, _STEP), 1.0 - _STEP), 2)


def store_findings(session: Session, monitored: Iterable[Monitored]) -> None:
    """Replace what is kept of these evaluations inside the caller's transaction."""
    for one in monitored:
        for model in (IntegrityFinding, IntegrityEvaluation):
            session.execute(delete(model).where(model.evaluation_id == one.evaluation_id))
        session.add(
            IntegrityEvaluation(
                evaluation_id=one.evaluation_id,
                campaign_id=one.campaign_id,
                relation=one.relation,
                document=one.document,
            )
        )
        if one.findings:
            rows = [{"evaluation_id": one.evaluation_id, **row} for row in one.findings]
            session.execute(insert(IntegrityFinding), rows)
