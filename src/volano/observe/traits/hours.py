"""At which hours of the week a person is active, on the person's clock where it is told, else the shop's."""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.maths import shorts
from volano.maths.columns import changes
from volano.observe.traits.history import History, bounds
from volano.observe.traits.trait import Columns, Field, Trait

WEEK = 168  # hours
_THURSDAY = 72  # 1 January 1970 was one: hours since Monday 00:00
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def tally(history: History) -> Columns:
    """The events of each hour of the week."""
    rows = history.acts
    if not len(rows):
        return {}
    hour = (history.local_seconds(rows, own=True) // 3_600 + _THURSDAY) % WEEK
    word = history.owner[rows] * WEEK + hour
    word.sort(kind="stable")  # the words of each person lie together already
    heads = np.flatnonzero(changes(word))
    word, count = word[heads], np.diff(np.append(heads, len(word)))
    flat = np.stack([word % WEEK, count], axis=1).ravel()
    return {"hours": shorts.split(flat, 2 * bounds(word // WEEK, len(history)))}


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The sums."""
    if not one.hours or not other.hours:
        return {"hours": one.hours or other.hours}
    counts = read(one.hours)
    for hour, events in read(other.hours).items():
        counts[hour] = counts.get(hour, 0) + events
    return {"hours": shorts.packed(number for pair in sorted(counts.items()) for number in pair)}


def read(hours: bytes) -> dict[int, int]:
    """Events by hour of the week.

    >>> read(shorts.packed([7, 2, 100, 1]))
    {7: 2, 100: 1}
    """
    numbers = shorts.read(hours)
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """The hour with the most events, the earliest of equals."""
    if profile.hours:
        numbers = shorts.read(profile.hours)
        counts = numbers[1::2]
        hour = numbers[2 * counts.index(max(counts))]
        found["usual_hour"], found["usual_weekday"] = hour % 24, WEEKDAYS[hour // 24]


HOURS = Trait(
    name="hours",
    columns=("event", "timezone"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "usual_hour": Field(
            "Usual hour", "number", "Hour of the day (0 to 23) of the busiest hour of the week."
        ),
        "usual_weekday": Field("Usual weekday", "text", "Day of the busiest hour, `monday` to `sunday`."),
    },
)
