"""The sheet on method of an export: what was released, by which rules, and what is withheld and why."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from survey import __version__
from survey.queries.exports import Part
from survey.services.export_columns import REASONS
from survey.services.result_words import level_names, relation_name, satisfied_definition, score_band

TIME_ZONE = ZoneInfo("Asia/Shanghai")
PARENTS, PUBLIC = "parent_school", "public_education"
PARENTS_RESPONSE, ORDINARY_RESPONSE = 0.2, 0.5
Entry = Mapping[str, Any]


def method_rows(parts: Sequence[Part]) -> Iterator[Entry]:
    """Yield section, entry and value: campaign, each evaluation with its scheme and floors, what is left out."""
    campaign = parts[0].head.campaign
    yield from _section(_("Campaign"), _campaign(parts))
    for part in parts:
        yield from _section(relation_name(part.head.relation), _evaluation(part))
    yield from _section(_("What is withheld"), enumerate(_withheld(exact=parts[0].audience.exact), start=1))
    yield from _section(_("Reasons"), ((code, str(text)) for code, text in REASONS.items()))
    yield from _section(_("How to read"), enumerate(_reading(campaign.year), start=1))


def _section(name: str, entries: Any) -> Iterator[Entry]:
    for entry, value in entries:
        yield {"section": name, "entry": str(entry), "value": str(value)}


def _campaign(parts: Sequence[Part]) -> Iterator[tuple[str, Any]]:
    campaign = parts[0].head.campaign
    yield _("Name"), campaign.name
    yield _("Year"), campaign.year
    yield _("Days of voting"), f"{campaign.first_day.isoformat()} – {campaign.last_day.isoformat()}"
    yield _("Roster version"), campaign.roster_version
    yield _("Version of the release"), campaign.version
    if campaign.correction:
        yield _("Correction"), campaign.correction
    yield _("Read by"), _("the bureau") if parts[0].audience.exact else _("the school %(code)s", code=_school(parts))
    yield _("Exported on"), datetime.now(TIME_ZONE).date().isoformat()
    yield _("Software"), f"wuping {__version__}"


def _school(parts: Sequence[Part]) -> str:
    return parts[0].audience.school or ""


def _evaluation(part: Part) -> Iterator[tuple[str, Any]]:
    head, scheme = part.head, part.head.scheme
    if head.relation == PUBLIC:
        yield _("Standing"), _("For reference only: not one person, one vote")
    floors, usual = scheme.floors, PARENTS_RESPONSE if head.relation == PARENTS else ORDINARY_RESPONSE
    yield _("Questionnaire"), f"{head.questionnaire['id']} ({head.questionnaire['version']})"
    yield _("Scheme"), f"{scheme.id} ({scheme.version})"
    names = level_names(head, part.questionnaire)
    yield _("Points of the levels"), "; ".join(f"{name} = {scheme.points[level]:g}" for level, name in names.items())
    yield _("Satisfied"), satisfied_definition(head, part.questionnaire)
    yield _("Bands"), "; ".join(f"{score_band(band.code)} ≥ {band.floor:g}" for band in scheme.bands)
    yield _("Threshold of the verdict"), f"{scheme.threshold:g}"
    yield _("Margin in points"), f"{scheme.margin:g}"
    yield _("Floor: valid ballots"), floors.ballots
    yield _("Floor: response rate"), f"{100 * floors.response_for(usual):.0f}%"
    yield _("Floor: answers to an item"), floors.item
    yield _("Floor: classes of interval B"), floors.classes
    yield _("Computed by"), f"wuping {part.software}" if part.software else _("not recorded")
    if part.overall is not None:
        yield _("Targets shown / withheld"), f"{head.shown} / {head.withheld}"
        yield _("Valid ballots"), part.overall["valid"]


def _withheld(*, exact: bool) -> Iterator[str]:
    yield _("What is withheld has no figure anywhere: not here, not on the pages, not in the read interface.")
    yield _("A target below the floors is withheld with all its items; so is what would let one work it out.")
    yield _("Below the floor of answers an item shows how many there are, and nothing else.")
    yield _("A withheld figure says “Withheld” in Excel, is empty in CSV, and has the code −999 in SPSS.")
    if not exact:
        yield _(
            "For schools, numbers below 50 are rounded to fives, shares to whole per cent and scores to one decimal."
        )


def _reading(year: int) -> Iterator[str]:
    yield _("Numbers stand with full precision; only their display is rounded. Compute with them, do not copy them.")
    yield _("Order is that of the roster, not a rank. Differences are established only where “Established” says so.")
    yield _(
        "The evaluations ask different people about different things: their scores are not comparable with each other."
    )
    yield _("These are the figures of the release of %(year)s; a late ballot never changes them.", year=year)
