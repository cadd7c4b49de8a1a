"""The registry of what arrives: counted drain by drain, added to what is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from msgspec.structs import replace

from volano.domain.event import IDENTIFIED
from volano.domain.registry import EVENTS, EXAMPLES, PROPERTIES, Property, Seen
from volano.maths.hashing import hash63

EXAMPLE_LIMIT = 60  # characters
NAME_LIMIT = 100
INNER = 30  # names that are looked at within a list or an object
HIDDEN = "…"  # stands where an example would tell of somebody

_TYPES = {bool: "yes or no", str: "text", int: "number", float: "number", list: "list", dict: "object"}
_PRIVATE = re.compile(
    r"mail|phone|tel(?:efon)?$|mobile|name$|password|secret|token|address|street|birth|iban|card|ssn|ip$",
    re.I,
)
_SHOWN_NAMES = re.compile(
    r"product|item|list|event|campaign|experiment|variation|coupon|promotion|^name$", re.I
)
_TRAITS = ("traits", "$set", "$set_once")  # objects of them within other events
_ADDRESS = re.compile(r"\S@\S")
_LONG_NUMBER = re.compile(r"(?:\d[ ()./+-]?){7,}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")

_Shape = tuple[Any, ...]  # source, event, whether it came again, names of properties …, their types …


class Arrivals:
    """Counts what comes in one drain. Events of one shape cost one look-up each."""

    def __init__(self) -> None:
        self._shapes: dict[_Shape, list[Any]] = {}
        self._refused: dict[str, Counter[str]] = {}
        self._repeats: Counter[str] = Counter()
        self._times: dict[str, tuple[int, int]] = {}

    def add(
        self, source: str, event: str, properties: Mapping[str, Any], at: int, *, again: bool = False
    ) -> None:
        """An event as it came, received at `at` (UTC µs); one that came `again` is no example."""
        shape = (source, event, again, *properties, *map(type, properties.values()))
        known = self._shapes.get(shape)
        if known is None:
            self._shapes[shape] = [1, at, at, properties]
            return
        known[0] += 1
        known[2] = at  # frames come in the order of arrival

    def refuse(self, source: str, code: str, at: int) -> None:
        """An event that was quarantined."""
        self._refused.setdefault(source, Counter())[code] += 1
        self._came(source, at)

    def repeat(self, source: str, count: int, at: int) -> None:
        """Events that were left out at the door, as the same had come before."""
        self._repeats[source] += count
        self._came(source, at)

    def _came(self, source: str, at: int) -> None:
        first, last = self._times.get(source, (at, at))
        self._times[source] = (min(first, at), max(last, at))

    def seen(self) -> dict[int, Seen]:
        """What came, by key: a record for each event and one for each source."""
        found: dict[int, Seen] = {}
        for (source, event, again, *shape), (count, first, last, sample) in self._shapes.items():
            times = (first, last)
            properties = _properties(sample, shape[len(sample) :], count, times)
            if again:
                properties = _bare(properties)
            one = Seen(
                key=seen_key(source, event),
                source=source,
                event=event,
                count=count,
                first_seen=first,
                last_seen=last,
                properties=properties,
            )
            whole = replace(one, key=seen_key(source, ""), event="", properties={})
            for record in (one, whole):
                found[record.key] = joined(found.get(record.key), record)
        for source, (first, last) in self._times.items():
            key, again = seen_key(source, ""), self._repeats[source]
            record = Seen(
                key=key,
                source=source,
                count=again,
                first_seen=first,
                last_seen=last,
                doubles=again,
                refused=dict(self._refused.get(source, {})),
            )
            found[key] = joined(found.get(key), record)
        return found


def seen_key(source: str, event: str) -> int:
    """The key of the record of an event of a source; "" of the source itself."""
    return hash63(f"s:{source}:{event}")


def joined(one: Seen | None, other: Seen) -> Seen:
    """Both counted together; names of properties beyond the bound are only counted, the earlier ones stay.

    Traits that somebody is told to have get no examples: with a few of them anybody can be named.
    """
    if one is None:
        one = Seen(key=other.key, source=other.source, event=other.event)
    properties, others = dict(one.properties), one.others + other.others
    for name, more in other.properties.items():
        known = properties.get(name)
        if known is not None:
            properties[name] = _together(known, more)
        elif len(properties) < PROPERTIES:
            properties[name] = more
        else:
            others += more.count
    if one.event == IDENTIFIED:
        properties = _bare(properties)
    first, last = _span(one, other)
    return Seen(
        key=one.key,
        source=one.source,
        event=one.event,
        count=one.count + other.count,
        first_seen=first,
        last_seen=last,
        properties=properties,
        others=others,
        names=one.names + other.names,
        unnamed=one.unnamed + other.unnamed,
        doubles=one.doubles + other.doubles,
        refused=_sum(one.refused, other.refused),
    )


def registered(known: Mapping[int, Seen], fresh: Mapping[int, Seen]) -> list[Seen]:
    """The records that change when `fresh` comes to what is `known` (by key; only those of `fresh` matter).

    A source with EVENTS names gets no more of them: further ones are counted in its own record.
    """
    changed: dict[int, Seen] = {
        key: joined(known.get(key), one) for key, one in fresh.items() if not one.event
    }
    for key, one in fresh.items():
        if not one.event:
            continue
        whole = changed[seen_key(one.source, "")]
        if key not in known and whole.names >= EVENTS:
            changed[whole.key] = replace(whole, unnamed=whole.unnamed + one.count)
            continue
        if key not in known:
            changed[whole.key] = replace(whole, names=whole.names + 1)
        changed[key] = joined(known.get(key), one)
    return list(changed.values())


def with_doubles(fresh: Mapping[int, Seen], told: pa.Table | None, added: pa.Table | None) -> dict[int, Seen]:
    """`fresh` with how many of the rows `told` to the lake it did not add, by source (`origin`)."""
    more = Counter(told["origin"].to_pylist() if told is not None else ())
    more.subtract(Counter(added["origin"].to_pylist() if added is not None else ()))
    found = dict(fresh)
    for source, doubles in more.items():
        key = seen_key(source, "")
        if doubles > 0 and key in found:
            found[key] = replace(found[key], doubles=found[key].doubles + doubles)
    return found


def _properties(
    sample: Mapping[str, Any], types: Iterable[type], count: int, times: tuple[int, int]
) -> dict[str, Property]:
    """What one shape tells; of a list or an object also what stands in the first entry of the sample."""
    found: dict[str, Property] = {}
    for (name, value), kind in zip(sample.items(), types, strict=True):
        found[name[:NAME_LIMIT]] = _property(name, value, kind, count, times)
        entry = value[0] if isinstance(value, list) and value else value
        if isinstance(entry, dict):
            for inner, one in list(entry.items())[:INNER]:
                path = f"{name}.{inner}"[:NAME_LIMIT]
                told = None if name in _TRAITS else one
                found[path] = _property(path, told, type(one), count, times)
    return found


def _bare(properties: Mapping[str, Property]) -> dict[str, Property]:
    return {name: replace(known, examples=()) for name, known in properties.items()}


def _property(name: str, value: Any, kind: type, count: int, times: tuple[int, int]) -> Property:
    return Property({_TYPES.get(kind, "nothing"): count}, _example(name, value), *times)


def _together(one: Property, other: Property) -> Property:
    examples = one.examples
    if len(examples) < EXAMPLES:
        examples = tuple(dict.fromkeys((*examples, *other.examples)))[:EXAMPLES]
    first, last = _span(one, other)
    return Property(_sum(one.types, other.types), examples, first, last)


def _span(one: Property | Seen, other: Property | Seen) -> tuple[int, int]:
    """From when to when either came; a time that is not known is 0."""
    first = min(one.first_seen or other.first_seen, other.first_seen or one.first_seen)
    return first, max(one.last_seen, other.last_seen)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {**one, **{name: one.get(name, 0) + count for name, count in other.items()}}


def _example(name: str, value: Any) -> tuple[str, ...]:
    """A value as text that tells of nobody: no addresses, no numbers as long as a telephone's."""
    if value is None or value == "" or isinstance(value, dict | list):
        return ()
    text = str(value) if not isinstance(value, bool) else str(value).lower()
    private = _PRIVATE.search(name) and not _SHOWN_NAMES.search(name)
    number = _LONG_NUMBER.search(text) and not _DATE.fullmatch(text)
    if private or number or _ADDRESS.search(text):
        return (HIDDEN,)
    return (text[:EXAMPLE_LIMIT],)
