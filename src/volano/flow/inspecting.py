"""How a file wants to be read: which column is what, day or month first, comma or point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pyarrow as pa

from volano.domain.texts import Texts
from volano.errors import BadFile, BadInput
from volano.maths.occurrence import Occurrences
from volano.observe.amounts import DecimalMark, decimal_marks
from volano.observe.columns import cleaned, picked
from volano.observe.dates import DayOrder, day_orders
from volano.observe.event_rows import read_events
from volano.observe.mapping import Kind, Mapped, Match, guess
from volano.observe.order_lines import read_lines
from volano.observe.reading import Reading
from volano.ports import TableFile
from volano.settings import Settings

LOOKED_AT = 1_000  # rows that a mapping is guessed and shown from
SHOWN = 5
_SHOWN = {
    "orders": ("known_as", "time", "order_id", "product", "quantity", "revenue", "currency"),
    "events": (
        "known_as",
        "time",
        "event",
        "source",
        "medium",
        "device",
        "path",
        "revenue",
        "order_id",
        "properties",
    ),
}


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about a file; what was not said (None) is found out or taken from the settings.

    `given` maps a field to a column, or to "" for none.
    """

    kind: Kind
    given: dict[str, str] = {}
    currency: str | None = None
    timezone: str | None = None
    decimal: DecimalMark | None = None
    dates: DayOrder | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would do: the mapping, the first rows as they would be read, what would be refused."""

    file: str
    kind: Kind
    layout: str
    fields: tuple[Match, ...]
    properties: tuple[Match, ...]
    currency: str
    timezone: str
    looked_at: int  # rows at the beginning of the file
    refused: int  # of these
    reasons: dict[str, int]  # why, and how often
    rows: list[dict[str, Any]]


def make_out(
    file: TableFile, request: ImportRequest, settings: Settings, *, origin: str, now: int
) -> Reading:
    """How to read the file. Raises BadFile, with the option that mends it, where that cannot be told."""
    first = _first(file)
    mapped = guess(request.kind, first.table.column_names, request.given, file.name)
    return Reading(
        mapped=mapped,
        origin=origin,
        now=now,
        currency=_currency(request.currency or settings.currency),
        certain=request.currency is not None,
        zone=_zone(request.timezone or settings.timezone),
        order=request.dates or _order(file, mapped),
        mark=request.decimal or _mark(file, mapped),
    )


def preview(file: TableFile, request: ImportRequest, settings: Settings, *, now: int) -> Preview:
    """What an import of the file would do, judged by its first rows; nothing is written."""
    reading = make_out(file, request, settings, origin="", now=now)
    first = _first(file)
    read = read_lines if request.kind == "orders" else read_events
    rows, refusals = read(first, reading, Occurrences())
    refusals = [*first.refusals, *refusals]
    mapped = reading.mapped
    rest = [
        Match(field=name, column=column, why="no field is called so")
        for column in first.table.column_names
        if (name := mapped.named(column)) and all(match.column != column for match in mapped.properties)
    ]
    return Preview(
        file=file.name,
        kind=request.kind,
        layout=file.layout,
        fields=mapped.fields,
        properties=(*mapped.properties, *rest),
        currency=reading.currency,
        timezone=str(reading.zone),
        looked_at=first.table.num_rows + len(first.refusals),
        refused=len(refusals),
        reasons=dict(Counter(refusal.message for refusal in refusals).most_common(SHOWN)),
        rows=[_shown(row, request.kind) for row in rows.slice(0, SHOWN).to_pylist()],
    )


def _shown(row: dict[str, Any], kind: Kind) -> dict[str, Any]:
    person = row["known_as"][2:]
    rest = {name: row[name] for name in _SHOWN[kind][1:] if row[name] is not None}
    return {"person": person} | rest | {"time": row["time"].isoformat()}


def _first(file: TableFile) -> Texts:
    first = next(file.chunks(LOOKED_AT), None)
    if first is None or not (first.table.num_rows or first.refusals):
        raise BadFile(f"{file.name} has a header and no rows; there is nothing to import")
    return first


def _currency(code: str) -> str:
    if len(code) == 3 and code.isascii() and code.isalpha():
        return code.upper()
    raise BadInput(f"{code!r} is not the code of a currency; use three letters, such as EUR")


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"{name!r} is not a time zone; use a name such as Europe/Rome") from error


def _column(file: TableFile, name: str | None) -> Iterator[list[str]]:
    """The texts of one column, first a few, then all: what is plain at the beginning needs no second look."""
    for rows in (LOOKED_AT, 100_000):
        for texts in file.chunks(rows):
            yield _distinct(picked(texts.table, name))
            if rows == LOOKED_AT:
                break


def _distinct(column: pa.Array) -> list[str]:
    found: list[str] = cleaned(column).unique().drop_null().to_pylist()
    return found


def _order(file: TableFile, mapped: Mapped) -> DayOrder | None:
    """Day or month first, decided over the whole column; None where the dates leave no question."""
    column = mapped.column("timestamp")
    found: set[str] = set()
    for index, texts in enumerate(_column(file, column)):
        found |= day_orders(texts)
        if index == 0 and not found:
            return None
    if {"dmy", "mdy"} <= found:
        raise BadFile(
            f"{file.name} has dates with the day first and with the month first in column {column!r};"
            " make them alike, or say --dates dmy or --dates mdy"
        )
    if found == {"either"}:
        raise BadFile(
            f"{file.name} does not tell whether column {column!r} has the day or the month first;"
            " say --dates dmy or --dates mdy"
        )
    return "dmy" if "dmy" in found else "mdy" if "mdy" in found else None


def _mark(file: TableFile, mapped: Mapped) -> DecimalMark:
    """The decimal mark that most amounts have; the first that tell decide."""
    column = mapped.column("revenue")
    found: Counter[str] = Counter()
    for texts in _column(file, column):
        found += decimal_marks(texts)
        if found["."] != found[","]:
            return "." if found["."] > found[","] else ","
    if found:
        raise BadFile(
            f"{file.name} does not tell whether column {column!r} has decimal commas or points;"
            " say --decimal , or --decimal ."
        )
    return "."
