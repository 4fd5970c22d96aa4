"""Blind-signed tokens (盲签票): who has been given the right to vote, and the keys that sign it. Never a token.

A token that is handed in becomes a row of `slip` under the HMAC of its code. Nothing here equals or leads to it: the
server has seen neither the token's number nor its signature when it writes a row of `token_issue`.
"""

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Integer, LargeBinary, String, Table, event, text
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base

# One row for each person and evaluation, in the order of staff codes: no time, no signature, no blinded message.
# staff_code: from the close on a random number, for then nobody fetches any more and only the number of rows is asked.
# paper: 0 a token was signed, 1 a paper slip is wanted instead, 2 it was made.
# retry: HMAC of the blinded message, only until the browser has confirmed that the answer arrived; then empty.
# fresh: since the rows were last written anew in their order.
# voided: 0 while the right holds; else the number of the voiding that took it, after which it may be given once more.
token_issue = Table(
    "token_issue",
    Base.metadata,
    Column("evaluation_id", Integer, primary_key=True, autoincrement=False),
    Column("staff_code", String(40), primary_key=True),
    Column("voided", Integer, primary_key=True, autoincrement=False, default=0),
    Column("group_id", Integer, nullable=False),
    Column("paper", Integer, nullable=False, default=0),
    Column("retry", LargeBinary(32)),
    Column("fresh", Boolean, nullable=False, default=True),
    sqlite_with_rowid=False,
)


@event.listens_for(token_issue, "after_create")
def _keep_no_samples(_table: Table, connection: Connection, **_more: object) -> None:
    """PostgreSQL's planner keeps samples of a column also after its values have gone: of staff codes it keeps none."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE token_issue ALTER COLUMN staff_code SET STATISTICS 0"))


class TokenKey(Base):
    """The RSA key of one evaluation and electorate.

    public_key: DER (SubjectPublicKeyInfo). private_key: PKCS #8, encrypted under a key of the instance that is not in
    the database, empty from the close on. Whoever had it could make tokens, but never learn who voted how.
    voided: the electorate was voided after the close, so that nothing takes this key's place.
    """

    __tablename__ = "token_key"
    group_id: Mapped[int] = mapped_column(ForeignKey("rater_group.id"), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[str] = mapped_column(String(30))
    voided: Mapped[bool] = mapped_column(default=False)


class VoidedTokenKey(Base):
    """The public key of a voided electorate (作废重测): whose token it signed is told that it was voided."""

    __tablename__ = "voided_token_key"
    fingerprint: Mapped[str] = mapped_column(String(30), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("rater_group.id"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
