"""Tallies (计票) and the released cube (结果公布): the only numbers that pages, exports and interfaces read."""

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class Tally(Base):
    """Counts and moments of one group's ballots about one target; `counts` is int32 (n_items, 1 + n_levels).

    clean_*: the same moments over the ballots that are not flagged.
    """

    __tablename__ = "tally"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    counts: Mapped[bytes] = mapped_column(LargeBinary)
    ballots: Mapped[int]
    valid: Mapped[int]
    flagged: Mapped[int]
    mean: Mapped[float] = mapped_column(Float(53))
    mean_ss: Mapped[float] = mapped_column(Float(53))
    score: Mapped[float] = mapped_column(Float(53))
    score_ss: Mapped[float] = mapped_column(Float(53))
    clean_valid: Mapped[int]
    clean_mean: Mapped[float] = mapped_column(Float(53))
    clean_mean_ss: Mapped[float] = mapped_column(Float(53))
    clean_score: Mapped[float] = mapped_column(Float(53))
    clean_score_ss: Mapped[float] = mapped_column(Float(53))


class TallyScale(Base):
    """Cross-products of an evaluation's items over complete ballots, all and unflagged, whole numbers."""

    __tablename__ = "tally_scale"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class PairedTallyRow(Base):
    """Paired moments of the page that holds all targets, one document per evaluation."""

    __tablename__ = "tally_paired"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class CubeEvaluation(Base):
    """The released record of one evaluation: scheme, questionnaire, comparison, reliability, overall, change.

    The pairs of its comparisons stand in `cube_pair`. `findings`, here, of each target and of each unit, hold what
    stands in no result schema (`analysis/findings.py`, `analysis/item_summaries.py`, `analysis/year_changes.py`).
    """

    __tablename__ = "cube_evaluation"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    relation: Mapped[str] = mapped_column(String(40))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON)


# What lists sort and filter by at the size of a city; with the code, an index tells a page without reading documents.
_SORTED = (
    Index("ix_cube_target_score", "evaluation_id", "score", "code"),
    Index("ix_cube_target_school", "school_code"),
    Index("ix_cube_target_find", "evaluation_id", "name", "code"),
    Index("ix_cube_target_ballots", "evaluation_id", "ballots", "code"),
    Index("ix_cube_target_funnel", "evaluation_id", "funnel", "code"),
    Index("ix_cube_target_change", "evaluation_id", "change", "code"),
)


class CubeTarget(Base):
    """The released record of one target; columns for sorting and finding, the whole record in `document`.

    funnel: outside the limits of the funnel, -2 to 2, as `findings` says. change: 1 risen, -1 fallen, flagged against
    last year, else 0.
    """

    __tablename__ = "cube_target"
    __table_args__ = (
        Index("ix_cube_target_unit", "evaluation_id", "unit", "code"),
        Index("ix_cube_target_code", "code"),
        *_SORTED,
    )
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(100))
    school_code: Mapped[str] = mapped_column(String(40), default="")
    position: Mapped[int]
    ballots: Mapped[int] = mapped_column(Integer)
    score: Mapped[float | None] = mapped_column(Float(53))
    funnel: Mapped[int] = mapped_column(default=0)
    change: Mapped[int] = mapped_column(default=0)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class CubeUnit(Base):
    """The released record of one unit (school, 学区 or the bureau).

    district: the 学区 it lies in, "" for none. tier: its group of units not told apart, 0 for the best, None for a unit
    that is not compared.
    """

    __tablename__ = "cube_unit"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    district: Mapped[str] = mapped_column(String(100), default="")
    tier: Mapped[int | None]
    position: Mapped[int]
    score: Mapped[float | None] = mapped_column(Float(53))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class CubePair(Base):
    """One comparison of an evaluation: of units (`kind` "comparison") or of targets on one ballot ("paired").

    A city has tens of thousands; in one document, every page would read them all.
    """

    __tablename__ = "cube_pair"
    __table_args__ = (
        # What is flagged comes first: false sorts before true.
        Index("ix_cube_pair_order", "evaluation_id", "kind", "unflagged", "position"),
        Index("ix_cube_pair_a", "evaluation_id", "a"),
        Index("ix_cube_pair_b", "evaluation_id", "b"),
    )
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str] = mapped_column(String(100))
    b: Mapped[str] = mapped_column(String(100))
    unflagged: Mapped[bool]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
