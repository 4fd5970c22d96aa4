"""Reads of schools' own items (校本题目): what a ballot asks, what was proposed, what was released."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Connection, Select, select

from survey.errors import NotFound
from survey.extensions import db
from survey.instruments.questionnaires import Text
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.organisations import School
from survey.models.results import CubeEvaluation
from survey.models.school_items import CubeSchoolItem, SchoolItem
from survey.queries.outside import outside_item

RELATION = "parent_school"
PROPOSED, APPROVED, RETURNED = "proposed", "approved", "returned"
# Until the opening a school may propose and the bureau decide.
OPEN_STATES = ("draft", "ready")


@dataclass(frozen=True, kw_only=True)
class OwnItem:
    """An approved item as a ballot asks it; the code says that it is none of the bureau's."""

    code: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class SchoolItemRow:
    """One item as the desk sees it."""

    id: int
    campaign_id: int
    school_code: str
    school: str
    position: int
    zh: str
    en: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AskedCampaign:
    """A campaign in which a school's parents vote; open: items may still be proposed and decided."""

    id: int
    name: str
    state: str
    first_day: date
    last_day: date

    @property
    def open(self) -> bool:
        """Whether items may still change."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, kw_only=True)
class ReleasedItem:
    """The released figures of an own item; withheld: why there are none, or None. record: as items of the cube."""

    code: str
    text: Text
    withheld: str | None
    record: Mapping[str, Any]


def item_code(position: int) -> str:
    """Return the code under which an own item stands on the ballot: OWN1, OWN2."""
    return f"OWN{position}"


def wording(zh: str, en: str) -> Text:
    """Return the text of an item; without an English one the Chinese stands in both languages."""
    return Text(zh=zh, en=en or zh)


def approved_items(connection: Connection, campaign_id: int, school_code: str) -> tuple[OwnItem, ...]:
    """Return a school's approved items in the order in which a page packs their answers."""
    rows = connection.execute(
        select(SchoolItem.position, SchoolItem.zh, SchoolItem.en)
        .where(SchoolItem.campaign_id == campaign_id, SchoolItem.school_code == school_code)
        .where(SchoolItem.state == APPROVED)
        .order_by(SchoolItem.position)
    )
    return tuple(OwnItem(code=item_code(row.position), text=wording(row.zh, row.en)) for row in rows)


def list_items(campaign_id: int, school_code: str | None = None) -> list[SchoolItemRow]:
    """Return the items proposed in a campaign, of one school or of all, by school."""
    query = (
        select(SchoolItem, School.name)
        .outerjoin(School, School.code == SchoolItem.school_code)
        .where(SchoolItem.campaign_id == campaign_id)
        .order_by(SchoolItem.school_code, SchoolItem.position)
    )
    if school_code is not None:
        query = query.where(SchoolItem.school_code == school_code)
    return [_row(item, name) for item, name in db.session.execute(query)]


def find_item(campaign_id: int, item_id: int, school_code: str | None = None) -> SchoolItemRow:
    """Return one item, of this school if one is named; raises NotFound."""
    found = next((row for row in list_items(campaign_id, school_code) if row.id == item_id), None)
    if found is None:
        raise NotFound(_("This page does not exist."))
    return found


def _row(item: SchoolItem, school: str | None) -> SchoolItemRow:
    columns = ("id", "campaign_id", "school_code", "position", "zh", "en", "state", "reason")
    return SchoolItemRow(school=school or item.school_code, **{name: getattr(item, name) for name in columns})


def asked_campaigns(school_code: str) -> list[AskedCampaign]:
    """Return the campaigns in which parents rate a school, the newest first."""
    return [_asked(row) for row in db.session.execute(_campaigns(school_code).order_by(Campaign.id.desc()))]


def asked_campaign(campaign_id: int, school_code: str) -> AskedCampaign:
    """Return one of `asked_campaigns`; raises NotFound."""
    row = db.session.execute(_campaigns(school_code).where(Campaign.id == campaign_id)).one_or_none()
    if row is None:
        raise NotFound(_("This page does not exist."))
    return _asked(row)


def _campaigns(school_code: str) -> Select[int, str, str, date, date]:
    return (
        select(Campaign.id, Campaign.name, Campaign.state, Campaign.first_day, Campaign.last_day)
        .join(Evaluation, Evaluation.campaign_id == Campaign.id)
        .join(Target, Target.evaluation_id == Evaluation.id)
        .where(Evaluation.relation == RELATION, Target.school_code == school_code, Target.left_out.is_(None))
    )


def _asked(row: Any) -> AskedCampaign:
    return AskedCampaign(**row._mapping)


def released_items(campaign_id: int, school_code: str, *, outsider: bool) -> list[ReleasedItem]:
    """Return the released figures of a school's own items. outsider: as the school reads them, coarser.

    Whoever calls this answers for showing them to that school and the bureau only.
    """
    rows = db.session.scalars(
        select(CubeSchoolItem.document)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == CubeSchoolItem.evaluation_id)
        .where(CubeSchoolItem.version == CubeEvaluation.version, CubeEvaluation.campaign_id == campaign_id)
        .where(CubeSchoolItem.school_code == school_code)
        .order_by(CubeSchoolItem.position)
    )
    return [_released(document, outsider=outsider) for document in rows]


def _released(document: Mapping[str, Any], *, outsider: bool) -> ReleasedItem:
    record = document["record"]
    return ReleasedItem(
        code=document["code"],
        text=wording(document["zh"], document["en"]),
        withheld=document["withheld"],
        record=outside_item(record) if outsider and record["n"] is not None else record,
    )
