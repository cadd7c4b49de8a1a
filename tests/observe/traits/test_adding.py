"""The profile of a history is the sum of the profiles of its parts, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial, reduce
from random import Random

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.traits.blocks import DAY, EVENT_ROWS, NOW, ROWS, START, Row, block, row
from volano.domain.profile import Profile
from volano.domain.tables import EVENTS
from volano.maths import shorts
from volano.observe.anew import Before, Roll, roll
from volano.observe.identity import order_row
from volano.observe.membership import ready
from volano.observe.traits import (
    FIELDS,
    TIMED,
    VIEW,
    block_of,
    facts,
    joined,
    people,
    tally,
    taste,
    telling,
)
from volano.testing.lake_memory import MemoryLake

ZONE = "America/New_York"


def whole(rows: list[Row]) -> dict[int, Profile]:
    return {one.person_id: one for one in tally(block(rows), zone=ZONE)}


def summed(parts: Iterable[list[Row]]) -> dict[int, Profile]:
    found: dict[int, Profile] = {}
    for part in parts:
        for person, profile in whole(part).items():
            found[person] = joined(found[person], profile) if person in found else profile
    return found


@settings(deadline=None, max_examples=300)
@given(ROWS, st.lists(st.integers(0, 3), min_size=40, max_size=40), st.randoms(use_true_random=False))
def test_any_split_in_any_order_adds_up_to_the_whole(rows: list[Row], share: list[int], dice: Random) -> None:
    parts: list[list[Row]] = [[], [], [], []]
    for one, place in zip(rows, share, strict=False):
        parts[place].append(one)
    for part in parts:
        dice.shuffle(part)
    dice.shuffle(parts)
    assert summed(parts) == whole(rows)


@settings(deadline=None)
@given(ROWS)
def test_it_does_not_matter_who_is_added_to_whom(rows: list[Row]) -> None:
    profiles = list(whole(rows).values())
    one, other = (profiles * 2)[:2] if profiles else (Profile(person_id=1), Profile(person_id=2))
    back = msgspec.structs.replace(joined(other, one), person_id=one.person_id)
    assert joined(one, other) == back
    assert joined(one, Profile(person_id=7)) == one


@settings(deadline=None)
@given(ROWS)
def test_a_record_comes_back_as_it_was_packed(rows: list[Row]) -> None:
    for profile in whole(rows).values():
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(profile), type=Profile) == profile


@settings(deadline=None)
@given(ROWS)
def test_the_table_of_people_says_what_the_facts_of_each_say(rows: list[Row]) -> None:
    profiles = list(whole(rows).values())
    table = people(profiles, now=NOW).to_pylist()
    for profile, told in zip(profiles, table, strict=True):
        known = facts(profile, now=NOW)
        for name, value in told.items():
            if name != "person_id":
                assert known.get(name) == value, name
        assert set(known) <= set(told)


HUGE = st.builds(
    lambda event, order, revenue, price, quantity, at: row(
        event, at=at, order_id=order, revenue=revenue, price=price, quantity=quantity, product=f"p{at % 3}"
    ),
    st.sampled_from(
        ["Order Completed", "Order Refunded", "Order Updated", "Order Cancelled", "Product Added"]
    ),
    st.sampled_from([None, "o1", "o2"]),
    st.sampled_from([None, 10**15, 2**62, 2**63 - 1, -(2**63)]),
    st.sampled_from([10**15, 2**63 - 1]),
    st.sampled_from([1, 10**6, 2**63 - 1]),
    st.integers(0, 9),
)


@settings(deadline=None)
@given(st.lists(HUGE, min_size=1, max_size=30), st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_huge_numbers_add_up_alike_and_fit_every_store(rows: list[Row], share: list[int]) -> None:
    rows = rows * 2_000 if len(rows) < 3 else rows  # more than 64 bits hold
    parts = [[one for one, place in zip(rows, share * 200, strict=False) if place == k] for k in range(4)]
    (known,) = whole(rows).values()
    assert summed(parts) == {1: known}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Profile) == known
    assert people([known], now=NOW).num_rows == 1
    assert abs(known.bills.get(order_row("o1"), 0)) < 2**63


def test_too_many_orders_and_currencies_are_forgotten_alike_in_any_order() -> None:
    rows = [
        row(
            "Order Completed" if number % 3 else "Order Cancelled",
            at=number / 100,
            order_id=f"o{number // 2}",
            revenue=number,
            currency=f"{chr(65 + number // 2 % 26)}AA" if number % 2 else "USD",
        )
        for number in range(3_000)
    ]
    parts = [rows[at::7] for at in range(7)]
    (known,) = whole(rows).values()
    assert summed(parts) == {1: known}
    assert (len(known.bills), len(known.undone), len(known.foreign)) == (512, 512, 16)


LOOKS = st.lists(
    st.builds(
        lambda name, period: row(category=name, at=30 * period),
        st.sampled_from("abcdefgh"),
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(LOOKS, LOOKS)
def test_tastes_of_too_many_names_over_too_long_a_time_add_up(one: list[Row], other: list[Row]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taste, "NAMES", 2)
        patch.setattr(taste, "WINDOW", 3)
        assert summed([one, other]) == whole(one + other)


NAMES = [f"name {number}" for number in range(300)]


@settings(deadline=None, max_examples=40)
@given(ROWS, st.sets(st.sampled_from([*FIELDS, "traits.plan"])))
def test_the_facts_that_are_asked_for_are_what_all_facts_say(rows: list[Row], names: set[str]) -> None:
    wanted = names | {TIMED[name].anchor for name in names & TIMED.keys()}
    for one in tally(block(rows)):
        every, some = facts(one, now=NOW), facts(one, now=NOW, of=telling(names))
        assert [some.get(name) for name in wanted] == [every.get(name) for name in wanted]


def long_history(seed: int) -> list[Row]:
    """More than each trait remembers: days, names, products, keys, devices."""
    dice = Random(seed)
    return [
        row(
            dice.choice(["Product Viewed", "Product Added", "Order Completed", "Identified", "Email Opened"]),
            at=dice.choice([dice.randrange(900), 850 + dice.random() * 40]),
            category=dice.choice(NAMES),
            price=dice.randrange(100_000),
            product=dice.choice(NAMES),
            device_id=dice.choice(NAMES),
            source=dice.choice([None, "mail", "ads"]),
            properties={dice.choice(NAMES): dice.choice(["x" * 300, 1, 2])},
        )
        for _ in range(3_000)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_too_much_to_remember_is_forgotten_alike_in_any_order(seed: int) -> None:
    rows = long_history(seed)
    dice = Random(seed)
    parts: list[list[Row]] = [[] for _ in range(30)]
    for one in rows:
        dice.choice(parts).append(one)
    profiles = [whole(part)[1] for part in parts]
    (known,) = whole(rows).values()
    assert reduce(joined, profiles) == known
    assert len(shorts.read(known.days_before)) == 512
    assert len(msgspec.msgpack.encode(known)) < 40_000


def test_a_profile_of_a_usual_buyer_is_small() -> None:
    rows = [
        row(
            "Order Completed" if number % 7 == 6 else "Product Viewed",
            at=number // 4 * 4.3 + number % 4 / 100,
            revenue=4_900,
            category=f"category {number % 4}",
            brand=f"brand {number % 5}",
            price=1_000 + 900 * (number % 4),
            source="google" if number % 3 == 0 else None,
            medium="organic" if number % 3 == 0 else None,
            device="iphone",
            os="iOS",
            browser="Safari",
            language="de-de",
            timezone="Europe/Berlin",
            country="de",
        )
        for number in range(20)
    ]
    rows.append(
        row("Identified", at=26, properties={"email": "somebody@shop.example", "consent": {"email": True}})
    )
    (profile,) = whole(rows).values()
    assert profile.orders == 2
    assert len(msgspec.msgpack.encode(profile)) < 600


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.tuples(st.integers(1, 30), EVENT_ROWS), max_size=8), max_size=5))
def test_what_grew_with_the_lake_is_what_the_lake_makes_anew(batches: list[list[tuple[int, Row]]]) -> None:
    lake = MemoryLake()
    grown: dict[int, Profile] = {}
    for batch in batches:
        rows = block([one for _, one in batch]).drop_columns(["table"])
        names = [name for name in rows.column_names if name in EVENTS.names]
        ids = pa.array([number for number, _ in batch], pa.int64())
        added = lake.append({"events": rows.select(names).append_column("id", ids)})
        for one in tally(block_of(added), zone=ZONE):
            known = grown.get(one.person_id)
            grown[one.person_id] = one if known is None else joined(known, one)
    think = partial(roll, zone=ZONE, currency="USD", ready=ready(()), before=Before(), now=NOW)
    anew = lake.tally(VIEW, think) or Roll()
    records = [record for part in anew.parts for record in part.records]
    assert {one.person_id: one for one in map(_read, records)} == grown
    assert len(anew) == len(grown)


_read = msgspec.msgpack.Decoder(Profile).decode


def test_nobody_has_no_profile_and_robots_neither() -> None:
    assert tally(block([])) == []
    assert tally(block([row(bot="crawler"), row(bot="crawler", at=1)])) == []
    assert START % DAY == 0


def test_many_sources_and_campaigns_need_little_room() -> None:
    rows = [
        row(at=number / 10_000, source=f"s{number}", medium=f"m{number}", utm_campaign=f"c{number}")
        for number in range(2_000)
    ]
    (profile,) = whole(rows).values()
    (once,) = whole(rows[::2] + rows[1::2]).values()
    assert profile.sessions > 1_900
    assert once == profile
