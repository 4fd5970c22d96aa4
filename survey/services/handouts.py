"""Handouts for everybody: the poster of an open link and the letter to the parents, as HTML and as PDF. No codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask_babel import format_date
from flask_babel import gettext as _

from survey.errors import BadInput
from survey.services.print_files import encoded, html_pieces, pdf, write_private
from survey.services.qr_codes import qr_svg_path
from survey.services.sheets import RELATION_TITLES, SheetText, days_of, safe_name
from survey.services.typesetting import missing_glyphs


@dataclass(frozen=True, kw_only=True)
class Handout:
    """A page to print: its file name without ending, which template it fills, and everything that stands on it.

    `qr` is the side in modules and the path of a QR code, if there is one; `parts` are headed paragraphs.
    """

    name: str
    template: str
    words: Mapping[str, str]
    qr: tuple[int, str] | None = None
    parts: tuple[tuple[str, str], ...] = ()


def poster(relation: str, url: str, *, text: SheetText) -> Handout:
    """Return the poster (海报) of an open link, which needs no slip."""
    words = {
        "title": str(RELATION_TITLES.get(relation, relation)),
        "bureau": text.bureau,
        "invitation": _("How satisfied are you with the schools here? Please tell us."),
        "campaign": text.campaign,
        "days": days_of(text),
        "call": _("Scan with WeChat or the camera: about 2 minutes, no name, no registration."),
        "address": url,
        "promise": _("No name is kept: nobody can see how you answered."),
        "reference": _(
            "Open to everyone. The results are for reference and are reported apart from those of the slips."
        ),
        "pressure": _("Told how to answer? Call") if text.hotline else "",
        "hotline": text.hotline,
    }
    return Handout(name=f"poster-{safe_name(relation)}", template="poster", words=words, qr=qr_svg_path(url))


def parents_letter(text: SheetText, *, written_on: date) -> Handout:
    """Return the open letter to the parents (致家长的一封信): days, why, how, anonymity, what follows, whom to call."""
    words = {
        "title": _("An open letter to parents"),
        "campaign": text.campaign,
        "greeting": _("Dear parents,"),
        "opening": _(
            "thank you for your trust in our schools and for the care you take of them. To hear how you find your "
            "child's school, and to make it better, %(bureau)s holds %(campaign)s and invites you to take part.",
            bureau=text.bureau,
            campaign=text.campaign,
        ),
        "closing": _("Your honest opinion helps your child and the school most. Thank you for your support!"),
        "bureau": text.bureau,
        "day": format_date(written_on, "long"),
    }
    return Handout(name="letter-parents", template="letter", words=words, parts=_letter_parts(text))


def _letter_parts(text: SheetText) -> tuple[tuple[str, str], ...]:
    address = f"{text.base_url.rstrip('/')}/v"
    days = _("%(days)s, at any hour. It takes about 2 minutes.", days=days_of(text))
    how = _(
        "Your child brings home one slip, drawn from the sealed envelope of the class. Scan its code with WeChat or "
        "the camera of a phone, or open %(address)s in a browser and type the code on the slip. There is nothing to "
        "register and nothing to install. Each slip counts once.",
        address=address,
    )
    secret = _(
        "The slip bears no name and no number of its own in any list. No name, telephone or time is kept with an "
        "answer, so neither the bureau nor the school nor a teacher can find out how you answered. Nobody may ask to "
        "see your answers or fill in the form for you."
    )
    after = _(
        "When voting has ended, the bureau counts all schools by the same rules. Where so few took part that somebody "
        "could be recognised, nothing is shown. The school receives its result and improves what parents find wanting."
    )
    return (
        (_("When you can answer"), days),
        (_("How to take part"), how),
        (_("Your answers are secret"), secret),
        (_("What happens with the result"), after),
        (_("Whom to turn to") if text.hotline else _("If somebody tells you how to answer"), _help(text.hotline)),
    )


def _help(hotline: str) -> str:
    if not hotline:
        return str(_('If somebody tells you how to answer, use the link "I was told how to answer" on the form.'))
    return str(
        _(
            "With questions, or if somebody tells you how to answer or wants to see it, call %(hotline)s. You can also "
            'use the link "I was told how to answer" on the form.',
            hotline=hotline,
        )
    )


def missing_in(handout: Handout) -> dict[str, str]:
    """Return the texts of a handout that the PDF's font cannot show, with the characters that it lacks."""
    parts = [text for part in handout.parts for text in part]
    return missing_glyphs([*handout.words.values(), *parts])


def as_html(handout: Handout) -> Iterator[str]:
    """Yield the page for the browser's printer."""
    return html_pieces(f"slips/{handout.template}.html", words=handout.words, qr=handout.qr, parts=handout.parts)


def as_pdf(handout: Handout) -> bytes:
    """Return the page as PDF; raises BadInput with the characters that its font lacks."""
    if missing := missing_in(handout):
        letters = "".join(dict.fromkeys("".join(missing.values())))
        raise BadInput(
            _("The PDF has no characters for: %(letters)s. Print the page from the browser instead.", letters=letters)
        )
    return pdf(f"{handout.template}.typ", words=dict(handout.words), qr=handout.qr, parts=handout.parts)


def write_handout(handout: Handout, directory: Path) -> list[Path]:
    """Write a handout into `directory` as HTML, and as PDF unless its font lacks a character."""
    paths = [write_private(directory / f"{handout.name}.html", encoded(as_html(handout)))]
    if not missing_in(handout):
        paths.append(write_private(directory / f"{handout.name}.pdf", [as_pdf(handout)]))
    return paths
