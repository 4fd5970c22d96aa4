"""Jobs: long work queued by the desk, run one at a time by the worker process, visible with progress."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import SurveyError
from survey.extensions import db
from survey.models.jobs import Job

Progress = Callable[[int, int], None]
# Work that returns None is not through: it is called again when the worker has done what is due.
Work = Callable[[Mapping[str, Any], str, Progress], dict[str, Any] | None]


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


def _print_slips(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any] | None:
    from survey.services.printing import print_slips

    return print_slips(arguments, actor=actor, progress=progress)


def _move_campaign(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.campaigns import move_campaign

    progress(0, 1)
    move_campaign(arguments["campaign"], arguments["state"], actor=actor)
    return {"campaign": arguments["campaign"], "state": arguments["state"]}


def _compare(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.comparisons import compute_comparison

    progress(0, 1)
    return compute_comparison(arguments)


def _prepare_publication(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.publications import prepare_publication

    progress(0, 1)
    prepare_publication(arguments["campaign"], actor=actor)
    return {"campaign": arguments["campaign"]}


def _export(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.exports import run_export

    return run_export(arguments, actor=actor, progress=progress)


def _make_reports(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.report_batches import make_reports

    return make_reports(arguments, actor=actor, progress=progress)


def _delete_campaign(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.deletions import delete_campaign

    progress(0, 1)
    keys = ("what", "name", "reason")
    done = delete_campaign(arguments["campaign"], **{key: arguments[key] for key in keys}, actor=actor)
    return {"campaign": arguments["campaign"], "rows": sum(done.rows.values())}


def _correct_release(arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
    from survey.services.corrections import Renamed, Wanted, begin_correction
    from survey.services.voiding import Unit

    progress(0, 1)
    wanted = Wanted(
        note=arguments["note"],
        reason=arguments["reason"],
        unit=Unit(**arguments["unit"]) if arguments["unit"] else None,
        names=tuple(Renamed(**name) for name in arguments["names"]),
    )
    begun = begin_correction(arguments["campaign"], wanted, actor=actor)
    return {"campaign": arguments["campaign"], "version": begun.version, "state": begun.state}


WORKS: dict[str, Work] = {
    "correct_release": _correct_release,
    "make_reports": _make_reports,
    "delete_campaign": _delete_campaign,
    "export": _export,
    "compare": _compare,
    "prepare_publication": _prepare_publication,
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
        return add_job(session, kind, arguments, actor=actor)


def add_job(session: Session, kind: str, arguments: Mapping[str, Any], *, actor: str) -> int:
    """Queue work inside the caller's transaction, where the job stands or falls with what it is for."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    job = Job(kind=kind, arguments=dict(arguments), account=actor, queued_at=now)
    session.add(job)
    session.flush()
    return job.id


def resume_jobs() -> None:
    """Put jobs that a stopped worker left half-way back into the queue, for they are all or nothing.

    But not printing: its slips may have been made before its files were whole, and would be made twice. Only the
    first printing of a campaign goes on where it was stopped.
    """
    from survey.services.printing import forget_unfinished, is_first

    lost = _(
        "The server stopped while slips were printed. Replace the unused slips of the group, or of all groups. "
        "Who asked for paper in place of a token still waits for it."
    )
    running = update(Job).where(Job.state == "running")
    with transaction() as session:
        printing = session.scalars(select(Job).where(Job.state == "running", Job.kind.in_(PRINTING)))
        halves = [job.id for job in printing if not is_first(job.arguments)]
        session.execute(running.where(Job.id.in_(halves)).values(state="failed", message=lost))
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
        _set(job_id, state="waiting" if result is None else "done", result=result, message="")
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
