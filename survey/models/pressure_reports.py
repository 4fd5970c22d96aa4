"""Reports of pressure (有人要求我怎么填): apart from every ballot, without code, address or hour.

The key is random and SQLite keeps the rows in key order (`WITHOUT ROWID`), so that reports of one day stand in no
order. A test holds the columns to exactly these.
"""

from sqlalchemy import Column, Date, Index, LargeBinary, String, Table, Text

from survey.extensions import Base

# What happened, as codes with commas between; school, class and text only as far as the reporter chose to write them.
pressure_report = Table(
    "pressure_report",
    Base.metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("day", Date, nullable=False),
    Column("kinds", String(100), nullable=False, default=""),
    Column("school", String(100), nullable=False, default=""),
    Column("class_name", String(60), nullable=False, default=""),
    Column("text", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)

Index("ix_pressure_report_day", pressure_report.c.day)
