"""The interface's words for what the program knows by a code: states, relations, roles, kinds of work, bands."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint
from flask_babel import format_datetime, format_decimal, lazy_gettext

from survey.services.result_words import relation_name, scheme_name, worded

TIME_ZONE = ZoneInfo("Asia/Shanghai")
STATES = {
    "draft": lazy_gettext("Draft"),
    "ready": lazy_gettext("Ready"),
    "open": lazy_gettext("Open"),
    "closed": lazy_gettext("Closed"),
    "tallied": lazy_gettext("Counted"),
    "released": lazy_gettext("Released"),
    "archived": lazy_gettext("Archived"),
}
ROLES = {
    "officer": lazy_gettext("Bureau officer"),
    "school": lazy_gettext("School administrator"),
    "viewer": lazy_gettext("Bureau leader (reads only)"),
    "inspector": lazy_gettext("Inspector"),
    "supervisor": lazy_gettext("Discipline inspection"),
    "auditor": lazy_gettext("Auditor"),
    "sysadmin": lazy_gettext("System administrator"),
    "teacher": lazy_gettext("Teacher or principal (fetches voting tokens)"),
}
STEPS = {
    "open": lazy_gettext("Open the campaign"),
    "unseal": lazy_gettext("Open the sealed box"),
    "void": lazy_gettext("Void a unit"),
    "publish": lazy_gettext("Publish the results"),
    "unpublish": lazy_gettext("Take the results off the public page"),
    "release": lazy_gettext("Release the results"),
    "correct": lazy_gettext("Correct the release"),
    "delete": lazy_gettext("Delete the campaign or its ballots"),
}
REQUEST_STATES = {
    "waiting": lazy_gettext("Waits for a second person"),
    "confirmed": lazy_gettext("Confirmed"),
    "used": lazy_gettext("Carried out"),
    "withdrawn": lazy_gettext("Withdrawn"),
    "lapsed": lazy_gettext("Lapsed"),
}
WORK = {
    "import_roster": lazy_gettext("Roster import"),
    "print_slips": lazy_gettext("Printing slips"),
    "move_campaign": lazy_gettext("Campaign step"),
    "make_reports": lazy_gettext("Making reports"),
    "void_unit": lazy_gettext("Voiding a unit"),
    "delete_campaign": lazy_gettext("Deletion"),
    "correct_release": lazy_gettext("Correction of a release"),
    "compare": lazy_gettext("Comparison"),
    "prepare_publication": lazy_gettext("Preparing the public page"),
    "export": lazy_gettext("Export of results"),
}
WORK_STATES = {
    "waiting": lazy_gettext("Waiting"),
    "running": lazy_gettext("Running"),
    "done": lazy_gettext("Done"),
    "failed": lazy_gettext("Failed"),
}
BANDS = (
    lazy_gettext("none yet"),
    lazy_gettext("below 25%"),
    lazy_gettext("25% to 50%"),
    lazy_gettext("50% to 80%"),
    lazy_gettext("80% or more"),
)


def state_name(code: str) -> str:
    """Write the state of a campaign."""
    return str(STATES.get(code, code))


def role_name(code: str) -> str:
    """Write a role."""
    return str(ROLES.get(code, code))


def step_name(code: str) -> str:
    """Write a step that a second person confirms."""
    return str(STEPS.get(code, code))


def request_state(code: str) -> str:
    """Write the state of a request for a second person."""
    return str(REQUEST_STATES.get(code, code))


def work_name(code: str) -> str:
    """Write the kind of a job."""
    return str(WORK.get(code, code))


def work_state(code: str) -> str:
    """Write the state of a job."""
    return str(WORK_STATES.get(code, code))


def band_name(band: int) -> str:
    """Write a band of turnout."""
    return str(BANDS[band])


def moment(value: str) -> str:
    """Write an ISO moment (UTC) as day and time in Shanghai."""
    local = datetime.fromisoformat(value).astimezone(TIME_ZONE)
    return str(format_datetime(local.replace(tzinfo=None), "yyyy-MM-dd HH:mm", rebase=False))


def thousands(value: float) -> str:
    """Write a whole number with its thousands apart."""
    return str(format_decimal(value))


def register(blueprint: Blueprint) -> None:
    """Make the words known to all templates, through a blueprint."""
    words = (state_name, relation_name, role_name, work_name, work_state, band_name, worded, moment, thousands)
    for function in (*words, step_name, request_state, scheme_name):
        blueprint.add_app_template_filter(function)
