"""Exports (数据导出) of released results: files for who may see them, at once or, where it takes long, as a job.

A job's files lie in the instance folder for a day; they hold nothing that the account could not read on its pages.
"""

import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from survey.database import transaction
from survey.errors import BadInput, NotFound
from survey.queries.audiences import Audience
from survey.queries.exports import Part, released_parts, require_released
from survey.services import audit
from survey.services.batches import Batches
from survey.services.export_files import write_csv, write_json, write_xlsx
from survey.services.export_sav import write_savs
from survey.services.jobs import Progress

FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "application/zip",
    "sav": "application/zip",
    "json": "application/json",
}
JOB = "export"
# Targets that a web process writes while the browser waits: about a second on the slowest format.
MOST_AT_ONCE = 200
BATCHES = Batches(kind="exports")
_REPORT_EVERY = 200


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file for the browser: `name` is what it is called there."""

    path: Path
    name: str
    type: str


def write_export(
    folder: Path, campaign_id: int, form: str, *, audience: Audience, progress: Progress | None = None
) -> list[Path]:
    """Write the files of an export into an existing folder; return their paths. `form` is a key of `FORMATS`.

    Raises BadInput for another format, NotFound where nothing is released for the audience.
    """
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise BadInput(_("There is no format %(name)s; the formats are %(known)s.", name=form, known=known))
    parts = released_parts(campaign_id, audience)
    step = _Counter(parts, reads=1 if form in ("json", "sav") else 2, progress=progress)
    stem = folder / f"results-{campaign_id}"
    if form == "xlsx":
        return write_xlsx(stem.with_suffix(".xlsx"), parts, step=step)
    if form == "json":
        return write_json(stem.with_suffix(".json"), parts, step=step)
    return (write_csv if form == "csv" else write_savs)(folder, parts, step=step)


class _Counter:
    """Counts targets as they are read and reports now and then."""

    def __init__(self, parts: Sequence[Part], *, reads: int, progress: Progress | None) -> None:
        self.total = reads * sum(part.count() for part in parts)
        self.done, self.progress = 0, progress

    def __call__(self) -> None:
        self.done += 1
        if self.progress and self.done % _REPORT_EVERY == 0:
            self.progress(self.done, self.total)


def export_to(folder: Path, campaign_id: int, form: str, *, actor: str) -> list[Path]:
    """Write the bureau's view into a folder that is made (mode 0700, files 0600), and note it in the audit log.

    Raises NotFound, Conflict before the release, BadInput for the format, for a folder that cannot be written to and
    for files that are there already.
    """
    require_released(campaign_id)
    draft = folder / f".{secrets.token_hex(8)}"
    try:
        draft.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise BadInput(_("%(folder)s: files cannot be written there.", folder=folder)) from error
    try:
        files = write_export(draft, campaign_id, form, audience=Audience())
        there = [path.name for path in files if (folder / path.name).exists()]
        if there:
            raise BadInput(_("%(file)s is there already.", file=folder / there[0]))
        _record(campaign_id, form, audience=Audience(), actor=actor)
        return [_moved(path, folder / path.name) for path in files]
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _moved(path: Path, place: Path) -> Path:
    path.chmod(0o600)
    return path.rename(place)


def is_small(campaign_id: int, audience: Audience) -> bool:
    """Tell whether an export is made while the browser waits; raises NotFound where nothing is released."""
    return sum(part.count() for part in released_parts(campaign_id, audience)) <= MOST_AT_ONCE


def make_download(
    campaign_id: int, form: str, *, audience: Audience, actor: str, progress: Progress | None = None
) -> str:
    """Write an export into a folder of its own in the instance; return that folder's random name.

    What a job makes and what a browser waits for is the same; `find_download` finds it.
    """
    folder = BATCHES.add()
    try:
        files = write_export(folder, campaign_id, form, audience=audience, progress=progress)
        if form in ("csv", "sav"):
            _pack(folder / f"results-{campaign_id}-{form}.zip", files)
        _record(campaign_id, form, audience=audience, actor=actor)
    except BaseException:
        BATCHES.forget(folder.name)
        raise
    return folder.name


def _record(campaign_id: int, form: str, *, audience: Audience, actor: str) -> None:
    detail = {"format": form, "view": audience.kind}
    with transaction() as session:
        audit.record(session, actor=actor, action="results.export", subject=f"campaign {campaign_id}", detail=detail)


def _pack(path: Path, files: Sequence[Path]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in files:
            bundle.write(file, file.name)
            file.unlink()


def find_download(batch: str, form: str) -> Download:
    """Return the file of an export; raise NotFound when it was deleted."""
    folder = BATCHES.find(batch)
    found = sorted(folder.glob("results-*")) if folder else []
    if not found:
        raise NotFound(_("The files were deleted; export them again."))
    return Download(path=found[0], name=found[0].name, type=FORMATS[form])


def run_export(arguments: Mapping[str, Any], *, actor: str, progress: Progress) -> dict[str, Any]:
    """Do the work of a job: the export that its arguments name; return where it lies."""
    progress(0, 1)
    audience = Audience(school=arguments["school"])
    with force_locale(arguments["language"]):
        batch = make_download(
            arguments["campaign"], arguments["format"], audience=audience, actor=actor, progress=progress
        )
    return {"campaign": arguments["campaign"], "format": arguments["format"], "batch": batch}
