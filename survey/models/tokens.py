"""Blind-signed tokens (盲签票): who has been given the right to vote, and the keys that sign it. Never a token.

A token that is handed in becomes a row of `slip` under the HMAC of its code. Nothing here equals or leads to it: the
server has seen neither the token's number nor its signature when it writes a row of `token_issue`.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base

# One row for each person and evaluation, in the order of staff codes: no time, no signature, no blinded message.
# paper: 0 a token was signed, 1 a paper slip is wanted instead, 2 it was made.
# retry: HMAC of the blinded message, only until the browser has confirmed that the answer arrived; then empty.
# fresh: since the rows were last written anew in their order.
token_issue = Table(
    "token_issue",
    Base.metadata,
    Column("evaluation_id", Integer, primary_key=True, autoincrement=False),
    Column("staff_code", String(40), primary_key=True),
    Column("group_id", Integer, nullable=False),
    Column("paper", Integer, nullable=False, default=0),
    Column("retry", LargeBinary(32)),
    Column("fresh", Boolean, nullable=False, default=True),
    sqlite_with_rowid=False,
)


class TokenKey(Base):
    """The RSA key of one evaluation and electorate.

    public_key: DER (SubjectPublicKeyInfo). private_key: PKCS #8, encrypted under a key of the instance that is not in
    the database, empty from the close on. Whoever had it could make tokens, but never learn who voted how.
    """

    __tablename__ = "token_key"
    group_id: Mapped[int] = mapped_column(ForeignKey("rater_group.id"), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[str] = mapped_column(String(30))
