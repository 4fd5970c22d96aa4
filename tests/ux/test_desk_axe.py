"""axe-core over the bureau's pages of results, on a wide screen and on a phone."""

import random

import pytest
from playwright.sync_api import Page

from survey.services.ballots import Electorate, Holder, cast_slips, pack_payload
from survey.services.ballots import Page as BallotPage
from survey.services.campaigns import move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.publications import prepare_publication, publish
from tests.ux.conftest import Site
from tests.ux.page_faults import broken_rules

pytestmark = pytest.mark.browser
Codes = dict[str, tuple[str, ...]]
PAGES = (
    "/results",
    "/results/{0}",
    "/results/{0}/student_teacher",
    "/results/{0}/parent_school",
    "/results/{0}/principal_department",
    "/results/{0}/student_teacher/targets",
    "/results/{0}/student_teacher/target/T100",
    "/results/{0}/student_teacher/items",
    "/results/{0}/student_teacher/item/T01",
    "/results/{0}/student_teacher/funnel",
    "/results/{0}/student_teacher/pairs",
    "/results/{0}/student_teacher/tests",
    "/results/{0}/student_teacher/method",
    "/results/{0}/response",
    "/results/{0}/school/101",
    "/results/{0}/find?q=T1",
    "/comparisons/{0}/student_teacher/choose",
    "/comparisons/{0}/student_teacher?target=T100&target=T101",
    "/results/{0}/exports",
    "/comments",
    "/comments/{0}",
    "/published",
    "/published/{0}",
    "/published/{0}/schools/101",
    "/receipts/{0}",
    "/balance/{0}",
)


@pytest.fixture
def published(site: Site, campaign: int, codes: Codes) -> int:
    """Everybody voted, some wrote; the results are out."""
    chance = random.Random(3)

    def fill(electorate: Electorate, _page: BallotPage) -> bytes:
        number = len(find_questionnaire(electorate.questionnaire_id).item_codes) * (len(electorate.targets) or 1)
        text = chance.choice(("", "食堂很好", "作业太多")) if electorate.relation == "parent_school" else ""
        return pack_payload(bytes(chance.choice((2, 3, 4, 4, 5)) for _item in range(number)), text=text)

    cast_slips((Holder(code=code), fill) for some in codes.values() for code in some)
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    prepare_publication(campaign, actor="test")
    publish(campaign, actor="test")
    return campaign


def test_the_pages_of_results_break_no_rule_of_axe(site: Site, desk: Page, published: int) -> None:
    faults, unanswered = {}, []
    for page in PAGES:
        address = page.format(published)
        desk.set_viewport_size({"width": 1280, "height": 800})
        reply = desk.goto(site.base + address)
        unanswered += [f"{address} {reply and reply.status}"] if not reply or reply.status != 200 else []
        faults[address] = broken_rules(desk)
        desk.set_viewport_size({"width": 360, "height": 640})
        faults[f"{address} on a phone"] = broken_rules(desk, "scrollable-region-focusable", "target-size")
    assert unanswered == []
    assert {page: found for page, found in faults.items() if found} == {}
