"""Every route × every role, held against one table: a new route without a row fails, and so does a row that lies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from survey.access import ROLES
from survey.extensions import db
from survey.models.accounts import Account
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.jobs import queue_job
from survey.services.sessions import begin_session
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Browser, Desk

EVERYBODY = frozenset({"stranger", *ROLES})
LOGGED_IN = frozenset(ROLES)
OFFICER = frozenset({"officer"})
CAMPAIGN = frozenset({"officer", "viewer", "supervisor", "auditor"})
RESULTS = CAMPAIGN | {"school"}
TURNOUT = frozenset({"officer", "viewer", "supervisor", "school"})
INSTRUMENT = CAMPAIGN | {"inspector"}
ACCOUNTS = frozenset({"officer", "sysadmin"})
REQUESTS = frozenset({"officer", "supervisor", "auditor"})
TWO = frozenset({"officer", "supervisor"})
LOG = frozenset({"supervisor", "auditor"})
TEACHER = frozenset({"teacher"})
SCHOOL = frozenset({"school"})
COMMENTS = frozenset({"officer", "viewer", "supervisor", "school"})
CURRENT, RELEASED, GROUP, JOB = 1, 2, 1, 1
C, R = f"/campaigns/{CURRENT}", f"/results/{RELEASED}"
COMMENT = f"/comments/{RELEASED}/{'0' * 32}"
# The read interface knows no session: whoever comes without a token is told so (401).
API = f"/api/v1/campaigns/{RELEASED}/evaluations"


@dataclass(frozen=True)
class Row:
    """A route: an address of it, who is let in, and who is told that it does not exist (404)."""

    path: str
    roles: frozenset[str]
    hidden: frozenset[str] = frozenset()


TABLE = {
    "accounts.add": Row("/accounts", ACCOUNTS),
    "accounts.add_schools": Row("/accounts/schools", ACCOUNTS),
    "accounts.code": Row("/login/code", EVERYBODY),
    "accounts.end_session": Row("/account/sessions", LOGGED_IN),
    "accounts.index": Row("/accounts", ACCOUNTS),
    "accounts.log_in": Row("/login", EVERYBODY),
    "accounts.log_out": Row("/logout", EVERYBODY),
    "accounts.own": Row("/account", LOGGED_IN),
    "accounts.password": Row("/password", LOGGED_IN),
    "accounts.remove_second_factor": Row("/accounts/second-factor", ACCOUNTS),
    "accounts.reset": Row("/accounts/reset", ACCOUNTS),
    "accounts.switch": Row("/accounts/active", ACCOUNTS),
    "api.campaign": Row("/api/v1/campaigns/2", EVERYBODY),
    "api.campaigns": Row("/api/v1/campaigns", EVERYBODY),
    "api.description": Row("/api/v1/openapi.json", EVERYBODY),
    "api.evaluation": Row(f"{API}/student_teacher", EVERYBODY),
    "api.evaluations": Row(API, EVERYBODY),
    "api.items": Row(f"{API}/student_teacher/items", EVERYBODY),
    "api.nothing": Row("/api/v1/nothing", EVERYBODY),
    "api.pairs": Row(f"{API}/student_teacher/pairs", EVERYBODY),
    "api.publication": Row("/api/v1/campaigns/2/publication", EVERYBODY),
    "api.target": Row(f"{API}/student_teacher/targets/T100", EVERYBODY),
    "api.targets": Row(f"{API}/student_teacher/targets", EVERYBODY),
    "api.unit": Row(f"{API}/student_teacher/units/101", EVERYBODY),
    "api.units": Row(f"{API}/student_teacher/units", EVERYBODY),
    "api_tokens.add": Row("/results/tokens", OFFICER),
    "api_tokens.index": Row("/results/tokens", OFFICER),
    "api_tokens.revoke": Row("/results/tokens/revoke", OFFICER),
    "approvals.ask": Row(f"{C}/approvals", TWO),
    "approvals.confirm": Row("/approvals/1/confirm", TWO),
    "approvals.index": Row("/approvals", REQUESTS),
    "approvals.page": Row("/approvals/1", REQUESTS),
    "approvals.withdraw": Row("/approvals/1/withdraw", TWO),
    "assets.file": Row("/s/x/desk.css", EVERYBODY),
    "audit.export": Row("/audit/export", LOG),
    "audit.index": Row("/audit", LOG),
    "ballots.cast": Row("/v/page", EVERYBODY),
    "ballots.enter": Row("/v", EVERYBODY),
    "ballots.enter_upper_case": Row("/V", EVERYBODY),
    "ballots.hand_in": Row("/t", EVERYBODY),
    "ballots.hand_in_upper_case": Row("/T", EVERYBODY),
    "ballots.open_link": Row(f"/o/{GROUP}", EVERYBODY),
    "ballots.open_link_upper_case": Row(f"/O/{GROUP}", EVERYBODY),
    "ballots.page": Row("/v/page", EVERYBODY),
    "ballots.receipt": Row("/v/receipt", EVERYBODY),
    "corrections.act": Row(f"{C}/correct/1", OFFICER),
    "corrections.page": Row(f"{C}/correct", OFFICER),
    "corrections.superseded": Row(f"{R}/versions/1", RESULTS, hidden=frozenset({"school"})),
    "deletions.page": Row(f"{C}/delete", OFFICER),
    "campaigns.balance": Row(f"{C}/balance", CAMPAIGN),
    "campaigns.days": Row(f"{C}/days", OFFICER),
    "campaigns.index": Row("/campaigns", CAMPAIGN),
    "campaigns.left_out": Row(f"{C}/targets", CAMPAIGN),
    "campaigns.move": Row(f"{C}/move", OFFICER),
    "campaigns.new": Row("/campaigns/new", OFFICER),
    "campaigns.page": Row(C, CAMPAIGN),
    "campaigns.rebuild": Row(f"{C}/rebuild", OFFICER),
    "checks.index": Row("/checks", frozenset({"sysadmin"})),
    "comments.back": Row(f"{COMMENT}/back", TWO),
    "comments.change_label": Row("/comments/labels/1", TWO),
    "comments.confirm": Row(f"{COMMENT}/confirm", TWO),
    "comments.decide": Row(COMMENT, TWO),
    "comments.index": Row("/comments", COMMENTS),
    "comments.inside": Row(f"{COMMENT}/inside", TWO),
    "comments.labels": Row("/comments/labels", TWO),
    "comments.one": Row(COMMENT, TWO),
    "comments.page": Row(f"/comments/{RELEASED}", COMMENTS),
    "comments.school": Row(f"/comments/{RELEASED}/schools/101", COMMENTS),
    "comments.split": Row(f"{COMMENT}/split", TWO),
    "comments.take": Row(f"{COMMENT}/take", TWO),
    "comments.take_next": Row(f"/comments/{RELEASED}/next", TWO),
    "comments.themes": Row(f"/comments/{RELEASED}/themes", COMMENTS, SCHOOL),
    "comments.usual_labels": Row("/comments/labels/usual", TWO),
    "exports.export": Row(f"{R}/exports", RESULTS),
    "exports.file": Row(f"/results/exports/{JOB}/file", RESULTS),
    "exports.index": Row(f"{R}/exports", RESULTS),
    "exports.job": Row(f"/results/exports/{JOB}", RESULTS),
    "exports.progress": Row(f"/results/exports/{JOB}.json", RESULTS),
    "comparisons.choose": Row(f"/comparisons/{RELEASED}/student_teacher/choose", RESULTS),
    "comparisons.page": Row(f"/comparisons/{RELEASED}/student_teacher?of=targets&c=T100&c=T101", RESULTS),
    "comparisons.progress": Row(
        f"/comparisons/{RELEASED}/student_teacher/state.json?of=targets&c=T100&c=T101", RESULTS
    ),
    "comparisons.start": Row(f"/comparisons/{RELEASED}/student_teacher", RESULTS),
    "instruments.index": Row("/questionnaires", INSTRUMENT),
    "instruments.page": Row("/questionnaires/1", INSTRUMENT),
    "integrity.page": Row(f"{C}/integrity", TWO),
    "jobs.page": Row(f"/jobs/{JOB}", OFFICER),
    "jobs.progress": Row(f"/jobs/{JOB}.json", OFFICER),
    "methods.campaign": Row(f"{R}/method", RESULTS),
    "methods.page": Row(f"{R}/student_teacher/method", RESULTS),
    "notices.guardians": Row(f"/notices/{CURRENT}/guardians", EVERYBODY),
    "notices.page": Row(f"/notices/{CURRENT}", EVERYBODY),
    "own_results.index": Row("/own", TEACHER),
    "own_results.page": Row(f"/own/{RELEASED}/student_teacher", TEACHER),
    "own_results.replies": Row(f"/replies/{RELEASED}", RESULTS, SCHOOL),
    "own_results.reply": Row(f"/own/{RELEASED}/student_teacher", TEACHER),
    "pressure_reports.index": Row("/reports/pressure", frozenset({"supervisor"})),
    "pressure_reports.old_path": Row("/v/pressure", EVERYBODY),
    "pressure_reports.report": Row("/pressure", EVERYBODY),
    "pressure_reports.send": Row("/pressure", EVERYBODY),
    "pressure_reports.thanks": Row("/pressure/thanks", EVERYBODY),
    "public.balance": Row(f"/balance/{CURRENT}", EVERYBODY),
    "public.healthz": Row("/healthz", EVERYBODY),
    "public.home": Row("/", EVERYBODY),
    "public.language": Row("/language", EVERYBODY),
    "public.promise": Row("/promise", EVERYBODY),
    "public.readyz": Row("/readyz", EVERYBODY),
    "public.receipt_file": Row(f"/receipts/{CURRENT}.txt", EVERYBODY),
    "public.receipt_list": Row(f"/receipts/{CURRENT}", EVERYBODY),
    "publications.edit": Row(f"/campaigns/{RELEASED}/publication", OFFICER),
    "publications.feedback": Row(f"/campaigns/{RELEASED}/publication/feedback", OFFICER),
    "publications.index": Row("/published", EVERYBODY),
    "publications.page": Row(f"/published/{RELEASED}", EVERYBODY),
    "publications.prepare": Row(f"/campaigns/{RELEASED}/publication/prepare", OFFICER),
    "publications.preview": Row(f"/campaigns/{RELEASED}/publication/preview", OFFICER),
    "publications.preview_school": Row(f"/campaigns/{RELEASED}/publication/preview/schools/101", OFFICER),
    "publications.publish": Row(f"/campaigns/{RELEASED}/publication/publish", OFFICER),
    "publications.school": Row(f"/published/{RELEASED}/schools/101", EVERYBODY),
    "publications.unpublish": Row(f"/campaigns/{RELEASED}/publication/unpublish", OFFICER),
    "reports.batch": Row(f"/results/reports/{JOB}", RESULTS, SCHOOL),
    "reports.bulletin": Row(f"{R}/reports/notice.docx", RESULTS, SCHOOL),
    "reports.fetch": Row(f"/results/reports/{JOB}/fetch", RESULTS, SCHOOL),
    "reports.forget": Row(f"/results/reports/{JOB}/forget", OFFICER),
    "reports.index": Row(f"{R}/reports", RESULTS, SCHOOL),
    "reports.make": Row(f"{R}/reports", OFFICER),
    "reports.own_document": Row(f"/own/{RELEASED}/student_teacher/report/word", TEACHER, TEACHER),
    "reports.progress": Row(f"/results/reports/{JOB}.json", RESULTS, SCHOOL),
    "reports.reset": Row("/results/reports/templates/notice/reset", OFFICER),
    "reports.school_document": Row(f"{R}/reports/word/school/101", RESULTS),
    "reports.target_document": Row(f"{R}/student_teacher/report/word/T100", RESULTS),
    "reports.template": Row("/results/reports/templates/notice.docx", OFFICER),
    "reports.templates": Row("/results/reports/templates", OFFICER),
    "reports.upload": Row("/results/reports/templates/notice", OFFICER),
    "results.answers_chart": Row(f"{R}/student_teacher/answers.json", RESULTS, SCHOOL),
    "results.district": Row(f"{R}/district/1学区", RESULTS, SCHOOL),
    "results.evaluation": Row(f"{R}/student_teacher", RESULTS, SCHOOL),
    "results.find": Row(f"{R}/find?q=T", RESULTS),
    "results.funnel": Row(f"{R}/student_teacher/funnel", RESULTS, SCHOOL),
    "results.funnel_chart": Row(f"{R}/student_teacher/funnel.json", RESULTS, SCHOOL),
    "results.index": Row("/results", RESULTS),
    "results.item": Row(f"{R}/student_teacher/item/T01", RESULTS, SCHOOL),
    "results.items": Row(f"{R}/student_teacher/items", RESULTS, SCHOOL),
    "results.items_chart": Row(f"{R}/student_teacher/items.json?target=T100", RESULTS),
    "results.matrix_chart": Row(f"{R}/student_teacher/matrix.json", RESULTS, SCHOOL),
    "results.overview": Row(R, RESULTS),
    "results.pairs": Row(f"{R}/student_teacher/pairs", RESULTS, SCHOOL),
    "results.response": Row(f"{R}/response", RESULTS, SCHOOL),
    "results.school": Row(f"{R}/school/101", RESULTS),
    "results.target": Row(f"{R}/student_teacher/target/T100", RESULTS),
    "results.targets": Row(f"{R}/student_teacher/targets", RESULTS),
    "results.tests": Row(f"{R}/student_teacher/tests", RESULTS, SCHOOL),
    "results.unit": Row(f"{R}/student_teacher/unit/101", RESULTS),
    "results.units_chart": Row(f"{R}/student_teacher/chart.json", RESULTS, SCHOOL),
    "results.years": Row(f"{R}/student_teacher/years", RESULTS, SCHOOL),
    "results.years_chart": Row(f"{R}/student_teacher/years.json", RESULTS, SCHOOL),
    "rosters.confirm": Row(f"/rosters/imports/{JOB}", OFFICER),
    "rosters.index": Row("/rosters", OFFICER),
    "rosters.own": Row("/rosters/own", OFFICER | SCHOOL),
    "rosters.review": Row(f"/rosters/imports/{JOB}", OFFICER),
    "rosters.school": Row("/rosters/schools/101", OFFICER | SCHOOL),
    "rosters.template": Row("/rosters/template.xlsx", OFFICER),
    "rosters.upload": Row("/rosters/upload", OFFICER),
    "school_items.decide": Row(f"{C}/own-items/1", OFFICER),
    "school_items.index": Row("/own-items", SCHOOL),
    "school_items.item": Row(f"/own-items/{CURRENT}/1", SCHOOL),
    "school_items.page": Row(f"/own-items/{CURRENT}", SCHOOL),
    "school_items.review": Row(f"{C}/own-items", CAMPAIGN),
    "school_items.withdraw": Row(f"/own-items/{CURRENT}/1/withdraw", SCHOOL),
    "sealed_boxes.open_box": Row(f"{C}/box/open", OFFICER),
    "sealed_boxes.page": Row(f"{C}/box", CAMPAIGN),
    "sealed_boxes.shares": Row(f"{C}/box/shares", OFFICER),
    "second_factors.finish": Row("/account/second-factor/code", LOGGED_IN),
    "second_factors.page": Row("/account/second-factor", LOGGED_IN),
    "second_factors.remove": Row("/account/second-factor/remove", LOGGED_IN),
    "slips.extra": Row(f"{C}/slips/{GROUP}/extra", OFFICER),
    "slips.fetch": Row(f"/slips/printed/{JOB}/fetch", OFFICER),
    "slips.forget": Row(f"/slips/printed/{JOB}/forget", OFFICER),
    "slips.group": Row(f"{C}/slips/{GROUP}", OFFICER),
    "slips.handout": Row(f"{C}/handouts/letter-parents.pdf", OFFICER),
    "slips.index": Row(f"{C}/slips", OFFICER),
    "slips.print_all": Row(f"{C}/slips", OFFICER),
    "slips.printed": Row(f"/slips/printed/{JOB}", OFFICER),
    "slips.reissue": Row(f"{C}/slips/{GROUP}/reissue", OFFICER),
    "slips.reissue_all": Row(f"{C}/slips/reissue", OFFICER),
    "tokens.campaign": Row(f"{C}/tokens", CAMPAIGN),
    "tokens.index": Row("/tokens", TEACHER),
    "tokens.kept": Row(f"/tokens/{GROUP}/kept", TEACHER),
    "tokens.key": Row(f"/tokens/key/{GROUP}", EVERYBODY),
    "tokens.keys": Row(f"/tokens/keys/{CURRENT}", EVERYBODY),
    "tokens.page": Row(f"/tokens/{GROUP}", TEACHER),
    "tokens.paper": Row(f"/tokens/{GROUP}/paper", TEACHER),
    "tokens.print_paper": Row(f"{C}/tokens/{GROUP}/paper", OFFICER),
    "tokens.sign": Row(f"/tokens/{GROUP}/sign", TEACHER),
    "tokens.staff": Row("/accounts/staff", ACCOUNTS),
    "turnout.campaign": Row(f"/turnout/{CURRENT}", TURNOUT),
    "turnout.index": Row("/turnout", TURNOUT),
    "turnout.school": Row(f"/turnout/{CURRENT}/schools/101", TURNOUT),
    "voiding.act": Row(f"{C}/void/1", TWO),
    "voiding.confirm": Row(f"{C}/void/1/confirm", TWO),
    "voiding.page": Row(f"{C}/void", TWO),
}
# What belongs to one school: the address with its code or one of its people.
OF_A_SCHOOL = (
    R + "/school/{school}",
    R + "/student_teacher/target/T{number}00",
    R + "/student_teacher/report/word/T{number}00",
    R + "/reports/pdf/school/{school}",
    f"/turnout/{CURRENT}" + "/schools/{school}",
    "/rosters/schools/{school}",
    f"/comments/{RELEASED}" + "/schools/{school}",
)


@pytest.fixture
def scene(county: Flask) -> Flask:
    """An open and a released campaign, a job, and one account of each role; both schools have one."""
    stage("scene", _make_scene)
    return county


def _make_scene() -> None:
    create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="test")
    for state in ("ready", "open"):
        move_campaign(CURRENT, state, actor="test")
    released = add_campaign()
    add_evaluation(released, "student_teacher", targets=[(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(6)])
    queue_job("move_campaign", {"campaign": CURRENT, "state": "closed"}, actor="test")
    names = [*((role, role, "101" if role == "school" else None) for role in ROLES), ("school-102", "school", "102")]
    db.session.add_all(
        Account(name=name, role=role, school_code=school, password_hash="", must_change=False)
        for name, role, school in names
    )
    db.session.commit()
    assert released.id == RELEASED


def desk(app: Flask, name: str) -> FlaskClient:
    """A browser in which this account is logged in; a stranger's is empty."""
    client = Desk(app, app.response_class)
    if name != "stranger":
        number = db.session.query(Account.id).filter_by(name=name).scalar()
        client.set_cookie("desk", begin_session(number, address="127.0.0.1", browser="test"))
    return client


def calls(app: Flask) -> Iterator[tuple[str, str, Row]]:
    """Every method of every route, reading first."""
    for reading in (True, False):
        for rule in app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if (method == "GET") is reading and rule.endpoint in TABLE:
                    yield rule.endpoint, method, TABLE[rule.endpoint]


def verdict(answer: TestResponse) -> str:
    """Say how a request was met."""
    if answer.status_code in (301, 302, 303) and answer.location.startswith("/login"):
        return "log in"
    if answer.status_code >= 500:
        return f"failed {answer.status_code}"
    return "refused" if answer.status_code == 403 else "let in"


def expected(row: Row, role: str) -> str:
    if role in row.roles:
        return "let in"
    return "log in" if role == "stranger" else "refused"


def test_every_route_has_a_row_and_every_row_is_a_route(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(TABLE)


def test_the_addresses_of_the_table_are_those_of_the_routes(app: Flask) -> None:
    adapter, wrong = app.url_map.bind(""), []
    for endpoint, method, row in calls(app):
        found, _values = adapter.match(row.path.partition("?")[0], method=method)
        wrong += [] if found == endpoint else [(endpoint, found)]
    assert wrong == []


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(scene: Flask, role: str) -> None:
    wrong = []
    for endpoint, method, row in calls(scene):
        answer = desk(scene, role).open(row.path, method=method)
        found, wanted = verdict(answer), expected(row, role)
        public_refusal = endpoint.startswith(("ballots.", "pressure_reports.")) and answer.status_code == 403
        if found != wanted and not (wanted == "let in" and public_refusal):
            wrong.append((method, endpoint, wanted, found))
        if role in row.hidden and answer.status_code != 404:
            wrong.append((method, endpoint, "404", str(answer.status_code)))
    assert wrong == []


@pytest.mark.parametrize("path", OF_A_SCHOOL)
def test_school_a_never_reads_school_b_and_is_not_told_that_it_exists(scene: Flask, path: str) -> None:
    own, other = path.format(school="101", number=1), path.format(school="102", number=2)
    nowhere = path.format(school="999", number=9)
    client = desk(scene, "school")
    assert client.get(own).status_code == 200
    assert client.get(other).status_code == client.get(nowhere).status_code == 404
    assert _said(client, other) == _said(client, nowhere).replace(nowhere, other)
    assert desk(scene, "school-102").get(own).status_code == 404


def _said(client: FlaskClient, path: str) -> str:
    """Return a page without its form key, which tells the second."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", client.get(path).text)


@pytest.mark.parametrize("role", sorted(LOGGED_IN))
def test_nobody_reads_results_before_the_release(scene: Flask, role: str) -> None:
    paths = [row.path.replace(R, f"/results/{CURRENT}") for name, row in TABLE.items() if name.startswith("results.")]
    client, read = desk(scene, role), []
    for path in paths:
        if path != "/results" and client.get(path).status_code == 200:
            read.append(path)
    assert read == []


@pytest.mark.parametrize("role", sorted(LOGGED_IN - {"school"}))
def test_every_role_has_a_first_page(scene: Flask, role: str) -> None:
    answer = desk(scene, role).get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert len(answer.history) <= 1


@pytest.mark.parametrize("role", sorted(LOGGED_IN))
def test_the_navigation_offers_only_what_is_let_in(scene: Flask, role: str) -> None:
    from bs4 import BeautifulSoup

    client = desk(scene, role)
    page = BeautifulSoup(client.get("/account").text, "html.parser")
    links = [link["href"] for link in page.select("nav.sections a")]
    assert links
    assert [link for link in links if client.get(str(link)).status_code >= 400] == []


def test_roles_are_separated() -> None:
    results, accounts, log = (
        {role for role, permissions in ROLES.items() if wanted in permissions}
        for wanted in ("results.read", "account.write", "audit.read")
    )
    assert "sysadmin" not in results
    assert accounts & log == set()
    assert {role for role, permissions in ROLES.items() if "coercion.read" in permissions} == {"supervisor"}
    assert not any("write" in permission for permission in ROLES["auditor"])


@pytest.mark.parametrize("role", ["supervisor", "sysadmin", "officer", "auditor"])
def test_an_officer_makes_no_accounts_that_could_confirm(scene: Flask, role: str, browser: Browser) -> None:
    client = desk(scene, "officer")
    form = {"name": "second", "role": role, "school_code": ""}
    assert client.post("/accounts", data=form).status_code in (403, 422)
    for path, data in (("reset", {"name": role}), ("active", {"name": role, "active": "0"})):
        assert client.post(f"/accounts/{path}", data=data).status_code == 403
    assert client.post("/accounts/second-factor", data={"name": role}).status_code == 403
    assert desk(scene, "sysadmin").post("/accounts", data=form).status_code == 200
