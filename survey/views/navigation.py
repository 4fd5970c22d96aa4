"""What stands around every page: the sections an account may use, the language, the way back."""

from dataclasses import dataclass
from typing import Any

from flask import g, request
from flask_babel import get_locale, lazy_gettext
from flask_login import current_user

from survey.access import SCHOOL_ROLE, may


@dataclass(frozen=True, kw_only=True)
class Section:
    """An entry of the navigation; `permission` "" is for everybody with an account."""

    endpoint: str
    label: Any
    permission: str = ""
    school_only: bool = False
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class OtherLanguage:
    """The language to switch to: its code, BCP 47 tag and name in itself."""

    code: str
    lang: str
    name: str


SECTIONS = (
    Section(endpoint="public.home", label=lazy_gettext("Home")),
    Section(endpoint="tokens.index", label=lazy_gettext("My right to vote"), permission="token.fetch"),
    Section(endpoint="own_results.index", label=lazy_gettext("My results"), permission="own.read"),
    Section(endpoint="campaigns.index", label=lazy_gettext("Campaigns"), permission="campaign.read"),
    Section(endpoint="rosters.index", label=lazy_gettext("Roster"), permission="roster.read"),
    Section(endpoint="rosters.own", label=lazy_gettext("Our school"), permission="school.read", school_only=True),
    Section(endpoint="school_items.index", label=lazy_gettext("Own items"), permission="item.propose"),
    Section(endpoint="instruments.index", label=lazy_gettext("Questionnaires"), permission="instrument.read"),
    Section(endpoint="turnout.index", label=lazy_gettext("Turnout"), permission="turnout.read"),
    Section(endpoint="results.index", label=lazy_gettext("Results"), permission="results.read"),
    Section(endpoint="comments.index", label=lazy_gettext("Comments and suggestions"), permission="comment.read"),
    Section(endpoint="pressure_reports.index", label=lazy_gettext("Reports"), permission="coercion.read"),
    Section(endpoint="approvals.index", label=lazy_gettext("Confirmations"), permission="approval.read"),
    Section(endpoint="audit.index", label=lazy_gettext("Audit log"), permission="audit.read"),
    Section(endpoint="checks.index", label=lazy_gettext("Checks"), permission="check.read"),
    Section(endpoint="accounts.index", label=lazy_gettext("Accounts"), permission="account.write"),
)
# Blueprints without a section of their own stand in another's.
PART_OF = {
    "methods": "results",
    "exports": "results",
    "api_tokens": "results",
    "comparisons": "results",
    "reports": "results",
    "publications": "campaigns",
    "slips": "campaigns",
    "notices": "campaigns",
    "corrections": "campaigns",
    "deletions": "campaigns",
    "sealed_boxes": "campaigns",
    "voiding": "campaigns",
    "integrity": "campaigns",
}
LANGUAGES = {
    "zh_Hans_CN": OtherLanguage(code="zh_Hans_CN", lang="zh-Hans-CN", name="中文"),
    "en": OtherLanguage(code="en", lang="en", name="English"),
}


def around() -> dict[str, Any]:
    """Return the variables of `base.html`; also for error pages, when the account itself cannot be read."""
    language = str(get_locale() or "zh_Hans_CN")
    here = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return {
        "lang": language.replace("_", "-"),
        "direction": getattr(get_locale(), "text_direction", "ltr"),
        "sections": [] if g.get("nobody_known") else _sections(),
        "other_language": LANGUAGES["en" if language.startswith("zh") else "zh_Hans_CN"],
        "here": here,
        "may": may,
    }


def first_section() -> str | None:
    """Return where an account begins that has no home page of its own; None for those that have one."""
    if may("turnout.read"):
        return None
    mine = (s.endpoint for s in SECTIONS[1:] if s.permission and may(s.permission) and not s.school_only)
    return next(mine, "accounts.own")


def _sections() -> list[Section]:
    if not current_user.is_authenticated or current_user.blocked:
        return []
    school = current_user.role == SCHOOL_ROLE
    here = PART_OF.get(request.blueprint or "", request.blueprint)
    return [
        Section(endpoint=s.endpoint, label=s.label, current=s.endpoint.partition(".")[0] == here)
        for s in SECTIONS
        if (not s.permission or may(s.permission)) and (school or not s.school_only)
    ]
