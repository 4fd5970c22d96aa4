"""What in a comment might name somebody: telephone numbers, identity numbers, accounts, names, classes.

Suggestions for the reviewer, by patterns and by the names of the roster; a person decides. Children stand in no list
(pupils are not stored), so their names are looked for by what stands around them: 我是…的家长, 孩子叫…, …同学.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤高方"
)
_DIGITS = "一二三四五六七八九零〇幺两"
_NUMERAL = "[一二三四五六七八九1-9]"
_TITLES = "老师|校长|主任|园长|书记|班主任"
_KIN = "同学|小朋友|的家长|的妈妈|的爸爸|的爷爷|的奶奶|妈妈|爸爸"
# What looks like a surname with a given name and is a word: 高年级同学, 任何同学.
_WORDS = "高年|高中|高三|高二|高一|任何|任课|方面|方便|万一|于是|严格|金额|石头|白天"
# Words that end in what looks like a surname: 感谢老师, 对于老师, 历史老师.
_ENDINGS = "感谢|多谢|对于|由于|关于|校方|主任|信任|责任|担任|明白|历史|阶段|课程|爱戴|其余|业余|提高|最高|对付"
# 谢谢老师 names nobody, 谢谢谢老师 does. 向 is a surname, but 向老师 mostly a direction.
_SURNAME = f"(?!向)[{_SURNAMES}](?<!{_ENDINGS})(?:(?<!谢谢)|(?<=谢谢谢))"
# What stands in no given name.
_GIVEN = "(?:(?![的谢们和是在了有不很都让请])[\u4e00-\u9fff])"
REPLACEMENTS = {
    "number": "〔证件号〕",
    "telephone": "〔电话〕",
    "account": "〔联系方式〕",
    "plate": "〔车牌〕",
    "class": "某班",
    "name": "某人",
    "surname": "某",
    "child": "某",
}
# Kinds that are never right in a comment that others read; whoever reviews cannot leave them in.
FORBIDDEN = frozenset({"number", "telephone", "account"})
_PATTERNS = {
    "number": r"(?<!\d)(?:\d{17}[\dX]|\d{15})(?!\d)",
    "telephone": (
        r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
        r"|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)|(?<!\d)[2-8]\d{6,7}(?!\d)"
        rf"|[{_DIGITS}]{{7,}}"
    ),
    "account": (
        r"(?:微信|WX|VX|WEIXIN|QQ|扣扣|抖音)(?:号|群)?\s*[:是]?\s*[A-Z0-9_-]{5,}"
        r"|[A-Z0-9._-]+@[A-Z0-9-]+(?:\.[A-Z0-9-]+)+"
    ),
    "plate": r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][A-Z0-9]{5,6}(?![A-Z0-9])",
    "class": (
        rf"(?:{_NUMERAL}年级|[初高][一二三])\s*\(?(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}})\)?\s*班"
        rf"|{_NUMERAL}\s*\(\s*\d{{1,2}}\s*\)\s*班"
    ),
    "child": (
        rf"(?<=[我子儿生]叫)(?!{_WORDS})[{_SURNAMES}]{_GIVEN}{{1,2}}"
        rf"|(?!{_WORDS})[{_SURNAMES}]{_GIVEN}{{1,2}}?(?={_KIN})"
    ),
    "surname": rf"(?!{_WORDS}){_SURNAME}(?=(?:{_TITLES}))",
}
_KINDS = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
# Full-width forms as their half-width ones, one letter for one, so that places stay what they are.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


@dataclass(frozen=True, kw_only=True)
class Mask:
    """A part of a text, [start, end), that might name somebody; kind is a key of `REPLACEMENTS`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a text as it was written; kind is "" where nothing is to be masked."""

    text: str
    kind: str


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds the names of a roster, longer ones first; names of one letter are passed over."""
    known = sorted({name.strip() for name in names if len(name.strip()) >= 2}, key=lambda name: (-len(name), name))
    return re.compile("|".join(re.escape(name) for name in known)) if known else None


def suggest_masks(text: str, names: re.Pattern[str] | None = None) -> list[Mask]:
    """Return what might name somebody, in the order of the text and without overlaps (the longer part wins)."""
    found = sorted(_found(text, names), key=lambda mask: (mask.start, -mask.end))
    kept: list[Mask] = []
    for mask in found:
        if not kept or mask.start >= kept[-1].end:
            kept.append(mask)
    return kept


def _found(text: str, names: re.Pattern[str] | None) -> Iterator[Mask]:
    folded = _fold(text)
    for kind, pattern in _KINDS.items():
        yield from (Mask(start=m.start(), end=m.end(), kind=kind) for m in pattern.finditer(folded))
    if names is not None:
        yield from (Mask(start=m.start(), end=m.end(), kind="name") for m in names.finditer(text))


def _fold(text: str) -> str:
    """Return the text in half-width capitals, letter for letter."""
    narrow = text.translate(_NARROW)
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in narrow)


def apply_masks(text: str, masks: Iterable[Mask]) -> str:
    """Return the text with every part replaced by what stands for its kind."""
    written, end = [], 0
    for mask in masks:
        written += [text[end : mask.start], REPLACEMENTS[mask.kind]]
        end = mask.end
    return "".join([*written, text[end:]])


def pieces(text: str, masks: Iterable[Mask]) -> list[Piece]:
    """Return the text cut into what stays and what is to be masked, for a page that marks the latter."""
    cut, end = [], 0
    for mask in masks:
        cut += [Piece(text=text[end : mask.start], kind=""), Piece(text=text[mask.start : mask.end], kind=mask.kind)]
        end = mask.end
    return [piece for piece in (*cut, Piece(text=text[end:], kind="")) if piece.text]


def forbidden_parts(text: str) -> list[str]:
    """Return the numbers in a text that no reader may see."""
    return [text[mask.start : mask.end] for mask in suggest_masks(text) if mask.kind in FORBIDDEN]
