"""A shop that tells of `purchase` gets to know its people: from Live to somebody who is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.visitor import loaded
from tests.served import Served, serving

pytestmark = pytest.mark.browser
SECOND = 1000  # ms
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
BUY = "number => volano.track('purchase', {transaction_id: `t${number}`, value: 30, currency: 'USD'})"
SAY = "() => volano.identify('wanda', {email: 'wanda@shop.example'})"


PASSWORD = "correct horse battery"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Served]:
    """A server with a new home and a password."""
    with serving(tmp_path / "home") as served:
        yield served


def shop(browser: Browser, house: Served) -> None:
    """Wanda buys, says who she is, and buys again, with a browser that nobody takes for a bot."""
    context = browser.new_context(user_agent=WINDOWS)
    tag = f'<script async src="/t.js" data-key="{house.key}"></script>'
    page = context.new_page()
    page.route("**/lamps", lambda route: route.fulfill(body=tag, content_type="text/html"))
    page.goto(f"{house.address}/lamps")
    loaded(page)
    page.evaluate(BUY, 1)
    page.evaluate(SAY)
    page.evaluate(BUY, 2)
    with page.expect_response("**/v1/b"):
        page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    context.close()


def tile(page: Page, name: str) -> Locator:
    """A number of somebody."""
    return page.locator(".tile", has=page.get_by_text(name, exact=True)).locator(".v")


def test_a_shop_maps_a_name_and_its_owner_corrects_and_forgets_somebody(
    browser: Browser, page: Page, house: Served
) -> None:
    page.set_default_timeout(60 * SECOND)
    expect.set_options(timeout=60 * SECOND)
    page.goto(house.setup)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing has come in yet")

    shop(browser, house)
    arrived = page.locator("li", has_text="purchase")
    expect(arrived).to_have_count(2)  # without a reload

    page.goto(house.address)
    flagged = page.locator(".card", has_text="“purchase” is probably Order Completed")
    flagged.get_by_role("link", name="Look at the last ten").click()
    expect(page.get_by_role("heading", name="The last 2, before and after")).to_be_visible()
    expect(page.locator("#examples")).to_contain_text("$30.00")
    page.get_by_label("What is it?").fill("Order Complete")
    expect(page.locator("#examples")).to_contain_text("is no standard event")
    page.get_by_label("What is it?").fill("Order Completed")
    expect(page.locator("#examples")).to_contain_text("$30.00")
    page.get_by_role("button", name="Save, and read the past so").click()
    expect(page.get_by_role("status").filter(has_text="The past is being read")).to_be_visible()
    expect(page.locator("article", has_text="comes in as Order Completed")).to_be_visible()

    for _ in range(60):
        page.goto(f"{house.address}/people?q=wanda@shop.example")
        if tile(page, "Orders").inner_text() == "2":
            break
        page.wait_for_timeout(SECOND)
    expect(tile(page, "Orders")).to_have_text("2")
    expect(page.locator("li", has_text="Order Completed")).to_have_count(2)

    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_role("status").filter(has_text="somebody of its own")).to_be_visible()
    expect(tile(page, "Orders")).to_have_text("1")

    page.get_by_text("Forget this person").click()
    page.get_by_label("Type forget to go on").fill("forget")
    page.get_by_role("button", name="Forget for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 person is forgotten")
    page.goto(f"{house.address}/people?q=wanda@shop.example")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody is known")
