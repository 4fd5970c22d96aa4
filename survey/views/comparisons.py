"""Comparisons of two to six units, targets or years: choosing them, and the page that says what can be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from survey.access import own_school, requires
from survey.errors import BadInput, NotFound
from survey.forms.comparisons import ComparisonForm
from survey.queries import comparisons as query
from survey.queries import results
from survey.queries.results import EvaluationHead, Row
from survey.queries.target_lists import TargetFilter, TargetPage, list_targets
from survey.services import comparisons as service
from survey.services.comparisons import Choice, Compared
from survey.services.figure_texts import signed, signed_interval
from survey.services.result_words import worded
from survey.views import result_charts
from survey.views.result_charts import Line, shown_interval
from survey.views.words import work_state

blueprint = Blueprint("comparisons", __name__)
FINDINGS = {
    "higher": lazy_gettext("First higher"),
    "lower": lazy_gettext("Second higher"),
    "small": lazy_gettext("within the margin"),
    "turned": lazy_gettext("levels and points point different ways"),
    "unclear": lazy_gettext("not established"),
    "untested": lazy_gettext("not testable"),
    "improvement_only": lazy_gettext("For improvement only"),
}
UNITS_LISTED = 2000


@blueprint.app_template_filter()
def signed_share(value: float | None) -> str:
    """Write a difference of shares in percentage points with its sign."""
    return signed(None if value is None else 100 * value)


@blueprint.app_template_filter()
def signed_share_interval(value: Sequence[float] | None) -> str:
    """Write an interval of a difference of shares in percentage points."""
    return signed_interval([100 * end for end in value] if value else None)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One thing that may be chosen: its code and name, n, score, and whether it is chosen or withheld."""

    code: str
    name: str
    detail: str
    score: float | None
    n: int | None
    chosen: bool


@blueprint.get("/comparisons/<int(max=2147483647):campaign_id>/<relation>/choose")
@requires("results.read")
def choose(campaign_id: int, relation: str) -> str:
    """Show what may be compared; what is ticked is kept while one looks for more."""
    head, form = results.find_head(campaign_id, relation), ComparisonForm(request.args)
    of = _kind(head, form)
    offers, found = _offers(head, form, of)
    return render_template(
        "comparisons/choose.html",
        head=head,
        of=of,
        kinds=_kinds(head),
        form=form,
        offers=offers,
        found=found,
        search=_search(),
        subject=service.subject_name(head, _choice(head, form, of="years")) if form.about.data != "whole" else "",
        outsider=own_school() is not None,
    )


def _kind(head: EvaluationHead, form: ComparisonForm) -> str:
    kinds = _kinds(head)
    return form.of.data if form.of.data in kinds else kinds[0]


def _kinds(head: EvaluationHead) -> list[str]:
    """Return what can be compared here: a school's account has no units, the public rates one target only."""
    units = own_school() is None and head.relation not in ("public_education", "principal_department")
    return [*(["units"] if units else []), *(["targets"] if head.targets > 1 else []), "years"]


def _search() -> str:
    return request.args.get("q", "").strip()[:100]


def _offers(head: EvaluationHead, form: ComparisonForm, of: str) -> tuple[list[Offer], TargetPage | None]:
    chosen = set(form.codes)
    if of == "years":
        editions = query.editions(head)
        return [_edition(edition, chosen) for edition in editions], None
    if of == "units":
        rows = [row for row in results.units(head)[:UNITS_LISTED] if _search() in row.name + row.code]
        return [_offer(row, chosen, row.record["targets"]) for row in rows], None
    wanted = TargetFilter(school=own_school(), search=_search(), page=request.args.get("page", 1, type=int))
    found = list_targets(head, wanted)
    kept = chosen - {row.code for row in found.rows}
    known = query.targets_among(head, kept, school=own_school())
    return [_offer(row, chosen, row.record["valid"]) for row in (*known, *found.rows)], found


def _edition(edition: query.Edition, chosen: set[str]) -> Offer:
    code = str(edition.campaign_id)
    return Offer(
        code=code, name=edition.name, detail=str(edition.year), score=None, n=None, chosen=code in chosen or not chosen
    )


def _offer(row: Row, chosen: set[str], n: int) -> Offer:
    rounded = n if own_school() is None else None
    score = row.record["score"]
    return Offer(code=row.code, name=row.name, detail=row.code, score=score, n=rounded, chosen=row.code in chosen)


@blueprint.get("/comparisons/<int(max=2147483647):campaign_id>/<relation>")
@requires("results.read")
def page(campaign_id: int, relation: str) -> Any:
    """Show a comparison; its address says all of it, and holds for every colleague with the same rights."""
    head, form = results.find_head(campaign_id, relation), ComparisonForm(request.args)
    if not form.validate():
        return redirect(url_for("comparisons.choose", **_asked(campaign_id, relation), few=1), code=303)
    compared = service.find_comparison(_choice(head, form))
    subject = service.subject_name(compared.head, compared.choice)
    if compared.document is None:
        return render_template("comparisons/waiting.html", compared=compared, head=compared.head, subject=subject)
    return render_template("comparisons/page.html", **_shown(compared), subject=subject)


def _asked(campaign_id: int, relation: str) -> dict[str, Any]:
    kept = {name: request.args.getlist(name) for name in ("of", "c", "about", "subject", "q") if name in request.args}
    return {**kept, "campaign_id": campaign_id, "relation": relation}


def _choice(head: EvaluationHead, form: ComparisonForm, *, of: str = "") -> Choice:
    return Choice(
        campaign_id=head.campaign.id,
        relation=head.relation,
        of=of or form.of.data,
        codes=form.codes,
        about=form.about.data,
        subject=form.subject.data or "",
        planned=form.planned.data,
        school=own_school(),
    )


def _shown(compared: Compared) -> dict[str, Any]:
    head, document = compared.head, compared.document
    if document is None:
        raise NotFound(_("This page does not exist."))
    lines = _lines(compared, document)
    return {
        "head": head,
        "choice": compared.choice,
        "names": compared.names,
        "document": document,
        "sentences": [_sentence(pair, document, compared.names) for pair in document["pairs"]],
        "family": _family(document),
        "lines": lines,
        "chart": result_charts.drawn_dots(lines),
        "items": _items(head, document),
        "course": _course(document),
        "findings": FINDINGS,
        "outsider": own_school() is not None,
    }


def _lines(compared: Compared, document: Mapping[str, Any]) -> list[Line]:
    """Return the subjects group by group, those of years not: their scores stand in the table alone."""
    place = {code: tier for tier, codes in enumerate(document["groups"]) for code in codes}
    rows = service.subjects(compared.head, compared.choice)
    lines = [Line(row=row, tier=place.get(row.code), interval=shown_interval(row.record)) for row in rows]
    return sorted(lines, key=lambda line: (line.tier is None, line.tier or 0, line.row.code))


def _items(head: EvaluationHead, document: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    wording = results.questionnaires([head]).get(head.questionnaire_id)
    texts = {item.code: worded(item.text) for item in wording.items} if wording else {}
    grouped = groupby(document["items"], key=lambda row: row["item"])
    return [(texts.get(code, code), list(rows)) for code, rows in grouped]


def _language() -> str:
    from survey.analysis.sentences import CHINESE, ENGLISH

    return CHINESE if str(get_locale()).startswith("zh") else ENGLISH


def _sentence(pair: Mapping[str, Any], document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    from survey.analysis.chosen_sentences import chosen_sentence

    a, b = names[pair["a"]], names[pair["b"]]
    return chosen_sentence(pair, document, name_a=a, name_b=b, language=_language())


def _family(document: Mapping[str, Any]) -> str:
    from survey.analysis.chosen_sentences import family_text

    return family_text(document, language=_language()).strip(" ,，")


def _course(document: Mapping[str, Any]) -> str:
    from survey.analysis.sentences import course_sentence
    from survey.analysis.trends import Course

    return course_sentence(Course(**document["course"]), language=_language()) if document["course"] else ""


@blueprint.post("/comparisons/<int(max=2147483647):campaign_id>/<relation>")
@requires("results.read")
def start(campaign_id: int, relation: str) -> BaseResponse:
    """Have a comparison computed by the worker, unless it is there already."""
    head, form = results.find_head(campaign_id, relation), ComparisonForm(request.form)
    if not form.validate():
        raise BadInput(_("Choose two to six to compare."))
    choice = _choice(head, form)
    service.request_comparison(choice, actor=current_user.name)
    return redirect(url_for("comparisons.page", **choice.address), code=303)


@blueprint.get("/comparisons/<int(max=2147483647):campaign_id>/<relation>/state.json")
@requires("results.read")
def progress(campaign_id: int, relation: str) -> dict[str, Any]:
    """Return the state of the computing for the page's script."""
    head, form = results.find_head(campaign_id, relation), ComparisonForm(request.args)
    compared = service.find_comparison(_choice(head, form))
    state = "done" if compared.document is not None else compared.state
    finished = state not in service.UNFINISHED
    return {"state": state, "finished": finished, "words": work_state(state), "done": 0, "total": 0}
