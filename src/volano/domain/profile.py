"""What is known of a person: computed traits that add up, devices, answers, and where they were drawn."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

DeviceState = Literal["valid", "invalid", "expired"]
TOKEN_DAYS = 270  # after so long without contact a push token is given up (FCM, Android)
BETWEEN = "\x1f"  # what no name holds
ADDRESS = ("email", "Email")  # the given traits that are an address
_DAY = 86_400  # seconds


class Device(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A device of a person, by its id; times are UTC seconds, 0 for never.

    `invalid_*` and `expired_*`: when, and of which token, a push came back so; the token may be empty.
    """

    platform: str = ""
    token: str = ""
    token_at: int = 0
    seen_at: int = 0  # when the person last did something on it
    invalid_at: int = 0
    invalid_token: str = ""
    expired_at: int = 0
    expired_token: str = ""

    def state(self, *, now: int) -> DeviceState:
        """Whether pushes can reach it at `now` (UTC seconds): a later sign of life makes it valid again.

        >>> Device(token="t", token_at=5, invalid_at=9).state(now=10)
        'invalid'
        >>> Device(token="new", token_at=5, invalid_at=9, invalid_token="old").state(now=10)
        'valid'
        """
        alive = max(self.token_at, self.seen_at)
        if self.invalid_at > alive and self.invalid_token in ("", self.token):
            return "invalid"
        if self.expired_at > alive and self.expired_token in ("", self.token):
            return "expired"
        return "expired" if self.token and now - alive > TOKEN_DAYS * _DAY else "valid"


class Taste(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Names a person has met, the dearest first and with BETWEEN between them, and how often.

    `counts` (`maths.shorts`) holds for each name how many periods it has, then (period, weight) for each; a
    period is 30 days, 0 ends on 30 January 2020.
    """

    text: str
    counts: bytes

    @property
    def names(self) -> list[str]:
        """The names, the dearest first."""
        return self.text.split(BETWEEN)


class Profile(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={
        "person_id": "p", "first_seen": "f", "last_seen": "l", "events": "n", "visits": "v", "sessions": "s",
        "days_before": "b", "orders": "o", "revenue": "r", "first_order": "a", "last_order": "z",
        "order_days": "y", "refunds": "k", "refunded": "m", "categories": "c", "brands": "B", "bands": "P",
        "hours": "h", "source": "S", "medium": "M", "source_lag": "t", "first_source": "F",
        "first_medium": "G", "first_source_lag": "T", "device": "d", "device_lag": "D", "os": "O",
        "os_lag": "1", "browser": "w", "browser_lag": "2", "language": "L", "language_lag": "3",
        "timezone": "Z", "timezone_lag": "4", "country": "u", "country_lag": "5", "cart": "C",
        "bills": "$", "undone": "U", "foreign": "X", "foreign_orders": "K",
        "present_at": "H",
        "notices": "N", "notified": "i", "opened": "j", "given": "g", "devices": "e", "assigned": "A",
        "assigned_at": "I", "done": "x", "segments": "q", "due": "E",
    },
):  # fmt: skip
    """The tally of a set of rows of events: two add up with `observe.traits.joined`.

    Moments are UTC µs (0: never) unless told otherwise, money is in minor units, days count from 1970.
    A `…_lag` tells how many µs before `last_seen` (after `first_seen` for the first source) the value was
    told. What is `bytes` holds numbers (`maths.shorts`), read only where somebody asks. Short names are for
    the record in the store.
    """

    person_id: int
    # what they did themselves
    first_seen: int = 0
    last_seen: int = 0
    events: int = 0
    visits: bytes = b""  # of the latest days: see observe.traits.visits
    sessions: int = 0
    days_before: bytes = b""  # active days before those, ascending
    hours: bytes = b""  # (hour of the week, events) in turn; 0 is Monday 00:00 where the person is
    # orders
    orders: int = 0
    revenue: int = 0  # orders less refunds, in the shop's currency
    first_order: int = 0
    last_order: int = 0
    order_days: list[int] = []  # distinct, ascending
    refunds: int = 0
    refunded: int = 0
    bills: dict[int, int] = {}  # by hash of the order: what its rows bring together
    undone: list[int] = []  # hashes of the orders that were cancelled or paid back as a whole, ascending
    foreign: dict[str, int] = {}  # by other currency: orders less refunds
    foreign_orders: int = 0  # how many of the orders are in another currency
    # what they like
    categories: Taste | None = None
    brands: Taste | None = None
    bands: Taste | None = None  # price bands by their number
    # where they come from and on what
    source: str = ""
    medium: str = ""
    source_lag: int = 0
    first_source: str = ""
    first_medium: str = ""
    first_source_lag: int = 0
    device: str = ""
    device_lag: int = 0
    os: str = ""
    os_lag: int = 0
    browser: str = ""
    browser_lag: int = 0
    language: str = ""
    language_lag: int = 0
    timezone: str = ""
    timezone_lag: int = 0
    country: str = ""
    country_lag: int = 0
    # what lies in the cart: product → (moment, pieces (0: taken out), price of one)
    cart: dict[str, tuple[int, int, int]] = {}
    # messages: (day, sent, opened) in turn, and in all
    notices: bytes = b""
    notified: int = 0
    opened: int = 0
    # what was said of them: key → (moment, value)
    given: dict[str, tuple[int, Any]] = {}
    devices: dict[str, Device] = {}
    present_at: int = 0  # UTC seconds of the last thing done on a device or in a browser
    # per campaign salt: the id first hashed, and when
    assigned: dict[str, str] = {}
    assigned_at: dict[str, int] = {}
    # history conditions: (moment, row id, amount) ascending; segments: since when, and when to look again
    done: dict[str, list[tuple[int, int, int]]] = {}
    segments: dict[str, int] = {}
    due: int = 0

    @property
    def email(self) -> str:
        """The address that was given, or nothing."""
        return next((said for key in ADDRESS if isinstance(said := self.answer(key), str)), "")

    def answer(self, key: str) -> Any:
        """What was last given under a key; None for nothing."""
        told = self.given.get(key)
        return None if told is None else told[1]
