"""The integrity monitor's page (诚信监测): alarmed classes and schools with their reasons, for the bureau only."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _

from survey.access import requires
from survey.queries import integrity as query
from survey.queries.campaigns import find_campaign
from survey.views.filters import whole_share

blueprint = Blueprint("integrity", __name__)
# Before the ballots are counted there is nothing to read.
COUNTED = ("tallied", "released", "archived")


@blueprint.get("/campaigns/<int(max=2147483647):campaign_id>/integrity")
@requires("integrity.read")
def page(campaign_id: int) -> str:
    """Show what the integrity monitor found in a campaign."""
    campaign = find_campaign(campaign_id)
    return render_template(
        "integrity/page.html",
        campaign=campaign,
        counted=campaign.state in COUNTED,
        evaluations=query.monitored_evaluations(campaign_id),
    )


def reason_title(reason: Mapping[str, Any]) -> str:
    """Name a signal."""
    names = {
        "full_marks": _("Full marks throughout"),
        "straight": _("One level throughout, below the best"),
        "copies": _("Identical answers"),
        "turnout": _("Turnout higher than usual"),
        "second_uses": _("More refused second uses than usual"),
        "burst": _("Most slips used at once"),
    }
    return str(names[reason["signal"]])


def reason_sentence(reason: Mapping[str, Any]) -> str:
    """Say a reason in one plain sentence: what was seen, what would be expected."""
    if reason["signal"] in _SUPPORTING:
        return _supporting(reason["signal"])
    told = reason["observed"] is not None
    return _with_shares(reason) if told else _without_shares(reason)


_SUPPORTING = ("turnout", "second_uses", "burst")


def _supporting(signal: str) -> str:
    sentences = {
        "turnout": _("More of this class took part than of the school's other classes. Alone this would be no reason."),
        "second_uses": _("Slips were presented again after use more often than elsewhere. Alone this is no reason."),
        "burst": _("Most of the slips were used on one day. Alone this would be no reason."),
    }
    return str(sentences[signal])


def _with_shares(reason: Mapping[str, Any]) -> str:
    shares = {"observed": coarse_share(reason["observed"]), "expected": coarse_share(reason["expected"])}
    if reason["target"]:
        return _of_one_target(reason["signal"], target=reason["target"], **shares)
    return _of_all_targets(reason["signal"], **shares)


def _of_one_target(signal: str, **words: str) -> str:
    sentences = {
        "full_marks": _(
            "About %(target)s: of the ballots, %(observed)s give the best level on every item; "
            "by what the others in the class and other classes say, %(expected)s would be expected.",
            **words,
        ),
        "straight": _(
            "About %(target)s: of the ballots, %(observed)s tick one and the same level below the best "
            "throughout; %(expected)s would be expected.",
            **words,
        ),
        "copies": _(
            "About %(target)s: of the ballots, %(observed)s are identical, item by item; among ballots of the "
            "same total elsewhere, %(expected)s would be expected.",
            **words,
        ),
    }
    return str(sentences[signal])


def _of_all_targets(signal: str, **words: str) -> str:
    sentences = {
        "full_marks": _(
            "Of the ballots, %(observed)s give the best level on every item; by what the other ballots "
            "say, %(expected)s would be expected.",
            **words,
        ),
        "straight": _(
            "Of the ballots, %(observed)s tick one and the same level below the best throughout; %(expected)s "
            "would be expected.",
            **words,
        ),
        "copies": _(
            "Of the ballots, %(observed)s are identical, item by item; among ballots of the same total "
            "elsewhere, %(expected)s would be expected.",
            **words,
        ),
    }
    return str(sentences[signal])


def _without_shares(reason: Mapping[str, Any]) -> str:
    sentences = {
        "full_marks": _("More ballots than expected give the best level on every item. Too few ballots for a share."),
        "straight": _("More ballots than expected tick one level throughout. Too few ballots for a share."),
        "copies": _("More ballots than expected are identical. Too few ballots for a share."),
    }
    return str(sentences[reason["signal"]])


def coarse_share(share: float) -> str:
    """Write a share that was kept in steps of five points, its ends as bounds."""
    if share >= 0.95:
        return str(_("95% or more"))
    return str(_("5% or less") if share <= 0.05 else _("about %(share)s", share=whole_share(share)))


blueprint.add_app_template_filter(reason_title)
blueprint.add_app_template_filter(reason_sentence)
