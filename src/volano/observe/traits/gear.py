"""What a person last used and where: device, system, browser, language, time zone, country.

Of two values told at one moment the later in the alphabet counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.domain.visit import UNKNOWN
from volano.observe.traits.history import History, ranks
from volano.observe.traits.seen import later
from volano.observe.traits.trait import Columns, Field, Trait

NAMES = ("device", "os", "browser", "language", "timezone", "country")
_LAGS = tuple((name, f"{name}_lag") for name in NAMES)


def tally(history: History) -> Columns:
    """The last value told of each."""
    columns: dict[str, Any] = {}
    seen = history.moments(history.last(history.acts))
    for name, lag in _LAGS:
        column = history.texts(name)
        rows = np.flatnonzero((column.codes >= 0) & (column.codes != column.code("")))
        if len(rows):
            last = history.last(history.ordered(rows, ranks(column.values)[column.codes[rows]]))
            values = ["", *column.values.to_pylist()]
            told = np.where(last >= 0, column.codes[last], -1) + 1
            columns[name] = [values[code] for code in told.tolist()]
            columns[lag] = np.where(last >= 0, seen - history.time[last], 0).tolist()
    return columns


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The later of each."""
    last = later(one.last_seen, other.last_seen)
    found: dict[str, Any] = {}
    for name, lag in _LAGS:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine or theirs:
            at, value = max(
                (each.last_seen - getattr(each, lag), said)
                for each, said in ((one, mine), (other, theirs))
                if said
            )
            found[name], found[lag] = value, last - at
    return found


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """What was told; a device is always named."""
    found["device"] = profile.device or UNKNOWN
    if profile.os:
        found["os"] = profile.os
    if profile.browser:
        found["browser"] = profile.browser
    if profile.language:
        found["language"] = profile.language
    if profile.timezone:
        found["timezone"] = profile.timezone
    if profile.country:
        found["country"] = profile.country


GEAR = Trait(
    name="gear",
    columns=("event", *NAMES),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "device": Field(
            "Device", "text", "Device of the visit, else the one last told: `iphone`, `desktop` …"
        ),
        "os": Field("System", "text", "Operating system last told."),
        "browser": Field("Browser", "text", "Browser last told."),
        "language": Field("Language", "text", "Language last told, such as `de-at`.", pii="indirect"),
        "timezone": Field("Time zone", "text", "IANA time zone last told.", pii="indirect"),
        "country": Field("Country", "text", "Country last told, two letters (ISO 3166-1).", pii="indirect"),
    },
)
