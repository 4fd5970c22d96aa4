"""Sheets for the browser's printer: no text is cut off."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale
from playwright.sync_api import Browser

from survey.services.sheets import write_sheets
from tests.services.test_sheets import TEXT, group, html

pytestmark = pytest.mark.browser
CUT = """[...document.querySelectorAll('.side, .promise')]
    .filter(box => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)
    .map(box => [box.className, box.scrollWidth, box.clientWidth, box.scrollHeight, box.clientHeight, box.innerText])"""


@pytest.mark.parametrize(
    "bureau", ["临川县教育局", "抚州市临川区教育体育局", "某某自治州某某自治县教育体育局行风评议办公室"]
)
@pytest.mark.parametrize("relation", ["student_teacher", "parent_school", "principal_department"])
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_no_text_of_a_slip_is_cut_off(
    app: Flask, browser: Browser, tmp_path: Path, language: str, relation: str, bureau: str
) -> None:
    with app.test_request_context(), force_locale(language):
        paths = write_sheets([group(2, relation=relation)], text=replace(TEXT, bureau=bureau), directory=tmp_path)
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto(html(paths).as_uri())
    assert page.evaluate(CUT) == []
    page.close()
