"""Logging in, first passwords, and the officer's accounts."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from survey.extensions import db
from survey.models.accounts import Account
from survey.models.audit import AuditEntry
from survey.services import accounts, logins
from survey.services.staff_accounts import add_staff_account
from survey.views import settings

NEW = "another long password"


@pytest.fixture
def made(county: Flask) -> accounts.NewAccount:
    return accounts.add_account("chief", role="viewer", actor="test")


def log_in(client: FlaskClient, name: str, password: str, address: str = "/login"):
    return client.post(address, data={"name": name, "password": password})


def test_a_first_password_leads_to_choosing_ones_own(stranger, made) -> None:
    assert log_in(stranger, "chief", made.first_password).location == "/password"
    assert stranger.get("/campaigns").location == "/password"
    form = {"old": made.first_password, "new": NEW, "again": NEW}
    assert stranger.post("/password", data=form).location == "/"
    assert stranger.get("/campaigns").status_code == 200


def test_too_many_logins_have_a_page_of_their_own(stranger, made, monkeypatch: pytest.MonkeyPatch) -> None:
    logins.BY_ADDRESS.forget()
    monkeypatch.setattr(logins.BY_ADDRESS, "most", 1)
    assert log_in(stranger, "nobody", "wrong").status_code == 422
    assert log_in(stranger, "nobody", "wrong").status_code == 429
    logins.BY_ADDRESS.forget()
    monkeypatch.setattr(logins, "WAIT_SECONDS", 0)
    with logins._hashing:
        assert log_in(stranger, "chief", made.first_password).status_code == 503
    assert log_in(stranger, "nobody", "wrong").status_code == 429


def test_a_wrong_password_keeps_the_name_and_says_no_more(stranger, made) -> None:
    answer = log_in(stranger, "chief", "wrong")
    unknown = log_in(stranger, "nobody", "wrong")
    assert answer.status_code == unknown.status_code == 422
    assert 'value="chief"' in answer.text
    assert answer.text.replace("chief", "") == unknown.text.replace("nobody", "")


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "/logout", "/\n/evil"]
)
def test_login_leads_to_no_other_host_and_to_no_action(stranger, made, wanted) -> None:
    accounts.change_password(1, old=made.first_password, new=NEW)
    answer = stranger.post("/login", query_string={"next": wanted}, data={"name": "chief", "password": NEW})
    assert answer.location == "/"


def test_login_leads_to_the_page_that_was_wanted(stranger, made) -> None:
    accounts.change_password(1, old=made.first_password, new=NEW)
    wanted = stranger.get("/rosters/schools/101").location
    assert log_in(stranger, "chief", NEW, wanted).location == "/rosters/schools/101"


def test_a_new_password_ends_other_sessions(officer) -> None:
    assert officer.get("/campaigns").status_code == 200
    accounts.reset_password("officer", actor="test")
    assert officer.get("/campaigns").location.startswith("/login")


def test_the_cookie_is_an_opaque_id_that_scripts_cannot_read(stranger, made) -> None:
    accounts.change_password(1, old=made.first_password, new=NEW)
    cookie = next(c for c in log_in(stranger, "chief", NEW).headers.getlist("Set-Cookie") if c.startswith("desk="))
    assert len(cookie.partition(";")[0]) == len("desk=") + 22
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_over_https_both_cookies_carry_the_host_prefix(config, tmp_path) -> None:
    made = settings(replace(config, public_base_url="https://wp.example.edu.cn"))
    assert (made["DESK_COOKIE"], made["SESSION_COOKIE_NAME"]) == ("__Host-desk", "__Host-visit")
    assert made["SESSION_COOKIE_SECURE"] is True


def test_a_login_gives_a_new_id_and_ends_the_old_one(stranger, made) -> None:
    accounts.change_password(1, old=made.first_password, new=NEW)
    log_in(stranger, "chief", NEW)
    old = stranger.get_cookie("desk").value
    log_in(stranger, "chief", NEW)
    assert stranger.get_cookie("desk").value != old
    stranger.set_cookie("desk", old)
    assert stranger.get("/campaigns").location.startswith("/login")


def test_an_id_given_before_the_login_is_never_taken_over(stranger, made) -> None:
    accounts.change_password(1, old=made.first_password, new=NEW)
    stranger.set_cookie("desk", "A" * 22)
    log_in(stranger, "chief", NEW)
    assert stranger.get_cookie("desk").value != "A" * 22


def test_sessions_are_listed_and_ended_one_by_one(officer, browser) -> None:
    other = browser()
    other.post("/login", data={"name": "officer", "password": "a long enough password"}, headers={"User-Agent": "<b>x"})
    page = BeautifulSoup(officer.get("/account").text, "html.parser")
    assert "<b>x" in page.select_one("main table").text
    handles = [field["value"] for field in page.select("input[name=handle]")]
    assert len(handles) == 1
    assert officer.post("/account/sessions", data={"handle": handles[0]}).location == "/account"
    assert other.get("/campaigns").location.startswith("/login")
    assert officer.get("/campaigns").status_code == 200
    assert officer.post("/account/sessions", data={"handle": handles[0]}).status_code == 404


def test_respondents_pages_ask_for_no_session(officer, statements) -> None:
    with statements() as seen:
        officer.get("/v")
    assert not [s for s in seen if "desk_session" in s or "account" in s]


def test_a_csrf_token_of_one_session_does_not_fit_another(app, officer, viewer) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    page = BeautifulSoup(officer.get("/campaigns").text, "html.parser")
    token = page.select_one("input[name=csrf_token]")["value"]
    assert viewer.post("/logout", data={"csrf_token": token}).status_code == 400
    assert officer.post("/logout", data={"csrf_token": token}).status_code == 303


def test_a_login_form_works_with_its_csrf_token(app, stranger, made) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    page = BeautifulSoup(stranger.get("/login").text, "html.parser")
    form = {"csrf_token": page.select_one("input[name=csrf_token]")["value"], "name": "chief"}
    assert stranger.post("/login", data=form | {"password": made.first_password}).location == "/password"


def test_an_expired_password_comes_before_anything_else(app, officer, config) -> None:
    app.config["WUPING"] = replace(config, login_profile="djcp")
    db.session.execute(update(Account).values(password_set="2020-01-01"))
    db.session.commit()
    for path in ("/campaigns", "/account", "/"):
        assert officer.get(path).location == "/password"
    form = {"old": "a long enough password", "new": "Teatime-7", "again": "Teatime-7"}
    assert officer.post("/password", data=form).location == "/"
    assert officer.get("/campaigns").status_code == 200


def test_a_required_second_factor_comes_before_anything_else(app, officer, school_a, config) -> None:
    app.config["WUPING"] = replace(config, second_factor="required")
    assert officer.get("/campaigns").location == "/account"
    assert officer.get("/account/second-factor").status_code == 200
    assert school_a.get("/turnout").status_code in (200, 303)


def test_logging_out_needs_a_post(officer) -> None:
    assert officer.get("/logout").status_code == 405
    assert officer.post("/logout").location == "/"
    assert officer.get("/campaigns").status_code == 302


def test_two_new_passwords_must_agree_and_be_long(officer) -> None:
    form = {"old": "a long enough password", "new": NEW, "again": NEW + "x"}
    assert officer.post("/password", data=form).status_code == 422
    assert officer.post("/password", data=form | {"new": "short", "again": "short"}).status_code == 422
    assert officer.post("/password", data=form | {"old": "wrong", "again": NEW}).status_code == 422


def test_changing_a_password_needs_a_login(stranger) -> None:
    assert stranger.get("/password").location.startswith("/login")


@pytest.mark.parametrize("persona", ["viewer", "school_a"])
def test_only_officers_see_accounts(request, persona) -> None:
    client = request.getfixturevalue(persona)
    assert client.get("/accounts").status_code == 403
    assert client.post("/accounts/schools").status_code == 403


def test_an_added_account_shows_its_password_once(officer) -> None:
    answer = officer.post("/accounts", data={"name": "watcher", "role": "viewer", "school_code": ""})
    assert answer.status_code == 200
    assert "watcher" in answer.text
    assert 'class="code secret"' in answer.text
    assert 'class="code secret"' not in officer.get("/accounts").text


def test_a_refused_account_keeps_the_input(officer) -> None:
    answer = officer.post("/accounts", data={"name": "watcher", "role": "school", "school_code": ""})
    assert answer.status_code == 422
    assert 'value="watcher"' in answer.text
    assert officer.post("/accounts", data={"name": "officer", "role": "viewer", "school_code": ""}).status_code == 409
    assert officer.post("/accounts", data={"name": "x", "role": "root", "school_code": ""}).status_code == 422
    assert officer.post("/accounts", data={"name": "worker", "role": "viewer", "school_code": ""}).status_code == 422


def test_an_account_is_switched_off_and_on(officer, viewer) -> None:
    assert officer.post("/accounts/active", data={"name": "viewer", "active": "0"}).location == "/accounts"
    assert viewer.get("/campaigns").location.startswith("/login")
    assert officer.post("/accounts/active", data={"name": "nobody", "active": "0"}).status_code == 404
    assert 'name="active" value="1"' in officer.get("/accounts").text


def test_nobody_switches_off_their_own_account(county, browser) -> None:
    admin = browser("admin", role="sysadmin")
    assert admin.post("/accounts/active", data={"name": "admin", "active": "0"}).status_code == 409


def test_resetting_shows_a_new_password_and_an_unknown_name_is_not_found(officer, made) -> None:
    assert 'class="code secret"' in officer.post("/accounts/reset", data={"name": "chief"}).text
    assert officer.post("/accounts/reset", data={"name": "nobody"}).status_code == 404


def test_school_accounts_come_as_an_excel_that_is_stored_nowhere(officer) -> None:
    answer = officer.post("/accounts/schools")
    assert answer.headers["Cache-Control"] == "no-store"
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert len(rows) == 13
    school, holder, name, password = rows[1]
    assert (school, holder, name) == ("101", "第1小学", "school-101")
    assert logins.log_in(name, password, address="") is not None
    stored = db.session.execute(select(Account.password_hash)).scalars()
    audited = db.session.execute(select(AuditEntry.detail)).scalars()
    assert password not in " ".join(map(str, [*stored, *audited]))
    assert officer.post("/accounts/schools").location == "/accounts"


def test_a_teachers_account_is_bound_to_the_roster_by_its_name(officer) -> None:
    asked = {"name": "T100", "role": "teacher", "school_code": ""}
    assert officer.post("/accounts", data=asked).status_code == 200
    assert db.session.scalar(select(Account.staff_code).where(Account.name == "T100")) == "T100"
    answer = officer.post("/accounts", data=asked | {"name": "T999"})
    assert answer.status_code == 422
    assert "T999" in answer.text
    assert db.session.scalar(select(Account.id).where(Account.name == "T999")) is None


def test_accounts_are_found_by_name_person_and_school(officer) -> None:
    add_staff_account("T100", staff_code="T100", actor="test")
    accounts.add_account("school-102", role="school", school_code="102", actor="test")
    for sought, found in (("t10", "T100"), ("教师100", "T100"), ("第1小", "T100"), ("第2小", "school-102")):
        text = officer.get("/accounts", query_string={"q": sought}).text
        assert re.findall(r'<th scope="row">([^< ]+)', text) == [found]
    assert '<th scope="row">T100 <span class="quiet">教师100</span></th>\n' in text_of(officer, "T100")
    assert '<tr><td colspan="5">' in text_of(officer, "%")


def text_of(officer, sought: str) -> str:
    return officer.get("/accounts", query_string={"q": sought}).text


def test_a_long_list_has_pages_and_a_button_leads_back_to_its_page(officer) -> None:
    for number in range(150):
        db.session.add(Account(name=f"a{number:03}", password_hash="", role="viewer"))
    db.session.commit()
    first, second = (officer.get(f"/accounts?q=a&page={page}").text for page in (1, 99))
    assert first.count('<th scope="row">') == 100
    assert '<th scope="row">a149' in second
    assert 'name="page" value="99"' in second
    answer = officer.post("/accounts/active", data={"name": "a149", "active": "0", "q": "a", "page": "2"})
    assert answer.location == "/accounts?q=a&page=2"


def test_posts_without_a_csrf_token_are_refused(app, officer) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert officer.post("/accounts/reset", data={"name": "officer"}).status_code == 400
    assert officer.post("/logout").status_code == 400


def test_the_list_takes_as_many_statements_for_many_accounts(officer, statements) -> None:
    with statements() as few:
        officer.get("/accounts")
    for number in range(50):
        db.session.add(Account(name=f"a{number}", password_hash="", role="viewer"))
    db.session.commit()
    with statements() as many:
        officer.get("/accounts")
    assert len(few) == len(many)
