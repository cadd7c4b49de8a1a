"""Somebody with a browser that knows no JavaScript: keeps cookies, fills in forms, follows redirects."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.web.shop import NOW, PASSWORD
from volano.web.app import App, create_app
from volano.wiring import House

ADDRESS = "http://console.test"


class Clock:
    """A clock that is moved by hand; UTC µs."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Visitor:
    """Speaks to one application from one address."""

    def __init__(self, app: App, *, ip: str = "127.0.0.1", clock: Clock | None = None) -> None:
        self.app, self._ip = app, ip
        self.clock = clock or Clock()  # the one of the application, where it was told
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; redirects are not followed."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self._ip, 4711))
            async with httpx.AsyncClient(
                transport=transport, base_url=ADDRESS, cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(asked())

    def see(self, path: str) -> httpx.Response:
        """The page, after redirects."""
        answer = self.ask("GET", path)
        while answer.is_redirect:
            answer = self.ask("GET", answer.headers["location"])
        return answer

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form, sent with the token that the pages carry; after redirects."""
        answer = self.ask("POST", path, data={"csrf": self.token(), **fields})
        return self.see(answer.headers["location"]) if answer.is_redirect else answer

    def token(self) -> str:
        """The token in the forms of the pages."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.see("/settings").text)
        return found[1] if found else ""

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        """Give the password; not redirected."""
        return self.ask("POST", "/login", data={"password": password})


class _Form(HTMLParser):
    """The fields of the first form with an action, as a browser would send them."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action, self._inside = action, False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the form would send."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("action") == self._action
        if not self._inside or ("name" not in said and tag != "option"):
            return
        chosen = said.get("type") not in ("radio", "checkbox") or "checked" in said
        if tag == "input" and chosen:
            self.fields[said["name"]] = said.get("value", "")
        elif tag == "textarea":
            self._area = said["name"]
            self.fields[self._area] = ""
        elif tag == "select":
            self._select = said["name"]
        elif tag == "option" and ("selected" in said or self._select not in self.fields):
            self.fields[self._select] = said["value"]

    def handle_endtag(self, tag: str) -> None:
        """A text area ends."""
        if tag == "textarea":
            self._area = ""
        if tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        """The text of a text area."""
        if self._area:
            self.fields[self._area] += data


def fields_of(page: httpx.Response, action: str) -> dict[str, str]:
    """What a browser would send for the form with that action if nothing were changed."""
    form = _Form(action)
    form.feed(page.text)
    return form.fields


def owner(house: House, clock: Clock | None = None) -> Visitor:
    """Somebody who is signed in to the house (whose password is the shop's)."""
    clock = clock or Clock()
    visitor = Visitor(create_app(house, now=clock), clock=clock)
    visitor.sign_in()
    return visitor
