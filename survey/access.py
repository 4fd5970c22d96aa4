"""Who may do what, as data: roles, permissions, and the decorator that every desk view starts with."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from survey.errors import Forbidden, NotFound
from survey.extensions import login

P = ParamSpec("P")
R = TypeVar("R")
SCHOOL_ROLE = "school"
# officer: 行评办 / 督导室, runs campaigns. school: 学校管理员, own school only. viewer: 局领导, reads results.
ROLES: dict[str, frozenset[str]] = {
    "officer": frozenset(
        {"roster.read", "roster.write", "campaign.read", "campaign.write", "slips.write", "turnout.read"}
        | {"results.read", "account.write", "job.read", "instrument.read", "audit.read", "school.read", "box.write"}
    ),
    "school": frozenset({"school.read", "turnout.read", "results.read"}),
    "viewer": frozenset({"campaign.read", "turnout.read", "results.read", "instrument.read"}),
}


def may(permission: str) -> bool:
    """Tell whether the logged-in account has a permission."""
    return current_user.is_authenticated and permission in ROLES.get(current_user.role, frozenset())


def own_school() -> str | None:
    """Return the one school a school account may see, None for accounts of the bureau."""
    return current_user.school_code if current_user.role == SCHOOL_ROLE else None


def check_school(code: str) -> None:
    """Raise NotFound when a school account asks for another school: it is not told that the school exists."""
    if own_school() not in (None, code):
        raise NotFound(_("This page does not exist."))


def requires(permission: str) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Let a view run only for accounts with `permission`; others log in, change a first password, or get 403."""

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                return login.unauthorized()
            if current_user.must_change:
                return redirect(url_for("accounts.password"), code=303)
            if not may(permission):
                raise Forbidden(_("Your account may not do this."))
            return view(*args, **kwargs)

        return guarded

    return decorate
