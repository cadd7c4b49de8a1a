from __future__ import annotations

from typing import Any

import pytest

from tests.observe.happenings import events
from volano.domain.profile import Profile
from volano.domain.segment import Move, Segment
from volano.errors import BadRule
from volano.observe.membership import Ready, move_rows, moves, ready, settled, tree_of, turned
from volano.observe.traits import block_of, tally

DAY = 86_400_000_000


def of(*audiences: Any, **rules: Any) -> Ready:
    segments = [Segment(key=key, name=key, rule=rule) for key, rule in rules.items()]
    return ready(segments, audiences)


def at(profile: Profile, segments: Ready, now: int) -> tuple[Profile, list[Move], int | None]:
    after = settled(profile, segments, now)
    return after, moves(profile, after, segments, now), after.due or None


def test_entering_and_leaving_are_told_once_with_their_moment() -> None:
    segments = of(regular={"orders": {"$gte": 2}}, one={"orders": 1})
    first, moved, due = at(Profile(person_id=7, orders=1), segments, 5)
    assert first.segments == {"one": 5}
    assert moved == [Move(person_id=7, segment="one", entered=True, at=5)]
    assert due is None
    same, moved, _ = at(first, segments, 6)
    assert (same, moved) == (first, [])
    second, moved, _ = at(Profile(person_id=7, orders=2, segments=first.segments), segments, 9)
    assert second.segments == {"regular": 9}
    assert moved == [
        Move(person_id=7, segment="regular", entered=True, at=9),
        Move(person_id=7, segment="one", entered=False, at=9),
    ]


def test_time_alone_makes_a_person_enter_and_leave() -> None:
    segments = of(lapsing={"days_since_order": {"$gte": 14, "$lt": 60}})
    person = Profile(person_id=7, orders=1, last_order=DAY)
    person, moved, due = at(person, segments, 2 * DAY)
    assert (moved, due) == ([], 15 * DAY)
    person, moved, due = at(person, segments, 15 * DAY)
    assert (len(moved), due) == (1, 61 * DAY)
    person, moved, due = at(person, segments, 61 * DAY)
    assert ([move.entered for move in moved], due, person.segments) == ([False], None, {})


def test_what_a_person_did_moves_them_and_the_clock_moves_them_back() -> None:
    segments = of(keen={"$did": {"event": "A", "count": {"$gte": 2}, "within": "1d"}})
    people = {1: Profile(person_id=1), 2: Profile(person_id=2)}
    rows = events({"time": DAY}, {"time": DAY + 5}, {"time": DAY, "person_id": 2}, {"person_id": 99})
    after, moved = turned(people, rows, segments, DAY + 10)
    assert [move.person_id for move in moved] == [1]
    assert [one.due for one in after.values()] == [2 * DAY, 0]
    again, moved = turned(after, None, segments, 2 * DAY)
    assert [move.entered for move in moved] == [False]
    assert again[1].segments == {}
    assert again[2].done == {}


def test_rows_that_come_twice_count_once() -> None:
    segments = of(keen={"$did": {"event": "A", "count": {"$gte": 2}}})
    rows = events({"time": 1})
    after, _ = turned({1: Profile(person_id=1)}, rows, segments, 10)
    after, moved = turned(after, rows, segments, 10)
    assert moved == []


def test_a_segment_can_name_others() -> None:
    segments = of(
        both={"segments": {"$all": ["one", "keen"]}},
        one={"orders": 1},
        keen={"$did": {"event": "A"}},
        none={"segments": {"$nin": ["both"]}},
    )
    assert len(segments.levels) == 3
    after, _ = turned({1: Profile(person_id=1, orders=1)}, events({"time": 1}), segments, 10)
    assert set(after[1].segments) == {"one", "keen", "both"}


def test_segments_in_a_circle_and_bad_ones_are_left_out_alone() -> None:
    segments = of(
        a={"segments": {"$in": ["b"]}},
        b={"segments": {"$in": ["a"]}},
        bad={"x": {"$gtt": 1}},
        good={},
    )
    assert segments.keys == {"good"}
    assert {key for key, _ in segments.broken} == {"a", "b", "bad"}


def test_what_audiences_ask_of_the_past_is_remembered_but_moves_nobody() -> None:
    rule = {"$did": {"event": "A", "within": "1d"}}
    segments = of(rule, {"bad": {"$gtt": 1}})
    after, moved = turned({1: Profile(person_id=1)}, events({"time": DAY}), segments, DAY)
    assert len(segments.conditions) == 1
    assert [*after[1].done.values()] == [[(DAY, 0, 0)]]
    assert (moved, after[1].due) == ([], 0)


def test_segments_and_moments_that_are_no_more_are_dropped_in_silence() -> None:
    person = Profile(person_id=1, segments={"old": 3}, done={"n1": [(1, 1, 0)]})
    after, moved, _ = at(person, of(), 5)
    assert (after.segments, after.done, moved) == ({}, {}, [])


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"$did": {"event": "Segment Entered"}}, "cannot watch 'Segment Entered'"),
        (
            {"$sequence": {"steps": [{"event": "A"}, {"event": "Segment Left"}]}},
            "cannot watch 'Segment Left'",
        ),
        ({"segments": {"$size": 2}}, "a rule names segments as"),
        ({"segments": ["new"]}, "a rule names segments as"),
        ({"segments": {"$exists": True}}, "a rule names segments as"),
    ],
)
def test_what_a_segment_cannot_ask_is_named(rule: Any, told: str) -> None:
    with pytest.raises(BadRule, match=told):
        tree_of(rule)


def test_a_move_becomes_a_row_that_names_person_segment_and_moment() -> None:
    moves = [Move(person_id=7, segment="new", entered=entered, at=5) for entered in (True, False)]
    rows = move_rows(moves).to_pylist()
    assert [row["event"] for row in rows] == ["Segment Entered", "Segment Left"]
    assert [row["properties"] for row in rows] == ['{"segment":"new"}'] * 2
    assert {(row["person_id"], row["identity"]) for row in rows} == {(7, 7)}
    assert len({row["id"] for row in rows}) == 2


def test_types_that_hang_on_the_clock_are_settled_when_it_strikes() -> None:
    segments = of(asleep={"rfm": "hibernating"}, busy={"events_7d": {"$gte": 1}})
    assert len(segments.turns) == 2
    person = Profile(person_id=7, orders=1, revenue=100, last_order=DAY)
    moments = [2 * DAY]
    for _ in range(4):
        person, moved, due = at(person, segments, moments[-1])
        if due is not None:
            moments.append(due)
    assert [moment // DAY for moment in moments] == [2, 32, 92, 182, 367]
    assert [move.segment for move in moved] == ["asleep"]
    assert of(new={"orders": 1}).turns == ()


@pytest.mark.parametrize(("rule", "again"), [({"sessions": 1}, False), ({"events_7d": 1}, True)])
def test_only_who_is_asked_for_what_time_changes_is_looked_at_again(rule: Any, again: bool) -> None:
    segments = ready([Segment(key="x", name="X", rule=rule)])
    (one,) = tally(block_of({"events": events({"time": 50 * DAY})}))
    after, _ = turned({1: one}, None, segments, 50 * DAY + 1)
    assert bool(after[1].due) == again
