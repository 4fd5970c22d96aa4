"""A wire between browser and server that loses, cuts, delays, doubles or replaces what passes, as it is told."""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HOTEL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<h1>hotel</h1>"
GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops"
PAUSE = 0.3


class FaultyWire:
    """Hands each request on; the next fault of `plan` befalls the next POST of a ballot page."""

    def __init__(self, *, port: int) -> None:
        self.port = port
        self.server_port = 0
        self.plan: deque[str] = deque()
        self.done: list[str] = []
        self._lock = threading.Lock()
        self._follow = ""

    def _next(self, request: bytes) -> str:
        """Return the fault for this request, "" for none."""
        with self._lock:
            if request.startswith(b"POST /v/page"):
                fault = self.plan.popleft() if self.plan else ""
                if fault == "page lost":
                    self._follow, fault = fault, ""
            elif request.startswith((b"GET /v/page", b"GET /v/receipt")) and self._follow:
                fault, self._follow = "reply lost", ""
            else:
                fault = ""
            self.done += [fault] if fault else []
            return fault

    def serve(self, client: socket.socket) -> None:
        """Serve one connection, which carries one request."""
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            request = _read_request(client)
            if request:
                _FAULTS[self._next(request)](self, client, request)

    def ask(self, request: bytes) -> bytes:
        """Hand a whole request on and return the whole reply."""
        with socket.create_connection(("127.0.0.1", self.server_port), timeout=60) as server:
            server.sendall(request)
            return b"".join(iter(lambda: server.recv(65536), b""))

    def ask_half(self, request: bytes) -> None:
        """Hand on the request without the second half of its body; then the connection breaks."""
        head, _, body = request.partition(b"\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server_port), timeout=60) as server:
            server.sendall(head + b"\r\n\r\n" + body[: len(body) // 2])
            _break(server)


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = client.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def _break(connection: socket.socket) -> None:
    """Break a connection off: the other side sees a reset, no end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _pass(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    client.sendall(wire.ask(request))


def _lost_before(_wire: FaultyWire, client: socket.socket, _request: bytes) -> None:
    _break(client)


def _lost_during(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    wire.ask_half(request)
    _break(client)


def _reply_lost(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    wire.ask(request)
    _break(client)


def _reply_cut(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    reply = wire.ask(request)
    client.sendall(reply[: len(reply) // 2])
    _break(client)


def _slow(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    time.sleep(PAUSE)
    reply = wire.ask(request)
    time.sleep(PAUSE)
    client.sendall(reply)


def _hotel(_wire: FaultyWire, client: socket.socket, _request: bytes) -> None:
    client.sendall(HOTEL)


def _gateway(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    wire.ask(request)
    client.sendall(GATEWAY)


def _doubled(wire: FaultyWire, client: socket.socket, request: bytes) -> None:
    twin = threading.Thread(target=wire.ask, args=(request,))
    twin.start()
    _pass(wire, client, request)
    twin.join()


_FAULTS: dict[str, Callable[[FaultyWire, socket.socket, bytes], None]] = {
    "": _pass,
    "lost before": _lost_before,
    "lost during": _lost_during,
    "reply lost": _reply_lost,
    "reply cut": _reply_cut,
    "slow": _slow,
    "hotel": _hotel,
    "gateway": _gateway,
    "doubled": _doubled,
}
FAULTS = (*list(_FAULTS)[1:], "page lost")


@contextmanager
def faulty_wire(port: int) -> Iterator[FaultyWire]:
    """Listen on `port`; where the server is, is told afterwards."""
    wire = FaultyWire(port=port)
    listener = socket.create_server(("127.0.0.1", port), backlog=64)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=wire.serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield wire
    # Closing alone does not wake the thread that waits.
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
