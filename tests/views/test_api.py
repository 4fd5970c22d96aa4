"""The read interface: tokens with limits, answers as described, refusals as problems, nothing but GET."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from survey.extensions import db
from survey.models.api_tokens import ApiToken
from survey.models.audit import AuditEntry
from survey.models.publications import Publication
from survey.models.results import CubeEvaluation
from survey.queries.cubes import released_results
from survey.services import api_tokens
from survey.services.address_limits import Throttle
from survey.views.api_description import ADDRESSES, describe
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Desk

Get = Callable[..., TestResponse]
TEACHERS = "/campaigns/1/evaluations/student_teacher"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of this test alone: they stand in the memory of the process."""
    monkeypatch.setattr(api_tokens, "CALLS", Throttle(most=600, seconds=60))
    monkeypatch.setattr(api_tokens, "FAILURES", Throttle(most=60, seconds=60))


@pytest.fixture
def released(county: Flask) -> int:
    return stage("api", _make_released)


def _make_released() -> int:
    campaign = add_campaign()
    targets = [(f"T{n}{t:02}", f"10{n}") for n in (1, 2) for t in range(6)]
    add_evaluation(campaign, "student_teacher", targets=targets)
    add_evaluation(campaign, "parent_school", targets=[("101", "1学区"), ("102", "2学区")], ballots=5)
    waiting = add_campaign(year=2027, state="tallied")
    assert (campaign.id, waiting.id) == (1, 2)
    return campaign.id


@pytest.fixture
def get(app: Flask, released: int) -> Get:
    """Asks with a token of the view that is named; "" sends none."""
    tokens: dict[str, str] = {"": ""}

    def ask(path: str, view: str = "bureau", **headers: str) -> TestResponse:
        if view not in tokens:
            school = "101" if view == "school" else None
            tokens[view] = api_tokens.add_token(view, view=view, school_code=school, actor="test").token
        if view:
            headers = {"Authorization": f"Bearer {tokens[view]}", **headers}
        return Desk(app, app.response_class).get(f"/api/v1{path}", headers=headers)

    return ask


def test_the_description_is_valid_and_names_every_route(app: Flask, get: Get) -> None:
    document = get("/openapi.json", "").get_json()
    validate(document)
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")}
    routes = {rule.removeprefix("/api/v1") for rule in rules} - {"/", "/<path:rest>"}
    for text, name in (("<int:campaign_id>", "{campaign_id}"), ("<relation>", "{relation}")):
        routes = {route.replace(text, name) for route in routes}
    assert {route.replace("<path:code>", "{code}") for route in routes} == set(document["paths"])


@pytest.mark.parametrize("view", ["bureau", "school"])
def test_every_answer_is_as_described(get: Get, view: str) -> None:
    document = describe("", version="1")
    for address in ADDRESSES:
        if address.name == "publication":
            continue
        path = address.path.format(campaign_id=1, relation="student_teacher", code="{code}")
        answer = get(path.format(code="101" if "units" in path else "T100"), view)
        assert answer.status_code == 200, path
        content = document["paths"][address.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {**content, "components": document["components"]}
        Draft202012Validator(schema).validate(answer.get_json())


def test_the_bureau_reads_the_cube_as_it_is(get: Get, released: int) -> None:
    document = released_results(released)["evaluations"][0]
    found = get(f"{TEACHERS}/targets").get_json()
    assert [{k: v for k, v in row.items() if k != "name"} for row in found["items"]] == document["targets"]
    assert get(f"{TEACHERS}/units/101").get_json()["pooled_mean"] == document["units"][0]["pooled_mean"]
    assert get(f"{TEACHERS}/pairs").get_json()["items"] == document["comparison"]["pairs"]
    assert get(TEACHERS).get_json()["reliability"] == document["reliability"]
    items = get(f"{TEACHERS}/items").get_json()
    assert [row["code"] for row in items["items"]] == document["items"]
    assert [level["value"] for level in items["levels"]][:5] == [5, 4, 3, 2, 1]


def test_withheld_targets_say_so_and_nothing_more(get: Get) -> None:
    for row in get("/campaigns/1/evaluations/parent_school/targets").get_json()["items"]:
        assert (row["withheld"], row["score"], row["items"]) == ("ballots_below_floor", None, {})


def test_a_school_reads_itself_only_and_coarser(get: Get) -> None:
    found = get(f"{TEACHERS}/targets", "school").get_json()
    assert found["total"] == 6
    assert {row["unit"] for row in found["items"]} == {"101"}
    assert all(row["score"] == round(row["score"], 1) and row["score_se"] is None for row in found["items"])
    assert get(f"{TEACHERS}/units", "school").get_json()["total"] == 1
    assert get(TEACHERS, "school").get_json()["overall"] is None
    assert get(f"{TEACHERS}/pairs", "school").get_json()["total"] == 0
    for path in (f"{TEACHERS}/targets/T200", f"{TEACHERS}/units/102", "/campaigns/1/evaluations/teacher_principal"):
        assert get(path, "school").status_code == 404


def test_the_public_reads_what_is_published_and_nothing_else(get: Get) -> None:
    assert get("/campaigns", "public").get_json()["items"] == []
    assert get("/campaigns/1/publication", "public").status_code == 404
    db.session.add(Publication(campaign_id=1, published={"evaluations": []}, published_at="2026-06-01T00:00:00+00:00"))
    db.session.commit()
    assert [row["id"] for row in get("/campaigns", "public").get_json()["items"]] == [1]
    assert get("/campaigns/1/publication", "public").get_json()["document"] == {"evaluations": []}
    for path in ("/campaigns/1", "/campaigns/1/evaluations", f"{TEACHERS}/targets", f"{TEACHERS}/units/101"):
        assert get(path, "public").status_code == 403


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer wuping_" + "A" * 43, "bearer  ", "Bearer wuping_é"]
)
def test_without_a_token_that_holds_nothing_is_read(get: Get, header: str) -> None:
    answer = get("/campaigns", "", **({"Authorization": header} if header else {}))
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert set(answer.get_json()) == {"type", "title", "status", "detail"}


def test_no_cookie_of_the_desk_opens_the_interface(officer: FlaskClient, released: int) -> None:
    assert officer.get("/api/v1/campaigns").status_code == 401


def test_tokens_end_on_their_day_when_revoked_and_at_their_limits(
    app: Flask, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = add_campaign(year=2025)
    add_evaluation(second, "student_teacher", targets=[("T100", "101"), ("T101", "101")])
    limited = api_tokens.add_token("one", campaigns=[1], days=2, actor="test").token
    head = {"Authorization": f"Bearer {limited}"}
    assert get(f"/campaigns/{second.id}", "", **head).status_code == 404
    assert [row["id"] for row in get("/campaigns", "", **head).get_json()["items"]] == [1]
    today = api_tokens._today()
    monkeypatch.setattr(api_tokens, "_today", lambda: today + timedelta(days=2))
    assert get("/campaigns/1", "", **head).status_code == 200
    monkeypatch.setattr(api_tokens, "_today", lambda: today + timedelta(days=3))
    assert get("/campaigns/1", "", **head).status_code == 401
    monkeypatch.setattr(api_tokens, "_today", lambda: today)
    api_tokens.end_token("one", actor="test")
    assert get("/campaigns/1", "", **head).status_code == 401


def test_a_release_that_the_reader_has_is_not_sent_again(get: Get) -> None:
    first = get(f"{TEACHERS}/targets")
    tag = first.headers["ETag"]
    again = get(f"{TEACHERS}/targets", **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert get(f"{TEACHERS}/targets?page=2").headers["ETag"] != tag
    assert get(f"{TEACHERS}/targets", "school").headers["ETag"] != tag
    db.session.query(CubeEvaluation).update({"version": 2})
    db.session.commit()
    assert get(f"{TEACHERS}/targets", **{"If-None-Match": tag}).status_code == 200


def test_pages_hold_a_hundred_rows_at_most(get: Get) -> None:
    seen: list[Any] = []
    for page in (1, 2, 3):
        found = get(f"{TEACHERS}/targets?size=5&page={page}").get_json()
        assert (found["total"], found["pages"]) == (12, 3)
        seen += [row["target"] for row in found["items"]]
    assert len(set(seen)) == 12
    assert get(f"{TEACHERS}/targets?page=9").get_json()["items"] == []
    assert get(f"{TEACHERS}/targets?unit=102&search=T2").get_json()["total"] == 6


@pytest.mark.parametrize(
    "query", ["size=101", "size=0", "page=0", "page=-1", "page=x", "page=1e3", "page=²", "page=" + "9" * 30]
)
def test_wrong_pages_are_refused_with_a_sentence(get: Get, query: str) -> None:
    answer = get(f"{TEACHERS}/targets?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/campaigns/2", 404),
        ("/campaigns/2/evaluations", 404),
        ("/campaigns/99999999999999", 404),
        ("/campaigns/1/evaluations/nothing", 404),
        (f"{TEACHERS}/targets/nobody", 404),
        (f"{TEACHERS}/pairs?kind=x", 422),
        ("/nothing", 404),
        ("/", 404),
        (f"{TEACHERS}/targets?search=%00", 404),
    ],
)
def test_refusals_are_problems(get: Get, path: str, status: int) -> None:
    answer = get(path)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.get_json()["status"] == status
    assert answer.get_json()["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_get_is_answered(app: Flask, released: int, method: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = Desk(app, app.response_class).open("/api/v1/campaigns/1", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.mimetype == "application/problem+json"


def test_too_many_calls_and_too_many_wrong_tokens_must_wait(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "CALLS", Throttle(most=3, seconds=60))
    monkeypatch.setattr(api_tokens, "FAILURES", Throttle(most=2, seconds=60))
    assert [get("/campaigns").status_code for _time in range(4)] == [200, 200, 200, 429]
    assert [get("/campaigns", "").status_code for _time in range(3)] == [401, 401, 429]
    assert get("/campaigns", "").headers["Retry-After"] == "60"
    # Who guesses keeps nobody with a token out.
    assert get("/campaigns", "school").status_code == 200


def test_the_database_holds_no_token_and_the_audit_log_tells_who_made_it(released: int) -> None:
    made = api_tokens.add_token("数据平台", view="school", school_code="101", actor="li")
    row = db.session.query(ApiToken).one()
    stored = json.dumps([str(value) for value in vars(row).values()]) + repr(row.digest)
    assert made.token not in stored
    assert made.token.removeprefix("wuping_") not in stored
    acts = [(entry.actor, entry.action, entry.subject) for entry in db.session.query(AuditEntry)]
    assert ("li", "results.token_add", "数据平台") in acts
    assert made.token not in repr([entry.detail for entry in db.session.query(AuditEntry)])
