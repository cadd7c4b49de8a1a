from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flow.shops import event, rows
from tests.flow.site import Site
from volano.domain.change import Change
from volano.domain.profile import Profile
from volano.domain.segment import Due, Move, Segment
from volano.errors import BadInput, NotFound
from volano.flow.everybody import everybody
from volano.flow.segments import (
    AT_ONCE,
    backfill,
    drop,
    due,
    fitting,
    members,
    plant,
    preview,
    records,
    save,
)
from volano.observe.membership import Ready, ready, turned
from volano.observe.traits import VIEW, block_of, joined, tally
from volano.ports import Profiles, State
from volano.testing.state_memory import MemoryState

DAY = 86_400_000_000
NOW = 100 * DAY
VIEWED, ORDERED = "Product Viewed", "Order Completed"


def a_site(site: Site) -> Site:
    """Three people: one looks and buys, one looks, one bought long ago."""
    site.lake.append(
        {
            "events": rows(
                "events",
                [
                    event(1, 1, NOW - 3 * DAY, VIEWED, category="shoes"),
                    event(2, 1, NOW - 2 * DAY, VIEWED, category="shoes"),
                    event(3, 1, NOW - DAY, ORDERED, revenue=4_000),
                    event(4, 2, NOW - 3 * DAY, VIEWED, category="hats"),
                    event(5, 3, NOW - 70 * DAY, ORDERED, revenue=2_000),
                ],
            )
        }
    )
    found = tally(site.lake.read(VIEW))
    site.profiles.put(Change(puts=tuple((one.person_id, one) for one in found)))
    return site


def of(state: State) -> Ready:
    return ready(state.find(Segment))


def kept(key: str, rule: Any, site: Site, state: State) -> Segment:
    return save(state, site.profiles, Segment(key=key, name=key, rule=rule), now=NOW)


def inside(profiles: Profiles, key: str) -> list[int]:
    return [profile.person_id for profile in members(profiles, key)]


KEEN = {"$did": {"event": VIEWED, "count": {"$gte": 2}, "within": "7d", "where": {"category": "shoes"}}}


def test_a_new_segment_has_its_members_at_once_and_in_silence(site: Site) -> None:
    a_site(site)
    state = MemoryState()
    kept("keen", KEEN, site, state)
    kept("buyers", {"orders": {"$gte": 1}}, site, state)
    steps: list[int] = []
    assert (
        backfill(site.lake, site.profiles, of(state), now=NOW, progress=lambda done, _: steps.append(done))
        == 3
    )
    assert inside(site.profiles, "keen") == [1]
    assert inside(site.profiles, "buyers") == [1, 3]
    assert [*site.profiles.scan(Move)] == []
    assert steps == [3]
    assert [record.at for _, record in site.profiles.scan(Due)] == [NOW + 4 * DAY]


def test_a_backfill_again_changes_nothing(site: Site) -> None:
    a_site(site)
    state = MemoryState()
    kept("keen", KEEN, site, state)
    backfill(site.lake, site.profiles, of(state), now=NOW)
    before = [*site.profiles.scan(Profile)]
    backfill(site.lake, site.profiles, of(state), now=NOW + 5)
    assert [*site.profiles.scan(Profile)] == before
    assert len([*site.profiles.scan(Due)]) == 1


def test_when_the_time_has_come_people_move_without_an_event(site: Site) -> None:
    a_site(site)
    state = MemoryState()
    kept("keen", KEEN, site, state)
    segments = of(state)
    backfill(site.lake, site.profiles, segments, now=NOW)
    assert due(site.profiles, segments, now=NOW + 4 * DAY - 1) is None
    change = due(site.profiles, segments, now=NOW + 4 * DAY)
    assert change is not None
    site.profiles.put(change)
    assert inside(site.profiles, "keen") == []
    (move,) = [move for _, move in site.profiles.scan(Move)]
    assert (move.person_id, move.segment, move.entered) == (1, "keen", False)
    assert [*site.profiles.scan(Due)] == []
    assert due(site.profiles, segments, now=NOW + 9 * DAY) is None


def test_a_person_has_one_moment_of_being_looked_at_again(site: Site) -> None:
    state = MemoryState()
    kept("lapsing", {"days_since_order": {"$gte": 14}}, site, state)
    segments = of(state)
    for day in range(3):
        before = {7: site.profiles.get(Profile, 7) or Profile(person_id=7)}
        told = {7: Profile(person_id=7, orders=day + 1, last_order=NOW + day * DAY)}
        after, moves = turned(told, None, segments, NOW + day * DAY)
        site.profiles.put(records(before, after, moves))
    assert [key for key, _ in site.profiles.scan(Due)] == [(NOW + 16 * DAY, 7)]


def test_many_people_are_settled_in_turns(site: Site) -> None:
    people = [Profile(person_id=number, orders=number % 2) for number in range(-5, AT_ONCE)]
    site.profiles.put(Change(puts=tuple((one.person_id, one) for one in people)))
    segments = ready([Segment(key="odd", name="Odd", rule={"orders": 1})])
    assert backfill(site.lake, site.profiles, segments, now=NOW) == AT_ONCE + 5
    assert len(inside(site.profiles, "odd")) == (AT_ONCE + 6) // 2


def test_a_preview_tells_size_sample_and_overlap(site: Site) -> None:
    a_site(site)
    state = MemoryState()
    kept("keen", KEEN, site, state)
    kept("buyers", {"orders": {"$gte": 1}}, site, state)
    backfill(site.lake, site.profiles, of(state), now=NOW)
    people = everybody(site, now=NOW)
    found = preview(site.lake, people, {"orders": {"$gte": 1}, **KEEN}, state.find(Segment), now=NOW)
    assert (found.size, found.people, found.share, found.sample) == (1, 3, 1 / 3, (1,))
    assert [(one.segment, one.size, one.both) for one in found.overlap] == [("buyers", 2, 1), ("keen", 1, 1)]
    assert preview(site.lake, people, {"segments": {"$in": ["buyers"]}}, now=NOW).size == 2
    assert preview(site.lake, people, {"$didNot": {"event": VIEWED}}, now=NOW).sample == (3,)


TOLD = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 20), st.sampled_from([VIEWED, ORDERED, "Product Added"])),
    max_size=12,
)
RULES: dict[str, Any] = {
    "keen": {"$did": {"event": VIEWED, "count": {"$gte": 2}, "within": "7d"}},
    "cold": {"$didNot": {"event": [VIEWED, "Product Added"], "within": "4d"}},
    "first": {"$did": {"event": ORDERED, "first": True, "within": "10d"}},
    "spent": {"$did": {"event": ORDERED, "sum": {"of": "revenue", "$gte": 20}}, "orders": {"$lt": 9}},
    "led": {"$sequence": {"steps": [{"event": VIEWED}, {"event": ORDERED}], "span": "3d", "within": "2w"}},
    "asleep": {"days_since_order": {"$gte": 5}},
    "busy": {"events_7d": {"$gte": 2}},
    "back": {"sessions": {"$gte": 2}},
    "type": {"rfm": {"$in": ["new", "about to sleep"]}},
}


@settings(max_examples=60, deadline=None)
@given(TOLD, st.data())
def test_live_membership_is_what_the_rule_says_of_the_whole_past(
    told: list[Any], data: st.DataObject
) -> None:
    site, state = Site(), MemoryState()
    for key, rule in RULES.items():
        kept(key, rule, site, state)
    segments, start = of(state), NOW - 20 * DAY
    clock = start
    live: dict[int, Profile] = {}
    for number, (person, day, name) in enumerate(data.draw(st.permutations(told))):
        row = event(number + 1, person, start + day * DAY, name, revenue=1_000)
        added = site.lake.append({"events": rows("events", [row])})
        grown = joined(live.get(person, Profile(person_id=person)), tally(block_of(added))[0])
        clock += data.draw(st.integers(0, 2)) * DAY
        after, moves = turned({person: grown}, added["events"], segments, clock)
        site.profiles.put(records({person: live[person]} if person in live else {}, after, moves))
        while (change := due(site.profiles, segments, now=clock)) is not None:
            site.profiles.put(change)
        live = dict(site.profiles.scan(Profile))  # type: ignore[arg-type]
    for moment in (clock, clock + 3 * DAY, clock + 30 * DAY):
        while (change := due(site.profiles, segments, now=moment)) is not None:
            site.profiles.put(change)
        people = everybody(site, now=moment)
        for key, rule in RULES.items():
            assert inside(site.profiles, key) == fitting(site.lake, people, rule, now=moment), key


def test_a_preview_of_nobody_is_empty(site: Site) -> None:
    found = preview(site.lake, everybody(site, now=NOW), KEEN, now=NOW)
    assert (found.size, found.people, found.share, found.sample) == (0, 0, 0, ())


@pytest.mark.parametrize(
    ("key", "rule", "told"),
    [
        ("Bad Key", {}, "small letters"),
        ("", {}, "small letters"),
        ("x", {"order": 1}, "there is no fact 'order'"),
        ("x", {"orders": {"$gtt": 1}}, r"\$gtt"),
        ("x", {"segments": {"$in": ["x"]}}, "names itself"),
        ("x", {"segments": {"$in": ["uses-x"]}}, "names itself"),
        ("x", {"$did": {"event": "Segment Left"}}, "cannot watch"),
    ],
)
def test_a_segment_that_cannot_be_is_refused(key: str, rule: Any, told: str) -> None:
    site, state = Site(), MemoryState()
    kept("uses-x", {"segments": {"$in": ["x"]}}, site, state)
    with pytest.raises(BadInput, match=told):
        kept(key, rule, site, state)
    assert [one.key for one in state.find(Segment)] == ["uses-x"]


def test_a_segment_that_others_name_stays() -> None:
    site, state = Site(), MemoryState()
    kept("x", {"orders": 1}, site, state)
    kept("uses-x", {"segments": {"$in": ["x"]}}, site, state)
    with pytest.raises(BadInput, match="'uses-x' names 'x'"):
        drop(state, site.profiles, "x", now=NOW)
    drop(state, site.profiles, "uses-x", now=NOW)
    drop(state, site.profiles, "x", now=NOW)
    assert state.find(Segment) == []
    with pytest.raises(NotFound):
        drop(state, site.profiles, "x", now=NOW)


def test_a_change_keeps_when_the_segment_was_made() -> None:
    site, state = Site(), MemoryState()
    first = kept("x", {"orders": 1}, site, state)
    again = save(state, site.profiles, Segment(key="x", name=" ", rule={"orders": 2}), now=NOW + 5)
    assert (again.made_at, again.changed_at, again.name) == (first.made_at, NOW + 5, "x")


def test_starters_are_planted_once_and_all_work(site: Site) -> None:
    a_site(site)
    state = MemoryState()
    assert plant(state, now=NOW)
    assert not plant(state, now=NOW)
    segments = of(state)
    assert segments.broken == ()
    backfill(site.lake, site.profiles, segments, now=NOW)
    assert inside(site.profiles, "one-time-buyers") == [3]
    assert inside(site.profiles, "new") == [1, 2]
    assert inside(site.profiles, "rfm-new") == [1]
    drop(state, site.profiles, "new", now=NOW)
    assert not plant(state, now=NOW)
