"""Jobs: long work queued by the desk, run one at a time by the worker process, visible with progress."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update

from survey.database import transaction
from survey.errors import SurveyError
from survey.extensions import db
from survey.models.jobs import Job

Progress = Callable[[int, int], None]
Work = Callable[[Mapping[str, Any], str, Progress], dict[str, Any]]


def _import_roster(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.rosters import import_roster
    from survey.services.uploads import uploaded_file

    path = uploaded_file(arguments["upload"])
    report = import_roster(
        path,
        actor=actor,
        dry_run=arguments["dry_run"],
        file_name=arguments.get("file_name", ""),
        progress=progress,
    )
    return {**report.to_json(), "diff": report.diff_json(), "upload": arguments["upload"]}


def _print_slips(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.printing import print_slips

    return print_slips(arguments, actor=actor, progress=progress)


def _move_campaign(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.campaigns import move_campaign

    progress(0, 1)
    move_campaign(arguments["campaign"], arguments["state"], actor=actor)
    return {"campaign": arguments["campaign"], "state": arguments["state"]}


WORKS: dict[str, Work] = {
    "import_roster": _import_roster,
    "print_slips": _print_slips,
    "move_campaign": _move_campaign,
    "void_unit": _print_slips,
}
# Kinds that end with slips in the clear: done by halves, they are not done again.
PRINTING = ("print_slips", "void_unit")


def queue_job(kind: str, arguments: Mapping[str, Any], *, actor: str) -> int:
    """Queue work for the worker process; return the job's id. `kind` is a key of `WORKS`."""
    with transaction() as session:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        job = Job(kind=kind, arguments=dict(arguments), account=actor, queued_at=now)
        session.add(job)
        session.flush()
        return job.id


def resume_jobs() -> None:
    """Put jobs that a stopped worker left half-way back into the queue, for they are all or nothing.

    But not printing: its slips may have been made before its files were whole, and would be made twice.
    """
    from survey.services.printing import forget_unfinished

    lost = _(
        "The server stopped while slips were printed. Replace the unused slips of the group, or of all groups. "
        "Who asked for paper in place of a token still waits for it."
    )
    running = update(Job).where(Job.state == "running")
    with transaction() as session:
        session.execute(running.where(Job.kind.in_(PRINTING)).values(state="failed", message=lost))
        session.execute(running.values(state="waiting"))
    forget_unfinished()


def run_next_job() -> bool:
    """Run the oldest waiting job; return whether there was one. A failure becomes the job's message."""
    job = db.session.scalars(select(Job).where(Job.state == "waiting").order_by(Job.id).limit(1)).first()
    db.session.rollback()
    if job is None:
        return False
    job_id, kind, arguments, actor = job.id, job.kind, job.arguments, job.account
    _set(job_id, state="running")
    try:
        result = WORKS[kind](arguments, actor, lambda done, total: _note_progress(job_id, done, total))
    except SurveyError as error:
        _set(job_id, state="failed", message=error.sentence(_)[:500])
    except Exception:
        current_app.logger.exception("job %s (%s) failed", job_id, kind)
        _set(job_id, state="failed", message=_("The work failed; the machine's log says why."))
    else:
        _set(job_id, state="done", result=result, message="")
    return True


def _set(job_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def _progress_file(job_id: int) -> Path:
    folder = current_app.config["WUPING"].instance / "progress"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Path(folder) / f"{job_id}.json"


def _note_progress(job_id: int, done: int, total: int) -> None:
    # In a file, not in the database: while the work's own transaction is open, SQLite takes no second writer.
    path = _progress_file(job_id)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps([done, total]))
    draft.replace(path)


def job_progress(job_id: int) -> tuple[int, int]:
    """Return (done, total) of a running job; (0, 0) before its first report."""
    try:
        done, total = json.loads(_progress_file(job_id).read_text())
    except (OSError, ValueError):
        return 0, 0
    return int(done), int(total)
