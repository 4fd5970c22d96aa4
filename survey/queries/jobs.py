"""Reads of jobs: one with its result, and the latest ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from survey.errors import NotFound
from survey.extensions import db
from survey.models.jobs import Job


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job; `state` is waiting, running, done or failed; `queued_at` is an ISO moment in UTC."""

    id: int
    kind: str
    state: str
    message: str
    account: str
    queued_at: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any] | None

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("done", "failed")


def find_job(job_id: int, *, kind: str = "") -> JobRow:
    """Return a job, if `kind` is given of that kind; raises NotFound."""
    job = db.session.get(Job, job_id)
    if job is None or kind not in ("", job.kind):
        raise NotFound(_("There is no such job."))
    return _row(job)


def recent_jobs(*, kinds: tuple[str, ...], most: int = 20) -> list[JobRow]:
    """Return the newest jobs of some kinds, newest first."""
    query = select(Job).where(Job.kind.in_(kinds)).order_by(Job.id.desc()).limit(most)
    return [_row(job) for job in db.session.scalars(query)]


def count_unfinished(kind: str, account: str) -> int:
    """Return how many jobs of a kind an account has asked for that are not finished."""
    mine = (Job.kind == kind, Job.state.in_(("waiting", "running")), Job.account == account)
    return db.session.scalar(select(func.count()).select_from(Job).where(*mine)) or 0


def unfinished_job(kind: str, **arguments: Any) -> JobRow | None:
    """Return the newest waiting or running job of a kind whose arguments hold these values, if any."""
    query = select(Job).where(Job.kind == kind, Job.state.in_(("waiting", "running"))).order_by(Job.id.desc())
    jobs = (_row(job) for job in db.session.scalars(query))
    return next((job for job in jobs if arguments.items() <= dict(job.arguments).items()), None)


def _row(job: Job) -> JobRow:
    return JobRow(
        id=job.id,
        kind=job.kind,
        state=job.state,
        message=job.message,
        account=job.account,
        queued_at=job.queued_at,
        arguments=job.arguments,
        result=job.result,
    )
