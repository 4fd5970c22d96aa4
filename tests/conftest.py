"""Shared fixtures: a real instance on SQLite (default) or PostgreSQL, in an empty folder for each test."""

import os
import secrets
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from types import MethodType
from typing import Any, TypeVar

import psycopg
import pytest
from flask import Flask, current_app
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import text
from werkzeug.routing import Rule

from survey import create_app
from survey.config import Config
from survey.database import checkpoint
from survey.extensions import db
from survey.keys import FILE_NAME, make_master_key
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


# Files, documents and pages: what these ask a database, both answer alike.
ONE_DATABASE = frozenset(
    {
        "test_formula_guard",
        "test_handouts",
        "test_hostile_texts",
        "test_links_sqlite",
        "test_qr_codes",
        "test_report_batches",
        "test_report_templates",
        "test_reports",
        "test_share_sheets",
        "test_sheets",
        "test_slow_clients",
        "test_workbooks",
        "test_xlsx_packages",
    }
)
# Whole runs and all pages at once; their parts are tested one by one.
WHOLE_RUNS = frozenset(
    {
        "test_canary",
        "test_county",
        "test_desk_axe",
        "test_every_figure",
        "test_faulty_network",
        "test_hostile_texts",
        "test_officer",
        "test_slow_clients",
    }
)
# Long, and of statements that others send to PostgreSQL as well.
LONG_ON_POSTGRESQL = frozenset(
    {
        "test_comments",
        "test_corrections",
        "test_deletions",
        "test_exports",
        "test_first_printings",
        "test_publications",
        "test_release",
        "test_school_item_counts",
        "test_sealed_boxes",
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what need not run on both databases, or not on each machine."""
    for item in items:
        if item.path.stem in ONE_DATABASE:
            item.add_marker("one_database")
        if item.path.stem in WHOLE_RUNS or (POSTGRESQL and item.path.stem in LONG_ON_POSTGRESQL):
            item.add_marker("thorough")


@pytest.fixture(scope="session", autouse=True)
def _addresses_compiled_once() -> Iterator[None]:
    """Keep what rules of addresses are compiled to: every new application has the same ones, most of its time."""
    known: dict[object, dict[str, Any]] = {}
    compile_rule = Rule.compile
    built = ("_build", "_build_unknown")

    def remembered(rule: Rule) -> None:
        key = (rule.rule, repr(rule.defaults), rule.strict_slashes, rule.merge_slashes, rule.subdomain, rule.host)
        if key in known:
            rule.__dict__.update({name: copy(value) for name, value in known[key].items()})
            for name in built:
                setattr(rule, name, MethodType(known[key][name], rule))
            return
        compile_rule(rule)
        made = {name: getattr(rule, name) for name in ("_parts", "_trace", "_converters", "arguments")}
        known[key] = made | {name: getattr(rule, name).__func__ for name in built}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", remembered)
        yield


class _Templates(BytecodeCache):
    """Keeps what templates are compiled to: every test has an application of its own, and it is the same code."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES = _Templates()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of an instance in an empty folder; its master key exists."""
    config = Config(instance=tmp_path / "instance", database_url=POSTGRESQL)
    make_master_key(config.instance)
    (config.instance / FILE_NAME).write_bytes(_MASTER_KEY)
    return config


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application on an empty database with the ready questionnaires; forms need no CSRF token."""
    app = create_app(config)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.jinja_env.bytecode_cache = _TEMPLATES
    with app.app_context():
        if POSTGRESQL:
            _empty_postgresql()
            _load()
        else:
            stage("blank", _make_blank)
        yield app
        db.session.remove()
        db.engine.dispose()


# The same for all tests of this process, so that slips of one are slips of another.
_MASTER_KEY = secrets.token_bytes(32)
_stages: dict[tuple[str, ...], tuple[bytes, Any]] = {}
_Made = TypeVar("_Made")


def stage(name: str, make: Callable[[], _Made]) -> _Made:
    """Bring the database to where many tests begin: the first time by the product, then by a copy of SQLite's file.

    By the product too on PostgreSQL, under another key, and after a test has written something of its own.
    """
    file = Path(str(db.engine.url.database))
    known = (current_app.config["WUPING"].instance / FILE_NAME).read_bytes() == _MASTER_KEY
    if POSTGRESQL or not known or not _is_as_left(file):
        return make()
    path = (*_at.get(file, ()), name)
    if path not in _stages:
        made = make()
        db.session.commit()
        checkpoint(must=True)
        _stages[path] = (file.read_bytes(), made)
    else:
        db.session.remove()
        db.engine.dispose()
        file.write_bytes(_stages[path][0])
    _left[file], _at[file] = file.stat().st_mtime_ns, path
    return copy(_stages[path][1])


# When a file was last brought to a stage, and by which stages it came there.
_left: dict[Path, int] = {}
_at: dict[Path, tuple[str, ...]] = {}


def _is_as_left(file: Path) -> bool:
    """Tell whether nothing was written since the last stage."""
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        return False
    return (file.stat().st_mtime_ns if file.exists() else None) == _left.get(file)


def _make_blank() -> None:
    db.create_all()
    _load()


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
_USED = text(
    "SELECT string_agg(format('ALTER SEQUENCE %I RESTART', sequencename), '; ') FROM pg_sequences "
    "WHERE schemaname = 'public' AND last_value IS NOT NULL"
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
        # A table that was emptied and vacuumed has no pages left, but its numbers go on.
        if used := connection.scalar(_USED):
            connection.execute(text(used))


@pytest.fixture
def county(app: Flask) -> Flask:
    """The application with a small roster: two schools with classes, ten without, three departments."""
    stage("county", _fill_county)
    return app


def _fill_county() -> None:
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


@pytest.fixture
def campaign(county: Flask) -> int:
    """An open five-evaluation campaign on the small roster; its slips are made (see `codes`)."""
    return stage("campaign", _open_campaign)


def _open_campaign() -> int:
    number, _made = create_campaign(
        name="2026 年五评", year=2026, template="five", first_day=None, last_day=None, actor="test"
    )
    move_campaign(number, "ready", actor="test")
    move_campaign(number, "open", actor="test")
    return number


@pytest.fixture
def codes(campaign: int) -> dict[str, tuple[str, ...]]:
    """The codes of every group of `campaign`."""
    return stage("codes", lambda: {group.group: group.codes for group in issue_slips(campaign, actor="test")})
