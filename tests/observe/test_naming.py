"""A shop's own words, and what they are taken for."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from volano.domain.naming import Naming
from volano.domain.registry import Property, Seen
from volano.observe.naming import Names, renamed, unknown_shopping
from volano.observe.shop_words import STANDARD, looks_like_shopping, standard

BUY = Naming(key=":buy", event="buy", to="Order Completed")


def naming(**words: str) -> Naming:
    return Naming(key=":buy", event="buy", to="Order Completed", properties=words)


def test_a_naming_for_a_source_goes_before_one_for_all() -> None:
    app = Naming(key="app:buy", source="app", event="buy", to="Product Added")
    names = Names([BUY, app])
    assert names.of("web", "buy") == BUY
    assert names.of("app", "buy") == app
    assert names.of("app", "look") is None
    assert names
    assert not Names()
    assert pickle.loads(pickle.dumps(names)).of("app", "buy") == app


@pytest.mark.parametrize(
    ("came", "words", "expected"),
    [
        ({"id": 7}, {"id": "order_id"}, {"id": 7, "order_id": 7}),
        ({"e": {"id": 7}}, {"e.id": "order_id"}, {"e": {"id": 7}, "order_id": 7}),
        ({"e.id": 7}, {"e.id": "order_id"}, {"e.id": 7, "order_id": 7}),
        ({"id": 7, "order_id": 8}, {"id": "order_id"}, {"id": 7, "order_id": 7}),
        ({"order_id": 8}, {"id": "order_id"}, {"order_id": 8}),
        (
            {"e": {"items": [{"n": 1}, "odd"]}},
            {"e.items": "products", "e.items.n": "product_id"},
            {"e": {"items": [{"n": 1}, "odd"]}, "products": [{"n": 1, "product_id": 1}, "odd"]},
        ),
        ({"products": [{"n": 1}]}, {"products.n": "sku"}, {"products": [{"n": 1, "sku": 1}]}),
        ({"products": 3}, {"products.n": "sku"}, {"products": 3}),
    ],
)
def test_properties_are_found_where_they_stand(
    came: dict[str, Any], words: dict[str, str], expected: dict[str, Any]
) -> None:
    assert renamed(came, naming(**words), "EUR") == expected
    assert "order_id" not in came or came["order_id"] == 8  # what came is not touched


@pytest.mark.parametrize(
    ("currency", "amount", "major"),
    [
        ("EUR", 1250, "12.50"),
        ("JPY", 1250, "1250"),
        ("KWD", "1250", "1.250"),
        ("EUR", "odd", "odd"),
        ("EUR", None, None),
    ],
)
def test_minor_units_become_major_ones_by_the_currency(currency: str, amount: object, major: object) -> None:
    minor = Naming(key=":buy", event="buy", to="Order Completed", minor=True)
    found = renamed({"total": amount, "currency": currency, "products": [{"price": amount}]}, minor, "USD")
    assert (found["total"], found["products"][0]["price"]) == (major, major)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("purchase", "Order Completed"),
        ("Order_Completed", "Order Completed"),
        ("order placed", "Order Completed"),
        ("checkout_completed", "Order Completed"),
        ("add_to_cart", "Product Added"),
        ("AddToCart", "Product Added"),
        ("begin_checkout", "Checkout Started"),
        ("view_item", "Product Viewed"),
        ("view_item_list", "Product List Viewed"),
        ("InitiateCheckout", "Checkout Started"),
        ("$pageview", "Page Viewed"),
        ("Tea Poured", None),
    ],
)
def test_usual_words_are_known_in_any_spelling(name: str, word: str | None) -> None:
    assert standard(name) == word
    assert word is None or word in STANDARD


def test_what_looks_like_shopping_and_has_no_name_yet_is_suggested() -> None:
    def came(event: str, count: int, *properties: str) -> Seen:
        found = {name: Property({"text": count}) for name in properties}
        return Seen(key=hash(event), source="web", event=event, count=count, properties=found)

    seen = [
        came("", 99),
        came("basket glowed", 50),
        came("view_item", 5),
        came("purchase", 9, "transaction_id", "items", "items.item_id", "value"),
        came("buy", 3),
        came("Order Completed", 7),
        came("Newsletter Read", 70),
    ]
    first, second, third = unknown_shopping(seen, Names([BUY]))
    assert (first.event, first.to) == ("purchase", "Order Completed")
    assert first.properties == {
        "transaction_id": "order_id",
        "items": "products",
        "items.item_id": "product_id",
    }
    assert (second.event, second.to) == ("view_item", "Product Viewed")
    assert (third.event, third.to) == ("basket glowed", "")


def test_borders_and_readers_are_no_orders() -> None:
    assert not looks_like_shopping("Border Crossed")
    assert looks_like_shopping("orders exported")
