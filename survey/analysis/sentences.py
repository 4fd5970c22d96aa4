"""Sentences an officer may paste, made from records: the figure, its interval, and what can(not) be concluded.

A difference that is not significant is never worded as no difference; where the data do not suffice, it says so.
"""

from collections.abc import Mapping
from typing import Any

from survey.analysis.comparison import points_turn
from survey.analysis.suppression import BALLOTS, DERIVABLE, RESPONSE
from survey.analysis.trends import WELCH_BALLOTS, Change, Course

Record = Mapping[str, Any]

CHINESE, ENGLISH = "zh_Hans_CN", "en"
ALPHA = 0.05

_WORDS: dict[str, dict[str, str]] = {
    CHINESE: {
        "score": "{name}{score:.1f} 分（{details}）",
        "interval": "95% 区间 {low:.1f}–{high:.1f}",
        "no_interval": "答卷太少，无法给出区间",
        "n": "有效答卷 {n} 份",
        "turnout": "回收率 {rate:.0f}%",
        "comma": "，",
        "stop": "。",
        "empty": "{name}没有有效答卷",
        BALLOTS: "{name}有效答卷不足，不予显示",
        RESPONSE: "{name}回收率不足，不予显示",
        DERIVABLE: "{name}不予显示：否则可推算出不予显示的对象",
        "met": "达到 {threshold:g} 分的标准",
        "not_met": "未达到 {threshold:g} 分的标准",
        "undecided": "是否达到 {threshold:g} 分的标准，不足以判断",
        "improvement_only": "答卷或班级太少，仅供改进",
        "last_year": "去年",
        "year": " {year} 年",
        "up": "与{when}相比提高 {size:.1f} 分，差异显著（{p}）",
        "down": "与{when}相比下降 {size:.1f} 分，差异显著（{p}）",
        "change_unclear": "与{when}相比变化 {size:+.1f} 分，变化不显著（{p}），不足以判断升降",
        "change_untested": "与{when}相比变化 {size:+.1f} 分，数据不足以判断升降",
        "some_items": "只比较两年题目和分值相同的 {items} 题",
        "rising": "{first}–{last} 年 {years} 次测评平均每年提高 {size:.1f} 分，趋势显著（{p}）",
        "falling": "{first}–{last} 年 {years} 次测评平均每年下降 {size:.1f} 分，趋势显著（{p}）",
        "course_unclear": "{first}–{last} 年 {years} 次测评平均每年变化 {size:+.1f} 分，趋势不显著（{p}），"
        "不足以判断升降",
        "course_untested": "{first}–{last} 年 {years} 次测评平均每年变化 {size:+.1f} 分，数据不足以判断趋势",
        "paired_targets": "按 {n} 个相同的测评对象比较",
        "welch_ballots": "按两年共 {n} 份答卷比较",
        "higher": "{a}比{b}高 {points:.1f} 分（{size:.2f} 级），差异显著（{p}）",
        "lower": "{a}比{b}低 {points:.1f} 分（{size:.2f} 级），差异显著（{p}）",
        "small": "{a}与{b}相差 {points:+.1f} 分（{size:+.2f} 级），统计上显著（{p}），但未超过事先规定的界限，"
        "不作为差别认定",
        "turned": "{a}与{b}相差 {points:+.1f} 分（{size:+.2f} 级），统计上显著（{p}），但得分与等级的方向相反，"
        "不作为差别认定",
        "pair_unclear": "{a}与{b}相差 {points:+.1f} 分（{size:+.2f} 级），差异不显著（{p}），不足以判断高低",
        "pair_untested": "{a}与{b}相差 {points:+.1f} 分（{size:+.2f} 级），没有变异可供检验，不足以判断高低",
        "pair_hidden": "{a}与{b}的比较不予显示",
        "adjusted": "校正后 {p}",
    },
    ENGLISH: {
        "score": "{name}: {score:.1f} points ({details})",
        "interval": "95% interval {low:.1f}–{high:.1f}",
        "no_interval": "too few ballots for an interval",
        "n": "{n} valid ballots",
        "turnout": "turnout {rate:.0f}%",
        "comma": ", ",
        "stop": ".",
        "empty": "{name}: no valid ballots",
        BALLOTS: "{name}: withheld, too few valid ballots",
        RESPONSE: "{name}: withheld, turnout too low",
        DERIVABLE: "{name}: withheld, for a withheld target could be derived from it",
        "met": "meets the standard of {threshold:g} points",
        "not_met": "does not meet the standard of {threshold:g} points",
        "undecided": "not enough evidence whether it meets the standard of {threshold:g} points",
        "improvement_only": "too few ballots or classes, for improvement only",
        "last_year": "last year",
        "year": "{year}",
        "up": "{size:.1f} points higher than {when}, a significant difference ({p})",
        "down": "{size:.1f} points lower than {when}, a significant difference ({p})",
        "change_unclear": "{size:+.1f} points against {when}, not significant ({p}), "
        "not enough evidence for a rise or a fall",
        "change_untested": "{size:+.1f} points against {when}, not enough data for a rise or a fall",
        "some_items": "compared only on the {items} items that are the same in both years",
        "rising": "{size:.1f} points higher each year over {years} surveys {first}–{last}, a significant trend ({p})",
        "falling": "{size:.1f} points lower each year over {years} surveys {first}–{last}, a significant trend ({p})",
        "course_unclear": "{size:+.1f} points a year over {years} surveys {first}–{last}, not significant ({p}), "
        "not enough evidence for a rise or a fall",
        "course_untested": "{size:+.1f} points a year over {years} surveys {first}–{last}, not enough data for a trend",
        "paired_targets": "compared on the same {n} targets",
        "welch_ballots": "compared on {n} ballots of both years",
        "higher": "{a} is {points:.1f} points ({size:.2f} levels) higher than {b}, a significant difference ({p})",
        "lower": "{a} is {points:.1f} points ({size:.2f} levels) lower than {b}, a significant difference ({p})",
        "small": "{a} and {b} are {points:+.1f} points ({size:+.2f} levels) apart, statistically significant ({p}), "
        "but within the margin fixed beforehand, so not counted as a difference",
        "turned": "{a} and {b} are {points:+.1f} points ({size:+.2f} levels) apart, statistically significant ({p}), "
        "but points and levels differ in opposite ways, so not counted as a difference",
        "pair_unclear": "{a} and {b} are {points:+.1f} points ({size:+.2f} levels) apart, not significant ({p}), "
        "not enough evidence which one is higher",
        "pair_untested": "{a} and {b} are {points:+.1f} points ({size:+.2f} levels) apart, "
        "nothing varies that could be tested, not enough evidence which one is higher",
        "pair_hidden": "the comparison of {a} and {b} is withheld",
        "adjusted": "adjusted {p}",
    },
}


def target_sentence(record: Record, *, name: str, threshold: float, language: str = CHINESE) -> str:
    """Say a target's score with interval, ballots, turnout and verdict, or why it is withheld.

    name: what the score is of, e.g. 城北中学家长满意度; threshold: the scheme's, in points. The interval is the one
    of this roster (question A) where there is one, else the clustered one, else that of independent ballots. The
    verdict, which rests on question B, follows in its own clause. Raises KeyError for an unknown language.
    """
    words = _WORDS[language]
    if record["withheld"] is not None:
        return words[record["withheld"]].format(name=name) + words["stop"]
    if record["score"] is None:
        return words["empty"].format(name=name) + words["stop"]
    details = [_interval(record, words), words["n"].format(n=record["valid"])]
    if record["response_rate"] is not None:
        details.append(words["turnout"].format(rate=100.0 * record["response_rate"]))
    parts = [words["score"].format(name=name, score=record["score"], details=words["comma"].join(details))]
    if record["verdict"] is not None:
        parts.append(words[record["verdict"]].format(threshold=threshold))
    return words["comma"].join(parts) + words["stop"]


def change_sentence(
    change: Change, *, year: int | None = None, items: int | None = None, language: str = CHINESE
) -> str:
    """Say a change against an earlier year in points, its p value and on what it was compared.

    year: which year it was, None for the last one; items: how many items are the same, None if all are.
    """
    words = _WORDS[language]
    key, size = _change_key(change), change.difference
    when = words["last_year"] if year is None else words["year"].format(year=year)
    parts = [words[key].format(size=_shown(size, key, ("up", "down")), when=when, p=p_text(change.p))]
    if items is not None:
        parts.append(words["some_items"].format(items=items))
    parts.append(words["welch_ballots" if change.method == WELCH_BALLOTS else "paired_targets"].format(n=change.n))
    return words["comma"].join(parts) + words["stop"]


def course_sentence(course: Course, *, language: str = CHINESE) -> str:
    """Say how scores went over three or more campaigns, in points a year, with its p value."""
    words = _WORDS[language]
    if course.p is None:
        key = "course_untested"
    elif course.p >= ALPHA:
        key = "course_unclear"
    else:
        key = "rising" if course.slope > 0.0 else "falling"
    size = _shown(course.slope, key, ("rising", "falling"))
    span = {"first": min(course.years), "last": max(course.years), "years": len(course.years)}
    return words[key].format(size=size, p=p_text(course.p), **span) + words["stop"]


def pair_sentence(pair: Record, *, name_a: str, name_b: str, language: str = CHINESE) -> str:
    """Say the difference of two units, or of two targets on one ballot, in points and levels, with its adjusted p.

    Only a flagged difference is called one: significant after adjustment and above the margin fixed beforehand.
    """
    words = _WORDS[language]
    if pair["difference"] is None:
        return words["pair_hidden"].format(a=name_a, b=name_b) + words["stop"]
    size, points = pair["difference"], pair["difference_points"]
    told = (abs(size), abs(points)) if pair["flag"] else (_unsigned_zero(size, 2), _unsigned_zero(points, 1))
    p = words["adjusted"].format(p=p_text(pair["p_adjusted"]))
    line = words[_pair_key(pair)].format(a=name_a, b=name_b, size=told[0], points=told[1], p=p)
    return line + words["stop"]


def p_text(p: float | None) -> str:
    """Return "p=0.012" with three decimals, "p<0.001" below, "p<0.05" where rounding would hide that; "" for None."""
    if p is None:
        return ""
    if p < 0.001:
        return "p<0.001"
    rounded = f"p={p:.3f}"
    return "p<0.05" if p < ALPHA and rounded == "p=0.050" else rounded


def _interval(record: Record, words: Mapping[str, str]) -> str:
    ends = record["score_ci_roster"] or record["score_ci_class"] or record["score_ci"]
    return words["interval"].format(low=ends[0], high=ends[1]) if ends else words["no_interval"]


def _change_key(change: Change) -> str:
    if change.p is None:
        return "change_untested"
    if change.p >= ALPHA:
        return "change_unclear"
    return "up" if change.difference > 0.0 else "down"


def _pair_key(pair: Record) -> str:
    if pair["p_adjusted"] is None:
        return "pair_untested"
    if pair["flag"]:
        return "higher" if pair["difference"] > 0.0 else "lower"
    if pair["p_adjusted"] >= ALPHA:
        return "pair_unclear"
    return "turned" if points_turn(pair["difference"], pair["difference_points"]) else "small"


def _shown(size: float, key: str, directed: tuple[str, str]) -> float:
    """Return a size with its sign, or without where the sentence names the direction."""
    return abs(size) if key in directed else _unsigned_zero(size, 1)


def _unsigned_zero(size: float, decimals: int) -> float:
    """Return the rounded size, 0.0 instead of -0.0."""
    return round(size, decimals) + 0.0
