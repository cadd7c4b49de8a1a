"""The registry of what arrives: exact counts, bounded names, examples that tell of nobody."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.domain.registry import EVENTS, PROPERTIES, Property, Seen
from volano.domain.tables import filled
from volano.observe.registry import Arrivals, joined, registered, seen_key, with_doubles

ITEMS = st.tuples(
    st.sampled_from(["web", "app"]),
    st.sampled_from(["buy", "look"]),
    st.dictionaries(st.sampled_from("abc"), st.none() | st.booleans() | st.integers() | st.text(max_size=3)),
)


def counted(items: list[tuple[str, str, dict[str, Any]]], at: int = 5) -> dict[int, Seen]:
    arrivals = Arrivals()
    for source, event, properties in items:
        arrivals.add(source, event, properties, at)
    return arrivals.seen()


def facts(found: dict[int, Seen]) -> dict[tuple[str, str], Any]:
    """Counts without examples, of which only the first are kept."""
    return {
        (one.source, one.event): (one.count, {name: known.types for name, known in one.properties.items()})
        for one in found.values()
    }


@given(st.lists(ITEMS, max_size=20))
def test_every_property_is_counted_by_its_type(items: list[tuple[str, str, dict[str, Any]]]) -> None:
    found = counted(items)
    for source, event, _ in items:
        same = [properties for s, e, properties in items if (s, e) == (source, event)]
        record = found[seen_key(source, event)]
        assert record.count == len(same)
        for name, known in record.properties.items():
            assert known.count == sum(name in properties for properties in same)
            assert len(known.examples) <= 3
        assert found[seen_key(source, "")].count == sum(s == source for s, _, _ in items)


@given(st.lists(ITEMS, max_size=12), st.lists(ITEMS, max_size=12))
def test_drains_add_up(one: list[Any], other: list[Any]) -> None:
    known = {record.key: record for record in registered({}, counted(one))}
    both = known | {record.key: record for record in registered(known, counted(other))}
    assert facts(both) == facts(counted(one + other))
    names = {(record.source, record.event) for record in both.values() if record.event}
    assert {record.source: record.names for record in both.values() if not record.event} == {
        source: sum(s == source for s, _ in names) for source in {s for s, _ in names}
    }


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 50)), min_size=1, max_size=20))
def test_it_is_known_when_a_property_came_first_and_last(items: list[tuple[str, int]]) -> None:
    known: dict[int, Seen] = {}
    items.sort(key=lambda item: item[1])  # frames come in the order of arrival
    for half in (items[: len(items) // 2], items[len(items) // 2 :]):
        arrivals = Arrivals()
        for name, at in half:
            arrivals.add("web", "buy", {name: 1, "list": [{name: 1}]}, at)
        known |= {one.key: one for one in registered(known, arrivals.seen())}
    found = known[seen_key("web", "buy")].properties
    for name in {name for name, _ in items}:
        times = [at for some, at in items if some == name]
        assert (found[name].first_seen, found[name].last_seen) == (min(times), max(times))


def test_a_property_that_was_kept_without_times_gets_them_when_it_comes_again() -> None:
    old = msgspec.json.decode(b'[{"text": 3}, ["a"]]', type=Property)
    assert (old.first_seen, old.last_seen) == (0, 0)
    key = seen_key("web", "buy")
    before = Seen(key=key, source="web", event="buy", count=3, properties={"a": old})
    after = joined(before, counted([("web", "buy", {"a": "x"})])[key]).properties["a"]
    assert (after.count, after.first_seen, after.last_seen) == (4, 5, 5)


def test_ten_thousand_names_of_properties_are_counted_and_not_kept() -> None:
    found = counted([("web", "odd", {f"p{number}": 1}) for number in range(10_000)])
    record = found[seen_key("web", "odd")]
    assert (len(record.properties), record.others, record.count) == (PROPERTIES, 10_000 - PROPERTIES, 10_000)
    wide = counted([("web", "wide", {f"p{number}": 1 for number in range(2_000)})])[seen_key("web", "wide")]
    assert (len(wide.properties), wide.others) == (PROPERTIES, 2_000 - PROPERTIES)


def test_a_source_with_too_many_names_of_events_counts_the_others() -> None:
    known: dict[int, Seen] = {}
    for start in range(0, 2_000, 100):
        fresh = counted([("web", f"e{number}", {}) for number in range(start, start + 100)])
        known |= {record.key: record for record in registered(known, fresh)}
    whole = known[seen_key("web", "")]
    assert (whole.names, whole.unnamed, whole.count, len(known)) == (
        EVENTS,
        2_000 - EVENTS,
        2_000,
        EVENTS + 1,
    )


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("colour", "green", ("green",)),
        ("price", 9.5, ("9.5",)),
        ("gift", True, ("true",)),
        ("when", "2026-01-31T10:00:00Z", ("2026-01-31T10:00:00Z",)),
        ("note", "write to ann@shop.example", ("…",)),
        ("note", "+49 170 1234567", ("…",)),
        ("first_name", "Ann", ("…",)),
        ("product_name", "Green tea", ("Green tea",)),
        ("long", "x" * 99, ("x" * 60,)),
        ("nothing", None, ()),
        ("list", [1], ()),
    ],
)
def test_examples_are_cut_and_tell_of_nobody(name: str, value: object, shown: tuple[str, ...]) -> None:
    record = counted([("web", "e", {name: value})])[seen_key("web", "e")]
    assert record.properties[name].examples == shown


def test_what_is_within_the_first_entry_of_a_list_is_named_with_its_path() -> None:
    record = counted([("web", "buy", {"items": [{"item_id": "t1"}], "ecommerce": {"value": 2}})])
    names = record[seen_key("web", "buy")].properties
    assert {"items", "items.item_id", "ecommerce", "ecommerce.value"} == set(names)
    assert names["items.item_id"].examples == ("t1",)


def test_refusals_and_doubles_are_counted_by_source() -> None:
    arrivals = Arrivals()
    for _ in range(2):
        arrivals.add("web", "e", {"a": 1}, 9)
    arrivals.refuse("web", "x", 9)
    told = filled("events", {"origin": pa.array(["web", "web", "app"])})
    fresh = with_doubles(arrivals.seen(), told, told.slice(1))
    whole = fresh[seen_key("web", "")]
    assert (whole.count, whole.refused, whole.doubles, whole.first_seen) == (2, {"x": 1}, 1, 9)
    again = reduce(joined, [whole, whole])
    assert (again.count, again.refused, again.doubles) == (4, {"x": 2}, 2)
    assert json.loads(json.dumps(again.refused)) == {"x": 2}


def test_traits_of_somebody_are_counted_without_examples() -> None:
    traits = {"login": "kimchul", "city": "Busan", "age": 44}
    found = counted([("web", "Identified", traits), ("web", "Rated", {"traits": traits})])
    record = found[seen_key("web", "Identified")]
    assert {name: known.types for name, known in record.properties.items()} == {
        "login": {"text": 1},
        "city": {"text": 1},
        "age": {"number": 1},
    }
    shown = [known.examples for one in found.values() for known in one.properties.values()]
    assert shown == [()] * len(shown)
