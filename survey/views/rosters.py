"""The roster: upload, review of a dry run, import, template, and reading schools, classes and teachers."""

from io import BytesIO
from typing import Any

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import check_school, own_school, requires
from survey.errors import BadInput, NotFound
from survey.forms.rosters import RosterForm
from survey.queries import jobs
from survey.queries import rosters as query
from survey.queries.paging import find_place
from survey.services import uploads
from survey.services.jobs import queue_job
from survey.services.roster_sheets import write_template

blueprint = Blueprint("rosters", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROBLEMS_ON_A_PAGE = 100


@blueprint.get("/rosters")
@requires("roster.read")
def index() -> str:
    """Show the roster's size, its schools and departments."""
    return render_template(
        "rosters/index.html", summary=query.roster_summary(), schools=query.schools(), departments=query.departments()
    )


@blueprint.get("/rosters/template.xlsx")
@requires("roster.read")
def template() -> Any:
    """Hand out the empty workbook with its instructions."""
    target = BytesIO()
    write_template(target)
    target.seek(0)
    return send_file(target, mimetype=XLSX, as_attachment=True, download_name="roster-template.xlsx")


@blueprint.route("/rosters/upload", methods=["GET", "POST"])
@requires("roster.write")
def upload() -> Any:
    """Take a workbook and queue its dry run."""
    form = RosterForm()
    if form.validate_on_submit():
        try:
            name = uploads.keep_upload(form.file.data.stream)
        except BadInput as refusal:
            form.file.errors = [str(refusal)]
        else:
            arguments = {"upload": name, "file_name": form.file.data.filename or "", "dry_run": True}
            job = queue_job("import_roster", arguments, actor=current_user.name)
            return redirect(url_for("jobs.page", job_id=job), code=303)
    recent = jobs.recent_jobs(kinds=("import_roster",), most=5)
    versions = query.roster_versions(limit=5)
    page = render_template("rosters/upload.html", form=form, jobs=recent, versions=versions)
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/rosters/imports/<int(max=2147483647):job_id>")
@requires("roster.write")
def review(job_id: int) -> Any:
    """Show what an import changed, or would change, and every problem with its cell."""
    job = jobs.find_job(job_id, kind="import_roster")
    if job.result is None:
        return redirect(url_for("jobs.page", job_id=job_id), code=303)
    problems = sorted(job.result["problems"], key=lambda problem: problem["severity"] != "error")
    place = find_place(len(problems), page=request.args.get("page", 1, type=int), size=PROBLEMS_ON_A_PAGE)
    return render_template(
        "rosters/review.html",
        job=job,
        report=job.result,
        errors=sum(problem["severity"] == "error" for problem in problems),
        problems=problems[place.start : place.start + PROBLEMS_ON_A_PAGE],
        page=place.page,
        pages=place.pages,
        total=len(problems),
    )


@blueprint.post("/rosters/imports/<int(max=2147483647):job_id>")
@requires("roster.write")
def confirm(job_id: int) -> BaseResponse:
    """Queue the real import of the file that a dry run found to be without errors."""
    job = jobs.find_job(job_id, kind="import_roster")
    uploads.uploaded_file(job.arguments["upload"])
    arguments = {**job.arguments, "dry_run": False}
    under_way = jobs.unfinished_job("import_roster", **arguments)
    queued = under_way.id if under_way else queue_job("import_roster", arguments, actor=current_user.name)
    return redirect(url_for("jobs.page", job_id=queued), code=303)


@blueprint.get("/rosters/schools/<path:code>")
@requires("school.read")
def school(code: str) -> str:
    """Show a school with its classes and teachers; a school account sees its own only."""
    check_school(code)
    found = query.school(code)
    if found is None:
        raise NotFound(_("This page does not exist."))
    classes, teachers = query.school_classes(code), query.teachers(code)
    return render_template("rosters/school.html", school=found, classes=classes, teachers=teachers)


@blueprint.get("/rosters/own")
@requires("school.read")
def own() -> BaseResponse:
    """Lead a school account to its own school."""
    code = own_school()
    target = url_for("rosters.index") if code is None else url_for("rosters.school", code=code)
    return redirect(target, code=303)
