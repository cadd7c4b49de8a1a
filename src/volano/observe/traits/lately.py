"""What a person did in the last days; it follows from their visits."""

from __future__ import annotations

from typing import Any

from volano.domain.profile import Profile
from volano.maths import shorts
from volano.observe.traits.trait import DAY, Field, Trait

WINDOWS = (7, 30)  # days


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """Nothing: it follows from the visits."""
    return {}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """The events of each window."""
    today = now // DAY
    done = dict.fromkeys(WINDOWS, 0)
    for day, events in _daily(profile.visits):
        for window in WINDOWS:
            if today - window < day <= today:
                done[window] += events
    for window, events in done.items():
        found[f"events_{window}d"] = events


def turns(profile: Profile, now: int) -> int | None:
    """The next midnight (UTC µs) at which a day enters or leaves a window."""
    today = now // DAY
    edges = [day + edge for day, _ in _daily(profile.visits) for edge in (0, *WINDOWS) if day + edge > today]
    return min(edges) * DAY if edges else None


def _daily(packed: bytes) -> list[tuple[int, int]]:
    """Day and events of each day; see `observe.traits.visits`."""
    days = []
    visits = shorts.read(packed)
    day, at, end = 0, 0, len(visits)
    while at < end:
        day += visits[at]
        days.append((day, visits[at + 1]))
        count = visits[at + 2]
        at += 3
        for _ in range(count):
            at += 3 + visits[at + 2]
    return days


LATELY = Trait(
    name="lately",
    joined=joined,
    facts=facts,
    fields={
        "events_7d": Field(
            "Events in 7 days", "number", "Events of the last 7 days, today among them (UTC)."
        ),
        "events_30d": Field("Events in 30 days", "number", "The same of the last 30 days."),
    },
)
