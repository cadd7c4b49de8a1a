"""A write key that brings too much waits; the others do not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.door import KEY, NOW, PAGE, Door
from volano.domain.account import Source
from volano.domain.durations import SECOND
from volano.errors import TooFast
from volano.observe.rows import Rows
from volano.settings import Settings
from volano.web.decisions import asked
from volano.web.pace import Pace
from volano.web.write_keys import WriteKeys

GOOD = {"type": "track", "event": "Seen", "userId": "u"}


def body(count: int, key: str = KEY) -> bytes:
    return json.dumps({"writeKey": key, "batch": [GOOD] * count}).encode()


def test_a_key_that_is_too_fast_is_told_when_to_come_again_and_no_other_is() -> None:
    door = Door(settings=Settings(key_rate=10, key_burst=20))
    door.state.put(Source(key="app", name="App", write_key="wk_other"))
    assert door.post(body(50), origin=PAGE).status_code == 200
    for _ in range(3):
        answer = door.post(body(1), origin=PAGE)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_fast")
        assert answer.headers["retry-after"] == "4"
        assert answer.headers["access-control-allow-origin"] == PAGE
    assert door.request("POST", "/v1/batch", content=body(1, "wk_other")).status_code == 200
    door.clock[0] += int(answer.headers["retry-after"]) * SECOND
    assert door.request("POST", "/v1/batch", content=body(1)).json() == {"success": True}
    assert sum(len(intake.events) for intake in door.intakes()) == 52


def test_what_was_refused_is_counted_with_its_source_once() -> None:
    door = Door(settings=Settings(key_rate=10, key_burst=5))
    statuses = [door.post(body(10)).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    door.clock[0] += SECOND
    assert [door.post(body(1)).status_code for _ in range(2)] == [200, 200]
    rows = Rows({}, "EUR")
    for position, intake in enumerate(door.intakes()):
        rows.add(intake, "j0", position)
    (seen,) = [seen for seen in rows.seen().values() if not seen.event]
    assert seen.refused == {"too_fast": 1}
    assert [message for *_, message, _, _ in rows.found["quarantine"]] == [
        "3 requests with this write key were answered 429: it brought more than it may"
    ]


def test_a_large_event_counts_by_its_size() -> None:
    door = Door(settings=Settings(key_rate=1, key_burst=20))
    fat = GOOD | {"properties": {"text": "x" * 30_000}}
    assert door.post(json.dumps({"batch": [fat]}).encode()).status_code == 200
    assert door.post(body(1)).status_code == 429
    free = Door(settings=Settings(key_rate=0, key_burst=0))
    assert {free.post(body(1)).status_code for _ in range(9)} == {200}


def test_decisions_have_their_pace_too() -> None:
    keys = WriteKeys(Door().state, Pace(1, 3))
    question = json.dumps({"writeKey": KEY, "anonymousId": "a"}).encode()
    for _ in range(3):
        assert asked(question, keys, NOW).source == "web"
    with pytest.raises(TooFast):
        asked(question, keys, NOW)


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 40)), max_size=40))
def test_no_key_ever_brings_more_than_its_burst_and_its_rate_allow(asked: list[tuple[int, int]]) -> None:
    pace, now, brought, refused = Pace(10, 30), NOW, 0, 0
    for passed, events in asked:
        now += passed
        try:
            pace.admit("k", now)
        except TooFast:
            refused += 1
            continue
        pace.spend("k", events)
        brought += events
    assert brought <= 30 + 40 + (now - NOW) * 10 / SECOND
    assert pace.told_away("k") == refused
    assert pace.told_away("k") == 0
