"""Reviewed comments (意见建议): wordings fit to be read, the bureau's labels, and how often each phrase was ticked.

What a respondent wrote stands in `comment` until two persons have decided, and is then overwritten. No row here has a
time, and SQLite keeps them in the order of their random keys: no review tells which comment came when.
"""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base

UNORDERED = {"sqlite_with_rowid": False}


class CommentReview(Base):
    """One wording about one target; `count` comments said the same. target_id 0: the page of all departments.

    place: how closely it may be addressed inside the bureau (`analysis.comment_pools`). outside: whether enough ballots
    are about the target for it to leave the bureau.
    state: waiting, taken (by `reviewer`), reviewed, checking (by `checker`), settled. audience: who may read it once
    settled, "" undecided, "none" rejected for `reason`.
    """

    __tablename__ = "comment_review"
    __table_args__ = (
        Index("ix_comment_review_state", "campaign_id", "state"),
        Index("ix_comment_review_target", "evaluation_id", "target_id"),
        UNORDERED,
    )
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"))
    target_id: Mapped[int]
    place: Mapped[str] = mapped_column(String(10))
    outside: Mapped[bool]
    text: Mapped[str] = mapped_column(Text)
    count: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    audience: Mapped[str] = mapped_column(String(10), default="")
    reason: Mapped[str] = mapped_column(String(20), default="")
    reviewer: Mapped[str] = mapped_column(String(100), default="")
    checker: Mapped[str] = mapped_column(String(100), default="")


# Which comments as they were written a wording stands for; gone when it is settled. No foreign key to what
# respondents left: nothing points at those tables.
comment_member = Table(
    "comment_member",
    Base.metadata,
    Column("comment_id", LargeBinary(16), primary_key=True),
    Column("review_id", LargeBinary(16), nullable=False, index=True),
    sqlite_with_rowid=False,
)


class CommentTheme(Base):
    """A label of the bureau's own; `words`, divided by spaces, suggest it for comments in which one stands."""

    __tablename__ = "theme"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    words: Mapped[str] = mapped_column(String(300), default="")
    active: Mapped[bool] = mapped_column(default=True)


comment_mark = Table(
    "comment_mark",
    Base.metadata,
    Column("review_id", LargeBinary(16), ForeignKey("comment_review.id"), primary_key=True),
    Column("theme_id", ForeignKey("theme.id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)


class ChipCount(Base):
    """How many ballots about a target ticked a phrase; counted once, with the tally."""

    __tablename__ = "chip_count"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chip: Mapped[str] = mapped_column(String(40), primary_key=True)
    ballots: Mapped[int]
