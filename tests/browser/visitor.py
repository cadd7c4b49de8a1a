"""What a visitor of the shop does, and how tests wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.shop import Shop
from volano.domain.campaign import Campaign

LEAVE = "() => document.body.dispatchEvent(new MouseEvent('mouseout', {bubbles: true, clientY: -1}))"
GO = "() => dispatchEvent(new Event('pagehide'))"


def until(true: Callable[[], Any]) -> None:
    """Wait until it is so, ten seconds at most."""
    ends = time.monotonic() + 10
    while not true():
        assert time.monotonic() < ends, "it did not come to that in ten seconds"
        time.sleep(0.02)


def loaded(page: Page) -> None:
    """Wait for the tag (the CSP forbids the browser driver to wait inside of the page)."""
    until(lambda: page.evaluate("!!window.volano.track"))


def escape(page: Page) -> None:
    """Close the popup that is coming."""
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")


def visit(shop: Shop, page: Page, *live: Campaign, path: str = "/pages/shop.html") -> Page:
    """A page of the shop with these campaigns, once they have been decided."""
    shop.state.put(*live)
    with page.expect_response("**/v1/decide"):
        page.goto(shop.url + path)
    loaded(page)
    return page
