"""Replies of the ballot path: answers whose headers are final, so that nothing has to be completed or looked up."""

from collections.abc import Iterable
from typing import Any

from flask import Response

Header = tuple[str, str]


class Reply(Response):
    """A status line, a body and its headers, sent as they stand.

    werkzeug completes, checks and copies the headers of every answer; that costs more than splicing the page. Nothing
    here comes from a request without being sealed, escaped or a constant. `plain` gives an answer that can be changed.
    """

    def __init__(self, line: str, body: bytes, lines: list[Header]) -> None:
        self.line, self.body = line, body
        self.lines = [*lines, ("Content-Length", str(len(body)))]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer; a HEAD request gets the headers of its GET."""
        start_response(self.line, self.lines)
        return (b"",) if environ["REQUEST_METHOD"] == "HEAD" else (self.body,)

    def plain(self) -> Response:
        """Return the same answer as one of Flask's own."""
        return Response(self.body, self.line, self.lines)


def see_other(location: str, *, cookie: str = "") -> Reply:
    """Lead to another page by 303, with a whole Set-Cookie line if there is one."""
    lines = [("Location", location), ("Set-Cookie", cookie)] if cookie else [("Location", location)]
    return Reply("303 SEE OTHER", b"", lines)
