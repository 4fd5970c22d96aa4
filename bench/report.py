"""The report: what was measured as plain tables, and the goals of the design, met or not."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench import journey
from bench.city import TEACHERS, CityAnalysis
from bench.counting import Counting
from bench.hot_group import VOTERS
from bench.load import Block, Spread
from bench.pages import Dashboard, PageWeight
from bench.race import CLIENTS, Pair, Race

GATE = 2.0
CITY = 14_000_000
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All of one run; `races` has one entry for each database."""

    races: Sequence[Race]
    counting: Counting
    city: CityAnalysis
    dashboard: Dashboard

    @property
    def gate_met(self) -> bool:
        """Whether the one goal that fails the run is met: CPU per journey on SQLite."""
        return self.races[0].gate_ratio <= GATE


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal: what is wanted, what was found, and whether it is met (None: not measured)."""

    number: int
    wanted: str
    found: str
    met: bool | None


def lines(measured: Measured) -> Iterator[str]:
    """Yield the whole report."""
    for race in measured.races:
        yield from _race(race)
    yield from _counting(measured.counting)
    yield from _city(measured.city)
    yield from _dashboard(measured.dashboard)
    yield from ("", "Goals (design, PERFORMANCE)")
    for goal in _goals(measured):
        state = {True: "met", False: "NOT MET", None: "not measured"}[goal.met]
        yield f"  {goal.number}  {state:13}{goal.wanted:62}{goal.found}"


def _race(race: Race) -> Iterator[str]:
    yield from ("", f"{race.database}: medians (least–greatest) of blocks that took turns")
    yield f"  ours: {journey.OURS}"
    yield f"  bare: {journey.BARE}"
    yield f"  ours, from the page on: {journey.FROM_PAGE}"
    head = f"  {'':34}{'CPU ms/journey':>20}{'journeys/s':>18}{'p50 ms':>9}{'p99 ms':>9}{'bytes':>8}{'requests':>9}"
    for pair in race.pairs:
        yield from (head, *_pair(pair))
        head = ""
    for items, count in race.statements.items() if race.database == "SQLite" else ():
        yield (
            f"  SQL, {items} items: {count.opened} to open, {count.submitted} to submit,"
            f" {count.receipt} for the receipt; BEGIN and COMMIT beside them: {count.frames}"
        )
    yield f"  mix: {race.mix_ms:.3f} CPU ms a ballot, in the worker process, added to ours in the ratio"
    yield f"  CPU ratio of {', '.join(map(str, CLIENTS))} clients together, mix included: {race.gate_ratio:.2f}"
    yield from _hot(race)
    ours, bare = race.resident
    yield f"  web worker after the load: {ours / MIB:.0f} MiB resident, bare {bare / MIB:.0f} MiB"
    weight = race.weight
    yield f"  ballot page: {weight.page_bytes:,} bytes with headers, {weight.all_bytes:,} in {weight.requests} requests"


def _pair(pair: Pair) -> Iterator[str]:
    for name, blocks in (("bare", pair.bare), ("ours", pair.ours)):
        yield f"  {pair.title + ': ' + name:34}{_side(blocks)}"
    cpu, rate = _ratio(pair, _cpu), _ratio(pair, _rate)
    yield f"  {'':34}{f'ratio {cpu:.2f}':>20}{f'ratio {rate:.2f}':>18}"


def _side(blocks: Sequence[Block]) -> str:
    cpu, rate = _spread(blocks, _cpu), _spread(blocks, _rate)
    p50, p99 = (_spread(blocks, lambda block: block.percentile_ms(share)) for share in (0.5, 0.99))  # noqa: B023
    journeys = max(1, sum(len(block.times) for block in blocks))
    wire = f"{sum(b.bytes for b in blocks) / journeys:>8.0f}{sum(b.requests for b in blocks) / journeys:>9.1f}"
    failed = sum(len(block.failures) for block in blocks)
    return f"{_words(cpu, 2):>20}{_words(rate, 0):>18}{p50.median:>9.1f}{p99.median:>9.1f}{wire}" + (
        f"  {failed} FAILED" if failed else ""
    )


def _hot(race: Race) -> Iterator[str]:
    hot = race.hot
    rates = f"{_words(_spread(hot.hot, _rate), 0)} against {_words(_spread(hot.spread, _rate), 0)} over all classes"
    yield f"  {VOTERS} voters on one class: {rates} journeys/s, {hot.share:.2f} of it"
    yield f"    failures {len(hot.failures)} {hot.failures[:2] or ''}, receipts given twice {hot.double}"
    faults = "; ".join(race.faults) or "no fault"
    yield f"    receipts given less pages cast, whole run: {race.lost}; balance: {faults}"


def _counting(counting: Counting) -> Iterator[str]:
    million = counting.ballots / 1_000_000
    yield from ("", f"Counting {counting.ballots:,} ballots of 10 items from SQLite")
    yield f"  per million: {counting.seconds / million:.2f} s ({counting.cpu / million:.2f} s CPU)"
    times = counting.seconds / max(counting.bincount, 1e-9)
    yield f"  numpy.bincount on arrays in memory: {counting.bincount / million:.3f} s per million, 1/{times:.0f} of it"
    yield f"  memory grown: {counting.grown_bytes / MIB:.0f} MiB"
    yield f"  tally stored, statistics and released cube: {counting.released_seconds:.1f} s"
    yield f"  stored: {counting.bytes_a_ballot:.1f} bytes a ballot"


def _city(city: CityAnalysis) -> Iterator[str]:
    words = f"{city.targets:,} targets of 10 items, {city.units:,} units, {city.ballots:,} ballots"
    yield from ("", f"Statistics of a city from its tallies, in a process of their own: {words}")
    yield f"  results of every target, item and unit, {city.pairs:,} pairs: {city.seconds:.1f} s ({city.cpu:.1f} s CPU)"
    yield f"  all other tests, ranks and funnels, every item of a target against all others: {city.others:.1f} s"
    yield f"  peak memory: {city.peak / MIB:.0f} MiB, {city.held / MIB:.0f} MiB before"


def _dashboard(dashboard: Dashboard) -> Iterator[str]:
    yield from ("", "Dashboard pages, in process, logged in (median, 95th percentile)")
    for path, middle, p95 in dashboard.pages:
        yield f"  {path:40}{middle:8.1f} ms{p95:8.1f} ms"


def _goals(measured: Measured) -> Iterator[Goal]:
    for race in measured.races:
        yield from _cost_goals(race)
        yield from _hot_goals(race)
    yield _weight_goal(measured.races[0].weight)
    yield from _counting_goals(measured.counting)
    yield from _city_goals(measured.city)
    worst = measured.dashboard.worst_ms
    yield Goal(number=6, wanted="dashboard page p95 ≤ 100 ms", found=f"{worst:.0f} ms", met=worst <= 100)
    yield Goal(number=6, wanted="14 M ballots ≤ 1.2 times the time at 10 k", found="", met=None)
    size = measured.counting.bytes_a_ballot
    yield Goal(number=7, wanted="≤ 40 bytes stored a ballot on SQLite", found=f"{size:.1f}", met=size <= 40)
    ours, bare = measured.races[0].resident
    found = f"{ours / bare:.1f} times"
    yield Goal(number=7, wanted="web worker ≤ 2 times a bare one's memory", found=found, met=ours <= 2 * bare)


def _cost_goals(race: Race) -> Iterator[Goal]:
    here, ratio = race.database, race.gate_ratio
    wanted = f"{here}: CPU per journey ≤ 2.0 times bare" + (" (gate)" if here == "SQLite" else "")
    yield Goal(number=1, wanted=wanted, found=f"{ratio:.2f}", met=ratio <= GATE)
    rates = [_ratio(pair, _rate) for pair in race.pairs[: len(CLIENTS)]]
    words = " ".join(f"{rate:.2f}" for rate in rates)
    yield Goal(number=1, wanted=f"{here}: throughput ≥ 0.5 of bare", found=words, met=min(rates) >= 0.5)
    if here == "SQLite":
        counts = race.statements.values()
        opened, submitted = max(count.opened for count in counts), max(count.submitted for count in counts)
        wanted, met = "≤ 3 SQL statements to open, ≤ 6 to submit", opened <= 3 and submitted <= 6
        yield Goal(number=2, wanted=wanted, found=f"{opened}, {submitted}", met=met)


def _hot_goals(race: Race) -> Iterator[Goal]:
    here, hot = race.database, race.hot
    failed, share = len(hot.failures), hot.share
    clean = not (race.lost or failed or hot.double or race.faults)
    found = f"{race.lost}, {failed}, {hot.double}"
    yield Goal(number=3, wanted=f"{here}: one group: 0 lost, 0 errors, 0 double", found=found, met=clean)
    yield Goal(number=3, wanted=f"{here}: one group ≥ 0.5 of spread out", found=f"{share:.2f}", met=share >= 0.5)
    most = race.pairs[len(CLIENTS) - 1].ours
    tail = _spread(most, lambda block: block.percentile_ms(0.99) / block.percentile_ms(0.5)).median
    yield Goal(number=3, wanted=f"{here}: p99/p50 ≤ 4 at 8 clients", found=f"{tail:.1f}", met=tail <= 4)


def _weight_goal(weight: PageWeight) -> Goal:
    met = weight.all_bytes <= 14 * 1024 and weight.requests <= 3
    found = f"{weight.all_bytes / 1024:.1f} KB in {weight.requests}"
    return Goal(number=4, wanted="ballot page ≤ 14 KB on the wire in ≤ 3 requests", found=found, met=met)


def _counting_goals(counting: Counting) -> Iterator[Goal]:
    city = CITY / counting.ballots
    whole, memory = counting.seconds * city, counting.grown_bytes * city
    wanted = "count 14 M ballots ≤ 60 s from SQLite (by proportion)"
    yield Goal(number=5, wanted=wanted, found=f"{whole:.0f} s", met=whole <= 60)
    wanted = "≤ 1 GiB more memory than the tallies (by proportion)"
    yield Goal(number=5, wanted=wanted, found=f"{memory / 2**30:.1f} GiB", met=memory <= 2**30)
    yield Goal(number=5, wanted="≤ 20 s from a columnar archive", found="there is none yet", met=None)


def _city_goals(city: CityAnalysis) -> Iterator[Goal]:
    """Only the whole city tells: pairs grow otherwise than targets."""
    whole = city.targets >= TEACHERS
    seconds = city.seconds + city.others
    wanted, found = "every test for every unit of a city ≤ 120 s", f"{seconds:.0f} s"
    yield Goal(number=5, wanted=wanted, found=found, met=seconds <= 120 if whole else None)
    wanted, found = "these statistics in ≤ 4 GiB", f"{city.peak / 2**30:.1f} GiB"
    yield Goal(number=5, wanted=wanted, found=found, met=city.peak <= 4 * 2**30 if whole else None)


def _cpu(block: Block) -> float:
    return block.cpu_ms


def _rate(block: Block) -> float:
    return block.rate


def _spread(blocks: Iterable[Block], value: Callable[[Block], float]) -> Spread:
    return Spread.of(value(block) for block in blocks)


def _ratio(pair: Pair, value: Callable[[Block], float]) -> float:
    """Return the median of ours over the median of the yardstick's."""
    return _spread(pair.ours, value).median / _spread(pair.bare, value).median


def _words(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}–{spread.high:.{digits}f})"
