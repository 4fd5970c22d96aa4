"""The audit log as a file: JSON lines that carry the hash chain, or CSV for a spreadsheet. Each export is an entry."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from survey.database import transaction
from survey.queries.audit import Entry, all_entries
from survey.services import audit
from survey.services.formula_guard import csv_line

HEAD = ("id", "at", "actor", "action", "subject", "detail", "digest")
FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv"}


def export_log(form: str, *, actor: str) -> Iterator[bytes]:
    """Record the export, then return the whole log in pieces, its own entry last. `form` is a key of `FORMATS`."""
    with transaction() as session:
        audit.record(session, actor=actor, action="audit.export", detail={"format": form})
    entries = all_entries()
    return _json_lines(entries) if form == "jsonl" else _csv(entries)


def _json_lines(entries: Iterator[Entry]) -> Iterator[bytes]:
    """Yield one entry a line. Its digest is SHA-256 over the one before and this entry's content (`audit.digest`)."""
    for entry in entries:
        yield json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"


def _csv(entries: Iterator[Entry]) -> Iterator[bytes]:
    yield csv_line(HEAD).encode("utf-8-sig")
    for entry in entries:
        yield csv_line(_cells(entry)).encode()


def _cells(entry: Entry) -> tuple[str, ...]:
    detail = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)
    return (str(entry.id), entry.at, entry.actor, entry.action, entry.subject, detail, entry.digest)
