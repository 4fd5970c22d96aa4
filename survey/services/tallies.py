"""The tally (计票): packed answers of closed campaigns become counts; runs in jobs or on the console only."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.campaigns import Evaluation, RaterGroup, Target
from survey.models.results import PairedTallyRow, Tally
from survey.services.ballots import ALL_TARGETS
from survey.services.instruments import find_questionnaire

if TYPE_CHECKING:
    from survey.analysis.tallies import PairedTally
    from survey.analysis.tallies import Tally as Counts

_MOMENTS = ("mean", "mean_ss", "score", "score_ss")


@dataclass(frozen=True, kw_only=True)
class Electorates:
    """The axes of a tally: targets that take part and groups, ids and codes in the same order."""

    target_ids: tuple[int, ...]
    target_codes: tuple[str, ...]
    group_ids: tuple[int, ...]
    group_codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CountedEvaluation:
    """The counts of one evaluation, before they are stored."""

    evaluation_id: int
    axes: Electorates
    counts: "Counts"
    paired: "PairedTally | None"


def count_campaign(campaign_id: int) -> list[CountedEvaluation]:
    """Count all ballots of a closed campaign, evaluation by evaluation; reads only."""
    evaluations = db.session.scalars(
        select(Evaluation).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    ).all()
    return [count_evaluation(evaluation) for evaluation in evaluations]


def count_evaluation(evaluation: Evaluation) -> CountedEvaluation:
    """Count one evaluation's ballots; no order of the ballots matters."""
    axes = load_axes(evaluation.id)
    rows = db.session.execute(
        select(ballot.c.group_id, ballot.c.target_id, ballot.c.answers, ballot.c.flag).where(
            ballot.c.evaluation_id == evaluation.id
        )
    ).all()
    whole = any(row.target_id == ALL_TARGETS for row in rows)
    counts, paired = _count_pages(evaluation, axes, rows) if whole else (_count_ballots(evaluation, axes, rows), None)
    return CountedEvaluation(evaluation_id=evaluation.id, axes=axes, counts=counts, paired=paired)


def load_axes(evaluation_id: int) -> Electorates:
    """Return the targets that take part and the groups of an evaluation, in id order."""
    targets = db.session.execute(
        select(Target.id, Target.code)
        .where(Target.evaluation_id == evaluation_id, Target.left_out.is_(None))
        .order_by(Target.id)
    ).all()
    groups = db.session.execute(
        select(RaterGroup.id, RaterGroup.code).where(RaterGroup.evaluation_id == evaluation_id).order_by(RaterGroup.id)
    ).all()
    return Electorates(
        target_ids=tuple(t.id for t in targets),
        target_codes=tuple(t.code for t in targets),
        group_ids=tuple(g.id for g in groups),
        group_codes=tuple(g.code for g in groups),
    )


def _count_ballots(evaluation: Evaluation, axes: Electorates, rows: Sequence[Any]) -> "Counts":
    import numpy as np

    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import tally_ballots

    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    return tally_ballots(
        np.frombuffer(b"".join(row.answers for row in rows), dtype=np.uint8).reshape(len(rows), len(items)),
        target=_positions(axes.target_ids, (row.target_id for row in rows)),
        group=_positions(axes.group_ids, (row.group_id for row in rows)),
        flagged=np.array([row.flag > 0 for row in rows], dtype=np.bool_),
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        scheme=Scheme.from_json(evaluation.scheme),
    )


def _count_pages(evaluation: Evaluation, axes: Electorates, rows: Sequence[Any]) -> tuple["Counts", "PairedTally"]:
    import numpy as np

    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import tally_pages

    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    answers = np.frombuffer(b"".join(row.answers for row in rows), dtype=np.uint8)
    return tally_pages(
        answers.reshape(len(rows), len(axes.target_ids), len(items)),
        group=_positions(axes.group_ids, (row.group_id for row in rows)),
        flagged=np.array([row.flag > 0 for row in rows], dtype=np.bool_),
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        scheme=Scheme.from_json(evaluation.scheme),
    )


def _positions(ids: Sequence[int], wanted: Iterable[int]) -> Any:
    import numpy as np

    place = {number: position for position, number in enumerate(ids)}
    return np.array([place[number] for number in wanted], dtype=np.int64)


def store_tallies(session: Session, counted: Iterable[CountedEvaluation]) -> None:
    """Replace the tallies of evaluations inside the caller's transaction."""
    for evaluation in counted:
        session.execute(delete(Tally).where(Tally.evaluation_id == evaluation.evaluation_id))
        session.execute(delete(PairedTallyRow).where(PairedTallyRow.evaluation_id == evaluation.evaluation_id))
        rows = _tally_rows(evaluation)
        if rows:
            session.execute(insert(Tally), rows)
        if evaluation.paired is not None:
            session.add(
                PairedTallyRow(evaluation_id=evaluation.evaluation_id, document=_paired_json(evaluation.paired))
            )


def _tally_rows(evaluation: CountedEvaluation) -> list[dict[str, Any]]:
    counts, axes = evaluation.counts, evaluation.axes
    return [
        {
            "evaluation_id": evaluation.evaluation_id,
            "group_id": axes.group_ids[int(counts.cell_group[cell])],
            "target_id": axes.target_ids[int(counts.cell_target[cell])],
            "counts": counts.counts[cell].astype("<i4").tobytes(),
            **{name: int(getattr(counts, name)[cell]) for name in ("ballots", "valid", "flagged")},
            **{name: float(getattr(counts, name)[cell]) for name in _MOMENTS},
        }
        for cell in range(len(counts.cell_target))
    ]


def load_tally(evaluation: Evaluation) -> CountedEvaluation:
    """Read stored tallies back as the arrays that the statistics take."""
    import numpy as np

    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import Tally as Arrays

    axes = load_axes(evaluation.id)
    rows = db.session.scalars(
        select(Tally).where(Tally.evaluation_id == evaluation.id).order_by(Tally.target_id, Tally.group_id)
    ).all()
    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    levels = Scheme.from_json(evaluation.scheme).levels
    counts = np.frombuffer(b"".join(row.counts for row in rows), dtype="<i4").astype(np.int64)
    arrays = Arrays(
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        levels=levels,
        cell_target=_positions(axes.target_ids, (row.target_id for row in rows)),
        cell_group=_positions(axes.group_ids, (row.group_id for row in rows)),
        counts=counts.reshape(len(rows), len(items), 1 + len(levels)),
        ballots=np.array([row.ballots for row in rows], dtype=np.int64),
        valid=np.array([row.valid for row in rows], dtype=np.int64),
        flagged=np.array([row.flagged for row in rows], dtype=np.int64),
        mean=np.array([row.mean for row in rows], dtype=np.float64),
        mean_ss=np.array([row.mean_ss for row in rows], dtype=np.float64),
        score=np.array([row.score for row in rows], dtype=np.float64),
        score_ss=np.array([row.score_ss for row in rows], dtype=np.float64),
    )
    return CountedEvaluation(evaluation_id=evaluation.id, axes=axes, counts=arrays, paired=_load_paired(evaluation.id))


def _paired_json(paired: "PairedTally") -> dict[str, Any]:
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in asdict(paired).items()}


def _load_paired(evaluation_id: int) -> "PairedTally | None":
    import numpy as np

    from survey.analysis.tallies import PairedTally

    row = db.session.get(PairedTallyRow, evaluation_id)
    if row is None:
        return None
    document = dict(row.document)
    for name, dtype in (
        ("n", np.int64),
        ("difference", float),
        ("ss", float),
        ("score_difference", float),
        ("rank_sums", float),
    ):
        document[name] = np.array(document[name], dtype=dtype)
    return PairedTally(**{**document, "targets": tuple(document["targets"])})
