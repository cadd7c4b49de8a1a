"""What an order or a refund says of money and products (Segment's e-commerce spec v2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED
from volano.domain.money import minor

LARGEST = 10**15  # minor units; more is no price
LINES_LIMIT = 500
_AMOUNTS = ("revenue", "total", "value")
_PLAIN = (str, int, float)
_NAMES = ("product_id", "sku", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One product of an order; `revenue` in minor units, negative in a refund, None when no price came."""

    product: str | None
    quantity: int
    revenue: int | None


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
        amount = sum(priced) if priced else None
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


def product_of(event: str, properties: Mapping[str, Any]) -> str | None:
    """The product an event is about, else the first of its products."""
    own = _named(properties, _NAMES if "Product" in event else _NAMES[:2])
    if own:
        return own
    products = properties.get("products")
    first = products[0] if isinstance(products, list) and products else None
    return _named(first, _NAMES) if isinstance(first, Mapping) else None


def _lines(properties: Mapping[str, Any], currency: str) -> list[Line]:
    products = properties.get("products")
    if not isinstance(products, list):
        return []
    return [_line(product, currency) for product in products[:LINES_LIMIT] if isinstance(product, Mapping)]


def _line(product: Mapping[str, Any], currency: str) -> Line:
    quantity = _number(product.get("quantity"))
    count = max(1, min(round(quantity), 1_000_000)) if quantity is not None else 1
    price = _minor(product.get("price"), currency)
    revenue = None if price is None else price * count
    return Line(
        product=_named(product, _NAMES),
        quantity=count,
        revenue=revenue if revenue is None or abs(revenue) <= LARGEST else None,
    )


def _named(found: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for text in (text_of(found.get(name)) for name in names) if text), None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, _PLAIN):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _minor(value: Any, currency: str) -> int | None:
    number = _number(value)
    if number is None or abs(number) > LARGEST / 1000:
        return None
    return minor(value.strip().replace("_", "") if isinstance(value, str) else value, currency)
