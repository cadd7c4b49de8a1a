"""The past under other names: what it would be had it come today, and back."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.event import ORDER_COMPLETED, Event, Intake
from volano.domain.naming import Naming
from volano.domain.tables import TABLES
from volano.observe.identity import line_row, message_row, order_row
from volano.observe.naming import Names
from volano.observe.rereading import Orders, OrdersTold, Reread
from volano.observe.rows import Rows

WORDS = {"transaction_id": "order_id", "items": "products", "items.item_id": "product_id"}
NAMES = Names(
    [
        Naming(key=":purchase", event="purchase", to=ORDER_COMPLETED, properties=WORDS),
        Naming(key=":look", event="look", to="Product Viewed", properties={"thing": "product_id"}),
    ]
)
NONE = Names()
DERIVED = [name for name in TABLES["events"].names if name != "id"]


def tables(came: list[tuple[str, dict[str, Any]]], names: Names = NONE) -> dict[str, pa.Table]:
    """What the drain makes of events (name, properties) under some names."""
    events = [
        Event(
            kind="track",
            event=name,
            message_id=f"m{number}",
            time=1_000 + number,
            anonymous_id="a",
            properties=json.dumps(properties).encode(),
        )
        for number, (name, properties) in enumerate(came)
    ]
    rows = Rows({}, "EUR", names=names)
    rows.add(Intake(source="web", received_at=0, events=events), "j0", 1)
    return rows.tables()


def purchase(number: str, *items: str, value: float = 9) -> tuple[str, dict[str, Any]]:
    told = [{"item_id": item, "price": 3} for item in items]
    return "purchase", {"transaction_id": number, "value": value, "items": told}


def lines(found: pa.Table | None) -> list[dict[str, Any]]:
    return sorted(found.to_pylist() if found is not None else [], key=lambda row: row["id"])


COMING = st.lists(
    st.tuples(
        st.sampled_from(["purchase", "look", ORDER_COMPLETED, "other"]),
        st.fixed_dictionaries(
            {},
            optional={
                "thing": st.integers(0, 3),
                "value": st.floats(0, 99),
                "items": st.just([{"item_id": 1}]),
            },
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(COMING)
def test_reading_again_makes_what_the_drain_makes_under_these_names(
    came: list[tuple[str, dict[str, Any]]],
) -> None:
    before, today = tables(came), tables(came, NAMES)
    found = Reread(names=NAMES, currency="EUR")(before["events"])
    assert found.rows["events"].select(DERIVED).equals(today["events"].select(DERIVED))
    fresh = lines(found.rows.get("order_lines"))
    assert fresh == lines(today.get("order_lines"))
    back = Reread(names=NONE, currency="EUR")(found.rows["events"])
    assert back.rows["events"].equals(before["events"])
    gone = set(back.drop.get("order_lines", ()))
    assert {row["id"] for row in fresh} <= gone
    assert lines(back.rows.get("order_lines")) == lines(before.get("order_lines"))


def test_an_order_takes_the_id_of_its_number_and_loses_it_with_the_name() -> None:
    before = tables([purchase("T1", "a", "b")])["events"]
    reread = pickle.loads(pickle.dumps(Reread(names=NAMES, currency="EUR")))
    found = reread(before).rows
    assert found["events"]["id"].to_pylist() == [order_row("T1")]
    assert found["order_lines"]["id"].to_pylist() == [line_row(order_row("T1"), number) for number in (0, 1)]
    assert reread(found["events"]).rows["events"].equals(found["events"])
    back = Reread(names=NONE, currency="EUR")(found["events"])
    (row,) = back.rows["events"].to_pylist()
    assert row["id"] not in (order_row("T1"), message_row("web", "m0"))
    assert (row["event"], row["told"], row["revenue"], row["order_id"]) == ("purchase", None, None, None)
    assert set(found["order_lines"]["id"].to_pylist()) <= set(back.drop["order_lines"])


def large(name: str) -> tuple[str, dict[str, Any]]:
    """An order with more lines than a row has room for."""
    items = [{"item_id": f"p{number}", "name": "x" * 50, "price": 4} for number in range(100)]
    if name == ORDER_COMPLETED:
        items = [{"product_id": one.pop("item_id"), **one} for one in items]
        return name, {"order_id": "T1", "products": items}
    return name, {"transaction_id": "T1", "items": items, "value": 400}


def money(found: dict[str, pa.Table]) -> list[Any]:
    """Revenue and currency of the rows of events, and of all lines together."""
    shown = [(row["revenue"], row["currency"]) for row in found["events"].to_pylist()]
    return [*shown, sum(row["revenue"] for row in lines(found.get("order_lines")))]


def applied(before: dict[str, pa.Table], names: Names) -> dict[str, pa.Table]:
    """Events and order lines once the events have been read again."""
    found = Reread(names=names, currency="EUR")(before["events"])
    gone = set(found.drop.get("order_lines", ()))
    stay = [row for row in lines(before.get("order_lines")) if row["id"] not in gone]
    both = [*stay, *lines(found.rows.get("order_lines"))]
    return {
        "events": found.rows["events"],
        "order_lines": pa.Table.from_pylist(both, schema=TABLES["order_lines"]),
    }


def test_an_order_too_long_for_its_row_keeps_its_money_and_lines_when_it_is_read_again() -> None:
    before = tables([large(ORDER_COMPLETED)])
    assert money(before) == [(40_000, "EUR"), 40_000]
    words = {"voucher": "coupon"}
    names = Names([Naming(key=":o", event=ORDER_COMPLETED, to=ORDER_COMPLETED, properties=words)])
    after = applied(before, names)
    assert after["events"].equals(before["events"])
    assert lines(after["order_lines"]) == lines(before["order_lines"])
    told = OrdersTold(names=names, currency="EUR")(after["events"])
    assert [order for order, *_ in told.told] == [order_row("T1")]


def test_a_purchase_too_long_for_its_row_has_its_money_once_under_any_name() -> None:
    before = tables([large("purchase")])
    named = applied(before, NAMES)
    assert money(named) == [(40_000, "EUR"), 40_000]
    assert named["events"]["id"].to_pylist() == [order_row("T1")]
    assert money(applied(named, NAMES)) == [(40_000, "EUR"), 40_000]
    assert money(applied(named, NONE)) == [(None, None), 0]
    at_once = tables([large("purchase")], NAMES)
    assert len(at_once["order_lines"]) == 100
    assert money(applied(at_once, NAMES)) == [(40_000, "EUR"), 40_000]
    assert money(applied(at_once, NONE)) == [(None, None), 0]


def test_an_order_that_is_told_twice_is_one_and_the_other_keeps_its_name() -> None:
    came = [
        purchase("T1", "a"),
        purchase("T1", "a"),
        (ORDER_COMPLETED, {"order_id": "T2"}),
        purchase("T2", "b"),
    ]
    before = tables(came)["events"]
    told = OrdersTold(names=NAMES, currency="EUR")
    repeats = (told(before.slice(2)) + told(before.slice(0, 2)) + Orders()).repeats()
    assert repeats == {message_row("web", "m1"), message_row("web", "m3")}
    after = Reread(names=NAMES, currency="EUR", repeats=repeats)(before).rows
    assert after["events"]["event"].to_pylist() == [ORDER_COMPLETED, "purchase", ORDER_COMPLETED, "purchase"]
    assert sorted(after["events"]["id"].to_pylist()[::2]) == sorted([order_row("T1"), order_row("T2")])
    assert len(set(after["events"]["id"].to_pylist())) == 4
    assert told(after["events"]).repeats() == repeats
