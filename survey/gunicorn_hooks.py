"""Gunicorn's hooks: a client that sends its request byte by byte may not hold a thread for long."""

import time
from typing import Any

from werkzeug.exceptions import RequestTimeout

# No header of a client, not even one of this machine, may say where the program stands.
forwarder_headers = ""
BODY_SECONDS = 10
# A workbook of 50 MB may come over a slow line: whoever keeps sending gets more time.
BYTES_A_SECOND = 10_000


def pre_request(_worker: Any, request: Any) -> None:
    """Give the body of a request a deadline (408 after it); else a few slow phones could stop the server."""
    reader, deadline = request.unreader, time.monotonic() + BODY_SECONDS
    read = type(reader).chunk

    def chunk(*sizes: int) -> bytes:
        nonlocal deadline
        reader.sock.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            piece = bytes(read(reader, *sizes))
        except TimeoutError as error:
            # The rest of the body is not waited for either.
            request.force_close()
            raise RequestTimeout from error
        deadline += len(piece) / BYTES_A_SECOND
        return piece

    reader.chunk = chunk


def post_request(_worker: Any, request: Any, _environ: Any, _response: Any) -> None:
    """Take the deadline off: the connection may bring another request."""
    if not request.must_close:
        request.unreader.__dict__.pop("chunk", None)
        request.unreader.sock.settimeout(None)
