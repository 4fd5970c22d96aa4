"""The page of a job and the answers for its script."""

import pytest

from survey.services.jobs import _note_progress, queue_job


@pytest.fixture
def job(county) -> int:
    return queue_job("move_campaign", {"campaign": 1, "state": "closed"}, actor="officer")


def test_a_waiting_job_works_without_a_script(officer, job) -> None:
    text = officer.get(f"/jobs/{job}").text
    assert f'data-job="/jobs/{job}.json"' in text
    assert f'href="/jobs/{job}"' in text


def test_progress_is_told_as_json(officer, job) -> None:
    _note_progress(job, 3, 10)
    answer = officer.get(f"/jobs/{job}.json").get_json()
    assert (answer["state"], answer["finished"], answer["done"], answer["total"]) == ("waiting", False, 3, 10)


def test_a_failed_job_says_why_and_leads_back(officer, job, work) -> None:
    work()
    text = officer.get(f"/jobs/{job}").text
    assert "note error" in text
    assert 'href="/campaigns/1"' in text
    assert officer.get(f"/jobs/{job}.json").get_json()["finished"]


@pytest.mark.parametrize("persona", ["viewer", "school_a"])
def test_jobs_are_the_officers_business(request, persona, job) -> None:
    client = request.getfixturevalue(persona)
    assert client.get(f"/jobs/{job}").status_code == 403
    assert client.get(f"/jobs/{job}.json").status_code == 403


def test_strangers_unknown_jobs_and_wrong_methods(stranger, officer, job) -> None:
    assert stranger.get(f"/jobs/{job}").location.startswith("/login")
    assert officer.get("/jobs/99").status_code == 404
    assert officer.post(f"/jobs/{job}").status_code == 405
