"""Charts of results in a real browser: drawn under the content policy, by this host alone, and printable."""

import pytest
from playwright.sync_api import Page

from tests.released import add_campaign, add_evaluation
from tests.ux.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def addresses(site: Site, county: object) -> list[str]:
    """A page with a chart of units and one with a chart of items."""
    campaign = add_campaign()
    add_evaluation(campaign, "student_teacher", targets=[(f"T{n}", f"10{1 + n % 2}") for n in range(8)])
    five = f"{site.base}/results/{campaign.id}/student_teacher"
    return [five, f"{five}/target/T0"]


def test_charts_are_drawn_without_a_request_to_another_host(site: Site, desk: Page, addresses: list[str]) -> None:
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    for address in addresses:
        desk.goto(address)
        desk.locator("figure[data-chart]").scroll_into_view_if_needed()
        desk.wait_for_selector("figure[data-drawn] .plot svg.main-svg")
        assert not desk.locator(".drawing").is_visible()
        assert desk.evaluate("document.documentElement.scrollWidth") <= 360
        assert desk.locator(".modebar-btn").count() == 1
    assert all(url.startswith((site.base, "data:", "blob:")) for url in asked)


def test_paper_shows_the_drawing_not_the_plot(desk: Page, addresses: list[str]) -> None:
    desk.goto(addresses[0])
    desk.locator("figure[data-chart]").scroll_into_view_if_needed()
    desk.wait_for_selector("figure[data-drawn]")
    desk.emulate_media(media="print")
    assert desk.locator(".drawing").is_visible()
    assert not desk.locator(".plot").is_visible()
