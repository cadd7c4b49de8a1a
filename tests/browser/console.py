"""The console for real browsers, and what holds for how every page looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, Page, expect

from tests.web.shop import PASSWORD
from volano.web.app import App

MODES = [(320, "light"), (360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, summary, select, input')]
    .filter(at => at.checkVisibility() && !at.closest('p, .hide, .skip, label') && !at.matches('.hide'))
    .map(at => [at, at.matches('.who') || at.closest('h3, .h') ? at.closest('li, .card') : at])
    .filter(([at, target]) => target.getBoundingClientRect().height < 43.5)
    .map(([at]) => at.outerHTML.slice(0, 90))"""
FAINT = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => {
    const [r, g, b] = parts(text).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = at => {
    for (; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
  };
  return [...document.querySelectorAll('main *')]
    .filter(at => [...at.childNodes].some(node => node.nodeType == 3 && node.textContent.trim()))
    .filter(at => at.checkVisibility() && !at.closest('svg, .preview, .hide'))
    .filter(at => {
      const [a, b] = [light(getComputedStyle(at).color), light(ground(at))].sort((x, y) => y - x);
      return (a + .05) / (b + .05) < 4.5;
    })
    .map(at => at.outerHTML.slice(0, 90));
}"""
AXE = Path(__file__).parents[1] / "clients/node_modules/axe-core/axe.min.js"
VIOLATIONS = """() => axe.run({resultTypes: ['violations']}).then(({violations}) => violations.flatMap(
    ({id, nodes}) => nodes.map(node => `${id}: ${node.html.slice(0, 90)}`)))"""
PRIMARY = "() => [...document.querySelectorAll('main .btn.p')].filter(at => at.checkVisibility()).length"


@contextmanager
def served(app: App) -> Iterator[str]:
    """Where the console of an edge answers; without its lifespan, so nothing moves by itself."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, interface="asgi3", log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join()


def sign_in(page: Page, address: str) -> None:
    """As a person would."""
    page.goto(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Round 1")


def looked_over(browser: Browser, address: str, paths: Iterable[str], *, width: int, scheme: str) -> None:
    """Every page at a width: nothing sideways, nothing small or faint, axe-core and nobody else complains."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    sign_in(page, address)
    for path in paths:
        page.goto(address + path)
        page.evaluate("() => document.querySelectorAll('details').forEach(at => { at.open = true })")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, path
        page.evaluate(AXE.read_text())
        for found in (SMALL_TARGETS, FAINT, VIOLATIONS):
            wrong = page.evaluate(found)
            assert wrong == [], f"{path}: {wrong}"
    assert complaints == []
    context.close()
