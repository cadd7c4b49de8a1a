"""From the journal to the lake and the profiles."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.flow.site import MINUTE, NOW, Site, event, order
from volano.domain.event import (
    EXPERIMENT_VIEWED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    Decided,
    Decision,
    Option,
    Refusal,
)
from volano.flow.ingest import rebuild_profiles
from volano.observe.identity import identity, message_row, order_row


def test_an_event_becomes_a_row_with_everything_it_tells(site: Site) -> None:
    page = {"url": "https://shop.example/p/1?utm_source=mail&utm_medium=email", "path": "/p/1"}
    properties = {"product_id": 17, "price": 9.5, "note": "<script>alert(1)</script>"}
    context = {"page": page, "userAgent": "Mozilla/5.0 (iPhone)"}
    site.send(event(anon="a1", message_id="m1", properties=properties, context=context))
    assert site.drain() == 1
    (row,) = site.rows()
    assert row["person_id"] == row["identity"] == identity("a:a1")
    assert row["id"] == message_row("web", "m1")
    assert row["time"].timestamp() == NOW / 1e6
    told = {"known_as", "origin", "event", "source", "medium", "device", "path", "product"}
    assert {name: row[name] for name in told} == {
        "known_as": "a:a1",
        "origin": "web",
        "event": "Product Viewed",
        "source": "mail",
        "medium": "email",
        "device": "iphone",
        "path": "/p/1",
        "product": "17",
    }
    assert json.loads(row["properties"]) == properties
    assert (row["price"], row["currency"], row["quantity"]) == (950, "USD", None)
    assert row["revenue"] is row["order_id"] is None


def test_a_page_call_without_context_tells_its_path_in_its_properties(site: Site) -> None:
    site.send(event("Page Viewed", kind="page", user="u", properties={"url": "https://shop.example/sale"}))
    site.drain()
    assert site.rows()[0]["path"] == "/sale"


@pytest.mark.parametrize(
    ("name", "properties", "revenue", "currency"),
    [
        (ORDER_COMPLETED, {"revenue": 39.9}, 3990, "USD"),
        (ORDER_COMPLETED, {"revenue": "39.90", "currency": "eur"}, 3990, "EUR"),
        (ORDER_COMPLETED, {"total": 1500, "currency": "JPY"}, 1500, "JPY"),
        (ORDER_COMPLETED, {"value": 2, "currency": "Euros"}, 200, "USD"),
        (ORDER_COMPLETED, {"products": [{"price": 2, "quantity": 3}, {"price": 1}]}, 700, "USD"),
        (ORDER_COMPLETED, {}, None, None),
        (ORDER_COMPLETED, {"revenue": 1e300}, None, None),
        (ORDER_REFUNDED, {"total": 5}, -500, "USD"),
        (ORDER_REFUNDED, {"revenue": -5}, -500, "USD"),
        ("Checkout Started", {"revenue": 39.9}, None, None),
    ],
)
def test_revenue_is_in_minor_units_and_refunds_are_negative(
    name: str, properties: dict[str, Any], revenue: int | None, currency: str | None
) -> None:
    site = Site()
    site.send(event(name, user="u", properties=properties))
    site.drain()
    assert (site.rows()[0]["revenue"], site.rows()[0]["currency"]) == (revenue, currency)


def test_an_order_has_a_line_for_each_product_or_one(site: Site) -> None:
    products = [{"product_id": "p1", "price": 2, "quantity": 3}, {"sku": "p2", "price": "1.5"}, "odd"]
    site.send(
        event(ORDER_COMPLETED, user="u", properties={"order_id": "o1", "revenue": 7, "products": products}),
        order("o2", 5, user="u"),
        event(ORDER_REFUNDED, user="u", properties={"order_id": "o1", "products": products[:1]}),
    )
    site.drain()
    lines = sorted(
        (row["order_id"], row["product"], row["quantity"], row["revenue"])
        for row in site.rows("order_lines")
        if row["product"]
    )
    assert lines == [("o1", "p1", 3, -600), ("o1", "p1", 3, 600), ("o1", "p2", 1, 150)]
    assert [row["revenue"] for row in site.rows("order_lines") if row["order_id"] == "o2"] == [500]


def test_the_same_message_or_order_is_one_row_and_counts_once(site: Site) -> None:
    first = event(user="u", message_id="same")
    site.send(first, order("o1", user="u"))
    site.drain()
    site.send(first, order("o1", user="u"), source="web")
    site.send(order("o1", user="u"), order("o2", user="u"), source="server")
    site.drain()
    assert len(site.rows()) == 3
    assert {row["id"] for row in site.rows()} >= {order_row("o1"), order_row("o2")}
    assert len(site.rows("order_lines")) == 2
    assert (site.profile("u:u").orders, site.profile("u:u").revenue) == (2, 2000)


def test_the_scope_of_a_message_id_is_its_source(site: Site) -> None:
    same = event(user="u", message_id="same")
    site.send(same, source="web")
    site.send(same, source="app")
    site.drain()
    assert len(site.rows()) == 2


def test_exposures_clicks_and_closes_name_campaign_and_variant(site: Site) -> None:
    offer = {"experiment_id": "c1", "variation_id": "popup", "round": 2}
    site.send(
        event(EXPERIMENT_VIEWED, anon="a", properties=offer),
        event("Campaign Clicked", anon="a", properties=offer),
    )
    site.send(event("Product Viewed", anon="a", properties=offer))
    site.drain()
    assert sorted(row["campaign"] or "" for row in site.rows()) == ["", "c1", "c1"]
    (row,) = site.rows("exposures")
    assert (row["campaign"], row["variant"], row["round"]) == ("c1", "popup", 2)


def test_a_decision_is_kept_with_its_options_and_its_draw_is_remembered(site: Site) -> None:
    options = [Option(variant="control", propensity=0.5), Option(variant="popup", propensity=0.5)]
    decision = Decision(
        decision_id="d1",
        campaign="c1",
        round=2,
        variant="popup",
        options=options,
        reason="r",
        assigned_by="a",
    )
    frame = Decided(
        source="web", received_at=NOW, anonymous_id="a", user_id="", path="/cart", decisions=[decision]
    )
    site.frame(frame)
    site.drain()
    (row,) = site.rows("decisions")
    assert (row["known_as"], row["variant"], row["propensity"], row["path"]) == ("a:a", "popup", 0.5, "/cart")
    assert json.loads(row["options"])[0] == {"variant": "control", "propensity": 0.5}
    assert site.profile("a:a").assigned == {"c1.2": "a"}
    rebuild_profiles(site.lake, site.profiles, now=NOW)
    assert site.profile("a:a").assigned == {"c1.2": "a"}


def test_refusals_become_rows_of_the_quarantine(site: Site) -> None:
    site.send(event(user="u"), refusals=(Refusal(index=3, code="no_id", message="send one", sample="{}"),))
    site.drain()
    (row,) = site.rows("quarantine")
    assert (row["origin"], row["index"], row["code"], row["message"]) == ("web", 3, "no_id", "send one")


def test_properties_that_nobody_can_read_are_quarantined_alone(site: Site) -> None:
    site.send(event(user="u"), event(user="u", properties={}), event(user="u"))
    bad = msgspec.structs.replace(event(user="u"), properties=b'{"x": 1e999}')
    site.send(bad, event(user="u"))
    site.drain()
    assert (len(site.rows()), [row["index"] for row in site.rows("quarantine")]) == (4, [0])


def test_beyond_eight_kilobytes_the_shortest_properties_are_kept_and_the_others_counted() -> None:
    site = Site()
    site.send(event("long", user="u", properties={"a": 1, "text": "x" * 9000, "b": 2, "list": ["x"] * 900}))
    site.send(event("short", user="u", properties={"a": 1}))
    site.send(event("many", user="u", properties={f"p{number}": "x" * 90 for number in range(100)}))
    site.drain()
    rows = {row["event"]: row for row in site.rows()}
    found = {event: json.loads(row["properties"]) for event, row in rows.items()}
    assert (list(found["long"]), rows["long"]["left_out"]) == (["a", "b", "list"], 1)
    assert (found["short"], rows["short"]["left_out"]) == ({"a": 1}, None)
    assert len(rows["many"]["properties"]) <= 8192
    assert len(found["many"]) + rows["many"]["left_out"] == 100
    assert len(found["many"]) > 80


def test_a_long_trait_costs_no_other(site: Site) -> None:
    traits = {"bio": "x" * 9000, "email": "ann@shop.example", "plan": "gold", "consent": {"email": True}}
    site.send(event("Identified", kind="identify", user="u", properties=traits))
    site.drain()
    profile = site.profile("u:u")
    assert profile.email == "ann@shop.example"
    assert {key: value for key, (_, value) in profile.given.items()} == {
        "email": "ann@shop.example",
        "plan": "gold",
        "consent.email": True,
    }


def test_an_order_of_many_lines_keeps_its_money_and_its_lines(site: Site) -> None:
    products = [{"product_id": f"p{number}", "name": "x" * 50, "price": 4} for number in range(100)]
    told = {"products": products, "order_id": "o1", "revenue": 400, "currency": "EUR", "coupon": "X"}
    site.send(event(ORDER_COMPLETED, user="u", properties=told))
    site.drain()
    (row,) = site.rows()
    assert (row["revenue"], row["currency"], row["order_id"], row["left_out"]) == (40_000, "EUR", "o1", 1)
    kept = {name: value for name, value in told.items() if name != "products"}
    assert json.loads(row["properties"]) == kept
    assert sum(line["revenue"] for line in site.rows("order_lines")) == 40_000


def test_an_anonymous_visitor_becomes_the_user_they_sign_in_as(site: Site) -> None:
    site.send(event(anon="a1", time=NOW))
    site.drain()
    site.send(event("Identified", kind="identify", anon="a1", user="7", time=NOW + MINUTE))
    site.send(event(anon="a1", time=NOW + 2 * MINUTE), event(user="7", time=NOW + 3 * MINUTE))
    site.drain()
    assert {row["person_id"] for row in site.rows()} == {identity("u:7")}
    (merge,) = site.rows("merges")
    assert (merge["alias"], merge["person_id"]) == (identity("a:a1"), identity("u:7"))
    profile = site.profile("a:a1")
    assert (profile.person_id, profile.first_seen, profile.last_seen) == (
        identity("u:7"),
        NOW,
        NOW + 3 * MINUTE,
    )


def test_the_first_user_of_an_anonymous_id_keeps_it(site: Site) -> None:
    site.send(
        event(anon="a1", user="7"),
        event(anon="a1", user="8", message_id="second", time=NOW + 1),
        event(anon="a1", message_id="bare"),
    )
    site.drain()
    people = {row["id"]: row["person_id"] for row in site.rows()}
    assert people[message_row("web", "second")] == identity("u:8")
    assert people[message_row("web", "bare")] == identity("u:7")
    assert {row["person_id"] for row in site.rows("merges")} == {identity("u:7")}


def test_an_alias_links_the_previous_id(site: Site) -> None:
    site.send(order("o1", anon="old"))
    site.send(event("Aliased", kind="alias", anon="old", user="7"))
    site.drain()
    assert {row["person_id"] for row in site.rows()} == {site.profile("u:7").person_id}
    assert site.profile("a:old").orders == 1


def test_an_order_told_by_the_tag_and_the_server_counts_once_when_both_turn_out_to_be_one(site: Site) -> None:
    site.send(order("o1", anon="a"))
    site.drain()
    site.send(order("o1", user="7"), source="server")
    site.drain()
    site.send(event(anon="a", user="7"))
    site.drain()
    assert (site.profile("a:a").orders, site.profile("a:a").revenue) == (1, 1000)


def test_frames_move_once_in_pieces_of_any_size(site: Site) -> None:
    for number in range(7):
        site.send(event(anon=f"a{number}"))
    assert site.drain(limit=2) == 7
    assert site.drain() == 0
    assert len(site.rows()) == 7
