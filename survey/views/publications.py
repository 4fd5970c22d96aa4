"""Results made public (公示): the pages for everybody, and the desk's page on which they are published."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import requires
from survey.errors import BadInput, NotFound
from survey.forms.publications import FeedbackForm
from survey.queries import publications as query
from survey.queries.campaigns import find_campaign
from survey.queries.jobs import recent_jobs, unfinished_job
from survey.queries.publications import Document, Draft
from survey.services import approvals
from survey.services import publications as service
from survey.services.jobs import queue_job
from survey.services.result_words import change_sentence, worded

blueprint = Blueprint("publications", __name__)
REFERENCE_ONLY = "public_education"


@blueprint.get("/published")
def index() -> str:
    """List the campaigns whose results are out."""
    return render_template("publications/index.html", campaigns=query.public_campaigns())


@blueprint.get("/published/<int(max=2147483647):campaign_id>")
def page(campaign_id: int) -> str:
    """Show everybody the results of a campaign that are out, as outsiders may see them."""
    found = query.published_results(campaign_id)
    return _page(found.document, feedback=found.feedback, published_at=found.published_at)


def _page(document: Document, *, feedback: str, published_at: str, draft: bool = False) -> str:
    evaluations = document["evaluations"]
    return render_template(
        "publications/page.html",
        document=document,
        days=_days(document),
        evaluations=[_shown(row, document) for row in evaluations if row["relation"] != REFERENCE_ONLY],
        reference=[_shown(row, document) for row in evaluations if row["relation"] == REFERENCE_ONLY],
        feedback=feedback,
        published_at=published_at,
        draft=draft,
    )


def _days(document: Document) -> tuple[date, date]:
    campaign = document["campaign"]
    return date.fromisoformat(campaign["first_day"]), date.fromisoformat(campaign["last_day"])


def _shown(evaluation: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return an evaluation with its sentence about the year before, "" without one."""
    return {**evaluation, "sentence": change_sentence(evaluation["change"], document["campaign"]["year"])}


@blueprint.get("/published/<int(max=2147483647):campaign_id>/schools/<path:code>")
def school(campaign_id: int, code: str) -> str:
    """Show everybody what is out about one school: its parents item by item, its pupils as a mean of teachers."""
    return _school(query.published_results(campaign_id).document, code)


def _school(document: Document, code: str, *, draft: bool = False) -> str:
    found = query.find_school(document, code)
    texts = {evaluation["relation"]: _texts(evaluation) for evaluation, _row in found}
    return render_template(
        "publications/school.html",
        document=document,
        parts=found,
        texts=texts,
        name=found[0][1]["name"],
        draft=draft,
    )


def _texts(evaluation: Mapping[str, Any]) -> dict[str, str]:
    return {item["code"]: worded(item["text"]) for item in evaluation["items"]}


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/publication")
@requires("campaign.write")
def edit(campaign_id: int) -> str:
    """Show where the publication stands: what is prepared, what is out, and the bureau's words."""
    draft = query.find_draft(campaign_id)
    form = FeedbackForm(data={"feedback": draft.feedback})
    return _edit(draft, form)


def _edit(draft: Draft, form: FeedbackForm) -> str:
    jobs = (job for job in recent_jobs(kinds=("prepare_publication",)) if job.state == "failed")
    return render_template(
        "publications/edit.html",
        draft=draft,
        form=form,
        review=_to_review(draft.document),
        job=unfinished_job("prepare_publication", campaign=draft.campaign_id),
        failed=next((job for job in jobs if job.arguments["campaign"] == draft.campaign_id), None),
        requests=approvals.pending_requests(draft.campaign_id) if draft.two_person else [],
    )


def _to_review(document: Document | None) -> list[tuple[str, str, int]]:
    """Return (relation, school, number) of rates that somebody must look at before they go out."""
    if document is None:
        return []
    rows = [(evaluation["relation"], row) for evaluation in document["evaluations"] for row in evaluation["rows"]]
    marked = ((relation, row, sum(bool(item["review"]) for item in row.get("rates", ()))) for relation, row in rows)
    return [(relation, row["name"], number) for relation, row, number in marked if number]


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/publication/preview")
@requires("campaign.write")
def preview(campaign_id: int) -> str:
    """Show what would go out, exactly as everybody would see it."""
    draft = query.find_draft(campaign_id)
    return _page(_prepared(draft), feedback=draft.feedback, published_at="", draft=True)


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/publication/preview/schools/<path:code>")
@requires("campaign.write")
def preview_school(campaign_id: int, code: str) -> str:
    """Show what would go out about one school."""
    return _school(_prepared(query.find_draft(campaign_id)), code, draft=True)


def _prepared(draft: Draft) -> Document:
    if draft.document is None:
        raise NotFound(_("Nothing is prepared yet."))
    return draft.document


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/publication/prepare")
@requires("campaign.write")
def prepare(campaign_id: int) -> BaseResponse:
    """Queue the making of what outsiders may see."""
    query.find_draft(campaign_id)
    under_way = unfinished_job("prepare_publication", campaign=campaign_id)
    job = (
        under_way.id
        if under_way
        else queue_job("prepare_publication", {"campaign": campaign_id}, actor=current_user.name)
    )
    return redirect(url_for("jobs.page", job_id=job), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/publication/publish")
@requires("campaign.write")
def publish(campaign_id: int) -> BaseResponse:
    """Make public what is prepared, after a second person's yes where the campaign needs one."""
    draft = query.find_draft(campaign_id)
    _prepared(draft)
    detail = {"digest": draft.digest}
    waiting = approvals.hold(find_campaign(campaign_id), "publish", current_user.name, detail)
    if waiting is not None:
        return redirect(url_for("approvals.page", approval_id=waiting.id), code=303)
    service.publish(campaign_id, actor=current_user.name)
    flash(_("The results are public now."))
    return redirect(url_for("publications.edit", campaign_id=campaign_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/publication/unpublish")
@requires("campaign.write")
def unpublish(campaign_id: int) -> BaseResponse:
    """Take the results off the public page, after a second person's yes where the campaign needs one."""
    query.published_results(campaign_id)
    waiting = approvals.hold(find_campaign(campaign_id), "unpublish", current_user.name)
    if waiting is not None:
        return redirect(url_for("approvals.page", approval_id=waiting.id), code=303)
    service.unpublish(campaign_id, actor=current_user.name)
    flash(_("The results are no longer public."))
    return redirect(url_for("publications.edit", campaign_id=campaign_id), code=303)


@blueprint.post("/campaigns/<int(max=2147483647):campaign_id>/publication/feedback")
@requires("campaign.write")
def feedback(campaign_id: int) -> Any:
    """Keep the bureau's words to the results."""
    draft, form = query.find_draft(campaign_id), FeedbackForm()
    if not form.validate_on_submit():
        return _edit(draft, form), 422
    try:
        service.write_feedback(campaign_id, form.feedback.data or "", actor=current_user.name)
    except BadInput as refusal:
        form.feedback.errors = [refusal.sentence(_)]
        return _edit(draft, form), refusal.status
    flash(_("The text was saved."))
    return redirect(url_for("publications.edit", campaign_id=campaign_id), code=303)
