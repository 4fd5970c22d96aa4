"""The notices of a campaign (告知书): to respondents, and to parents and guardians; to read, print and put up."""

from flask import Blueprint, render_template

from survey.queries import notices

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices/<int(max=2147483647):campaign_id>")
def page(campaign_id: int) -> str:
    """Show what is asked, why, where it is kept, how long, and who answers for it."""
    return render_template("notices/page.html", notice=notices.find_notice(campaign_id))


@blueprint.get("/notices/<int(max=2147483647):campaign_id>/guardians")
def guardians(campaign_id: int) -> str:
    """Show what parents and guardians should know before a child is asked."""
    return render_template("notices/guardians.html", notice=notices.find_notice(campaign_id))
