"""The method page (方法说明) of each released evaluation: in plain words, then in full, generated from its scheme."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _

from survey.access import own_school, requires
from survey.queries import methods, outside, results
from survey.queries.results import Wording
from survey.services.result_words import worded
from survey.views import result_words

blueprint = Blueprint("methods", __name__)
PARENTS = "parent_school"
PUBLIC = "public_education"
# Relations whose raters come in classes, which are strata of question A and clusters of question B.
IN_CLASSES = ("student_teacher", PARENTS)


@blueprint.get("/results/<int(max=2147483647):campaign_id>/method")
@requires("results.read")
def campaign(campaign_id: int) -> Any:
    """Lead to the method of the campaign's first evaluation."""
    first = methods.released_relations(campaign_id)[0]
    return redirect(url_for("methods.page", campaign_id=campaign_id, relation=first), code=303)


@blueprint.get("/results/<int(max=2147483647):campaign_id>/<relation>/method")
@requires("results.read")
def page(campaign_id: int, relation: str) -> str:
    """Show how the figures of one evaluation were made."""
    method = methods.find_method(campaign_id, relation)
    head = method.head
    questionnaire = results.questionnaires([head]).get(head.questionnaire_id)
    return render_template(
        "methods/page.html",
        method=method,
        head=head,
        scheme=head.scheme,
        example=method.example,
        levels=result_words.level_names(head, questionnaire),
        definition=result_words.satisfied_definition(head, questionnaire),
        weights=_weights(method, questionnaire),
        in_classes=relation in IN_CLASSES,
        public=relation == PUBLIC,
        limits=outside,
        # What a release says as a whole is the bureau's to read.
        whole=own_school() is None,
    )


def _weights(method: methods.Method, questionnaire: Wording | None) -> list[tuple[str, str, float]]:
    """Return dimension, item and weight of each item where the scheme has weights, in the questionnaire's order."""
    weights = method.head.scheme.item_weights
    if not weights or questionnaire is None:
        return [("", code, weight) for code, weight in weights.items()]
    names = {dimension.code: worded(dimension.text) for dimension in questionnaire.dimensions}
    return [
        (names[item.dimension], worded(item.text), weights[item.code])
        for item in questionnaire.items
        if item.code in weights
    ]


def decimals(value: float | None, digits: int = 2) -> str:
    """Write a step of a computation with so many decimals."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def rounding_name(rule: str) -> str:
    """Write which way a half is rounded."""
    return str(_("a half to the even digit") if rule == "half_even" else _("a half upwards"))


blueprint.add_app_template_filter(decimals)
blueprint.add_app_template_filter(rounding_name)
blueprint.add_app_template_filter(result_words.definition_name)
