"""A house in memory with one source, asked over HTTP without a socket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import msgspec

from volano.domain.account import Source
from volano.domain.event import Event, Intake
from volano.settings import Settings
from volano.testing.journal_memory import MemoryJournal
from volano.testing.state_memory import MemoryState
from volano.web.formats.addresses import Geo
from volano.web.intake import intake_app
from volano.web.room import Room

NOW = 1_795_289_253_000_000  # 2026-11-21T19:27:33Z
KEY = "wk_test"
PAGE = "https://shop.example"

R = TypeVar("R")


@dataclass
class Door:
    """A house with one source."""

    settings: Settings = field(default_factory=Settings)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    state: MemoryState = field(default_factory=MemoryState)
    clock: list[int] = field(default_factory=lambda: [NOW])
    geo: Geo | None = None
    room: Room | None = None

    def __post_init__(self) -> None:
        self.state.put(Source(key="web", name="Shop", write_key=KEY))
        self.app = intake_app(self, lambda: self.clock[0], self.room)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request and its answer."""
        return run(self.requested(method, path, **given))

    async def requested(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The same inside an event loop."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://volano.example") as client:
            return await client.request(method, path, **given)

    def post(self, body: bytes, path: str = "/v1/batch", **headers: str) -> httpx.Response:
        """A POST with the key in Basic auth."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, content=body, headers=basic(KEY) | named)

    def intakes(self) -> list[Intake]:
        """What is in the journal."""
        payloads = [payload for _, payload in self.journal.read(0, 9999) if payload]
        return [msgspec.msgpack.decode(payload, type=Intake) for payload in payloads]

    def events(self) -> list[Event]:
        """The events in the journal."""
        return [event for intake in self.intakes() for event in intake.events]


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Its result, in a loop of its own."""
    return asyncio.run(coroutine)


def basic(key: str) -> dict[str, str]:
    """Basic auth with the key as user name."""
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}
