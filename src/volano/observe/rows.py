"""Frames of the journal as rows of the lake's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pyarrow as pa

from volano.domain.event import (
    CAMPAIGN_CLICKED,
    CAMPAIGN_CLOSED,
    EXPERIMENT_VIEWED,
    ORDER_COMPLETED,
    Decided,
    Event,
    Frame,
    Intake,
    Refusal,
)
from volano.domain.tables import EVENTS, TABLES
from volano.observe.identity import (
    decision_row,
    identity,
    known_as,
    line_row,
    merge_row,
    message_row,
    order_row,
    refusal_row,
)
from volano.observe.orders import currency_of, lines_of, product_of, revenue_of, text_of
from volano.observe.people import Fact
from volano.observe.stitching import Link
from volano.observe.traffic import traffic

PROPERTIES_LIMIT = 8 * 1024  # bytes of JSON in a row
_OURS = (EXPERIMENT_VIEWED, CAMPAIGN_CLICKED, CAMPAIGN_CLOSED)
_PAGE = ("url", "path", "referrer", "search")

Row = tuple[Any, ...]
Head = tuple[int, int, int, int, str, str]


class Rows:
    """Collects the rows of one drain, and what they tell of people: `facts` and `drawn`, by person.

    `people` says who each identity is, `currency` what bare amounts are in. `drawn` holds the salt of a
    campaign's round and the id that was hashed.
    """

    def __init__(self, people: Mapping[int, int], currency: str) -> None:
        self._people = people
        self._currency = currency
        self.found: dict[str, list[Row]] = {name: [] for name in TABLES}
        self.facts: dict[int, list[Fact]] = {}
        self.drawn: list[tuple[int, str, str]] = []

    def add(self, frame: Frame, journal: str, position: int) -> None:
        """The rows of one frame, which lies before `position` of the journal."""
        if isinstance(frame, Decided):
            self._decided(frame)
            return
        for number, event in enumerate(frame.events):
            try:
                properties, context = _object(event.properties), _object(event.context)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                refusal = _unreadable(number, event, error)
                self._refused(frame, refusal, refusal_row(journal, position, -1 - number))
            else:
                self._event(frame.source, event, properties, context)
        for refusal in frame.refusals:
            self._refused(frame, refusal, refusal_row(journal, position, refusal.index))

    def link(self, link: Link) -> None:
        """The row that says that an alias is a person from now on."""
        head = (link.person_id, link.time, merge_row(link.alias, link.person_id))
        self.found["merges"].append(
            (*head, link.alias, link.known_as, link.origin, link.alias, None, None, None)
        )

    def tables(self) -> dict[str, pa.Table]:
        """What was collected, one Arrow table for each table that has rows."""
        return {name: _table(name, rows) for name, rows in self.found.items() if rows}

    def _head(self, known: str, time: int, row: int, origin: str) -> Head:
        hashed = identity(known)
        return (self._people.get(hashed, hashed), time, row, hashed, known, origin)

    def _event(self, source: str, event: Event, properties: dict[str, Any], context: dict[str, Any]) -> None:
        if event.kind in ("page", "screen") and "page" not in context:
            context["page"] = {name: properties.get(name) for name in _PAGE}
        seen = traffic(context)
        order_id = text_of(properties.get("order_id"))
        message = message_row(source, event.message_id)
        row = order_row(order_id) if order_id and event.event == ORDER_COMPLETED else message
        head = self._head(known_as(event.user_id, event.anonymous_id), event.time, row, source)
        currency = currency_of(properties, self._currency)
        revenue = revenue_of(event.event, properties, currency)
        campaign, variant = _offer(event.event, properties)
        told = {
            "event": event.event,
            "source": seen.source,
            "medium": seen.medium,
            "device": seen.device,
            "path": seen.path,
            "campaign": campaign,
            "variant": variant,
            "revenue": revenue,
            "currency": currency if revenue is not None else None,
            "order_id": order_id,
            "product": product_of(event.event, properties) if event.kind == "track" else None,
            "properties": _rest(properties, used=("order_id", "experiment_id", "variation_id")),
        }
        self.found["events"].append((*head, *(told.get(name) for name in EVENTS.names[len(head) :])))
        fact = Fact(event.time, row, event.event, seen.source, seen.medium, seen.device, revenue)
        self.facts.setdefault(head[0], []).append(fact)
        if campaign and variant and event.event == EXPERIMENT_VIEWED:
            self.found["exposures"].append(
                (*head[:2], message, *head[3:], campaign, variant, _round(properties.get("round")))
            )
        for number, line in enumerate(lines_of(event.event, properties, currency)):
            self.found["order_lines"].append(
                (
                    *head[:2],
                    line_row(row, number),
                    *head[3:],
                    order_id,
                    line.product,
                    line.quantity,
                    line.revenue,
                    currency,
                )
            )

    def _decided(self, frame: Decided) -> None:
        """The person is that of an event with the same ids; `known_as` is the id that was hashed."""
        arrived = identity(known_as(frame.user_id, frame.anonymous_id))
        person = self._people.get(arrived, arrived)
        for one in frame.decisions:
            known = known_as(
                "" if one.assigned_by == frame.anonymous_id else frame.user_id, frame.anonymous_id
            )
            head = (
                person,
                frame.received_at,
                decision_row(one.decision_id),
                identity(known),
                known,
                frame.source,
            )
            chances = {option.variant: option.propensity for option in one.options}
            options = [{"variant": variant, "propensity": chance} for variant, chance in chances.items()]
            told = msgspec.json.encode(options).decode()
            about = (one.campaign, one.round, one.variant, chances.get(one.variant), told, one.reason)
            self.found["decisions"].append((*head, *about, frame.path[:200] or None))
            self.drawn.append((person, f"{one.campaign}.{one.round}", one.assigned_by))

    def _refused(self, frame: Intake, refusal: Refusal, row: int) -> None:
        why = (refusal.index, refusal.code, refusal.message, refusal.sample)
        self.found["quarantine"].append((0, frame.received_at, row, 0, "", frame.source, *why))


def _table(name: str, rows: Iterable[Row]) -> pa.Table:
    schema = TABLES[name]
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _object(raw: bytes) -> dict[str, Any]:
    found = msgspec.json.decode(raw)
    return found if isinstance(found, dict) else {}


def _unreadable(number: int, event: Event, error: Exception) -> Refusal:
    sample = event.properties[:800].decode("utf-8", "replace")[:200]
    message = f"the properties or the context cannot be read: {error}"
    return Refusal(index=number, code="malformed", message=message, sample=sample)


def _offer(event: str, properties: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if event not in _OURS:
        return None, None
    return text_of(properties.get("experiment_id")), text_of(properties.get("variation_id"))


def _round(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 1


def _rest(properties: dict[str, Any], used: tuple[str, ...]) -> str:
    """The properties that have no column of their own, as JSON; beyond 8 KB the later ones are left out."""
    rest = {name: value for name, value in properties.items() if name not in used}
    whole = msgspec.json.encode(rest)
    if len(whole) > PROPERTIES_LIMIT:
        kept, size = {}, 2
        for name, value in rest.items():
            size += len(msgspec.json.encode({name: value}))
            if size <= PROPERTIES_LIMIT:
                kept[name] = value
        whole = msgspec.json.encode(kept)
    return whole.decode()
