"""Comparisons on request: stored beside the release, so that the address of one can be sent around."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class StoredComparison(Base):
    """What was asked for and, once the worker has computed it, the document; never more than the cube's figures say.

    key: SHA-256 of the choice. job_id: the job that computes it, no foreign key, since jobs may be cleared away.
    """

    __tablename__ = "comparison"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), index=True)
    choice: Mapped[dict[str, Any]] = mapped_column(JSON)
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    job_id: Mapped[int]
