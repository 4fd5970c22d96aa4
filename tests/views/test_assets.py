"""Static files: kept for a year under a name of their content, compressed for browsers that take it."""

import gzip
from pathlib import Path

from flask import Flask

from survey.views import assets


def address(app: Flask, name: str) -> str:
    with app.test_request_context():
        return assets.asset(name)


def test_a_style_sheet_is_compressed_and_kept(app: Flask) -> None:
    path = address(app, "ballot.css")
    packed = app.test_client().get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in packed.headers["Cache-Control"]
    assert packed.mimetype == "text/css"
    assert gzip.decompress(packed.data) == (assets.FOLDER / "ballot.css").read_bytes()


def test_without_compression_it_is_the_file_itself(app: Flask) -> None:
    with app.test_client().get(address(app, "ballot.js")) as plain:
        assert "Content-Encoding" not in plain.headers
        assert plain.data == Path(assets.FOLDER / "ballot.js").read_bytes()


def test_a_wrong_mark_or_name_is_not_found(app: Flask) -> None:
    client = app.test_client()
    mark = address(app, "ballot.css").split("/")[2]
    assert client.get("/s/000000000000/ballot.css").status_code == 404
    assert client.get(f"/s/{mark}/../config.py").status_code == 404
    assert client.get(f"/s/{mark}/nothing.css").status_code == 404
