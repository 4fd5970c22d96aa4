"""The production server: gunicorn's web processes and the one worker process, started and ended together."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from types import FrameType
from urllib.error import URLError

READY_SECONDS = 60
END_SECONDS = 8
THREADS = 4


def serve(host: str, port: int, *, workers: int, say: Callable[[str], None]) -> int:
    """Run until SIGTERM or SIGINT; return 0, or 1 when a process died by itself.

    `say` is called once, when `/readyz` answers. Children get SIGTERM and, after 8 seconds, SIGKILL.
    """
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [subprocess.Popen(web_command(host, port, workers=workers)), subprocess.Popen(_worker())]
    probe = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}/readyz"  # noqa: S104
    said, deadline = False, time.monotonic() + READY_SECONDS
    while not stopping and all(child.poll() is None for child in children):
        if not said and _ready(probe):
            said = True
            say(f"ready on http://{host}:{port}")
        if not said and time.monotonic() > deadline:
            break
        time.sleep(0.2)
    _end(children)
    return 0 if stopping else 1


def web_command(host: str, port: int, *, workers: int, application: str = "survey:create_app()") -> list[str]:
    """Return the command line of the web processes; the bench runs its yardstick with the same settings."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = [
        "--config",
        "python:survey.gunicorn_hooks",
        "--bind",
        address,
        "--workers",
        str(workers),
        "--threads",
        str(THREADS),
        "--worker-class",
        "gthread",
    ]
    # No access log: nothing may tell when a phone voted. Workers are not preloaded: each opens its own connections.
    limits = ["--timeout", "60", "--graceful-timeout", "6", "--keep-alive", "5", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, *limits, application]


def _worker() -> list[str]:
    return [sys.executable, "-m", "survey.cli", "worker"]


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + END_SECONDS
    for child in children:
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
