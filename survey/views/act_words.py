"""The interface's words for the acts of the audit log; one that has no word is shown by its code."""

from flask_babel import lazy_gettext

KINDS = {
    "account": lazy_gettext("Accounts"),
    "approval": lazy_gettext("Confirmations"),
    "audit": lazy_gettext("Audit log"),
    "box": lazy_gettext("Sealed box"),
    "campaign": lazy_gettext("Campaigns"),
    "instance": lazy_gettext("Instance"),
    "roster": lazy_gettext("Roster"),
    "slips": lazy_gettext("Slips"),
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
    "campaign.days": lazy_gettext("days changed"),
    "campaign.import": lazy_gettext("ballots imported"),
    "campaign.open": lazy_gettext("campaign opened"),
    "campaign.ready": lazy_gettext("campaign marked as ready"),
    "campaign.rebuild": lazy_gettext("made anew from the roster"),
    "campaign.released": lazy_gettext("results released"),
    "campaign.tallied": lazy_gettext("ballots counted"),
    "instance.init": lazy_gettext("instance made"),
    "roster.import": lazy_gettext("roster imported"),
    "slips.add": lazy_gettext("extra slips made"),
    "slips.fetch": lazy_gettext("printed slips fetched"),
    "slips.issue": lazy_gettext("slips made"),
    "slips.reissue": lazy_gettext("unused slips replaced"),
    "slips.return": lazy_gettext("paper in place of tokens taken back, as nobody fetched it"),
    "unit.void": lazy_gettext("unit voided"),
}


def act_name(code: str) -> str:
    """Write an act of the audit log."""
    return str(ACTS.get(code, code))


def act_kind(code: str) -> str:
    """Write a kind of acts: what stands before the point of an act's code."""
    return str(KINDS.get(code, code))
