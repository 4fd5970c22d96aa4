"""Jobs: progress of long work, on a page that also works without JavaScript, and where its result is."""

from typing import Any

from flask import Blueprint, render_template, url_for

from survey.access import may, requires
from survey.queries import jobs as query
from survey.queries.jobs import JobRow
from survey.services.jobs import PRINTING, job_progress
from survey.views.words import work_state

blueprint = Blueprint("jobs", __name__)
# Where work was started from, if not on the page of its campaign.
_PAGES = {
    "print_slips": "slips.index",
    "void_unit": "voiding.page",
    "compare": "results.overview",
    "prepare_publication": "publications.edit",
}


@blueprint.get("/jobs/<int(max=2147483647):job_id>")
@requires("job.read")
def page(job_id: int) -> str:
    """Show a job; while it runs the browser asks `progress` and loads the page anew at its end."""
    job = query.find_job(job_id)
    done, total = job_progress(job_id)
    return render_template("jobs/page.html", job=job, done=done, total=total, result=_result(job), back=_back(job))


@blueprint.get("/jobs/<int(max=2147483647):job_id>.json")
@requires("job.read")
def progress(job_id: int) -> dict[str, Any]:
    """Return state and progress for the page's script."""
    job = query.find_job(job_id)
    done, total = job_progress(job_id)
    return {"state": job.state, "finished": job.finished, "words": work_state(job.state), "done": done, "total": total}


def _result(job: JobRow) -> str:
    """Return the address of what the job made."""
    if job.kind == "import_roster":
        return url_for("rosters.review", job_id=job.id)
    if job.kind in PRINTING and may("slips.write"):
        return url_for("slips.printed", job_id=job.id)
    if job.kind == "compare" and job.result:
        return url_for("comparisons.page", **job.result["comparison"])
    return _back(job)


def _back(job: JobRow) -> str:
    """Return the address of the page that the job was started from."""
    if job.kind == "import_roster":
        return url_for("rosters.index")
    if job.kind == "delete_campaign":
        return url_for("campaigns.index")
    endpoint = _PAGES.get(job.kind, "campaigns.page")
    return url_for(endpoint, campaign_id=job.arguments["campaign"])
