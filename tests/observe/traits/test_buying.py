"""Orders, taste, the cart and the types of customers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.observe.traits.blocks import DAY, NOW, START, Row, block, row
from volano.domain.profile import Profile
from volano.domain.rfm import TYPES, RfmBounds
from volano.observe.traits import facts, people, tally, turns
from volano.observe.traits.rfm import USUAL, Rfm, proposed, rfm


def profile(*rows: Row, zone: str = "UTC") -> Profile:
    (found,) = tally(block(rows), zone=zone)
    return found


def told(*rows: Row, zone: str = "UTC", now: int = NOW) -> dict[str, Any]:
    return facts(profile(*rows, zone=zone), now=now)


def order(at: float, revenue: int | None = 1_000, **columns: Any) -> Row:
    return row("Order Completed", at=at, revenue=revenue, **columns)


def test_orders_revenue_and_the_days_between() -> None:
    found = told(order(1), order(1.2, 500), order(5, None), order(25, 3_000), row(at=30))
    assert (found["orders"], found["revenue"], found["order_days"]) == (4, 4_500, 3)
    assert found["average_order"] == 1_125
    assert (found["days_since_order"], found["days_since_first_order"]) == (75, 99)
    assert (found["days_between_orders"], found["median_days_between_orders"]) == (12.0, 12.0)
    assert found["first_order"] == START + DAY


def test_refunds_take_money_but_no_order() -> None:
    found = told(order(1, 5_000), row("Order Refunded", at=3, revenue=-2_000))
    assert (found["orders"], found["revenue"], found["refunds"], found["refunded"]) == (1, 3_000, 1, 2_000)
    assert (found["average_order"], found["days_since_order"]) == (5_000, 99)


def test_what_an_import_adds_to_an_order_is_revenue_and_no_order() -> None:
    found = told(order(1, 1_200), row("Order Updated", at=2, revenue=250))
    assert (found["orders"], found["revenue"], found["average_order"]) == (1, 1_450, 1_450)


@pytest.mark.parametrize("undone", ["Order Refunded", "Order Cancelled"])
@pytest.mark.parametrize("at", [0, 9])  # whichever comes first
def test_an_order_that_is_undone_without_an_amount_takes_what_it_brought(undone: str, at: float) -> None:
    rows = [
        order(1, 5_000, order_id="o1"),
        order(2, 700, order_id="o2"),
        row("Order Updated", at=3, order_id="o1", revenue=300),
        row("Order Refunded", at=4, order_id="o1", revenue=-1_000),
    ]
    found = told(*rows, row(undone, at=at, order_id="o1"))
    assert (found["revenue"], found["refunded"], found["orders"]) == (700, 5_300, 2)
    assert found["average_order"] == 3_000
    again = told(*rows, row(undone, at=at, order_id="o1"), row("Order Cancelled", at=10, order_id="o1"))
    assert again["revenue"] == 700


def test_a_refund_of_products_without_a_price_or_of_an_unknown_order_takes_nothing() -> None:
    some = row("Order Refunded", at=2, order_id="o1", product="shoe")
    assert told(order(1, 5_000, order_id="o1"), some)["revenue"] == 5_000
    assert told(order(1, 5_000), row("Order Refunded", at=2, order_id="o9"))["revenue"] == 5_000


def test_money_is_that_of_the_shops_currency_and_the_rest_is_kept_apart() -> None:
    rows = [
        order(1, 1_000, currency="EUR"),
        order(2, 500),  # tells none: the shop's
        order(3, 9_000, currency="JPY"),
        row("Order Refunded", at=4, revenue=-2_000, currency="JPY"),
        row("Product Added", at=5, product="a", price=300, quantity=2),
        row("Product Added", at=5, product="b", price=9_000, currency="JPY"),
    ]
    (mine,) = tally(block(rows), currency="EUR")
    found = facts(mine, now=NOW)
    assert (found["orders"], found["revenue"], found["refunds"], found["refunded"]) == (3, 1_500, 1, 0)
    assert (found["average_order"], found["cart_value"], found["cart_products"]) == (750, 600, 2)
    assert mine.foreign == {"JPY": 7_000}
    (theirs,) = tally(block(rows), currency="JPY")
    assert facts(theirs, now=NOW)["revenue"] == 7_500
    assert theirs.foreign == {"EUR": 1_000}


def test_a_cart_of_absurd_prices_is_worth_no_more_than_a_store_holds() -> None:
    added = row("Product Added", product="x", price=10**14, quantity=10**6)
    assert told(added)["cart_value"] == 0
    assert people([profile(added)], now=NOW)["cart_value"].to_pylist() == [0]


def test_days_with_an_order_are_those_of_the_shops_clock() -> None:
    late = [order(1.9), order(2.1)]
    assert told(*late)["order_days"] == 2
    assert told(*late, zone="America/New_York")["order_days"] == 1


def test_who_has_not_ordered_lacks_what_only_buyers_have() -> None:
    found = told(row())
    assert found["orders"] == found["revenue"] == found["order_days"] == 0
    assert not {"average_order", "last_order", "days_since_order", "rfm", "days_between_orders"} & set(found)


def test_an_order_says_more_of_taste_than_views_and_old_views_fade() -> None:
    found = told(*(row(category="hats") for _ in range(4)), order(0, category="shoes", brand="acme"))
    assert (found["categories"], found["brand"]) == (["shoes", "hats"], "acme")
    faded = told(order(0, category="shoes"), *(row(at=95, category="hats") for _ in range(2)))
    assert faded["category"] == "hats"


def test_five_names_are_told_the_dearest_first_and_equals_by_the_alphabet() -> None:
    rows = [row(category=name) for name in "gfedcba"] + [row(category="g")]
    assert told(*rows)["categories"] == ["g", "a", "b", "c", "d"]


def test_what_is_taken_away_or_paid_back_is_no_taste() -> None:
    away = [row(event, category="hats") for event in ("Product Removed", "Order Refunded")]
    assert "category" not in told(*away)


def test_a_price_lies_in_a_band() -> None:
    found = told(row(price=1_999), order(0, price=2_000), row("Page Viewed"))
    assert (found["price_band"], found["price_bands"]) == ("2000-5000", ["2000-5000", "1000-2000"])
    assert told(row(price=0))["price_band"] == "0-1"
    assert told(row(price=10**12))["price_band"] == "5000000000-"


def test_a_name_with_the_sign_between_names_is_one_name() -> None:
    assert told(row(category="a\x1fb"))["categories"] == ["a b"]


def test_the_cart_holds_the_last_word_on_each_product_since_the_last_order() -> None:
    def put(product: str, at: float, **columns: Any) -> Row:
        return row("Product Added", product=product, at=at, **columns)

    found = told(
        put("old", 1),
        order(2, product="old"),
        put("a", 3, quantity=2, price=500),
        put("b", 4, price=300),
        put("c", 5),
        row("Product Removed", product="c", at=6),
        row("Wishlist Product Added to Cart", product="d", at=96, price=100),
    )
    assert (found["cart"], found["cart_products"], found["cart_value"]) == (["d", "b", "a"], 3, 1_400)
    assert (found["cart_at"], found["days_since_cart"], found["hours_since_cart"]) == (
        START + 96 * DAY,
        4,
        96,
    )
    empty = told(put("a", 1), order(2))
    assert empty["cart_products"] == 0
    assert "cart" not in empty


def test_every_type_of_customer_can_be_met() -> None:
    scores = range(1, 6)
    met = {Rfm(r, f, m).type for r in scores for f in scores for m in scores}
    assert met == set(TYPES)


@pytest.mark.parametrize(
    ("days", "orders", "revenue", "kind"),
    [
        (3, 12, 90_000, "champions"),
        (3, 1, 1_000, "new"),
        (60, 1, 1_000, "promising"),
        (60, 5, 26_000, "loyal"),
        (3, 2, 6_000, "potential loyal"),
        (100, 3, 12_000, "need attention"),
        (100, 1, 1_000, "about to sleep"),
        (200, 6, 30_000, "at risk"),
        (500, 12, 90_000, "cannot lose"),
        (500, 1, 1_000, "hibernating"),
    ],
)
def test_types_follow_from_recency_frequency_and_money(
    days: int, orders: int, revenue: int, kind: str
) -> None:
    buyer = Profile(person_id=1, orders=orders, revenue=revenue, last_order=NOW - days * DAY)
    assert facts(buyer, now=NOW)["rfm"] == kind


def test_recency_alone_changes_with_time_at_the_moment_that_is_told() -> None:
    buyer = Profile(person_id=1, orders=1, last_order=NOW)
    at = turns(buyer, now=NOW)
    assert at == NOW + 31 * DAY
    before, after = rfm(buyer, now=at - 1), rfm(buyer, now=at)
    assert before is not None
    assert after is not None
    assert (before.recency, after.recency) == (5, 4)
    assert turns(buyer, now=NOW + 366 * DAY) is None


def test_boundaries_can_be_set_and_must_ascend() -> None:
    buyer = Profile(person_id=1, orders=2, revenue=100, last_order=NOW)
    bounds = RfmBounds(orders=(1, 2, 20, 30), money=(1, 10, 100, 1_000))
    assert rfm(buyer, now=NOW, bounds=bounds) == Rfm(5, 3, 4)
    assert RfmBounds(days=(1, 1, 2, 3)).wrong().startswith("the limits of days are 1, 1, 2, 3")


def test_proposed_boundaries_split_a_shops_customers_in_fifths() -> None:
    buyers = [
        Profile(person_id=n, orders=1 + n % 10, revenue=n * 100, last_order=NOW - n * DAY)
        for n in range(1, 101)
    ]
    bounds = proposed(people(buyers, now=NOW))
    assert bounds.days == (20, 40, 60, 80)
    scores = [rfm(buyer, now=NOW, bounds=bounds) for buyer in buyers]
    shares = [sum(one is not None and one.recency == score for one in scores) for score in range(1, 6)]
    assert shares == [20, 20, 20, 20, 20]
    assert bounds.money[0] < bounds.money[3]
    assert proposed(people([], now=NOW)) == USUAL
    alike = proposed(pa.table({"days_since_order": [5] * 9, "orders": [1] * 9, "revenue": [10] * 9}))
    assert alike.orders == (2, 3, 4, 5)
