"""Schemes of campaigns: what fits a questionnaire, the bureau's own files, and floors that nobody lowers."""

from dataclasses import replace
from importlib.resources import files

import pytest
from flask import Flask
from sqlalchemy import select

from survey.analysis.scoring import Floors, Rounding, Scheme, load_scheme
from survey.errors import BadInput
from survey.extensions import db
from survey.instruments.questionnaires import Questionnaire, ready_questionnaires
from survey.models.campaigns import Evaluation
from survey.services.campaigns import create_campaign, move_campaign, rebuild_campaign
from survey.services.methods import software_versions
from survey.services.schemes import find_scheme, freeze_scheme, relation_choices, scheme_choices

FILE = (files("survey") / "data" / "schemes" / "five_step.toml").read_text(encoding="utf-8")
DAYS = {"first_day": None, "last_day": None}


@pytest.fixture
def teachers() -> Questionnaire:
    return next(one for one in ready_questionnaires() if one.code == "student_teacher")


def add_own(app: Flask, name: str, text: str = FILE) -> None:
    folder = app.config["WUPING"].instance / "schemes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text.replace('id = "five_step"', f'id = "{name}"'), encoding="utf-8")


def create(**schemes: str) -> int:
    return create_campaign(name="五评", year=2026, template="five", actor="test", schemes=schemes, **DAYS)[0]


def stored() -> dict[str, Scheme]:
    rows = db.session.execute(select(Evaluation.relation, Evaluation.scheme))
    return {relation: Scheme.from_json(scheme) for relation, scheme in rows}


def test_every_questionnaire_can_be_frozen_with_its_own_scheme(app: Flask) -> None:
    for questionnaire in ready_questionnaires():
        assert freeze_scheme(load_scheme(questionnaire.scheme), questionnaire)["id"] == questionnaire.scheme


def test_dimension_weights_are_frozen_as_weights_of_items(app: Flask, teachers: Questionnaire) -> None:
    share = 100 / len(teachers.dimensions)
    weights = {dimension.code: share for dimension in teachers.dimensions}
    frozen = Scheme.from_json(freeze_scheme(replace(load_scheme("five_step"), dimension_weights=weights), teachers))
    assert sum(frozen.weights_of(teachers.item_codes) or ()) == pytest.approx(100)


@pytest.mark.parametrize(
    "floors", [Floors(ballots=9), Floors(response=0.4), Floors(item=5), Floors(verdict_ballots=10), Floors(classes=2)]
)
def test_a_lowered_floor_is_refused(app: Flask, teachers: Questionnaire, floors: Floors) -> None:
    with pytest.raises(BadInput, match="five_step"):
        freeze_scheme(replace(load_scheme("five_step"), floors=floors), teachers)


def test_a_raised_floor_is_kept(app: Flask, teachers: Questionnaire) -> None:
    raised = replace(load_scheme("five_step"), floors=Floors(ballots=30, item=50))
    assert freeze_scheme(raised, teachers)["floors"]["ballots"] == 30


@pytest.mark.parametrize(
    "wrong",
    [
        load_scheme("four_step"),
        load_scheme("seven_step"),
        replace(load_scheme("five_step"), rounding=Rounding(digits=2)),
        replace(load_scheme("five_step"), item_weights={"NOBODY": 100.0}),
        replace(load_scheme("five_step"), dimension_weights={"nothing": 100.0}),
    ],
    ids=["four levels", "seven levels", "two decimals", "items", "dimensions"],
)
def test_a_scheme_that_does_not_fit_is_refused(app: Flask, teachers: Questionnaire, wrong: Scheme) -> None:
    with pytest.raises(BadInput):
        freeze_scheme(wrong, teachers)


def test_only_fitting_schemes_are_offered_the_questionnaires_own_first(app: Flask, teachers: Questionnaire) -> None:
    offered = [scheme.id for scheme in scheme_choices(teachers).schemes]
    assert offered[0] == teachers.scheme
    assert "five_step_85" in offered
    assert "four_step" not in offered
    assert set(relation_choices()) == {
        "student_teacher",
        "teacher_principal",
        "principal_department",
        "parent_school",
        "public_education",
    }


def test_the_bureaus_own_scheme_is_offered_and_found(app: Flask, teachers: Questionnaire) -> None:
    add_own(app, "our_county", FILE.replace("margin = 2.5", "margin = 5"))
    assert "our_county" in [scheme.id for scheme in scheme_choices(teachers).schemes]
    assert find_scheme("our_county").margin == 5


def test_a_broken_file_is_named_and_stands_in_nobodys_way(app: Flask, teachers: Questionnaire) -> None:
    add_own(app, "broken", "id = ")
    choices = scheme_choices(teachers)
    assert "broken.toml" in choices.problems[0]
    assert choices.schemes
    with pytest.raises(BadInput, match=r"broken\.toml"):
        find_scheme("broken")


def test_no_file_replaces_a_ready_scheme(app: Flask, teachers: Questionnaire) -> None:
    add_own(app, "five_step", FILE.replace("margin = 2.5", "margin = 0"))
    assert find_scheme("five_step").margin == 2.5
    assert {scheme.margin for scheme in scheme_choices(teachers).schemes} == {2.5}


@pytest.mark.parametrize("name", ["none_such", "../secret", "", "Five"])
def test_an_unknown_scheme_is_refused(app: Flask, name: str) -> None:
    with pytest.raises(BadInput):
        find_scheme(name)


def test_a_campaign_takes_the_chosen_scheme_and_keeps_it_when_rebuilt(county: Flask) -> None:
    number = create(parent_school="five_step_85")
    assert stored()["parent_school"].id == "five_step_85"
    assert stored()["student_teacher"].id == "five_step"
    rebuild_campaign(number, actor="test")
    assert stored()["parent_school"].id == "five_step_85"


@pytest.mark.parametrize("scheme", ["four_step", "none_such"])
def test_a_campaign_with_a_wrong_scheme_is_not_made(county: Flask, scheme: str) -> None:
    with pytest.raises(BadInput):
        create(parent_school=scheme)
    assert stored() == {}


def test_a_file_changed_after_the_opening_changes_nothing(county: Flask) -> None:
    add_own(county, "our_county")
    number = create(student_teacher="our_county")
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    add_own(county, "our_county", FILE.replace("margin = 2.5", "margin = 9"))
    assert stored()["student_teacher"].margin == 2.5


def test_the_versions_of_what_computes_are_known(app: Flask) -> None:
    versions = software_versions()
    assert set(versions) == {"wuping", "python", "numpy", "scipy"}
    assert all(number[0].isdigit() for number in versions.values())
