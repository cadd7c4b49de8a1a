"""A house whose people came in by its journal, as the pages about people, segments and sources want them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from tests.flow.site import event, order
from tests.web.shop import NOW, PASSWORD, empty_house
from tests.web.visitor import Clock, Visitor
from volano.domain.account import Source, User
from volano.domain.event import IDENTIFIED, Event, Frame, Intake, Refusal
from volano.flow.segments import plant
from volano.observe.identity import identity
from volano.testing.journal_memory import MemoryJournal
from volano.testing.state_memory import MemoryState
from volano.web.app import App, create_app
from volano.web.login import set_password
from volano.wiring import House

MINUTE = 60_000_000
DAY = 86_400_000_000
NASTY = "<script>alert(1)</script>"
ANN, BOB, PHONE = (identity(name) for name in ("u:ann", "u:bob", "a:phone"))


@cache
def _owner() -> User:
    """Hashing a password is slow on purpose: once is enough."""
    return set_password(MemoryState(), PASSWORD, now=NOW)


def begun(*frames: Intake, clock: Clock | None = None) -> App:
    """The edge of a house with a password and the starter segments, to which these frames came."""
    house = empty_house()
    house.state.put(_owner())
    plant(house.state, now=NOW)
    return came_to(create_app(house, now=clock or Clock()), *frames)


def opened(*frames: Intake) -> Visitor:
    """Its owner."""
    clock = Clock()
    visitor = Visitor(begun(*frames, clock=clock), clock=clock)
    visitor.sign_in()
    return visitor


def came_to(app: App, *frames: Frame) -> App:
    """The same edge, after these frames were brought in."""
    journal = app.turning._house.journal
    assert isinstance(journal, MemoryJournal)
    for one in frames:
        journal.append_now(msgspec.msgpack.encode(one))
    app.turning.drain()
    app.turning.drain()  # who entered a segment is told after that was put
    return app


def came(visitor: Visitor, *frames: Frame) -> Visitor:
    """The same owner, after these frames were brought in."""
    came_to(visitor.app, *frames)
    return visitor


def house_of(visitor: Visitor) -> House:
    """The house that somebody looks at."""
    return house_of_app(visitor.app)


def house_of_app(app: App) -> House:
    """The house behind an edge."""
    return app.turning._house


def done(visitor: Visitor) -> None:
    """All the long work that the console has asked for."""
    turning = visitor.app.turning
    while turning.work():
        pass
    assert (turning.jobs, turning.troubles) == ((), {})


def frame(*events: Event, source: str = "web", refused: tuple[Refusal, ...] = ()) -> Intake:
    """One request."""
    return Intake(source=source, received_at=NOW, events=list(events), refusals=list(refused))


def ann() -> Intake:
    """Ann on her phone: looks, says who she is, orders; what she and the shop type is nasty."""
    told: dict[str, Any] = {
        "email": "ann@shop.example",
        "plan": "gold",
        "note": NASTY,
        "consent": {"email": True},
    }
    return frame(
        event(anon="phone", time=NOW - 3 * DAY, properties={"product_id": NASTY}),
        event(IDENTIFIED, user="ann", anon="phone", kind="identify", time=NOW - 2 * DAY, properties=told),
        order("o1", 40, user="ann", time=NOW - DAY),
        event(NASTY, user="ann", time=NOW - MINUTE, properties={NASTY: NASTY}),
        event("Product Viewed", user="bob", anon="kiosk", time=NOW - MINUTE),
    )


def purchases(number: int = 12) -> Intake:
    """What a shop calls an order that does not know the standard words."""
    return frame(
        *(
            event(
                "purchase",
                user=f"p{one}",
                time=NOW - one * MINUTE - MINUTE,
                properties={
                    "transaction_id": f"t{one}",
                    "value": 20.5,
                    "currency": "EUR",
                    "items": [{"item_id": "7", "price": 3, "quantity": 2}],
                },
            )
            for one in range(number)
        )
    )


def refused() -> Intake:
    """Something that cannot be taken, with a sample that would like to run."""
    why = Refusal(
        index=0, code="bad_time", message="the timestamp 'soon' is none; send ISO 8601", sample=NASTY
    )
    return frame(refused=(why,))


def many(number: int) -> Intake:
    """So many people, each with one event."""
    return frame(*(event(user=f"n{one}", time=NOW - one * MINUTE) for one in range(number)))


def add_source(visitor: Visitor, key: str = "app", name: str = "App") -> None:
    """Another source."""
    house_of(visitor).state.put(Source(key=key, name=name, write_key="wk_other"))
