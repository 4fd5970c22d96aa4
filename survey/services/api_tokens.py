"""Tokens of the read interface (读接口令牌): 256 random bits, shown once; the database keeps an HMAC."""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound, TooMany
from survey.keys import purpose_key
from survey.models.api_tokens import ApiToken
from survey.models.organisations import School
from survey.models.results import CubeEvaluation
from survey.queries.api_tokens import PUBLIC, Grant, find_grant
from survey.queries.audiences import BUREAU, SCHOOL
from survey.services import audit
from survey.services.address_limits import Throttle

VIEWS = (BUREAU, SCHOOL, PUBLIC)
LONGEST_DAYS = 731
USUAL_DAYS = 365
TIME_ZONE = ZoneInfo("Asia/Shanghai")
PREFIX = "wuping_"
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
# In the memory of one process: calls of one token, and wrong tokens of one address.
CALLS = Throttle(most=600, seconds=60)
FAILURES = Throttle(most=60, seconds=60)


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just made; `token` is shown this once."""

    name: str
    token: str
    view: str
    last_day: str


def add_token(
    name: str,
    *,
    view: str = BUREAU,
    school_code: str | None = None,
    campaigns: Sequence[int] = (),
    days: int = USUAL_DAYS,
    actor: str,
) -> NewToken:
    """Make a token; view is one of `VIEWS`, campaigns the ids it is limited to (all without), days how long it lasts.

    Raises BadInput (name, view, school, campaigns, days), Conflict (name taken).
    """
    name = name.strip()
    _check(name, view, school_code, days)
    token = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    last_day = (_today() + timedelta(days=days)).isoformat()
    with transaction() as session:
        _check_rows(session, name, school_code, campaigns)
        row = ApiToken(digest=_digest(token), name=name, view=view, school_code=school_code, campaigns=list(campaigns))
        row.made_by, row.last_day = actor, last_day
        session.add(row)
        detail = {"view": view, "school": school_code, "campaigns": list(campaigns), "last_day": last_day}
        audit.record(session, actor=actor, action="results.token_add", subject=name, detail=detail)
    return NewToken(name=name, token=token, view=view, last_day=last_day)


def _check(name: str, view: str, school_code: str | None, days: int) -> None:
    if not name or len(name) > 100:
        raise BadInput(_("A token needs a name of at most 100 characters."))
    if view not in VIEWS:
        raise BadInput(_("There is no view %(name)s; the views are %(known)s.", name=view, known=", ".join(VIEWS)))
    if (view == SCHOOL) != bool(school_code):
        raise BadInput(_("A token of a school needs a school code, and only such a token has one."))
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(_("A token lasts from 1 to %(days)s days.", days=LONGEST_DAYS))


def _check_rows(session: Session, name: str, school_code: str | None, campaigns: Sequence[int]) -> None:
    if session.scalar(select(ApiToken.name).where(ApiToken.name == name)):
        raise Conflict(_("There is a token %(name)s already.", name=name))
    if school_code and session.get(School, school_code) is None:
        raise BadInput(_("There is no school %(code)s in the roster.", code=school_code))
    released = set(session.scalars(select(CubeEvaluation.campaign_id).where(CubeEvaluation.campaign_id.in_(campaigns))))
    for number in campaigns:
        if number not in released:
            raise BadInput(_("Campaign %(id)s has no results.", id=number))


def end_token(name: str, *, actor: str) -> None:
    """Revoke a token, from now on; raises NotFound."""
    with transaction() as session:
        found = session.scalar(select(ApiToken.digest).where(ApiToken.name == name))
        if found is None:
            raise NotFound(_("There is no token %(name)s.", name=name))
        session.execute(delete(ApiToken).where(ApiToken.digest == found))
        audit.record(session, actor=actor, action="results.token_end", subject=name)


def grant_of(token: str, *, address: str) -> Grant | None:
    """Return what a token allows today, None for one that is unknown, revoked or over.

    Raises TooMany for too many calls of one token, or too many wrong tokens from one address.
    """
    grant = find_grant(_digest(token)) if _TOKEN.fullmatch(token) else None
    if grant is None or grant.last_day < _today().isoformat():
        if not FAILURES.admits(address):
            raise TooMany(_("Too many wrong tokens came from here; try again in a minute."))
        return None
    if not CALLS.admits(grant.name):
        raise TooMany(_("This token asks too often; try again in a minute."))
    return grant


def _digest(token: str) -> bytes:
    return hmac.digest(purpose_key("api-token"), token.encode(), "sha256")


def _today() -> date:
    return datetime.now(TIME_ZONE).date()
