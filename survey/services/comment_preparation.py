"""Comments made ready for review, with the tally: of whom they may come, what they say alike, what may name somebody.

What is written stays where it is (`comment`); a review holds a masked wording and says which comments it stands for.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from survey.analysis.comment_pools import NOWHERE, TARGET, comment_places
from survey.extensions import db
from survey.models.ballots import comment
from survey.models.campaigns import Evaluation, GroupCount, RaterGroup, Target
from survey.models.comments import ChipCount, CommentReview, comment_member
from survey.models.organisations import Department, School, Teacher
from survey.services.ballots import ALL_TARGETS
from survey.services.comment_groups import group_comments
from survey.services.comment_masks import apply_masks, name_pattern, suggest_masks

# STATISTICS §5: free text n >= 10, 20 outside the bureau.
FLOOR_INSIDE, FLOOR_OUTSIDE = 10, 20
_ROWS = 5_000
Names = re.Pattern[str] | None


@dataclass(frozen=True, kw_only=True)
class NewReview:
    """A wording that waits for its review, and the keys of the comments that it stands for."""

    id: bytes
    evaluation_id: int
    target_id: int
    text: str
    members: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class PreparedComments:
    """What is stored with the tally. places: how closely comments may be addressed inside the bureau, and whether they
    may leave it, by evaluation and target; chips: rows.
    """

    campaign_id: int
    places: Mapping[tuple[int, int], tuple[str, bool]]
    reviews: tuple[NewReview, ...]
    chips: tuple[Mapping[str, Any], ...]


def prepare_comments(campaign_id: int) -> PreparedComments:
    """Return what the comments of a closed campaign come to; those under review already are left alone."""
    query = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id).order_by(Evaluation.id)
    evaluations = list(db.session.scalars(query))
    places = {key: place for number in evaluations for key, place in _places(number)}
    known = _KnownNames()
    reviews = [review for number in evaluations for review in _reviews(number, known)]
    chips = [row for number in evaluations for row in _chips(number)]
    return PreparedComments(campaign_id=campaign_id, places=places, reviews=tuple(reviews), chips=tuple(chips))


def _places(evaluation_id: int) -> list[tuple[tuple[int, int], tuple[str, bool]]]:
    """Return for each target how closely its comments may be addressed, and whether they may leave the bureau.

    Outside nobody sees more than the comments about one target, and no total: so its own ballots decide. But those of a
    target that hides a small one stay inside, or whoever reads both would know which are about the small one.
    """
    ballots = _ballots(evaluation_id)
    query = select(Target.id, Target.unit).where(Target.evaluation_id == evaluation_id).order_by(Target.id)
    targets = db.session.execute(query).all()
    counts, units = [ballots.get(number, 0) for number, _unit in targets], [unit for _number, unit in targets]
    places = comment_places(counts, units, floor=FLOOR_INSIDE)
    found = [
        ((evaluation_id, number), (place, n >= FLOOR_OUTSIDE and place == TARGET))
        for (number, _unit), n, place in zip(targets, counts, places, strict=True)
    ]
    whole = ballots.get(ALL_TARGETS, 0)
    together = (TARGET if whole >= FLOOR_INSIDE else NOWHERE, whole >= FLOOR_OUTSIDE)
    return [*found, ((evaluation_id, ALL_TARGETS), together)]


def _ballots(evaluation_id: int) -> dict[int, int]:
    query = (
        select(GroupCount.target_id, func.sum(GroupCount.mixed))
        .join(RaterGroup, RaterGroup.id == GroupCount.group_id)
        .where(RaterGroup.evaluation_id == evaluation_id)
        .group_by(GroupCount.target_id)
    )
    return {target_id: int(mixed) for target_id, mixed in db.session.execute(query)}


def _reviews(evaluation_id: int, known: "_KnownNames") -> Iterable[NewReview]:
    under_review = select(comment_member.c.comment_id)
    rows = db.session.execute(
        select(comment.c.id, comment.c.target_id, comment.c.text, Target.school_code)
        .outerjoin(Target, Target.id == comment.c.target_id)
        .where(comment.c.evaluation_id == evaluation_id, comment.c.text != "", comment.c.id.not_in(under_review))
        .order_by(comment.c.target_id, comment.c.id)
    )
    about: dict[tuple[int, str], list[tuple[bytes, str]]] = defaultdict(list)
    for key, target_id, text, school in rows:
        about[(target_id, school or "")].append((bytes(key), text))
    for (target_id, school), written in about.items():
        names = known.of_school(school)
        for members in group_comments([text for _key, text in written]):
            text = written[members[0]][1]
            yield NewReview(
                id=secrets.token_bytes(16),
                evaluation_id=evaluation_id,
                target_id=target_id,
                text=apply_masks(text, suggest_masks(text, names)),
                members=tuple(written[place][0] for place in members),
            )


class _KnownNames:
    """The names of the roster that comments about a school may hold; each school is read once."""

    def __init__(self) -> None:
        self.patterns: dict[str, Names] = {}

    def of_school(self, school: str) -> Names:
        if school not in self.patterns:
            self.patterns[school] = name_pattern(_names(school))
        return self.patterns[school]


def school_names(school: str) -> Names:
    """Return what finds the names of a school's staff; without a school, of the heads of schools and departments."""
    return name_pattern(_names(school))


def _names(school: str) -> list[str]:
    if school:
        return list(db.session.scalars(select(Teacher.name).where(Teacher.school_code == school)))
    heads = select(School.principal).where(School.principal != "")
    return [*db.session.scalars(select(Department.head).where(Department.head != "")), *db.session.scalars(heads)]


def _chips(evaluation_id: int) -> list[dict[str, Any]]:
    """Count the phrases of an evaluation by target; the database counts combinations, of which there are few."""
    query = (
        select(comment.c.target_id, comment.c.chips, func.count())
        .where(comment.c.evaluation_id == evaluation_id, comment.c.chips != "")
        .group_by(comment.c.target_id, comment.c.chips)
    )
    found: dict[tuple[int, str], int] = defaultdict(int)
    for target_id, chosen, ballots in db.session.execute(query):
        for chip in set(chosen.split(",")):
            found[(target_id, chip)] += ballots
    return [
        {"evaluation_id": evaluation_id, "target_id": target_id, "chip": chip, "ballots": ballots}
        for (target_id, chip), ballots in sorted(found.items())
    ]


def store_comments(session: Session, prepared: PreparedComments) -> None:
    """Store what was prepared inside the transaction of the tally; places follow the new count, also of old reviews."""
    _move_places(session, prepared)
    mine = select(Evaluation.id).where(Evaluation.campaign_id == prepared.campaign_id)
    session.execute(delete(ChipCount).where(ChipCount.evaluation_id.in_(mine)))
    if prepared.chips:
        session.execute(insert(ChipCount), [dict(row) for row in prepared.chips])
    reviews = sorted(prepared.reviews, key=lambda review: review.id)
    for start in range(0, len(reviews), _ROWS):
        _insert(session, prepared, reviews[start : start + _ROWS])


def _move_places(session: Session, prepared: PreparedComments) -> None:
    about = (CommentReview.evaluation_id, CommentReview.target_id)
    query = select(*about).where(CommentReview.campaign_id == prepared.campaign_id).distinct()
    for evaluation_id, target_id in session.execute(query).all():
        place, outside = prepared.places.get((evaluation_id, target_id), (NOWHERE, False))
        mine = (CommentReview.evaluation_id == evaluation_id) & (CommentReview.target_id == target_id)
        session.execute(update(CommentReview).where(mine).values(place=place, outside=outside))


def _insert(session: Session, prepared: PreparedComments, reviews: list[NewReview]) -> None:
    session.execute(insert(CommentReview), [_row(prepared, review) for review in reviews])
    members = [{"comment_id": key, "review_id": review.id} for review in reviews for key in review.members]
    session.execute(insert(comment_member), sorted(members, key=lambda row: row["comment_id"]))


def _row(prepared: PreparedComments, review: NewReview) -> dict[str, Any]:
    place, outside = prepared.places.get((review.evaluation_id, review.target_id), (NOWHERE, False))
    return {
        "id": review.id,
        "campaign_id": prepared.campaign_id,
        "evaluation_id": review.evaluation_id,
        "target_id": review.target_id,
        "place": place,
        "outside": outside,
        "text": review.text,
        "count": len(review.members),
    }
