"""The page that deletes: the typed name, a second person where the campaign has two, and who may not."""

import pytest
from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.deletions import Deletion
from survey.services.campaigns import move_campaign

NAME = "2026 年五评"
ALL = {"what": "campaign", "reason": "保存期满", "name": NAME}


@pytest.fixture
def archived(campaign, codes):
    for state in ("closed", "tallied", "released", "archived"):
        move_campaign(campaign, state, actor="test")
    return campaign


def left() -> set[int]:
    db.session.rollback()
    return set(db.session.scalars(select(Campaign.id)))


def test_a_campaign_is_deleted_and_one_line_remains(officer, archived, work) -> None:
    assert f"/campaigns/{archived}/delete" in officer.get(f"/campaigns/{archived}").text
    answer = officer.post(f"/campaigns/{archived}/delete", data=ALL)
    assert answer.status_code == 303
    work()
    assert left() == set()
    assert officer.get(answer.location).status_code == 200
    assert NAME in officer.get("/campaigns").text
    for path in ("", "/delete", "/balance"):
        assert officer.get(f"/campaigns/{archived}{path}").status_code == 404


def test_the_ballots_alone(officer, archived, work) -> None:
    assert officer.post(f"/campaigns/{archived}/delete", data=ALL | {"what": "ballots"}).status_code == 303
    work()
    assert left() == {archived}
    assert db.session.scalars(select(Deletion.what)).all() == ["ballots"]
    assert officer.get(f"/results/{archived}").status_code == 200
    assert officer.get(f"/campaigns/{archived}/balance").status_code == 200


@pytest.mark.parametrize("change", [{"name": "五评"}, {"name": ""}, {"reason": ""}, {"what": "everything"}])
def test_a_bad_form_keeps_its_input_and_deletes_nothing(officer, archived, work, change) -> None:
    answer = officer.post(f"/campaigns/{archived}/delete", data=ALL | {"reason": "期满了"} | change)
    assert answer.status_code == 422
    if "reason" not in change:
        assert "期满了" in answer.text
    work()
    assert left() == {archived}


def test_an_open_campaign_offers_nothing(officer, campaign, codes) -> None:
    assert "<textarea" not in officer.get(f"/campaigns/{campaign}/delete").text
    assert officer.post(f"/campaigns/{campaign}/delete", data=ALL).status_code == 422


def test_two_persons_and_the_name_typed_again(officer, browser, archived, work) -> None:
    db.session.get_one(Campaign, archived).two_person = True
    db.session.commit()
    asked = officer.post(f"/campaigns/{archived}/delete", data=ALL).location
    assert asked.startswith("/approvals/")
    assert officer.post(f"{asked}/confirm").status_code == 403
    other = browser("other", role="officer")
    assert "保存期满" in other.get(asked).text
    assert other.post(f"{asked}/confirm").location == f"/campaigns/{archived}/delete"
    work()
    assert left() == {archived}
    page = other.get(f"/campaigns/{archived}/delete").text
    assert 'type="hidden" name="what" value="campaign"' in page
    assert other.post(f"/campaigns/{archived}/delete", data=ALL | {"name": "x"}).status_code == 422
    assert other.post(f"/campaigns/{archived}/delete", data=ALL).location.startswith("/jobs/")
    work()
    assert left() == set()


@pytest.mark.parametrize("persona", ["viewer", "school_a", "stranger"])
def test_others_may_not(request, campaign, persona) -> None:
    client = request.getfixturevalue(persona)
    assert client.get(f"/campaigns/{campaign}/delete").status_code in (302, 403)
    assert client.post(f"/campaigns/{campaign}/delete", data=ALL).status_code in (302, 403)


def test_an_unknown_campaign_is_404(officer) -> None:
    assert officer.get("/campaigns/99/delete").status_code == 404
