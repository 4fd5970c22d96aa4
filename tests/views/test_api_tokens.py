"""The page of access tokens: shown once, revoked at once, officers only."""

import re

import pytest
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.api_tokens import ApiToken
from tests.released import add_campaign, add_evaluation

FORM = {"name": "数据平台", "view": "bureau", "school_code": "", "campaign": "0", "days": "30"}
TOKEN = re.compile(r"wuping_[\w-]{43}")


@pytest.fixture(autouse=True)
def released(officer: FlaskClient) -> None:
    add_evaluation(add_campaign(), "student_teacher", targets=[("T100", "101"), ("T200", "102")])


def test_a_token_is_shown_once_and_opens_the_interface(officer: FlaskClient, stranger: FlaskClient) -> None:
    made = TOKEN.search(officer.post("/results/tokens", data=FORM).text)
    assert made
    page = officer.get("/results/tokens").text
    assert "数据平台" in page
    assert not TOKEN.search(page)
    head = {"Authorization": f"Bearer {made[0]}"}
    assert stranger.get("/api/v1/campaigns", headers=head).status_code == 200
    assert officer.post("/results/tokens/revoke", data={"name": "数据平台"}).status_code == 303
    assert stranger.get("/api/v1/campaigns", headers=head).status_code == 401
    assert officer.post("/results/tokens/revoke", data={"name": "数据平台"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        *({"name": name} for name in (" ", "x" * 101)),
        *({"days": days} for days in ("0", "732", "x", "")),
        *({"view": "all"}, {"campaign": "99"}, {"view": "school"}, {"school_code": "101"}),
        {"school_code": "999", "view": "school"},
    ],
)
def test_what_is_wrong_is_said_and_the_form_keeps_the_rest(officer: FlaskClient, wrong: dict[str, str]) -> None:
    answer = officer.post("/results/tokens", data=FORM | wrong)
    assert answer.status_code == 422
    assert "name" in wrong or 'value="数据平台"' in answer.text
    assert db.session.query(ApiToken).count() == 0


def test_a_name_is_taken_once(officer: FlaskClient) -> None:
    assert officer.post("/results/tokens", data=FORM).status_code == 200
    assert officer.post("/results/tokens", data=FORM).status_code == 409


def test_a_name_is_shown_as_text(officer: FlaskClient) -> None:
    assert "<img" not in officer.post("/results/tokens", data=FORM | {"name": "<img src=x>"}).text
