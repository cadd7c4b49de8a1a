"""The console in a real browser: phones and desks, light and dark, preview, fragments, keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import MODES, looked_over, served, sign_in
from tests.web.shop import DRAFT, LIVE, full_house
from tests.web.visitor import Clock
from volano.domain.idea import Idea
from volano.web.app import App, create_app
from volano.wiring import House

pytestmark = pytest.mark.browser

PATHS = (
    "/",
    "/plan",
    "/plan?by=landing",
    "/ideas",
    "/campaigns",
    f"/campaigns/{DRAFT.key}",
    f"/campaigns/{LIVE.key}",
    "/results",
    "/settings",
    "/settings/keys",
)


@pytest.fixture
def house() -> House:
    """A full shop of its own."""
    return full_house()


@pytest.fixture
def app(house: House) -> App:
    """The edge of that house."""
    return create_app(house, now=Clock())


@pytest.fixture
def address(app: App) -> Iterator[str]:
    """Where its console answers."""
    with served(app) as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_no_page_scrolls_sideways_and_words_and_buttons_can_be_seen_and_hit(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    looked_over(browser, address, PATHS, width=width, scheme=scheme)


def test_the_preview_is_drawn_by_the_real_tag_and_follows_the_form(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/campaigns/{DRAFT.key}")
    preview = page.get_by_role("group", name="Preview of Variant A")
    expect(preview.locator("dialog")).to_contain_text("Take 10 % off your basket")
    page.get_by_label("Headline").fill("Only <b>today</b>")
    expect(preview.locator("dialog h2")).to_have_text("Only <b>today</b>")
    page.get_by_label("Bar", exact=True).check()
    expect(preview.locator("section")).to_contain_text("Only <b>today</b>")


def test_the_wheel_turns_by_hand_from_leak_to_live_campaign(page: Page, address: str) -> None:
    sign_in(page, address)
    page.get_by_role("link", name="Plan").click()
    page.get_by_role("button", name="Make an idea").first.click()
    expect(page).to_have_url(f"{address}/ideas#l1a2b3.free-delivery-bar")
    card = page.locator("article").filter(has_text="Free-delivery bar for people from Instagram")
    card.get_by_role("button", name="Make a campaign").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status").filter(has_text="It is live")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Publish")).to_be_visible()


def test_today_follows_what_happens_without_a_reload(
    page: Page, address: str, house: House, app: App
) -> None:
    page.clock.install()
    sign_in(page, address)
    page.evaluate("window.here = true")
    expect(page.get_by_text("What to try next")).to_be_visible()
    for idea in house.state.find(Idea):
        house.state.drop(Idea, idea.key)
    app.turning.touched()
    page.clock.run_for(5_100)
    expect(page.get_by_text("What to try next")).to_be_hidden()
    assert page.evaluate("window.here")


def test_the_first_tab_leads_to_the_page_and_focus_can_be_seen(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/plan")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_password_can_be_shown_while_it_is_typed(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    field = page.get_by_label("Password", exact=True)
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_attribute("type", "password")
