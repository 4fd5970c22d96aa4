"""Questionnaires: the list, and a preview of one in both languages."""

from flask import Blueprint, render_template

from survey.access import requires
from survey.queries import instruments as query
from survey.services.instruments import find_questionnaire

blueprint = Blueprint("instruments", __name__)


@blueprint.get("/questionnaires")
@requires("instrument.read")
def index() -> str:
    """List the questionnaires that are loaded."""
    return render_template("instruments/index.html", questionnaires=query.list_questionnaires())


@blueprint.get("/questionnaires/<int(max=2147483647):questionnaire_id>")
@requires("instrument.read")
def page(questionnaire_id: int) -> str:
    """Show a questionnaire as it stands, every variant, in Chinese and English."""
    row = query.find_row(questionnaire_id)
    return render_template("instruments/page.html", row=row, questionnaire=find_questionnaire(questionnaire_id))
