"""Uploaded files: kept under a random name in the instance folder until their job is done."""

import re
import secrets
from pathlib import Path
from typing import BinaryIO

from flask import current_app
from flask_babel import gettext as _

from survey.errors import BadInput, NotFound

MOST_BYTES = 50 * 1024 * 1024
KEPT = 20
_NAME = re.compile(r"[0-9a-f]{32}\.xlsx")


def _folder() -> Path:
    folder = current_app.config["WUPING"].instance / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Path(folder)


def keep_upload(stream: BinaryIO) -> str:
    """Write an upload (at most 50 MiB) to the instance folder; return its random name. Raises BadInput."""
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadInput(_("The file is larger than 50 MB."))
    if not content:
        raise BadInput(_("The file is empty."))
    _forget_oldest()
    name = f"{secrets.token_hex(16)}.xlsx"
    path = _folder() / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    return name


def uploaded_file(name: str) -> Path:
    """Return the path of an upload; raises NotFound when it is gone."""
    path = _folder() / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound(_("The uploaded file is gone; upload it again."))
    return path


def _forget_oldest() -> None:
    files = sorted(_folder().glob("*.xlsx"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT - 1 :]:
        path.unlink(missing_ok=True)
