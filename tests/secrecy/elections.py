"""One small election whose every vote is known: twelve parents of a class vote in a known order, in two batches."""

import random
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from survey.database import checkpoint, is_sqlite
from survey.extensions import db
from survey.services import ballots, mixing
from survey.services.ballots import Holder, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.slips import code_hmac

GROUP, TARGET = "P-101-三年级1班", "101"
BATCH = 6
NAIVE = (
    "CREATE TABLE naive_voter (id {serial} PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE naive_ballot (id VARCHAR(40) PRIMARY KEY, answers {blob})",
)
SQLITE, POSTGRESQL = {"serial": "INTEGER", "blob": "BLOB"}, {"serial": "SERIAL", "blob": "BYTEA"}
_EMPTIED = "inbox, ballot, comment, receipt, cast_mark, naive_voter, naive_ballot"


@dataclass(kw_only=True)
class Election:
    """The voters in casting order, and the bytes by which each of their rows is known.

    answers, comments: what each voter's ballot and comment hold. payloads: both together, as they stood in the inbox.
    naive: other answers of the same voters, so that the two layouts in one file are not taken for each other.
    """

    codes: Sequence[str]
    voters: list[int] = field(default_factory=list)
    answers: dict[int, bytes] = field(default_factory=dict)
    comments: dict[int, bytes] = field(default_factory=dict)
    payloads: dict[int, bytes] = field(default_factory=dict)
    receipts: dict[int, bytes] = field(default_factory=dict)
    hmacs: dict[int, bytes] = field(default_factory=dict)
    naive: dict[int, bytes] = field(default_factory=dict)

    def prepare(self, chance: random.Random) -> None:
        """Invent who votes when, and how: answers and comments that nobody else has."""
        self.voters = chance.sample(range(len(self.codes)), len(self.codes))
        for voter, code in enumerate(self.codes):
            self.answers[voter] = bytes(chance.choices((1, 2, 3, 4, 5), k=24))
            self.naive[voter] = bytes(chance.choices((1, 2, 3, 4, 5), k=24))
            self.comments[voter] = f"意见{chance.getrandbits(64):016x}".encode()
            self.payloads[voter] = pack_payload(self.answers[voter], text=self.comments[voter].decode())
            self.receipts[voter] = Holder(code=code).receipt.encode()
            self.hmacs[voter] = code_hmac(code)

    def cast(self, voter: int) -> None:
        """Cast one vote, in the product and in the naive layout."""
        form = secrets.token_hex(16)
        ballots.cast(Holder(code=self.codes[voter]), target_code=TARGET, form=form, payload=self.payloads[voter])
        with db.engine.begin() as connection:
            connection.execute(text("INSERT INTO naive_voter (name) VALUES (:name)"), {"name": f"voter {voter}"})
            row = {"id": secrets.token_hex(16), "answers": self.naive[voter]}
            connection.execute(text("INSERT INTO naive_ballot VALUES (:id, :answers)"), row)

    @property
    def batches(self) -> list[list[int]]:
        """The voters in casting order, batch by batch."""
        return [self.voters[k : k + BATCH] for k in range(0, len(self.voters), BATCH)]


class Booth:
    """An open campaign that may be voted in, closed, and brought back to its beginning, again and again."""

    def __init__(self, campaign: int, codes: Sequence[str], folder: Path, chance: random.Random) -> None:
        self.campaign, self.codes, self.chance = campaign, codes, chance
        self._kept = folder / "beginning.sqlite3"
        with db.engine.begin() as connection:
            for made in NAIVE:
                connection.execute(text(made.format(**(SQLITE if is_sqlite() else POSTGRESQL))))
        if is_sqlite():
            checkpoint(must=True)
            shutil.copy(self.file, self._kept)

    @property
    def file(self) -> Path:
        return Path(str(db.engine.url.database))

    def election(self) -> Election:
        """Bring the campaign back to its beginning and invent the next voters."""
        self._restore()
        made = Election(codes=self.codes)
        made.prepare(self.chance)
        return made

    def _restore(self) -> None:
        db.session.remove()
        if is_sqlite():
            db.engine.dispose()
            for name in ("-wal", "-shm"):
                self.file.with_name(self.file.name + name).unlink(missing_ok=True)
            shutil.copy(self._kept, self.file)
            return
        with db.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {_EMPTIED}"))
            connection.execute(text('UPDATE group_count SET "cast" = 0, begun = 0, mixed = 0'))
            connection.execute(text("UPDATE campaign SET state = 'open' WHERE id = :id"), {"id": self.campaign})

    def run(self, election: Election, look: Callable[[str], None]) -> None:
        """Let everybody vote, mix after each batch, and close; `look` is called around each mix and after the close."""
        for number, batch in enumerate(election.batches):
            for voter in batch:
                election.cast(voter)
            look(f"waiting {number}")
            assert mixing.mix() == len(batch)
            look(f"mix {number}")
        move_campaign(self.campaign, "closed", actor="test")
        look("close")


def stored_order(query: str, column: dict[int, bytes], **values: object) -> list[int]:
    """Return the voters in the order in which a query gives their rows."""
    known = {mark: voter for voter, mark in column.items()}
    with db.engine.connect() as connection:
        found = connection.execute(text(query), values).scalars()
        return [known[plain(row)] for row in found if plain(row) in known]


def plain(value: object) -> bytes:
    """Return a stored text or blob as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]


def places_of(order: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return the place of each voter in an order."""
    return {voter: (place,) for place, voter in enumerate(order)}
