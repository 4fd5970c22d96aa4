"""What the integrity monitor (诚信监测) found, for the bureau: alarms with rounded shares, never a ballot."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class IntegrityEvaluation(Base):
    """How many classes and schools of one evaluation were judged, and under which promise."""

    __tablename__ = "integrity_evaluation"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    relation: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class IntegrityFinding(Base):
    """One alarm of an evaluation, the most conspicuous first; `kind` is group or school. What is calm has no row."""

    __tablename__ = "integrity_finding"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(400))
    school_code: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
