"""A teacher's way in a real browser: log in, have a token signed blindly, log out, vote with it on another device."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, Request
from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import RaterGroup
from survey.models.tokens import TokenKey, token_issue
from survey.queries.accounts import account_id
from survey.services.accounts import change_password
from survey.services.balance import balance_of
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.staff_accounts import add_staff_account
from survey.services.tokens import read_token
from tests.printed import qr_codes
from tests.services import rfc9474
from tests.ux.conftest import Site
from tests.ux.test_phone import answer_everything

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parents[2] / "survey" / "static" / "tokens.js"
PASSWORD = "a long enough password"


@pytest.fixture
def group(county: Flask) -> int:
    """The electorate of teacher T100 in an open campaign with tokens."""
    number, _made = create_campaign(
        name="盲签", year=2026, template="five", first_day=None, last_day=None, actor="test", tokens=True
    )
    for state in ("ready", "open"):
        move_campaign(number, state, actor="test")
    made = add_staff_account("T100", staff_code="T100", actor="test")
    account = account_id("T100")
    assert account is not None
    change_password(account, old=made.first_password, new=PASSWORD)
    return db.session.scalars(select(RaterGroup.id).where(RaterGroup.code == "T-101")).one()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A wide browser of its own; it fails the test on a script error or a breach of the content policy."""
    context = browser.new_context(viewport={"width": 1024, "height": 800}, locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def log_in(page: Page, site: Site) -> None:
    page.goto(f"{site.base}/login")
    page.fill("[name=name]", "T100")
    page.fill("[name=password]", PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/tokens")


def fetch(page: Page, site: Site, group: int) -> str:
    """Fetch a token; return its letters."""
    page.goto(f"{site.base}/tokens/{group}")
    page.locator("[data-fetch]").click()
    page.locator("[data-result]").wait_for()
    return "".join(page.locator("[data-token]").input_value().split())


def scan(page: Page) -> str:
    page.set_viewport_size({"width": 1024, "height": 1600})
    with Image.open(BytesIO(page.locator("[data-qr]").screenshot())) as picture:
        codes = qr_codes(picture)
    return codes[0].text


def vote(page: Page) -> str:
    page.wait_for_selector("form[data-relation=teacher_principal]")
    answer_everything(page)
    page.locator("button[name=cast]").click()
    page.wait_for_selector("[data-receipt]")
    return page.locator("[data-receipt]").get_attribute("data-receipt") or ""


def test_a_token_is_fetched_shown_scanned_and_votes_elsewhere(site: Site, desk: Page, phone: Page, group: int) -> None:
    sent: list[str] = []
    desk.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    log_in(desk, site)
    letters = fetch(desk, site, group)
    token = read_token(letters)
    assert token is not None
    assert desk.locator("[data-code]").inner_text().replace(" ", "") == token.code
    assert scan(desk) == f"{site.base.upper()}/T#{letters}"
    assert desk.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    # Nothing that the browser sent while it was logged in holds a piece of the token.
    pieces = {letters[at : at + 12] for at in range(24, len(letters) - 12, 12)} | {letters[-12:]}
    assert not [text for text in sent if any(piece in text for piece in pieces) or token.code in text]

    cookies: list[str] = []
    phone.on("request", lambda request: cookies.append(request.headers.get("cookie", "")))
    phone.goto(f"{site.base}/T#{letters}")
    assert "#" not in phone.url
    phone.locator("button[type=submit]").click()
    assert len(vote(phone)) == 10
    assert not [text for text in cookies if "desk" in text or "visit" in text]

    phone.goto(f"{site.base}/v")
    phone.fill("[name=code]", token.code)
    phone.locator("button[type=submit]").click()
    phone.wait_for_selector("[data-receipt]")
    assert balance_of(1).faults == ()


def test_logging_out_leads_to_the_vote_in_the_same_browser(site: Site, desk: Page, group: int) -> None:
    log_in(desk, site)
    letters = fetch(desk, site, group)
    desk.locator("[data-vote]").click()
    desk.wait_for_url("**/t")
    assert {cookie["name"] for cookie in desk.context.cookies()} & {"desk", "visit"} == set()
    assert desk.locator("[name=token]").input_value() == letters
    desk.locator("button[type=submit]").click()
    vote(desk)


@pytest.mark.parametrize("width", [360, 1280])
def test_no_letter_of_a_token_is_cut_off_on_screen_or_paper(site: Site, desk: Page, group: int, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 800})
    log_in(desk, site)
    letters = fetch(desk, site, group)
    assert desk.evaluate("(area => area.scrollHeight <= area.clientHeight)(document.querySelector('[data-token]'))")
    desk.emulate_media(media="print")
    assert "".join(desk.locator("[data-printed]").inner_text().split()) == letters
    assert not desk.locator("[data-token]").is_visible()


def test_the_page_of_a_right_that_was_taken_has_no_fault(site: Site, desk: Page, group: int) -> None:
    faults: list[str] = []
    desk.on("pageerror", lambda error: faults.append(str(error)))
    log_in(desk, site)
    fetch(desk, site, group)
    desk.goto(f"{site.base}/tokens/{group}")
    assert (desk.locator("[data-fetch]").count(), faults) == (0, [])


def test_a_token_is_kept_on_the_device_only_when_asked(site: Site, desk: Page, group: int) -> None:
    log_in(desk, site)
    letters = fetch(desk, site, group)
    desk.locator("[data-store]").check()
    desk.goto(f"{site.base}/t")
    desk.locator("[data-choose]:visible").click()
    assert desk.locator("[name=token]").input_value() == letters
    desk.locator("[data-forget]").click()
    assert desk.evaluate("Object.keys(localStorage).length") == 0


def test_a_lost_reply_is_asked_for_again_with_the_same_message(site: Site, desk: Page, group: int) -> None:
    log_in(desk, site)
    desk.goto(f"{site.base}/tokens/{group}")
    messages: list[str] = []

    def lose_first(route: object, request: Request) -> None:
        messages.append(request.post_data or "")
        reply = route.fetch()  # type: ignore[attr-defined]
        if len(messages) == 1:
            route.abort()  # type: ignore[attr-defined]
        else:
            route.fulfill(response=reply)  # type: ignore[attr-defined]

    desk.route("**/sign", lose_first)
    desk.locator("[data-fetch]").click()
    desk.locator("[data-result]").wait_for()
    assert len(messages) == 2
    assert messages[0] == messages[1]
    db.session.rollback()
    assert len(db.session.execute(select(token_issue)).all()) == 1


def test_a_key_made_for_one_person_is_found_out(site: Site, desk: Page, group: int) -> None:
    log_in(desk, site)
    other = bytes(next(k for k in db.session.scalars(select(TokenKey)) if k.group_id != group).public_key)
    db.session.rollback()
    desk.goto(f"{site.base}/tokens/{group}")
    desk.evaluate("key => { document.querySelector('[data-token-page]').dataset.key = key; }", other.hex())
    desk.locator("[data-fetch]").click()
    desk.wait_for_function("document.querySelector('[data-status]').textContent.length > 10")
    assert desk.locator("[data-result]").is_hidden()
    db.session.rollback()
    assert db.session.execute(select(token_issue)).all() == []


@pytest.mark.parametrize("lacking", ["window.BigInt", "crypto.__proto__.subtle", "javascript"])
def test_where_the_means_are_missing_paper_is_offered(site: Site, browser: Browser, group: int, lacking: str) -> None:
    context = browser.new_context(java_script_enabled=lacking != "javascript", locale="zh-CN")
    page = context.new_page()
    owner, _dot, name = lacking.rpartition(".")
    if owner:
        page.add_init_script(f"Object.defineProperty({owner}, '{name}', {{ value: undefined }})")
    log_in(page, site)
    page.goto(f"{site.base}/tokens/{group}")
    assert page.locator("[data-fetch]").is_hidden()
    page.locator("details.act summary").click()
    page.locator("details.act button[type=submit]").click()
    page.wait_for_url("**/tokens")
    context.close()
    db.session.rollback()
    assert db.session.execute(select(token_issue.c.staff_code, token_issue.c.paper)).all() == [("T100", 1)]


def test_the_script_meets_the_vector_of_the_rfc(site: Site, desk: Page, county: Flask) -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    opened = re.sub(r"\}\)\(\);\s*$", "window.made = { blind, finalize };\n})();", text)
    assert opened != text
    desk.goto(f"{site.base}/healthz")
    n = int(rfc9474.P, 16) * int(rfc9474.Q, 16)
    der = RSAPublicNumbers(65537, n).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    factor = pow(int(rfc9474.INV, 16), -1, n)
    given = {
        "der": der.hex(),
        "msg": rfc9474.MSG,
        "prefix": rfc9474.MSG_PREFIX,
        "salt": rfc9474.SALT,
        "factor": hex(factor),
        "answer": rfc9474.BLIND_SIG,
    }
    desk.evaluate(opened)
    made = desk.evaluate(
        """async (given) => {
          const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
          const hex = (list) => Array.from(list, (byte) => byte.toString(16).padStart(2, '0')).join('');
          const chosen = { prefix: bytes(given.prefix), salt: bytes(given.salt), factor: BigInt(given.factor) };
          const made = await window.made.blind(bytes(given.der), bytes(given.msg), chosen);
          const signature = await window.made.finalize(bytes(given.der), made, bytes(given.answer));
          return [hex(made.blinded), made.inverse.toString(16), hex(signature)];
        }""",
        given,
    )
    assert made == [rfc9474.BLINDED_MSG, rfc9474.INV, rfc9474.SIG]
