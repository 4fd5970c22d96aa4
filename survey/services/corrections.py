"""Correcting a release (更正): the version that is out is taken back, kept, and replaced by a new one.

A correction voids a unit whose ballots should never have counted, or sets a wrong name right; it can change no other
figure. The campaign goes back to the count (or to the release) and from there takes the usual steps, each under its
usual rules. The old version stays readable for the bureau, marked as superseded. What the new one may say beside it:
`analysis/versions.py`.
"""

from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Integer, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from survey.database import touched, transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.models.campaigns import Campaign, Evaluation, Target
from survey.models.comparisons import StoredComparison
from survey.models.corrections import SupersededEvaluation, SupersededRelease, SupersededTarget, SupersededUnit
from survey.models.publications import Publication
from survey.models.results import CubeEvaluation, CubePair, CubeTarget, CubeUnit
from survey.services import approvals, audit, voiding
from survey.services.ballots import today
from survey.services.voiding import Unit

MOST_NOTE = 300
MOST_NAME = 200
FEWEST_PAGES = 10
"""A correction takes so many pages away at least, or none."""


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """A wrong name of a target, or (`unit`) of a unit, under its code, and the right one."""

    relation: str
    code: str
    name: str
    unit: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a correction is to do: void a unit, set names right, or nothing but count anew. note: for everybody.

    reason: for the audit log, and of a voiding.
    """

    note: str
    reason: str
    unit: Unit | None = None
    names: tuple[Renamed, ...] = ()

    def asked(self) -> dict[str, Any]:
        """Return what a second person confirms, word for word."""
        return {
            "note": self.note.strip(),
            "reason": self.reason.strip(),
            "unit": vars(self.unit) if self.unit else None,
            "names": [asdict(name) for name in self.names],
        }


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The version that is to come, the pages that left the count, and the state from which the campaign goes on."""

    version: int
    pages: int
    state: str


def begin_correction(campaign_id: int, wanted: Wanted, *, actor: str) -> Begun:
    """Take back the version that is out, void and rename; the campaign is then closed (counted anew) or tallied.

    Raises NotFound, BadInput (texts, no such name), Conflict (not released, too few pages), NeedsSecond where no second
    person confirmed `wanted.asked()`. All or nothing.
    """
    check_texts(wanted)
    with transaction() as session:
        campaign = _released(session, campaign_id)
        approvals.spend(session, campaign_id, "correct", actor=actor, detail=wanted.asked())
        _supersede(session, campaign, actor)
        campaign.version, campaign.correction = campaign.version + 1, wanted.note.strip()
        for name in wanted.names:
            _rename(session, campaign_id, name)
        campaign.state = "tallied"
        pages = _void(session, campaign, wanted) if wanted.unit else 0
        detail = wanted.asked() | {"version": campaign.version, "pages": pages}
        audit.record(session, actor=actor, action="release.correct", subject=f"campaign {campaign_id}", detail=detail)
        begun = Begun(version=campaign.version, pages=pages, state=campaign.state)
    if wanted.unit:
        voiding.cover()
    return begun


def check_texts(wanted: Wanted) -> None:
    """Raise BadInput for a note, reason or name that is missing or too long."""
    if not 0 < len(wanted.note.strip()) <= MOST_NOTE:
        raise BadInput(_("A correction needs a note for everybody of at most %(most)s characters.", most=MOST_NOTE))
    voiding.check_reason(wanted.reason)
    if any(not 0 < len(name.name.strip()) <= MOST_NAME for name in wanted.names):
        raise BadInput(_("A name has at most %(most)s characters.", most=MOST_NAME))


def _released(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound(_("There is no campaign %(id)s.", id=campaign_id))
    if campaign.state != "released":
        raise Conflict(_("Only a released campaign can be corrected; this one is: %(state)s.", state=campaign.state))
    return campaign


def _supersede(session: Session, campaign: Campaign, actor: str) -> None:
    """Move the cube into the superseded versions; what else rests on it goes: comparisons, and what is public."""
    session.add(
        SupersededRelease(
            campaign_id=campaign.id, version=campaign.version, note=campaign.correction, day=today(), actor=actor
        )
    )
    mine = select(Evaluation.id).where(Evaluation.campaign_id == campaign.id)
    for cube, old in (
        (CubeEvaluation, SupersededEvaluation),
        (CubeTarget, SupersededTarget),
        (CubeUnit, SupersededUnit),
    ):
        names = [column.name for column in old.__table__.columns if column.name != "version"]
        rows = select(*(getattr(cube, name) for name in names), literal(campaign.version, Integer))
        session.execute(insert(old).from_select([*names, "version"], rows.where(cube.evaluation_id.in_(mine))))
    for model in (CubeTarget, CubeUnit, CubePair, CubeEvaluation, StoredComparison):
        session.execute(delete(model).where(model.evaluation_id.in_(mine)))
    taken_down = {"prepared": None, "digest": "", "published": None}
    session.execute(update(Publication).where(Publication.campaign_id == campaign.id).values(**taken_down))


def _void(session: Session, campaign: Campaign, wanted: Wanted) -> int:
    assert wanted.unit is not None
    done = voiding.void_groups(session, campaign, wanted.unit)
    if 0 < done.pages < FEWEST_PAGES:
        raise Conflict(
            _(
                "The unit has %(pages)s pages only. A correction takes at least %(least)s away, or the difference of "
                "the two versions would show how they were answered.",
                pages=done.pages,
                least=FEWEST_PAGES,
            )
        )
    return done.pages


def _rename(session: Session, campaign_id: int, wanted: Renamed) -> None:
    relation = (Evaluation.campaign_id == campaign_id) & (Evaluation.relation == wanted.relation)
    targets = Target.evaluation_id.in_(select(Evaluation.id).where(relation))
    found = Target.unit if wanted.unit else Target.code
    column = "unit_name" if wanted.unit else "name"
    change = update(Target).where(targets, found == wanted.code).values(**{column: wanted.name.strip()})
    if not touched(session, change):
        raise BadInput(
            _("%(relation)s has nothing with the code %(code)s.", relation=wanted.relation, code=wanted.code)
        )
