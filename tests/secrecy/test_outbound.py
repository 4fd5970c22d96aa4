"""Nothing connects out: every socket that a whole run of the product opens is watched, from inside and from outside.

Inside, an audit hook of Python notes each connection and each look-up of a name, in the console, the web processes and
the worker. Outside, the system's table of connections is read while votes are cast. Only the database may be reached.
"""

import os
import socket
from pathlib import Path

import pytest

from tests.acceptance.phone import Phone
from tests.secrecy.test_canary import CLASS, SCHOOL, Watched, console, prepare, vote

__all__ = ["console"]
# Loaded by every Python process of the run before anything else.
HOOK = """
import os, sys

WATCHED = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
FILE = os.environ.get("OUTBOUND")

def note(event, arguments):
    if FILE and event in WATCHED:
        with open(FILE, "a") as file:
            file.write(f"{event} {arguments[1:] if event.startswith('socket.c') else arguments!r}\\n")

sys.addaudithook(note)
"""
LOOPBACK = {"0100007F", "00000000", "0" * 32, "0" * 24 + "01000000", "0000000000000000FFFF00000100007F"}


@pytest.fixture
def noted(console: Watched, tmp_path: Path) -> Path:
    """The file into which every process of the console writes what it connects to."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    path = tmp_path / "outbound"
    path.touch()
    before = os.environ.get("PYTHONPATH", "")
    console.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, [str(hooks), before])), "OUTBOUND": str(path)}
    return path


def children_of(process: int) -> list[int]:
    """The process and everything below it."""
    found = [process]
    for entry in Path("/proc").iterdir():
        try:
            parent = entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process:
            found += children_of(int(entry.name))
    return found


def remote_ends(processes: list[int]) -> set[str]:
    """The far ends, as the system writes them, of all TCP and UDP sockets of these processes."""
    inodes = set()
    for process in processes:
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            try:
                inodes.add(str(handle.readlink()).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    lines = [line.split() for name in ("tcp", "tcp6", "udp", "udp6") for line in _table(name)]
    return {line[2].partition(":")[0] for line in lines if line[9] in inodes}


def _table(name: str) -> list[str]:
    path = Path(f"/proc/net/{name}")
    return path.read_text().splitlines()[1:] if path.exists() else []


@pytest.mark.thorough
def test_a_whole_run_opens_no_outbound_socket(console: Watched, noted: Path, tmp_path: Path) -> None:
    codes = prepare(console, tmp_path)
    ends: set[str] = set()
    with console.serving() as base, Phone(base) as phone:
        for code in [*codes[f"P-{SCHOOL}-{CLASS}"], *codes[f"S-{SCHOOL}-{CLASS}"]]:
            vote(phone, code)
            ends |= remote_ends(children_of(os.getpid())[1:])
        for state in ("closed", "tallied", "released"):
            console.json("campaign", "move", 1, state)
    console.json("results", 1)
    console.json("check")
    console.json("backup", tmp_path / "copy.zip")
    # The server asks itself whether it answers; nothing else is asked for, not even a name.
    assert [line for line in noted.read_text().splitlines() if "('127.0.0.1', " not in line] == []
    assert ends <= LOOPBACK


def test_the_watchers_see_a_connection(console: Watched, noted: Path) -> None:
    """The test above can fail."""
    import subprocess
    import sys

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('localhost', {port})).recv(1)"
        child = subprocess.Popen([sys.executable, "-c", code], env=console.environ)
        accepted, _address = server.accept()
        assert remote_ends([child.pid]) <= LOOPBACK
        assert remote_ends([child.pid])
        accepted.close()
        child.wait()
    assert "socket.getaddrinfo" in noted.read_text()
    assert f"{port}" in noted.read_text()
