"""What a respondent is told who cannot vote now: what is the matter, whether anything is lost, and what to do next."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from survey.services.slips import CODE_LENGTH, code_fault


@dataclass(frozen=True, kw_only=True)
class Words:
    """A refusal in plain words, with a button that leads on."""

    title: str
    message: str
    next_step: str
    button: str
    address: str


Told = tuple[str, str, str, str]
"""Title, message, next step, button (empty: the usual one)."""


def words_of(kind: str, *, open_address: str = "", sent: bool = False) -> Words:
    """Return the words of a refusal; `kind` is one of `BallotRefused.STATUS_OF_KIND` or "busy".

    open_address: the open link, where one was followed: nobody there has a slip or a code. sent: a page was handed in.
    """
    told = "late" if kind == "closed" and sent else kind
    if open_address:
        words, usual = _WORDS | _OF_LINK, _("To the start page")
        address = open_address if kind in _LINK_AGAIN else url_for("public.home")
    else:
        words, usual = _WORDS, _("Enter a code")
        address = url_for("ballots.page" if kind == "used" else "ballots.enter")
    title, message, next_step, button = words[told]()
    return Words(title=title, message=message, next_step=next_step, button=button or usual, address=address)


def code_words(letters: str) -> str:
    """Say what is wrong with what was typed as a code."""
    return str(_faults(len(letters))[code_fault(letters)])


def _faults(typed: int) -> dict[str | None, str]:
    return {
        "empty": _("Please enter the code of the slip first."),
        "length": _("A code has %(length)s letters and digits; these are %(typed)s.", length=CODE_LENGTH, typed=typed),
        "foreign": _("A code has Latin letters and digits only, never 0, 1, I or O. Please look at the slip again."),
        "check": _("At least one letter is wrong. Please compare the code with the slip, letter by letter."),
        None: _("This code is not known. Please compare it with the slip, letter by letter, and enter it again."),
    }


def _not_open() -> Told:
    return (
        _("Voting has not begun yet"),
        _("Your code is right. It can be used from the first day on."),
        _("Keep the slip and come back on that day."),
        _("Try again"),
    )


def _unknown() -> Told:
    return (
        _("This code is not known"),
        _("The code does not belong to any slip, or the page was opened without one."),
        _("Please enter the code from the slip again. Pages that were submitted before stay counted."),
        _("Enter the code again"),
    )


def _used() -> Told:
    return (
        _("This ballot has been used"),
        _("This page was already cast with this slip. The first answers count; nothing was changed."),
        _("Go on with the remaining pages, or see the receipt."),
        _("Go on"),
    )


def _closed() -> Told:
    return (
        _("Voting has closed"),
        _("This survey takes no more answers. What was submitted before is counted."),
        _("If you answered every page before, enter your code: your receipt is shown again."),
        "",
    )


def _not_counted(closed: Told) -> Told:
    message = _("When this page was sent, voting had closed: it was not counted. What was submitted before is counted.")
    return (closed[0], message, *closed[2:])


def _voided() -> Told:
    return (
        _("This slip is no longer valid"),
        _("The bureau voided it and in most cases gave out a new slip in its place; it is not counted."),
        _("Please ask for the new slip, or call the bureau."),
        _("Enter the code of another slip"),
    )


def _crowded() -> Told:
    return (
        _("Too many answers from this connection"),
        _("Very many answers came from this connection in a few minutes, so the open link pauses for it."),
        _("Wait ten minutes, or answer over the mobile network; your draft is kept."),
        "",
    )


def _throttled() -> Told:
    return (
        _("Too many wrong codes"),
        _("Many wrong codes came from this connection. A right code is always accepted."),
        _("Please compare the code with the slip and enter it again."),
        _("Enter the code again"),
    )


def _busy() -> Told:
    return (
        _("Too busy at the moment"),
        _("Your answers were not received yet."),
        _("Wait a few seconds and send them again. Nothing is counted twice."),
        "",
    )


def _link_not_open() -> Told:
    return (
        _("Voting has not begun yet"),
        _("This link is right. It can be used from the first day on."),
        _("Please come back on that day."),
        _("Try again"),
    )


def _link_unknown() -> Told:
    return (
        _("This link is not known"),
        _("It may be incomplete, or belong to a survey that is no longer there."),
        _("Please scan the notice again."),
        "",
    )


def _link_used() -> Told:
    return (
        _("Answered already"),
        _("An answer came from this browser before. The first one counts; nothing was changed."),
        _("The link shows its receipt again."),
        _("To the receipt"),
    )


def _link_closed() -> Told:
    return (
        _("Voting has closed"),
        _("This survey takes no more answers. What was submitted before is counted."),
        _("What comes of it is published on the start page."),
        "",
    )


_WORDS = {
    "not_open": _not_open,
    "unknown": _unknown,
    "used": _used,
    "closed": _closed,
    "late": lambda: _not_counted(_closed()),
    "voided": _voided,
    "crowded": _crowded,
    "throttled": _throttled,
    "busy": _busy,
}
_OF_LINK = {
    "not_open": _link_not_open,
    "unknown": _link_unknown,
    "used": _link_used,
    "closed": _link_closed,
    "late": lambda: _not_counted(_link_closed()),
}
_LINK_AGAIN = {"not_open", "used"}
