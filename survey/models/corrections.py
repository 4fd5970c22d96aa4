"""Superseded versions (旧版) of corrected releases: their figures as they were, never changed."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class SupersededRelease(Base):
    """A version that a correction took back; note: its own public note, "" for the first. day, actor: of the taking."""

    __tablename__ = "superseded_release"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(String(300))
    day: Mapped[date]
    actor: Mapped[str] = mapped_column(String(100))


class SupersededEvaluation(Base):
    """The record of one evaluation in a superseded version, as `CubeEvaluation` had it."""

    __tablename__ = "superseded_evaluation"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    relation: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class SupersededTarget(Base):
    """The record of one target in a superseded version."""

    __tablename__ = "superseded_target"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class SupersededUnit(Base):
    """The record of one unit in a superseded version."""

    __tablename__ = "superseded_unit"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
