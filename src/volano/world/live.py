"""The shop speaks HTTP to the server, a day every few seconds, from a process of its own."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import parent_process
from typing import Any

import httpx
import numpy as np

from volano.domain.event import PAGE_VIEWED
from volano.world.run import World
from volano.world.spec import Offer, Visits, WorldSpec
from volano.world.wire import SHOP, to_segment

_BATCH = 200  # events
_AT_ONCE = 8  # shoppers who ask for a decision at the same moment
_TRIES = 20


def feed(spec: WorldSpec, first_day: int, address: str, write_key: str, pace: float) -> None:
    """Live the days from `first_day` on, none faster than `pace` seconds; made to run as a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server it talks to ends it
    world = World(spec)
    world.simulate(0, first_day)
    with httpx.Client(base_url=address, timeout=30, headers={"Origin": SHOP}) as client:
        shop = Shop(client, write_key)
        for day in range(first_day, spec.days):
            began = time.monotonic()
            shop.send(world.simulate(day, day + 1, shop.offers).to_pylist())
            time.sleep(max(0.0, pace - (time.monotonic() - began)))


def recipe_of(campaign: str) -> str:
    """The idea behind a campaign, which its key ends with.

    >>> recipe_of("c-3f2a91-free-delivery-bar")
    'free-delivery-bar'
    """
    return campaign.split("-", 2)[-1]


class Shop:
    """What a shop's pages and server would send, by one write key."""

    def __init__(self, client: httpx.Client, write_key: str) -> None:
        self._client, self._key = client, write_key
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def send(self, rows: Sequence[dict[str, Any]]) -> None:
        """Tell of what happened, in order."""
        for first in range(0, len(rows), _BATCH):
            batch = [to_segment(row) for row in rows[first : first + _BATCH]]
            self._post("/v1/batch", {"writeKey": self._key, "batch": batch})

    def offers(self, visits: Visits) -> Sequence[Offer]:
        """Ask for a decision at the start of every visit."""
        size = len(visits.anonymous_id)
        questions = [self._question(visits, index) for index in range(size)]
        found: dict[str, tuple[dict[str, Any], Any]] = {}
        for index, answer in enumerate(
            self._pool.map(lambda said: self._post("/v1/decide", said), questions)
        ):
            for campaign in answer.get("campaigns", ()):
                key = campaign["campaign"]
                _, arms = found.setdefault(key, (campaign, np.full(size, "", dtype=object)))
                arms[index] = campaign["arm"]
        return [
            Offer(key, recipe_of(key), campaign["round"], campaign["trigger"]["on"], arms)
            for key, (campaign, arms) in found.items()
        ]

    def _question(self, visits: Visits, index: int) -> dict[str, Any]:
        row = {
            "event": PAGE_VIEWED,
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
        visit = {"landing": visits.path[index], "visits": 2 if visits.returning[index] else 1}
        return {
            "writeKey": self._key,
            "anonymousId": said["anonymousId"],
            "userId": said.get("userId"),
            "context": said["context"] | {"session": visit},
        }

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer; a server that is busy or starting is asked again, one that has gone ends the shop."""
        for turn in range(_TRIES):
            parent = parent_process()
            if parent is not None and not parent.is_alive():
                sys.exit(0)
            try:
                answer = self._client.post(path, json=body)
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
            except httpx.HTTPError:
                pass  # asked again below
            time.sleep(min(2.0, 0.1 * 2**turn))
        raise ConnectionError(f"{path} was not answered with 200 in {_TRIES} tries")
