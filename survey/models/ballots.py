"""Slips, marks, inbox and ballots: tables in which no ballot can be tied to a person.

Every key is random, no column tells time, order or place, and SQLite keeps the rows in key order
(`WITHOUT ROWID`): see the design of secrecy in ARCHITECTURE.md. A test holds the columns to exactly these.
"""

from sqlalchemy import Boolean, Column, Connection, Index, Integer, LargeBinary, String, Table, Text, event, text

from survey.extensions import Base

# The code of a slip is never stored, only its HMAC under a secret that is not in the database.
slip = Table(
    "slip",
    Base.metadata,
    Column("hmac", LargeBinary(32), primary_key=True),
    Column("group_id", Integer, nullable=False),
    Column("voided", Boolean, nullable=False, default=False),
    sqlite_with_rowid=False,
)

# One page of one slip has been cast; `form` is the SHA-256 of the random form number, nothing of the answers.
cast_mark = Table(
    "cast_mark",
    Base.metadata,
    Column("hmac", LargeBinary(32), primary_key=True),
    Column("target_id", Integer, primary_key=True, autoincrement=False),
    Column("form", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)

# Cast pages wait here until the mix moves them under new random keys.
inbox = Table(
    "inbox",
    Base.metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("group_id", Integer, nullable=False),
    Column("target_id", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


@event.listens_for(inbox, "after_create")
def _keep_no_samples(_table: Table, connection: Connection, **_more: object) -> None:
    """PostgreSQL keeps samples of a column for its planner, also after the rows have gone: of answers it keeps none."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE inbox ALTER COLUMN payload SET STATISTICS 0"))


ballot = Table(
    "ballot",
    Base.metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("evaluation_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("target_id", Integer, nullable=False),
    Column("answers", LargeBinary, nullable=False),
    Column("flag", Integer, nullable=False, default=0),
    sqlite_with_rowid=False,
)

comment = Table(
    "comment",
    Base.metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("evaluation_id", Integer, nullable=False),
    Column("target_id", Integer, nullable=False),
    Column("chips", String(300), nullable=False, default=""),
    Column("text", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)

# Receipts are tied to nothing: not to a campaign's slip, group or ballot.
receipt = Table(
    "receipt",
    Base.metadata,
    Column("text", String(20), primary_key=True),
    Column("campaign_id", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Pages of a voided unit (作废页), kept apart from every count. Each has a new random key and its packed page: answers
# without the comment, or the ciphertext as it lay in a sealed box, which is then never opened. No run, time or reason.
voided_page = Table(
    "voided_page",
    Base.metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("group_id", Integer, nullable=False),
    Column("target_id", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

Index("ix_slip_group_id", slip.c.group_id)
