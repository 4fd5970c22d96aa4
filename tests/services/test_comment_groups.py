"""Equal and nearly equal comments are one wording; what says the opposite is not."""

import pytest

from survey.services.comment_groups import MOST_COMPARED, group_comments, says_nothing


def sizes(*texts: str) -> list[int]:
    return sorted(len(group) for group in group_comments(texts))


def test_punctuation_width_and_case_make_no_difference() -> None:
    assert sizes("食堂的饭凉了", "食堂的饭凉了。", "食堂的饭凉了！！", " 食堂 的饭凉了") == [4]
    assert sizes("ＯＫ很好", "ok很好") == [2]


def test_nearly_the_same_is_the_same() -> None:
    assert sizes(
        "食堂的菜希望能再热一点,冬天孩子吃到时已经凉了", "食堂的菜希望能再热一些,冬天孩子吃到时都已经凉了"
    ) == [2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("这位老师上课认真负责我们很喜欢", "这位老师上课不认真负责我们很喜欢"),
        ("希望学校的作业再多一点孩子太闲", "希望学校的作业再少一点孩子太闲"),
        ("好", "不好"),
        ("食堂好", "食堂差"),
    ],
)
def test_what_says_the_opposite_stays_apart(one: str, other: str) -> None:
    assert sizes(one, other) == [1, 1]


def test_every_text_is_in_exactly_one_group_with_the_most_frequent_wording_first() -> None:
    texts = ["作业太多,孩子睡得晚了。", "饭菜凉", "作业太多,孩子睡得晚了", "作业太多,孩子睡得晚了", ""]
    groups = group_comments(texts)
    assert sorted(number for group in groups for number in group) == list(range(5))
    assert texts[next(group for group in groups if len(group) == 3)[0]] == "作业太多,孩子睡得晚了"


def test_very_many_wordings_are_not_compared_pair_by_pair() -> None:
    texts = [f"希望学校改进第{number}项工作并且公布结果" for number in range(MOST_COMPARED + 1)]
    assert len(group_comments(texts)) == MOST_COMPARED + 1


@pytest.mark.parametrize(
    ("text", "nothing"), [("无", True), ("没有意见。", True), ("……", True), ("N/A", True), ("没有操场", False)]
)
def test_what_says_nothing(text: str, nothing: bool) -> None:
    assert says_nothing(text) is nothing
