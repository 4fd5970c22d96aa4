"""A rated person's own page: her figures as coarse as outside, nobody else's, and her reply in all its versions."""

from collections.abc import Callable
from datetime import date

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from survey.extensions import db
from survey.models.accounts import Account
from survey.models.audit import AuditEntry
from survey.models.campaigns import Campaign, Target
from survey.models.comments import ChipCount, CommentReview
from survey.models.organisations import Teacher
from survey.models.results import CubeEvaluation
from survey.queries.own_results import reply_of
from tests.released import add_campaign, add_evaluation
from tests.views.conftest import Browser

Login = Callable[..., FlaskClient]
PATH = "/own/1/student_teacher"
# Two schools of eight teachers; one of the second school has nine ballots only.
CODES = [f"T{school}{place:02}" for school in (1, 2) for place in range(8)]


@pytest.fixture
def released(county: Flask) -> Campaign:
    campaign = add_campaign()
    names = [db.session.get_one(Teacher, code).name for code in CODES]
    means = [3.2 + 0.1 * (number % 8) for number in range(16)]
    targets = [(code, f"10{code[1]}") for code in CODES]
    add_evaluation(campaign, "student_teacher", targets=targets, names=names, means=means)
    return campaign


@pytest.fixture
def login(county: Flask, browser: Browser) -> Login:
    """Logs the person of a staff code in."""

    def as_(code: str, name: str = "account") -> FlaskClient:
        client = browser(f"{name}-{code}", role="teacher")
        db.session.query(Account).filter_by(staff_code=code).update({"staff_code": None})
        db.session.query(Account).filter_by(name=f"{name}-{code}").update({"staff_code": code or None})
        db.session.commit()
        return client

    return as_


def main(client: FlaskClient, address: str = PATH) -> Tag:
    answer = client.get(address)
    assert answer.status_code == 200
    found = BeautifulSoup(answer.text, "html.parser").select_one("main")
    assert found is not None
    return found


def evaluation() -> int:
    return db.session.scalar(select(CubeEvaluation.evaluation_id)) or 0


def test_a_teacher_reads_her_own_results_and_nobody_elses(released: Campaign, login: Login) -> None:
    page = main(login("T103"))
    assert page.select_one("h1").get_text() == "教师103"  # type: ignore[union-attr]
    assert [code for code in CODES if f"教师{code[1:]}" in page.get_text() and code != "T103"] == []
    assert len(page.select("tbody tr")) > 8
    links = [str(link["href"]) for link in main(login("T104"), "/own").select("a[href^='/own/']")]
    assert links == [PATH]


def test_an_account_without_or_with_another_code_finds_nothing(released: Campaign, login: Login, officer) -> None:
    for code in ("", "H1", "K01", "T999"):
        client = login(code)
        assert main(client, "/own").select("a[href^='/own/']") == []
        assert client.get(PATH).status_code == 404
        assert client.post(PATH, data={"text": "x"}).status_code == 404
    assert officer.get(PATH).status_code == 403


def test_a_code_given_to_somebody_else_shows_nothing_of_her_predecessor(released: Campaign, login: Login) -> None:
    db.session.get_one(Teacher, "T103").name = "新来的"
    db.session.commit()
    client = login("T103")
    assert client.get(PATH).status_code == 404
    assert main(client, "/own").select("a[href^='/own/']") == []


@pytest.mark.parametrize("state", ["draft", "open", "closed", "tallied"])
def test_nothing_is_shown_before_the_release(released: Campaign, login: Login, state: str) -> None:
    released.state = state
    db.session.commit()
    client = login("T103")
    assert client.get(PATH).status_code == 404
    assert main(client, "/own").select("a[href^='/own/']") == []


def test_other_relations_are_not_personal(released: Campaign, login: Login) -> None:
    # A department or school may have the code of a person.
    add_evaluation(released, "principal_department", targets=[("T103", "BUREAU")], names=["教师103"])
    assert login("T103").get("/own/1/principal_department").status_code == 404


def test_figures_are_as_coarse_as_outside(county: Flask, login: Login) -> None:
    campaign = add_campaign()
    names = [db.session.get_one(Teacher, code).name for code in CODES]
    targets = [(code, f"10{code[1]}") for code in CODES]
    add_evaluation(campaign, "student_teacher", targets=targets, names=names, ballots=23, issued=30)
    page = main(login("T103"))
    assert "23" not in page.select_one(".figures").get_text()  # type: ignore[union-attr]
    # Below 30 ballots no level is shown.
    assert page.select("figure") == []


def test_strong_points_come_first(county: Flask, login: Login) -> None:
    page = main(_with_one_good_item(login))
    first = page.select(".panel")[0]
    assert first.select(".point.strong")
    scores = [float(row.select("td")[3].get_text()) for row in page.select("table")[0].select("tbody tr")]
    assert scores == sorted(scores, reverse=True)


def _with_one_good_item(login: Login) -> FlaskClient:
    campaign = add_campaign()
    names = [db.session.get_one(Teacher, code).name for code in CODES]
    add_evaluation(
        campaign,
        "student_teacher",
        targets=[(code, f"10{code[1]}") for code in CODES],
        names=names,
        ballots=60,
        issued=70,
    )
    return login("T103")


def test_a_school_of_few_teachers_has_no_mean_to_compare_with(county: Flask, login: Login) -> None:
    campaign = add_campaign()
    targets = [(code, f"10{code[1]}") for code in CODES if code not in {f"T2{place:02}" for place in range(5, 8)}]
    names = [db.session.get_one(Teacher, code).name for code, _unit in targets]
    add_evaluation(campaign, "student_teacher", targets=targets, names=names)
    assert "单位101" in main(login("T103")).get_text()
    assert "单位102" not in main(login("T203")).get_text()


def test_below_the_floor_she_reads_why(county: Flask, login: Login) -> None:
    campaign = add_campaign()
    names = [db.session.get_one(Teacher, code).name for code in CODES]
    targets = [(code, f"10{code[1]}") for code in CODES]
    add_evaluation(campaign, "student_teacher", targets=targets, names=names, ballots=8, issued=10)
    page = main(login("T103"))
    assert page.select_one(".why") is not None
    assert page.select("table") == []


def test_she_sees_comments_meant_for_her(released: Campaign, login: Login) -> None:
    target = Target(evaluation_id=evaluation(), code="T103", name="教师103", unit="101", unit_name="单位101")
    db.session.add(target)
    db.session.flush()
    db.session.add(ChipCount(evaluation_id=evaluation(), target_id=target.id, chip="clear", ballots=12))
    kinds = [
        ("person", "讲得清楚 <b>"),
        ("public", "很有耐心"),
        ("school", "给学校看的"),
        ("bureau", "给局里看的"),
        ("none", "不用的"),
    ]
    for number, (audience, text) in enumerate(kinds):
        db.session.add(_comment(number, target.id, audience=audience, text=text))
    db.session.commit()
    page = main(login("T103"))
    assert {str(quote.get_text()) for quote in page.select(".said blockquote")} == {"讲得清楚 <b>", "很有耐心"}
    assert "30%" in page.select_one(".chips-told").get_text()  # type: ignore[union-attr]
    assert main(login("T104")).select(".said blockquote, .chips-told") == []
    # They come all at once: while one is undecided, none is shown.
    db.session.add(_comment(9, target.id, audience="", text="还没看", state="waiting"))
    db.session.commit()
    assert main(login("T103", "again")).select(".said blockquote") == []


def _comment(number: int, target: int, *, audience: str, text: str, state: str = "settled") -> CommentReview:
    return CommentReview(
        id=bytes([number]) * 16,
        campaign_id=1,
        evaluation_id=evaluation(),
        target_id=target,
        place="target",
        outside=True,
        text=text,
        count=1,
        state=state,
        audience=audience,
    )


def test_her_reply_is_kept_in_versions_and_read_by_the_bureau(released: Campaign, login: Login, officer) -> None:
    client = login("T103")
    for text in ("第一版 <script>", "第二版", "第二版"):
        assert client.post(PATH, data={"text": text}).status_code == 303
    reply = reply_of(1, evaluation(), "T103")
    assert reply is not None
    assert (reply.text, reply.version, reply.day >= date(2026, 1, 1)) == ("第二版", 2, True)
    page = main(client)
    assert page.select_one("textarea").get_text().strip() == "第二版"  # type: ignore[union-attr]
    assert [str(quote.get_text()) for quote in page.select("details .reply")] == ["第二版", "第一版 <script>"]
    assert "第二版" in main(officer, "/results/1/student_teacher/target/T103").get_text()
    assert "第二版" in main(officer, "/replies/1").get_text()
    assert "第一版" not in main(officer, "/replies/1").get_text()
    told = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "reply.write")).all()
    assert [entry.detail["version"] for entry in told] == [1, 2]
    assert "第二版" not in str([entry.detail for entry in told])


def test_an_empty_reply_takes_it_back(released: Campaign, login: Login, officer: FlaskClient) -> None:
    client = login("T103")
    client.post(PATH, data={"text": "说明"})
    client.post(PATH, data={"text": " "})
    assert reply_of(1, evaluation(), "T103") is None
    assert main(officer, "/replies/1").select(".reply") == []


def test_schools_and_colleagues_do_not_read_a_reply(released: Campaign, login: Login, school_a: FlaskClient) -> None:
    login("T103").post(PATH, data={"text": "我的说明"})
    assert "我的说明" not in school_a.get("/results/1/student_teacher/target/T103").text
    assert school_a.get("/replies/1").status_code == 404
    assert "我的说明" not in login("T104").get(PATH).text


@pytest.mark.parametrize(("text", "status"), [("长" * 1001, 422), ("请打13812345678", 422)])
def test_a_reply_that_cannot_stand_keeps_what_was_typed(
    released: Campaign, login: Login, text: str, status: int
) -> None:
    answer = login("T103").post(PATH, data={"text": text})
    assert answer.status_code == status
    assert text in answer.text
    assert reply_of(1, evaluation(), "T103") is None


def test_after_the_archive_the_reply_stands(released: Campaign, login: Login) -> None:
    client = login("T103")
    client.post(PATH, data={"text": "说明"})
    released = db.session.get_one(Campaign, 1)
    released.state = "archived"
    db.session.commit()
    page = main(client)
    assert page.select("textarea") == []
    assert "说明" in page.get_text()
    assert client.post(PATH, data={"text": "改"}).status_code == 409


def test_a_principal_has_her_page_too(county: Flask, login: Login) -> None:
    campaign = add_campaign()
    heads = [f"H{number}" for number in range(1, 13)]
    names = [db.session.get_one(Teacher, code).name for code in heads]
    add_evaluation(campaign, "teacher_principal", targets=[(code, "1学区") for code in heads], names=names)
    page = main(login("H2"), "/own/1/teacher_principal")
    assert page.select_one("h1").get_text() == "校长2"  # type: ignore[union-attr]
    assert "校长1" not in page.get_text()
