"""Documents of results: single reports on request, all of a campaign as a job, circular and bulletin with templates."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import check_school, own_school, requires
from survey.errors import BadInput, NotFound
from survey.forms.reports import BatchForm, TemplateForm
from survey.queries import jobs, own_results, results
from survey.queries.jobs import JobRow
from survey.queries.results import ReleasedCampaign
from survey.queries.tokens import staff_code_of
from survey.services import report_batches, report_templates, reports
from survey.services.jobs import job_progress, queue_job
from survey.views.downloads import attached
from survey.views.words import work_state

blueprint = Blueprint("reports", __name__)
CAMPAIGN = "/results/<int(max=2147483647):campaign_id>"
KIND = "<any(word, pdf):kind>"
BATCH = "/results/reports/<int(max=2147483647):job_id>"
TEMPLATE = "/results/reports/templates/<any(notice, briefing):name>"


def _bureau_only() -> None:
    if own_school() is not None:
        raise NotFound(_("This page does not exist."))


def _send(document: reports.Document) -> Any:
    return attached(document.content, name=document.name, mimetype=document.mimetype)


def _handed_out() -> bool:
    """Tell whether figures are coarse: always for a school, for the bureau unless it asks for its own copy."""
    return own_school() is not None or "internal" not in request.args


@blueprint.get(f"{CAMPAIGN}/<relation>/report/{KIND}/<path:code>")
@requires("results.read")
def target_document(campaign_id: int, relation: str, kind: str, code: str) -> Any:
    """Make the report on one target; a school gets those of its own only."""
    document = reports.target_document(
        campaign_id, relation, code, kind=kind, handed_out=_handed_out(), school=own_school()
    )
    return _send(document)


@blueprint.get(f"{CAMPAIGN}/reports/{KIND}/school/<path:code>")
@requires("results.read")
def school_document(campaign_id: int, kind: str, code: str) -> Any:
    """Make the report on a school; a school gets its own only."""
    check_school(code)
    return _send(reports.school_document(campaign_id, code, kind=kind, handed_out=_handed_out()))


@blueprint.get(f"/own/<int(max=2147483647):campaign_id>/<relation>/report/{KIND}")
@requires("own.read")
def own_document(campaign_id: int, relation: str, kind: str) -> Any:
    """Make the report on the person who is logged in, and nobody else's."""
    own = own_results.find_own(staff_code_of(current_user.id) or "", campaign_id, relation)
    return _send(reports.target_document(campaign_id, relation, own.row.code, kind=kind, handed_out=True))


@blueprint.get(f"{CAMPAIGN}/reports/<any(notice, briefing):name>.docx")
@requires("results.read")
def bulletin(campaign_id: int, name: str) -> Any:
    """Make the circular or the bulletin of a campaign, for the bureau to edit."""
    _bureau_only()
    return _send(reports.bulletin_document(campaign_id, name))


@blueprint.get(f"{CAMPAIGN}/reports")
@requires("results.read")
def index(campaign_id: int) -> str:
    """Offer what documents there are, and the batches that were made."""
    _bureau_only()
    return _index(campaign_id, BatchForm())


def _index(campaign_id: int, form: BatchForm) -> str:
    batches = [job for job in jobs.recent_jobs(kinds=(report_batches.JOB,)) if job.arguments["campaign"] == campaign_id]
    return render_template("reports/index.html", campaign=_campaign(campaign_id), form=form, jobs=batches)


def _campaign(campaign_id: int) -> ReleasedCampaign:
    return results.evaluation_heads(campaign_id)[0].campaign


@blueprint.post(f"{CAMPAIGN}/reports")
@requires("report.write")
def make(campaign_id: int) -> Any:
    """Queue the reports on everybody; pressed twice, it leads to the same job."""
    _campaign(campaign_id)
    form = BatchForm()
    kinds = [kind for kind in reports.KINDS if form[kind].data]
    if not form.validate_on_submit() or not kinds:
        form.form_errors.append(_("Choose Word, PDF or both."))
        return _index(campaign_id, form), 422
    about = {"campaign": campaign_id, "kinds": kinds, "handed_out": not form.internal.data}
    under_way = jobs.unfinished_job(report_batches.JOB, **about)
    arguments = {**about, "language": str(get_locale())}
    queued = under_way.id if under_way else queue_job(report_batches.JOB, arguments, actor=current_user.name)
    return redirect(url_for("reports.batch", job_id=queued), code=303)


@blueprint.get(BATCH)
@requires("results.read")
def batch(job_id: int) -> str:
    """Show how far a batch is; at its end the buttons to fetch and to delete it."""
    job = _job(job_id)
    done, total = job_progress(job_id)
    there = bool(job.result) and report_batches.has_batch(job.result["batch"] if job.result else "")
    campaign = _campaign(job.arguments["campaign"])
    return render_template("reports/batch.html", job=job, campaign=campaign, done=done, total=total, there=there)


@blueprint.get(f"{BATCH}.json")
@requires("results.read")
def progress(job_id: int) -> dict[str, Any]:
    """Return state and progress for the page's script."""
    job = _job(job_id)
    done, total = job_progress(job_id)
    return {"state": job.state, "finished": job.finished, "words": work_state(job.state), "done": done, "total": total}


@blueprint.post(f"{BATCH}/fetch")
@requires("results.read")
def fetch(job_id: int) -> Any:
    """Hand out the zip to who may see all; each time goes into the audit log."""
    result = _result(job_id)
    path = report_batches.fetch_batch(result["batch"], campaign_id=result["campaign"], actor=current_user.name)
    name = f"reports-{result['campaign']}-{job_id}.zip"
    return attached(path, name=name, mimetype="application/zip")


@blueprint.post(f"{BATCH}/forget")
@requires("report.write")
def forget(job_id: int) -> BaseResponse:
    """Delete the files of a batch."""
    report_batches.BATCHES.forget(_result(job_id)["batch"])
    flash(_("The files were deleted from the server."))
    return redirect(url_for("reports.batch", job_id=job_id), code=303)


def _result(job_id: int) -> dict[str, Any]:
    job = _job(job_id)
    if job.result is None:
        raise NotFound(_("There is no such job."))
    return dict(job.result)


def _job(job_id: int) -> JobRow:
    _bureau_only()
    return jobs.find_job(job_id, kind=report_batches.JOB)


@blueprint.get("/results/reports/templates")
@requires("report.write")
def templates() -> str:
    """Show which templates are in force, and what they may ask for."""
    return _templates("", TemplateForm())


def _templates(name: str, form: TemplateForm) -> str:
    return render_template(
        "reports/templates.html",
        own={known: report_templates.is_own(known) for known in report_templates.NAMES},
        wrong=name,
        form=form,
        placeholders=report_templates.placeholder_names(),
    )


@blueprint.get(f"{TEMPLATE}.docx")
@requires("report.write")
def template(name: str) -> Any:
    """Hand out the template that is in force."""
    content = report_templates.template_in_force(name)
    return attached(content, name=f"{name}.docx", mimetype=reports.MIMETYPES[reports.WORD])


@blueprint.post(TEMPLATE)
@requires("report.write")
def upload(name: str) -> Any:
    """Put the bureau's own template in force, once it has been checked."""
    form = TemplateForm()
    if form.validate_on_submit():
        try:
            content = form.file.data.stream.read(report_templates.MOST_BYTES + 1)
            report_templates.keep_template(name, content, actor=current_user.name)
        except BadInput as refusal:
            form.file.errors = [refusal.sentence(_)]
        else:
            flash(_("The template is in force."))
            return redirect(url_for("reports.templates"), code=303)
    return _templates(name, form), 422


@blueprint.post(f"{TEMPLATE}/reset")
@requires("report.write")
def reset(name: str) -> BaseResponse:
    """Put the ready template back in force."""
    report_templates.reset_template(name, actor=current_user.name)
    flash(_("The ready template is in force again."))
    return redirect(url_for("reports.templates"), code=303)
