"""Servers under test: starting and ending them, and what their whole process tree costs, read from /proc."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import yardstick
from bench.wire import Wire
from survey.config import Config
from survey.serve import web_command

HOST = "127.0.0.1"
WORKERS = 2
READY_SECONDS = 60
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: the root of its process tree and its port."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return user + system time of the tree so far, with that of children that have ended."""
        return sum(_cpu_ticks(pid) for pid in self.tree()) / _TICK

    def tree(self) -> list[int]:
        """Return the ids of the root and everything below it."""
        below: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
                below.setdefault(int(fields[1]), []).append(int(entry.name))
        found = [self.pid]
        for pid in found:
            found += below.get(pid, [])
        return found

    def web_workers(self) -> list[int]:
        """Return the ids of gunicorn's workers: the leaves of the tree that run gunicorn."""
        tree = self.tree()
        parents = {int(fields[1]) for pid in tree if (fields := _stat(pid))}
        return [pid for pid in tree if pid not in parents and b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, or [] for a process that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_ticks(pid: int) -> int:
    # utime, stime, cutime, cstime are fields 14 to 17 of proc(5); the list begins with field 3.
    return sum(int(field) for field in _stat(pid)[11:15])


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def product(config: Config) -> Iterator[Server]:
    """Run the product's production server on an instance, with its worker process, mixing once an hour."""
    port = free_port()
    settings = {"SURVEY_INSTANCE": str(config.instance), "SURVEY_MIX_SECONDS": "3600"}
    if config.database_url:
        settings["SURVEY_DATABASE_URL"] = config.database_url
    command = [sys.executable, "-m", "survey.cli", "serve", "--port", str(port), "--workers", str(WORKERS)]
    with _running(command, settings, port=port, path="/readyz") as server:
        yield server


@contextmanager
def bare(database: str, *, items: int, page_bytes: int, thanks_bytes: int) -> Iterator[Server]:
    """Run the yardstick under the same gunicorn settings as the product."""
    port = free_port()
    settings = {
        yardstick.DATABASE: database,
        yardstick.ITEMS: str(items),
        yardstick.PAGE_BYTES: str(page_bytes),
        yardstick.THANKS_BYTES: str(thanks_bytes),
    }
    command = web_command(HOST, port, workers=WORKERS, application="bench.yardstick:create_app()")
    with _running(command, settings, port=port, path="/thanks") as server:
        yield server


@contextmanager
def _running(command: list[str], settings: Mapping[str, str], *, port: int, path: str) -> Iterator[Server]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SURVEY_")}
    process = subprocess.Popen(command, env={**environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port, path)
        yield Server(pid=process.pid, port=port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with Wire(port) as wire:
                if wire.ask("GET", path).status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server on port {port} did not answer {path}")
