"""Frames of the journal as rows of the lake's tables."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec.structs import astuple, replace

from volano.domain.event import (
    ALIASED,
    CAMPAIGN_CLICKED,
    CAMPAIGN_CLOSED,
    EXPERIMENT_VIEWED,
    GROUPED,
    IDENTIFIED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    PAGE_VIEWED,
    SCREEN_VIEWED,
    Decided,
    Delivered,
    Event,
    Frame,
    Intake,
    Refusal,
)
from volano.domain.registry import Seen
from volano.domain.tables import OURS, TABLES, filled
from volano.observe.agents import library
from volano.observe.bots import with_speed
from volano.observe.identity import (
    decision_row,
    delivery_row,
    identity,
    illegal,
    known_as,
    line_row,
    message_row,
    nobody,
    order_row,
    refusal_row,
)
from volano.observe.mentions import hashes_of, named_in
from volano.observe.naming import Names, renamed
from volano.observe.orders import NOTHING, Shopped, currency_of, lines_of, shopped, text_of
from volano.observe.registry import Arrivals
from volano.observe.traffic import Traffic, traffic

SAMPLE = 200  # characters of an event that cannot be kept
PROPERTIES_LIMIT = 8 * 1024  # bytes of JSON in a row
_OURS = (EXPERIMENT_VIEWED, CAMPAIGN_CLICKED, CAMPAIGN_CLOSED)
_PAGE = ("url", "path", "referrer", "search")
LINED = (ORDER_COMPLETED, ORDER_REFUNDED)
_NO_PRODUCT = frozenset((PAGE_VIEWED, SCREEN_VIEWED, IDENTIFIED, ALIASED, GROUPED))
_ADDRESSES = ("ip", "$ip")  # properties in which clients tell the address, which is never kept

Row = tuple[Any, ...]
Head = tuple[int, int, int, int, str, str]

HEAD = ("person_id", "time", "id", "identity", "known_as", "origin")
_EVENT = (
    *HEAD,
    "event",
    "told",
    *Traffic.__struct_fields__,
    "campaign",
    "variant",
    *Shopped._fields,
    "properties",
    "left_out",
)
_ORDERS = {"events": _EVENT}  # the columns of a row where they are not those of the schema


class Told(NamedTuple):
    """What an event says in standard words: its name, the name as it came where that is another, and more."""

    event: str
    told: str | None
    campaign: str | None
    variant: str | None
    shopped: Shopped
    properties: Mapping[str, Any]


class Rows:
    """Collects the rows of one drain.

    `people` says who each identity is, `currency` what bare amounts are in, `names` what a shop's own words
    mean, `marks` which parameters of an address name a campaign (see `traffic`), `before` which messages have
    come before (see `claims.messages`): they are no examples of anything.
    """

    def __init__(
        self,
        people: Mapping[int, int],
        currency: str = "USD",
        *,
        names: Names | None = None,
        marks: tuple[tuple[str, str], ...] = (),
        before: Container[int] = (),
    ) -> None:
        self._people = people
        self._currency = currency
        self._names = names or Names()
        self._marks = marks
        self._before = before
        self._arrivals = Arrivals()
        self._told: set[int] = set()
        self.found: dict[str, list[Row]] = {name: [] for name in TABLES}
        self.frames: list[Frame] = []  # as they were taken: an event that could not be is among the refusals

    def add(self, frame: Frame, journal: str, position: int) -> None:
        """The rows of one frame, which lies before `position` of the journal."""
        if isinstance(frame, Decided):
            self._decided(frame)
            self.frames.append(frame)
            return
        if isinstance(frame, Delivered):
            self._delivered(frame)
            self.frames.append(frame)
            return
        country = "" if library(frame.user_agent) else frame.country  # where a server stands says nothing
        wrong: dict[int, Refusal] = {}
        for number, event in enumerate(frame.events):
            refusal = self._event(frame, number, event, country)
            if refusal is not None:
                wrong[number] = refusal
                self._refused(frame, refusal, refusal_row(journal, position, -1 - number))
        for refusal in frame.refusals:
            self._refused(frame, refusal, refusal_row(journal, position, refusal.index))
        if frame.repeats:
            self._arrivals.repeat(frame.source, frame.repeats, frame.received_at)
        self.frames.append(_without(frame, wrong) if wrong else frame)

    def tables(self) -> dict[str, pa.Table]:
        """What was collected, one Arrow table for each table that has rows."""
        found = {name: _table(name, rows) for name, rows in self.found.items() if rows}
        if "events" in found:
            found["events"] = with_speed(found["events"])
        return found

    def seen(self) -> dict[int, Seen]:
        """The names that came, for the registry, by key."""
        return self._arrivals.seen()

    def _head(self, known: str, time: int, row: int, origin: str) -> Head:
        hashed = identity(known)
        return (self._people.get(hashed, hashed), time, row, hashed, known, origin)

    def _event(self, frame: Intake, number: int, event: Event, country: str) -> Refusal | None:
        """Collects an event; what is wrong with it if it cannot be."""
        try:
            properties, context = _object(event.properties), _object(event.context)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return _unreadable(number, event, error)
        known = known_as(event.user_id, event.anonymous_id)
        if illegal(known[2:]):
            return _nameless(number, event)
        message = message_row(frame.source, event.message_id)
        again = message in self._before
        self._arrivals.add(frame.source, event.event, properties, frame.received_at, again=again)
        if event.kind in ("page", "screen") and "page" not in context:
            context["page"] = {name: properties.get(name) for name in _PAGE}
        seen = traffic(context, frame.user_agent, country, marks=self._marks)
        told = told_by(frame.source, event.event, properties, self._names, self._currency)
        shopped = told.shopped
        row = order_row(shopped.order_id) if shopped.order_id and told.event == ORDER_COMPLETED else message
        head = self._head(known, event.time, row, frame.source)
        offer = (told.campaign, told.variant)
        kept = _kept(event.properties, properties)
        self.found["events"].append((*head, told.event, told.told, *astuple(seen), *offer, *shopped, *kept))
        if row not in self._told and (told.event in _OURS or told.event in LINED):
            self._more(told, head, message, bot=seen.bot is not None)
        self._told.add(row)
        return None

    def _more(self, told: Told, head: Head, message: int, *, bot: bool) -> None:
        """The rows that an event has in other tables; what a bot saw proves nothing.

        Of several that are the same event only the first has any: it is the one that the lake keeps.
        """
        shown = None if bot else exposure(told)
        if shown is not None:
            self.found["exposures"].append((*head[:2], message, *head[3:], *shown, head[2]))
        self.found["order_lines"] += lines(told, head, self._currency)

    def _decided(self, frame: Decided) -> None:
        """The identity is that of an event with the same ids; `known_as` is the id that was hashed."""
        arrived = identity(known_as(frame.user_id, frame.anonymous_id))
        person = self._people.get(arrived, arrived)
        for one in frame.decisions:
            signed_in = "" if one.assigned_by == frame.anonymous_id else frame.user_id
            known = known_as(signed_in, frame.anonymous_id)
            head = (person, frame.received_at, decision_row(one.decision_id), arrived, known, frame.source)
            chances = {option.variant: option.propensity for option in one.options}
            options = [{"variant": variant, "propensity": chance} for variant, chance in chances.items()]
            told = msgspec.json.encode(options).decode()
            about = (one.campaign, one.round, one.variant, chances.get(one.variant), told, one.reason)
            self.found["decisions"].append((*head, *about, frame.path[:200] or None))

    def _delivered(self, frame: Delivered) -> None:
        """Of people who are known: what was settled while somebody was being forgotten tells of nobody."""
        for one in frame.deliveries:
            if one.identity not in self._people:
                continue
            who, row = self._people[one.identity], delivery_row(one.delivery_id)
            about = (one.channel, one.receiver, one.about, one.status, one.reason or None, one.attempts)
            offer = (one.campaign or None, one.variant or None, one.round or None)
            self.found["deliveries"].append((who, one.time, row, one.identity, None, OURS, *about, *offer))

    def _refused(self, frame: Intake, refusal: Refusal, row: int) -> None:
        named = " ".join(map(str, refusal.named)) or None
        why = (refusal.index, refusal.code, refusal.message, refusal.sample, named)
        self.found["quarantine"].append((0, frame.received_at, row, 0, "", frame.source, *why))
        if frame.source:  # what the disk damaged is nobody's
            self._arrivals.refuse(frame.source, refusal.code, frame.received_at)


def told_by(source: str, event: str, properties: Mapping[str, Any], names: Names, currency: str) -> Told:
    """What the properties of an event say, its words taken as `names` has them."""
    naming = names.of(source, event) if names else None
    if naming is not None:
        told = event if event != naming.to else None
        event, properties = naming.to, renamed(properties, naming, currency)
    else:
        told = None
    campaign, variant = None, None
    if event in _OURS:
        campaign, variant = text_of(properties.get("experiment_id")), text_of(properties.get("variation_id"))
    what = NOTHING if event in _NO_PRODUCT else shopped(event, properties, currency)
    return Told(event, told, campaign, variant, what, properties)


def exposure(told: Told) -> tuple[str, str, int] | None:
    """Campaign, variant and round that an event says were seen."""
    if told.event != EXPERIMENT_VIEWED or not told.campaign or not told.variant:
        return None
    return told.campaign, told.variant, _round(told.properties.get("round"))


def lines(told: Told, head: Head, currency: str) -> list[Row]:
    """The rows of `order_lines` of an order or a refund whose event has the row `head`."""
    found = lines_of(told.event, told.properties, currency_of(told.properties, currency))
    return [
        (
            *head[:2],
            line_row(head[2], number),
            *head[3:],
            told.shopped.order_id,
            line.product,
            line.quantity,
            line.revenue,
            currency_of(told.properties, currency),
            head[2],
        )
        for number, line in enumerate(found)
    ]


def _table(name: str, rows: Iterable[Row]) -> pa.Table:
    schema = TABLES[name]
    names = _ORDERS.get(name, schema.names)
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return filled(name, {column: pa.array(values, schema.field(column).type) for column, values in columns})


def _object(raw: bytes) -> dict[str, Any]:
    found = msgspec.json.decode(raw)
    return found if isinstance(found, dict) else {}


def _unreadable(number: int, event: Event, error: Exception) -> Refusal:
    message = f"the properties or the context cannot be read: {error}"
    return _refusal(number, "malformed", message, event)


def _nameless(number: int, event: Event) -> Refusal:
    why = nobody(event.user_id or event.anonymous_id)
    ids = {"event": event.event, "user_id": event.user_id, "anonymous_id": event.anonymous_id}
    told = msgspec.json.encode({name: text for name, text in ids.items() if text}).decode()
    return _refusal(number, why.code, why.message, event, told=f"{told} ")


def _refusal(number: int, code: str, message: str, event: Event, told: str = "") -> Refusal:
    sample = f"{told}{event.properties[: 4 * SAMPLE].decode('utf-8', 'replace')}"[:SAMPLE]
    named = (*hashes_of((event.user_id, event.anonymous_id)), *named_in(event.properties))
    return Refusal(index=number, code=code, message=message, sample=sample, named=named)


def _without(frame: Intake, wrong: Mapping[int, Refusal]) -> Intake:
    """The frame, its events that cannot be kept among the refusals."""
    events = [event for number, event in enumerate(frame.events) if number not in wrong]
    return replace(frame, events=events, refusals=[*frame.refusals, *wrong.values()])


def _round(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 1


def _kept(raw: bytes, properties: dict[str, Any]) -> tuple[str, int | None]:
    """The properties as they came but for network addresses, and how many of them had no room.

    Beyond 8 KB the shortest are kept: a long text or list costs neither an address nor a number.
    """
    if len(raw) <= PROPERTIES_LIMIT and "ip" not in properties and "$ip" not in properties and properties:
        return raw.decode(), None
    rest = {name: value for name, value in properties.items() if name not in _ADDRESSES}
    whole = msgspec.json.encode(rest)
    if len(whole) <= PROPERTIES_LIMIT:
        return whole.decode(), None
    sizes = {name: len(msgspec.json.encode({name: value})) for name, value in rest.items()}
    fits, size = set(), 2
    for name in sorted(sizes, key=sizes.__getitem__):
        size += sizes[name] - 1  # the braces are there, a comma is new
        if size > PROPERTIES_LIMIT:
            break
        fits.add(name)
    kept = {name: value for name, value in rest.items() if name in fits}
    return msgspec.json.encode(kept).decode(), len(rest) - len(kept)
