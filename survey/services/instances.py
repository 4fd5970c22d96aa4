"""An instance: making one, and checking that everything it stands on is sound."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask_babel import gettext as _
from flask_migrate import upgrade
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import OperationalError

from survey.access import is_bureau_role
from survey.config import Config
from survey.database import is_sqlite, transaction, write_connection
from survey.errors import N_, Conflict, Refused, SurveyError, Unavailable
from survey.extensions import db
from survey.keys import FILE_NAME, make_master_key
from survey.models.accounts import Account
from survey.services import audit, balance, sealed_boxes
from survey.services.accounts import NewAccount, fresh_password, insert_account
from survey.services.instruments import load_ready_questionnaires

# The first version whose write-ahead log cannot be reset under a reader.
SAFE_SQLITE = (3, 51, 3)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding of `survey check`; a `warning` is advice and never makes the whole fail."""

    name: str
    ok: bool
    level: str
    detail: str


def prepare_folder(config: Config) -> None:
    """Make folder and master key of a new instance; raise Conflict when there is one already."""
    if (config.instance / FILE_NAME).exists():
        raise Conflict(N_("There is an instance in %(folder)s already; nothing was changed."), folder=config.instance)
    make_master_key(config.instance)


def init_instance(admin: str) -> NewAccount:
    """Create the tables, load the ready questionnaires, add the first officer; raise Conflict if tables exist."""
    if inspect(db.engine).has_table("account"):
        raise Conflict(_("The database holds an instance already; nothing was changed."))
    upgrade_schema()
    password = fresh_password()
    with transaction() as session:
        load_ready_questionnaires(session)
        made = insert_account(session, admin, role="officer", password=password)
        audit.record(session, actor="console", action="instance.init", subject=made.account)
    return made


def upgrade_schema() -> None:
    """Bring the tables to the newest version, quietly."""
    upgrade(directory=str(_migrations()))


def _migrations() -> Path:
    return Path(__file__).parents[1] / "migrations"


def run_checks() -> list[Check]:
    """Run every check; one that fails unexpectedly becomes a failed check, not an error."""
    return [check for function in _CHECKS for check in _guarded(function)]


def _guarded(function: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(function())
    except (SurveyError, OSError, ValueError) as error:
        return [Check(name=function.__name__.strip("_"), ok=False, level="error", detail=_said(error))]


def _said(error: Exception) -> str:
    return error.sentence(_) if isinstance(error, SurveyError) else str(error)


def _configuration() -> Iterator[Check]:
    config: Config = current_app.config["WUPING"]
    yield Check(name="configuration", ok=True, level="error", detail=_("instance %(folder)s", folder=config.instance))
    detail = _("respondents arrive by https") if config.https else _("plain http: fit for a LAN or a test only")
    yield Check(name="https", ok=config.https, level="warning", detail=detail)
    host = config.public_base_url.partition("//")[2]
    if urlsplit(config.public_base_url).hostname in ("localhost", "127.0.0.1", "::1"):
        detail = _("%(host)s: no phone reaches this address; slips would lead nowhere", host=host)
        yield Check(name="host", ok=False, level="warning", detail=detail)
        return
    short = len(host) <= 20
    fit = _("%(host)s: short enough for a QR code that old phones read", host=host)
    detail = fit if short else _("%(host)s: longer than 20 characters, old phones may not read the QR code", host=host)
    yield Check(name="host", ok=short, level="warning", detail=detail)


def _versions() -> Iterator[Check]:
    names = ("flask", "sqlalchemy", "numpy", "scipy", "cryptography")
    yield Check(name="versions", ok=True, level="error", detail=", ".join(f"{name} {version(name)}" for name in names))
    if is_sqlite():
        safe = sqlite3.sqlite_version_info >= SAFE_SQLITE
        detail = _("SQLite %(version)s; 3.51.3 or later is advised", version=sqlite3.sqlite_version)
        yield Check(name="sqlite", ok=safe, level="warning", detail=detail)


def _secrets() -> Iterator[Check]:
    folder: Path = current_app.config["WUPING"].instance
    open_to_others = [p.name for p in (folder, folder / FILE_NAME) if p.stat().st_mode & 0o077]
    detail = _("readable by others: %(files)s", files=", ".join(open_to_others)) if open_to_others else "0700, 0600"
    yield Check(name="secrets", ok=not open_to_others, level="error", detail=detail)


def _database() -> Iterator[Check]:
    if is_sqlite():
        with db.engine.connect() as connection:
            state = connection.execute(text("PRAGMA quick_check")).scalar()
        yield Check(name="database", ok=state == "ok", level="error", detail=f"SQLite: {state}")
    else:
        with db.engine.connect() as connection:
            server = connection.execute(text("SHOW server_version")).scalar()
            durable = connection.execute(text("SHOW synchronous_commit")).scalar()
        yield Check(name="database", ok=durable != "off", level="error", detail=f"PostgreSQL {server}")


def _schema() -> Iterator[Check]:
    newest = ScriptDirectory(str(_migrations())).get_current_head()
    with db.engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    differs = _("the tables are at %(here)s, the program needs %(newest)s", here=here, newest=newest)
    detail = str(here) if here == newest else differs
    yield Check(name="migrations", ok=here == newest, level="error", detail=detail)


def _balance() -> Iterator[Check]:
    all_of_them = balance.balances()
    faults = [f"{b.campaign}: {fault}" for b in all_of_them for fault in b.faults]
    sound = _("%(number)s campaigns, every slip and page accounted for", number=len(all_of_them))
    detail = "; ".join(faults) or sound
    yield Check(name="balance", ok=not faults, level="error", detail=detail)


def _boxes() -> Iterator[Check]:
    damaged = sealed_boxes.damaged_boxes()
    names = ", ".join(str(number) for number in damaged)
    detail = _("key missing or exchanged in campaign %(names)s", names=names) if damaged else _("every key is in place")
    yield Check(name="sealed boxes", ok=not damaged, level="error", detail=detail)


def _audit() -> Iterator[Check]:
    broken = audit.first_broken_entry(db.session())
    detail = _("the chain is whole") if broken is None else _("entry %(id)s does not fit the chain", id=broken)
    yield Check(name="audit", ok=broken is None, level="error", detail=detail)


def _accounts() -> Iterator[Check]:
    unused = select(Account.name, Account.role).where(Account.must_change, Account.active).order_by(Account.name)
    rows = db.session.execute(unused).all()
    bureau = [row.name for row in rows if is_bureau_role(row.role)]
    said = [_("first password not changed yet: %(accounts)s", accounts=", ".join(bureau))] if bureau else []
    if others := len(rows) - len(bureau):
        # Hundreds of teachers: no fault of the instance, but whoever finds such a paper can log in.
        said.append(_("%(number)s accounts of schools and teachers still have their first password", number=others))
    detail = str(_("; ")).join(said) or _("no first password is left")
    yield Check(name="passwords", ok=not bureau, level="warning", detail=detail)


_CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _configuration,
    _versions,
    _secrets,
    _database,
    _schema,
    _balance,
    _boxes,
    _audit,
    _accounts,
)


def require_database() -> None:
    """Raise Unavailable when the database cannot be reached, Refused when it holds no instance."""
    try:
        there = inspect(db.engine).has_table("account")
    except OperationalError as error:
        raise Unavailable(N_("The database cannot be reached.")) from error
    if not there:
        raise Refused(N_("The database holds no instance: run `survey init --admin NAME` first."))


def can_write() -> bool:
    """Tell whether the database takes a write now: on SQLite a real one, for a full disk shows only at the commit."""
    try:
        with write_connection() as connection:
            if is_sqlite():
                number = connection.execute(text("PRAGMA user_version")).scalar() or 0
                connection.execute(text(f"PRAGMA user_version = {1 - int(number) % 2}"))
            else:
                connection.execute(text("UPDATE campaign SET year = year WHERE id = -1"))
    except SurveyError:
        return False
    return True
