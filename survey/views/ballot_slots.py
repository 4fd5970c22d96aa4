"""What is spliced into a ballot page that was rendered once for everybody: one respondent's values."""

from flask_babel import gettext as _

from survey.services import instruments, pages, seals
from survey.services.ballots import Electorate, Holder, Page
from survey.services.punctuation import in_a_row
from survey.views import choose_language

SLOTS = (
    "code",
    "form",
    "target",
    "name",
    "detail",
    "position",
    "place",
    "number",
    "draft",
    "minutes",
    "saved",
    "submit",
    "slip",
)


def slots_of(holder: Holder, electorate: Electorate, target: Page, *, sealed: str, form: str) -> dict[str, str]:
    """Return the texts of `SLOTS` for one respondent and page."""
    place, number = electorate.pages.index(target) + 1, len(electorate.pages)
    questionnaire = instruments.find_questionnaire(electorate.questionnaire_id)
    noun = pages.target_noun(questionnaire, electorate.variant, choose_language())
    return {
        "code": sealed,
        "minutes": str(number * questionnaire.minutes),
        "form": form,
        "target": target.code,
        "name": target.name,
        "detail": target.detail,
        "position": _("%(noun)s %(place)s of %(number)s", noun=noun, place=place, number=number)
        if number > 1
        else noun,
        "place": str(place),
        "number": str(number),
        "draft": seals.draft_key(holder, target.code),
        "slip": seals.draft_key(holder, ""),
        "saved": _saved(place, number) if number > 1 else "",
        "submit": _("Submit, next teacher") if place < number else _("Submit"),
    }


def _saved(place: int, number: int) -> str:
    later = _("You may stop at any time and go on later with the same slip.")
    if place == 1:
        return in_a_row((_("Each page is saved when you submit it."), later))
    return in_a_row((_("Saved: %(done)s, left: %(left)s.", done=place - 1, left=number - place + 1), later))
