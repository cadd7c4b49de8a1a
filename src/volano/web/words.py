"""How numbers, times, steps and slices read on a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from volano.domain.durations import SECOND
from volano.domain.money import digits

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩", "JPY": "¥"}
_STEPS = {
    "Page Viewed": "Lands",
    "Product Viewed": "Looks at a product",
    "Product Added": "Puts it in the basket",
    "Checkout Started": "Starts checkout",
    "Order Completed": "Orders",
}
_LOST = {
    "Product Viewed": "do not look at a product",
    "Product Added": "put nothing in the basket",
    "Checkout Started": "do not start checkout",
    "Order Completed": "do not order",
}
_LEAVE = {
    "Page Viewed": "leave before they look at a product",
    "Product Viewed": "look, but put nothing in the basket",
    "Product Added": "leave with a full basket",
    "Checkout Started": "leave at checkout",
}
_DEVICES = {
    "low-end android": "on small Android phones",
    "android": "on Android phones",
    "iphone": "on iPhones",
    "tablet": "on tablets",
    "desktop": "on computers",
    "other": "on other devices",
}


def count(value: float) -> str:
    """A whole number.

    >>> count(48210), count(-3.4)
    ('48,210', '−3')
    """
    return f"{value:,.0f}".replace("-", "−")


def many(value: float, name: str, names: str = "") -> str:
    """A count with its noun; `names` is the plural where it is not the noun and an s.

    >>> many(1, "order"), many(1200, "order"), many(0, "identity", "identities")
    ('1 order', '1,200 orders', '0 identities')
    """
    return f"{count(value)} {name if value == 1 else names or f'{name}s'}"


def person(person_id: int) -> str:
    """Somebody of whom only the number is known: its end is enough to tell people apart.

    >>> person(1030925807175681008)
    'Person …81008'
    """
    text = str(person_id)
    return f"Person {text if len(text) < 7 else f'…{text[-5:]}'}"


def number(value: float) -> str:
    """A number with as many decimals as it deserves.

    >>> number(86.2), number(3.25), number(0.042), number(0)
    ('86', '3.2', '0.042', '0')
    """
    size = abs(value)
    places = 0 if size >= 10 or size == 0 else 1 if size >= 1 else 3
    text = f"{value:,.{places}f}"
    return (text.rstrip("0").rstrip(".") if places else text).replace("-", "−")


def share(value: float) -> str:
    """A share in per cent.

    >>> share(0.384), share(0.0123), share(1)
    ('38 %', '1.2 %', '100 %')
    """
    places = 1 if 0 < abs(value) < 0.0995 else 0
    return f"{value * 100:.{places}f} %".replace("-", "−")


def change(value: float) -> str:
    """A relative change in per cent, with its sign.

    >>> change(0.06), change(-0.091)
    ('+6.0 %', '−9.1 %')
    """
    return ("+" if value > 0 else "") + share(value)


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign.

    >>> points(0.0131), points(-0.2), points(0)
    ('+1.3 pt', '−20.0 pt', '0.0 pt')
    """
    return f"{value * 100:+.1f} pt".replace("-", "−").replace("+0.0", "0.0")


def money(minor_units: float, currency: str) -> str:
    """Minor units as people read them; without decimals from a hundred on.

    >>> money(4100000, "INR"), money(1250, "EUR"), money(-1250, "CHF")
    ('₹41,000', '€12.50', '−12.50 CHF')
    """
    places = digits(currency)
    amount = minor_units / 10**places
    text = f"{abs(amount):,.{0 if abs(amount) >= 100 else places}f}"
    sign = "−" if amount < 0 else ""
    mark = _SIGNS.get(currency)
    return f"{sign}{mark}{text}" if mark else f"{sign}{text} {currency}".rstrip()


def day(at: int, zone: str = "UTC") -> str:
    """A day by the clock of a time zone; empty for never.

    >>> day(1_700_000_000_000_000), day(1_700_000_000_000_000, "Asia/Seoul"), day(0)
    ('14 Nov 2023', '15 Nov 2023', '')
    """
    if not at:
        return ""
    then = _clock(at, zone)
    return f"{then.day} {then:%b %Y}"


def moment(at: int, zone: str = "UTC") -> str:
    """A moment to the minute, with its time zone where it has a short name.

    >>> moment(1_700_000_000_000_000), moment(1_700_000_000_000_000, "Europe/Berlin")
    ('14 Nov 2023, 22:13 UTC', '14 Nov 2023, 23:13 CET')
    """
    name = f"{_clock(at, zone):%Z}"
    return f"{day(at, zone)}, {hour(at, zone)}{f' {name}' if name.isalpha() else ''}"


def hour(at: int, zone: str = "UTC") -> str:
    """The time of day of a moment, to the minute.

    >>> hour(1_700_000_000_000_000, "Europe/Berlin")
    '23:13'
    """
    return f"{_clock(at, zone):%H:%M}"


def _clock(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC if zone == "UTC" else ZoneInfo(zone))


def distance(at: int, now: int) -> str:
    """How far a moment is from now, in the unit that fits.

    >>> now, day = 1_700_000_000_000_000, 86_400 * SECOND
    >>> distance(now - 3 * SECOND, now), distance(now - 200 * SECOND, now), distance(now + 6 * day, now)
    ('just now', '3 minutes ago', 'in 6 days')
    """
    seconds = abs(now - at) // SECOND
    if seconds < 10:
        return "just now"
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            many = seconds // size
            words = f"{many:,} {unit}{'s' if many > 1 else ''}"
            return f"in {words}" if at > now else f"{words} ago"
    return "just now"


def ago(at: int, now: int) -> str:
    """How long ago, as short as it can be read, for narrow columns.

    >>> now = 1_700_000_000_000_000
    >>> [ago(now - seconds * SECOND, now) for seconds in (0, 35, 200, 86_400)]
    ['now', '35 s', '3 min', '1 d']
    """
    seconds = max(0, now - at) // SECOND
    if seconds < 10:
        return "now"
    size, unit = next(pair for pair in _SHORT if seconds >= pair[0])
    return f"{seconds // size:,} {unit}"


_SHORT = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def user(known_as: str) -> str:
    """The user id of who is known by one; "" of others, whose ids tell nobody anything.

    >>> user("u:46171"), user("a:7f3e-11ee")
    ('46171', '')
    """
    return known_as[2:] if known_as.startswith("u:") else ""


_LONG = 25  # characters of a heading that fit on a phone


def parts(name: str) -> list[str]:
    """A long name cut where a line may break: behind what stands between the words of an address.

    >>> parts("ann.maria-lee@garden.example"), parts("ann@shop.example")
    (['ann.', 'maria-', 'lee@', 'garden.', 'example'], ['ann@shop.example'])
    """
    if len(name) < _LONG:
        return [name]
    return re.findall(r"[^@._+-]*[@._+-]+|[^@._+-]+", name)


def plain(value: Any) -> str:
    """A value of JSON as people read it.

    >>> plain([{"sku": "t", "price": 3}, {"sku": "u"}]), plain(["green", 7]), plain(True), plain(None)
    ('sku t, price 3; sku u', 'green, 7', 'yes', '')
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ("; " if any(isinstance(one, dict) for one in value) else ", ").join(map(plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def step(event: str) -> str:
    """A step of the journey in plain words; an event without any stays as it is called."""
    return _STEPS.get(event, event)


def lost(event: str) -> str:
    """What those do who do not reach a step.

    >>> lost("Order Completed"), lost("paid")
    ('do not order', 'do not reach “paid”')
    """
    return _LOST.get(event, f"do not reach “{event}”")


def _from(source: str) -> str:
    place, _, medium = source.partition(" / ")
    if source == "(direct) / (none)":
        return "who come directly"
    name = place[:1].upper() + place[1:]
    if medium in ("cpc", "ppc", "paid", "ads"):
        return f"from {name} ads"
    if medium == "organic":
        return f"from {name} search"
    return f"from {name}" if medium in ("social", "referral", "email", "") else f"from {name} ({medium})"


def people_of(slice_: Mapping[str, str]) -> str:
    """The people of a slice.

    >>> people_of({"source": "instagram / social", "device": "low-end android"})
    'people from Instagram on small Android phones'
    >>> people_of({"visitor": "new"}), people_of({})
    ('new visitors', 'everyone')
    """
    if not slice_:
        return "everyone"
    rest = dict(slice_)
    visitor = rest.pop("visitor", "")
    parts = [f"{visitor} visitors" if visitor else "people"]
    if source := rest.pop("source", ""):
        parts.append(_from(source))
    if device := rest.pop("device", ""):
        parts.append(_DEVICES.get(device, f"on {device}"))
    if landing := rest.pop("landing", ""):
        parts.append(f"who land on {landing}")
    parts += [f"with {name} {value}" for name, value in rest.items()]
    return " ".join(parts)


def leak_title(step_: str, slice_: Mapping[str, str]) -> str:
    """A leak as a sentence.

    >>> leak_title("Checkout Started", {"visitor": "new"})
    'New visitors leave at checkout'
    """
    who = people_of(slice_)
    return f"{who[:1].upper()}{who[1:]} {_LEAVE.get(step_, f'stop after “{step_}”')}"


def headline(sentence: str) -> str:
    """The finding of a verdict's sentence without its numbers in brackets, for a title.

    >>> headline("Ship: 9.1 % more people order within 7 days (41.2 % against 37.8 %; 2,410 people).")
    'Ship: 9.1 % more people order within 7 days'
    >>> headline("Stop: no effect of 20 % or more was seen: 2 % fewer people order (…); that may be chance.")
    'Stop: no effect of 20 % or more was seen'
    """
    found = sentence.split(" (", maxsplit=1)[0].rstrip(".")
    finding, seen, _ = found.partition(" was seen")
    return finding + seen
