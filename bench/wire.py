"""A connection of one phone: HTTP/1.1 with keep-alive on a bare socket, so that the load costs little itself."""

import gzip
import re
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: ([^\r]+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: ([^;\r]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; `cookie` is name=value of the one cookie set, if any; `received` its bytes on the wire."""

    status: int
    received: int
    body: bytes
    location: str
    cookie: str


class Wire:
    """One connection; counts its requests and the bytes in both directions."""

    def __init__(self, port: int) -> None:
        self.requests = self.bytes = 0
        self._head = f" HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept-Encoding: gzip\r\n"
        self._socket = socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, method: str, path: str, *, cookie: str = "", body: str = "") -> Answer:
        """Send one request and read its whole answer; raises OSError when the connection breaks."""
        head = f"{method} {path}{self._head}"
        if cookie:
            head += f"Cookie: {cookie}\r\n"
        if method == "POST":
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        message = f"{head}\r\n{body}".encode()
        self._socket.sendall(message)
        self.requests += 1
        self.bytes += len(message)
        return self._answer()

    def _answer(self) -> Answer:
        data = self._socket.recv(65536)
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise OSError("an answer without Content-Length")
        while len(body) < int(length[1]):
            body += self._more()
        received = len(head) + 4 + len(body)
        self.bytes += received
        if b"content-encoding: gzip" in head.lower():
            body = gzip.decompress(body)
        location, cookie = _LOCATION.search(head), _COOKIE.search(head)
        return Answer(
            status=int(head[9:12]),
            received=received,
            body=body,
            location=location[1].decode() if location else "",
            cookie=cookie[1].decode() if cookie else "",
        )

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise OSError("the server closed the connection in the middle of an answer")
        return data
