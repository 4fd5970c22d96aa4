"""Handouts: the poster's code reads back, and the letter says what parents need to know."""

from datetime import date
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from survey.errors import BadInput
from survey.services.handouts import as_html, as_pdf, parents_letter, poster, write_handout
from survey.services.sheets import SheetText
from tests.printed import addresses, addresses_in_html, pages, words

URL = "https://pj.lincheng.cn/o/12"
TEXT = SheetText(
    campaign="2026 五评",
    bureau="临城县教育局",
    base_url="https://pj.lincheng.cn",
    first_day=date(2026, 5, 11),
    last_day=date(2026, 5, 22),
    hotline="0719-1234567",
)


@pytest.fixture(autouse=True)
def _context(app: Flask) -> None:
    """The application's context, in its default language."""


def letter(**changes: str) -> str:
    return words(as_pdf(parents_letter(SheetText(**{**vars(TEXT), **changes}), written_on=date(2026, 5, 6))))[0]


def test_the_posters_code_reads_back(tmp_path: Path) -> None:
    html, pdf = write_handout(poster("public_education", URL, text=TEXT), tmp_path)
    assert addresses_in_html(html) == [URL]
    assert addresses(pdf) == [URL]
    assert addresses(pdf, dpi=50) == [URL]


def test_each_handout_is_one_page_and_says_the_same_in_both_forms() -> None:
    for handout in (poster("public_education", URL, text=TEXT), parents_letter(TEXT, written_on=date(2026, 5, 6))):
        [page] = words(as_pdf(handout))
        shown = BeautifulSoup("".join(as_html(handout)), "html.parser").section.get_text()
        texts = [*handout.words.values(), *(text for part in handout.parts for text in part)]
        for text in filter(None, texts):
            assert "".join(text.split()) in page
            assert text in shown


def test_the_letter_says_when_how_and_whom_to_call() -> None:
    printed = letter()
    for part in (
        "临城县教育局",
        "2026五评",
        "https://pj.lincheng.cn/v",
        "0719-1234567",
        "2026年5月11日",
        "2026年5月6日",
    ):
        assert part in printed


def test_without_a_hotline_the_letter_names_the_link_only() -> None:
    assert "0719" not in letter(hotline="")


def test_long_names_still_make_one_page() -> None:
    name = "湖北省十堰市郧阳区教育系统二〇二六年度群众满意度综合测评活动" * 3
    handout = parents_letter(SheetText(**{**vars(TEXT), "campaign": name, "bureau": name}), written_on=date(2026, 5, 6))
    assert len(pages(as_pdf(handout), dpi=20)) == 1


def test_a_name_that_the_font_lacks_is_refused_by_name_and_left_to_the_browser(tmp_path: Path) -> None:
    handout = poster("public_education", URL, text=SheetText(**{**vars(TEXT), "bureau": "𠮷县教育局"}))
    with pytest.raises(BadInput, match="𠮷"):
        as_pdf(handout)
    assert [path.suffix for path in write_handout(handout, tmp_path)] == [".html"]
