"""Another program that asks with a secret key, over HTTP without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.web.known import begun, house_of_app
from tests.web.shop import NOW
from tests.web.visitor import ADDRESS, Clock
from volano.domain.account import SCOPES, SecretKey
from volano.domain.event import Intake
from volano.flow.secret_keys import make
from volano.web.app import App
from volano.wiring import House


class Program:
    """Asks the edge of a house, from one address."""

    def __init__(self, app: App, clock: Clock, secret: str = "", *, ip: str = "10.0.0.7") -> None:
        self.app, self.clock, self.secret, self._ip = app, clock, secret, ip

    @property
    def house(self) -> House:
        """The house that it asks."""
        return house_of_app(self.app)

    def given(self, *scopes: str, **more: Any) -> SecretKey:
        """Gets a key with these scopes; all if none are named."""
        house = self.house
        key, self.secret = make(house.state, house.pepper, "CRM", scopes or [*SCOPES], now=NOW, **more)
        return key

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request under /api/v1 with the key as bearer token, unless headers are given."""
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self._ip, 4711))
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
                return await client.request(method, f"/api/v1{path}", **{"headers": bearer, **more})

        return asyncio.run(asked())

    def told(self, path: str, **query: Any) -> Any:
        """What comes back on a GET that is to work."""
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sent(self, path: str, body: Any) -> Any:
        """What comes back on a POST that is to work."""
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def elsewhere(self, ip: str) -> Program:
        """The same program at another address."""
        return Program(self.app, self.clock, self.secret, ip=ip)


def program(*frames: Intake, scopes: tuple[str, ...] = ()) -> Program:
    """A program with a key of its own to a house to which these frames came."""
    clock = Clock()
    made = Program(begun(*frames, clock=clock), clock)
    made.given(*scopes)
    return made
