"""The ready questionnaires load, freeze and thaw, and a bad file is refused with a clear sentence."""

import copy
import json
import tomllib
from importlib.resources import files

import pytest

from survey.instruments import questionnaires
from survey.instruments.questionnaires import (
    RELATIONS,
    Text,
    parse_questionnaire,
    questionnaire_from_json,
    questionnaire_to_json,
    ready_questionnaires,
)

READY = {questionnaire.code: questionnaire for questionnaire in ready_questionnaires()}


def shipped(path):
    return tomllib.loads((files("survey") / "data" / path).read_text(encoding="utf-8"))


@pytest.fixture
def data():
    return shipped("instruments/student_teacher.toml")


@pytest.fixture
def scale():
    return shipped("scales/five_step.toml")


def test_every_relation_has_its_questionnaire_and_three_stand_beside_them():
    assert {code for code, ready in READY.items() if ready.relation == code} == set(RELATIONS)
    assert set(READY) - set(RELATIONS) == {"department_full", "leadership_team", "consultation"}


@pytest.mark.parametrize(
    ("code", "variant", "items"),
    [
        ("student_teacher", "", 8),
        ("student_teacher", "child", 5),
        ("parent_school", "", 10),
        ("parent_school", "joint", 8),
        ("parent_school", "kindergarten", 8),
        ("teacher_principal", "", 10),
        ("principal_department", "", 3),
        ("public_education", "", 10),
        ("department_full", "", 8),
        ("leadership_team", "", 10),
        ("consultation", "", 0),
    ],
)
def test_variant_asks_so_many_items(code, variant, items):
    assert sum(len(group) for _, group in READY[code].variant_items(variant)) == items


def test_levels_run_from_high_to_low_with_no_opinion_apart():
    ready = READY["student_teacher"]
    assert [level.value for level in ready.levels] == [5, 4, 3, 2, 1]
    assert ready.levels[0].text == Text(zh="非常满意", en="Very satisfied")
    assert ready.levels[0].face == "😄"
    assert (ready.no_opinion.value, ready.no_opinion.text.zh) == (0, "不了解")


def test_child_variant_rewords_and_drops_what_it_does_not_ask():
    ready = READY["student_teacher"]
    groups = ready.variant_items("child")
    assert [dimension.code for dimension, _ in groups] == ["ethics", "attitude", "ability", "care"]
    assert [item.code for _, items in groups for item in items] == ["T01", "T02", "T03", "T05", "T07"]
    assert groups[0][1][0].text != ready.variant_items("")[0][1][0].text
    assert ready.item_codes == ("T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08")


def test_children_are_offered_chips_and_no_free_text():
    assert {variant.comment for variant in READY["student_teacher"].variants.values()} == {"chips"}


def test_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="parent_school has no variant 'child'"):
        READY["parent_school"].variant_items("child")


@pytest.mark.parametrize(("language", "wording"), [("zh_Hans_CN", "好"), ("en", "Good"), ("ug", "Good")])
def test_text_follows_the_language(language, wording):
    assert Text(zh="好", en="Good").in_(language) == wording


@pytest.mark.parametrize("code", READY)
def test_frozen_questionnaire_comes_back_equal_though_the_database_sorts_keys(code):
    frozen = json.dumps(questionnaire_to_json(READY[code]), ensure_ascii=False, sort_keys=True)
    assert questionnaire_from_json(json.loads(frozen)) == READY[code]


def test_frozen_questionnaire_survives_a_tighter_limit(monkeypatch):
    frozen = questionnaire_to_json(READY["student_teacher"])
    monkeypatch.setitem(questionnaires.MOST_ITEMS, "student_teacher", 1)
    assert len(questionnaire_from_json(frozen).items) == 8


def test_what_is_not_a_frozen_questionnaire_is_refused():
    with pytest.raises(ValueError, match="frozen questionnaire, questionnaire: a table is expected"):
        questionnaire_from_json({})


def test_questionnaires_are_hashable():
    assert len(set(READY.values())) == len(READY)


def more_items(data, count):
    return [{**data["items"][0], "code": f"X{number}"} for number in range(count)]


BAD = {
    "no English": (
        lambda d: d["items"][2].update(en=" "),
        r"questionnaire student_teacher, items T03: 'en' must be a text that is not empty",
    ),
    "no intro": (lambda d: d.pop("intro"), r"student_teacher, intro: a table is expected here"),
    "same item code": (lambda d: d["items"][1].update(code="T01"), r"items T01: the code 'T01' is used twice"),
    "same chip code": (lambda d: d["chips"].append(d["chips"][0]), r"chips clear: the code 'clear' is used twice"),
    "same variant": (lambda d: d["variants"].append(d["variants"][0]), r"variants child: the code .* used twice"),
    "no item code": (lambda d: d["items"][3].pop("code"), r"student_teacher, items 4: 'code' is missing"),
    "bad item code": (
        lambda d: d["items"][3].update(code="t4"),
        r"student_teacher, items: .t4. is no code such as T01",
    ),
    "no such dimension": (lambda d: d["items"][0].update(dimension="luck"), r"items T01: there is no dimension 'luck'"),
    "empty dimension": (
        lambda d: d["dimensions"].append({"code": "luck", "zh": "运气", "en": "Luck"}),
        r"the dimension 'luck' has no item",
    ),
    "variant asks a stranger": (
        lambda d: d["variants"][0]["items"].update(T99={"zh": "一", "en": "one"}),
        r"variants child, items: the questionnaire has no item 'T99'",
    ),
    "empty variant": (lambda d: d["variants"][0]["items"].clear(), r"variants child, items: .* at least one item"),
    "mistyped field": (lambda d: d.update(coment="text"), r"student_teacher: 'coment' is not a known field"),
    "unknown relation": (lambda d: d.update(relation="dog_cat"), r"'relation' is 'dog_cat' and must be one of"),
    "unknown comment": (lambda d: d.update(comment="song"), r"'comment' is 'song' and must be one of 'chips', 'text'"),
    "true is no number": (lambda d: d.update(version=True), r"'version' must be a whole number of at least 1"),
    "faces is no word": (lambda d: d["variants"][0].update(faces="yes"), r"child: 'faces' must be true or false"),
    "another scale": (lambda d: d.update(scale="six_step"), r"'scale' is 'six_step' and must be one of 'five_step'"),
    "items is no list": (lambda d: d.update(items="T01"), r"'items' must be a list of tables"),
    "chips without chips": (lambda d: d.pop("chips"), r"'comment' is 'chips' and there are no chips"),
    "nothing is asked": (
        lambda d: d.update(items=[], dimensions=[], variants=[]),
        r"without items 'comment' must be 'text'",
    ),
    "too many for pupils": (
        lambda d: d["items"].extend(more_items(d, 1)),
        r"items: 9 are given, at most 8 are allowed for student_teacher",
    ),
    "too many for departments": (
        lambda d: d.update(relation="principal_department"),
        r"8 are given, at most 3 are allowed for principal_department",
    ),
    "too many for children": (
        lambda d: d["variants"][0]["items"].update(T04={"zh": "一", "en": "one"}),
        r"variants child: 6 items are given, at most 5 are allowed for children",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_questionnaire_is_refused_with_a_clear_sentence(name, data, scale):
    spoil, sentence = BAD[name]
    bad = copy.deepcopy(data)
    spoil(bad)
    with pytest.raises(ValueError, match=sentence):
        parse_questionnaire(bad, scale)


def test_scale_out_of_order_is_refused(data, scale):
    scale["levels"].reverse()
    with pytest.raises(ValueError, match=r"scale five_step: the levels must run .* they are \[0, 1, 2, 3, 4, 5\]"):
        parse_questionnaire(data, scale)


def test_scale_without_child_words_is_refused(data, scale):
    del scale["child"]["3"]
    with pytest.raises(ValueError, match="scale five_step, child, 3: a table is expected here"):
        parse_questionnaire(data, scale)
