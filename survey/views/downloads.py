"""Files that a page hands out: saved, not shown, and kept by no cache."""

from io import BytesIO
from pathlib import Path

from flask import Response, send_file


def attached(content: bytes | Path, *, name: str, mimetype: str) -> Response:
    """Return a file, or bytes, for the browser to save under a name."""
    source = BytesIO(content) if isinstance(content, bytes) else content
    response = send_file(source, mimetype=mimetype, as_attachment=True, download_name=name, etag=False)
    response.headers["Cache-Control"] = "no-store"
    return response
