"""What an officer should do next with a campaign, and taking that step: at once, or as a job when it is long."""

from dataclasses import dataclass

from survey.errors import Conflict
from survey.queries.approvals import Approval
from survey.queries.campaigns import CampaignRow, find_campaign
from survey.queries.jobs import JobRow, unfinished_job
from survey.queries.sealed_boxes import find_box
from survey.services import approvals
from survey.services.campaigns import (
    SECOND_PERSON,
    STATES,
    TOKENS,
    TRANSITIONS,
    Readiness,
    find_step,
    move_campaign,
    readiness,
)
from survey.services.jobs import queue_job
from survey.services.punctuation import in_a_row
from survey.services.sealed_boxes import refuse_unopened

PREPARING = ("draft", "ready")


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """Where a campaign stands.

    steps: every state with done, now or todo. readiness: only before the opening. wanted: the next state, "" after the
    last. action: what comes first; a state to move to, `slips`, or `key` and `unseal` of a sealed box. job: a step or
    a print that is under way.
    """

    campaign: CampaignRow
    steps: tuple[tuple[str, str], ...]
    readiness: Readiness | None
    wanted: str
    action: str
    job: JobRow | None


def guide(campaign: CampaignRow) -> Guidance:
    """Return the next step of a campaign, and before the opening what is missing."""
    wanted = next((after for before, after in TRANSITIONS if before == campaign.state), "")
    return Guidance(
        campaign=campaign,
        steps=_steps(campaign.state),
        readiness=readiness(campaign.id) if campaign.state in PREPARING else None,
        wanted=wanted,
        action=_before(campaign) or wanted,
        job=unfinished_job("move_campaign", campaign=campaign.id)
        or unfinished_job("print_slips", campaign=campaign.id)
        or unfinished_job("void_unit", campaign=campaign.id)
        or unfinished_job("correct_release", campaign=campaign.id)
        or unfinished_job("delete_campaign", campaign=campaign.id),
    )


def _before(campaign: CampaignRow) -> str:
    """Return what comes before the next state, "" when nothing does."""
    if campaign.state == "ready" and not campaign.slips_made:
        return "slips"
    box = find_box(campaign.id) if campaign.sealed else None
    if campaign.sealed and campaign.state == "draft" and not (box and box.ready):
        return "key"
    return "unseal" if box and campaign.state == "closed" and not box.opened else ""


def _steps(state: str) -> tuple[tuple[str, str], ...]:
    place = STATES.index(state)
    return tuple(
        (name, "done" if number < place else "now" if number == place else "todo") for number, name in enumerate(STATES)
    )


def hold_step(campaign_id: int, wanted: str, *, actor: str) -> Approval | None:
    """Return the request that a step waits for in a campaign of two persons, asked for now if need be; else None.

    Raises NotFound, BadInput, Conflict, Forbidden; a step that cannot be taken anyway is not asked for.
    """
    campaign = find_campaign(campaign_id)
    find_step(campaign.state, wanted)
    if wanted not in SECOND_PERSON or not approvals.needs_second(campaign):
        return None
    if wanted == "open" and (missing := readiness(campaign_id).missing):
        raise Conflict(in_a_row(missing))
    return approvals.hold(campaign, SECOND_PERSON[wanted], actor)


def take_step(campaign_id: int, wanted: str, *, actor: str) -> int | None:
    """Move the campaign now and return None, or queue a long step and return its job (the one under way, if any).

    Raises NotFound, BadInput, Conflict.
    """
    campaign = find_campaign(campaign_id)
    step = find_step(campaign.state, wanted)
    if wanted == "tallied":
        refuse_unopened(campaign_id)
    # The keys of a county's electorates take a minute or two.
    if not step.long and not (wanted == "ready" and campaign.anonymity == TOKENS):
        move_campaign(campaign_id, wanted, actor=actor)
        return None
    under_way = unfinished_job("move_campaign", campaign=campaign_id)
    if under_way:
        return under_way.id
    return queue_job("move_campaign", {"campaign": campaign_id, "state": wanted}, actor=actor)
