"""Accounts of teachers and principals, bound to the roster by staff code (工号), for fetching voting tokens."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from survey.access import STAFF_ROLE
from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.extensions import db
from survey.models.accounts import Account
from survey.models.organisations import School, Teacher
from survey.services import audit
from survey.services.accounts import NewAccount, Password, fresh_password, insert_account

# A hash takes a tenth of a second and 64 MiB.
_HASHING = 2


def add_staff_account(name: str, *, staff_code: str, actor: str) -> NewAccount:
    """Add the account of one person of the roster; raises BadInput (name, staff code), Conflict (has one already)."""
    password = fresh_password()
    with transaction() as session:
        person = session.get(Teacher, staff_code)
        if person is None or person.left:
            raise BadInput(_("There is no teacher %(code)s in the roster.", code=staff_code))
        if session.scalar(select(Account.id).where(Account.staff_code == staff_code)):
            raise Conflict(_("The teacher %(code)s has an account already.", code=staff_code))
        made = _insert(session, name, person, password)
        detail = {"role": STAFF_ROLE, "staff": staff_code}
        audit.record(session, actor=actor, action="account.add", subject=made.account, detail=detail)
    return made


def add_staff_accounts(school_code: str, *, actor: str) -> list[NewAccount]:
    """Add an account for everybody of a school who has none, named after the staff code; raises NotFound.

    A name that is taken by somebody else's account is left out.
    """
    if db.session.get(School, school_code) is None:
        raise NotFound(_("There is no school %(code)s in the roster.", code=school_code))
    codes = [person.code for person in _without(db.session(), school_code)]
    with ThreadPoolExecutor(_HASHING) as pool:
        passwords = dict(zip(codes, pool.map(lambda _code: fresh_password(), codes), strict=True))
    with transaction() as session:
        people = [person for person in _without(session, school_code) if person.code in passwords]
        made = [_insert(session, person.code, person, passwords[person.code]) for person in people]
        detail = {"school": school_code, "added": len(made)}
        audit.record(session, actor=actor, action="account.add_staff", detail=detail)
    return made


def _without(session: Session, school_code: str) -> list[Teacher]:
    bound = select(Account.staff_code).where(Account.staff_code.is_not(None))
    here = select(Teacher).where(Teacher.school_code == school_code, ~Teacher.left)
    query = here.where(Teacher.code.not_in(bound), Teacher.code.not_in(select(Account.name)))
    return list(session.scalars(query.order_by(Teacher.code)))


def _insert(session: Session, name: str, person: Teacher, password: Password) -> NewAccount:
    made = insert_account(session, name, role=STAFF_ROLE, password=password)
    session.execute(update(Account).where(Account.name == made.account).values(staff_code=person.code))
    return replace(made, school_code=person.school_code, holder=person.name)
