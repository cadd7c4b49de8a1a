"""A house that tells other systems, by real sockets, and a clock that is moved by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.flow.folk import House
from tests.flow.site import NOW, order
from tests.receiver import Receiver
from volano.adapters.outside_http import HttpOutside
from volano.domain.change import Change
from volano.domain.hook import Call, Hook, Standing
from volano.domain.segment import Segment
from volano.flow import hooks
from volano.flow.calling import Caller
from volano.flow.calls import seen
from volano.flow.ingest import drain, look_again
from volano.flow.knowledge import knowledge
from volano.ports import Outside


@dataclass
class Shop(House):
    """A house with two segments, a clock that is moved by hand, and a way to servers of this machine."""

    now: int = NOW
    ways: HttpOutside = field(default_factory=lambda: HttpOutside("127.0.0.1"))

    def __post_init__(self) -> None:
        """Buyers are those with an order, quiet ones have not bought for a day."""
        quiet: dict[str, Any] = {
            "orders": {"$gte": 1},
            "$didNot": {"event": "Order Completed", "within": "1d"},
        }
        buyers: dict[str, Any] = {"orders": {"$gte": 1}}
        for key, rule in {"buyers": buyers, "quiet": quiet}.items():
            self.state.put(Segment(key=key, name=key.capitalize(), rule=rule))
        self.caller = Caller(self, lambda: self.now)

    def outside(self) -> Outside:
        """By real sockets."""
        return self.ways

    def drain(self, limit: int = 2000) -> int:
        """All that waits, now."""
        by = knowledge(self.state, self.settings)

        def once() -> int:
            return drain(self.journal, self.lake, self.profiles, limit=limit, by=by, now=self.now)

        return sum(iter(once, 0))

    def hooked(self, receiver: Receiver, *segments: str, name: str = "CRM") -> tuple[Hook, str]:
        """A hook at this receiver."""
        return hooks.make(self.state, self.profiles, receiver.url, name=name, segments=segments, now=self.now)

    def bought(self, *users: str) -> None:
        """They order."""
        for user in users:
            self.send(order(f"o-{user}-{self.now}", user=user, anon=f"phone-{user}", time=self.now))
        self.drain()

    def passes(self, time: int) -> None:
        """Time goes by, and those whose moment has come are settled."""
        self.now += time
        look_again(self.lake, self.profiles, knowledge(self.state, self.settings), now=self.now)

    def calls(self) -> int:
        """Makes all calls that may be made now; how many stretches."""
        return sum(iter(self.caller.step, False))

    def seen(self, hook: Hook) -> tuple[int, int]:
        """How many calls wait, and how many are dead."""
        found = seen(self.profiles, hook)
        return found.waiting, found.dead

    def waiting(self) -> int:
        """How many calls wait, of all hooks."""
        return sum(1 for _ in self.profiles.scan(Call))

    def standing(self, hook: Hook) -> Standing:
        """How it goes with it."""
        return seen(self.profiles, hook).standing


def told(receiver: Receiver) -> list[tuple[str, str, str]]:
    """What was taken: type, segment and user."""
    bodies = [json.loads(one.body) for one in receiver.taken()]
    return [(one["type"], one["data"]["segment"], one["data"]["user_id"]) for one in bodies]


@dataclass
class Dying:
    """A store whose process dies in the moment in which something is put."""

    inner: Any
    left: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def put(self, change: Change) -> None:
        """The last that it did."""
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("killed")
        self.inner.put(change)
