"""Own items of schools (校本题目) at the count and the release; runs in jobs or on the console only.

On a ballot their answers stand behind those to the bureau's items. They are cut off before anything is counted, so that
no score, flag, scale or comparison can know of them, and are kept as counts of levels.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation, RaterGroup
from survey.models.school_items import CubeSchoolItem, SchoolItem, SchoolItemCount
from survey.queries.school_items import APPROVED, RELATION, item_code
from survey.services.instruments import find_questionnaire

if TYPE_CHECKING:
    from survey.analysis.arrays import Ints
    from survey.analysis.scoring import Scheme

BLANK = 255


@dataclass(frozen=True, kw_only=True)
class OwnAnswers:
    """Cuts the answers to own items off ballots and counts them: counts[item id, level].

    items: the bureau's items on a page. asked: group id -> ids of the own items, in the order of the answers.
    """

    items: int
    asked: Mapping[int, tuple[int, ...]]
    counts: Counter[tuple[int, int]] = field(default_factory=Counter)

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows (group, target, answers, flag) with the bureau's answers only.

        A ballot of another length is left as it is: the tally refuses it.
        """
        return [self._cut(row) for row in rows] if self.asked else rows

    def _cut(self, row: Any) -> Any:
        group_id, target_id, answers, flag = row
        own = self.asked.get(group_id, ())
        if not own or len(answers) != self.items + len(own):
            return row
        self.counts.update(zip(own, answers[self.items :], strict=True))
        return group_id, target_id, answers[: self.items], flag


def own_answers(evaluation: Evaluation) -> OwnAnswers:
    """Return what cuts this evaluation's ballots; it leaves them alone where no school asks anything of its own."""
    asked: dict[int, tuple[int, ...]] = defaultdict(tuple)
    if evaluation.relation == RELATION:
        rows = db.session.execute(
            select(RaterGroup.id, SchoolItem.id)
            .join(SchoolItem, SchoolItem.school_code == RaterGroup.school_code)
            .where(RaterGroup.evaluation_id == evaluation.id, SchoolItem.campaign_id == evaluation.campaign_id)
            .where(SchoolItem.state == APPROVED)
            .order_by(RaterGroup.id, SchoolItem.position)
        )
        for group_id, item_id in rows:
            asked[group_id] += (item_id,)
    return OwnAnswers(items=len(find_questionnaire(evaluation.questionnaire_id).item_codes), asked=dict(asked))


def count_rows(evaluation_id: int, counts: Mapping[tuple[int, int], int]) -> list[dict[str, Any]]:
    """Return the rows of `school_item_count`; blanks are no answers."""
    return [
        {"evaluation_id": evaluation_id, "item_id": item_id, "level": level, "n": n}
        for (item_id, level), n in sorted(counts.items())
        if level != BLANK
    ]


def cube_rows(evaluation: Evaluation, scheme: "Scheme", records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of `cube_school_item` for the version that is being released, beside the records of its targets.

    Items of a school that is no target of the evaluation have none.
    """
    from survey.analysis.school_items import own_records

    if evaluation.relation != RELATION:
        return []
    shown = {record["target"]: record["withheld"] is None and record["score"] is not None for record in records}
    version = db.session.scalar(select(Campaign.version).where(Campaign.id == evaluation.campaign_id)) or 1
    items, earlier = _items_by_school(evaluation.campaign_id), _shown_before(evaluation.id, version)
    counts, rows = _counts(evaluation.id, scheme.levels), []
    for school in (school for school in items if school in shown):
        found = own_records(
            _matrix([counts[item.id] for item in items[school]], scheme.levels),
            scheme,
            target_shown=shown[school],
            earlier=[earlier[school, item.position] for item in items[school]],
        )
        rows += [
            {
                "version": version,
                "school_code": school,
                "position": item.position,
                "document": {
                    "code": item_code(item.position),
                    "zh": item.zh,
                    "en": item.en,
                    "withheld": reason,
                    "record": record,
                },
            }
            for item, (reason, record) in zip(items[school], found, strict=True)
        ]
    return rows


def _items_by_school(campaign_id: int) -> dict[str, list[SchoolItem]]:
    found: dict[str, list[SchoolItem]] = defaultdict(list)
    query = select(SchoolItem).where(SchoolItem.campaign_id == campaign_id, SchoolItem.state == APPROVED)
    for item in db.session.scalars(query.order_by(SchoolItem.school_code, SchoolItem.position)):
        found[item.school_code].append(item)
    return dict(found)


def _counts(evaluation_id: int, levels: Sequence[int]) -> dict[int, dict[int, int]]:
    """Return {item id: {level: n}} of the stored counts."""
    found: dict[int, dict[int, int]] = defaultdict(lambda: dict.fromkeys((0, *levels), 0))
    for row in db.session.scalars(select(SchoolItemCount).where(SchoolItemCount.evaluation_id == evaluation_id)):
        found[row.item_id][row.level] = row.n
    return found


def _matrix(counts: Sequence[Mapping[int, int]], levels: Sequence[int]) -> "Ints":
    import numpy as np

    return np.array([[one[level] for level in (0, *levels)] for one in counts], dtype=np.int64)


def _shown_before(evaluation_id: int, version: int) -> dict[tuple[str, int], list[int]]:
    """Return the n that earlier versions showed, by school and position."""
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    query = select(CubeSchoolItem).where(CubeSchoolItem.evaluation_id == evaluation_id)
    for row in db.session.scalars(query.where(CubeSchoolItem.version < version)):
        if row.document["record"]["n"] is not None:
            found[row.school_code, row.position].append(row.document["record"]["n"])
    return found
