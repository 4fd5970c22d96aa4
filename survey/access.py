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
STAFF_ROLE = "teacher"
# officer: 行评办 / 督导室, runs campaigns. school: 学校管理员, own school only. viewer: 局领导, reads results.
# inspector: 督学, on-site scores. supervisor: 监察室, pressure on respondents, voiding, audit log. auditor: 审计, audit
# log and balance. sysadmin: 系统管理员, accounts and checks, no results. What reads results reads released ones only.
# teacher: 教师 and 校长, bound to a staff code of the roster, fetches voting tokens and reads
# the own results.
ROLES: dict[str, frozenset[str]] = {
    "officer": frozenset(
        {"roster.read", "roster.write", "campaign.read", "campaign.write", "slips.write", "turnout.read"}
        | {"results.read", "account.write", "job.read", "instrument.read", "school.read", "box.write"}
        | {"approval.read", "approval.write", "void.write"}
        | {"integrity.read", "comment.read", "comment.review"}
        | {"interface.write", "report.write"}
    ),
    "school": frozenset({"school.read", "turnout.read", "results.read", "comment.read", "item.propose"}),
    "viewer": frozenset({"campaign.read", "turnout.read", "results.read", "instrument.read", "comment.read"}),
    "inspector": frozenset({"instrument.read", "inspection.write"}),
    "supervisor": frozenset(
        {"campaign.read", "turnout.read", "results.read", "instrument.read", "integrity.read", "coercion.read"}
        | {"void.write", "audit.read", "approval.read", "approval.write", "comment.read", "comment.review"}
    ),
    "auditor": frozenset({"campaign.read", "results.read", "instrument.read", "audit.read", "approval.read"}),
    "sysadmin": frozenset({"account.write", "check.read"}),
    STAFF_ROLE: frozenset({"token.fetch", "own.read"}),
}


# Which accounts a role may add, reset and switch off: who runs campaigns cannot make a second officer out of nothing.
GRANTS: dict[str, frozenset[str]] = {
    "officer": frozenset({"school", "viewer", "inspector", STAFF_ROLE}),
    "sysadmin": frozenset(ROLES),
}
# Accounts of persons and schools; all others are the bureau's and may be asked for a second factor.
OUTSIDE_BUREAU = frozenset({SCHOOL_ROLE, STAFF_ROLE})


def roles_with(permission: str) -> frozenset[str]:
    """Return the roles that have a permission."""
    return frozenset(role for role, permissions in ROLES.items() if permission in permissions)


def is_bureau_role(role: str) -> bool:
    """Tell whether accounts of a role belong to the bureau."""
    return role not in OUTSIDE_BUREAU


def grants() -> frozenset[str]:
    """Return the roles of which the logged-in account may manage accounts."""
    return GRANTS.get(current_user.role, frozenset())


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
    """Let a view run only for accounts with `permission`; others log in, put their account in order, or get 403."""

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                return login.unauthorized()
            if current_user.blocked:
                return redirect(url_for("accounts.password" if current_user.must_change else "accounts.own"), code=303)
            if not may(permission):
                raise Forbidden(_("Your account may not do this."))
            return view(*args, **kwargs)

        return guarded

    return decorate


def own_account(*, first: bool = False) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Let a view of one's own account run for whoever is logged in.

    first: also while the password must be changed; other pages lead there until that is done.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                return login.unauthorized()
            if current_user.must_change and not first:
                return redirect(url_for("accounts.password"), code=303)
            return view(*args, **kwargs)

        return guarded

    return decorate
