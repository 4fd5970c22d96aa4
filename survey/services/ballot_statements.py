"""The statements of the ballot path: each is compiled once and then runs on the driver itself."""

from sqlalchemy import bindparam, insert, literal, select, text, update

from survey.database import Statement
from survey.models.ballots import cast_mark, inbox, slip
from survey.models.campaigns import Campaign, Evaluation, GroupCount, RaterGroup

FIND = (
    select(
        RaterGroup.id.label("group_id"),
        Campaign.state,
        Campaign.first_day,
        Campaign.last_day,
        cast_mark.c.target_id,
        cast_mark.c.form,
    )
    .join(Evaluation, Evaluation.id == RaterGroup.evaluation_id)
    .join(Campaign, Campaign.id == Evaluation.campaign_id)
)
SLIP = (
    FIND.add_columns(slip.c.voided)
    .join(slip, slip.c.group_id == RaterGroup.id)
    .outerjoin(cast_mark, cast_mark.c.hmac == slip.c.hmac)
    .where(slip.c.hmac == bindparam("key"))
)
# As above, for whoever's group is known: what lies between it and the campaign is not looked up once more.
HELD = (
    select(
        slip.c.group_id,
        Campaign.state,
        Campaign.first_day,
        Campaign.last_day,
        cast_mark.c.target_id,
        cast_mark.c.form,
        slip.c.voided,
    )
    .select_from(slip)
    .join(Campaign, Campaign.id == bindparam("campaign"))
    .outerjoin(cast_mark, cast_mark.c.hmac == slip.c.hmac)
    .where(slip.c.hmac == bindparam("key"), slip.c.group_id == bindparam("group"))
)
OPEN = (
    FIND.add_columns(literal(value=False).label("voided"))
    .outerjoin(cast_mark, cast_mark.c.hmac == bindparam("key"))
    .where(RaterGroup.id == bindparam("group"), RaterGroup.kind == "open")
)
FIND_SLIP, FIND_HELD, FIND_OPEN = Statement(SLIP), Statement(HELD), Statement(OPEN)
# PostgreSQL: a close and a cast wait for each other (campaign), so do two casts or a replacement of one slip (slip).
# The lock is a statement of its own, for what is read after it must be newer than the wait. SQLite's writers queue.
LOCK_SLIP = Statement(
    text(
        "SELECT 1 FROM slip JOIN rater_group ON rater_group.id = slip.group_id "
        "JOIN evaluation ON evaluation.id = rater_group.evaluation_id "
        "JOIN campaign ON campaign.id = evaluation.campaign_id "
        "WHERE slip.hmac = :key FOR SHARE OF campaign FOR UPDATE OF slip"
    )
)
LOCK_OPEN = Statement(
    select(Campaign.id)
    .join(Evaluation, Evaluation.campaign_id == Campaign.id)
    .join(RaterGroup, RaterGroup.evaluation_id == Evaluation.id)
    .where(RaterGroup.id == bindparam("group"))
    .with_for_update(read=True, of=Campaign)
)
MARK = Statement(insert(cast_mark))
INBOX = Statement(insert(inbox))
# PostgreSQL takes both in one round trip.
MARK_AND_INBOX = Statement(
    text(
        "WITH mark AS (INSERT INTO cast_mark (hmac, target_id, form) VALUES (:hmac, :target_id, :form)) "
        "INSERT INTO inbox (id, group_id, target_id, payload) VALUES (:id, :group_id, :target_id, :payload)"
    )
)
COUNT = Statement(
    update(GroupCount)
    .where(GroupCount.group_id == bindparam("group"), GroupCount.target_id == bindparam("about"))
    .values(cast=GroupCount.cast + 1, begun=GroupCount.begun + bindparam("first"))
)
REFUSED = Statement(
    update(RaterGroup).where(RaterGroup.id == bindparam("group")).values(refused=RaterGroup.refused + 1)
)
RECEIPT = Statement(text("INSERT INTO receipt (text, campaign_id) VALUES (:text, :campaign) ON CONFLICT DO NOTHING"))
