"""Events in a shop's own words as standard ones: which are, and what their properties then are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from volano.domain.money import digits
from volano.domain.naming import Naming, Suggestion
from volano.domain.registry import Seen
from volano.observe.shop_words import STANDARD, looks_like_shopping, property_words, standard

_AMOUNTS = ("revenue", "total", "value", "subtotal", "shipping", "tax", "discount", "price")
_STANDARD = frozenset(STANDARD)
_PLAIN = (str, int, float)


class Names:
    """The namings of a house, compiled; false when there are none.

    A naming for one source goes before one for all.
    """

    __slots__ = ("_found",)

    def __init__(self, namings: Iterable[Naming] = ()) -> None:
        self._found = {(naming.source, naming.event): naming for naming in namings}

    def __bool__(self) -> bool:
        return bool(self._found)

    def of(self, source: str, event: str) -> Naming | None:
        """The naming of an event as it came; None where it stands for itself."""
        return self._found.get((source, event)) or self._found.get(("", event))


def unknown_shopping(seen: Iterable[Seen], names: Names) -> list[Suggestion]:
    """The events that nothing names yet and that look like shopping, the most frequent first."""
    found = [
        Suggestion(
            source=one.source,
            event=one.event,
            count=one.count,
            to=standard(one.event) or "",
            properties=property_words(one.properties),
        )
        for one in seen
        if one.event
        and one.event not in _STANDARD
        and names.of(one.source, one.event) is None
        and looks_like_shopping(one.event)
    ]
    return sorted(found, key=lambda one: (not one.to, -one.count, one.event))


def renamed(properties: Mapping[str, Any], naming: Naming, currency: str) -> dict[str, Any]:
    """The properties under their standard names beside those that came; amounts in major units.

    `currency` is that of amounts that tell none. What a naming names counts before what has the standard
    name already.

    >>> tea = {"transaction_id": 7, "value": 1250, "items": [{"item_id": "t", "price": 1250}]}
    >>> words = {"transaction_id": "order_id", "items": "products", "items.item_id": "product_id"}
    >>> buy = Naming(key=":buy", event="buy", to="Order Completed", properties=words, minor=True)
    >>> found = renamed(tea, buy, "EUR")
    >>> found["order_id"], found["value"], found["products"]
    (7, '12.50', [{'item_id': 't', 'price': '12.50', 'product_id': 't'}])
    """
    found = dict(properties)
    within: dict[str, list[tuple[str, str]]] = {}
    for name, to in naming.properties.items():
        value = _reached(properties, name)
        if value is not None:
            found[to] = value
        elif "." in name:
            listed, _, inner = name.rpartition(".")
            within.setdefault(listed, []).append((inner, to))
    entries = found.get("products")
    if isinstance(entries, list):
        words = [pair for listed, pairs in within.items() if _is_list(properties, listed) for pair in pairs]
        found["products"] = [_entry(one, words) for one in entries]
    return _major(found, currency) if naming.minor else found


def _reached(properties: Mapping[str, Any], path: str) -> Any:
    """What stands at a path of objects; the whole path may also be one name."""
    if path in properties:
        return properties[path]
    value: Any = properties
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _is_list(properties: Mapping[str, Any], path: str) -> bool:
    return isinstance(_reached(properties, path), list)


def _entry(one: Any, words: list[tuple[str, str]]) -> Any:
    if not isinstance(one, dict):
        return one
    return {**one, **{to: one[name] for name, to in words if one.get(name) is not None}}


def _major(found: dict[str, Any], currency: str) -> dict[str, Any]:
    told = found.get("currency")
    places = digits(told if isinstance(told, str) and len(told) == 3 else currency)
    products = found.get("products")
    if isinstance(products, list):
        found["products"] = [_scaled(one, places) if isinstance(one, dict) else one for one in products]
    return _scaled(found, places)


def _scaled(found: dict[str, Any], places: int) -> dict[str, Any]:
    return {name: _moved(value, places) if name in _AMOUNTS else value for name, value in found.items()}


def _moved(value: Any, places: int) -> Any:
    """The amount with its decimal point moved; what is no amount stays."""
    if isinstance(value, bool) or not isinstance(value, _PLAIN):
        return value
    try:
        return str(Decimal(str(value).strip().replace("_", "")).scaleb(-places))
    except InvalidOperation:
        return value
