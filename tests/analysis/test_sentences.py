"""Sentences: exact wording in both languages, and no claim of equality."""

from dataclasses import replace

import pytest

from survey.analysis.sentences import change_sentence, course_sentence, p_text, pair_sentence, target_sentence
from survey.analysis.trends import Change, Course

RECORD = {
    "withheld": None,
    "score": 86.44,
    "score_ci": [83.0, 90.0],
    "score_ci_roster": [84.12, 88.7],
    "score_ci_class": None,
    "valid": 212,
    "response_rate": 0.714,
    "verdict": "met",
}
PAIR = {"a": "x", "b": "y", "difference": 0.3, "difference_points": 7.5, "p_adjusted": 0.012, "flag": True}


def say(language="zh_Hans_CN", **changes):
    return target_sentence({**RECORD, **changes}, name="城北中学家长满意度", threshold=60.0, language=language)


def test_a_target_in_chinese():
    assert say() == "城北中学家长满意度86.4 分（95% 区间 84.1–88.7，有效答卷 212 份，回收率 71%），达到 60 分的标准。"


def test_a_target_in_english():
    assert target_sentence(RECORD, name="North School, parents", threshold=60.0, language="en") == (
        "North School, parents: 86.4 points (95% interval 84.1–88.7, 212 valid ballots, turnout 71%), "
        "meets the standard of 60 points."
    )


def test_an_undecided_verdict_says_that_the_data_do_not_suffice():
    assert "不足以判断" in say(verdict="undecided")
    assert "not enough evidence" in say("en", verdict="undecided")


@pytest.mark.parametrize("reason", ["ballots_below_floor", "response_below_floor", "derivable"])
def test_withheld_targets_are_said_with_their_rule_and_without_a_figure(reason):
    for language in ("zh_Hans_CN", "en"):
        assert "86" not in say(language, withheld=reason)
    assert "不予显示" in say(withheld=reason)


def test_without_roster_interval_or_ballots():
    assert "回收率" not in say(response_rate=None)
    assert "83.0–90.0" in say(score_ci_roster=None)
    assert "无法给出区间" in say(score_ci_roster=None, score_ci=None)
    assert say(score=None) == "城北中学家长满意度没有有效答卷。"


def test_changes_in_chinese():
    up = Change(difference=3.21, ci=(1.0, 5.0), p=0.012, n=8, method="paired_targets")
    assert change_sentence(up) == "与去年相比提高 3.2 分，差异显著（p=0.012），按 8 个相同的测评对象比较。"
    unclear = Change(difference=-0.02, ci=(-2.0, 2.0), p=0.9, n=90, method="welch_ballots")
    assert change_sentence(unclear) == (
        "与去年相比变化 +0.0 分，变化不显著（p=0.900），不足以判断升降，按两年共 90 份答卷比较。"
    )


def test_changes_in_english():
    down = Change(difference=-3.21, ci=(-5.0, -1.0), p=0.0002, n=8, method="paired_targets")
    assert change_sentence(down, language="en") == (
        "3.2 points lower than last year, a significant difference (p<0.001), compared on the same 8 targets."
    )
    assert change_sentence(down, year=2023, items=7) == (
        "与 2023 年相比下降 3.2 分，差异显著（p<0.001），只比较两年题目和分值相同的 7 题，按 8 个相同的测评对象比较。"
    )
    untested = Change(difference=1.0, ci=None, p=None, n=2, method="welch_ballots")
    assert "not enough data" in change_sentence(untested, language="en")


def test_a_flagged_pair():
    assert (
        pair_sentence(PAIR, name_a="甲校", name_b="乙校")
        == "甲校比乙校高 7.5 分（0.30 级），差异显著（校正后 p=0.012）。"
    )
    lower = {**PAIR, "difference": -0.3, "difference_points": -7.5}
    assert pair_sentence(lower, name_a="A", name_b="B", language="en") == (
        "A is 7.5 points (0.30 levels) lower than B, a significant difference (adjusted p=0.012)."
    )


@pytest.mark.parametrize("changes", [{"p_adjusted": 0.4}, {"p_adjusted": None}])
@pytest.mark.parametrize("difference", [0.0, 0.3, -0.3])
def test_an_unproven_difference_is_never_called_none(changes, difference):
    pair = {**PAIR, "flag": False, "difference": difference, **changes}
    chinese = pair_sentence(pair, name_a="甲", name_b="乙")
    assert "不足以判断" in chinese
    assert "没有差异" not in chinese
    assert "not enough evidence" in pair_sentence(pair, name_a="A", name_b="B", language="en")


def test_significant_but_small_is_not_counted():
    assert "未超过事先规定的界限" in pair_sentence({**PAIR, "flag": False}, name_a="甲", name_b="乙")


def test_a_difference_that_points_turn_round_is_said_to_be_so():
    turned = {**PAIR, "flag": False, "difference": -0.12, "difference_points": 8.0}
    text = pair_sentence(turned, name_a="甲", name_b="乙")
    assert "相差 +8.0 分（-0.12 级）" in text
    assert "方向相反" in text
    assert "未超过" not in text


def test_a_hidden_pair():
    assert "不予显示" in pair_sentence({**PAIR, "difference": None}, name_a="甲", name_b="乙")


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p<0.001"), (0.0123, "p=0.012"), (0.04996, "p<0.05"), (0.05001, "p=0.050"), (None, "")]
)
def test_p_values_are_never_rounded_across_the_line(p, text):
    assert p_text(p) == text


def test_a_trend_is_said_only_where_it_is_significant() -> None:
    rising = Course(slope=1.26, ci=(0.4, 2.1), p=0.01, n=9, years=(2026, 2025, 2024), method="paired_targets")
    assert course_sentence(rising) == "2024–2026 年 3 次测评平均每年提高 1.3 分，趋势显著（p=0.010）。"
    unclear = replace(rising, slope=-0.01, p=0.6)
    assert "不足以判断升降" in course_sentence(unclear)
    assert "+0.0" in course_sentence(unclear)
    assert "not enough data for a trend" in course_sentence(replace(rising, p=None), language="en")
