"""Where a person first and last came from; of two told at one moment the later in the alphabet counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.profile import Profile
from volano.domain.visit import came_from
from volano.observe.traits.history import History, coded
from volano.observe.traits.seen import earlier, later
from volano.observe.traits.trait import Columns, Field, Trait


def tally(history: History) -> Columns:
    """The first and the last row that tells of traffic."""
    source, medium = history.texts("source"), history.texts("medium")
    rows = np.flatnonzero((source.codes >= 0) & (source.codes != source.code("")))
    if not len(rows):
        return {}
    wide = len(medium.values) + 1
    words = source.codes[rows].astype(np.int64) * wide + medium.codes[rows] + 1
    known, which = coded(words)
    pairs = [
        (source.values[word // wide].as_py(), medium.values[word % wide - 1].as_py() if word % wide else "")
        for word in known.tolist()
    ]
    place = np.empty(len(pairs), np.int64)
    place[sorted(range(len(pairs)), key=pairs.__getitem__)] = np.arange(len(pairs))
    told = np.full(len(history.time), -1)
    told[rows] = which
    rows = history.ordered(rows, place[which])
    seen = history.acts
    columns: dict[str, Any] = {}
    for prefix, row, edge in (
        ("", history.last(rows), history.last(seen)),
        ("first_", history.first(rows), history.first(seen)),
    ):
        said = [pairs[code] if code >= 0 else ("", "") for code in np.where(row >= 0, told[row], -1).tolist()]
        lag = history.moments(edge) - history.moments(row)
        columns[f"{prefix}source"] = [source for source, _ in said]
        columns[f"{prefix}medium"] = [medium for _, medium in said]
        columns[f"{prefix}source_lag"] = np.where(row >= 0, -lag if prefix else lag, 0).tolist()
    return columns


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The later last and the earlier first."""
    last, first = later(one.last_seen, other.last_seen), earlier(one.first_seen, other.first_seen)
    told = [
        (each.last_seen - each.source_lag, each.source, each.medium) for each in (one, other) if each.source
    ]
    met = [
        (each.first_seen + each.first_source_lag, each.first_source, each.first_medium)
        for each in (one, other)
        if each.first_source
    ]
    if not told:
        return {}
    (at, source, medium), (met_at, first_source, first_medium) = max(told), min(met)
    return {
        "source": source,
        "medium": medium,
        "source_lag": last - at,
        "first_source": first_source,
        "first_medium": first_medium,
        "first_source_lag": met_at - first,
    }


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """Both as `source / medium`; who never told comes directly."""
    found["source"] = came_from(profile.source, profile.medium)
    found["first_source"] = came_from(profile.first_source, profile.first_medium)


TOUCH = Trait(
    name="touch",
    columns=("event", "source", "medium"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "source": Field(
            "Source", "text", "Source and medium of the visit, else those last told: `google / organic`."
        ),
        "first_source": Field("First source", "text", "Source and medium told first."),
    },
)
