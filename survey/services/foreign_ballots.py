"""Foreign ballots: somebody else's table as a released campaign, through the same tally and release."""

import secrets
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput
from survey.instruments.questionnaires import (
    RELATIONS,
    Dimension,
    Item,
    Level,
    Questionnaire,
    Text,
    Variant,
    questionnaire_to_json,
)
from survey.models.ballots import ballot
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.instruments import QuestionnaireVersion
from survey.services import audit
from survey.services.ballots import today
from survey.services.campaigns import move_campaign

if TYPE_CHECKING:
    from survey.analysis.scoring import Scheme
    from survey.analysis.tables import ForeignBallots

CHUNK = 5000


def import_foreign_ballots(
    file: Path,
    *,
    campaign_name: str,
    relation: str,
    target: str,
    unit: str | None,
    items: str,
    levels: str,
    year: int | None = None,
    actor: str,
) -> dict[str, int]:
    """Load a table of ballots as a released campaign; return its id and counts. Raises BadInput naming the place."""
    from survey.analysis.tables import Columns, foreign_scheme, parse_items, parse_levels, read_foreign_ballots

    if relation not in RELATIONS:
        known = ", ".join(RELATIONS)
        raise BadInput(_("There is no relation %(name)s; there are: %(known)s.", name=relation, known=known))
    bounds = parse_levels(levels)
    columns = Columns(target=target, items=parse_items(items), unit=unit)
    foreign = read_foreign_ballots(file, columns, levels=bounds)
    scheme = foreign_scheme(bounds)
    with transaction() as session:
        campaign = _campaign(session, campaign_name, year or today().year)
        _insert(session, campaign, foreign, relation=relation, scheme=scheme)
        audit.record(session, actor=actor, action="campaign.import", subject=f"campaign {campaign.id}")
        campaign_id = campaign.id
    for state in ("tallied", "released"):
        move_campaign(campaign_id, state, actor=actor)
    return {
        "campaign": campaign_id,
        "ballots": len(foreign.answers),
        "targets": len(foreign.targets),
        "units": len({name for name in foreign.units if name}),
    }


def _campaign(session: Session, name: str, year: int) -> Campaign:
    if not name.strip() or len(name) > 200:
        raise BadInput(_("A campaign needs a name of at most 200 characters."))
    day: date = today()
    campaign = Campaign(name=name.strip(), year=year, template="imported", first_day=day, last_day=day, state="closed")
    session.add(campaign)
    session.flush()
    return campaign


def _insert(
    session: Session, campaign: Campaign, foreign: "ForeignBallots", *, relation: str, scheme: "Scheme"
) -> None:
    evaluation = Evaluation(
        campaign_id=campaign.id,
        relation=relation,
        questionnaire_id=_questionnaire(session, foreign.items, scheme),
        scheme=scheme.to_json(),
    )
    session.add(evaluation)
    session.flush()
    group = RaterGroup(evaluation_id=evaluation.id, code=f"I-{campaign.id}", name=campaign.name, kind="import")
    session.add(group)
    session.execute(insert(Target), list(_targets(evaluation.id, foreign)))
    session.flush()
    ids = dict(session.execute(select(Target.code, Target.id).where(Target.evaluation_id == evaluation.id)).all())
    _insert_ballots(session, foreign, group, [ids[code] for code in foreign.targets], scheme)


def _targets(evaluation_id: int, foreign: "ForeignBallots") -> Iterable[dict[str, Any]]:
    for code, unit in zip(foreign.targets, foreign.units, strict=True):
        yield {"evaluation_id": evaluation_id, "code": code, "name": code, "unit": unit, "unit_name": unit}


def _questionnaire(session: Session, items: tuple[str, ...], scheme: "Scheme") -> int:
    """Insert a questionnaire that knows the foreign items by their column names only; return its id."""
    version = (session.scalar(select(func.max(QuestionnaireVersion.version)).filter_by(code="imported")) or 0) + 1
    questionnaire = _foreign_questionnaire(items, scheme, version)
    row = QuestionnaireVersion(
        code="imported",
        version=version,
        document=questionnaire_to_json(questionnaire),
        frozen=True,
    )
    session.add(row)
    session.flush()
    return row.id


def _foreign_questionnaire(items: tuple[str, ...], scheme: "Scheme", version: int) -> Questionnaire:
    """Return a questionnaire whose wordings are the column names; it is only read, never answered."""
    title = Text(zh="导入的答卷", en="Imported ballots")
    texts = {name: Text(zh=name, en=name) for name in items}
    return Questionnaire(
        code="imported",
        version=version,
        relation="",
        scale="imported",
        scheme=scheme.id,
        comment="none",
        minutes=1,
        title=title,
        intro=title,
        target_noun=Text(zh="对象", en="target"),
        dimensions=(Dimension(code="all", text=Text(zh="全部项目", en="All items")),),
        items=tuple(Item(code=name, dimension="all", text=text) for name, text in texts.items()),
        variants={"": Variant(code="", title=None, faces=False, comment="none", items=texts)},
        chips=(),
        levels=tuple(_level(value) for value in range(max(scheme.levels), 0, -1)),
        no_opinion=_level(0),
    )


def _level(value: int) -> Level:
    text = Text(zh=str(value), en=str(value)) if value else Text(zh="不了解", en="No opinion")
    return Level(value=value, text=text, child_text=text, face="·")


def _insert_ballots(
    session: Session,
    foreign: "ForeignBallots",
    group: RaterGroup,
    target_ids: list[int],
    scheme: "Scheme",
) -> None:
    import numpy as np

    from survey.analysis.careless import careless_flags

    flags = careless_flags(foreign.answers, scheme)
    rows = sorted(
        (secrets.token_bytes(16), target_ids[t], answers.tobytes(), int(flag))
        for t, answers, flag in zip(foreign.target, foreign.answers, flags, strict=True)
    )
    for start in range(0, len(rows), CHUNK):
        session.execute(
            insert(ballot),
            [
                {
                    "id": key,
                    "evaluation_id": group.evaluation_id,
                    "group_id": group.id,
                    "target_id": about,
                    "answers": answers,
                    "flag": flag,
                }
                for key, about, answers, flag in rows[start : start + CHUNK]
            ],
        )
    pages = np.bincount(foreign.target, minlength=len(target_ids))
    counts = [
        {"group_id": group.id, "target_id": about, "position": place, "cast": int(n), "mixed": int(n)}
        for place, (about, n) in enumerate(zip(target_ids, pages, strict=True))
    ]
    session.execute(insert(GroupCount), counts)
