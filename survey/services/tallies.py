"""The tally (计票): packed answers of closed campaigns become counts; runs in jobs or on the console only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from survey.database import Statement, is_sqlite
from survey.errors import N_, Conflict
from survey.extensions import db
from survey.models.ballots import ballot
from survey.models.campaigns import Evaluation, RaterGroup, Target
from survey.models.results import PairedTallyRow, Tally, TallyScale
from survey.models.school_items import SchoolItemCount
from survey.services.ballots import ALL_TARGETS
from survey.services.instruments import find_questionnaire
from survey.services.school_item_counts import OwnAnswers, count_rows, own_answers

if TYPE_CHECKING:
    from survey.analysis.arrays import Bools, Bytes, Ints
    from survey.analysis.tallies import PairedTally
    from survey.analysis.tallies import Tally as Counts

CHUNK = 1_000_000
"""Ballots counted at once: few enough for little memory, enough that merging costs less than counting."""

_FETCH = 10_000
_WHOLE = ("ballots", "valid", "flagged", "clean_valid")
_MOMENTS = ("mean", "mean_ss", "score", "score_ss", "clean_mean", "clean_mean_ss", "clean_score", "clean_score_ss")


_QUERY = select(ballot.c.group_id, ballot.c.target_id, ballot.c.answers, ballot.c.flag).where(
    ballot.c.evaluation_id == bindparam("evaluation")
)
_BALLOTS = Statement(_QUERY)


@dataclass(frozen=True, kw_only=True)
class Electorates:
    """The axes of a tally: targets that take part and groups, ids and codes in the same order."""

    target_ids: tuple[int, ...]
    target_codes: tuple[str, ...]
    group_ids: tuple[int, ...]
    group_codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CountedEvaluation:
    """The counts of one evaluation, before they are stored; own: of schools' own items, by item id and level."""

    evaluation_id: int
    axes: Electorates
    counts: "Counts"
    paired: "PairedTally | None"
    own: Mapping[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ballots:
    """Ballots as arrays (n,), ids as stored; answers (n, bytes of a ballot)."""

    group_id: "Ints"
    target_id: "Ints"
    answers: "Bytes"
    flagged: "Bools"


def count_campaign(campaign_id: int) -> list[CountedEvaluation]:
    """Count all ballots of a closed campaign, evaluation by evaluation; reads only."""
    evaluations = db.session.scalars(
        select(Evaluation).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    ).all()
    return [count_evaluation(evaluation) for evaluation in evaluations]


def count_evaluation(evaluation: Evaluation) -> CountedEvaluation:
    """Count one evaluation's ballots, a chunk at a time; no order of the ballots matters."""
    axes, own = load_axes(evaluation.id), own_answers(evaluation)
    parts = _read(evaluation.id, own)
    first = next(parts, None)
    if first is None:
        counts, paired = _count(evaluation, axes, _no_ballots()), None
    elif (first.target_id == ALL_TARGETS).any():
        # One page per principal: few, and their pairs of targets need all of them at once.
        counts, paired = _count_pages(evaluation, axes, _joined([first, *parts]))
    else:
        counts, paired = _count_chunks(evaluation, axes, chain([first], parts)), None
    return CountedEvaluation(evaluation_id=evaluation.id, axes=axes, counts=counts, paired=paired, own=own.counts)


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


def _read(evaluation_id: int, own: OwnAnswers) -> Iterator[_Ballots]:
    """Yield an evaluation's ballots in parts, as the database sends them (PostgreSQL by a cursor of its own)."""
    if is_sqlite():
        # The driver itself takes two thirds of the time.
        sql, values = _BALLOTS.for_dialect(db.engine.dialect)
        driver: Any = db.session.connection().connection.driver_connection
        cursor = driver.execute(sql, values | {"evaluation": evaluation_id})
        while rows := cursor.fetchmany(_FETCH):
            yield _as_arrays(own.cut(rows))
        return
    # Closed also when a ballot is refused, or its cursor would stay open on the server.
    with db.session.execute(_QUERY, {"evaluation": evaluation_id}, execution_options={"yield_per": _FETCH}) as asked:
        for part in asked.partitions():
            yield _as_arrays(own.cut(part))


def _as_arrays(rows: Sequence[Any]) -> _Ballots:
    import numpy as np

    group_id, target_id, answers, flag = zip(*rows, strict=True)
    lengths = Counter(map(len, answers))
    if len(lengths) > 1:
        usual, _number = lengths.most_common(1)[0]
        odd = len(rows) - lengths[usual]
        raise Conflict(
            N_("%(odd)s ballots hold another number of answers than the others (%(usual)s); nothing was counted."),
            odd=odd,
            usual=usual,
        )
    return _Ballots(
        group_id=np.array(group_id, dtype=np.int64),
        target_id=np.array(target_id, dtype=np.int64),
        answers=np.frombuffer(b"".join(answers), dtype=np.uint8).reshape(len(rows), -1),
        flagged=np.array(flag, dtype=np.int64) > 0,
    )


def _no_ballots() -> _Ballots:
    import numpy as np

    none = np.zeros(0, dtype=np.int64)
    return _Ballots(group_id=none, target_id=none, answers=np.zeros((0, 0), dtype=np.uint8), flagged=none > 0)


def _joined(parts: Sequence[_Ballots]) -> _Ballots:
    import numpy as np

    return _Ballots(
        group_id=np.concatenate([part.group_id for part in parts]),
        target_id=np.concatenate([part.target_id for part in parts]),
        answers=np.concatenate([part.answers for part in parts]),
        flagged=np.concatenate([part.flagged for part in parts]),
    )


def _chunks(parts: Iterable[_Ballots]) -> Iterator[_Ballots]:
    held: list[_Ballots] = []
    for part in parts:
        held.append(part)
        if sum(len(one.flagged) for one in held) >= CHUNK:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _count_chunks(evaluation: Evaluation, axes: Electorates, parts: Iterable[_Ballots]) -> "Counts":
    chunks = _chunks(parts)
    counts = _count(evaluation, axes, next(chunks))
    for chunk in chunks:
        counts = counts.merge(_count(evaluation, axes, chunk))
    return counts


def _count(evaluation: Evaluation, axes: Electorates, ballots: _Ballots) -> "Counts":
    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import tally_ballots

    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    return tally_ballots(
        ballots.answers.reshape(len(ballots.flagged), len(items)),
        target=_positions(axes.target_ids, ballots.target_id),
        group=_positions(axes.group_ids, ballots.group_id),
        flagged=ballots.flagged,
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        scheme=Scheme.from_json(evaluation.scheme),
    )


def _count_pages(evaluation: Evaluation, axes: Electorates, pages: _Ballots) -> tuple["Counts", "PairedTally"]:
    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import tally_pages

    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    return tally_pages(
        pages.answers.reshape(len(pages.flagged), len(axes.target_ids), len(items)),
        group=_positions(axes.group_ids, pages.group_id),
        flagged=pages.flagged,
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        scheme=Scheme.from_json(evaluation.scheme),
    )


def _positions(ids: Sequence[int], wanted: "Ints") -> "Ints":
    """Return the positions of `wanted` in `ids`, which ascend; raise LookupError for one that is not there."""
    import numpy as np

    known = np.array(ids, dtype=np.int64)
    place = np.searchsorted(known, wanted)
    lost = wanted[np.append(known, -1)[place] != wanted]
    if len(lost):
        raise LookupError(f"ballots or tallies name {int(lost[0])}, which takes no part")
    return np.asarray(place, dtype=np.int64)


def store_tallies(session: Session, counted: Iterable[CountedEvaluation]) -> None:
    """Replace the tallies of evaluations inside the caller's transaction."""
    for evaluation in counted:
        number = evaluation.evaluation_id
        for model in (Tally, TallyScale, PairedTallyRow, SchoolItemCount):
            session.execute(delete(model).where(model.evaluation_id == number))
        own = count_rows(number, evaluation.own)
        if own:
            session.execute(insert(SchoolItemCount), own)
        for start in range(0, len(evaluation.counts.cell_target), _FETCH):
            session.execute(insert(Tally), _tally_rows(evaluation, slice(start, start + _FETCH)))
        session.add(TallyScale(evaluation_id=number, document=_scale_json(evaluation.counts)))
        if evaluation.paired is not None:
            session.add(PairedTallyRow(evaluation_id=number, document=_paired_json(evaluation.paired)))


def forget_tallies(session: Session, campaign_id: int) -> None:
    """Delete the tallies of a campaign whose count no longer holds, inside the caller's transaction."""
    mine = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id)
    for model in (Tally, TallyScale, PairedTallyRow, SchoolItemCount):
        session.execute(delete(model).where(model.evaluation_id.in_(mine)))


def _tally_rows(evaluation: CountedEvaluation, cells: slice) -> list[dict[str, Any]]:
    import numpy as np

    counts, axes = evaluation.counts, evaluation.axes
    columns = {
        "group_id": np.array(axes.group_ids)[counts.cell_group[cells]].tolist(),
        "target_id": np.array(axes.target_ids)[counts.cell_target[cells]].tolist(),
        "counts": [row.tobytes() for row in counts.counts[cells].astype("<i4")],
        **{name: getattr(counts, name)[cells].tolist() for name in (*_WHOLE, *_MOMENTS)},
    }
    rows = zip(*columns.values(), strict=True)
    return [{"evaluation_id": evaluation.evaluation_id, **dict(zip(columns, row, strict=True))} for row in rows]


def load_tally(evaluation: Evaluation) -> CountedEvaluation:
    """Read stored tallies back as the arrays that the statistics take."""
    import numpy as np

    from survey.analysis.scoring import Scheme
    from survey.analysis.tallies import Tally as Arrays

    axes = load_axes(evaluation.id)
    items = find_questionnaire(evaluation.questionnaire_id).item_codes
    levels = Scheme.from_json(evaluation.scheme).levels
    columns = _load_columns(evaluation.id)
    counts = np.frombuffer(columns.pop("counts"), dtype="<i4").astype(np.int64)
    arrays = Arrays(
        targets=axes.target_codes,
        groups=axes.group_codes,
        items=items,
        levels=levels,
        cell_target=_positions(axes.target_ids, columns.pop("target_id")),
        cell_group=_positions(axes.group_ids, columns.pop("group_id")),
        counts=counts.reshape(-1, len(items), 1 + len(levels)),
        **_load_scale(evaluation.id, len(items)),
        **columns,
    )
    return CountedEvaluation(evaluation_id=evaluation.id, axes=axes, counts=arrays, paired=_load_paired(evaluation.id))


def _load_columns(evaluation_id: int) -> dict[str, Any]:
    """Return the stored columns as arrays over the cells, by target and group; `counts` as the bytes of all cells."""
    import numpy as np

    names = ("target_id", "group_id", *_WHOLE, *_MOMENTS)
    query = (
        select(Tally.counts, *(getattr(Tally, name) for name in names))
        .where(Tally.evaluation_id == evaluation_id)
        .order_by(Tally.target_id, Tally.group_id)
    )
    kinds = [np.float64 if name in _MOMENTS else np.int64 for name in names]
    packed, parts = bytearray(), [[np.zeros(0, dtype=kind)] for kind in kinds]
    for rows in db.session.execute(query, execution_options={"yield_per": _FETCH}).partitions():
        counts, *columns = zip(*rows, strict=True)
        packed += b"".join(counts)
        for part, column, kind in zip(parts, columns, kinds, strict=True):
            part.append(np.array(column, dtype=kind))
    return {"counts": packed, **{name: np.concatenate(part) for name, part in zip(names, parts, strict=True)}}


def _scale_json(counts: "Counts") -> dict[str, Any]:
    named = {"together": counts.together, "clean_together": counts.clean_together}
    return {
        name: {"n": found.n, "sums": found.sums.tolist(), "products": found.products.tolist()}
        for name, found in named.items()
    }


def _load_scale(evaluation_id: int, items: int) -> dict[str, Any]:
    import numpy as np

    from survey.analysis.moments import CrossProducts

    document = db.session.get_one(TallyScale, evaluation_id).document
    return {
        name: CrossProducts(
            n=found["n"],
            sums=np.array(found["sums"], dtype=np.int64),
            products=np.array(found["products"], dtype=np.int64).reshape(items, items),
        )
        for name, found in document.items()
    }


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
