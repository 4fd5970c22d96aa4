"""Shared fixtures: a real instance on SQLite (default) or PostgreSQL, in an empty folder for each test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from survey import create_app
from survey.config import Config
from survey.database import checkpoint
from survey.extensions import db
from survey.keys import make_master_key
from survey.models.organisations import Department, RosterVersion, School, SchoolClass, Teacher, Teaching
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import load_ready_questionnaires
from survey.services.slips import issue_slips


def _own_database(url: str) -> str:
    """Give each parallel process of pytest a database of its own on the server; return its address."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not url or not worker or worker in url:
        return url
    address, mark, more = url.partition("?")
    name = f"{address.rpartition('/')[2]}_{worker}"
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return f"{address}_{worker}{mark}{more}"


# Set for the process: servers that tests start read it too.
POSTGRESQL = _own_database(os.environ.get("SURVEY_TEST_POSTGRESQL", ""))
if POSTGRESQL:
    os.environ["SURVEY_TEST_POSTGRESQL"] = POSTGRESQL


@pytest.fixture(scope="session", autouse=True)
def _addresses_compiled_once() -> Iterator[None]:
    """Keep the builders of addresses: every new application compiles the same ones, most of its time."""
    known: dict[object, Callable[..., tuple[str, str]]] = {}
    compile_builder = Rule._compile_builder

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", remembered)
        yield


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of an instance in an empty folder; its master key exists."""
    config = Config(instance=tmp_path / "instance", database_url=POSTGRESQL)
    make_master_key(config.instance)
    return config


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application on an empty database with the ready questionnaires; forms need no CSRF token."""
    app = create_app(config)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        if POSTGRESQL:
            _empty_postgresql()
            _load()
        elif _blank.is_file():
            shutil.copy(_blank, str(db.engine.url.database))
        else:
            db.create_all()
            _load()
            checkpoint(must=True)
            shutil.copy(str(db.engine.url.database), _blank)
        yield app
        db.session.remove()
        db.engine.dispose()


# A database with nothing but the ready questionnaires, made by the first test of this process.
_blank = Path(tempfile.mkdtemp(prefix="wuping-tests-")) / "blank.sqlite3"
atexit.register(shutil.rmtree, _blank.parent, ignore_errors=True)


def _load() -> None:
    load_ready_questionnaires(db.session())
    db.session.commit()


_SHAPE = text(
    "SELECT string_agg(concat_ws(' ', relname, relkind, relnatts), ', ' ORDER BY relname) FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace"
)
_WRITTEN = text(
    "SELECT string_agg(relname, ', ') FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0"
)
_made: dict[str, str] = {}


def _empty_postgresql() -> None:
    """Leave empty tables as they are made; those of the test before are emptied by new files, not by marking rows."""
    with db.engine.begin() as connection:
        if connection.scalar(_SHAPE) != _made.get("shape", ""):
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
            db.metadata.create_all(connection)
            _made["shape"] = connection.scalar(_SHAPE)
        elif written := connection.scalar(_WRITTEN):
            connection.execute(text(f"TRUNCATE {written} RESTART IDENTITY CASCADE"))


@pytest.fixture
def county(app: Flask) -> Flask:
    """The application with a small roster: two schools with classes, ten without, three departments."""
    for number in (1, 2):
        code = f"10{number}"
        db.session.add(School(code=code, name=f"第{number}小学", district=f"{number}学区", stage="小学"))
        db.session.flush()
        db.session.add(Teacher(code=f"H{number}", name=f"校长{number}", school_code=code, position="校长"))
        for place in range(12):
            name = f"教师{number}{place:02}"
            db.session.add(Teacher(code=f"T{number}{place:02}", name=name, school_code=code, position="教师"))
        db.session.flush()
        for grade, size in (("一年级", 11), ("三年级", 12), ("七年级", 13)):
            row = SchoolClass(school_code=code, grade=grade, name="1班", size=size)
            db.session.add(row)
            db.session.flush()
            for place, subject in enumerate(("语文", "数学", "英语")):
                db.session.add(Teaching(class_id=row.id, teacher_code=f"T{number}{place:02}", subject=subject))
    for number in range(3, 13):
        db.session.add(School(code=f"1{number:02}", name=f"第{number}幼儿园", district="1学区", stage="幼儿园"))
        db.session.flush()
        db.session.add(Teacher(code=f"H{number}", name=f"园长{number}", school_code=f"1{number:02}", position="校长"))
    db.session.add_all(Department(code=f"K0{number}", name=f"科室{number}") for number in (1, 2, 3))
    db.session.add(RosterVersion(imported_on="2026-01-01", imported_by="test", added=1, changed=0, removed=0))
    db.session.commit()
    return app


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open five-evaluation campaign on the small roster; its slips are made (see `codes`)."""
    number, _made = create_campaign(
        name="2026 年五评", year=2026, template="five", first_day=None, last_day=None, actor="test"
    )
    move_campaign(number, "ready", actor="test")
    move_campaign(number, "open", actor="test")
    return number


@pytest.fixture
def codes(campaign: int) -> dict[str, tuple[str, ...]]:
    """The codes of every group of `campaign`."""
    return {group.group: group.codes for group in issue_slips(campaign, actor="test")}
