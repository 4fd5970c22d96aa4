"""A parent's way in a real browser: from the printed sheet over the QR to the receipt."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask_babel import get_babel
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import func, select

from survey import views
from survey.extensions import db
from survey.models.ballots import inbox
from survey.services.campaigns import move_campaign
from survey.services.slip_files import write_slips
from survey.services.slips import issue_slips
from tests.printed import qr_codes
from tests.ux.conftest import Site

pytestmark = pytest.mark.browser
Codes = dict[str, tuple[str, ...]]
CLASS = "S-101-七年级1班"
CHILDREN = "S-101-三年级1班"
PARENTS = "P-101-三年级1班"


def open_slip(page: Page, site: Site, code: str) -> None:
    page.goto(f"{site.base}/v#{code}")
    page.wait_for_selector("form[data-relation]")


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(inbox)) or 0


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
        decoded = {code.text for code in qr_codes(picture)}
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


def test_a_lost_reply_is_made_up_for_and_counted_once(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    posts: list[str] = []

    def lose_the_first_reply(route: Route) -> None:
        posts.append(route.request.post_data or "")
        if len(posts) == 1:
            route.fetch(max_redirects=0)
            route.abort()
        else:
            route.continue_()

    phone.route("**/v/page", lambda route: lose_the_first_reply(route) if route.request.method == "POST" else None)
    phone.locator("button[name=cast]").dblclick()
    expect(phone.locator("[data-receipt]")).to_be_visible(timeout=10_000)
    assert len(posts) == 2
    assert posts[0] == posts[1]
    assert waiting() == 1
    assert phone.evaluate("Object.keys(localStorage)") == []


def test_offline_the_answers_wait_on_the_page_and_go_by_themselves(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    phone.context.set_offline(True)
    phone.locator("button[name=cast]").click()
    expect(phone.locator(".state")).to_contain_text("没有网络")
    assert phone.locator("input:checked").count() == 10
    assert waiting() == 0
    phone.context.set_offline(False)
    expect(phone.locator("[data-receipt]")).to_be_visible(timeout=10_000)
    assert waiting() == 1


def test_a_foreign_page_in_between_is_no_answer(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    phone.route("**/v/page", lambda route: route.fulfill(status=200, body="<h1>hotel</h1>"), times=1)
    phone.locator("button[name=cast]").click()
    expect(phone.locator("[data-receipt]")).to_be_visible(timeout=10_000)


def test_after_a_power_cut_the_answers_are_back_and_no_code_is_stored(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    phone.fill("textarea", "食堂很好")
    stored = phone.evaluate("JSON.stringify(localStorage)")
    hidden = phone.locator("input[name=code]").input_value()
    assert codes[PARENTS][0] not in stored
    assert hidden not in stored
    context = phone.context
    phone.close()
    again = context.new_page()
    open_slip(again, site, codes[PARENTS][0])
    expect(again.locator(".restored")).to_be_visible()
    assert again.locator("input:checked").count() == 10
    assert again.input_value("textarea") == "食堂很好"


def test_a_reloaded_page_that_comes_back_as_another_slips_receipt_is_told(
    site: Site, codes: Codes, phone: Page
) -> None:
    """Two children's slips on one phone: the browser knows one of them only."""
    sibling = phone.context.new_page()
    open_slip(sibling, site, codes[PARENTS][1])
    phone.bring_to_front()
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    phone.locator("button[name=cast]").click()
    phone.wait_for_selector("[data-receipt]")
    expect(phone.locator(".other")).to_be_hidden()
    sibling.bring_to_front()
    sibling.reload()
    expect(sibling.locator(".other")).to_be_visible()
    sibling.reload()
    expect(sibling.locator(".other")).to_be_visible()
    open_slip(sibling, site, codes[PARENTS][1])
    answer_everything(sibling)
    sibling.locator("button[name=cast]").click()
    sibling.wait_for_selector("[data-receipt]")
    expect(sibling.locator(".other")).to_be_hidden()
    assert waiting() == 2
    # The first one is done: what it comes back as is nothing to worry about.
    phone.bring_to_front()
    phone.reload()
    expect(phone.locator(".done")).to_be_visible()
    expect(phone.locator(".other")).to_be_hidden()


def test_a_reloaded_page_that_comes_back_as_another_slips_page_is_told(site: Site, codes: Codes, phone: Page) -> None:
    sibling = phone.context.new_page()
    open_slip(sibling, site, codes[PARENTS][1])
    expect(sibling.locator(".other")).to_be_hidden()
    open_slip(phone, site, codes[PARENTS][0])
    sibling.reload()
    expect(sibling.locator(".other")).to_be_visible()
    open_slip(sibling, site, codes[PARENTS][1])
    expect(sibling.locator(".other")).to_be_hidden()


@pytest.mark.parametrize("steps", [("k", "kj", "kjc", "kjcr"), ("k", "k'j", "k'j'c", "k'j'c'r", "kjcr")])
def test_a_keyboard_that_composes_types_every_letter_once(site: Site, phone: Page, steps: tuple[str, ...]) -> None:
    phone.goto(f"{site.base}/v")
    phone.focus("[name=code]")
    keyboard = phone.context.new_cdp_session(phone)
    for word in ("kjcr", "2468"):
        for step in steps if word == "kjcr" else (word[:2], word):
            composed = {"text": step, "selectionStart": len(step), "selectionEnd": len(step)}
            keyboard.send("Input.imeSetComposition", composed)
        keyboard.send("Input.insertText", {"text": word})
    assert phone.input_value("[name=code]") == "KJCR 2468"


def test_the_other_tab_is_told_that_the_first_answers_count(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    other = phone.context.new_page()
    open_slip(other, site, codes[PARENTS][0])
    # In front, for a browser leaves a tab behind another nearly no time.
    for tab in (other, phone):
        tab.bring_to_front()
        answer_everything(tab)
    phone.locator("button[name=cast]").click()
    phone.wait_for_selector("[data-receipt]")
    other.bring_to_front()
    other.locator("button[name=cast]").click()
    expect(other.locator("[role=alert] h1")).to_be_visible()
    assert waiting() == 1
    assert other.evaluate("Object.keys(localStorage)") == []


def test_a_close_in_between_ends_the_trying_with_a_sentence(
    site: Site, codes: Codes, campaign: int, phone: Page
) -> None:
    open_slip(phone, site, codes[PARENTS][0])
    answer_everything(phone)
    move_campaign(campaign, "closed", actor="test")
    phone.locator("button[name=cast]").click()
    expect(phone.locator(".message.closed")).to_be_visible()
    assert phone.evaluate("document.activeElement.getAttribute('role')") == "alert"


def test_a_pupil_needs_one_tap_an_item_and_one_a_page(site: Site, codes: Codes, phone: Page) -> None:
    open_slip(phone, site, codes[CHILDREN][0])
    for place in (1, 2, 3):
        expect(phone.locator(".place")).to_have_text(f"第 {place}/3 位老师")
        answer_everything(phone)
        phone.locator("button[name=cast]").click()
    expect(phone.locator("[data-receipt]")).to_be_visible()
    assert phone.url.endswith("/v/receipt")


def test_a_shared_tablet_keeps_nothing_of_a_pupil(site: Site, codes: Codes, phone: Page) -> None:
    phone.goto(f"{site.base}/v?shared=1")
    open_slip(phone, site, codes[CHILDREN][0])
    for _place in range(3):
        answer_everything(phone)
        assert phone.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
        phone.locator("button[name=cast]").click()
        expect(phone.locator("input:checked")).to_have_count(0)
    phone.locator("a.next").click()
    phone.wait_for_selector("form[data-entry]")
    assert {cookie["name"] for cookie in phone.context.cookies()} == {"shared"}
    phone.go_back()
    phone.wait_for_selector("form[data-entry]")


def test_a_tablet_left_standing_counts_down_and_starts_again(site: Site, codes: Codes, phone: Page) -> None:
    phone.clock.install()
    phone.goto(f"{site.base}/v?shared=1")
    open_slip(phone, site, codes[CHILDREN][0])
    phone.clock.run_for(75_000)
    expect(phone.locator(".idle")).to_be_visible()
    phone.locator(".idle button").click()
    expect(phone.locator(".idle")).to_be_hidden()
    phone.clock.run_for(95_000)
    phone.wait_for_selector("form[data-entry]")


@pytest.mark.parametrize("language", ["ug", "bo"])
def test_a_new_language_needs_a_catalogue_only(
    site: Site, codes: Codes, phone: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    words = dict.fromkeys(("Submit", "Submit, next teacher"), {"ug": "يوللاش", "bo": "སྤྲོད་པ།"}[language])
    folder = tmp_path / language / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = Catalog(locale=language)
    for source, text in words.items():
        catalogue.add(source, text)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    babel = get_babel(site.app)
    # What another test found for this language, nothing, is remembered beyond it.
    monkeypatch.setattr(babel.instance.domain_instance, "cache", {})
    monkeypatch.setattr(babel, "translation_directories", [str(tmp_path)])
    monkeypatch.setattr(babel.instance.domain_instance, "_translation_directories", [str(tmp_path)], raising=False)
    monkeypatch.setattr(views, "LANGUAGES", (*views.LANGUAGES, language))
    phone.context.add_cookies([{"name": "language", "value": language, "url": site.base}])
    for group in (CHILDREN, PARENTS, "H-BUREAU"):
        open_slip(phone, site, codes[group][0])
        assert phone.get_attribute("html", "dir") == ("rtl" if language == "ug" else "ltr")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        assert phone.locator("button[name=cast]").inner_text() == words["Submit"]
        boxes = phone.evaluate("""[...document.querySelectorAll('fieldset label:not(.none)')].slice(0, 5).map(label => {
            const input = label.querySelector('input').getBoundingClientRect();
            const text = label.querySelector('span').getBoundingClientRect();
            return [input.left - text.left, text.right - input.right]; })""")
        leading = 1 if language == "ug" else 0
        assert all(0 <= box[leading] <= box[1 - leading] + 1 for box in boxes)


def test_type_at_two_and_a_half_times_clips_nothing(site: Site, codes: Codes, phone: Page) -> None:
    for group in (CHILDREN, PARENTS, "H-BUREAU"):
        open_slip(phone, site, codes[group][0])
        phone.evaluate("document.documentElement.style.fontSize = '260%'")
        clipped = phone.evaluate("""[...document.querySelectorAll('main *')].filter(e => e.clientWidth
            && !e.matches('.spoken, input, progress')
            && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
            && getComputedStyle(e).overflow !== 'visible').map(e => e.tagName + e.className)""")
        assert clipped == []
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
