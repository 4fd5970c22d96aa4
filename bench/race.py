"""The race (goal 1): our journey beside the yardstick on one kind of database, blocks taking turns."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from time import process_time

from bench import county, journey, processes, yardstick
from bench.county import County, Election
from bench.hot_group import HotGroup, run_hot_group
from bench.load import Block, Contestant, run_block, take_turns
from bench.pages import PageWeight, weigh_page
from bench.processes import Server
from bench.statements import StatementCount, count_statements
from bench.wire import Wire
from survey.services import mixing
from survey.services.balance import balance_of

CLIENTS = (1, 4, 8)
ITEMS = (10, 20)
WARM_UP = 40


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is run: rounds of blocks, and journeys in a block."""

    rounds: int
    journeys: int

    @property
    def tickets(self) -> int:
        """Journeys that one election must be able to serve, with some to spare."""
        return (len(CLIENTS) + 3) * self.rounds * self.journeys + 6 * WARM_UP


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Blocks of both sides under one number of clients."""

    title: str
    bare: Sequence[Block]
    ours: Sequence[Block]


@dataclass(frozen=True, kw_only=True)
class Race:
    """Everything measured on one kind of database.

    mix_ms: CPU milliseconds a ballot. resident: bytes of a web worker, ours and the yardstick's. lost: receipts given
    less pages cast.
    """

    database: str
    pairs: Sequence[Pair]
    statements: dict[int, StatementCount]
    hot: HotGroup
    weight: PageWeight
    mix_ms: float
    resident: tuple[int, int]
    lost: int
    faults: tuple[str, ...]

    @property
    def gate_ratio(self) -> float:
        """CPU per journey, mix included, over the yardstick's: all numbers of clients together."""
        pairs = self.pairs[: len(CLIENTS)]
        ours, bare = (_cpu_ms([block for pair in pairs for block in side(pair)]) for side in (_ours, _bare))
        return (ours + self.mix_ms) / bare


def race(folder: Path, *, database_url: str = "", size: Size) -> Race:
    """Run everything that needs a running server on one kind of database."""
    folder.mkdir()
    people = size.tickets // county.SCHOOLS + 5
    here = county.make_county(
        folder / "instance", classes=[people] * county.SCHOOLS + [size.tickets], database_url=database_url
    )
    with here.app() as app:
        elections = {items: county.hold_election(items) for items in ITEMS}
        counted = {items: count_statements(app, _first_two(elections[items])) for items in ITEMS}
    field = _Field(folder=folder, county=here, elections=elections, counted=counted, size=size)
    with ExitStack() as stack:
        runs = _Runs(stack, field)
        pairs, hot, resident, weight = runs.pairs(), runs.hot(), runs.resident(), runs.weight()
    with here.app():
        mix_ms = _mix()
        balances = [balance_of(election.campaign_id) for election in elections.values()]
    return Race(
        database="PostgreSQL" if database_url else "SQLite",
        pairs=pairs,
        statements=counted,
        hot=hot,
        weight=weight,
        mix_ms=mix_ms,
        resident=resident,
        lost=runs.receipts + 2 * len(ITEMS) - sum(balance.cast for balance in balances),
        faults=tuple(fault for balance in balances for fault in balance.faults),
    )


@dataclass(frozen=True, kw_only=True)
class _Field:
    """What a race is run on."""

    folder: Path
    county: County
    elections: dict[int, Election]
    counted: dict[int, StatementCount]
    size: Size


class _Runs:
    """The servers of one race and who travels on them; `receipts` counts those that the product gave."""

    def __init__(self, stack: ExitStack, field: _Field) -> None:
        self.size = field.size
        self.receipts = 0
        database = field.county.config.database_url or str(field.folder / "bare.sqlite3")
        yardstick.prepare(database)
        self._product = stack.enter_context(processes.product(field.county.config))
        self._bare = {
            items: stack.enter_context(
                processes.bare(database, items=items, page_bytes=count.page_bytes, thanks_bytes=count.receipt_bytes)
            )
            for items, count in field.counted.items()
        }
        self._tickets = {items: _spread_tickets(election) for items, election in field.elections.items()}
        self._hot_codes = field.elections[ITEMS[0]].codes[-1]
        self._voters = {items: journey.Voter() for items in ITEMS}

    def pairs(self) -> list[Pair]:
        """Race the parents' slip under each number of clients, then longer, and from the page on."""
        short, long = (self._both(items) for items in ITEMS)
        for contestant in (*short, *long):
            self._count([run_block(contestant, journeys=WARM_UP, clients=4)], contestant)
        made = [self._pair(f"{ITEMS[0]} items, {clients} at once", short, clients) for clients in CLIENTS]
        made.append(self._pair(f"{ITEMS[1]} items, 1 at once", long, 1))
        return [*made, self._pair(f"{ITEMS[0]} items, from the page on", self._from_page(short), 1)]

    def hot(self) -> HotGroup:
        """Let sixteen vote on one class, in turn with the same load over all classes."""
        voter = self._voters[ITEMS[0]].travel
        one = Contestant(name="hot", server=self._product, travel=voter, tickets=iter(self._hot_codes))
        many = Contestant(name="spread", server=self._product, travel=voter, tickets=self._tickets[ITEMS[0]])
        found = run_hot_group(one, many, rounds=self.size.rounds, journeys=self.size.journeys)
        self._count([*found.hot, *found.spread], one)
        return found

    def resident(self) -> tuple[int, int]:
        """Return the resident bytes of a web worker after the load: ours, the yardstick's."""
        return _resident(self._product), _resident(self._bare[ITEMS[0]])

    def weight(self) -> PageWeight:
        """Return what a ballot page and its parts weigh."""
        return weigh_page(self._product.port, next(self._tickets[ITEMS[0]]))

    def _both(self, items: int) -> tuple[Contestant, Contestant]:
        visitor = journey.BareVisitor(items=items)
        bare = Contestant(name="bare", server=self._bare[items], travel=visitor.travel, tickets=repeat(""))
        ours = Contestant(
            name="ours", server=self._product, travel=self._voters[items].travel, tickets=self._tickets[items]
        )
        return bare, ours

    def _from_page(self, both: tuple[Contestant, Contestant]) -> tuple[Contestant, Contestant]:
        bare, ours = both
        voter = self._voters[ITEMS[0]]
        cookies = []
        for _number in range(self.size.rounds * self.size.journeys):
            with Wire(ours.server.port) as wire:
                cookies.append(voter.enter(wire, next(ours.tickets)))
        return bare, Contestant(name="ours", server=ours.server, travel=voter.from_page, tickets=iter(cookies))

    def _pair(self, title: str, both: tuple[Contestant, Contestant], clients: int) -> Pair:
        blocks = take_turns(both, rounds=self.size.rounds, journeys=self.size.journeys, clients=clients)
        self._count(blocks["ours"], both[1])
        return Pair(title=title, bare=blocks["bare"], ours=blocks["ours"])

    def _count(self, blocks: Sequence[Block], contestant: Contestant) -> None:
        if contestant.server is self._product:
            self.receipts += sum(len(block.receipts) for block in blocks)


def _first_two(election: Election) -> tuple[str, str]:
    return election.codes[0][0], election.codes[0][1]


def _spread_tickets(election: Election) -> Iterator[str]:
    """Yield the codes of all classes but the hot one, without the two with which statements were counted."""
    return journey.shuffled_evenly((election.codes[0][2:], *election.codes[1:-1]))


def _ours(pair: Pair) -> Sequence[Block]:
    return pair.ours


def _bare(pair: Pair) -> Sequence[Block]:
    return pair.bare


def _cpu_ms(blocks: Sequence[Block]) -> float:
    return 1000 * sum(block.cpu for block in blocks) / max(1, sum(len(block.times) for block in blocks))


def _resident(server: Server) -> int:
    return max(processes.resident_bytes(pid) for pid in server.web_workers())


def _mix() -> float:
    """Mix everything that waits; return CPU milliseconds a ballot of this process (SQLite's work included)."""
    start = process_time()
    moved = mixing.mix()
    return 1000 * (process_time() - start) / max(1, moved)
