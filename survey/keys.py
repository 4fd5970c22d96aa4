"""The secrets of an instance: one random master key in a file of its own, one derived key per purpose."""

import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from survey.errors import N_, Refused

FILE_NAME = "secret.key"


def make_master_key(instance: Path) -> None:
    """Write a new master key (32 random bytes, mode 0600) into the instance folder (mode 0700)."""
    instance.mkdir(parents=True, exist_ok=True)
    instance.chmod(0o700)
    descriptor = os.open(instance / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())


def read_master_key(instance: Path) -> bytes:
    """Return the master key; raise Refused when it is missing, short, or readable by others."""
    path = instance / FILE_NAME
    if not path.is_file():
        raise Refused(N_("There is no instance in %(folder)s: run `survey init --admin NAME` first."), folder=instance)
    if path.stat().st_mode & 0o077:
        raise Refused(N_("%(file)s may be read by others: run chmod 600 on it."), file=path)
    key = path.read_bytes()
    if len(key) != 32:
        raise Refused(
            N_("%(file)s is damaged: restore it from your backup; the printed slips depend on it."), file=path
        )
    return key


@cache
def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"wuping/{purpose}".encode()).derive(master)


def purpose_key(purpose: str) -> bytes:
    """Return the 32-byte key of one purpose (`slip`, `seal`, `receipt`, `session`): keys never serve two."""
    return _derive(current_app.config["MASTER_KEY"], purpose)
