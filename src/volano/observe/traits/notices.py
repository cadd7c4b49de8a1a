"""Messages a person got and opened, by day.

`Profile.notices` holds (UTC day, sent, opened) in turn for the DAYS days up to the newest of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.maths import shorts
from volano.maths.columns import changes
from volano.observe.traits.history import History, bounds
from volano.observe.traits.trait import DAY, Columns, Field, Trait

DAYS = 30
WINDOWS = (7, 30)
SENT = ("Push Notification Received", "Email Delivered", "SMS Delivered")
OPENED = ("Push Notification Tapped", "Email Opened", "Email Link Clicked")


def tally(history: History) -> Columns:
    """Messages of each day, and in all."""
    sent, opened = history.among(*SENT), history.among(*OPENED)
    rows = np.flatnonzero(sent | opened)
    if not len(rows):
        return {}
    owner, day = history.owner[rows], history.day[rows]
    heads = np.flatnonzero(changes(owner, day))
    counts = [np.add.reduceat(of[rows].astype(np.int64), heads) for of in (sent, opened)]
    owner, day = owner[heads], day[heads]
    newest = np.zeros(len(history), np.int64)
    newest[owner] = day
    fresh = newest[owner] - day < DAYS
    flat = np.stack([day, *counts], axis=1)[fresh].ravel()
    return {
        "notices": shorts.split(flat, 3 * bounds(owner[fresh], len(history))),
        "notified": history.sums(np.flatnonzero(sent)).tolist(),
        "opened": history.sums(np.flatnonzero(opened)).tolist(),
    }


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The sums."""
    return {
        "notices": _added(one.notices, other.notices),
        "notified": one.notified + other.notified,
        "opened": one.opened + other.opened,
    }


def _added(one: bytes, other: bytes) -> bytes:
    if not one or not other:
        return one or other
    days = {day: (sent, opened) for day, sent, opened in daily(one)}
    for day, sent, opened in daily(other):
        known = days.get(day, (0, 0))
        days[day] = known[0] + sent, known[1] + opened
    newest = max(days)
    return shorts.packed(
        number for day in sorted(days) if newest - day < DAYS for number in (day, *days[day])
    )


def daily(notices: bytes) -> list[tuple[int, int, int]]:
    """Day, sent and opened of each day.

    >>> daily(shorts.packed([19_000, 2, 0, 19_002, 1, 1]))
    [(19000, 2, 0), (19002, 1, 1)]
    """
    numbers = shorts.read(notices)
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """Messages in all and lately."""
    found["notified"], found["opened"] = profile.notified, profile.opened
    days, today = daily(profile.notices), now // DAY
    for window in WINDOWS:
        since = today - window
        found[f"notified_{window}d"] = sum(sent for day, sent, _ in days if since < day <= today)
        found[f"opened_{window}d"] = sum(opened for day, _, opened in days if since < day <= today)


def turns(profile: Profile, now: int) -> int | None:
    """The next midnight (UTC µs) at which a day enters or leaves a window."""
    days = [day for day, _, _ in daily(profile.notices)]
    edges = [day + edge for day in days for edge in (0, *WINDOWS) if day + edge > now // DAY]
    return min(edges) * DAY if edges else None


NOTICES = Trait(
    name="notices",
    columns=("event",),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "notified": Field("Messages", "number", "Pushes, e-mails and texts that reached the person, in all."),
        "opened": Field("Messages opened", "number", "Taps, openings and clicks of them, in all."),
        "notified_7d": Field(
            "Messages in 7 days", "number", "Those of the last 7 days, today among them (UTC)."
        ),
        "opened_7d": Field("Opened in 7 days", "number", "Openings of the last 7 days."),
        "notified_30d": Field("Messages in 30 days", "number", "Those of the last 30 days."),
        "opened_30d": Field("Opened in 30 days", "number", "Openings of the last 30 days."),
    },
)
