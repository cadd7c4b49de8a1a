"""Money and products of orders, however odd."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.money import LARGEST
from volano.observe.orders import lines_of, revenue_of, shopped

WORDS = ["revenue", "total", "value", "products", "price", "quantity", "product_id", "sku", "name"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("12.50")
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), TREES), st.sampled_from(["Order Completed", "Order Refunded"]))
def test_no_properties_are_odd_enough_to_raise(properties: dict[str, Any], event: str) -> None:
    revenue = revenue_of(event, properties, "EUR")
    assert revenue is None or abs(revenue) <= LARGEST
    lines = lines_of(event, properties, "EUR")
    assert lines
    assert all(line.quantity >= 1 for line in lines)
    assert shopped(event, properties, "EUR").product != ""


def test_an_order_of_lines_beyond_all_prices_tells_no_revenue() -> None:
    lines = [{"price": 1e11, "quantity": 100}] * 2
    assert revenue_of("Order Completed", {"products": lines}, "EUR") is None
    assert revenue_of("Order Completed", {"products": lines[:1]}, "EUR") == LARGEST


def test_a_line_costs_its_price_times_its_quantity() -> None:
    products = [{"sku": "s1", "price": "2.5", "quantity": "4"}, {"name": "Tea", "price": 1}]
    lines = lines_of("Order Completed", {"products": products}, "EUR")
    assert [(line.product, line.quantity, line.revenue) for line in lines] == [
        ("s1", 4, 1000),
        ("Tea", 1, 100),
    ]


def test_a_single_product_without_price_costs_what_the_order_does() -> None:
    (line,) = lines_of("Order Completed", {"revenue": 9, "products": [{"product_id": 3}]}, "EUR")
    assert (line.product, line.revenue) == ("3", 900)


def test_the_name_is_a_product_only_in_events_about_products() -> None:
    assert shopped("Product Viewed", {"name": "Tea"}, "EUR").product == "Tea"
    assert shopped("Coupon Applied", {"name": "SPRING"}, "EUR").product is None
    assert shopped("Cart Viewed", {"products": [{"name": "Tea"}]}, "EUR").product == "Tea"
