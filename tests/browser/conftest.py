"""A real Chromium, one for all tests; a shop and a fresh visitor for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.shop import Shop, opened

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Where the browser is; the tests cannot do without."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "there is no Chromium: install it, or name it in the variable CHROMIUM"
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder: while its driver lives, no other event loop can run in this thread."""
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor whom nobody knows; the test fails if a script of the page broke."""
    context = browser.new_context()
    found = context.new_page()
    found.set_default_timeout(10_000)
    broken: list[str] = []
    found.on("pageerror", lambda error: broken.append(str(error)))
    yield found
    context.close()
    assert broken == []


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop of its own, thus with a storage of its own."""
    found = Shop()
    close = opened(found)
    yield found
    close()
