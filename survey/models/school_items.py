"""Schools' own items (校本题目): what a school asks its parents beside the bureau's items, its counts, its figures."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class SchoolItem(Base):
    """An item that a school proposes for its parents; state: proposed, approved or returned (`reason` says why).

    It belongs to the campaign and not to the evaluation, so that a draft made anew keeps it. After the opening nothing
    of it changes.
    """

    __tablename__ = "school_item"
    __table_args__ = (UniqueConstraint("campaign_id", "school_code", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    school_code: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    zh: Mapped[str] = mapped_column(String(60))
    en: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    reason: Mapped[str] = mapped_column(String(200), default="")


class SchoolItemCount(Base):
    """How many of a school's ballots gave a level (0 for 不了解) to one of its own items."""

    __tablename__ = "school_item_count"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("school_item.id"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int]


class CubeSchoolItem(Base):
    """The released figures of a school's own item, in every version: a later one must not tell what changed."""

    __tablename__ = "cube_school_item"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    school_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
