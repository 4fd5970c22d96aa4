"""Every state of a respondent's pages in a real browser: three languages, light and dark, normal and large type."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.ux.ballot_states import STATES
from tests.ux.page_faults import broken_rules, clipped, faint_texts, hidden_focus, small_targets
from tests.ux.standing import CHILDREN, PARENTS, PRINCIPALS, Standing, right_to_left, standing_site

pytestmark = pytest.mark.browser
NORMAL, LARGE = 44, 60
# Whose layout differs; the other states are one of these with other words.
LAYOUTS = ("code page", "child", "parent", "departments", "parent incomplete", "receipt", "shared child", "closed")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder = tmp_path_factory.mktemp("matrix")
    with standing_site(folder) as site, right_to_left(site.app, folder / "words"):
        yield site


@pytest.mark.parametrize(
    "state", [pytest.param(state, marks=() if state in LAYOUTS else pytest.mark.thorough) for state in STATES]
)
def test_a_state_is_fit_for_everybody(place: Standing, phone: Page, state: str) -> None:
    STATES[state](phone, place)
    phone.context.set_offline(False)
    faults = {"axe": broken_rules(phone), "contrast": faint_texts(phone)}
    faults["targets"] = small_targets(phone, least=NORMAL)
    phone.emulate_media(color_scheme="dark")
    faults["dark"] = [*broken_rules(phone, "color-contrast"), *faint_texts(phone)]
    phone.emulate_media(color_scheme="light")
    phone.set_viewport_size({"width": 320, "height": 640})
    faults["320 px"] = clipped(phone)
    phone.evaluate("document.documentElement.style.fontSize = '260%'")
    faults["type × 2.6"] = clipped(phone)
    phone.evaluate("document.documentElement.style.fontSize = ''")
    phone.locator("a.size").click()
    faults["large"] = [*clipped(phone), *small_targets(phone, least=LARGE)]
    faults["large, axe"] = broken_rules(phone, "color-contrast", "target-size")
    assert phone.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 23
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    ("language", "direction"), [pytest.param("en", "ltr", marks=pytest.mark.thorough), ("ug", "rtl")]
)
@pytest.mark.parametrize("state", LAYOUTS)
def test_a_state_is_fit_in_another_language(
    place: Standing, phone: Page, state: str, language: str, direction: str
) -> None:
    phone.context.add_cookies([{"name": "language", "value": language, "url": place.base}])
    phone.set_viewport_size({"width": 320, "height": 640})
    STATES[state](phone, place)
    assert phone.get_attribute("html", "dir") == direction
    faults = {"axe": broken_rules(phone), "targets": small_targets(phone, least=NORMAL), "320 px": clipped(phone)}
    phone.locator("a.size").click()
    faults |= {"large": [*clipped(phone), *small_targets(phone, least=LARGE)]}
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_link_opened_over_a_refusal_leads_to_its_ballot(place: Standing, phone: Page) -> None:
    STATES["closed"](phone, place)
    place.open(phone, PARENTS)


@pytest.mark.parametrize("group", [CHILDREN, PARENTS, PRINCIPALS])
def test_the_keyboard_always_sees_where_it_is(place: Standing, phone: Page, group: str) -> None:
    place.open(phone, group)
    assert hidden_focus(phone) == []
