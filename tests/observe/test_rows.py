"""Frames as rows: what is told in which column."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from volano.domain.event import (
    EXPERIMENT_VIEWED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    Decided,
    Decision,
    Event,
    Intake,
    Option,
    Refusal,
)
from volano.domain.naming import Naming
from volano.domain.tables import TABLES
from volano.observe.identity import identity, message_row, order_row
from volano.observe.naming import Names
from volano.observe.rows import Rows

NOW = 1_795_289_253_000_000
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def event(name: str = "Product Viewed", number: int = 0, **fields: Any) -> Event:
    """An event of somebody without a name."""
    for one in ("properties", "context"):
        if one in fields:
            fields[one] = json.dumps(fields[one]).encode()
    ids: dict[str, Any] = {
        "kind": "track",
        "message_id": f"m{number}",
        "time": NOW + number,
        "anonymous_id": "a1",
    }
    return Event(**(ids | {"event": name} | fields))


def rows_of(*events: Event, rows: Rows | None = None, **frame: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of one frame, by table."""
    rows = rows or Rows({}, "EUR")
    rows.add(Intake(source="web", received_at=NOW, events=list(events), **frame), "j0", 1)
    tables = rows.tables()
    assert all(table.schema == TABLES[name] for name, table in tables.items())
    return {name: table.to_pylist() for name, table in tables.items()}


def test_an_event_fills_the_columns_that_it_tells_of() -> None:
    properties = {
        "sku": "t1",
        "category": "tea",
        "brand": "Ace",
        "price": "2.50",
        "quantity": 2,
    }
    context = {
        "page": {"url": "https://shop.example/t1?utm_source=mail&utm_medium=email&utm_campaign=spring"},
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Mobile Safari/604",
        "locale": "de-DE",
        "timezone": "Europe/Berlin",
        "device": {"id": "d1", "token": "t"},
        "ip": "192.0.2.1",
    }
    (row,) = rows_of(event(properties=properties, context=context), country="DE")["events"]
    told = {
        "event": "Product Viewed",
        "told": None,
        "source": "mail",
        "medium": "email",
        "utm_campaign": "spring",
        "device": "iphone",
        "os": "iOS",
        "browser": "Safari",
        "language": "de-de",
        "timezone": "Europe/Berlin",
        "country": "DE",
        "bot": None,
        "device_id": "d1",
        "push_token": "t",
        "path": "/t1",
        "product": "t1",
        "category": "tea",
        "brand": "Ace",
        "price": 250,
        "quantity": 2,
        "currency": "EUR",
    }
    assert {name: row[name] for name in told} == told
    assert json.loads(row["properties"]) == properties
    assert "192.0.2.1" not in str(row)


def test_an_address_among_the_properties_is_not_kept() -> None:
    (row,) = rows_of(event(properties={"$ip": "192.0.2.1", "ip": "192.0.2.1", "a": 1}))["events"]
    assert json.loads(row["properties"]) == {"a": 1}


def test_the_first_of_the_names_a_shop_uses_is_its_own_word() -> None:
    naming = Naming(
        key=":purchase",
        event="purchase",
        to=ORDER_COMPLETED,
        properties={"transaction_id": "order_id", "items": "products", "items.item_id": "product_id"},
    )
    properties = {"transaction_id": "T7", "value": 12.5, "items": [{"item_id": "t1", "price": 12.5}]}
    found = rows_of(event("purchase", properties=properties), rows=Rows({}, "EUR", names=Names([naming])))
    (row,) = found["events"]
    assert (row["event"], row["told"], row["id"]) == (ORDER_COMPLETED, "purchase", order_row("T7"))
    assert (row["revenue"], row["order_id"], row["product"]) == (1250, "T7", "t1")
    assert json.loads(row["properties"]) == properties
    (line,) = found["order_lines"]
    assert (line["order_id"], line["product"], line["revenue"]) == ("T7", "t1", 1250)


def test_an_illegal_id_alone_is_quarantined_and_beside_a_good_one_ignored() -> None:
    found = rows_of(event(anonymous_id="null"), event(user_id="undefined", number=1), event(number=2))
    assert [row["known_as"] for row in found["events"]] == ["a:a1", "a:a1"]
    assert [row["code"] for row in found["quarantine"]] == ["illegal_id"]


def test_a_bot_is_kept_with_the_reason_and_what_it_saw_proves_nothing() -> None:
    offer = {"experiment_id": "c1", "variation_id": "popup", "round": 2}
    seen = event(EXPERIMENT_VIEWED, properties=offer, context={"userAgent": CRAWLER})
    found = rows_of(seen)
    assert [row["bot"] for row in found["events"]] == ["crawler: Googlebot"]
    assert "exposures" not in found
    assert rows_of(event(EXPERIMENT_VIEWED, properties=offer))["exposures"][0]["round"] == 2


def test_a_run_through_the_shop_is_told_by_its_speed() -> None:
    pages = [event("Page Viewed", number, kind="page", time=NOW + number * 100_000) for number in range(60)]
    found = rows_of(*pages, event(number=99, anonymous_id="a2"))
    assert {row["bot"] for row in found["events"] if row["known_as"] == "a:a1"} == {"speed"}
    assert {row["bot"] for row in found["events"] if row["known_as"] == "a:a2"} == {None}


@pytest.mark.parametrize(
    ("agent", "country"), [("Mozilla/5.0 (iPhone)", "DE"), ("analytics-python/2.4", None)]
)
def test_where_a_server_stands_says_nothing_of_people(agent: str, country: str | None) -> None:
    (row,) = rows_of(event(), country="DE", user_agent=agent)["events"]
    assert row["country"] == country


def test_an_order_is_named_by_its_number_and_a_refund_by_its_message() -> None:
    order = {"order_id": "o1", "revenue": 7, "products": [{"sku": "p", "price": 2, "quantity": 3}]}
    found = rows_of(
        event(ORDER_COMPLETED, properties=order),
        event(ORDER_REFUNDED, 1, properties={"order_id": "o1", "total": 7}),
    )
    assert [row["id"] for row in found["events"]] == [order_row("o1"), message_row("web", "m1")]
    assert [row["revenue"] for row in found["events"]] == [700, -700]
    assert [(line["product"], line["revenue"]) for line in found["order_lines"]] == [("p", 600), (None, -700)]


def test_a_decision_belongs_to_who_asked_and_remembers_which_id_was_hashed() -> None:
    decision = Decision(
        decision_id="d1",
        campaign="c1",
        round=2,
        variant="popup",
        options=[Option(variant="popup", propensity=0.5)],
        reason="r",
        assigned_by="a1",
    )
    frame = Decided(
        source="web", received_at=NOW, anonymous_id="a1", user_id="7", path="/", decisions=[decision]
    )
    rows = Rows({}, "EUR")
    rows.add(frame, "j0", 1)
    (row,) = rows.tables()["decisions"].to_pylist()
    assert (row["identity"], row["known_as"], row["propensity"]) == (identity("u:7"), "a:a1", 0.5)


def test_what_cannot_be_read_is_quarantined_alone() -> None:
    bad = replace(event(), properties=b'{"x": 1e999}')
    found = rows_of(bad, event(number=1))
    assert (len(found["events"]), [row["code"] for row in found["quarantine"]]) == (1, ["malformed"])


def test_names_that_arrive_are_counted_as_they_came() -> None:
    rows = Rows({}, "EUR", names=Names([Naming(key=":buy", event="buy", to=ORDER_COMPLETED)]))
    rows_of(event("buy", properties={"total": 3}), rows=rows)
    assert {(one.event, one.count) for one in rows.seen().values()} == {("buy", 1), ("", 1)}


def test_what_is_quarantined_is_counted_with_its_source() -> None:
    rows = Rows({}, "EUR")
    rows_of(replace(event(), properties=b"{"), rows=rows)
    refusals = [Refusal(index=0, code="no_id", message="send one")] * 2
    rows.add(Intake(source="web", received_at=NOW, events=[], refusals=refusals), "j0", 2)
    rows.add(Intake(source="", received_at=NOW, events=[], refusals=refusals), "j0", 3)
    (record,) = rows.seen().values()
    assert (record.source, record.refused) == ("web", {"malformed": 1, "no_id": 2})
