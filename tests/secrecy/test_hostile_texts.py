"""Hostile texts in every cell, question, comment and name: pages and exports show them as text and nothing else."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import AnyConverter, BuildError, Rule

from survey.access import ROLES
from survey.errors import SurveyError
from survey.extensions import db
from survey.models.campaigns import Evaluation, RaterGroup, Target
from survey.models.comments import CommentReview
from survey.models.instruments import QuestionnaireVersion
from survey.models.jobs import Job
from survey.models.organisations import School
from survey.services import slip_files
from survey.services.slips import IssuedGroup
from survey.views import ballots as ballot_pages
from tests.secrecy import hostile_afterwards, hostile_world
from tests.secrecy.markup import Markup
from tests.secrecy.payloads import FORMULAS, payloads

Browser = Callable[..., FlaskClient]
MOST = 12
FORMULA_HEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "﹦")


class Texts:
    """Makes cells: harmless ones, or hostile ones that are remembered."""

    def __init__(self, *, hostile: bool) -> None:
        self.hostile, self.number = hostile, 1000
        self.made: set[str] = set()

    def __call__(self, longest: int) -> str:
        self.number += 1
        if not self.hostile:
            return f"名{self.number}"
        if longest < 20:
            return f"<b>{self.number}"
        text = next(text for text in self._from(longest))
        self.made.add(text)
        return text

    def _from(self, longest: int) -> Iterator[str]:
        # The families in turn, each time with the next number.
        for place, text in enumerate(payloads(longest=longest, start=self.number)):
            if place == self.number % 58:
                yield text


class Visit:
    """What all roles saw of a site."""

    def __init__(self) -> None:
        self.parts: set[tuple[str, str]] = set()
        self.faults: list[str] = []
        self.bodies: list[str] = []
        self.texts: list[str] = []
        self.pages = 0

    def see(self, address: str, response: Any) -> None:
        """Check one answer: its headers by its kind, and its markup."""
        kind = response.headers.get("Content-Type", "")
        self.bad(address, response.status_code >= 500, f"status {response.status_code}")
        self.bad(address, response.headers.get("X-Content-Type-Options") != "nosniff", "no nosniff")
        policy = response.headers.get("Content-Security-Policy", "")
        self.bad(address, "default-src 'none'; script-src 'self'" not in policy or "unsafe" in policy, policy)
        if kind.startswith("text/html"):
            self.page(address, response.text)
        elif kind.startswith("text/csv"):
            cells = [cell for row in csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))) for cell in row]
            self.bad(address, any(cell.startswith(FORMULA_HEADS) for cell in cells), "a formula")
        elif "json" in address or address.endswith(".json"):
            self.bad(address, response.status_code == 200 and kind != "application/json", kind)
        location = response.headers.get("Location", "")
        self.bad(address, bool(location) and not location.startswith("/"), location)
        self.bad(address, location.startswith("//"), location)

    def page(self, address: str, html: str) -> None:
        """Check one page's markup."""
        markup = Markup(html)
        self.pages += 1
        self.parts |= markup.parts
        self.bodies.append(html)
        self.texts += markup.texts
        self.faults += [f"{address}: {fault}" for fault in markup.faults]

    def bad(self, address: str, is_bad: bool, why: str) -> None:
        if is_bad:
            self.faults.append(f"{address}: {why}")


def addresses(app: Flask, campaigns: list[int], *, most: int) -> Iterator[str]:
    """Yield at most so many addresses of every GET route, for objects of the campaigns and for the roster's."""
    evaluations = select(Evaluation.id).where(Evaluation.campaign_id.in_(campaigns))
    targets = db.session.execute(select(Target.code, Target.unit).where(Target.evaluation_id.in_(evaluations))).all()
    schools = list(db.session.scalars(select(School.code).where(~School.left)))
    groups = db.session.scalars(select(RaterGroup.id).where(RaterGroup.evaluation_id.in_(evaluations)))
    values: dict[str, list[Any]] = {
        "campaign_id": campaigns,
        "campaign": campaigns,
        "relation": ["student_teacher", "teacher_principal", "principal_department", "parent_school"],
        "code": sorted({*schools[:2], *(row.code for row in targets[::9]), *(row.unit for row in targets[::9])}),
        "job_id": list(db.session.scalars(select(Job.id))),
        "group_id": list(groups)[::12],
        "questionnaire_id": list(db.session.scalars(select(QuestionnaireVersion.id))),
        "key": [bytes(key).hex() for key in db.session.scalars(select(CommentReview.id))],
        "item": ["T01", "P01"],
        "name": ["letter-parents", "poster-public_education", *db.session.scalars(select(School.district).distinct())],
        "rest": ["nothing", "campaigns/1/nothing"],
    }
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in ("static", "assets.file"):
            built = list(_built(adapter, rule, values))
            assert built, rule
            yield from built[:: max(1, len(built) // most)]
    for row, other in pairwise(targets[: most + 1]):
        yield f"/results/{campaigns[0]}/student_teacher/items.json?target={quote(row.code)}"
        sides = f"of=targets&c={quote(row.code, safe='')}&c={quote(other.code, safe='')}"
        for end in ("", "/choose", "/state.json"):
            yield f"/comparisons/{campaigns[0]}/student_teacher{end}?{sides}"


def _built(adapter: Any, rule: Rule, values: dict[str, list[Any]]) -> Iterator[str]:
    combinations: list[dict[str, Any]] = [{}]
    for name in sorted(rule.arguments):
        converter = rule._converters.get(name)
        known = sorted(converter.items) if isinstance(converter, AnyConverter) else values.get(name, [1])
        combinations = [c | {name: value} for c in combinations for value in known]
    for arguments in combinations:
        try:
            yield adapter.build(rule.endpoint, arguments)
        except BuildError:
            continue


def log_in(browser: Browser, role: str, text: Texts) -> FlaskClient | None:
    """Return a browser with an account of the role, whose name is one of the texts; None if the role needs more."""
    school = db.session.scalars(select(School.code).where(~School.left)).first()
    try:
        return browser(text(60) if role else "", role=role, school=school if role == "school" else None)
    except SurveyError:
        db.session.rollback()
        return None


def walk(app: Flask, browser: Browser, visit: Visit, text: Texts, campaigns: list[int]) -> None:
    """Open every address as every role."""
    for role in ("", *ROLES):
        client = log_in(browser, role, text)
        assert client is not None or role not in ("officer", "viewer", "school")
        most = MOST if role == "officer" else MOST // 3
        for address in sorted(set(addresses(app, campaigns, most=most))) if client else ():
            response = client.get(address, buffered=True)
            if role and response.headers.get("Location", "").startswith("/login"):
                # Some page ended the session, as that for voting with a token does.
                client = log_in(browser, role, text)
                assert client is not None
                response = client.get(address, buffered=True)
            visit.see(f"{role} {address}", response)


def ask(officer: FlaskClient, visit: Visit, text: Texts, campaign: int) -> None:
    """Send texts where a page repeats what it was given: searches, forms that are wrong, names, paths."""
    posts: list[tuple[str, dict[str, str]]] = [
        ("/login", {"name": text(90), "password": "x"}),
        ("/accounts", {"name": text(90), "role": "viewer", "school_code": ""}),
        ("/accounts", {"name": text(90), "role": text(30), "school_code": text(30)}),
        ("/accounts/reset", {"name": text(90)}),
        ("/campaigns/new", {"name": text(190), "year": text(20), "first_day": text(30), "last_day": text(30)}),
        (f"/campaigns/{campaign}/move", {"state": text(30)}),
        (f"/campaigns/{campaign}/days", {"first_day": text(30), "last_day": text(30)}),
        (f"/campaigns/{campaign}/slips/reissue", {"reason": text(150) + "x" * 200}),
        (f"/campaigns/{campaign}/delete", {"name": text(100), "reason": text(100)}),
        ("/comments/labels", {"name": text(60) + "x" * 40, "words": text(90)}),
        ("/results/tokens", {"name": text(90) + "x" * 40, "view": text(20), "days": text(20)}),
        ("/v", {"code": text(60)}),
        ("/v/page", {"code": text(60), "target": text(40), "form": text(40)}),
    ]
    for address, fields in posts:
        visit.see(address, officer.post(address, data=fields))
    for query in ("q", "sort", "order", "page", "unit", "next", "language", "big", "target"):
        visit.see("find", officer.get(f"/results/{campaign}/find", query_string={query: text(90)}))
        visit.see("comments", officer.get(f"/comments/{campaign}", query_string={query: text(90)}))
        for path in ("targets", "pairs", "items.json"):
            visit.see(path, officer.get(f"/results/{campaign}/student_teacher/{path}", query_string={query: text(90)}))
        visit.see("language", officer.get("/language", query_string={"to": "en", query: text(90)}))
        visit.see("login", officer.get("/login", query_string={query: text(90)}))
        visit.see("home", officer.get("/", query_string={query: text(90)}))
    visit.see("path", officer.get("/" + text(60).replace("#", "").replace("?", "")))
    for cookie in ("v", "language", "big"):
        officer.set_cookie(cookie, "x" + json.dumps(text(60))[1:-1].replace(";", "").replace(",", ""))
        visit.see(cookie, officer.get("/v/page"))
        visit.see(cookie, officer.get("/v"))
        officer.delete_cookie(cookie)


def vote_wrongly(phone: FlaskClient, visit: Visit, text: Texts, groups: tuple[IssuedGroup, ...]) -> None:
    """Send one unfinished page with a comment for each kind of group: it comes back with all that was given."""
    ballot_pages._wrong.clear()
    for relation in {group.relation for group in groups if group.codes}:
        code = next(group.codes[-1] for group in groups if group.relation == relation and group.codes)
        page = phone.post("/v", data={"code": code}, follow_redirects=True)
        visit.see(relation, page)
        hidden = BeautifulSoup(page.text, "html.parser").select("form[data-relation] input[type=hidden]")
        fields = {str(tag["name"]): str(tag["value"]) for tag in hidden}
        again = phone.post("/v/page", data=fields | {"comment": text(200), "chip": text(30)})
        assert again.status_code == 422
        visit.see(relation, again)
    for group in groups:
        if group.kind == "open":
            visit.see("open", phone.get(f"/o/{group.group_id}"))


def stay(app: Flask, browser: Browser, work: Callable[[], None], text: Texts, folder: Path, year: int) -> Visit:
    """Bring one kind of texts in by every way there is, and look at every page and file that comes out."""
    visit = Visit()
    chief = browser(text(60), role="officer")
    book = hostile_world.roster(text, codes=text)
    visit.see("review", chief.get(hostile_world.import_by_web(chief, work, book, f"{text(90).replace('/', '')}.xlsx")))
    wrong = hostile_world.import_by_web(chief, work, hostile_world.spoiled(text), f"{text(60).replace('/', '')}.xlsx")
    visit.see("review", chief.get(wrong))
    hostile_world.reword(text)
    released, _groups = hostile_world.hold(text(190), year, text)
    hostile_afterwards.write_on(released, text)
    hostile_afterwards.make_files(chief, work, released)
    for key in db.session.scalars(select(CommentReview.id).where(CommentReview.state == "taken")):
        visit.see("taken", chief.get(f"/comments/{released}/{bytes(key).hex()}"))
    number, groups = hostile_world.begin(text(190), year)
    ask(chief, visit, text, released)
    vote_wrongly(browser(), visit, text, groups)
    # A job that waits has a page too.
    assert chief.post(f"/campaigns/{number}/slips/reissue", data={"reason": text(100)}).status_code == 303
    walk(app, browser, visit, text, [released, number])
    for path in slip_files.write_slips(groups, campaign_id=number, directory=folder):
        if path.suffix == ".html":
            check_sheet(visit, path)
    return visit


def check_sheet(visit: Visit, path: Path) -> None:
    """Check a printed sheet; it has no header, so it brings its policy in its head, and one style of its own."""
    html = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    visit.page(path.name, html)


def test_hostile_texts_change_no_element_of_any_page(
    app: Flask, browser: Browser, work: Callable[[], None], tmp_path: Path
) -> None:
    harmless = stay(app, browser, work, Texts(hostile=False), tmp_path / "harmless", 2025)
    text = Texts(hostile=True)
    hostile = stay(app, browser, work, text, tmp_path / "hostile", 2026)
    assert harmless.faults[:9] == []
    assert hostile.faults[:9] == []
    assert hostile.parts - harmless.parts == set()
    whole = "\n".join(hostile.bodies)
    stored = {stored for stored in hostile_world.stored_texts() if "alert(" in stored or "//x.y/" in stored}
    dangerous = {payload for payload in text.made | stored if "<" in payload}
    assert not [payload for payload in dangerous if payload in whole]
    # The test would prove nothing if the texts did not get that far.
    told = "\n".join(hostile.texts)
    shown = {payload for payload in text.made | stored if payload in told}
    assert hostile.pages > 300
    assert len(shown) >= 200


def test_the_table_of_slips_holds_no_formula(app: Flask, tmp_path: Path) -> None:
    groups = [
        IssuedGroup(
            relation="parent_school",
            group_id=place,
            group=f"P-{place}",
            name=hostile,
            school_code="1",
            kind="slip",
            codes=("2" * 16,),
        )
        for place, hostile in enumerate(FORMULAS)
    ]
    path = slip_files._write_csv(groups, tmp_path / "slips.csv")
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))[1:]
    assert len(rows) == len(FORMULAS) >= 60
    assert [cell for row in rows for cell in row if cell.startswith(FORMULA_HEADS)] == []


def test_workbooks_hold_text_and_no_formula(app: Flask, browser: Browser) -> None:
    db.session.add_all(School(code=code[:40], name=code, district="1", stage="小学") for code in set(FORMULAS))
    db.session.commit()
    officer = browser("officer", role="officer")
    seen = 0
    for response in (officer.post("/accounts/schools"), officer.get("/rosters/template.xlsx")):
        assert response.headers["Content-Type"].startswith("application/vnd.openxmlformats")
        for sheet in openpyxl.load_workbook(io.BytesIO(response.data)):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f"
                    assert cell.hyperlink is None or not str(cell.hyperlink.target).startswith("javascript")
                    seen += str(cell.value).strip() in {code[:40].strip() for code in FORMULAS}
    assert seen >= 40
