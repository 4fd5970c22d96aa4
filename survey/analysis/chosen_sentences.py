"""Sentences about comparisons that a reader chose: the difference, its interval, and which tests p is adjusted over."""

from collections.abc import Mapping
from typing import Any

from survey.analysis.sentences import CHINESE, ENGLISH, p_text

Record = Mapping[str, Any]

_WORDS: dict[str, dict[str, str]] = {
    CHINESE: {
        "points": "{size} 分",
        "levels": "{size} 级",
        "ci": "（95% 区间 {low} 至 {high}）",
        "higher": "{a}比{b}高 {size}{ci}，差异显著（{family}{p}）",
        "lower": "{a}比{b}低 {size}{ci}，差异显著（{family}{p}）",
        "small": "{a}与{b}相差 {size}{ci}，统计上显著（{family}{p}），"
        "但未超过事先规定的 {margin:g} 分界限，不作为差别认定",
        "turned": "{a}与{b}相差 {size}{ci}，统计上显著（{family}{p}），但按得分比较方向相反，不作为差别认定",
        "unclear": "{a}与{b}相差 {size}{ci}，差异不显著（{family}{p}），不足以判断高低",
        "untested": "{a}与{b}相差 {size}，数据不足以检验，不足以判断高低",
        "improvement_only": "{a}与{b}相差 {size}{ci}，其中有对象的答卷或班级太少，仅供改进，不判断高低",
        "single": "",
        "planned": "事先选定的 {chosen} 组比较 Holm 校正后 ",
        "looked": "看过结果后选取，按全部 {possible} 组可能的比较校正后 ",
        "released": "看过结果后选取，按公布的全部 {possible} 组比较 Holm 校正后 ",
        "stop": "。",
    },
    ENGLISH: {
        "points": "{size} points",
        "levels": "{size} levels",
        "ci": " (95% interval {low} to {high})",
        "higher": "{a} is {size} higher than {b}{ci}, a significant difference ({family}{p})",
        "lower": "{a} is {size} lower than {b}{ci}, a significant difference ({family}{p})",
        "small": "{a} and {b} are {size} apart{ci}, statistically significant ({family}{p}), but within the margin of "
        "{margin:g} points fixed beforehand, so not counted as a difference",
        "turned": "{a} and {b} are {size} apart{ci}, statistically significant ({family}{p}), but their scores differ "
        "the other way, so not counted as a difference",
        "unclear": "{a} and {b} are {size} apart{ci}, not significant ({family}{p}), "
        "not enough evidence which one is higher",
        "untested": "{a} and {b} are {size} apart, the data do not allow a test, "
        "not enough evidence which one is higher",
        "improvement_only": "{a} and {b} are {size} apart{ci}; too few ballots or classes on one side, "
        "for improvement only and no verdict",
        "single": "",
        "planned": "Holm over the {chosen} comparisons chosen beforehand, ",
        "looked": "chosen after looking, adjusted over all {possible} possible comparisons, ",
        "released": "chosen after looking, Holm over all {possible} released comparisons, ",
        "stop": ".",
    },
}


def chosen_sentence(pair: Record, document: Record, *, name_a: str, name_b: str, language: str = CHINESE) -> str:
    """Say a chosen pair's difference with its interval, adjusted p and the family that p is adjusted over.

    pair: one of `document["pairs"]`, a document of `services/comparisons.py`. Raises KeyError for another language.
    """
    words, decimals = _WORDS[language], 2 if document["levels"] else 1
    found = pair["finding"]
    size = abs(pair["difference"]) if found in ("higher", "lower") else pair["difference"]
    shown = _number(size, decimals, signed=found not in ("higher", "lower"))
    # An interval of a difference that the sentence turns round is turned with it.
    ends = pair["ci"] and (sorted((-pair["ci"][0], -pair["ci"][1])) if found == "lower" else pair["ci"])
    low, high = (_number(end, decimals, signed=False) for end in ends) if ends else ("", "")
    return (
        words[found].format(
            a=name_a,
            b=name_b,
            size=words["levels" if document["levels"] else "points"].format(size=shown),
            ci=words["ci"].format(low=low, high=high) if ends else "",
            p=p_text(pair["p_adjusted"]),
            family=family_text(document, language=language),
            margin=document["margin"],
        )
        + words["stop"]
    )


def family_text(document: Record, *, language: str = CHINESE) -> str:
    """Name the family that the deciding p values are adjusted over, as it stands before a p value; "" for one pair."""
    released = any("released_p" in pair for pair in document["pairs"])
    key = "planned" if document["planned"] else "released" if released else "looked"
    if document["chosen"] == document["possible"] == 1:
        key = "single"
    return _WORDS[language][key].format(chosen=document["chosen"], possible=f"{document['possible']:,}")


def _number(value: float, decimals: int, *, signed: bool) -> str:
    """Write a number without a negative zero, with a real minus sign."""
    rounded = round(value, decimals) + 0.0
    return f"{rounded:{'+' if signed else ''}.{decimals}f}".replace("-", "−")
