"""Sentences an officer may paste, made from records: the figure, its interval, and what can(not) be concluded.

A difference that is not significant is never worded as no difference; where the data do not suffice, it says so.
"""

from collections.abc import Mapping
from typing import Any

from survey.analysis.suppression import BALLOTS, DERIVABLE, RESPONSE
from survey.analysis.trends import WELCH_BALLOTS, Change

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
        "up": "与去年相比提高 {size:.1f} 分，差异显著（{p}）",
        "down": "与去年相比下降 {size:.1f} 分，差异显著（{p}）",
        "change_unclear": "与去年相比变化 {size:+.1f} 分，变化不显著（{p}），不足以判断升降",
        "change_untested": "与去年相比变化 {size:+.1f} 分，数据不足以判断升降",
        "paired_targets": "按 {n} 个相同的测评对象比较",
        "welch_ballots": "按两年共 {n} 份答卷比较",
        "higher": "{a}比{b}高 {size:.2f} 级，差异显著（{p}）",
        "lower": "{a}比{b}低 {size:.2f} 级，差异显著（{p}）",
        "small": "{a}与{b}相差 {size:+.2f} 级，统计上显著（{p}），但未超过事先规定的界限，不作为差别认定",
        "pair_unclear": "{a}与{b}相差 {size:+.2f} 级，差异不显著（{p}），不足以判断高低",
        "pair_untested": "{a}与{b}相差 {size:+.2f} 级，没有变异可供检验，不足以判断高低",
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
        "up": "{size:.1f} points higher than last year, a significant difference ({p})",
        "down": "{size:.1f} points lower than last year, a significant difference ({p})",
        "change_unclear": "{size:+.1f} points against last year, not significant ({p}), "
        "not enough evidence for a rise or a fall",
        "change_untested": "{size:+.1f} points against last year, not enough data for a rise or a fall",
        "paired_targets": "compared on the same {n} targets",
        "welch_ballots": "compared on {n} ballots of both years",
        "higher": "{a} is {size:.2f} levels higher than {b}, a significant difference ({p})",
        "lower": "{a} is {size:.2f} levels lower than {b}, a significant difference ({p})",
        "small": "{a} and {b} are {size:+.2f} levels apart, statistically significant ({p}), "
        "but within the margin fixed beforehand, so not counted as a difference",
        "pair_unclear": "{a} and {b} are {size:+.2f} levels apart, not significant ({p}), "
        "not enough evidence which one is higher",
        "pair_untested": "{a} and {b} are {size:+.2f} levels apart, nothing varies that could be tested, "
        "not enough evidence which one is higher",
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


def change_sentence(change: Change, *, language: str = CHINESE) -> str:
    """Say a change against last year in points, its p value and on what it was compared."""
    words = _WORDS[language]
    key, size = _change_key(change), change.difference
    basis = words["welch_ballots" if change.method == WELCH_BALLOTS else "paired_targets"].format(n=change.n)
    shown = abs(size) if key in {"up", "down"} else _unsigned_zero(size, 1)
    clause = words[key].format(size=shown, p=p_text(change.p))
    return clause + words["comma"] + basis + words["stop"]


def pair_sentence(pair: Record, *, name_a: str, name_b: str, language: str = CHINESE) -> str:
    """Say the difference of two units, or of two targets on one ballot, in levels with its adjusted p value.

    Only a flagged difference is called one: significant after adjustment and above the margin fixed beforehand.
    """
    words = _WORDS[language]
    if pair["difference"] is None:
        return words["pair_hidden"].format(a=name_a, b=name_b) + words["stop"]
    key, size = _pair_key(pair), pair["difference"]
    shown = abs(size) if pair["flag"] else _unsigned_zero(size, 2)
    p = words["adjusted"].format(p=p_text(pair["p_adjusted"]))
    return words[key].format(a=name_a, b=name_b, size=shown, p=p) + words["stop"]


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
    return "small" if pair["p_adjusted"] < ALPHA else "pair_unclear"


def _unsigned_zero(size: float, decimals: int) -> float:
    """Return the rounded size, 0.0 instead of -0.0."""
    return round(size, decimals) + 0.0
