"""Exports of released results: every table in the format that is asked for, of what the account may see."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from survey.access import own_school, requires
from survey.errors import NotFound
from survey.queries import jobs
from survey.queries.audiences import Audience
from survey.queries.exports import released_parts
from survey.queries.jobs import JobRow
from survey.services import exports
from survey.services.jobs import job_progress, queue_job
from survey.views.downloads import attached
from survey.views.words import work_state

blueprint = Blueprint("exports", __name__)
CAMPAIGN = "/results/<int(max=2147483647):campaign_id>"


@blueprint.get(f"{CAMPAIGN}/exports")
@requires("results.read")
def index(campaign_id: int) -> str:
    """Offer the formats, and what this account's last exports made."""
    parts = released_parts(campaign_id, _audience())
    return render_template(
        "exports/index.html",
        campaign=parts[0].head.campaign,
        targets=sum(part.count() for part in parts),
        outsider=own_school() is not None,
    )


def _audience() -> Audience:
    return Audience(school=own_school())


@blueprint.post(f"{CAMPAIGN}/exports")
@requires("results.read")
def export(campaign_id: int) -> Any:
    """Send the file at once, or queue a job where that would take long; each is noted in the audit log."""
    form, audience = request.form.get("format", ""), _audience()
    if form not in exports.FORMATS:
        raise NotFound(_("This page does not exist."))
    if exports.is_small(campaign_id, audience):
        return _send_once(exports.make_download(campaign_id, form, audience=audience, actor=current_user.name), form)
    about = {"campaign": campaign_id, "format": form, "school": audience.school}
    under_way = jobs.unfinished_job(exports.JOB, **about, owner=current_user.name)
    if under_way is None:
        arguments = {**about, "owner": current_user.name, "language": str(get_locale())}
        return _to_job(queue_job(exports.JOB, arguments, actor=current_user.name))
    return _to_job(under_way.id)


def _to_job(job_id: int) -> Any:
    return redirect(url_for("exports.job", job_id=job_id), code=303)


def _send_once(batch: str, form: str) -> Any:
    """Send a small file that was made for this answer, and keep nothing of it."""
    found = exports.find_download(batch, form)
    content = found.path.read_bytes()
    exports.BATCHES.forget(batch)
    return attached(content, name=found.name, mimetype=found.type)


@blueprint.get("/results/exports/<int(max=2147483647):job_id>")
@requires("results.read")
def job(job_id: int) -> str:
    """Show how far an export of one's own is; at its end the file."""
    found = _own_job(job_id)
    done, total = job_progress(job_id)
    return render_template("exports/job.html", job=found, done=done, total=total)


@blueprint.get("/results/exports/<int(max=2147483647):job_id>.json")
@requires("results.read")
def progress(job_id: int) -> dict[str, Any]:
    """Return state and progress for the page's script."""
    found = _own_job(job_id)
    done, total = job_progress(job_id)
    return {
        "state": found.state,
        "finished": found.finished,
        "words": work_state(found.state),
        "done": done,
        "total": total,
    }


@blueprint.get("/results/exports/<int(max=2147483647):job_id>/file")
@requires("results.read")
def file(job_id: int) -> Any:
    """Send the file that an export of one's own made."""
    found = _own_job(job_id)
    if found.result is None:
        raise NotFound(_("The export is not finished."))
    download = exports.find_download(found.result["batch"], found.result["format"])
    return attached(download.path, name=download.name, mimetype=download.type)


def _own_job(job_id: int) -> JobRow:
    """Return an export that this account asked for and may still read; raise NotFound."""
    found = jobs.find_job(job_id, kind=exports.JOB)
    if found.account != current_user.name or found.arguments["school"] != own_school():
        raise NotFound(_("There is no such job."))
    return found
