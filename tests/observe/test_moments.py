from __future__ import annotations

import pickle
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.happenings import Row, events
from volano.observe.event_facts import amounts, fitting
from volano.observe.moments import Moments, by_person, moments, moments_of, pruned, united, view_of
from volano.rules.history import REMEMBERED
from volano.rules.nodes import Condition, Window, conditions
from volano.rules.tree import parse

NOW = 1_000


def asked(**did: Any) -> Condition:
    (one,) = conditions(parse({"$did": {"event": "A", **did}}))
    return one


def times(table: pa.Table, condition: Condition) -> list[int]:
    return [time for time, _, _ in moments(table, [condition], now=NOW).get(1, {}).get(condition.key, [])]


def test_moments_are_those_of_the_event_in_order_by_person() -> None:
    table = events({"time": 5}, {"time": 3}, {"event": "B"}, {"person_id": 2, "time": 9}, {"event": None})
    one = asked()
    assert moments(table, [one], now=NOW) == {1: {one.key: [(3, 1, 0), (5, 0, 0)]}, 2: {one.key: [(9, 3, 0)]}}
    assert moments(events({"event": "B"}), [one], now=NOW) == {}
    assert moments(table, [], now=NOW) == {}


def test_what_robots_do_is_not_remembered() -> None:
    assert times(events({"time": 5, "bot": "crawler"}, {"time": 6}), asked()) == [6]


def test_only_what_lies_in_the_window_and_only_the_latest_are_remembered() -> None:
    many = events(*({"time": time} for time in range(REMEMBERED + 5)))
    assert times(many, asked()) == list(range(5, REMEMBERED + 5))
    day = 86_400_000_000
    table = events({"time": day}, {"time": 2 * day}, {"time": 9 * day})
    found = moments(table, [asked(within="1d")], now=3 * day)
    assert [time for time, _, _ in found[1][asked().key]] == [9 * day]
    one = asked(within="2d")
    assert [time for time, _, _ in moments(table, [one], now=3 * day)[1][one.key]] == [2 * day, 9 * day]


def test_of_a_first_time_only_the_earliest_is_remembered_however_old() -> None:
    assert times(events({"time": 7}, {"time": 3}, {"time": 9}), asked(first=True, within="1m")) == [3]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"category": "shoes"}, [1, 2]),
        ({"product_id": "p1"}, [1]),
        ({"product": "p1", "category": {"$ne": "hats"}}, [1]),
        ({"revenue": {"$gte": 12.5}}, [1, 4]),
        ({"revenue": 500}, [4]),
        ({"colour": "red"}, [3]),
        ({"properties.category": "their own"}, [1]),
        ({"products": {"$elemMatch": {"size": {"$gte": 40}}}}, [3]),
        ({"deep.er": 1}, [3]),
        ({"price": {"$lt": 10}}, [2, 3]),
        ({"source": "mail"}, [4]),
        ({"source": {"$exists": False}}, [1, 2, 3, 5]),
        ({"none": {"$exists": True}}, []),
        ({}, [1, 2, 3, 4, 5]),
    ],
)
def test_a_rule_on_a_row_sees_columns_first_and_then_properties(
    where: dict[str, Any], expected: list[int]
) -> None:
    third = {"colour": "red", "price": 9.99, "products": [{"size": 39}, {"size": 41}], "deep": {"er": 1}}
    table = events(
        {
            "time": 1,
            "category": "shoes",
            "product": "p1",
            "revenue": 1250,
            "currency": "EUR",
            "properties": '{"category":"their own"}',
        },
        {"time": 2, "price": 999, "properties": '{"category":"shoes","price":"dear"}'},
        {"time": 3, "properties": msgspec.json.encode(third).decode()},
        {"time": 4, "revenue": 500, "currency": "JPY", "source": "mail", "properties": "no object"},
        {"time": 5, "category": "hats", "properties": "[1]"},
    )
    assert times(table, asked(where=where)) == expected


def test_a_rule_on_a_row_gives_the_same_from_columns_and_from_properties() -> None:
    columns = events({"category": "a", "price": 1}, {"category": "b", "price": 2})
    told = events(
        {"properties": '{"category":"a","price":0.01}'}, {"properties": '{"category":"b","price":0.02}'}
    )
    for where in (
        '{"category":"a"}',
        '{"price":{"$gt":0.01}}',
        '{"category":{"$in":["b"]},"price":0.02}',
        "{}",
    ):
        assert fitting(columns, where).tolist() == fitting(told, where).tolist()
    assert fitting(columns.select(["event", "id"]), '{"category":"a"}').tolist() == [False, False]


@pytest.mark.parametrize(
    ("of", "row", "expected"),
    [
        ("revenue", {"revenue": 1999, "currency": "EUR"}, 19_990_000),
        ("revenue", {"revenue": -5, "currency": "JPY"}, -5_000_000),
        ("revenue", {"revenue": 1, "currency": "KWD"}, 1_000),
        ("revenue", {"revenue": 100}, 1_000_000),
        ("revenue", {"properties": '{"revenue": 3}'}, 0),
        ("price", {"properties": '{"price": 3}'}, 3_000_000),
        ("quantity", {"quantity": 2}, 2_000_000),
        ("quantity", {"properties": '{"quantity": "2"}'}, 2_000_000),
        ("points", {"properties": '{"points": 0.1}'}, 100_000),
        ("points", {"properties": '{"points": true}'}, 0),
        ("points", {"properties": '{"points": "many"}'}, 0),
        ("points", {"properties": '{"points": "nan"}'}, 0),
        ("points", {"properties": '{"points": 1e300}'}, 10**16),
        ("points", {"properties": None}, 0),
        ("category", {"category": "12"}, 12_000_000),
        ("revenue", {"revenue": 2**62, "currency": "EUR"}, 10**16),
    ],
)
def test_amounts_are_millionths_of_what_the_shop_writes(of: str, row: Row, expected: int) -> None:
    assert amounts(events(row), of).tolist() == [expected]


def test_the_view_asks_for_what_the_conditions_need() -> None:
    view = view_of([asked(where={"colour": "x"}), asked(sum={"of": "price", "$gt": 1})], people=(7,))
    assert view.columns == ("currency", "event", "id", "price", "properties")
    assert view.only == (("event", ("A",)),)
    assert view.humans
    assert view.people == (7,)


def test_tallies_of_blocks_add_up_and_travel() -> None:
    count = pickle.loads(pickle.dumps(moments_of([asked(), asked(first=True, within="1m")], NOW)))
    one, other = events({"time": 3}, {"time": 4}), events({"person_id": 2, "time": 5})
    both = count(one) + count(other) + Moments()
    assert by_person(both) == by_person(count(pa.concat_tables([one, other])))


ROWS = st.lists(st.tuples(st.integers(1, 2), st.integers(0, 9)), max_size=8)


@settings(max_examples=100)
@given(ROWS, st.data())
def test_moments_are_the_same_however_the_rows_come(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    table = events(*({"person_id": person, "time": time} for person, time in rows))
    wanted = [asked(), asked(first=True, within="1m")]
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(0, len(rows)))
    found: dict[int, dict[str, Any]] = {}
    for part in (order[:cut], order[cut:], order[:1]):
        for person, done in moments(table.take(pa.array(part, pa.int64())), wanted, now=NOW).items():
            found[person] = united(found.get(person, {}), done)
    assert found == moments(table, wanted, now=NOW)


def test_union_keeps_as_many_as_are_remembered() -> None:
    early, late = ([(time, time, 0) for time in span] for span in (range(200), range(100, 300)))
    both = united({"n": early}, {"n": late})
    assert both == united({"n": late}, {"n": early})
    assert both == {"n": [(time, time, 0) for time in range(300 - REMEMBERED, 300)]}


def test_what_no_rule_asks_for_any_more_is_dropped() -> None:
    kept, first = Condition(events=("A",), window=Window(within=10)), Condition(events=("A",), first=True)
    done = {kept.key: [(5, 1, 0), (95, 2, 0), (200, 3, 0)], first.key: [(1, 1, 0)], "gone": [(99, 1, 0)]}
    wanted = {one.key: one for one in (kept, first)}
    assert pruned(done, wanted, 100) == {kept.key: [(95, 2, 0), (200, 3, 0)], first.key: [(1, 1, 0)]}
    assert pruned({kept.key: [(5, 1, 0)]}, wanted, 100) == {}
