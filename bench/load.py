"""Load: a block of journeys by parallel clients, and rounds of blocks that take turns (A B A B …)."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from bench.journey import JourneyFailed
from bench.processes import Server
from bench.wire import Wire

Travel = Callable[[Wire, str], str]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block: seconds it took, CPU seconds of the server's tree, seconds and receipt of each journey, failures."""

    seconds: float
    cpu: float
    times: Sequence[float]
    receipts: Sequence[str]
    failures: Sequence[str]
    bytes: int
    requests: int

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a journey."""
        return 1000 * self.cpu / max(1, len(self.times))

    @property
    def rate(self) -> float:
        """Journeys a second."""
        return len(self.times) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Milliseconds within which this share of the journeys ended."""
        times = sorted(self.times)
        return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """What takes part in rounds: a name, its server, a way to travel, and a ticket (a code) for each journey."""

    name: str
    server: Server
    travel: Travel
    tickets: Iterator[str]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Median with the least and the greatest value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the spread of some values."""
        known = sorted(values)
        return cls(median=median(known), low=known[0], high=known[-1])


def take_turns(
    contestants: Sequence[Contestant], *, rounds: int, journeys: int, clients: int
) -> dict[str, list[Block]]:
    """Run `rounds` blocks of each contestant, in turn, so that noise of the machine meets all alike."""
    blocks: dict[str, list[Block]] = {contestant.name: [] for contestant in contestants}
    for _round in range(rounds):
        for contestant in contestants:
            blocks[contestant.name].append(run_block(contestant, journeys=journeys, clients=clients))
    return blocks


def run_block(contestant: Contestant, *, journeys: int, clients: int) -> Block:
    """Let `clients` threads share `journeys` journeys; each journey has a connection of its own."""
    waiting = list(islice(contestant.tickets, journeys))
    work = [_Client(contestant, waiting) for _client in range(clients)]
    cpu, start = contestant.server.cpu_seconds(), time.perf_counter()
    for client in work:
        client.start()
    for client in work:
        client.join()
    seconds, cpu = time.perf_counter() - start, contestant.server.cpu_seconds() - cpu
    return Block(
        seconds=seconds,
        cpu=cpu,
        times=[value for client in work for value in client.times],
        receipts=[value for client in work for value in client.receipts],
        failures=[value for client in work for value in client.failures],
        bytes=sum(client.bytes for client in work),
        requests=sum(client.requests for client in work),
    )


class _Client(threading.Thread):
    """Travels with tickets from the shared list until there is none."""

    def __init__(self, contestant: Contestant, waiting: list[str]) -> None:
        super().__init__(daemon=True)
        self._contestant, self._waiting = contestant, waiting
        self.times: list[float] = []
        self.receipts: list[str] = []
        self.failures: list[str] = []
        self.bytes = self.requests = 0

    def run(self) -> None:
        while True:
            try:
                ticket = self._waiting.pop()
            except IndexError:
                return
            self._travel(ticket)

    def _travel(self, ticket: str) -> None:
        start = time.perf_counter()
        try:
            with Wire(self._contestant.server.port) as wire:
                receipt = self._contestant.travel(wire, ticket)
        except (OSError, JourneyFailed) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            return
        self.times.append(time.perf_counter() - start)
        self.receipts.append(receipt)
        self.bytes += wire.bytes
        self.requests += wire.requests
