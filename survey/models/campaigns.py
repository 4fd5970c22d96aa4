"""Campaigns (测评活动): evaluations, rater groups and targets, copied from the roster at creation."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, column_property, declared_attr, mapped_column, relationship

from survey.extensions import Base

# Web processes remember groups by id: a draft made anew must not get the ids of the rows it replaces (SQLite would).
NEVER_REUSED = {"sqlite_autoincrement": True}


class Campaign(Base):
    """A campaign; `anonymity`, `sealed` (密封票箱) and `two_person` (两人确认) are its type, chosen at creation.

    No code path changes them.
    """

    __tablename__ = "campaign"
    # Nor the number of a deleted campaign: the audit log names campaigns by it.
    __table_args__ = (NEVER_REUSED,)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    year: Mapped[int]
    template: Mapped[str] = mapped_column(String(40))
    anonymity: Mapped[str] = mapped_column(String(20), default="slips")
    sealed: Mapped[bool] = mapped_column(default=False)
    two_person: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="draft")
    first_day: Mapped[date]
    last_day: Mapped[date]
    roster_version: Mapped[int] = mapped_column(default=0)
    slips_made: Mapped[bool] = mapped_column(default=False)
    # Of the release; `correction` is the public note of a version after the first.
    version: Mapped[int] = mapped_column(default=1)
    correction: Mapped[str] = mapped_column(String(300), default="")
    evaluations: Mapped[list["Evaluation"]] = relationship(back_populates="campaign", order_by="Evaluation.id")


class Evaluation(Base):
    """One relation inside a campaign with one questionnaire version and one frozen scheme."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("campaign_id", "relation"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    relation: Mapped[str] = mapped_column(String(40))
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaire.id"))
    scheme: Mapped[dict[str, Any]] = mapped_column(JSON)
    campaign: Mapped[Campaign] = relationship(back_populates="evaluations")


class GroupCount(Base):
    """One page that a group casts: the assignment, and its counters (changed by SQL expression only).

    `target_id` 0 stands for the one page that holds all targets of the evaluation. `begun` counts the slips whose first
    page this was: it stands here so that a cast changes one row of counters and not two.
    """

    __tablename__ = "group_count"
    group_id: Mapped[int] = mapped_column(ForeignKey("rater_group.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int]
    detail: Mapped[str] = mapped_column(String(200), default="")
    cast: Mapped[int] = mapped_column(default=0)
    begun: Mapped[int] = mapped_column(default=0)
    mixed: Mapped[int] = mapped_column(default=0)
    voided: Mapped[int] = mapped_column(default=0)


class RaterGroup(Base):
    """A group of raters (测评主体) that shares its targets: a class, a staff, the principals, the public.

    `enrolled` is the roster's head-count; `issued` and `voided` count slips, changed by SQL expression only; `begun`,
    the slips with a page cast, is the sum over the group's pages.
    """

    __tablename__ = "rater_group"
    __table_args__ = (UniqueConstraint("evaluation_id", "code"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), index=True)
    code: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(400))
    kind: Mapped[str] = mapped_column(String(10))
    school_code: Mapped[str] = mapped_column(String(40), default="")
    grade: Mapped[str] = mapped_column(String(40), default="")
    variant: Mapped[str] = mapped_column(String(40), default="")
    enrolled: Mapped[int] = mapped_column(default=0)
    issued: Mapped[int] = mapped_column(default=0)
    voided: Mapped[int] = mapped_column(default=0)
    # Attempts to use a slip of the group once more, for the integrity monitor: no time, no slip.
    refused: Mapped[int] = mapped_column(default=0)

    @declared_attr
    def begun(cls) -> Mapped[int]:
        """Return how many slips have a page cast."""
        pages = select(func.coalesce(func.sum(GroupCount.begun), 0)).where(GroupCount.group_id == cls.id)
        return column_property(pages.correlate_except(GroupCount).scalar_subquery(), deferred=True)


class Target(Base):
    """A target (测评对象) under the roster's own code; `left_out` says why it takes no part, if so."""

    __tablename__ = "target"
    __table_args__ = (UniqueConstraint("evaluation_id", "code"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), index=True)
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(100))
    unit_name: Mapped[str] = mapped_column(String(200))
    district: Mapped[str] = mapped_column(String(100), default="")
    school_code: Mapped[str] = mapped_column(String(40), default="")
    left_out: Mapped[str | None] = mapped_column(String(40))


Index("ix_group_count_target", GroupCount.target_id)
