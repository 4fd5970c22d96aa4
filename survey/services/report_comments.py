"""What was said beside the figures, in a report: phrases that were ticked, and comments that two persons released."""

from typing import Any

from flask_babel import gettext as _

from survey.queries.comments import Quote
from survey.queries.reports import EvaluationCube, TargetCube
from survey.services.figure_texts import whole, whole_share
from survey.services.result_words import worded

Part = dict[str, Any]
MOST_QUOTES = 50


def comment_parts(cube: EvaluationCube, found: TargetCube) -> Part:
    """Return phrases with their share of the ballots, and released wordings with how many comments say so.

    The same in every copy of a report: what may be read outside the bureau.
    """
    texts = {chip.code: worded(chip.text) for chip in cube.wording.chips} if cube.wording else {}
    left = len(found.quotes) - MOST_QUOTES
    return {
        "chips": [f"{texts[line.chip]} {whole_share(line.share)}" for line in found.chips if line.chip in texts],
        "quotes": [{"text": quote.text, "about": _about(quote)} for quote in found.quotes[:MOST_QUOTES]],
        "quotes_left": _("%(number)s more can be read online.", number=whole(left)) if left > 0 else "",
    }


def _about(quote: Quote) -> str:
    said = [_("%(number)s comments say so", number=whole(quote.count))] if quote.count > 1 else []
    return " · ".join([*said, *quote.themes])
