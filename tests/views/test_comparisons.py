"""Comparisons on request: what may be chosen, by whom, and that every figure is a function of what was released."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from scipy import stats
from sqlalchemy import func, select, update

from survey.extensions import db
from survey.models.comparisons import StoredComparison
from survey.models.jobs import Job
from survey.models.results import CubeEvaluation, CubeTarget
from survey.queries.results import find_head
from survey.services.comparisons import MOST_WAITING
from tests.conftest import stage
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Browser

SCHOOLS = ("101", "102", "103")
TEACHERS = [(f"T{school}{t}", school) for school in SCHOOLS for t in range(6)]
MEANS = [3.2] * 6 + [4.4] * 6 + [3.3] * 6
FIGURE = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
Work = Callable[[], None]


@pytest.fixture
def campaign_id(county: Any) -> int:
    """Teachers of three schools in two years; the school in the middle is better, this year even more."""
    return stage("comparisons", _make_campaign_id)


def _make_campaign_id() -> int:
    before, this = add_campaign(year=2025), add_campaign(year=2026)
    add_evaluation(before, "student_teacher", targets=TEACHERS, means=[3.3] * 18, seed=3)
    add_evaluation(this, "student_teacher", targets=TEACHERS, means=MEANS)
    add_evaluation(this, "parent_school", targets=[("101", "1学区"), ("102", "1学区"), ("103", "2学区")], ballots=8)
    return int(this.id)


def address(campaign: int, relation: str = "student_teacher", **args: Any) -> str:
    parts = [f"{key}={one}" for key, value in args.items() for one in (value if isinstance(value, tuple) else (value,))]
    return f"/comparisons/{campaign}/{relation}?" + "&".join(parts)


def compute(client: FlaskClient, work: Work, path: str) -> str:
    """Ask for a comparison as the button does, let the worker run, return the page."""
    page = BeautifulSoup(client.get(path).text, "html.parser")
    form = page.select_one("main form[method=post]")
    assert form is not None
    data: dict[str, list[str]] = {}
    for field in form.select("input[name]"):
        data.setdefault(str(field["name"]), []).append(str(field["value"]))
    answer = client.post(str(form["action"]), data=data)
    assert answer.status_code == 303
    waiting = client.get(answer.location)
    assert "data-job" in waiting.text
    work()
    return client.get(answer.location).text


def test_units_are_read_from_the_release_at_once(viewer: FlaskClient, campaign_id: int) -> None:
    page = viewer.get(address(campaign_id, of="units", c=SCHOOLS))
    assert page.status_code == 200
    assert "data-job" not in page.text
    assert db.session.scalar(select(Job.id)) is None
    groups = BeautifulSoup(page.text, "html.parser").select("ol.groups li")
    assert len(groups) == 2
    assert "单位102" in groups[0].text


def test_one_account_cannot_fill_the_queue(viewer: FlaskClient, campaign_id: int) -> None:
    """Releases and prints wait in the same one; each choice of two out of eighteen would be a job."""
    last = [f"T{school}{t}" for school in SCHOOLS for t in range(6)][1 : MOST_WAITING + 2]
    answers = [
        viewer.post(f"/comparisons/{campaign_id}/student_teacher", data={"of": "targets", "c": ["T1010", code]})
        for code in last
    ]
    assert [answer.status_code for answer in answers] == [303] * MOST_WAITING + [429]
    assert db.session.scalar(select(func.count()).select_from(Job)) == MOST_WAITING


def test_targets_are_computed_by_the_worker_and_kept_for_colleagues(
    viewer: FlaskClient, officer: FlaskClient, work: Work, campaign_id: int
) -> None:
    path = address(campaign_id, of="targets", c=("T1010", "T1020"))
    text = compute(viewer, work, path)
    assert "ol" in text
    assert officer.get(path).text.count("data-job") == 0
    assert officer.get(path.replace("c=T1010&c=T1020", "c=T1020&c=T1010")).status_code == 200
    assert len(db.session.scalars(select(StoredComparison)).all()) == 1


def test_asking_twice_makes_one_job(viewer: FlaskClient, campaign_id: int) -> None:
    for _time in range(2):
        data = {"of": "targets", "c": ["T1010", "T1020"]}
        assert viewer.post(f"/comparisons/{campaign_id}/student_teacher", data=data).status_code == 303
    assert len(db.session.scalars(select(Job)).all()) == 1


def test_a_stored_comparison_is_welchs_test_of_the_released_records(
    viewer: FlaskClient, work: Work, campaign_id: int
) -> None:
    compute(viewer, work, address(campaign_id, of="targets", c=("T1010", "T1020", "T1030"), planned=1))
    document = db.session.scalars(select(StoredComparison)).one().document
    assert document is not None
    head = find_head(campaign_id, "student_teacher")
    records = [db.session.get_one(CubeTarget, (head.id, code)).document for code in ("T1010", "T1020")]
    pair = next(row for row in document["pairs"] if (row["a"], row["b"]) == ("T1010", "T1020"))
    # Six classes stand behind each: their clustered errors, taken back out of the released intervals.
    errors = [(r["score_ci_class"][1] - r["score"]) / stats.t.ppf(0.975, 5) for r in records]
    sides = [(r["score"], error * 6**0.5, 6) for r, error in zip(records, errors, strict=True)]
    wanted = stats.ttest_ind_from_stats(*sides[0], *sides[1], equal_var=False)
    assert pair["p"] == pytest.approx(wanted.pvalue, rel=1e-7)
    assert document["chosen"] == 3
    assert document["possible"] == 18 * 17 / 2
    assert pair["p_adjusted"] == pair["p_chosen"]


def test_looking_first_widens_the_family(viewer: FlaskClient, work: Work, campaign_id: int) -> None:
    for planned in ((), (1,)):
        compute(viewer, work, address(campaign_id, of="targets", c=("T1010", "T1020"), planned=planned))
    rows = db.session.scalars(select(StoredComparison)).all()
    found = {row.choice["planned"]: row.document["pairs"][0] for row in rows if row.document}
    assert found[False]["p_adjusted"] == pytest.approx(min(1.0, found[False]["p"] * 153))
    assert found[True]["p_adjusted"] == found[True]["p"]


def test_years_are_compared_on_the_same_targets(viewer: FlaskClient, work: Work, campaign_id: int) -> None:
    years = (str(campaign_id - 1), str(campaign_id))
    for about in ({"about": "whole"}, {"about": "unit", "subject": "102"}, {"about": "target", "subject": "T1020"}):
        text = compute(viewer, work, address(campaign_id, of="years", c=years, **about))
        assert 'class="said"' in text
    matched = {
        (row.choice["about"], row.document["pairs"][0]["matched"])
        for row in db.session.scalars(select(StoredComparison))
        if row.document
    }
    assert {("whole", 18), ("unit", 6)} < matched


def test_a_corrected_release_of_another_year_makes_a_comparison_old(
    viewer: FlaskClient, work: Work, campaign_id: int
) -> None:
    path = address(campaign_id, of="years", c=(str(campaign_id - 1), str(campaign_id)), about="whole")
    compute(viewer, work, path)
    assert 'class="said"' in viewer.get(path).text
    before = CubeEvaluation.campaign_id == campaign_id - 1
    db.session.execute(update(CubeEvaluation).where(before).values(version=2))
    db.session.commit()
    assert 'class="said"' not in viewer.get(path).text
    assert 'class="said"' in compute(viewer, work, path)


def test_no_page_shows_a_figure_that_is_not_in_its_document_or_the_cube(
    viewer: FlaskClient, work: Work, campaign_id: int
) -> None:
    text = compute(viewer, work, address(campaign_id, of="targets", c=("T1010", "T1020", "T1035")))
    document = db.session.scalars(select(StoredComparison)).one().document
    records = [row.document for row in db.session.scalars(select(CubeTarget))]
    known = {written for n in numbers([document, records]) for written in spellings(n)} | {"0.05", "2.5", "0.001"}
    main = BeautifulSoup(text, "html.parser").select_one("main")
    assert main is not None
    assert set(FIGURE.findall(main.get_text(" "))) - known == set()


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def spellings(value: float) -> list[str]:
    return [f"{abs(one):.{digits}f}" for one in (value, 100 * value) for digits in (1, 2, 3)]


@pytest.mark.parametrize("codes", [("101",), ("101", "101"), tuple("1234567"), ()])
def test_two_to_six_are_compared(viewer: FlaskClient, campaign_id: int, codes: tuple[str, ...]) -> None:
    answer = viewer.get(address(campaign_id, of="units", c=codes))
    assert (answer.status_code, "/choose" in answer.location) == (303, True)
    assert viewer.get(answer.location).status_code == 200
    posted = viewer.post(f"/comparisons/{campaign_id}/student_teacher", data={"of": "units", "c": list(codes)})
    assert posted.status_code == 422


def test_what_is_withheld_or_unknown_cannot_be_compared(viewer: FlaskClient, campaign_id: int) -> None:
    hidden = viewer.get(address(campaign_id, "parent_school", of="targets", c=("101", "102")))
    assert hidden.status_code == 422
    for args in ({"of": "targets", "c": ("T1010", "T999")}, {"of": "units", "c": ("101", "999")}):
        assert viewer.get(address(campaign_id, **args)).status_code == 404
    assert viewer.get(address(campaign_id, of="years", c=("1", "99"), about="whole")).status_code == 404
    assert viewer.get(address(99, of="units", c=("101", "102"))).status_code == 404
    assert viewer.get("/comparisons/1/nothing/choose").status_code == 404


def test_a_school_compares_its_own_people_only_and_no_units(
    school_a: FlaskClient, work: Work, campaign_id: int
) -> None:
    own, mixed = ("T1010", "T1011"), ("T1010", "T1020")
    assert school_a.get(address(campaign_id, of="targets", c=mixed)).status_code == 404
    assert school_a.get(address(campaign_id, of="units", c=("101", "102"))).status_code == 404
    years = (str(campaign_id - 1), str(campaign_id))
    assert school_a.get(address(campaign_id, of="years", c=years, about="whole")).status_code == 404
    assert school_a.get(address(campaign_id, of="years", c=years, about="unit", subject="102")).status_code == 404
    compute(school_a, work, address(campaign_id, of="targets", c=own))
    compute(school_a, work, address(campaign_id, of="years", c=years, about="unit", subject="101"))


def test_what_a_school_gets_follows_from_the_figures_on_its_own_pages(
    school_a: FlaskClient, work: Work, campaign_id: int
) -> None:
    compute(school_a, work, address(campaign_id, of="targets", c=("T1010", "T1011")))
    document = db.session.scalars(select(StoredComparison)).one().document
    assert document is not None
    assert document["items"] == []
    (pair,) = document["pairs"]
    assert pair["difference"] == pytest.approx(round(pair["difference"], 1))
    assert json.dumps(document["points"]) == json.dumps({k: round(v, 1) for k, v in document["points"].items()})


def test_the_same_address_gives_a_school_and_the_bureau_each_their_own(
    school_a: FlaskClient, viewer: FlaskClient, work: Work, campaign_id: int
) -> None:
    path = address(campaign_id, of="targets", c=("T1010", "T1011"))
    compute(viewer, work, path)
    assert "data-job" not in viewer.get(path).text
    compute(school_a, work, path)
    assert len(db.session.scalars(select(StoredComparison)).all()) == 2


def test_what_is_ticked_stays_while_one_looks_for_more(viewer: FlaskClient, campaign_id: int) -> None:
    path = f"/comparisons/{campaign_id}/student_teacher/choose?of=targets&c=T1010&q=T102"
    page = BeautifulSoup(viewer.get(path).text, "html.parser")
    assert [box["value"] for box in page.select("input[name=c][checked]")] == ["T1010"]
    assert len(page.select("input[name=c]")) == 7


def test_a_failed_job_says_why_and_may_be_tried_again(viewer: FlaskClient, work: Work, campaign_id: int) -> None:
    path = address(campaign_id, of="targets", c=("T1010", "T1020"))
    viewer.post(path.partition("?")[0], data={"of": "targets", "c": ["T1010", "T1020"]})
    db.session.execute(Job.__table__.update().values(state="failed", message="broken"))
    db.session.commit()
    assert "broken" in viewer.get(path).text
    assert 'class="said"' in compute(viewer, work, path)


def test_the_state_tells_when_it_is_done(viewer: FlaskClient, work: Work, campaign_id: int) -> None:
    path = address(campaign_id, of="targets", c=("T1010", "T1020"))
    state = path.replace("?", "/state.json?")
    viewer.post(path.partition("?")[0], data={"of": "targets", "c": ["T1010", "T1020"]})
    assert viewer.get(state).json == {"state": "waiting", "finished": False, "done": 0, "total": 0} | {
        "words": viewer.get(state).json["words"]
    }
    work()
    assert viewer.get(state).json["finished"] is True


def test_the_number_of_statements_does_not_grow_with_the_roster(
    viewer: FlaskClient, browser: Browser, statements: Any, campaign_id: int
) -> None:
    path = f"/comparisons/{campaign_id}/student_teacher/choose?of=targets"
    with statements() as few:
        viewer.get(path)
    with statements() as many:
        viewer.get(path + "&q=T101")
    assert abs(len(few) - len(many)) <= 1
