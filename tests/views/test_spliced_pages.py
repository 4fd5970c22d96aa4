"""Spliced pages: every value comes out escaped and whole, compressed or not."""

import gzip

import pytest
from flask import Flask

from survey.views.spliced_pages import SplicedPage, mark, takes_gzip

PAGE = SplicedPage.cut(f"<p>{mark('name')}</p><b>{mark('code')}</b>{'中文' * 300}<i>{mark('name')}</i>")
VALUES = {"name": "<三年级> & 'x'", "code": "A" * 3000}


def body(app: Flask, accepted: str) -> tuple[bytes, str | None]:
    with app.test_request_context("/v", headers={"Accept-Encoding": accepted}):
        response = PAGE.respond(VALUES).plain()
    return response.data, response.headers.get("Content-Encoding")


def test_values_are_escaped_in_every_place(app: Flask) -> None:
    text = body(app, "identity")[0].decode()
    assert text.count("&lt;三年级&gt; &amp; &#39;x&#39;") == 2
    assert "\x02" not in text


def test_the_compressed_page_is_the_same_page(app: Flask) -> None:
    plain, _none = body(app, "")
    packed, encoding = body(app, "gzip, deflate, br")
    assert encoding == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain)


def test_a_value_never_shortens_the_compressed_page(app: Flask) -> None:
    with app.test_request_context("/v", headers={"Accept-Encoding": "gzip"}):
        lengths = {len(PAGE.respond(VALUES | {"code": code}).body) for code in ("AAAA", "XK7Q", "</p>", "中x")}
    # Only the escaping of the third makes a difference.
    assert len(lengths) == 2


def test_a_page_without_slots_is_only_text(app: Flask) -> None:
    with app.test_request_context("/v", headers={"Accept-Encoding": "gzip"}):
        assert gzip.decompress(SplicedPage.cut("<p>码</p>").respond({}).body).decode() == "<p>码</p>"


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("gzip, br", True), ("*", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_the_browser_decides_about_compression(accepted: str, *, takes: bool) -> None:
    assert takes_gzip(accepted) is takes
