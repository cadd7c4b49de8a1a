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
