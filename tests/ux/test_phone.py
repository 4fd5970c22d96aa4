"""A parent's way in a real browser: from the printed sheet over the QR to the receipt."""

from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from survey.services.printing import write_slips
from survey.services.slips import issue_slips
from tests.ux.conftest import Site

pytestmark = pytest.mark.browser


def answer_everything(page: Page) -> None:
    for fieldset in page.locator("fieldset").all():
        fieldset.locator("label").first.click()


def test_a_printed_slip_leads_to_a_receipt(
    site: Site, campaign: int, browser: Browser, phone: Page, tmp_path: Path
) -> None:
    groups = [group for group in issue_slips(campaign, actor="test") if group.group == "P-101-三年级1班"]
    sheet = next(
        path
        for path in write_slips(groups, campaign_id=campaign, directory=tmp_path / "slips")
        if path.suffix == ".html"
    )
    printed = browser.new_page(viewport={"width": 794, "height": 1123}, device_scale_factor=2)
    printed.goto(sheet.as_uri())
    printed.screenshot(path=tmp_path / "sheet.png", full_page=True)
    printed.close()
    with Image.open(tmp_path / "sheet.png") as picture:
        decoded = {code.text for code in zxingcpp.read_barcodes(picture)}
    assert decoded == {f"{site.base.upper()}/V#{code}" for code in groups[0].codes}

    phone.goto(decoded.pop())
    phone.wait_for_selector("form[data-relation=parent_school]")
    assert "#" not in phone.url
    assert phone.locator("input:checked").count() == 0
    answer_everything(phone)
    phone.locator("button[name=cast]").click()
    phone.wait_for_selector("[data-receipt]")
    receipt = phone.locator("[data-receipt]").get_attribute("data-receipt")
    assert len(receipt or "") == 10


@pytest.mark.parametrize("width", [320, 360])
def test_no_page_scrolls_sideways(site: Site, codes: dict[str, tuple[str, ...]], phone: Page, width: int) -> None:
    phone.set_viewport_size({"width": width, "height": 640})
    for group in ("S-101-三年级1班", "S-101-七年级1班", "H-BUREAU", "P-101-一年级1班"):
        for big in ("", "?big=1"):
            phone.goto(f"{site.base}/v{big}#{codes[group][0]}")
            phone.wait_for_selector("form[data-relation]")
            assert phone.evaluate("document.documentElement.scrollWidth") <= width
            heights = phone.evaluate("[...document.querySelectorAll('fieldset label')].map(l => l.offsetHeight)")
            assert min(heights) >= (60 if big else 44)


def test_an_incomplete_page_says_what_is_missing_and_keeps_the_rest(
    site: Site, codes: dict[str, tuple[str, ...]], phone: Page
) -> None:
    phone.goto(f"{site.base}/v#{codes['S-101-七年级1班'][0]}")
    phone.wait_for_selector("form[data-relation]")
    answer_everything(phone)
    phone.reload()
    phone.wait_for_selector("form[data-relation]")
    assert phone.locator("input:checked").count() == 8
    phone.evaluate("document.querySelectorAll('input[name=\"a.T02\"]').forEach(i => i.checked = false)")
    phone.locator("button[name=cast]").click()
    phone.wait_for_selector(".summary a")
    assert phone.locator(".summary a").count() == 1
    assert phone.locator("input:checked").count() == 7
