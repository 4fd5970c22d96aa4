"""A throw-away county: a roster of classes only, and open campaigns whose parents' slips the load votes with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask
from sqlalchemy import insert, select, update

from survey import create_app
from survey.config import Config
from survey.database import transaction
from survey.extensions import db
from survey.instruments.questionnaires import Item, Questionnaire, ready_questionnaires
from survey.models.campaigns import Evaluation
from survey.models.organisations import RosterVersion, School, SchoolClass
from survey.services import instances
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import new_version
from survey.services.slips import issue_slips

ACTOR = "bench"
SCHOOLS = 20
RELATION = "parent_school"


@dataclass(frozen=True, kw_only=True)
class County:
    """An instance; `password` is the officer's first one."""

    config: Config
    password: str

    @contextmanager
    def app(self) -> Iterator[Flask]:
        """Open the application on the instance in this process; connections are closed at the end."""
        app = create_app(self.config)
        app.config.update(WTF_CSRF_ENABLED=False)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


@dataclass(frozen=True, kw_only=True)
class Election:
    """An open campaign of parents: the codes of each class, unused."""

    campaign_id: int
    codes: tuple[tuple[str, ...], ...]


def make_county(folder: Path, *, classes: list[int], database_url: str = "") -> County:
    """Make an instance whose classes have these sizes, over 20 schools in turn."""
    config = Config(instance=folder, database_url=database_url)
    instances.prepare_folder(config)
    county = County(config=config, password="")
    with county.app():
        made = instances.init_instance("officer")
        with transaction() as session:
            for number in range(min(SCHOOLS, len(classes))):
                session.add(
                    School(code=f"{number:03}", name=f"第{number}小学", district=f"{number % 4}学区", stage="小学")
                )
            session.flush()
            rows = [
                {"school_code": f"{place % SCHOOLS:03}", "grade": "三年级", "name": f"{place}班", "size": size}
                for place, size in enumerate(classes)
            ]
            session.execute(insert(SchoolClass), rows)
            session.add(RosterVersion(imported_on="2026-01-01", imported_by=ACTOR, added=1, changed=0, removed=0))
    return replace(county, password=made.first_password)


def hold_election(items: int) -> Election:
    """Open a campaign whose parents answer `items` items (10: the shipped questionnaire), and issue its slips."""
    number, _made = create_campaign(
        name=f"{items} 项", year=2026, template="five", first_day=None, last_day=None, actor=ACTOR
    )
    with transaction() as session:
        questionnaire = next(q for q in ready_questionnaires() if q.code == RELATION)
        if items != len(questionnaire.items):
            version = new_version(_lengthened(questionnaire, items))
            session.add(version)
            session.flush()
            mine = (Evaluation.campaign_id == number) & (Evaluation.relation == RELATION)
            session.execute(update(Evaluation).where(mine).values(questionnaire_id=version.id))
    for state in ("ready", "open"):
        move_campaign(number, state, actor=ACTOR)
    groups = issue_slips(number, actor=ACTOR)
    return Election(campaign_id=number, codes=tuple(g.codes for g in groups if g.relation == RELATION and g.codes))


def evaluation_of(campaign_id: int) -> int:
    """Return the id of the parents' evaluation."""
    mine = (Evaluation.campaign_id == campaign_id) & (Evaluation.relation == RELATION)
    return db.session.scalars(select(Evaluation.id).where(mine)).one()


def _lengthened(questionnaire: Questionnaire, items: int) -> Questionnaire:
    """Return the questionnaire with this many items, the shipped wordings in turn."""
    known = questionnaire.items
    longer = tuple(
        Item(code=f"B{n:02}", dimension=known[n * len(known) // items].dimension, text=known[n % len(known)].text)
        for n in range(items)
    )
    full = replace(questionnaire.variants[""], items={item.code: item.text for item in longer})
    return replace(questionnaire, version=items, items=longer, variants={"": full})
