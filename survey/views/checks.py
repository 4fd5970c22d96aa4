"""What `survey check` says, for the system administrator."""

from flask import Blueprint, render_template
from flask_babel import lazy_gettext

from survey.access import requires
from survey.services.instances import run_checks

blueprint = Blueprint("checks", __name__)
# The console and its JSON keep the codes.
NAMES = {
    "configuration": lazy_gettext("Configuration"),
    "https": lazy_gettext("Encrypted connection (HTTPS)"),
    "host": lazy_gettext("Address on the slips"),
    "versions": lazy_gettext("Versions"),
    "sqlite": lazy_gettext("Version of SQLite"),
    "secrets": lazy_gettext("Key file"),
    "database": lazy_gettext("Database"),
    "migrations": lazy_gettext("Tables"),
    "balance": lazy_gettext("Balance"),
    "sealed boxes": lazy_gettext("Sealed boxes"),
    "audit": lazy_gettext("Audit log"),
    "passwords": lazy_gettext("First passwords"),
}


@blueprint.get("/checks")
@requires("check.read")
def index() -> str:
    """Run every check and show what it found."""
    return render_template("checks/index.html", checks=run_checks(), names=NAMES)
