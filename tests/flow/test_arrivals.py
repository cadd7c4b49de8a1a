"""What arrives, for people."""

from __future__ import annotations

import json
from functools import partial
from threading import Thread

from volano.domain.account import Source
from volano.domain.change import Change
from volano.domain.erasure import Erasures
from volano.domain.event import Event, Intake, Refusal
from volano.domain.naming import Naming
from volano.flow.arrivals import (
    Recent,
    erasures,
    event_seen,
    events_seen,
    source_seen,
    sources_seen,
    suggestions,
)
from volano.observe.registry import registered
from volano.observe.rows import Rows
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState


def frame(*names: str, source: str = "web", refused: int = 0) -> Intake:
    """A request with these events."""
    context = json.dumps({"page": {"path": "/tea"}}).encode()
    events = [
        Event(
            kind="track",
            event=name,
            message_id=name,
            time=5,
            anonymous_id="a1",
            context=context,
            properties=b'{"sku": "t"}',
        )
        for name in names
    ]
    refusals = [Refusal(index=number, code="no_id", message="send one") for number in range(refused)]
    return Intake(source=source, received_at=9, events=events, refusals=refusals)


def test_the_newest_are_kept_in_the_order_in_which_they_came() -> None:
    recent = Recent(3)
    recent.add([frame("a", "b"), frame("c", refused=1)])
    found = recent.after()
    assert [(one.event, one.code) for one in found] == [("b", ""), ("c", ""), ("", "no_id")]
    assert [(one.path, one.known_as) for one in found[:1]] == [("/tea", "a:a1")]
    assert recent.after(found[-1].number) == []
    recent.add([frame("d")])
    assert [one.event for one in recent.after(found[-1].number)] == ["d"]


def test_an_odd_context_has_no_path() -> None:
    recent = Recent()
    for context in (b"{", b"[]", b'{"page": 7}', b'{"page": {"path": []}}'):
        event = Event(kind="track", event="e", message_id="m", time=1, anonymous_id="a", context=context)
        recent.add([Intake(source="web", received_at=1, events=[event])])
    assert [one.path for one in recent.after()] == [""] * 4


def test_threads_may_add_and_read_at_once() -> None:
    recent = Recent(50)
    threads = [Thread(target=recent.add, args=([frame("a")] * 200,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recent.after()
    numbers = [one.number for one in recent.after()]
    assert numbers == list(range(751, 801))


def test_all_begins_anew_when_somebody_was_forgotten() -> None:
    profiles = MemoryProfiles()
    recent = Recent(forgotten=partial(erasures, profiles))
    recent.add([frame("a")])
    seen = recent.after()[-1].number
    profiles.put(Change(puts=((0, Erasures(times=1)),)))
    assert recent.after() == []
    recent.add([frame("b")])
    assert [(one.event, one.number > seen) for one in recent.after()] == [("b", True)]


def test_the_registry_is_read_by_source_and_event() -> None:
    profiles, state = MemoryProfiles(), MemoryState()
    rows = Rows({}, "EUR")
    rows.add(frame("purchase", "purchase", "Tea Poured"), "j0", 1)
    rows.add(frame("purchase", source="app", refused=2), "j0", 2)
    profiles.put(Change(puts=tuple((one.key, one) for one in registered({}, rows.seen()))))
    assert [(one.source, one.count) for one in sources_seen(profiles)] == [("web", 3), ("app", 1)]
    assert [(one.source, one.event, one.count) for one in events_seen(profiles)] == [
        ("web", "purchase", 2),
        ("app", "purchase", 1),
        ("web", "Tea Poured", 1),
    ]
    assert [one.event for one in events_seen(profiles, "app")] == ["purchase"]
    app, one = source_seen(profiles, "app"), event_seen(profiles, "web", "purchase")
    assert app is not None
    assert app.refused == {"no_id": 2}
    assert one is not None
    assert one.properties["sku"].examples == ("t",)
    assert [(one.source, one.to) for one in suggestions(profiles, state)] == [
        ("web", "Order Completed"),
        ("app", "Order Completed"),
    ]
    state.put(Source(key="app", name="App", write_key="wk", revoked_at=1))
    assert [one.source for one in suggestions(profiles, state)] == [
        "web"
    ]  # who may send nothing is not asked
    state.put(Naming(key="web:purchase", source="web", event="purchase", to="purchase"))
    assert suggestions(profiles, state) == []
