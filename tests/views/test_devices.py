"""A device handed on from one respondent to the next, and the other things a device keeps."""

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from survey.errors import Unavailable
from survey.services import ballots
from survey.views import ballots as view
from survey.views.refusals import words_of
from tests.views.test_ballots import CLASS, Codes, answers, enter, form_of, post


@pytest.fixture
def tablet(app: Flask) -> Iterator[FlaskClient]:
    """A class's tablet in the shared mode."""
    view._wrong.clear()
    with app.test_client() as client:
        assert client.get("/v?shared=1").status_code == 200
        yield client


def cookies(client: FlaskClient) -> set[str]:
    return {cookie.key for cookie in client._cookies.values()}  # type: ignore[union-attr]


def test_a_shared_device_keeps_no_draft_and_forgets_each_pupil(tablet: FlaskClient, codes: Codes) -> None:
    page = enter(tablet, codes[CLASS][0])
    assert "data-draft" not in page.text
    while "data-receipt" not in page.text:
        page = tablet.post("/v/page", data=answers(form_of(page)), follow_redirects=True)
    assert "button next" in page.text
    assert cookies(tablet) == {"shared"}
    assert tablet.get("/v/receipt").location == tablet.get("/v/page").location == "/v"


def test_leaving_a_page_half_way_leaves_nothing_to_the_next_pupil(tablet: FlaskClient, codes: Codes) -> None:
    tablet.get("/v?big=1")
    enter(tablet, codes[CLASS][0])
    assert cookies(tablet) == {"shared", "big", "v"}
    tablet.get("/v")
    assert cookies(tablet) == {"shared"}
    assert 'class="big"' not in tablet.get("/v").text


def test_the_cookie_of_a_shared_device_soon_ends_and_names_nobody(tablet: FlaskClient, codes: Codes) -> None:
    led = tablet.post("/v", data={"code": codes[CLASS][0]})
    assert "Max-Age=60;" in led.headers["Set-Cookie"]
    assert any(line.startswith("shared=1;") for line in tablet.get("/v?shared=1").headers.getlist("Set-Cookie"))


def test_a_phone_of_ones_own_leaves_the_shared_mode(tablet: FlaskClient) -> None:
    assert "data-shared" in tablet.get("/v").text
    assert "data-shared" not in tablet.get("/v?shared=0").text
    assert cookies(tablet) == set()


def test_a_lost_cookie_is_explained(app: Flask) -> None:
    with app.test_client() as phone:
        assert phone.get("/v/page").location == "/v?lost=1"
        assert 'role="status"' in phone.get("/v?lost=1").text


def test_before_the_opening_the_days_are_named(app: Flask, codes: Codes, campaign: int) -> None:
    from survey.extensions import db
    from survey.models.campaigns import Campaign

    row = db.session.get_one(Campaign, campaign)
    row.state = "ready"
    name, year = row.name, str(row.first_day.year)
    db.session.commit()
    with app.test_client() as phone:
        refused = enter(phone, codes[CLASS][0])
    assert refused.status_code == 403
    assert name in refused.text
    assert year in refused.text


def test_without_a_script_a_busy_server_offers_to_send_again(
    app: Flask, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: object, **_values: object) -> bool:
        raise Unavailable("busy")

    with app.test_client() as phone:
        fields = answers(form_of(enter(phone, codes[CLASS][0])))
        with monkeypatch.context() as patch:
            patch.setattr(ballots, "cast", busy)
            refused = post(phone, fields)
        assert refused.status_code == 503
        form = BeautifulSoup(refused.text, "html.parser").select_one("main form")
        assert form is not None
        again = {str(tag["name"]): str(tag["value"]) for tag in form.select("input, button")}
        assert again == fields
        assert post(phone, again).status_code == 303


def test_the_receipt_names_every_draft_of_the_slip(app: Flask, codes: Codes) -> None:
    drafts = []
    with app.test_client() as phone:
        page = enter(phone, codes[CLASS][0])
        while "data-receipt" not in page.text:
            drafts.append(str(form_of(page)["data-draft"]))
            page = phone.post("/v/page", data=answers(form_of(page)), follow_redirects=True)
    done = BeautifulSoup(page.text, "html.parser").select_one("[data-clear]")
    assert done is not None
    assert str(done["data-clear"]).split() == drafts


@pytest.mark.parametrize("kind", ["not_open", "unknown", "used", "closed", "voided", "crowded", "throttled", "busy"])
def test_every_refusal_says_what_to_do(app: Flask, kind: str) -> None:
    with app.test_request_context():
        words = words_of(kind)
    assert all((words.title, words.message, words.next_step, words.button))
