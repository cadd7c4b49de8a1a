"""What the form of a rule offers: facts with their kinds and values, and the events there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.money import digits
from volano.domain.rfm import TYPES
from volano.domain.segment import Segment
from volano.flow import everybody as flow
from volano.flow.arrivals import events_seen
from volano.flow.shop import lens_of, shop_of
from volano.maths.columns import kinds
from volano.observe.traits import FIELDS
from volano.web.console.row import BOUNDS, OPERATORS, TIMES, UNITS, Row, Words
from volano.web.pages import Desk

_GROUPS = {
    "seen": "When they were here",
    "visits": "Visits",
    "lately": "What they did lately",
    "hours": "Their hours",
    "buying": "Orders",
    "rhythm": "Days between orders",
    "rfm": "Type of customer",
    "taste": "What they like",
    "touch": "Where they come from",
    "gear": "What they use",
    "cart": "Cart",
    "notices": "Messages",
    "given": "What was told of them",
    "phones": "Devices and push",
    "held": "Other segments",
}
_USUAL = ("Page Viewed", "Product Viewed", "Product Added", "Checkout Started", "Order Completed")
_HINTS = 30  # values that are offered for a fact
_GIVEN = "traits."


def group_name(group: str) -> str:
    """A group of traits in words."""
    return _GROUPS.get(group, group)


def everybody(desk: Desk, names: Iterable[str]) -> tuple[pa.Table, int] | None:
    """These facts of all people and when they were read (UTC µs); None while they never were."""
    wanted = frozenset(names)

    def read() -> tuple[pa.Table, int]:
        now, house = desk.clock(), desk.house
        return flow.everybody(house, wanted, now=now, lens=lens_of(house)), now

    found: tuple[pa.Table, int] | None = desk.memo.lately(("everybody", wanted), read)
    return found


def choices(desk: Desk, rows: list[Row] | None, any_of: bool) -> dict[str, Any]:
    """The rows, and what their fields offer."""
    known = words_of(desk)
    fields: dict[str, list[tuple[str, str]]] = {}
    for name in known.kinds:
        field = FIELDS.get(name)
        group, label = (field.group, field.label) if field else ("given", name.removeprefix(_GIVEN))
        fields.setdefault(group_name(group), []).append((name, label))
    asked = {row.field for row in rows or () if row.kind == "trait"}
    names = [seen.event for seen in events_seen(desk.house.profiles)[:200]]
    return {
        "rows": rows,
        "any_of": any_of,
        "fields": fields,
        "kinds": known.kinds,
        "operators": OPERATORS,
        "units": tuple(UNITS.items()),
        "times": TIMES,
        "bounds": BOUNDS,
        "currency": shop_of(desk.house.state, desk.house.settings).currency,
        "hints": {name: _hints(desk, name) for name in asked},
        "events": list(dict.fromkeys([*names, *_USUAL])),
    }


def _hints(desk: Desk, field: str) -> list[str]:
    """Values that a fact has, the most frequent first."""
    if field == "rfm":
        return list(TYPES)
    if field == "segments":
        return [each.key for each in desk.house.state.find(Segment)]
    found = everybody(desk, [field])
    if found is None or field not in found[0].column_names:
        return []
    column = found[0][field]
    if pa.types.is_union(column.type):
        column = next((some for _, some in kinds(column) if pa.types.is_string(some.type)), column)
    column = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    column = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if not pa.types.is_string(column.type):
        return []
    counts = pc.value_counts(column.drop_null()).to_pylist()
    return [one["values"] for one in sorted(counts, key=lambda one: -one["counts"])[:_HINTS]]


def words_of(desk: Desk) -> Words:
    """The facts that a form may ask for, those that the shop tells of people among them."""
    kinds: dict[str, str] = {name: each.kind for name, each in FIELDS.items() if "*" not in name}
    kinds |= {_GIVEN + key: _kind(type_) for key, type_ in _given(desk).items()}
    shop = shop_of(desk.house.state, desk.house.settings)
    return Words(kinds=kinds, unit=10 ** digits(shop.currency), zone=shop.timezone)


def _given(desk: Desk) -> dict[str, pa.DataType]:
    """The traits that the shop tells of people; none while they were never looked for."""

    def read() -> dict[str, pa.DataType]:
        return flow.given_kinds(desk.house, now=desk.clock(), lens=lens_of(desk.house))

    return desk.memo.lately("given", read) or {}


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "flag"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    return "list" if pa.types.is_list(type_) else "text"
