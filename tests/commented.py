"""A counted campaign with comments of parents, for tests: written on ballots, mixed, counted, like everywhere."""

import random
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from survey.extensions import db
from survey.models.ballots import comment
from survey.models.comments import CommentReview
from survey.queries.comments import CommentFilter, CommentRow, list_comments
from survey.services import comments
from survey.services.ballots import Holder, cast, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.comments import Decision

CLASSES = ("一年级1班", "三年级1班", "七年级1班")


def write(codes: Mapping[str, Sequence[str]], school: str, texts: Sequence[str], *, ballots: int = 30) -> None:
    """Let so many parents of a school vote (at most 36); the first ones write."""
    slips = [code for name in CLASSES for code in codes[f"P-{school}-{name}"]][:ballots]
    chance = random.Random(school)
    for place, code in enumerate(slips):
        text = texts[place] if place < len(texts) else ""
        levels = bytes(chance.choice((3, 4, 5)) for _item in range(10))
        payload = pack_payload(levels, chips=("food",) if place % 2 else (), text=text)
        cast(Holder(code=code), target_code=school, form=secrets.token_hex(16), payload=payload)


def count(campaign: int) -> None:
    """Close and count a campaign."""
    for state in ("closed", "tallied"):
        move_campaign(campaign, state, actor="test")


def rows(campaign: int, **wanted: object) -> list[CommentRow]:
    """Return the bureau's list."""
    db.session.rollback()
    return list(list_comments(campaign, CommentFilter(**wanted)).rows)  # type: ignore[arg-type]


def settle(campaign: int, key: str, audience: str = "public", *, text: str = "", themes: Sequence[int] = ()) -> None:
    """Review and confirm a comment by two accounts."""
    number = bytes.fromhex(key)
    row = next(row for row in rows(campaign) if row.key == key)
    reason = "offensive" if audience == "none" else ""
    comments.take(campaign, number, "li")
    comments.decide(
        campaign,
        number,
        Decision(text=text or row.text, audience=audience, reason=reason, themes=themes),
        "li",
    )
    comments.take(campaign, number, "wang")
    comments.confirm(campaign, number, "wang")


def settle_all(campaign: int, audience: str = "public") -> None:
    """Settle every comment that waits."""
    for row in rows(campaign, state="waiting"):
        settle(campaign, row.key, audience)


def written() -> list[str]:
    """Return what respondents wrote, as far as it is still there."""
    db.session.rollback()
    return [text for text in db.session.scalars(select(comment.c.text)) if text]


def review(key: str) -> CommentReview:
    """Return the row of a review."""
    db.session.rollback()
    return db.session.get_one(CommentReview, bytes.fromhex(key))
