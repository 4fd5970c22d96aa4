"""Pages of comments: who sees which wording when, filters that are links, and texts that stay texts."""

import re

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.queries.comments import public_quotes, quotes
from survey.services import comments
from survey.services.campaigns import move_campaign
from survey.services.comment_themes import add_usual_themes
from tests.commented import count, rows, settle, settle_all, write
from tests.conftest import stage
from tests.secrecy.payloads import payloads
from tests.views.conftest import Browser, Counting

Codes = dict[str, tuple[str, ...]]
FOOD, WORK, PRIVATE = "饭菜凉了", "作业太多,孩子睡得晚", "我是王小明的妈妈"


@pytest.fixture
def counted(codes: Codes, campaign: int) -> int:
    return stage("comments in views", lambda: _make_counted(codes, campaign))


def _make_counted(codes: Codes, campaign: int) -> int:
    write(codes, "101", [FOOD, FOOD, WORK, PRIVATE])
    write(codes, "102", ["收费要公开"], ballots=19)
    count(campaign)
    return campaign


@pytest.fixture
def second(county: object, browser: Browser) -> FlaskClient:
    return browser("second", role="supervisor")


def soup(client: FlaskClient, address: str, status: int = 200) -> Tag:
    answer = client.get(address)
    assert answer.status_code == status, address
    main = BeautifulSoup(answer.text, "html.parser").select_one("main")
    assert main is not None
    return main


def said(client: FlaskClient, address: str) -> list[str]:
    return sorted(str(quote.get_text()) for quote in soup(client, address).select(".said blockquote"))


def release(campaign: int) -> None:
    move_campaign(campaign, "released", actor="test")


def evaluation(campaign: int, relation: str = "parent_school") -> int:
    row = db.session.get_one(Campaign, campaign)
    return next(one.id for one in row.evaluations if one.relation == relation)


def key_of(campaign: int, text: str) -> str:
    return next(row.key for row in rows(campaign) if row.text == text)


def test_before_the_count_no_page_shows_a_comment(officer: FlaskClient, codes: Codes, campaign: int) -> None:
    write(codes, "101", [FOOD])
    move_campaign(campaign, "closed", actor="test")
    for address in ("", "/themes", "/schools/101"):
        assert officer.get(f"/comments/{campaign}{address}").status_code == 404
    assert FOOD not in officer.get("/comments").text


def test_reviewers_read_masked_wordings_from_the_count_on(officer: FlaskClient, viewer, school_a, counted: int) -> None:
    assert said(officer, f"/comments/{counted}") == sorted([FOOD, WORK, "我是某的妈妈", "收费要公开"])
    assert "王小明" not in officer.get(f"/comments/{counted}").text
    assert f"/comments/{counted}" in officer.get("/comments").text
    for client in (viewer, school_a):
        assert client.get(f"/comments/{counted}", follow_redirects=True).status_code == 404


def test_a_comment_goes_through_the_browser_of_two_persons(officer, second, counted: int) -> None:
    address = f"/comments/{counted}/{key_of(counted, '我是某的妈妈')}"
    assert PRIVATE not in officer.get(address).text.replace("<mark", "")
    assert "王小明" not in officer.get(address).text
    officer.post(f"{address}/take")
    page = soup(officer, address)
    assert [mark.contents[0] for mark in page.select("mark")] == ["王小明"]
    assert page.select_one("textarea").get_text().strip() == "我是某的妈妈"  # type: ignore[union-attr]
    assert "王小明" not in second.get(address).text
    bad = officer.post(address, data={"text": "打13812345678", "audience": "school"})
    assert (bad.status_code, "13812345678" in bad.text) == (422, True)
    good = officer.post(address, data={"text": "一位家长来信", "audience": "school"})
    assert re.match(rf"/comments/{counted}/[0-9a-f]{{32}}$", good.location)
    assert "王小明" not in officer.get(address).text
    second.post(f"{address}/take")
    assert "王小明" in second.get(address).text
    second.post(f"{address}/confirm", data={"answer": "yes"})
    assert "王小明" not in second.get(address).text
    assert "一位家长来信" in said(officer, f"/comments/{counted}?state=settled")


def test_labels_are_suggested_and_kept(officer: FlaskClient, counted: int) -> None:
    add_usual_themes(actor="test")
    address = f"/comments/{counted}/{key_of(counted, FOOD)}"
    officer.post(f"{address}/take")
    ticked = soup(officer, address).select("input[name=themes][checked]")
    assert len(ticked) == 1
    officer.post(address, data={"text": FOOD, "audience": "bureau", "themes": ["1", "3"]})
    assert said(officer, f"/comments/{counted}?theme=3") == [FOOD]
    assert said(officer, f"/comments/{counted}?theme=2") == []


def test_filters_are_links_and_lead_where_they_say(officer: FlaskClient, counted: int) -> None:
    settle(counted, key_of(counted, FOOD), "bureau")
    settle(counted, key_of(counted, WORK), "none")
    page = soup(officer, f"/comments/{counted}?relation=parent_school")
    links = [str(link["href"]) for link in page.select(".filters a")]
    assert len(links) > 5
    assert [link for link in links if officer.get(link).status_code != 200] == []
    assert said(officer, f"/comments/{counted}?state=settled") == sorted([FOOD, WORK])
    assert said(officer, f"/comments/{counted}?state=rejected") == [WORK]
    assert said(officer, f"/comments/{counted}?relation=parent_school&unit=1%E5%AD%A6%E5%8C%BA&state=waiting") == [
        "我是某的妈妈"
    ]
    for odd in ("state=x", "theme=-1", "theme=99999999999999", "unit=1", "relation=%27", "page=-1", "page=999"):
        assert officer.get(f"/comments/{counted}?{odd}").status_code == 200


def test_the_bureaus_leaders_read_what_is_settled_and_released(viewer: FlaskClient, counted: int) -> None:
    settle(counted, key_of(counted, FOOD), "bureau")
    settle(counted, key_of(counted, WORK), "none")
    release(counted)
    assert said(viewer, f"/comments/{counted}") == [FOOD]
    assert said(viewer, f"/comments/{counted}?state=rejected") == [FOOD]
    assert viewer.get(f"/comments/{counted}/{key_of(counted, FOOD)}").status_code == 403


def test_a_school_reads_its_own_all_at_once_and_only_what_is_meant_for_it(school_a, school_b, counted: int) -> None:
    own = f"/comments/{counted}/schools/101"
    settle(counted, key_of(counted, FOOD), "school")
    settle(counted, key_of(counted, WORK), "bureau")
    release(counted)
    # One comment about the school is still undecided.
    assert said(school_a, own) == []
    settle(counted, key_of(counted, "我是某的妈妈"), "none")
    assert said(school_a, own) == [FOOD]
    assert school_a.get(f"/comments/{counted}").location == own
    assert school_b.get(own).status_code == 404
    # Nineteen ballots are about the other school: below the floor outside the bureau.
    settle(counted, key_of(counted, "收费要公开"), "public")
    assert said(school_b, f"/comments/{counted}/schools/102") == []


def test_a_school_reads_nothing_before_the_release(school_a: FlaskClient, counted: int) -> None:
    settle_all(counted)
    assert school_a.get(f"/comments/{counted}/schools/101").status_code == 404


def test_quotes_wait_for_the_release_and_for_their_audience(counted: int) -> None:
    settle(counted, key_of(counted, FOOD), "public")
    settle(counted, key_of(counted, WORK), "school")
    settle(counted, key_of(counted, "我是某的妈妈"), "bureau")
    settle(counted, key_of(counted, "收费要公开"), "public")
    number = evaluation(counted)
    assert quotes(number, "101", reader="school") == []
    assert public_quotes(number) == []
    release(counted)
    assert {(q.text, q.count) for q in quotes(number, "101", reader="school")} == {(FOOD, 2), (WORK, 1)}
    assert [q.text for q in quotes(number, "101", reader="public")] == [FOOD]
    assert [q.text for q in public_quotes(number)] == [FOOD]
    assert quotes(number, "102", reader="public") == []
    comments.keep_inside(counted, bytes.fromhex(key_of(counted, FOOD)), "test")
    assert public_quotes(number) == []


def test_counts_by_label_add_up_and_name_no_small_circle(officer: FlaskClient, codes: Codes, campaign: int) -> None:
    add_usual_themes(actor="test")
    write(codes, "101", [FOOD, FOOD, WORK])
    write(codes, "102", [WORK], ballots=9)
    count(campaign)
    for row in rows(campaign):
        themes = [1] if "饭" in row.text else [2]
        settle(campaign, row.key, "bureau", themes=themes)
    page = soup(officer, f"/comments/{campaign}/themes?relation=parent_school")
    told = {
        str(row.th.get_text()): [str(cell.get_text()) for cell in row.select("td")] for row in page.select("tr")[1:]
    }  # type: ignore[union-attr]
    # Nine ballots are about the one school; the other one hides it.
    assert [len(cells) for cells in told.values()] == [1, 1, 11]
    assert list(told.values())[-1][:3] == ["4", "2", "2"]
    listed = officer.get(f"/comments/{campaign}").text
    assert "第1小学" not in listed
    assert "第2小学" not in listed


def test_hostile_texts_are_texts_on_every_page(officer: FlaskClient, school_a, codes: Codes, campaign: int) -> None:
    hostile = [text for text, _n in zip(payloads(longest=150, start=1), range(36), strict=False)]
    write(codes, "101", hostile, ballots=36)
    count(campaign)
    found = rows(campaign)
    pages = [officer.get(f"/comments/{campaign}").text]
    for row in found:
        officer.post(f"/comments/{campaign}/{row.key}/take")
        pages.append(officer.get(f"/comments/{campaign}/{row.key}").text)
        comments.give_back(campaign, bytes.fromhex(row.key), "officer")
    settle_all(campaign)
    release(campaign)
    pages.append(school_a.get(f"/comments/{campaign}/schools/101").text)
    assert len(found) > 20
    for text in pages:
        page = BeautifulSoup(text, "html.parser")
        assert {str(script.get("src", ""))[:3] for script in page.select("script")} == {"/s/"}
        assert page.select("img, iframe, svg[onload], [onerror], [onclick], main style, main a[href^=javascript]") == []


def test_a_label_is_made_renamed_and_put_aside(officer: FlaskClient) -> None:
    assert officer.post("/comments/labels", data={"name": "食堂 <b>", "words": "饭", "active": "y"}).status_code == 303
    page = soup(officer, "/comments/labels")
    assert page.select_one("input[name=name]")["value"] == "食堂 <b>"  # type: ignore[index]
    again = officer.post("/comments/labels", data={"name": "食堂 <b>", "words": ""})
    assert again.status_code == 409
    officer.post("/comments/labels/1", data={"name": "伙食", "words": "饭 菜"})
    page = soup(officer, "/comments/labels")
    assert page.select_one("input[name=name]")["value"] == "伙食"  # type: ignore[index]
    assert page.select("input[name=active][checked]:not(#active)") == []
    assert officer.post("/comments/labels/9", data={"name": "x"}).status_code == 404
    officer.post("/comments/labels/usual")
    assert len(soup(officer, "/comments/labels").select("tbody tr")) == 11


def test_addresses_that_are_none(officer: FlaskClient, counted: int) -> None:
    for address in (f"{counted}/{'z' * 32}", f"{counted}/{'0' * 32}", "99", f"{counted}/themes?relation=x"):
        assert officer.get(f"/comments/{address}").status_code == 404


def test_a_list_costs_the_same_for_one_and_for_many(officer, codes: Codes, campaign: int, statements: Counting) -> None:
    write(codes, "101", [f"第{number}条建议:" + "改进" * number for number in range(30)], ballots=36)
    count(campaign)
    settle_all(campaign)
    with statements() as many:
        officer.get(f"/comments/{campaign}")
    with statements() as one:
        officer.get(f"/comments/{campaign}?theme=5")
    assert len(many) <= len(one) + 1
    assert len(many) < 20
