"""A rated person replies to her own released results (本人说明): every version is kept, the newest one is shown."""

from flask_babel import gettext as _
from sqlalchemy import func, select

from survey.database import transaction
from survey.errors import BadInput, Conflict
from survey.models.campaigns import Campaign
from survey.models.target_replies import TargetReply
from survey.queries.own_results import find_own
from survey.services import audit
from survey.services.ballots import today
from survey.services.comment_masks import forbidden_parts

MOST_TEXT = 1000
MOST_VERSIONS = 50


def write_reply(staff_code: str, campaign_id: int, relation: str, text: str, *, actor: str) -> int:
    """Keep a new version of the reply and return its number; the same text again changes nothing, "" takes it back.

    Raises NotFound (not her results, or not released), Conflict (archived, or too often), BadInput (too long, a number
    of a person in it).
    """
    text = text.strip()
    if len(text) > MOST_TEXT:
        raise BadInput(_("The reply may have at most %(most)s characters.", most=MOST_TEXT))
    if forbidden_parts(text):
        raise BadInput(_("Please write no telephone, identity or account numbers: the reply is printed in the report."))
    with transaction() as session:
        own = find_own(staff_code, campaign_id, relation)
        # Locked, so that two windows make two versions.
        campaign = session.get(Campaign, campaign_id, with_for_update=True)
        if campaign is None or campaign.state != "released":
            raise Conflict(_("The campaign is archived: replies can no longer be changed."))
        mine = (TargetReply.evaluation_id == own.head.id) & (TargetReply.target_code == own.row.code)
        last = session.scalar(select(func.max(TargetReply.version)).where(mine)) or 0
        known = session.get(TargetReply, (own.head.id, own.row.code, last))
        if text == (known.text if known else ""):
            return last
        if last >= MOST_VERSIONS:
            raise Conflict(_("This reply was changed too often. Please speak with the bureau."))
        version = last + 1
        key = {"evaluation_id": own.head.id, "target_code": own.row.code, "version": version}
        session.add(TargetReply(**key, text=text, day=today()))
        subject = f"campaign {campaign_id}"
        detail = {"relation": relation, "target": own.row.code, "version": version}
        audit.record(session, actor=actor, action="reply.write", subject=subject, detail=detail)
        return version
