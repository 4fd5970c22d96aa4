"""Campaigns (测评活动): creating one from the roster, and its way through the states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.instruments.questionnaires import questionnaire_from_json
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup, Target
from survey.models.instruments import QuestionnaireVersion
from survey.models.organisations import RosterVersion
from survey.services import approvals, audit, comments, mixing, school_items, sealed_boxes, tokens
from survey.services.ballots import ALL_TARGETS, today
from survey.services.comment_preparation import prepare_comments, store_comments
from survey.services.electorates import RelationPlan, load_roster, plan_five, with_tokens
from survey.services.instruments import newest_version
from survey.services.punctuation import in_a_row
from survey.services.schemes import find_scheme, freeze_scheme

TEMPLATES = {"five": plan_five}
STATES = ("draft", "ready", "open", "closed", "tallied", "released", "archived")
DEFAULT_DAYS = 14
# State -> the step that a second person confirms in a campaign made so.
SECOND_PERSON = {"open": "open", "released": "release"}
# Values of a campaign's `anonymity`.
SLIPS, TOKENS = "slips", "tokens"


@dataclass(frozen=True, kw_only=True)
class CreatedEvaluation:
    """What `create_campaign` made of one relation."""

    id: int
    relation: str
    questionnaire: str
    groups: int
    slips: int
    targets: int


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What stands in the way of opening (`missing`), and what the officer should know (`notes`)."""

    missing: tuple[str, ...]
    notes: tuple[str, ...]


def create_campaign(
    *,
    name: str,
    year: int,
    template: str,
    first_day: date | None,
    last_day: date | None,
    actor: str,
    schemes: Mapping[str, str] | None = None,
    sealed: bool = False,
    two_person: bool = False,
    tokens: bool = False,
) -> tuple[int, list[CreatedEvaluation]]:
    """Make a draft campaign with its evaluations, groups and targets from the roster as it stands.

    Days are of Asia/Shanghai; without them the campaign lasts two weeks from today. schemes: relation -> scheme id;
    without one the questionnaire's own. sealed: ballots stay encrypted until two trustees open the box (密封票箱);
    nothing changes that later. tokens: teachers and principals vote by blind-signed tokens (盲签票). two_person: grave
    steps need a second account in the browser (`services.approvals`). Raises BadInput, Conflict (empty roster).
    """
    name = name.strip()
    if not name or len(name) > 200:
        raise BadInput(_("A campaign needs a name of at most 200 characters."))
    if template not in TEMPLATES:
        raise BadInput(_("There is no template %(name)s; there is: %(known)s.", name=template, known="five"))
    if not 2000 <= year <= 2100:
        raise BadInput(_("The year must lie between 2000 and 2100."))
    first_day, last_day = _days(first_day, last_day)
    with transaction() as session:
        campaign = Campaign(
            name=name, year=year, template=template, first_day=first_day, last_day=last_day, sealed=sealed
        )
        campaign.anonymity = TOKENS if tokens else SLIPS
        campaign.two_person = two_person
        session.add(campaign)
        session.flush()
        made = _build(session, campaign, schemes or {})
        audit.record(session, actor=actor, action="campaign.create", subject=f"campaign {campaign.id}")
        return campaign.id, made


def _days(first_day: date | None, last_day: date | None) -> tuple[date, date]:
    if first_day is None:
        first_day = today() if last_day is None else min(today(), last_day)
    if last_day is None:
        last_day = first_day + timedelta(days=DEFAULT_DAYS - 1)
    if last_day < first_day:
        raise BadInput(_("The last day %(last)s lies before the first day %(first)s.", last=last_day, first=first_day))
    return first_day, last_day


def rebuild_campaign(campaign_id: int, *, actor: str) -> list[CreatedEvaluation]:
    """Make the groups and targets of a draft anew from the roster as it stands now; the schemes stay as chosen."""
    with transaction() as session:
        campaign = _find(session, campaign_id, lock=True)
        if campaign.state != "draft" or campaign.slips_made:
            raise Conflict(_("Only a draft can be rebuilt from the roster."))
        ids = select(Evaluation.id).where(Evaluation.campaign_id == campaign_id)
        groups = select(RaterGroup.id).where(RaterGroup.evaluation_id.in_(ids))
        session.execute(delete(GroupCount).where(GroupCount.group_id.in_(groups)))
        session.execute(delete(RaterGroup).where(RaterGroup.evaluation_id.in_(ids)))
        session.execute(delete(Target).where(Target.evaluation_id.in_(ids)))
        rows = session.execute(select(Evaluation.relation, Evaluation.scheme).where(Evaluation.id.in_(ids))).all()
        session.execute(delete(Evaluation).where(Evaluation.campaign_id == campaign_id))
        session.expire_all()
        made = _build(session, _find(session, campaign_id), {relation: scheme["id"] for relation, scheme in rows})
        audit.record(session, actor=actor, action="campaign.rebuild", subject=f"campaign {campaign_id}")
        return made


def _build(session: Session, campaign: Campaign, schemes: Mapping[str, str]) -> list[CreatedEvaluation]:
    plans = TEMPLATES[campaign.template](load_roster(session))
    if campaign.anonymity == TOKENS:
        plans = with_tokens(plans)
    if not any(plan.groups for plan in plans if plan.relation != "public_education"):
        raise Conflict(_("The roster is empty: import it first."))
    campaign.roster_version = session.scalar(select(func.max(RosterVersion.id))) or 0
    return [_build_evaluation(session, campaign, plan, schemes.get(plan.relation, "")) for plan in plans]


def _build_evaluation(session: Session, campaign: Campaign, plan: RelationPlan, scheme_id: str) -> CreatedEvaluation:
    questionnaire = newest_version(session, plan.questionnaire)
    if questionnaire is None:
        raise Conflict(_("The questionnaire %(code)s is not loaded.", code=plan.questionnaire))
    value = questionnaire_from_json(questionnaire.document)
    scheme = freeze_scheme(find_scheme(scheme_id or value.scheme), value)
    evaluation = Evaluation(
        campaign_id=campaign.id, relation=plan.relation, questionnaire_id=questionnaire.id, scheme=scheme
    )
    session.add(evaluation)
    session.flush()
    _insert_groups(session, plan, evaluation.id, _insert_targets(session, plan, evaluation.id))
    return CreatedEvaluation(
        id=evaluation.id,
        relation=plan.relation,
        questionnaire=questionnaire.code,
        groups=len(plan.groups),
        slips=sum(group.enrolled for group in plan.groups if group.kind == "slip"),
        targets=len(plan.shown_targets),
    )


def _insert_targets(session: Session, plan: RelationPlan, evaluation_id: int) -> dict[str, int]:
    """Insert the targets in the plan's order; return their ids by code."""
    if plan.targets:
        session.execute(insert(Target), [{"evaluation_id": evaluation_id, **vars(target)} for target in plan.targets])
    rows = session.execute(select(Target.code, Target.id).where(Target.evaluation_id == evaluation_id))
    return {row.code: row.id for row in rows}


def _insert_groups(session: Session, plan: RelationPlan, evaluation_id: int, target_ids: dict[str, int]) -> None:
    columns = ("code", "name", "kind", "school_code", "grade", "variant", "enrolled")
    rows = [
        {"evaluation_id": evaluation_id, **{column: getattr(group, column) for column in columns}}
        for group in plan.groups
    ]
    if not rows:
        return
    session.execute(insert(RaterGroup), rows)
    ids = dict(
        session.execute(select(RaterGroup.code, RaterGroup.id).where(RaterGroup.evaluation_id == evaluation_id)).all()
    )
    counts = []
    for group in plan.groups:
        pages = [(ALL_TARGETS, "")] if group.whole else [(target_ids[c], d) for c, d in group.pages.items()]
        counts += [
            {"group_id": ids[group.code], "target_id": target, "position": position, "detail": detail}
            for position, (target, detail) in enumerate(pages)
        ]
    session.execute(insert(GroupCount), counts)


def readiness(campaign_id: int) -> Readiness:
    """Return what is missing before the campaign may be opened, and what is left out and why."""
    session = db.session()
    return _readiness(session, _find(session, campaign_id))


def _readiness(session: Session, campaign: Campaign) -> Readiness:
    missing: list[str] = []
    notes: list[str] = []
    if sealed_boxes.lacks_key(session, campaign):
        missing.append(_("The sealed box has no key yet: hand the three shares to the trustees first."))
    if campaign.last_day < today():
        missing.append(_("The last day %(day)s is over: choose later days.", day=campaign.last_day))
    newest = session.scalar(select(func.max(RosterVersion.id))) or 0
    if campaign.template in TEMPLATES:
        for plan in TEMPLATES[campaign.template](load_roster(session)):
            notes += plan.findings
    if newest > campaign.roster_version:
        notes.append(_("The roster was imported again after this campaign was made; rebuild it to use the new one."))
    waiting = school_items.undecided(session, campaign.id)
    if waiting:
        notes.append(
            _("%(number)s own items of schools wait for a decision; at the opening they are left out.", number=waiting)
        )
    return Readiness(missing=tuple(missing), notes=tuple(notes))


def set_days(campaign_id: int, *, first_day: date, last_day: date, actor: str) -> None:
    """Change the days before the close; an extension of an open campaign is audited like everything."""
    first_day, last_day = _days(first_day, last_day)
    with transaction() as session:
        campaign = _find(session, campaign_id, lock=True)
        if campaign.state not in ("draft", "ready", "open"):
            raise Conflict(_("The days of a closed campaign cannot be changed."))
        if campaign.state == "open" and last_day < today():
            raise BadInput(_("The last day %(day)s is over: choose later days.", day=last_day))
        detail = {"first_day": str(first_day), "last_day": str(last_day)}
        campaign.first_day, campaign.last_day = first_day, last_day
        audit.record(session, actor=actor, action="campaign.days", subject=f"campaign {campaign_id}", detail=detail)


def _make_ready(session: Session, campaign: Campaign, new_keys: Any) -> None:
    _refuse_unready(session, campaign)
    tokens.store_keys(session, campaign.id, new_keys)


def _refuse_unready(session: Session, campaign: Campaign) -> None:
    missing = _readiness(session, campaign).missing
    if missing:
        raise Conflict(in_a_row(missing))


def _open(session: Session, campaign: Campaign, _prepared: Any) -> None:
    _refuse_unready(session, campaign)
    used = select(Evaluation.questionnaire_id).where(Evaluation.campaign_id == campaign.id)
    session.execute(update(QuestionnaireVersion).where(QuestionnaireVersion.id.in_(used)).values(frozen=True))


def _close(session: Session, campaign: Campaign, _prepared: Any) -> None:
    # First the state, then the mix: no page can arrive behind it (PostgreSQL waits here for casts under way).
    campaign.state = "closed"
    session.flush()
    tokens.forget_keys(session, campaign.id)
    mixing.mix_all(session.connection(), campaign.id)


def _count(campaign_id: int) -> Any:
    from survey.services.integrity import monitor_campaign
    from survey.services.tallies import count_campaign

    return count_campaign(campaign_id), monitor_campaign(campaign_id), prepare_comments(campaign_id)


def _store_tallies(session: Session, _campaign: Campaign, prepared: Any) -> None:
    from survey.services.integrity import store_findings
    from survey.services.tallies import store_tallies

    counted, monitored, written = prepared
    store_tallies(session, counted)
    store_findings(session, monitored)
    store_comments(session, written)


def _evaluate(campaign_id: int) -> Any:
    from survey.services.methods import with_method
    from survey.services.release import evaluate_campaign

    return with_method(evaluate_campaign(campaign_id))


def _store_cube(session: Session, campaign: Campaign, cubes: Any) -> None:
    from survey.services.release import store_cubes

    store_cubes(session, campaign.id, cubes)


def _archive(session: Session, campaign: Campaign, _prepared: Any) -> None:
    comments.forget_unsettled(session, campaign.id)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A transition: `prepare` computes without a lock, `act` writes inside the step's transaction.

    long: done by the worker process, or on the console; never in a web process.
    """

    act: Callable[[Session, Campaign, Any], None]
    prepare: Callable[[int], Any] | None = None
    long: bool = False


TRANSITIONS = {
    ("draft", "ready"): Step(act=_make_ready, prepare=tokens.make_keys),
    ("ready", "open"): Step(act=_open),
    ("open", "closed"): Step(act=_close, long=True),
    ("closed", "tallied"): Step(act=_store_tallies, prepare=_count, long=True),
    ("tallied", "released"): Step(act=_store_cube, prepare=_evaluate, long=True),
    ("released", "archived"): Step(act=_archive),
}


def find_step(state: str, wanted: str) -> Step:
    """Return the transition; raise BadInput for an unknown state, Conflict for a step the table does not know."""
    if wanted not in STATES:
        raise BadInput(
            _("There is no state %(state)s; the states are %(known)s.", state=wanted, known=", ".join(STATES))
        )
    step = TRANSITIONS.get((state, wanted))
    if step is None:
        raise Conflict(_("A campaign that is %(state)s cannot become %(wanted)s.", state=state, wanted=wanted))
    return step


def move_campaign(campaign_id: int, wanted: str, *, actor: str) -> None:
    """Take one step of the table. All or nothing, also when killed half-way.

    Raises NotFound, BadInput, Conflict, NeedsSecond (an account's step that no second person confirmed).
    """
    with transaction() as session:
        step = find_step(_find(session, campaign_id).state, wanted)
    if wanted == "tallied":
        sealed_boxes.refuse_unopened(campaign_id)
        # Done at the close already, unless that was cut short.
        mixing.cover_tracks()
    # What a closed campaign holds does not change any more: it may be computed before the lock is taken.
    prepared = step.prepare(campaign_id) if step.prepare else None
    with transaction() as session:
        campaign = _find(session, campaign_id, lock=True)
        step = find_step(campaign.state, wanted)
        if wanted in SECOND_PERSON:
            approvals.spend(session, campaign_id, SECOND_PERSON[wanted], actor=actor)
        step.act(session, campaign, prepared)
        campaign.state = wanted
        audit.record(session, actor=actor, action=f"campaign.{wanted}", subject=f"campaign {campaign_id}")
    if wanted == "closed":
        from survey.services.printing import forget_names

        forget_names(campaign_id)
        mixing.cover_tracks()


def overdue_campaigns() -> list[int]:
    """Return the ids of open campaigns whose last day is over."""
    query = select(Campaign.id).where(Campaign.state == "open", Campaign.last_day < today())
    return list(db.session.scalars(query))


def _find(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=lock)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    return campaign
