"""What a ballot page asks, and what a posted one says."""

from dataclasses import replace

import pytest

from survey.instruments.questionnaires import Questionnaire, ready_questionnaires
from survey.services.ballots import Electorate, unpack_payload
from survey.services.pages import LONGEST_COMMENT, Reading, page_view, read_page, target_noun


def questionnaire(code: str) -> Questionnaire:
    return next(known for known in ready_questionnaires() if known.code == code)


def electorate(variant: str = "", targets: tuple[tuple[str, str], ...] = ()) -> Electorate:
    return Electorate(
        group_id=1,
        kind="slip",
        evaluation_id=1,
        campaign_id=1,
        relation="student_teacher",
        questionnaire_id=1,
        variant=variant,
        pages=(),
        targets=targets,
    )


def read(asked: Questionnaire, who: Electorate, fields: dict[str, str], *chips: str) -> Reading:
    return read_page(asked, who, fields, chips=chips, language="zh_Hans_CN")


@pytest.mark.parametrize("known", ready_questionnaires(), ids=lambda known: known.code)
def test_what_every_variant_asks_can_be_answered(known: Questionnaire) -> None:
    for variant in known.variants:
        view = page_view(known, electorate(variant), "zh_Hans_CN", "ltr")
        codes = [item["code"] for dimension in view["dimensions"] for item in dimension["items"]]
        reading = read(known, electorate(variant), {f"a.{code}": "0" for code in codes})
        assert not reading.missing
        assert len(unpack_payload(reading.payload).answers) == len(known.item_codes)


def test_children_get_faces_with_words_and_no_headings() -> None:
    view = page_view(questionnaire("student_teacher"), electorate("child"), "zh_Hans_CN", "ltr")
    assert view["faces"]
    assert all(level["label"] for level in view["levels"])
    assert {dimension["name"] for dimension in view["dimensions"]} == {""}


def test_a_kindergarten_is_called_one() -> None:
    parents = questionnaire("parent_school")
    assert target_noun(parents, "kindergarten", "zh_Hans_CN") == "幼儿园"
    assert target_noun(parents, "joint", "en") == "school"


def test_a_comment_is_cut_and_cleaned_and_unknown_chips_are_dropped() -> None:
    parents = questionnaire("parent_school")
    fields = {f"a.{code}": "5" for code in parents.item_codes} | {"comment": "\0" + "长" * 600}
    payload = unpack_payload(read(parents, electorate(), fields, "food", "food", "nonsense").payload)
    assert payload.text == "长" * LONGEST_COMMENT
    assert payload.chips == ("food",)
    child = questionnaire("student_teacher")
    silent = {f"a.{code}": "5" for code in child.item_codes} | {"comment": "x"}
    assert unpack_payload(read(child, electorate(), silent).payload).text == ""


def test_what_is_missing_is_named_with_its_department() -> None:
    departments = questionnaire("principal_department")
    who = replace(electorate(), targets=(("K01", "办公室"), ("K02", "人事科")))
    first = {f"a.K01.{code}": "3" for code in departments.item_codes}
    missing = read(departments, who, first).missing
    assert len(missing) == len(departments.item_codes)
    assert all(row.field.startswith("a.K02.") and row.label.startswith("人事科：") for row in missing)
