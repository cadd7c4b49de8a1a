"""A simulated shop that speaks HTTP to the server, a day every few seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event, Thread
from typing import Any

import httpx
import numpy as np

from volano.world.run import World
from volano.world.spec import Offer, Visits
from volano.world.wire import SHOP, to_segment

_BATCH = 200
_TRIES = 20


def recipe_of(campaign: str) -> str:
    """The idea behind a campaign, which its key ends with.

    >>> recipe_of("c-3f2a91-free-delivery-bar")
    'free-delivery-bar'
    """
    return campaign.split("-", 2)[-1]


class Feeder(Thread):
    """Sends the days from `first_day` on to `address`; asks it for a decision at the start of every visit."""

    def __init__(self, world: World, first_day: int, *, address: str, write_key: str, pace: float) -> None:
        super().__init__(name="feeder", daemon=True)
        self._world, self._day, self._pace = world, first_day, pace
        self._key = write_key
        self._client = httpx.Client(base_url=address, timeout=30)
        self._ended = Event()

    def stop(self) -> None:
        """End after the request that is under way."""
        self._ended.set()

    def run(self) -> None:
        """Live the days in order, none faster than the pace."""
        while self._day < self._world.spec.days and not self._ended.is_set():
            began = time.monotonic()
            rows = self._world.simulate(self._day, self._day + 1, self._offers).to_pylist()
            for first in range(0, len(rows), _BATCH):
                if self._ended.is_set():
                    return
                batch = [to_segment(row) for row in rows[first : first + _BATCH]]
                self._post("/v1/batch", {"writeKey": self._key, "batch": batch})
            self._day += 1
            self._ended.wait(max(0.0, self._pace - (time.monotonic() - began)))

    def _offers(self, visits: Visits) -> Sequence[Offer]:
        found: dict[str, tuple[dict[str, Any], Any]] = {}
        for index in range(len(visits.anonymous_id)):
            if self._ended.is_set():
                break
            answer = self._post("/v1/decide", self._question(visits, index))
            for campaign in answer.get("campaigns", ()):
                arms = np.full(len(visits.anonymous_id), "", dtype=object)
                _, known = found.setdefault(campaign["campaign"], (campaign, arms))
                known[index] = campaign["arm"]
        return [
            Offer(key, recipe_of(key), campaign["round"], campaign["trigger"]["on"], arms)
            for key, (campaign, arms) in found.items()
        ]

    def _question(self, visits: Visits, index: int) -> dict[str, Any]:
        row = {
            "event": "Page Viewed",
            "person": visits.person_id[index],
            "anonymous_id": visits.anonymous_id[index],
            "message_id": "",
            "timestamp": int(visits.time[index]),
            "source": visits.source[index],
            "medium": visits.medium[index],
            "device": visits.device[index],
            "path": visits.path[index],
        }
        said = to_segment(row)
        context = said["context"] | {"session": {"landing": visits.path[index]}}
        return {
            "writeKey": self._key,
            "anonymousId": said["anonymousId"],
            "userId": said.get("userId"),
            "context": context,
        }

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer; a server that is busy or restarting is asked again, as any client would."""
        for turn in range(_TRIES):
            try:
                answer = self._client.post(path, json=body, headers={"Origin": SHOP})
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
            except httpx.HTTPError:
                pass
            if self._ended.wait(min(2.0, 0.1 * 2**turn)):
                break
        return {}
