"""Replies of the ballot path behave like any answer."""

import pytest
from flask import Flask
from werkzeug.test import Client

from survey.views.replies import Reply, see_other


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reply_has_the_length_of_its_body_and_sends_none_for_head(method: str) -> None:
    answer = Client(Reply("200 OK", "票".encode(), [("Content-Type", "text/html; charset=utf-8")])).open(method=method)
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == "3"
    assert answer.get_data(as_text=True) == ("票" if method == "GET" else "")


def test_the_plain_answer_is_the_same_and_can_be_changed() -> None:
    plain = see_other("/v/page", cookie="v=x; Path=/v").plain()
    plain.set_cookie("big", "1")
    assert (plain.status_code, plain.headers["Location"]) == (303, "/v/page")
    assert plain.headers.getlist("Set-Cookie") == ["v=x; Path=/v", "big=1; Path=/"]


def test_a_flask_view_may_return_a_reply() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: see_other("/there"))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/there")
