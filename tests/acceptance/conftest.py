"""Drives the installed console script and its server from outside, as acceptance does."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SURVEY = Path(sys.executable).parent / "survey"


class Console:
    """The `survey` command on one instance."""

    def __init__(self, instance: Path, database_url: str = "") -> None:
        self.instance = instance
        self.environ = dict(os.environ, SURVEY_INSTANCE=str(instance), SURVEY_MIX_SECONDS="2")
        if database_url:
            self.environ["SURVEY_DATABASE_URL"] = database_url

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = [str(SURVEY), *map(str, words)]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=300, check=False)

    def json(self, *words: object) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def serving(self) -> Iterator[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen([str(SURVEY), "serve", "--port", str(port)], env=self.environ)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_until_ready(base)
            yield base
        finally:
            server.terminate()
            assert server.wait(timeout=10) == 0


def _wait_until_ready(base: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server was not ready within a minute")


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """The console of an instance that does not exist yet."""
    url = os.environ.get("SURVEY_TEST_POSTGRESQL", "")
    if url:
        _empty(url)
    return Console(tmp_path / "instance", url)


def _empty(url: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
