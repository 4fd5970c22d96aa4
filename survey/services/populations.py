"""Who is rated by how many: the surroundings of a tally, read from groups and slips. Runs in jobs only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Evaluation, GroupCount, RaterGroup, Target
from survey.models.tokens import TokenKey
from survey.services.ballots import ALL_TARGETS
from survey.services.electorates import grade_number
from survey.services.tallies import Electorates

if TYPE_CHECKING:
    from survey.analysis.population import Population

UNIT_LEVELS = {
    "student_teacher": "school",
    "teacher_principal": "district",
    "parent_school": "district",
    "principal_department": "bureau",
    "public_education": "bureau",
}
PARENTS_RESPONSE_FLOOR = 0.2
CLASS_RELATIONS = frozenset({"student_teacher", "parent_school"})


@dataclass(frozen=True, kw_only=True)
class _Slips:
    """Slips made and not voided by target, and ballots that a group's slips could cast."""

    issued: Counter[int]
    eligible: Counter[int]
    pages: Counter[int]


def population_of(evaluation: Evaluation, axes: Electorates, targets: Sequence[Target]) -> "Population":
    """Return the population of an evaluation, in the order of its tally's targets and groups."""
    from survey.analysis.population import Population

    groups = db.session.scalars(select(RaterGroup).where(RaterGroup.evaluation_id == evaluation.id)).all()
    valid = _valid(groups)
    slips = _slips(groups, valid, axes.target_ids)
    place = {number: position for position, number in enumerate(axes.group_ids)}
    grades = {group.id: grade_number(group.grade) for group in groups}
    return Population(
        unit=[target.unit for target in targets],
        unit_level=UNIT_LEVELS[evaluation.relation],
        district={target.unit: target.district for target in targets},
        issued=[slips.issued[number] for number in axes.target_ids],
        eligible_slips=[slips.eligible[number] for number in axes.target_ids],
        enrolled={place[group.id]: max(group.enrolled, valid[group.id]) for group in groups},
        response_floor=PARENTS_RESPONSE_FLOOR if evaluation.relation == "parent_school" else 0.5,
        classes=evaluation.relation in CLASS_RELATIONS and any(group.grade for group in groups),
        grades=[-1 if (grade := grades.get(number)) is None else grade for number in axes.group_ids],
        pages=[slips.pages[number] for number in axes.group_ids],
    )


def _valid(groups: Sequence[RaterGroup]) -> dict[int, int]:
    """Return the valid rights to vote by group: who never fetched a token could have, and did not answer."""
    ids = [group.id for group in groups if group.kind == "token"]
    keys = select(TokenKey.group_id).where(TokenKey.group_id.in_(ids), ~TokenKey.voided)
    fetching = set(db.session.scalars(keys)) if ids else set()
    return {
        group.id: max(group.enrolled if group.id in fetching else 0, group.issued - group.voided) for group in groups
    }


def _slips(groups: Iterable[RaterGroup], valid: Mapping[int, int], target_ids: tuple[int, ...]) -> _Slips:
    by_id = {group.id: group for group in groups}
    slips = _Slips(issued=Counter(), eligible=Counter(), pages=Counter())
    rows = db.session.execute(
        select(GroupCount.group_id, GroupCount.target_id).where(GroupCount.group_id.in_(list(by_id)))
    )
    for group_id, target_id in rows:
        for number in target_ids if target_id == ALL_TARGETS else (target_id,):
            slips.issued[number] += valid[group_id] + by_id[group_id].voided
            slips.eligible[number] += valid[group_id]
            slips.pages[group_id] += valid[group_id]
    return slips
