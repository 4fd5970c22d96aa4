"""Clients that send a form byte by byte do not keep others from voting."""

import socket
import time
import urllib.request
from contextlib import ExitStack

from survey.gunicorn_hooks import BODY_SECONDS
from survey.serve import THREADS
from tests.acceptance.conftest import Console


def test_stalled_bodies_let_others_through(console: Console) -> None:
    console.json("init", "--admin", "boss")
    head = (
        b"POST /v HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nc"
    )
    with console.serving() as base, ExitStack() as stack:
        place = ("127.0.0.1", int(base.rpartition(":")[2]))
        stalled = [stack.enter_context(socket.create_connection(place)) for _number in range(2 * THREADS + 2)]
        for client in stalled:
            client.sendall(head)
        time.sleep(1)
        # In the worst case one process got all of them: three rounds of its threads.
        with urllib.request.urlopen(f"{base}/healthz", timeout=3 * BODY_SECONDS + 5) as answer:
            assert answer.status == 200
        stalled[0].settimeout(BODY_SECONDS + 5)
        assert b" 408 " in stalled[0].recv(200)
