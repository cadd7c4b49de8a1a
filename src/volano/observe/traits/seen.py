"""When a person was first and last seen, and how often they did anything."""

from __future__ import annotations

from typing import Any

from volano.domain.profile import Profile
from volano.observe.traits.history import History
from volano.observe.traits.trait import DAY, Columns, Field, Trait, days_since


def tally(history: History) -> Columns:
    """First and last moment, and the number of events."""
    acts = history.acts
    return {
        "first_seen": history.moments(history.first(acts)).tolist(),
        "last_seen": history.moments(history.last(acts)).tolist(),
        "events": history.sums(acts).tolist(),
    }


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The earlier, the later, the sum."""
    return {
        "first_seen": earlier(one.first_seen, other.first_seen),
        "last_seen": later(one.last_seen, other.last_seen),
        "events": one.events + other.events,
    }


def earlier(one: int, other: int) -> int:
    """The smaller of two moments of which 0 means never.

    >>> earlier(0, 7), earlier(3, 7)
    (7, 3)
    """
    return min(one, other) if one and other else one or other


def later(one: int, other: int) -> int:
    """The larger of two moments of which 0 means never."""
    return max(one, other) if one and other else one or other


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """What is told of a person who did something."""
    found["events"] = profile.events
    if profile.events:
        found["first_seen"], found["last_seen"] = profile.first_seen, profile.last_seen
        found["days_since_first_seen"] = (now - profile.first_seen) // DAY
        found["days_since_seen"] = (now - profile.last_seen) // DAY


SEEN = Trait(
    name="seen",
    columns=("event",),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "first_seen": Field("First seen", "time", "When the person first did something."),
        "last_seen": Field("Last seen", "time", "When the person last did something."),
        "days_since_first_seen": days_since(
            "Days since first seen", "first_seen", "Whole days since the first event."
        ),
        "days_since_seen": days_since("Days since seen", "last_seen", "Whole days since the last event."),
        "events": Field("Events", "number", "Events of the person's own doing, in all."),
    },
)
