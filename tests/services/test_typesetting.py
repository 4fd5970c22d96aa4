"""Typesetting: the shipped fonts and nothing else, and no character is left out unnoticed."""

import random
from pathlib import Path

import pytest
from PIL import ImageFont

from survey.services import typesetting
from survey.services.typesetting import (
    FONTS,
    missing_glyphs,
    missing_letters,
    printable_characters,
    typeset,
    typeset_apart,
)
from tests.printed import words

LETTER = {
    "language": "zh-Hans-CN",
    "words": {"title": "题", "campaign": "活", "greeting": "您", "closing": "谢", "bureau": "局", "day": "日"},
    "parts": [["一", "“#strong[粗]$x$”"]],
}
LETTER["words"]["opening"] = "开"


def test_texts_are_never_taken_for_markup() -> None:
    [page] = words(typeset("letter.typ", LETTER))
    assert "“#strong[粗]$x$”" in page


def test_characters_that_no_font_shows_are_named_once() -> None:
    assert missing_glyphs(["王㐂㐂", "王玥", ""]) == {"王㐂㐂": "㐂"}


def test_a_character_that_no_font_shows_leaves_a_mark_and_not_a_gap() -> None:
    data = {**LETTER, "parts": [["一", "王㐂\ud800👍"]]}
    assert missing_letters(data) == "㐂\ud800👍"
    for make in (typeset, typeset_apart):
        [page] = words(make("letter.typ", data))
        assert "王□□□" in page
    assert missing_letters(LETTER) == ""


def test_the_table_of_general_characters_and_rare_names_are_there() -> None:
    names = "〇·堃玥喆祎淼昇甯翀𬭚𬬻㛃犇骉焱垚鑫晟曌﹣"[:-1]
    assert missing_glyphs([names, "，。；：？！“”‘’（）《》—…、①②③％＋－ＡＢ12AZ→≥°"]) == {}
    gb2312 = [bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    assert missing_glyphs(["".join(gb2312)]) == {}


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_list_of_characters_agrees_with_another_reader_of_the_font(weight: str) -> None:
    font = ImageFont.truetype(FONTS / f"WupingSans-{weight}.otf", 20)
    box = bytes(font.getmask("\U0010fffd"))
    chance = random.Random(1)
    shapes = sorted(letter for letter in printable_characters() if letter.isalnum())
    assert not [letter for letter in chance.sample(shapes, 500) if bytes(font.getmask(letter)) == box]
    others = [letter for letter in map(chr, chance.sample(range(0x3400, 0x9FFF), 500)) if missing_glyphs([letter])]
    assert others
    assert not [letter for letter in others if bytes(font.getmask(letter)) != box]


def test_fonts_come_with_their_licence_and_are_small() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 5_000_000


def test_no_template_has_words_of_its_own() -> None:
    for path in typesetting.TEMPLATES.glob("*.typ"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if any(letter >= "\u2e80" for letter in line.partition("//")[0])]


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_both_weights_have_the_same_characters(weight: str) -> None:
    characters = typesetting._characters(Path(FONTS, f"WupingSans-{weight}.otf"))
    assert characters < printable_characters()
    assert len(printable_characters() - characters) <= 6
