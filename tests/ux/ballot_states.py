"""Every state in which a respondent can meet a page, each as a way there; shared by the tests that look at all."""

import secrets
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from survey.errors import Unavailable
from survey.extensions import db
from survey.models.campaigns import RaterGroup
from survey.services import ballots, open_channel
from survey.services.ballots import Holder, cast, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.slips import issue_slips, new_code, reissue_slips
from survey.views import ballots as view
from tests.ux.standing import (
    CHILDREN,
    JOINT,
    KINDERGARTEN,
    PARENTS,
    PRINCIPALS,
    PUPILS,
    TEACHERS,
    Standing,
    make_campaign,
)

State = Callable[[Page, Standing], None]
ANSWER = """document.querySelectorAll('fieldset').forEach((item, place) => {
    const inputs = item.querySelectorAll('input');
    inputs[place % inputs.length].click();
})"""


def answer(page: Page) -> None:
    """Tap one answer in every item."""
    page.evaluate(ANSWER)


def send_without_script(page: Page) -> None:
    """Send the form as a browser without JavaScript does."""
    with page.expect_navigation():
        page.evaluate("document.querySelector('form[data-relation]').submit()")


def _ballot(group: str) -> State:
    def go(page: Page, site: Standing) -> None:
        site.open(page, group)

    return go


def _incomplete(group: str) -> State:
    def go(page: Page, site: Standing) -> None:
        site.open(page, group)
        page.locator("fieldset label").first.click()
        page.locator("button[name=cast]").click()
        page.wait_for_selector(".summary a")

    return go


def _address(path: str, selector: str = "h1") -> State:
    def go(page: Page, site: Standing) -> None:
        page.goto(site.base + path)
        page.wait_for_selector(selector)

    return go


def _wrong_code(page: Page, site: Standing) -> None:
    page.goto(f"{site.base}/v#{new_code()}")
    page.wait_for_selector("[role=alert]")


def _restored(page: Page, site: Standing) -> None:
    site.open(page, PARENTS)
    answer(page)
    page.reload()
    page.wait_for_selector(".restored:not([hidden])")


def _offline(page: Page, site: Standing) -> None:
    site.open(page, PARENTS)
    answer(page)
    page.context.set_offline(True)
    page.locator("button[name=cast]").click()
    page.wait_for_selector(".state:not([hidden])")


def _receipt(page: Page, site: Standing) -> None:
    site.open(page, PARENTS)
    answer(page)
    page.locator("button[name=cast]").click()
    page.wait_for_selector("[data-receipt]")


def _shared_receipt(page: Page, site: Standing) -> None:
    page.goto(f"{site.base}/v?shared=1")
    _receipt(page, site)


def _shared_page(page: Page, site: Standing) -> None:
    page.goto(f"{site.base}/v?shared=1")
    site.open(page, CHILDREN)


def _idle(page: Page, site: Standing) -> None:
    _shared_page(page, site)
    page.evaluate("document.querySelector('.idle').hidden = false; document.querySelector('.idle b').textContent = 17")


def _used(page: Page, site: Standing) -> None:
    code = site.open(page, PARENTS)
    answer(page)
    with site.app.app_context():
        cast(Holder(code=code), target_code="101", form=secrets.token_hex(16), payload=pack_payload(bytes([4] * 10)))
    page.locator("button[name=cast]").click()
    page.wait_for_selector(".message.used")


def _enter(page: Page, site: Standing, code: str, kind: str) -> None:
    page.goto(f"{site.base}/v#{code}")
    page.wait_for_selector(f".message.{kind}")


def _code_of(site: Standing, year: int, *states: str) -> str:
    """Return a code of another campaign that has come so far; made at the first use, issued while that is possible."""
    if str(year) not in site.codes:
        number = make_campaign(year)
        groups = issue_slips(number, actor="test")
        for state in states:
            move_campaign(number, state, actor="test")
        site.codes[str(year)] = [code for group in groups if group.group == PARENTS for code in group.codes]
    return site.take(str(year))


def _not_open(page: Page, site: Standing) -> None:
    _enter(page, site, _code_of(site, 2028), "not_open")


def _closed(page: Page, site: Standing) -> None:
    _enter(page, site, _code_of(site, 2027, "open", "closed"), "closed")


def _voided(page: Page, site: Standing) -> None:
    code = site.take(JOINT)
    site.codes[JOINT][:] = reissue_slips(site.campaign, JOINT, actor="test").codes
    _enter(page, site, code, "voided")


def _unknown(page: Page, site: Standing) -> None:
    page.context.add_cookies([{"name": "v", "value": "nonsense", "url": f"{site.base}/v/page"}])
    page.goto(f"{site.base}/v/page")
    page.wait_for_selector(".message.unknown")


def _throttled(page: Page, site: Standing) -> None:
    page.goto(f"{site.base}/v")
    view._wrong["127.0.0.1"] = [time.monotonic()] * view.MOST_WRONG
    page.fill("[name=code]", new_code())
    page.locator("button[type=submit]").click()
    page.wait_for_selector(".message.throttled")
    view._wrong.clear()


def _busy(page: Page, site: Standing) -> None:
    def refuse(*_args: object, **_more: object) -> bool:
        raise Unavailable("busy")

    site.open(page, PARENTS)
    answer(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ballots, "cast", refuse)
        send_without_script(page)
    page.wait_for_selector(".message.busy")


def _open_link(page: Page, site: Standing) -> None:
    number = db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == "open").order_by(RaterGroup.id)).first()
    db.session.rollback()
    page.goto(f"{site.base}/o/{number}")
    page.wait_for_selector("form[data-relation]")


def _crowded(page: Page, site: Standing) -> None:
    _open_link(page, site)
    answer(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_channel.BY_ADDRESS, "most", 0)
        send_without_script(page)
    page.wait_for_selector(".message.crowded")


def _open_receipt(page: Page, site: Standing) -> None:
    _open_link(page, site)
    answer(page)
    page.locator("button[name=cast]").click()
    page.wait_for_selector("[data-receipt]")


STATES: dict[str, State] = {
    "code page": _address("/v"),
    "wrong code": _wrong_code,
    "page lost": _address("/v?lost=1"),
    "pupil": _ballot(PUPILS),
    "child": _ballot(CHILDREN),
    "parent": _ballot(PARENTS),
    "joint": _ballot(JOINT),
    "kindergarten": _ballot(KINDERGARTEN),
    "teacher": _ballot(TEACHERS),
    "departments": _ballot(PRINCIPALS),
    "child incomplete": _incomplete(CHILDREN),
    "parent incomplete": _incomplete(PARENTS),
    "departments incomplete": _incomplete(PRINCIPALS),
    "draft restored": _restored,
    "offline": _offline,
    "receipt": _receipt,
    "open link": _open_link,
    "open receipt": _open_receipt,
    "shared code page": _address("/v?shared=1", ".together"),
    "shared child": _shared_page,
    "shared idle": _idle,
    "shared receipt": _shared_receipt,
    "not open": _not_open,
    "unknown": _unknown,
    "used": _used,
    "closed": _closed,
    "voided": _voided,
    "crowded": _crowded,
    "throttled": _throttled,
    "busy": _busy,
    "token page": _address("/t"),
    "promise": _address("/promise"),
    "told how to answer": _address("/v/pressure"),
}
