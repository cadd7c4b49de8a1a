"""The whole wheel in a real browser: the demo as a newcomer sees it, from Today to Results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
SECOND = 1000  # ms
GUESTS = 12  # each draws an arm anew; the chance that all of them draw the control is 1 in 4,096


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("walk")
    words = ["demo", "--people", "9000", "--days", "50", "--pace", "3", "--port", "0", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "volano", *words, "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
        server.terminate()


def sign_in(page: Page, demo: dict[str, Any]) -> None:
    page.goto(demo["address"])
    page.fill("#password", demo["password"])
    page.get_by_role("button", name="Sign in").click()


def shop_until_shown(browser: Browser, demo: dict[str, Any]) -> bool:
    """Come in as one after the other from Instagram until somebody's checkout shows the campaign."""
    for _ in range(GUESTS):
        context = browser.new_context()
        page = context.new_page()
        page.goto(demo["shop"])
        page.get_by_role("link", name="From Instagram, on a cheap Android phone").click()
        page.get_by_role("link", name="Desk lamp").click()
        page.get_by_role("button", name="Put it in the basket").click()
        page.get_by_role("link", name="To the basket").click()
        with page.expect_response("**/v1/decide"):
            page.get_by_role("link", name="To the checkout").click()
        page.wait_for_timeout(700)
        shown = page.locator("volano-bar, volano-popup").count() > 0
        if shown:
            heading = page.locator("volano-bar h2, volano-popup h2")
            expect(heading).to_be_visible()
            page.locator("volano-bar button[aria-label=Close], volano-popup button[aria-label=Close]").click()
        context.close()
        if shown:
            return True
    return False


def test_a_newcomer_walks_from_today_to_results(
    browser: Browser, page: Page, demo: dict[str, Any], tmp_path: Path
) -> None:
    page.set_default_timeout(60 * SECOND)
    sign_in(page, demo)
    expect(page.get_by_role("heading", name="Where we lose people")).to_be_visible(timeout=90 * SECOND)

    page.get_by_role("link", name="Plan", exact=True).click()
    leak = page.locator("article", has_text="instagram").first
    leak.get_by_role("button", name="Make an idea").click()

    page.get_by_role("link", name="Ideas", exact=True).click()
    backlog = page.locator("article", has_text="instagram").first
    backlog.get_by_role("button", name="Make a campaign").click()

    expect(page.locator(".preview")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("It is live")).to_be_visible()
    page.wait_for_timeout(2 * SECOND)  # the edge looks for new campaigns once a second

    assert shop_until_shown(browser, demo)

    fair = page.get_by_text("Who saw it, and whether the draw was fair")
    for _ in range(40):
        page.goto(f"{demo['address']}/results")
        if fair.count():
            break
        page.wait_for_timeout(2 * SECOND)
    fair.first.click()
    arms = page.get_by_role("region", name="People per arm").first
    expect(arms).to_be_visible()
    assert "control" in arms.inner_text().lower()
