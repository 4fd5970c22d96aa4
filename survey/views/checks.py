"""What `survey check` says, for the system administrator."""

from flask import Blueprint, render_template

from survey.access import requires
from survey.services.instances import run_checks

blueprint = Blueprint("checks", __name__)


@blueprint.get("/checks")
@requires("check.read")
def index() -> str:
    """Run every check and show what it found."""
    return render_template("checks/index.html", checks=run_checks())
