"""What might name somebody is found, also in full-width digits and between words; ordinary words stay."""

from itertools import pairwise

import pytest

from survey.services.comment_masks import (
    REPLACEMENTS,
    apply_masks,
    forbidden_parts,
    name_pattern,
    pieces,
    suggest_masks,
)


def masked(text: str, *names: str) -> str:
    return apply_masks(text, suggest_masks(text, name_pattern(names)))


@pytest.mark.parametrize(
    "number",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86 13812345678",
        "１３８１２３４５６７８",
        "0571-87654321",
        "87654321",
        "一三八一二三四五六七八",
    ],
)
def test_telephone_numbers(number: str) -> None:
    assert masked(f"请打{number}联系") == "请打〔电话〕联系"
    assert forbidden_parts(f"请打{number}联系") == [number]


@pytest.mark.parametrize(
    "number", ["33010119800101123X", "330101198001011234", "33010119800101123x", "330101800101123"]
)
def test_identity_numbers(number: str) -> None:
    assert masked(f"身份证{number}。") == "身份证〔证件号〕。"


@pytest.mark.parametrize(
    "account", ["微信号:abc_12345", "QQ 12345678", "vx：abcdef1", "加我微信wuping2026", "a.b@mail.example.cn"]
)
def test_accounts(account: str) -> None:
    text = masked(f"可以{account}。")
    assert "〔联系方式〕" in text
    assert not [part for part in ("12345", "abcdef1", "wuping", "mail") if part in text]


@pytest.mark.parametrize("name", ["三年级2班", "三年级(2)班", "三年级（二）班", "初二3班", "高一(12)班", "八(3)班"])
def test_classes(name: str) -> None:
    assert masked(f"我们{name}的体育课少") == "我们某班的体育课少"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我是王小明的妈妈", "我是某的妈妈"),
        ("孩子叫陈一诺,坐最后一排", "孩子叫某,坐最后一排"),
        ("刘洋同学常被欺负", "某同学常被欺负"),
        ("张老师上课认真", "某老师上课认真"),
        ("对王老师很满意,谢谢谢校长", "对某老师很满意,谢谢某校长"),
        ("请李校长来食堂看看", "请某校长来食堂看看"),
    ],
)
def test_names_by_what_stands_around_them(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_names_of_the_roster_the_longer_one_first() -> None:
    assert masked("欧阳明珠和欧阳明都好", "欧阳明", "欧阳明珠", "李") == "某人和某人都好"


@pytest.mark.parametrize(
    "text",
    [
        "高年级同学作业多",
        "任何同学都应该公平",
        "学校很好,谢谢老师",
        "感谢老师,也感谢同学",
        "对于老师的付出和班主任老师的耐心,我们向老师致谢",
        "高兴的同学很多",
        "2026年5月20日",
        "食堂每餐12元",
        "共计1500人",
        "教学质量高,家长满意",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


def test_masks_never_overlap_and_pieces_are_the_whole_text() -> None:
    text = "王老师电话13812345678,身份证330101198001011234,三年级2班王小明同学"
    masks = suggest_masks(text, name_pattern(["王小明", "王老"]))
    assert all(one.end <= other.start for one, other in pairwise(masks))
    assert "".join(piece.text for piece in pieces(text, masks)) == text
    assert {piece.kind for piece in pieces(text, masks)} - {""} <= set(REPLACEMENTS)


def test_a_letter_that_grows_in_capitals_moves_no_mask() -> None:
    # "ß" and "ﬁ" become two letters in capitals: places would no longer fit.
    assert masked("ßﬁ 请打13812345678") == "ßﬁ 请打〔电话〕"


def test_a_masked_wording_holds_nothing_forbidden() -> None:
    text = "13812345678、0571-87654321、330101198001011234、QQ12345678"
    assert len(forbidden_parts(text)) == 4
    assert forbidden_parts(masked(text)) == []
