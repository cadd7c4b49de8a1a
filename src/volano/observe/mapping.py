"""Which column of a file is which field: what was said, and a guess by the names for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from volano.errors import BadFile, BadInput

Kind = Literal["orders", "events"]

# For each field the names it goes by in shops' exports, the surest first (lower case, words joined by _).
_PERSON = (
    "person user_id customer_id client_id person_id member_id buyer_id shopper_id visitor_id customer user"
    " client buyer email customer_email user_email uid cid user_pseudo_id customer_unique_id"
)
_TIME = (
    "timestamp event_timestamp original_timestamp event_time occurred_at created_at ordered_at completed_at"
    " purchased_at order_date purchase_date invoice_date transaction_date order_time order_purchase_timestamp"
    " datetime date_time date time ts day when created"
)
_REVENUE = (
    "revenue dollar_value order_total total_price total_amount total amount grand_total order_value"
    " transaction_value turnover sales spend monetary money value price line_total sum payment_value"
)
_ORDER = (
    "order_id transaction_id invoice_no invoice_id invoice_number order_number order_no order invoice"
    " receipt_id basket_id"
)
_PRODUCT = "product_id sku stock_code item_id article product_name product item article_number asin"
_SHARED = {"person": _PERSON, "timestamp": _TIME}
_NAMES: dict[str, dict[str, str]] = {
    "orders": _SHARED
    | {
        "revenue": _REVENUE,
        "currency": "currency currency_code",
        "order_id": f"{_ORDER} id",
        "product": _PRODUCT,
        "quantity": "quantity qty number_of_cds number_of_items items units count pieces",
    },
    "events": _SHARED
    | {
        "event": "event event_name event_type action activity name type",
        "anonymous_id": "anonymous_id device_id cookie_id client_uuid",
        "message_id": "message_id event_id uuid",
        "source": "source utm_source traffic_source",
        "medium": "medium utm_medium",
        "device": "device device_type device_category",
        "path": "path page_path page url page_url",
        "revenue": "revenue total transaction_value",
        "currency": "currency currency_code",
        "order_id": "order_id transaction_id",
        "product": "product_id sku product product_name",
        "campaign": "experiment_id",
        "variant": "variation_id",
        "round": "round",
    },
}
REQUIRED = {"orders": ("person", "timestamp", "revenue"), "events": ("person", "event", "timestamp")}


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One field (or property of an event), its column, and why."""

    field: str
    column: str
    why: str


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping of a file. Columns of an events file that no match names become properties, too."""

    kind: Kind
    fields: tuple[Match, ...]
    properties: tuple[Match, ...] = ()

    def column(self, field: str) -> str | None:
        """The column of a field, if it has one."""
        return next((match.column for match in self.fields if match.field == field), None)

    def named(self, column: str) -> str | None:
        """The property that a column becomes; None if it is a field (of us) or the file is of orders."""
        if self.kind == "orders":
            return None
        said = next((match.field for match in self.properties if match.column == column), None)
        if said is not None:
            return said
        taken = any(match.column == column for match in self.fields)
        return None if taken else column.removeprefix("properties.")


def guess(kind: Kind, columns: Sequence[str], given: Mapping[str, str], file: str = "the file") -> Mapped:
    """The mapping of a file with these columns; `given` (field → column, "" for none) goes before names.

    Raises BadFile for a given column that is not there and for a required field that no column looks like;
    BadInput for a field that orders do not have.

    >>> [match.column for match in guess("orders", ["Customer ID", "date", "amount"], {}).fields]
    ['Customer ID', 'date', 'amount']
    """
    names = _NAMES[kind]
    said = {field: _found(column, columns, file) if column else None for field, column in given.items()}
    if kind == "orders" and (unknown := sorted(set(said) - set(names))):
        raise BadInput(f"orders have no field {unknown[0]!r}; map one of {', '.join(names)}")
    fields, taken = [], {column for column in said.values() if column}
    for field, known in names.items():
        if field in said:
            match = _match(field, said[field], "you said so")
        else:
            column = _alike(known.split(), [name for name in columns if name not in taken])
            match = _match(field, column, f"it is named {column!r}")
        fields += match
        taken |= {one.column for one in match}
    _check(kind, {match.field for match in fields}, columns, file)
    extra = {name: column for name, column in said.items() if name not in names}
    properties = [match for name, column in extra.items() for match in _match(name, column, "you said so")]
    return Mapped(kind=kind, fields=tuple(fields), properties=tuple(properties))


def _match(field: str, column: str | None, why: str) -> list[Match]:
    return [Match(field=field, column=column, why=why)] if column else []


def _found(column: str, columns: Sequence[str], file: str) -> str:
    if column in columns:
        return column
    alike = [name for name in columns if plain(name) == plain(column)]
    if len(alike) == 1:
        return alike[0]
    raise BadFile(f"{file} has no column {column!r}; it has {_listed(columns)}")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")


def _alike(known: Sequence[str], columns: Sequence[str]) -> str | None:
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(plain(column), column)
        by_name.setdefault(plain(column.rsplit(".", 1)[-1]), column)
    return next((by_name[name] for name in known if name in by_name), None)


def plain(name: str) -> str:
    """A column's name as it is looked up.

    >>> plain("Customer ID"), plain("userId"), plain("InvoiceNo")
    ('customer_id', 'user_id', 'invoice_no')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^0-9a-z]+", "_", apart.casefold()).strip("_")


def _check(kind: Kind, have: set[str], columns: Sequence[str], file: str) -> None:
    if kind == "events" and "anonymous_id" in have:
        have = have | {"person"}  # who is not known by a user id is known by that
    missing = [field for field in REQUIRED[kind] if field not in have]
    if missing:
        say = " ".join(f"--map {field}=COLUMN" for field in missing)
        raise BadFile(
            f"{file}: no column looks like {' or '.join(missing)}; say {say} with one of {_listed(columns)}"
        )
