from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.traits.blocks import DAY, EVENT_ROWS, NOW, Row, block, row
from volano.domain.change import Change
from volano.domain.profile import Profile
from volano.domain.segment import Due, Segment
from volano.domain.tables import EVENTS
from volano.domain.view import View
from volano.observe import anew
from volano.observe.addresses import ADDRESSED, addresses
from volano.observe.anew import Before, Roll, roll, view_of
from volano.observe.membership import Ready, ready, turned
from volano.observe.starters import starters
from volano.observe.traits import block_of, joined, tally
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles

ZONE = "Asia/Tokyo"
RULES: dict[str, Any] = {
    "keen": {"$did": {"event": "Product Viewed", "count": {"$gte": 2}, "within": "7d"}},
    "spent": {"$did": {"event": "Order Completed", "sum": {"of": "revenue", "$gte": 20}}},
    "dear": {"$did": {"event": "Order Completed", "where": {"price": {"$gte": 10}}, "first": True}},
    "asleep": {"days_since_order": {"$gte": 5}},
    "busy": {"events_7d": {"$gte": 2}},
    "reached": {"push": True, "traits.plan": {"$exists": False}},
    "both": {"segments": {"$all": ["keen", "asleep"]}},
}
SEGMENTS = ready([*starters(), *(Segment(key=key, name=key, rule=rule) for key, rule in RULES.items())])


def append(lake: MemoryLake, told: list[tuple[int, Row]]) -> dict[str, pa.Table]:
    """Rows with their ids into the lake; those that are new there."""
    rows = block([one for _, one in told]).drop_columns(["table"])
    names = [name for name in rows.column_names if name in EVENTS.names]
    ids = pa.array([number for number, _ in told], pa.int64())
    return lake.append({"events": rows.select(names).append_column("id", ids)})


def rolled(lake: MemoryLake, segments: Ready, now: int, before: Before | None = None) -> Roll:
    think = partial(roll, zone=ZONE, currency="USD", ready=segments, before=before or Before(), now=now)
    return lake.tally(view_of([*segments.conditions.values()]), think) or Roll()


def profiles_of(found: Roll, many: int = 2) -> dict[Any, Profile]:
    store = MemoryProfiles()
    for heap in found.heaps(many):
        store.put(Change(packed=heap))
    return dict(store.scan(Profile))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 30), EVENT_ROWS), max_size=8), max_size=4),
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
)
def test_people_made_anew_are_those_who_were_settled_at_each_event(
    batches: list[list[tuple[int, Row]]], days: list[int]
) -> None:
    lake, now = MemoryLake(), NOW - 40 * DAY
    live: dict[int, Profile] = {}
    for told, later in zip(batches, days, strict=False):
        added = append(lake, told)
        now += later * DAY
        grown = {one.person_id: one for one in tally(block_of(added), zone=ZONE)}
        grown = {who: joined(live[who], one) if who in live else one for who, one in grown.items()}
        live, _ = turned({**live, **grown}, added["events"], SEGMENTS, now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anew, "AT_ONCE", 1)
        found = rolled(lake, SEGMENTS, now, Before.of(live[who] for who in sorted(live)))
    assert profiles_of(found) == live
    dues = [(one.at, one.person_id) for some in found.looks(2) for one in some]
    assert dues == sorted((one.due, who) for who, one in live.items() if one.due)


def test_people_come_by_their_ids_and_are_looked_at_again_by_their_moments() -> None:
    lake = MemoryLake()
    people = [-(2**63), -5, 3, 4, 7, 2**63 - 1]
    append(lake, [(at, row(person=who, at=-at)) for at, who in enumerate(people)])
    segments = ready([Segment(key="x", name="X", rule={"days_since_seen": {"$gte": 200}})])
    found = rolled(lake, segments, NOW)
    assert (len(found), found.people.tolist()) == (6, people)
    heaps = [[key for part in heap for key in part.keys] for heap in found.heaps(4)]
    assert [sorted(keys) for keys in heaps] == [people[:4], people[4:]]
    dues = [*found.looks(4)]
    assert [len(some) for some in dues] == [4, 2]
    assert dues[0][0] == Due(at=20_000 * DAY + 195 * DAY, person_id=2**63 - 1)
    assert [*Roll().heaps(4), *Roll().looks(4)] == []


def test_addresses_are_what_the_calls_tell_of_them() -> None:
    lake = MemoryLake()
    told = ["ann@shop.example", "bob@shop.example", "none", "Ann@Shop.example"]
    calls = [
        row("Identified", person=at, properties={"email": told[at % 4]}) for at in range(1, 4 * ADDRESSED)
    ]
    append(lake, list(enumerate([*calls, *calls, row("Page Viewed", properties={"email": told[0]})])))
    known = {one.key: one for one in rolled(lake, SEGMENTS, NOW).addresses()}
    events = lake.read(View(columns=("event", "identity", "properties")))
    assert known == addresses(events, lambda _: None)
    assert len(known) == 2
    assert [*Roll().addresses()] == []


def test_those_before_are_in_their_segments_since_they_were() -> None:
    known = [
        Profile(person_id=-2, segments={"a": 5, "b": 6}),
        Profile(person_id=4),
        Profile(person_id=9, segments={"b": 7}),
    ]
    before = Before.of(known)
    assert before.people.tolist() == [-2, 4, 9]
    assert before.segments(np.array([-7, -2, 4, 9, 11])) == {-2: {"a": 5, "b": 6}, 9: {"b": 7}}
    assert Before().segments(np.array([1])) == {}


def test_segments_that_were_made_ready_can_be_sent_elsewhere() -> None:
    sent: Ready = pickle.loads(pickle.dumps(SEGMENTS))
    (one,) = tally(block([row("Order Completed", revenue=5_000, at=9)]))
    assert turned({1: one}, None, sent, NOW) == turned({1: one}, None, SEGMENTS, NOW)
    assert (sent.keys, sent.conditions) == (SEGMENTS.keys, SEGMENTS.conditions)
