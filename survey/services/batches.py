"""Files that wait for whoever asked for them: a batch is a folder of a random name in the instance, kept for a day.

What waits here can be made again or is on paper: no backup holds it.
"""

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

# A batch that nobody fetched and deleted is deleted after this time.
KEPT_SECONDS = 24 * 3600
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The batches of one kind, in the folder of that name."""

    kind: str

    def all(self) -> list[Path]:
        """Return every batch there is, finished or not."""
        return list(self._folder().iterdir())

    def add(self) -> Path:
        """Make a new batch (mode 0700)."""
        folder = self._folder() / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder

    def find(self, name: str) -> Path | None:
        """Return a batch; None for one that was deleted, and for a name that could lead elsewhere."""
        path = self._folder() / name if _NAME.fullmatch(name) else None
        return path if path and path.is_dir() else None

    def forget(self, name: str) -> None:
        """Delete a batch, if it is there."""
        path = self.find(name)
        if path:
            shutil.rmtree(path, ignore_errors=True)

    def old(self) -> list[Path]:
        """Return the batches that have lain for a day."""
        return [path for path in self.all() if path.stat().st_mtime < time.time() - KEPT_SECONDS]

    def forget_old(self) -> None:
        """Delete the batches that have lain for a day."""
        for path in self.old():
            self.forget(path.name)

    def _folder(self) -> Path:
        folder = Path(current_app.config["WUPING"].instance) / self.kind
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
