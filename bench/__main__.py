"""`make bench`: run everything in temporary folders on the loopback, print the report, exit 1 if the gate fails."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.city import TEACHERS, analyse_city
from bench.counting import count_many
from bench.pages import time_dashboards
from bench.race import Race, Size, race
from bench.report import GATE, Measured, lines

SCRIPT = Path(__file__).parents[1] / ".ci" / "postgresql"
FULL, QUICK = Size(rounds=7, journeys=300), Size(rounds=3, journeys=80)
BALLOTS, FEW_BALLOTS = 1_000_000, 100_000
FEW_TEACHERS = TEACHERS // 10


def main() -> int:
    """Run, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and rougher, within a minute")
    quick = parser.parse_args().quick
    size, start = QUICK if quick else FULL, time.monotonic()
    ballots, teachers = (FEW_BALLOTS, FEW_TEACHERS) if quick else (BALLOTS, TEACHERS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measured = _measure(Path(folder), size=size, ballots=ballots, teachers=teachers)
    print("\n".join(lines(measured)))
    print(f"\n{time.monotonic() - start:.0f} s; gate (CPU per journey on SQLite ≤ {GATE}): ", end="")
    print("met" if measured.gate_met else "FAILED")
    return 0 if measured.gate_met else 1


def _measure(folder: Path, *, size: Size, ballots: int, teachers: int) -> Measured:
    _say(f"analysing the tallies of {teachers:,} teachers")
    city = analyse_city(teachers)
    # The count comes before the servers: its growth of memory is seen against a fresh process.
    _say(f"counting {ballots:,} ballots")
    counting, released = count_many(folder / "count", ballots=ballots)
    dashboard = time_dashboards(released)
    _say("racing on SQLite")
    races = [race(folder / "sqlite", size=size)]
    races += list(_on_postgresql(folder, size))
    return Measured(races=races, counting=counting, city=city, dashboard=dashboard)


def _on_postgresql(folder: Path, size: Size) -> Iterator[Race]:
    with _postgresql() as url:
        if not url:
            print("SKIPPED: the race on PostgreSQL, because PostgreSQL is not installed")
            return
        _say("racing on PostgreSQL")
        fewer = Size(rounds=max(2, size.rounds - 3), journeys=size.journeys)
        yield race(folder / "postgresql", database_url=url, size=fewer)


@contextmanager
def _postgresql() -> Iterator[str]:
    """Run a throw-away PostgreSQL on a socket in a temporary folder; yield its address, "" where there is none."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        command = ["bash", str(SCRIPT), "start", f"{folder}/server"]
        started = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        try:
            yield started.stdout.strip() if started.returncode == 0 else ""
        finally:
            if started.returncode == 0:
                subprocess.run(["bash", str(SCRIPT), "stop", f"{folder}/server"], timeout=60, check=False)


def _say(text: str) -> None:
    print(f"{text} …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
