"""Slips: making and printing them, replacing unused ones, extra ones; the only pages that lead to codes."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import NotFound
from survey.forms.slips import ExtraForm, ReissueForm
from survey.queries import campaigns as query
from survey.queries import jobs
from survey.services import printing
from survey.services.handouts import as_html, as_pdf
from survey.services.jobs import PRINTING, queue_job
from survey.services.slip_files import handouts_of, open_url, shared_url, unprintable_names
from survey.services.slips import SLIP_STATES
from survey.views.downloads import attached

blueprint = Blueprint("slips", __name__)


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/slips")
@requires("slips.write")
def index(campaign_id: int) -> str:
    """Show what has been printed, and the groups of one school."""
    return _index(query.find_campaign(campaign_id), ReissueForm())


def _index(campaign: query.CampaignRow, form: ReissueForm) -> str:
    schools = query.group_schools(campaign.id)
    wanted = request.args.get("school", schools[0][0] if schools else "")
    return render_template(
        "slips/index.html",
        campaign=campaign,
        evaluations=query.evaluation_rows(campaign.id),
        schools=schools,
        wanted=wanted,
        groups=query.group_rows(campaign.id, school_code=wanted),
        can_print=campaign.state in SLIP_STATES,
        form=form,
        jobs=[job for job in jobs.recent_jobs(kinds=PRINTING) if job.arguments["campaign"] == campaign.id],
        open_url=open_url,
        shared_url=shared_url(),
        unprintable=unprintable_names(campaign.id) if not campaign.slips_made else (),
        handouts=handouts_of(campaign.id),
    )


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/handouts/<name>.<any(pdf, html):kind>")
@requires("slips.write")
def handout(campaign_id: int, name: str, kind: str) -> BaseResponse:
    """Hand out a poster or the letter to the parents as a file; it holds no code."""
    found = next((each for each in handouts_of(query.find_campaign(campaign_id).id) if each.name == name), None)
    if found is None:
        raise NotFound(_("There is no such handout."))
    content = as_pdf(found) if kind == "pdf" else "".join(as_html(found)).encode()
    return attached(content, name=f"{found.name}.{kind}", mimetype="application/pdf" if kind == "pdf" else "text/html")


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/slips")
@requires("slips.write")
def print_all(campaign_id: int) -> BaseResponse:
    """Queue the first printing of all groups; pressed twice, it leads to the same job."""
    under_way = jobs.unfinished_job("print_slips", campaign=campaign_id)
    return _to_job(under_way.id) if under_way else _queue(campaign_id)


def _queue(campaign_id: int, *, group: str | None = None, add: int | None = None, reason: str = "") -> BaseResponse:
    arguments = {"campaign": campaign_id, "group": group, "add": add, "reason": reason}
    return _to_job(queue_job("print_slips", arguments, actor=current_user.name))


def _to_job(job_id: int) -> BaseResponse:
    return redirect(url_for("jobs.page", job_id=job_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/slips/reissue")
@requires("slips.write")
def reissue_all(campaign_id: int) -> Any:
    """Queue the replacement of the unused slips of every group: when the files were lost."""
    campaign = query.find_campaign(campaign_id)
    form = ReissueForm()
    if not form.validate_on_submit():
        return _index(campaign, form), 422
    return _queue(campaign_id, group=printing.EVERY_GROUP, reason=form.reason.data)


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/slips/<int(max=2147483647):group_id>")
@requires("slips.write")
def group(campaign_id: int, group_id: int) -> str:
    """Show one group with the forms to replace or add slips."""
    return _group(campaign_id, group_id, ReissueForm(prefix="reissue"), ExtraForm(prefix="extra"))


def _group(campaign_id: int, group_id: int, reissue_form: ReissueForm, extra_form: ExtraForm) -> str:
    return render_template(
        "slips/group.html",
        campaign=query.find_campaign(campaign_id),
        group=query.find_group(campaign_id, group_id),
        reissue_form=reissue_form,
        extra_form=extra_form,
    )


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/slips/<int(max=2147483647):group_id>/reissue")
@requires("slips.write")
def reissue(campaign_id: int, group_id: int) -> Any:
    """Queue the replacement of a group's unused slips."""
    form = ReissueForm(prefix="reissue")
    if not form.validate_on_submit():
        return _group(campaign_id, group_id, form, ExtraForm(prefix="extra", formdata=None)), 422
    return _queue(campaign_id, group=query.find_group(campaign_id, group_id).code, reason=form.reason.data)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/slips/<int(max=2147483647):group_id>/extra")
@requires("slips.write")
def extra(campaign_id: int, group_id: int) -> Any:
    """Queue extra slips for a group."""
    form = ExtraForm(prefix="extra")
    if not form.validate_on_submit():
        return _group(campaign_id, group_id, ReissueForm(prefix="reissue", formdata=None), form), 422
    code = query.find_group(campaign_id, group_id).code
    return _queue(campaign_id, group=code, add=form.number.data, reason=form.reason.data)


@blueprint.get("/slips/printed/<int(max=2147483647):job_id>")
@requires("slips.write")
def printed(job_id: int) -> str:
    """Show what a printing made, with the buttons to fetch and to delete its files."""
    job, result = _printed(job_id)
    campaign = query.find_campaign(result["campaign"])
    there = printing.has_batch(result["batch"])
    return render_template("slips/printed.html", job=job, result=result, campaign=campaign, there=there)


@blueprint.post("/slips/printed/<int(max=2147483647):job_id>/fetch")
@requires("slips.write")
def fetch(job_id: int) -> Any:
    """Hand out the zip; each time goes into the audit log."""
    _job, result = _printed(job_id)
    path = printing.fetch_batch(result["batch"], campaign_id=result["campaign"], actor=current_user.name)
    name = f"slips-{result['campaign']}-{job_id}.zip"
    return attached(path, name=name, mimetype="application/zip")


@blueprint.post("/slips/printed/<int(max=2147483647):job_id>/forget")
@requires("slips.write")
def forget(job_id: int) -> BaseResponse:
    """Delete the files of a printing."""
    _job, result = _printed(job_id)
    printing.forget_batch(result["batch"])
    flash(_("The files were deleted from the server."))
    return redirect(url_for("slips.printed", job_id=job_id), code=303)


def _printed(job_id: int) -> tuple[jobs.JobRow, dict[str, Any]]:
    job = jobs.find_job(job_id)
    if job.kind not in PRINTING or job.result is None:
        raise NotFound(_("There is no such job."))
    return job, dict(job.result)
