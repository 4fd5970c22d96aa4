"""A site that a whole module of browser tests shares: started once, with slips enough for all of them."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from flask_babel import get_babel
from playwright.sync_api import Page
from werkzeug.serving import make_server

from survey import create_app, views
from survey.config import Config
from survey.extensions import db
from survey.keys import make_master_key
from survey.models.organisations import Department, RosterVersion, School, SchoolClass, Teacher, Teaching
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import load_ready_questionnaires
from survey.services.slips import issue_slips

PUPILS = "S-101-七年级1班"
CHILDREN = "S-101-三年级1班"
PARENTS = "P-101-三年级1班"
JOINT = "P-101-一年级1班"
KINDERGARTEN = "P-103-大班1班"
TEACHERS = "T-101"
PRINCIPALS = "H-BUREAU"
GRADES = (("一年级", 40), ("三年级", 60), ("七年级", 60))
LONG = "买买提江·阿卜杜热合曼·吐尔逊"


@dataclass
class Standing:
    """A site that answers at `base`; `take` gives each slip out once."""

    app: Flask
    base: str
    port: int
    campaign: int
    codes: Mapping[str, list[str]]

    def take(self, group: str) -> str:
        return self.codes[group].pop()

    def open(self, page: Page, group: str) -> str:
        """Scan a fresh slip of a group; return its code."""
        code = self.take(group)
        page.goto(f"{self.base}/v#{code}")
        page.wait_for_selector("form[data-relation]")
        return code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def standing_site(folder: Path, *, public_port: int = 0, parents: int = 60) -> Iterator[Standing]:
    """Serve an open campaign; `public_port` is where browsers come in, if that is not the server itself.

    parents: pupils of the third grade, and so the slips of their parents.
    """
    port = free_port()
    base = f"http://127.0.0.1:{public_port or port}"
    config = Config(instance=folder / "instance", public_base_url=base)
    make_master_key(config.instance)
    app = create_app(config)
    app.config.update(TESTING=True)
    with app.app_context():
        db.create_all()
        load_ready_questionnaires(db.session())
        _fill(dict(GRADES) | {"三年级": parents})
        campaign = make_campaign(2026, "open")
        codes = {group.group: list(group.codes) for group in issue_slips(campaign, actor="test")}
        with _served(app, port):
            yield Standing(app=app, base=base, port=port, campaign=campaign, codes=codes)
        db.session.remove()
        db.engine.dispose()


def make_campaign(year: int, *states: str) -> int:
    """Make a campaign on the roster and lead it through `ready` and these states."""
    number, _made = create_campaign(
        name=f"{year} 年五评", year=year, template="five", first_day=None, last_day=None, actor="test"
    )
    for state in ("ready", *states):
        move_campaign(number, state, actor="test")
    return number


@contextmanager
def _served(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _fill(sizes: Mapping[str, int]) -> None:
    """A roster of one school with three teachers a class, ten kindergartens and two departments."""
    db.session.add(School(code="101", name="第1学校", district="1学区", stage="九年一贯制"))
    db.session.flush()
    db.session.add(Teacher(code="H1", name="校长1", school_code="101", position="校长"))
    names = [LONG, *(f"教师{place:02}" for place in range(1, 20))]
    db.session.add_all(
        Teacher(code=f"T1{place:02}", name=name, school_code="101", position="教师") for place, name in enumerate(names)
    )
    db.session.flush()
    for grade, size in sizes.items():
        _add_class("101", grade, size)
    for number in range(3, 13):
        code = f"1{number:02}"
        db.session.add(School(code=code, name=f"第{number}幼儿园", district="1学区", stage="幼儿园"))
        db.session.flush()
        db.session.add(Teacher(code=f"H{number}", name=f"园长{number}", school_code=code, position="校长"))
    _add_class("103", "大班", 20)
    db.session.add_all(Department(code=f"K0{number}", name=f"科室{number}") for number in (1, 2))
    db.session.add(RosterVersion(imported_on="2026-01-01", imported_by="test", added=1, changed=0, removed=0))
    db.session.commit()


def _add_class(school: str, grade: str, size: int) -> None:
    row = SchoolClass(school_code=school, grade=grade, name="1班", size=size)
    db.session.add(row)
    db.session.flush()
    if school == "101":
        for place, subject in enumerate(("道德与法治", "数学", "英语")):
            db.session.add(Teaching(class_id=row.id, teacher_code=f"T1{place:02}", subject=subject))


@contextmanager
def right_to_left(app: Flask, folder: Path) -> Iterator[None]:
    """Offer Uyghur with a catalogue of one word; the other words stay English."""
    place = folder / "ug" / "LC_MESSAGES"
    place.mkdir(parents=True)
    catalogue = Catalog(locale="ug")
    catalogue.add("Submit", "يوللاش")
    with (place / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    babel = get_babel(app)
    folders = [*babel.translation_directories, str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(babel, "translation_directories", folders)
        patch.setattr(babel.instance.domain_instance, "_translation_directories", folders, raising=False)
        patch.setattr(views, "LANGUAGES", (*views.LANGUAGES, "ug"))
        yield
