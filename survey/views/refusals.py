"""What a respondent is told who cannot vote now: what is the matter, whether anything is lost, and what to do next."""

from dataclasses import dataclass

from flask_babel import gettext as _


@dataclass(frozen=True, kw_only=True)
class Words:
    """A refusal in plain words; `button` leads back to the code form."""

    title: str
    message: str
    next_step: str
    button: str


def words_of(kind: str) -> Words:
    """Return the words of a refusal; `kind` is one of `BallotRefused.STATUS_OF_KIND` or "busy"."""
    title, message, next_step, button = _WORDS[kind]()
    return Words(title=title, message=message, next_step=next_step, button=button or _("Enter a code"))


def _not_open() -> tuple[str, str, str, str]:
    return (
        _("Voting has not begun yet"),
        _("Your code is right. It can be used from the first day on."),
        _("Keep the slip and come back on that day."),
        _("Try again"),
    )


def _unknown() -> tuple[str, str, str, str]:
    return (
        _("This code is not known"),
        _("The code does not belong to any slip, or the page was opened without one."),
        _("Please enter the code from the slip again. Pages that were submitted before stay counted."),
        _("Enter the code again"),
    )


def _used() -> tuple[str, str, str, str]:
    return (
        _("This ballot has been used"),
        _("This page was already cast with this slip. The first answers count; nothing was changed."),
        _("Enter the code again to go on with the remaining pages, or to see the receipt."),
        _("Enter the code again"),
    )


def _closed() -> tuple[str, str, str, str]:
    return (
        _("Voting has closed"),
        _("This survey takes no more answers. What was submitted before is counted."),
        _("If you answered every page before, enter your code: your receipt is shown again."),
        "",
    )


def _voided() -> tuple[str, str, str, str]:
    return (
        _("This slip is no longer valid"),
        _("The bureau voided it and in most cases gave out a new slip in its place; it is not counted."),
        _("Please ask for the new slip, or call the bureau."),
        _("Enter the code of another slip"),
    )


def _crowded() -> tuple[str, str, str, str]:
    return (
        _("Too many answers from this connection"),
        _("Very many answers came from this connection in a few minutes, so the open link pauses for it."),
        _("Wait ten minutes, or answer over the mobile network; your draft is kept."),
        "",
    )


def _throttled() -> tuple[str, str, str, str]:
    return (
        _("Too many wrong codes"),
        _("Many wrong codes came from this connection. A right code is always accepted."),
        _("Please compare the code with the slip and enter it again."),
        _("Enter the code again"),
    )


def _busy() -> tuple[str, str, str, str]:
    return (
        _("Too busy at the moment"),
        _("Your answers were not received yet."),
        _("Wait a few seconds and send them again. Nothing is counted twice."),
        "",
    )


_WORDS = {
    "not_open": _not_open,
    "unknown": _unknown,
    "used": _used,
    "closed": _closed,
    "voided": _voided,
    "crowded": _crowded,
    "throttled": _throttled,
    "busy": _busy,
}
