"""Runs the clients: a process for each script, a page in one Chromium for each that lives in browsers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Error, Request, Response, sync_playwright

from tests.browser.conftest import ARGUMENTS, chromium
from tests.clients.expected import ZONE
from tests.clients.shop import shop
from tests.clients.visit import Visit

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
PATIENCE = 40.0  # seconds for a client to tell all
QUIET = 0.3  # seconds without a request after which a page has sent what it wants to send at once
LANGUAGE = "de-CH"
PERSON = "--disable-blink-features=AutomationControlled"  # PostHog's client says nothing of a driven browser
QUERY = "utm_source=newsletter&utm_medium=email&utm_campaign=spring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a client ended: what went wrong, if anything, and the anonymous id under which it told."""

    wrong: str = ""
    anonymous_id: str = ""


def node() -> str:
    """The Node of the tests: the one beside this Python, else the machine's."""
    own = Path(sys.executable).with_name("node")
    found = str(own) if own.exists() else shutil.which("node")
    assert found, "there is no Node: `make setup-clients` brings one"
    return found


def ran(visits: Mapping[str, Visit]) -> dict[str, Ran]:
    """Lets every client tell of its visit; the key is its script, such as `node/segment`."""
    scripts = {name: visit for name, visit in visits.items() if not name.startswith("browser/")}
    with ThreadPoolExecutor(max_workers=3) as pool:
        told = {name: pool.submit(script, name, visit) for name, visit in scripts.items()}
        shown = pages({name: visit for name, visit in visits.items() if name not in scripts})
        return {name: future.result() for name, future in told.items()} | shown


def script(name: str, visit: Visit) -> Ran:
    """Runs a client's script to its end."""
    kind, _, client = name.partition("/")
    command = (
        [node(), str(FOLDER / "node" / f"{client}.js")]
        if kind == "node"
        else [sys.executable, "-m", f"tests.clients.python.{client}"]
    )
    try:
        process = subprocess.run(
            [*command, visit.json()], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        return Ran(wrong=f"it did not end: {error}")
    wrong = f"it ended with {process.returncode}: {process.stderr}" if process.returncode else ""
    return Ran(wrong=wrong, anonymous_id=visit.anonymous_id)


def pages(visits: Mapping[str, Visit]) -> dict[str, Ran]:
    """Opens the pages of all browser clients, and leaves each once it has told."""
    if not visits:
        return {}
    with sync_playwright() as play, shop() as site:
        browser = play.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, PERSON])
        opened = [(name, Watched(browser, visit)) for name, visit in visits.items()]
        for name, watched in opened:
            address = f"{site}/{name.removeprefix('browser/')}/sale?{QUERY}"
            watched.page.goto(address, wait_until="commit")
        found = {name: watched.left() for name, watched in opened}
        browser.close()
    return found


class Watched:
    """A page of a visitor whom nobody knows: what broke in it, and what is on its way."""

    def __init__(self, browser: Browser, visit: Visit) -> None:
        context = browser.new_context(user_agent=visit.user_agent, locale=LANGUAGE, timezone_id=ZONE)
        context.add_init_script(f"window.visit = {visit.json()}")
        self.page = context.new_page()
        self.wrong: list[str] = []
        self._under_way: set[Request] = set()
        self._changed_at = time.monotonic()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._began)
        self.page.on("response", self._answered)  # not its end: Segment's client never reads the body
        self.page.on("requestfailed", self._failed)

    def left(self) -> Ran:
        """Waits until the page has told and is quiet, and leaves it as a visitor does: what waits is sent."""
        try:
            self.page.wait_for_function("window.told", timeout=PATIENCE * 1000)
            told = self.page.evaluate("window.told")
            while self._busy():
                self.page.wait_for_timeout(50)
            self.page.goto("about:blank")
        except Error as error:
            return Ran(wrong=f"{error} {self.wrong}")
        return Ran(wrong="; ".join(self.wrong), anonymous_id=told["anonymous_id"])

    def _busy(self) -> bool:
        still = time.monotonic() - self._changed_at
        return still < (PATIENCE if self._under_way else QUIET)

    def _began(self, request: Request) -> None:
        self._under_way.add(request)
        self._changed_at = time.monotonic()

    def _answered(self, answer: Response) -> None:
        self._under_way.discard(answer.request)
        self._changed_at = time.monotonic()
        if answer.status >= 400:
            self.wrong.append(f"{answer.url}: {answer.status}")

    def _failed(self, request: Request) -> None:
        self._under_way.discard(request)
        self._changed_at = time.monotonic()
        self.wrong.append(f"{request.url}: {request.failure}")
