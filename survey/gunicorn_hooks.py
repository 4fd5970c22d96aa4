"""Gunicorn's hooks: a client that sends its request byte by byte may not hold a thread for long."""

import time
from typing import Any

BODY_SECONDS = 20


def pre_request(_worker: Any, request: Any) -> None:
    """Give the body of a request a deadline; without a proxy in front, nine slow phones could stop the server."""
    reader, deadline = request.unreader, time.monotonic() + BODY_SECONDS
    read = type(reader).chunk

    def chunk() -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request came too slowly")
        reader.sock.settimeout(left)
        return bytes(read(reader))

    reader.chunk = chunk


def post_request(_worker: Any, request: Any, _environ: Any, _response: Any) -> None:
    """Take the deadline off: the connection may bring another request."""
    request.unreader.__dict__.pop("chunk", None)
    request.unreader.sock.settimeout(None)
