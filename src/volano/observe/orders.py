"""What an order or a refund says of money and products (Segment's e-commerce spec v2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED
from volano.domain.money import LARGEST, minor

LINES_LIMIT = 500
_AMOUNTS = ("revenue", "total", "value")
_PLAIN = (str, int, float)
_NAMES = ("product_id", "sku", "name")
_TELLING = frozenset(
    ("order_id", "products", "category", "brand", "price", "quantity", "revenue", "total", "value", *_NAMES)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One product of an order; `revenue` in minor units, negative in a refund, None when no price came."""

    product: str | None
    quantity: int
    revenue: int | None


class Shopped(NamedTuple):
    """What an event tells of an order and of the product it is about; the names are columns of `events`.

    `price` is of one piece; `revenue` and `price` are minor units of `currency`, which is None where
    neither is told.
    """

    revenue: int | None = None
    currency: str | None = None
    order_id: str | None = None
    product: str | None = None
    category: str | None = None
    brand: str | None = None
    price: int | None = None
    quantity: int | None = None


NOTHING = Shopped()


def shopped(event: str, properties: Mapping[str, Any], default: str) -> Shopped:
    """All that the properties tell of an order or a product; bare amounts are in the currency `default`.

    An event about a list (a cart, an order) tells of the first product of it; the others of an order are
    its lines.

    >>> shopped("Product Added", {"sku": "t1", "brand": "Ace", "price": "2.50", "quantity": 2}, "EUR")[3:]
    ('t1', None, 'Ace', 250, 2)
    """
    if event not in (ORDER_COMPLETED, ORDER_REFUNDED) and _TELLING.isdisjoint(properties):
        return NOTHING
    currency = currency_of(properties, default)
    revenue = revenue_of(event, properties, currency)
    order_id = text_of(properties.get("order_id"))
    own = _named(properties, _NAMES if "Product" in event else _NAMES[:2])
    products = properties.get("products")
    first = products[0] if isinstance(products, list) and products else None
    listed = first if isinstance(first, Mapping) else None
    about = properties if own else listed
    if about is None:
        category = text_of(properties.get("category")) if "Product" in event else None
        return Shopped(revenue, None if revenue is None else currency, order_id, None, category)
    price = _minor(about.get("price"), currency)
    return Shopped(
        revenue,
        None if revenue is None and price is None else currency,
        order_id,
        own or _named(about, _NAMES),
        text_of(about.get("category")) or text_of(properties.get("category")),
        text_of(about.get("brand")),
        price if price is None or abs(price) <= LARGEST else None,
        _quantity(about.get("quantity")),
    )


def text_of(value: Any) -> str | None:
    """An id or a name as text; None for nothing and for what is neither text nor number.

    >>> text_of(17), text_of(""), text_of([1])
    ('17', None, None)
    """
    if isinstance(value, bool) or not isinstance(value, _PLAIN):
        return None
    return str(value) or None


def currency_of(properties: Mapping[str, Any], default: str) -> str:
    """The ISO 4217 code that came, or `default`."""
    code = properties.get("currency")
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha():
        return code.upper()
    return default


def revenue_of(event: str, properties: Mapping[str, Any], currency: str) -> int | None:
    """What an order brought or, negative, a refund took, in minor units; None for any other event.

    >>> revenue_of("Order Completed", {"total": "41.50"}, "EUR")
    4150
    >>> revenue_of("Order Refunded", {"total": 5}, "JPY")
    -5
    """
    if event not in (ORDER_COMPLETED, ORDER_REFUNDED):
        return None
    found = (_minor(properties.get(name), currency) for name in _AMOUNTS)
    amount = next((amount for amount in found if amount is not None), None)
    if amount is None:
        priced = [line.revenue for line in _lines(properties, currency) if line.revenue is not None]
        amount = sum(priced) if priced and abs(sum(priced)) <= LARGEST else None
    return -abs(amount) if amount is not None and event == ORDER_REFUNDED else amount


def lines_of(event: str, properties: Mapping[str, Any], currency: str) -> list[Line]:
    """The lines of an order or refund, one without products; none for any other event."""
    if event not in (ORDER_COMPLETED, ORDER_REFUNDED):
        return []
    whole = revenue_of(event, properties, currency)
    lines = _lines(properties, currency)
    if not lines:
        return [Line(product=_named(properties, _NAMES[:2]), quantity=1, revenue=whole)]
    if len(lines) == 1 and lines[0].revenue is None:
        return [Line(product=lines[0].product, quantity=lines[0].quantity, revenue=whole)]
    if event == ORDER_COMPLETED:
        return lines
    return [
        Line(
            product=line.product,
            quantity=line.quantity,
            revenue=None if line.revenue is None else -abs(line.revenue),
        )
        for line in lines
    ]


def _lines(properties: Mapping[str, Any], currency: str) -> list[Line]:
    products = properties.get("products")
    if not isinstance(products, list):
        return []
    return [_line(product, currency) for product in products[:LINES_LIMIT] if isinstance(product, Mapping)]


def _line(product: Mapping[str, Any], currency: str) -> Line:
    count = _quantity(product.get("quantity")) or 1
    price = _minor(product.get("price"), currency)
    return Line(
        product=_named(product, _NAMES),
        quantity=count,
        revenue=None if price is None else worth(price, count),
    )


def worth(price: int, pieces: int) -> int | None:
    """What so many pieces cost; None for more than anything costs.

    >>> worth(250, 2), worth(LARGEST, 2)
    (500, None)
    """
    whole = price * pieces
    return whole if abs(whole) <= LARGEST else None


def _quantity(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else max(1, min(round(number), 1_000_000))


def _named(found: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        text = text_of(found.get(name))
        if text:
            return text
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, _PLAIN):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _minor(value: Any, currency: str) -> int | None:
    return _amount(value, currency) if isinstance(value, _PLAIN) and not isinstance(value, bool) else None


@lru_cache(maxsize=8192)
def _amount(value: str | int | float, currency: str) -> int | None:
    number = _number(value)
    if number is None or abs(number) > LARGEST / 1000:
        return None
    return minor(value.strip().replace("_", "") if isinstance(value, str) else value, currency)
