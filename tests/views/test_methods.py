"""The method page: who may read it, and that it says what the frozen scheme and the release say."""

import subprocess
import sys
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from survey.analysis.scoring import Floors, Scheme, load_scheme
from survey.extensions import db
from survey.models.results import CubeEvaluation
from survey.services.campaigns import move_campaign
from survey.services.methods import method_record
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation

TEACHERS = [(f"T{school[-1]}0{place}", school) for school in ("101", "102") for place in range(1, 6)]
FLOORS = Floors(ballots=13, item=27, verdict_ballots=33, classes=6)
RESULT_PAGES = (
    "",
    "/school/101",
    *tuple(f"/student_teacher{end}" for end in ("", "/pairs", "/targets", "/unit/101", "/target/T101")),
)
OTHER = replace(load_scheme("five_step_85"), version=4, margin=3.5, threshold=65, floors=FLOORS)


@pytest.fixture
def released(county: Flask) -> int:
    return stage("methods", _make_released)


def _make_released() -> int:
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=TEACHERS, means=[3] * 5 + [4.6] * 5)
    add_evaluation(campaign, "public_education", targets=[("BUREAU", "BUREAU")])
    return campaign.id


def keep_method(campaign_id: int, scheme: Scheme) -> None:
    """Let the release of pupils and teachers have another scheme, with the example that belongs to it."""
    query = select(CubeEvaluation).where(CubeEvaluation.campaign_id == campaign_id)
    row = db.session.scalars(query.where(CubeEvaluation.relation == "student_teacher")).one()
    stored = scheme.to_json()
    row.document = {**row.document, "scheme": stored, "method": method_record(stored)}
    db.session.commit()


def page(client: FlaskClient, address: str, *, part: str = "main") -> str:
    client.set_cookie("language", "en")
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    found = BeautifulSoup(answer.text, "html.parser").select_one(part)
    assert found is not None
    return " ".join(found.get_text(" ").split())


def test_everybody_who_may_see_results_reads_the_method(released, officer, viewer, school_a) -> None:
    for client in (officer, viewer, school_a):
        assert client.get(f"/results/{released}/student_teacher/method").status_code == 200


def test_a_stranger_is_asked_to_log_in(released, stranger) -> None:
    assert stranger.get(f"/results/{released}/student_teacher/method").status_code in {302, 303, 401}


@pytest.mark.parametrize("address", ["/results/{}/method", "/results/{}/student_teacher/method"])
def test_the_method_is_only_read(released, officer, address) -> None:
    assert officer.post(address.format(released)).status_code == 405


@pytest.mark.parametrize(
    "address", ["/results/99/method", "/results/99/student_teacher/method", "/results/{}/x/method"]
)
def test_what_is_not_released_has_no_method(released, officer, address) -> None:
    assert officer.get(address.format(released)).status_code == 404


def test_before_the_release_there_is_none(county, officer) -> None:
    campaign = add_campaign(state="tallied")
    add_evaluation(campaign, "student_teacher", targets=TEACHERS)
    assert officer.get(f"/results/{campaign.id}/student_teacher/method").status_code == 404


def test_a_campaign_leads_to_its_first_evaluation(released, officer) -> None:
    answer = officer.get(f"/results/{released}/method")
    assert (answer.status_code, answer.location) == (303, f"/results/{released}/student_teacher/method")


def test_the_page_says_what_the_scheme_says(released, officer) -> None:
    keep_method(released, OTHER)
    text = page(officer, f"/results/{released}/student_teacher/method")
    for words in (
        "Scheme five_step_85, version 4",
        "exceeds 3.5 points",
        "The standard is 65.0 points",
        "needs 13 valid ballots",
        "needs 27 answers",
        "fewer than 33 ballots",
        "given from 6 classes on",
        "Fairly satisfied 75.0",
        "the two top levels",
    ):
        assert words in text, words


def test_the_example_is_the_one_kept_at_the_release(released, officer) -> None:
    keep_method(released, load_scheme("five_step"))
    text = page(officer, f"/results/{released}/student_teacher/method", part="#example")
    assert "2050.0 ÷ 24 = 85.4167 ≈ 85.4" in text
    assert "= 80.5–90.3" in text
    assert "The interval crosses the edge" in text


def test_the_versions_of_the_release_are_named(released, officer) -> None:
    keep_method(released, OTHER)
    text = page(officer, f"/results/{released}/student_teacher/method", part="#rules")
    assert "scipy 1." in text
    assert "numpy 2." in text


def test_a_release_without_a_kept_example_still_has_its_rules(released, officer) -> None:
    text = page(officer, f"/results/{released}/student_teacher/method")
    assert "older than the record of versions" in text
    assert "Worked example" not in text


def test_item_weights_are_listed_with_their_sum(released, officer) -> None:
    head = db.session.scalars(select(CubeEvaluation).where(CubeEvaluation.campaign_id == released)).first()
    assert head is not None
    items = head.document["items"]
    weights = {code: 100 / len(items) for code in items}
    keep_method(released, replace(load_scheme("five_step"), item_weights=weights))
    text = page(officer, f"/results/{released}/student_teacher/method", part="#scheme")
    assert "Sum 100.00" in text
    assert "drops out with its weight" in text


def test_what_the_whole_release_says_is_not_for_a_school(released, officer, school_a) -> None:
    address = f"/results/{released}/student_teacher/method"
    assert "ballots came in" in page(officer, address)
    assert "In this release: ICC" in page(officer, address)
    text = page(school_a, address)
    assert "ballots came in" not in text
    assert "In this release" not in text
    assert "Size of the family" not in text


def test_the_public_channel_is_called_what_it_is(released, officer) -> None:
    text = page(officer, f"/results/{released}/public_education/method", part="#plain")
    assert "for reference only" in text
    assert "response rate of" not in text


@pytest.mark.parametrize("address", RESULT_PAGES)
def test_every_page_of_results_leads_to_the_method(released, officer, address) -> None:
    text = officer.get(f"/results/{released}{address}").text
    assert f'href="/results/{released}/student_teacher/method"' in text or f'href="/results/{released}/method"' in text


def test_a_school_is_led_there_too(released, school_a) -> None:
    for address in (f"/results/{released}/school/101", f"/results/{released}/student_teacher/target/T101"):
        assert "/method" in school_a.get(address).text


def test_the_page_costs_the_same_for_three_targets_and_for_many(released, officer, statements) -> None:
    few = add_campaign(year=2024)
    add_evaluation(few, "student_teacher", targets=TEACHERS[:3])
    counts = []
    for campaign in (few.id, released):
        officer.get(f"/results/{campaign}/student_teacher/method")
        with statements() as seen:
            officer.get(f"/results/{campaign}/student_teacher/method")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_real_release_keeps_an_example_for_every_evaluation(campaign, codes) -> None:
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    documents = db.session.scalars(select(CubeEvaluation.document)).all()
    assert len(documents) == 5
    assert all(document["method"]["example"]["score"]["n"] == 24 for document in documents)


def test_the_page_needs_no_scipy() -> None:
    code = "import sys, survey.views.methods; sys.exit(any(name.startswith('scipy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
