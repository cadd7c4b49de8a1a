"""A shop for real browsers: pages under a strict CSP, and the real edge of a house in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from volano.domain.account import Source
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.journal_memory import MemoryJournal
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState
from volano.web.asgi import Receive, Scope, Send, body_of
from volano.web.decisions import decisions_app, is_decision
from volano.web.formats.addresses import Geo
from volano.web.intake import intake_app

PAGES = Path(__file__).parent / "pages"
KINDS = {".html": b"text/html", ".js": b"text/javascript", ".css": b"text/css"}
CSP = b"default-src 'self'; script-src 'self'; style-src 'self'"


@dataclass(kw_only=True)
class Shop:
    """What was asked of it, and whether its edge answers at the moment."""

    settings: Settings = field(default_factory=Settings)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    state: MemoryState = field(default_factory=MemoryState)
    profiles: MemoryProfiles = field(default_factory=MemoryProfiles)
    caps: MemoryCaps = field(default_factory=MemoryCaps)
    geo: Geo | None = None
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    down: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        self.state.put(Source(key="web", name="Web", write_key="w"))
        self._decisions, self._intake = decisions_app(self), intake_app(self)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The edge for its paths, a file for any other."""
        path = scope["path"]
        if path.startswith("/v1/"):
            body = await body_of(receive, 4_000_000)
            self.requests.append((path, body))
            if self.down:
                return await _say(send, 503, b"{}", b"application/json")

            async def replay() -> Any:
                return {"type": "http.request", "body": body}

            return await (self._decisions if is_decision(path) else self._intake)(scope, replay, send)
        if is_decision(path):
            return await self._decisions(scope, receive, send)
        file = PAGES / path.rpartition("/")[2]
        if not file.is_file():
            file = PAGES / "shop.html"
        return await _say(send, 200, file.read_bytes(), KINDS[file.suffix])

    def events(self) -> list[dict[str, Any]]:
        """Every event that arrived, in the order it happened in the page."""
        bodies = [json.loads(body) for path, body in self.requests if path == "/v1/b"]
        return sorted((event for body in bodies for event in body["batch"]), key=lambda one: one["timestamp"])

    def names(self) -> list[str]:
        """What happened, by name."""
        return [event.get("event", event["type"]) for event in self.events()]

    def told(self, name: str) -> list[dict[str, Any]]:
        """The properties of every event of that name."""
        return [event["properties"] for event in self.events() if event.get("event") == name]


async def _say(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind + b"; charset=utf-8"), (b"content-security-policy", CSP)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def opened(shop: Shop) -> Callable[[], None]:
    """Serve the shop on a free port; the function that closes it again."""
    server = uvicorn.Server(
        uvicorn.Config(shop.app, port=0, interface="asgi3", log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    shop.url = f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"

    def close() -> None:
        server.should_exit = server.force_exit = True
        thread.join()

    return close
