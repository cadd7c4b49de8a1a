"""What lies in the cart: the last word on each product counts, and an order empties it.

Of two words of one moment the one with more pieces, then the higher price, counts. The latest PRODUCTS
products are known; one that was taken out is one of them until the next order. A price in another currency
than the shop's, or beyond all prices, counts as none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.maths.columns import changes
from volano.observe.orders import worth
from volano.observe.traits.history import History
from volano.observe.traits.seen import later
from volano.observe.traits.trait import Columns, Field, Trait, days_since
from volano.rules.change import Timed

PRODUCTS = 32
ADDED = ("Product Added", "Wishlist Product Added to Cart")
REMOVED = ("Product Removed",)

Cart = dict[str, tuple[int, int, int]]
_EMPTY: Cart = {}


def tally(history: History) -> Columns:
    """The last word on each product since the last order."""
    product = history.texts("product")
    added = history.among(*ADDED)
    rows = np.flatnonzero((added | history.among(*REMOVED)) & (product.codes >= 0))
    ordered = history.last(history.orders)
    rows = rows[history.time[rows] > history.since(ordered)[history.owner[rows]]]
    if not len(rows):
        return {}
    pieces = np.where(added[rows], np.maximum(history.numbers("quantity", null=1)[rows], 1), 0)
    price = np.where(history.foreign[rows], 0, history.numbers("price")[rows])
    owner, time, code = history.owner[rows], history.time[rows], product.codes[rows]
    order = np.lexsort((price, pieces, time, code, owner))
    last = order[np.append(np.flatnonzero(changes(owner[order], code[order]))[1:], len(order)) - 1]
    carts: list[Cart] = [_EMPTY] * len(history)
    names = product.values.take(code[last]).to_pylist()
    words = (column[last].tolist() for column in (owner, time, pieces, price))
    for name, person, at, count, cost in zip(names, *words, strict=True):
        cart = carts[person]
        if cart is _EMPTY:
            cart = carts[person] = {}
        cart[name] = (at, count, cost)
    return {"cart": [_latest(cart) for cart in carts]}


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The last word of both on each product since the last order of either."""
    if not one.cart and not other.cart:
        return {}
    ordered = later(one.last_order, other.last_order)
    cart = dict(one.cart)
    for product, word in other.cart.items():
        cart[product] = max(cart.get(product, word), word)
    since = {product: word for product, word in cart.items() if not ordered or word[0] > ordered}
    return {"cart": _latest(since)}


def _latest(cart: Cart) -> Cart:
    if len(cart) <= PRODUCTS:
        return cart
    names = sorted(cart, key=lambda product: (cart[product][0], product))[-PRODUCTS:]
    return {name: cart[name] for name in names}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """The products in it, what they cost, and since when nothing was put in."""
    inside = [(-at, product) for product, (at, pieces, _) in profile.cart.items() if pieces]
    found["cart_products"] = len(inside)
    if inside:
        inside.sort()
        last = -inside[0][0]
        found["cart"] = [product for _, product in inside]
        found["cart_value"] = sum([worth(price, pieces) or 0 for _, pieces, price in profile.cart.values()])
        found["cart_at"], found["days_since_cart"] = last, (now - last) // 86_400_000_000
        found["hours_since_cart"] = (now - last) // 3_600_000_000


CART = Trait(
    name="cart",
    columns=("event", "product", "quantity", "price", "currency"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "cart": Field("Cart", "list", "Products in the cart, the latest first, at most 32."),
        "cart_products": Field(
            "Products in the cart", "number", "How many different products are in the cart."
        ),
        "cart_value": Field(
            "Value of the cart", "money", "Price of all in the cart, in minor units of the shop's currency."
        ),
        "cart_at": Field("Cart filled", "time", "When something was last put into the cart."),
        "days_since_cart": days_since("Days since cart", "cart_at", "Whole days since that."),
        "hours_since_cart": Field(
            "Hours since cart", "number", "Whole hours since that.", timed=Timed(3_600_000_000, "cart_at")
        ),
    },
)
