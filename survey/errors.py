"""The exception tree, each with the HTTP status and the exit code it leads to.

SurveyError
├── Refused            400, exit 2: the request is understood and declined, with a reason
│   ├── BadInput       422: a field, cell or option is wrong; says where
│   ├── Conflict       409: another state or an earlier act stands against it
│   ├── NotFound       404: no such thing, or not for this account
│   ├── Forbidden      403: this account may not
│   └── TooMany        429: too often from one place; later again
├── BallotRefused      what a respondent may meet; `kind` chooses the page
└── Unavailable        503, exit 1: the machine cannot do it now (busy database, full disk)
"""

from collections.abc import Callable
from typing import ClassVar


def N_(message: str) -> str:
    """Mark a message for the catalogue without translating it here."""
    return message


class SurveyError(Exception):
    """Anything the product says no to; `str(error)` is a sentence for the user.

    Where no language is known yet (settings, secrets, pure statistics), the sentence is an English message marked by
    `N_` with its values apart, and whoever shows it translates it: `sentence(gettext)`.
    """

    status = 500
    exit_code = 1

    def __init__(self, message: str = "", **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.sentence(str)

    def sentence(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in the language of `translate`."""
        text = translate(self.message) if self.message else ""
        return text % self.values if self.values else text


class Refused(SurveyError):
    """Understood and declined."""

    status = 400
    exit_code = 2


class BadInput(Refused):
    """A field, cell, line or option is wrong; the sentence names the place."""

    status = 422


class Conflict(Refused):
    """The state of things, or an earlier act, stands against it."""

    status = 409


class NotFound(Refused):
    """No such thing, or not for this account: the two are not told apart."""

    status = 404


class Forbidden(Refused):
    """This account may not do it."""

    status = 403


class TooMany(Refused):
    """Too often from one place, or in one day; later again."""

    status = 429


class BallotRefused(SurveyError):
    """A respondent cannot vote now; `kind` is one of the keys of `STATUS_OF_KIND`."""

    STATUS_OF_KIND: ClassVar = {
        "not_open": 403,
        "unknown": 404,
        "used": 409,
        "closed": 410,
        "voided": 410,
        "throttled": 429,
        "crowded": 429,
    }

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = self.STATUS_OF_KIND[kind]


class Unavailable(SurveyError):
    """The machine cannot do it now; try again later."""

    status = 503
