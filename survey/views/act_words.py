"""The interface's words for the acts of the audit log; one that has no word is shown by its code."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from survey.services.result_words import relation_name
from survey.views.comments import audience_name, rejection
from survey.views.words import role_name, step_name

KINDS = {
    "account": lazy_gettext("Accounts"),
    "approval": lazy_gettext("Confirmations"),
    "audit": lazy_gettext("Audit log"),
    "box": lazy_gettext("Sealed box"),
    "campaign": lazy_gettext("Campaigns"),
    "code": lazy_gettext("code"),
    "comment": lazy_gettext("Comments and suggestions"),
    "instance": lazy_gettext("Instance"),
    "results": lazy_gettext("Results"),
    "publication": lazy_gettext("Publication"),
    "reply": lazy_gettext("Replies of those rated"),
    "release": lazy_gettext("Corrections"),
    "roster": lazy_gettext("Roster"),
    "school_item": lazy_gettext("Own items of schools"),
    "slips": lazy_gettext("Slips"),
    "theme": lazy_gettext("Labels of comments"),
    "unit": lazy_gettext("Voiding"),
}
ACTS = {
    "account.add": lazy_gettext("account added"),
    "account.add_schools": lazy_gettext("accounts of schools added"),
    "account.add_staff": lazy_gettext("accounts of teachers added"),
    "account.end_session": lazy_gettext("own session ended"),
    "account.locked": lazy_gettext("locked after failed logins"),
    "account.login": lazy_gettext("logged in"),
    "account.login_failed": lazy_gettext("failed login"),
    "account.no_second_factor": lazy_gettext("second factor removed"),
    "account.off": lazy_gettext("account switched off"),
    "account.on": lazy_gettext("account switched on"),
    "account.password": lazy_gettext("own password changed"),
    "account.recovery_code": lazy_gettext("recovery code used"),
    "account.reset": lazy_gettext("new first password"),
    "account.second_factor": lazy_gettext("second factor set up"),
    "approval.asked": lazy_gettext("second person asked for"),
    "approval.confirmed": lazy_gettext("confirmed as second person"),
    "approval.used": lazy_gettext("confirmation used"),
    "approval.withdrawn": lazy_gettext("request withdrawn"),
    "audit.export": lazy_gettext("audit log exported"),
    "box.begin": lazy_gettext("key of the sealed box made"),
    "box.held": lazy_gettext("share confirmed by its trustee"),
    "box.open": lazy_gettext("sealed box opened"),
    "box.refused": lazy_gettext("opening of the sealed box refused"),
    "box.share": lazy_gettext("share shown"),
    "box.shares": lazy_gettext("shares written"),
    "campaign.archived": lazy_gettext("campaign archived"),
    "campaign.closed": lazy_gettext("voting closed"),
    "campaign.create": lazy_gettext("campaign made"),
    "campaign.delete": lazy_gettext("campaign or its ballots deleted"),
    "campaign.days": lazy_gettext("days changed"),
    "campaign.import": lazy_gettext("ballots imported"),
    "campaign.open": lazy_gettext("campaign opened"),
    "campaign.ready": lazy_gettext("campaign marked as ready"),
    "campaign.rebuild": lazy_gettext("made anew from the roster"),
    "campaign.released": lazy_gettext("results released"),
    "campaign.tallied": lazy_gettext("ballots counted"),
    "comment.confirmed": lazy_gettext("comment settled, original deleted"),
    "comment.given_back": lazy_gettext("comment left to others"),
    "comment.kept_inside": lazy_gettext("comment taken back into the bureau"),
    "comment.reviewed": lazy_gettext("comment reviewed"),
    "comment.sent_back": lazy_gettext("comment sent back for another review"),
    "comment.split": lazy_gettext("comment taken out of its group"),
    "instance.init": lazy_gettext("instance made"),
    "results.export": lazy_gettext("results exported"),
    "results.reports": lazy_gettext("reports made"),
    "results.reports_fetch": lazy_gettext("reports fetched"),
    "results.template": lazy_gettext("template of circular or bulletin changed"),
    "results.template_reset": lazy_gettext("template of circular or bulletin put back"),
    "results.token_add": lazy_gettext("access token of the read interface made"),
    "results.token_end": lazy_gettext("access token of the read interface revoked"),
    "publication.feedback": lazy_gettext("public text changed"),
    "publication.prepare": lazy_gettext("public page prepared"),
    "publication.publish": lazy_gettext("results published"),
    "publication.unpublish": lazy_gettext("results taken off the public page"),
    "reply.write": lazy_gettext("reply to own results written"),
    "release.correct": lazy_gettext("release taken back for a correction"),
    "roster.import": lazy_gettext("roster imported"),
    "school_item.approve": lazy_gettext("own item of a school approved"),
    "school_item.change": lazy_gettext("own item of a school changed"),
    "school_item.propose": lazy_gettext("own item of a school proposed"),
    "school_item.return": lazy_gettext("own item of a school returned"),
    "school_item.withdraw": lazy_gettext("own item of a school withdrawn"),
    "slips.add": lazy_gettext("extra slips made"),
    "slips.fetch": lazy_gettext("printed slips fetched"),
    "slips.issue": lazy_gettext("slips made"),
    "slips.reissue": lazy_gettext("unused slips replaced"),
    "slips.return": lazy_gettext("paper in place of tokens taken back, as nobody fetched it"),
    "theme.add": lazy_gettext("labels of comments added"),
    "theme.change": lazy_gettext("label of comments changed"),
    "unit.void": lazy_gettext("unit voided"),
}
# What an entry's detail says; a name that is not here stands as it is.
DETAILS = {
    "account": lazy_gettext("account"),
    "active": lazy_gettext("in use"),
    "added": lazy_gettext("added"),
    "address": lazy_gettext("address"),
    "audience": lazy_gettext("passed on to"),
    "asked_by": lazy_gettext("asked by"),
    "campaigns": lazy_gettext("campaigns"),
    "changed": lazy_gettext("changed"),
    "code": lazy_gettext("code"),
    "comment": lazy_gettext("group of comments"),
    "comments": lazy_gettext("comments in it"),
    "detail": lazy_gettext("asked for"),
    "digest": lazy_gettext("checksum"),
    "en": lazy_gettext("in English"),
    "fingerprint": lazy_gettext("fingerprint"),
    "first_day": lazy_gettext("begins on"),
    "format": lazy_gettext("format"),
    "group": lazy_gettext("group"),
    "handed_out": lazy_gettext("as handed out"),
    "issued": lazy_gettext("slips newly made"),
    "last_day": lazy_gettext("ends on"),
    "name": lazy_gettext("name"),
    "names": lazy_gettext("names"),
    "note": lazy_gettext("note"),
    "number": lazy_gettext("how many"),
    "pages": lazy_gettext("pages"),
    "position": lazy_gettext("place in the list"),
    "reason": lazy_gettext("reason"),
    "relation": lazy_gettext("relation"),
    "removed": lazy_gettext("no longer there"),
    "request": lazy_gettext("request"),
    "role": lazy_gettext("role"),
    "rows": lazy_gettext("rows"),
    "school": lazy_gettext("school"),
    "share": lazy_gettext("share of the key"),
    "shares": lazy_gettext("shares of the key"),
    "slips": lazy_gettext("slips"),
    "staff": lazy_gettext("staff code"),
    "step": lazy_gettext("step"),
    "target": lazy_gettext("target"),
    "theme": lazy_gettext("label"),
    "unchanged": lazy_gettext("unchanged"),
    "unit": lazy_gettext("unit"),
    "version": lazy_gettext("version"),
    "view": lazy_gettext("seen as"),
    "voided": lazy_gettext("voided"),
    "what": lazy_gettext("what"),
    "why": lazy_gettext("why"),
    "zh": lazy_gettext("in Chinese"),
}
# Codes that stand in details.
_CODES = {
    "ballots": lazy_gettext("the ballots"),
    "bureau": lazy_gettext("The bureau"),
    "campaign": lazy_gettext("the campaign"),
    "public": lazy_gettext("The public"),
    "school": lazy_gettext("School"),
}


def _code_name(code: str) -> str:
    return str(_CODES.get(code, code))


_WORDS = {
    "audience": audience_name,
    "reason": rejection,
    "relation": relation_name,
    "role": role_name,
    "step": step_name,
    "view": _code_name,
    "what": _code_name,
}


def act_name(code: str) -> str:
    """Write an act of the audit log."""
    return str(ACTS.get(code, code))


def act_kind(code: str) -> str:
    """Write a kind of acts: what stands before the point of an act's code."""
    return str(KINDS.get(code, code))


def subject_text(subject: str) -> str:
    """Write what an act is about: a campaign by its number, all else as it stands."""
    kind, _blank, number = subject.partition(" ")
    return _("Campaign %(number)s", number=number) if kind == "campaign" and number.isdecimal() else subject


def detail_text(detail: Mapping[str, Any]) -> str:
    """Write an entry's detail in one line: what has no value is left out."""
    told = [
        _("%(name)s: %(value)s", name=DETAILS.get(key, key), value=_value(key, value))
        for key, value in detail.items()
        if value not in (None, "", [], {})
    ]
    return str(_("; ")).join(told)


def _value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return str(_("(%(text)s)", text=detail_text(value)))
    if isinstance(value, list | tuple):
        return str(_(", ")).join(_value(key, each) for each in value)
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return str(_WORDS[key](str(value)) if key in _WORDS else value)
